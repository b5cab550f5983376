"""A statement's file against the books: printed once more in its own language and zone, and compared cell by cell."""

from __future__ import annotations

import re
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from hutong.db.unit import Unit
from hutong.ledger.chain_queries import hash_at
from hutong.ledger.statement_seals import StatementCheck, check_statement, root_of_text
from hutong.web.i18n import Catalogues
from hutong.web.papers.reading import StatementPaper, read_paper
from hutong.web.papers.returned import Cells, Returned, read_back
from hutong.web.papers.tables import COLUMNS, statement_csv, statement_xlsx
from hutong.web.papers.words import (
    CHAIN_BATCHES,
    CHAIN_END,
    MADE_AT,
    MERCHANT,
    ROOT_TITLE,
    SEAL_DAY,
    UNSEALED,
    ZONE,
    PaperWords,
)

DIFFERENCES_TOLD_MAX: Final = 50
#: Facts that may be others when the paper is printed again, though nobody changed the file.
_MOVING_FACTS: Final = (MERCHANT, MADE_AT)
#: Facts of a paper that was printed before its day was sealed.
_OF_UNSEALED: Final = (UNSEALED, CHAIN_END, CHAIN_BATCHES)
_CHANNEL: Final = next(place for place, column in enumerate(COLUMNS) if column.title == "渠道")
#: A moment or a day, also as a spreadsheet program writes it when it saves the file again.
_MOMENT: Final = re.compile(r"\d{4}\D\d{1,2}\D\d{1,2}(\D\d{1,2}:\d{2}(:\d{2})?)?", re.ASCII)
_MOMENT_PARTS_MIN: Final = 5


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """A cell that is not what the books say. ``batch``: of which line; 0: of the sums, or of what the statement is."""

    batch: int
    title: str
    told: str
    kept: str


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """A file against the books.

    ``of_lines`` and ``of_paper``: what the seal fixes and the file says otherwise; ``moved``: how shares stand and were
    paid, which payments and refunds change after a file was made, so that it is told and not judged.
    """

    check: StatementCheck
    of_lines: tuple[Difference, ...]
    of_paper: tuple[Difference, ...]
    moved: tuple[Difference, ...]

    @property
    def changed(self) -> tuple[int, ...]:
        """Batches whose lines are not as the statement has them."""
        return tuple(sorted({one.batch for one in self.of_lines}))

    @property
    def is_sound(self) -> bool:
        """Whether the file is the statement and the statement is the books."""
        return not self.of_lines and not self.of_paper and self.check.is_sound


async def compare(unit: Unit, returned: Returned, catalogues: Catalogues) -> Comparison:
    """Hold a file against the statement that it says it is.

    Raises:
        NotFound: this merchant has no such statement.
        StatementTooLong, StatementTorn: as :func:`read_paper`.
    """
    paper = await read_paper(unit, returned.statement_id)
    say = _Sayer(catalogues, returned)
    told_zone = say.fact(ZONE)
    words = PaperWords(catalogues, returned.locale, told_zone if _is_zone(told_zone) else paper.timezone)
    kept = _printed(paper, words, catalogues, is_workbook=returned.is_workbook)
    differences = [*_of_lines(returned, kept), *_of_table(returned, kept)]
    differences += await _of_facts(unit, say, _Sayer(catalogues, kept))
    return Comparison(
        check=await check_statement(unit, returned.statement_id, root_of_text(returned.root)),
        of_lines=tuple(one for is_fixed, one in differences if is_fixed and one.batch),
        of_paper=tuple(one for is_fixed, one in differences if is_fixed and not one.batch),
        moved=tuple(one for is_fixed, one in differences if not is_fixed),
    )


class _Sayer:
    """Facts of a file by their title in the source language."""

    def __init__(self, catalogues: Catalogues, file: Returned) -> None:
        self._catalogues = catalogues
        self._file = file
        self.by_title: dict[str, list[str]] = defaultdict(list)
        for title, value in file.facts:
            self.by_title[title].append(value)

    def title(self, source: str) -> str:
        """As the file calls it."""
        return self._catalogues.text(self._file.locale, source)

    def fact(self, source: str) -> str:
        """The first that is said of it; nothing where it is not there."""
        return next(iter(self.by_title.get(self.title(source), [])), "")


def _printed(paper: StatementPaper, words: PaperWords, catalogues: Catalogues, *, is_workbook: bool) -> Returned:
    """The statement as it would go out now, read as a file that comes back is read."""
    made = statement_xlsx(paper, words) if is_workbook else statement_csv(paper, words)
    with tempfile.TemporaryDirectory(prefix="hutong-paper-") as folder:
        path = Path(folder) / ("paper.xlsx" if is_workbook else "paper.csv")
        path.write_bytes(made)
        return read_back(path, catalogues)


def _of_lines(told: Returned, kept: Returned) -> Iterator[tuple[bool, Difference]]:
    """Lines by batch: a batch may have several, which stand in no order that anybody promised."""
    theirs, ours = _by_batch(told), _by_batch(kept)
    for batch in sorted({*theirs, *ours}):
        left, right = theirs.get(batch, []), ours.get(batch, [])
        if len(left) != len(right):
            sequence = kept.titles[-1] if kept.titles else ""
            yield True, Difference(batch=batch, title=sequence, told=f"× {len(left)}", kept=f"× {len(right)}")
            continue
        for line, own in zip(left, right, strict=True):
            yield from _of_row(batch, line, own, kept.titles)


def _by_batch(file: Returned) -> dict[int, list[Cells]]:
    found: dict[int, list[Cells]] = defaultdict(list)
    for batch, cells in file.lines:
        found[batch].append(cells)
    for rows in found.values():
        rows.sort(key=lambda cells: [cell for cell, column in zip(cells, COLUMNS, strict=False) if not column.moves])
    return found


def _of_table(told: Returned, kept: Returned) -> Iterator[tuple[bool, Difference]]:
    """Titles and sums."""
    yield from ((True, one) for _, one in _of_row(0, told.titles, kept.titles, kept.titles))
    if len(told.sums) != len(kept.sums):
        title = kept.sums[0][0] if kept.sums else ""
        yield True, Difference(batch=0, title=title, told=f"× {len(told.sums)}", kept=f"× {len(kept.sums)}")
        return
    for sums, own in zip(told.sums, kept.sums, strict=True):
        yield from _of_row(0, sums, own, kept.titles)


def _of_row(batch: int, told: Cells, kept: Cells, titles: Cells) -> Iterator[tuple[bool, Difference]]:
    """Cells that differ, and whether the seal fixes them. Who may not know a channel's name has a paper without it."""
    for place, column in enumerate(COLUMNS):
        theirs, ours = _at(told, place), _at(kept, place)
        if is_same(theirs, ours) or (place == _CHANNEL and batch and not theirs):
            continue
        yield not column.moves, Difference(batch=batch, title=_at(titles, place), told=theirs, kept=ours)


async def _of_facts(unit: Unit, told: _Sayer, kept: _Sayer) -> list[tuple[bool, Difference]]:
    """What the statement is, and its seal. A paper from before the seal names the chain's end of then."""
    found: list[tuple[bool, Difference]] = []
    skipped: set[str] = set()
    if told.fact(CHAIN_END) and not told.fact(ROOT_TITLE):
        skipped = {kept.title(one) for one in _OF_UNSEALED} | _titles_of_seal(kept)
        found += await _of_chain_end(unit, told)
    moving = {kept.title(one) for one in _MOVING_FACTS}
    for title in dict.fromkeys((*kept.by_title, *told.by_title)):
        theirs, ours = told.by_title.get(title, []), kept.by_title.get(title, [])
        if title in skipped or (len(theirs) == len(ours) and all(map(is_same, theirs, ours))):
            continue
        one = Difference(batch=0, title=title, told=", ".join(theirs), kept=", ".join(ours))
        found.append((title not in moving or len(theirs) != len(ours), one))
    return found


def _titles_of_seal(kept: _Sayer) -> set[str]:
    """Everything from the seal's first fact on; it stands last."""
    titles = list(kept.by_title)
    first = next((titles.index(name) for name in titles if name == kept.title(SEAL_DAY)), len(titles))
    return set(titles[first:])


async def _of_chain_end(unit: Unit, told: _Sayer) -> list[tuple[bool, Difference]]:
    """Whether the chain's end of then is in the chain of now."""
    place, said = told.fact(CHAIN_BATCHES), told.fact(CHAIN_END)
    kept = await hash_at(unit, int(place)) if place.isascii() and place.isdigit() else None
    if kept is not None and kept.hex() == said.lower():
        return []
    return [
        (True, Difference(batch=0, title=told.title(CHAIN_END), told=said, kept="" if kept is None else kept.hex()))
    ]


def _at(cells: Sequence[str], place: int) -> str:
    return cells[place] if place < len(cells) else ""


def is_same(told: str, kept: str) -> bool:
    """Whether two cells say the same: 29.32 is 29.320, and a moment may have lost its seconds and its zeros."""
    if told == kept:
        return True
    amounts = _number(told), _number(kept)
    if None not in amounts:
        return amounts[0] == amounts[1]
    if not (_MOMENT.fullmatch(told) and _MOMENT.fullmatch(kept)):
        return False
    theirs, ours = ([int(part) for part in re.findall(r"\d+", text)] for text in (told, kept))
    return theirs == ours or (len(theirs) >= _MOMENT_PARTS_MIN and ours[: len(theirs)] == theirs)


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text.replace(",", ""))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return bool(name)
