"""A statement's table as it comes back: its rows told apart, in whatever language it went out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec

from hutong.core.errors import InvalidInput
from hutong.ledger.statement_details import LINES_MAX
from hutong.platforms.tables.sheets import sheet_rows
from hutong.platforms.tables.sources import sources
from hutong.platforms.tables.text import probe_encoding, text_rows
from hutong.web.i18n import LOCALES, Catalogues, Locale
from hutong.web.papers.tables import COLUMNS, TOTAL_TITLE
from hutong.web.papers.words import FORMER_TITLES, ROOT_TITLE, STATEMENT_TITLE

COMMA: Final = ","
SEQUENCE: Final = next(place for place, column in enumerate(COLUMNS) if column.title == "账本批次")
#: Rows that are neither lines nor sums: what the statement is, and its seal; more are somebody's own.
FACTS_MAX: Final = 1_000

Cells = tuple[str, ...]


class Returned(msgspec.Struct, frozen=True, kw_only=True):
    """What a file says: which statement it is, its root (empty where it is not sealed), and its rows.

    ``facts``: what the statement is and its seal, by title; ``lines``: by the number of their batch.
    """

    statement_id: UUID
    root: str
    locale: Locale
    is_workbook: bool
    titles: Cells
    sums: tuple[Cells, ...]
    facts: tuple[tuple[str, str], ...]
    lines: tuple[tuple[int, Cells], ...]


def read_back(path: Path, catalogues: Catalogues) -> Returned:
    """Read a CSV or XLSX that was downloaded here, in whatever language.

    Raises:
        FileRefused: it cannot be read as a table.
        InvalidInput: it is no statement of ours.
    """
    lines: list[tuple[int, Cells]] = []
    others: list[Cells] = []
    is_workbook = False
    for source_is_workbook, row in _rows(path):
        is_workbook = is_workbook or source_is_workbook
        cells = tuple(cell.strip() for cell in row)
        if len(cells) > SEQUENCE and cells[SEQUENCE].isascii() and cells[SEQUENCE].isdigit():
            lines.append((int(cells[SEQUENCE]), cells[: len(COLUMNS)]))
        elif any(cells):
            others.append(cells)
        if len(lines) > LINES_MAX or len(others) > FACTS_MAX:
            raise InvalidInput(field="file", problem=f"≤ {LINES_MAX}")
    return _told_apart(path.name, is_workbook, lines, others, catalogues)


def _told_apart(
    name: str, is_workbook: bool, lines: list[tuple[int, Cells]], others: list[Cells], catalogues: Catalogues
) -> Returned:
    locale = _locale(others, catalogues)
    title, total = catalogues.text(locale, COLUMNS[0].title), catalogues.text(locale, TOTAL_TITLE)
    tables = [row[: len(COLUMNS)] for row in others if len(row) > SEQUENCE and row[SEQUENCE]]
    sums = [row[: len(COLUMNS)] for row in others if row[0] == total]
    former = {catalogues.text(locale, old): catalogues.text(locale, new) for old, new in FORMER_TITLES.items()}
    facts = [
        (former.get(row[0], row[0]), row[1] if len(row) > 1 else "") for row in others if row[0] not in (title, total)
    ]
    told = dict(reversed(facts))  # of a title that stands there twice the first
    try:
        statement_id = UUID(told.get(catalogues.text(locale, STATEMENT_TITLE), ""))
    except ValueError:
        raise InvalidInput(field="file", problem=name) from None
    return Returned(
        statement_id=statement_id,
        root=told.get(catalogues.text(locale, ROOT_TITLE), ""),
        locale=locale,
        is_workbook=is_workbook,
        titles=tables[0] if tables else (),
        sums=tuple(sums),
        facts=tuple(facts),
        lines=tuple(lines),
    )


def _locale(rows: Sequence[Cells], catalogues: Catalogues) -> Locale:
    """The language that knows most of the words."""
    words = {cell for row in rows for cell in row}
    titles = [STATEMENT_TITLE, ROOT_TITLE, TOTAL_TITLE, *(column.title for column in COLUMNS)]
    return max(LOCALES, key=lambda one: sum(catalogues.text(one, title) in words for title in titles))


def _rows(path: Path) -> Iterator[tuple[bool, Sequence[str]]]:
    for source in sources(path):
        if source.is_workbook:
            for _title, rows in sheet_rows(source):
                yield from ((True, cells) for _number, cells in rows)
        else:
            yield from ((False, cells) for _number, cells in text_rows(source, probe_encoding(source), COMMA))
