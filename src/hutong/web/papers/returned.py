"""A statement's table that comes back: is it the one that went out, line by line?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec

from hutong.core.errors import InvalidAmount, InvalidInput
from hutong.core.money import Money
from hutong.db.unit import Unit
from hutong.ledger.queries import one_statement
from hutong.ledger.statement_details import LINES_MAX, detailed_lines
from hutong.ledger.statement_seals import StatementCheck, check_statement, root_of_text
from hutong.platforms.tables.sheets import sheet_rows
from hutong.platforms.tables.sources import sources
from hutong.platforms.tables.text import probe_encoding, text_rows
from hutong.web.i18n import LOCALES, Catalogues
from hutong.web.papers.tables import COLUMNS
from hutong.web.papers.words import ROOT_TITLE, STATEMENT_TITLE

_PLACES: Final = {column.title: place for place, column in enumerate(COLUMNS)}
EARNED: Final = _PLACES["赚得"]
TAKEN_BACK: Final = _PLACES["退款冲回"]
SEQUENCE: Final = _PLACES["账本批次"]
COMMA: Final = ","


class ReturnedLine(msgspec.Struct, frozen=True):
    """A line as the file has it: the batch's number, and what was earned less what was taken back, as text."""

    sequence: int
    earned: str
    taken_back: str

    def amount(self, currency: str) -> int | None:
        """Minor units; None where the cells hold no amount."""
        try:
            parts = [Money.parse(text, currency).amount_minor for text in (self.earned, self.taken_back) if text]
        except InvalidAmount:
            return None
        return sum(parts)


class Returned(msgspec.Struct, frozen=True, kw_only=True):
    """What a file says: which statement it is, its root (empty where it is not sealed), and its lines."""

    statement_id: UUID
    root: str
    lines: tuple[ReturnedLine, ...]


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """A file against the books. ``changed``: batches whose lines are not as the statement has them, some of them."""

    check: StatementCheck
    lines_match: bool
    changed: tuple[int, ...]

    @property
    def is_sound(self) -> bool:
        """Whether the file is the statement and the statement is the books."""
        return self.lines_match and self.check.is_sound


CHANGED_TOLD_MAX: Final = 20


def read_back(path: Path, catalogues: Catalogues) -> Returned:
    """Read a CSV or XLSX that was downloaded here, in whatever language.

    Raises:
        FileRefused: it cannot be read as a table.
        InvalidInput: it is no statement of ours.
    """
    facts: dict[str, str] = {}
    lines: list[ReturnedLine] = []
    for cells in _rows(path):
        if len(cells) > SEQUENCE and cells[SEQUENCE].isascii() and cells[SEQUENCE].isdigit():
            lines.append(ReturnedLine(int(cells[SEQUENCE]), cells[EARNED].strip(), cells[TAKEN_BACK].strip()))
        elif len(cells) > 1:
            facts.setdefault(cells[0].strip(), cells[1].strip())
        if len(lines) > LINES_MAX:
            raise InvalidInput(field="file", problem=f"≤ {LINES_MAX}")
    try:
        statement_id = UUID(_fact(facts, STATEMENT_TITLE, catalogues))
    except ValueError:
        raise InvalidInput(field="file", problem=path.name) from None
    return Returned(statement_id=statement_id, root=_fact(facts, ROOT_TITLE, catalogues), lines=tuple(lines))


async def compare(unit: Unit, returned: Returned) -> Comparison:
    """Hold a file against the statement that it says it is.

    Raises:
        NotFound: this merchant has no such statement.
    """
    row = await one_statement(unit, returned.statement_id)
    kept: Counter[tuple[int, int | None]] = Counter(
        (line.sequence, line.earned.amount_minor) for line in await detailed_lines(unit, row)
    )
    told = Counter((line.sequence, line.amount(row.net.currency)) for line in returned.lines)
    differing = {sequence for sequence, _ in (kept - told) + (told - kept)}
    return Comparison(
        check=await check_statement(unit, returned.statement_id, root_of_text(returned.root)),
        lines_match=not differing,
        changed=tuple(sorted(differing)[:CHANGED_TOLD_MAX]),
    )


def _rows(path: Path) -> Iterator[Sequence[str]]:
    for source in sources(path):
        if source.is_workbook:
            for _title, rows in sheet_rows(source):
                yield from (cells for _number, cells in rows)
        else:
            yield from (cells for _number, cells in text_rows(source, probe_encoding(source), COMMA))


def _fact(facts: dict[str, str], title: str, catalogues: Catalogues) -> str:
    """A fact by its title in any of the languages."""
    return next((facts[name] for name in (catalogues.text(one, title) for one in LOCALES) if name in facts), "")
