"""Workbooks that go out: written row by row, amounts as numbers, times as times, and no cell that runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from io import BytesIO
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from openpyxl import Workbook
from openpyxl.cell import Cell, WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

from hutong.core.money import MINOR_DIGITS, Money
from hutong.platforms.tables.export import decimal_of_money, safe_cell

#: What a cell of Excel holds.
CELL_CHARS_MAX: Final = 32_767
TITLE_CHARS_MAX: Final = 31
MOMENT_FORMAT: Final = "yyyy-mm-dd hh:mm:ss"
DAY_FORMAT: Final = "yyyy-mm-dd"

SheetCell = str | int | Money | datetime | date | None


class SheetOut(msgspec.Struct, frozen=True, kw_only=True):
    """A sheet: ``bold_rows`` counts from the top, ``frozen_rows`` stay in sight, ``widths`` are in characters."""

    title: str
    rows: Iterable[Sequence[SheetCell]]
    widths: Sequence[int] = ()
    frozen_rows: int = 0


def workbook_bytes(sheets: Sequence[SheetOut], zone: ZoneInfo, made_at: datetime) -> bytes:
    """An XLSX. The first row of each sheet is bold; times are shown in ``zone``."""
    book = Workbook(write_only=True)
    # law: allow time-aware because the format knows no zones; this one was chosen by the reader
    moment = made_at.astimezone(zone).replace(tzinfo=None)
    book.properties.created = book.properties.modified = moment
    for sheet in sheets:
        page = book.create_sheet(sheet.title[:TITLE_CHARS_MAX])
        if sheet.frozen_rows:
            page.freeze_panes = f"A{sheet.frozen_rows + 1}"
        for number, width in enumerate(sheet.widths, start=1):
            page.column_dimensions[get_column_letter(number)].width = width
        for number, row in enumerate(sheet.rows):
            page.append([_cell(page, value, zone, bold=not number) for value in row])
    kept = BytesIO()
    book.save(kept)
    return kept.getvalue()


def _cell(page: WriteOnlyWorksheet, value: SheetCell, zone: ZoneInfo, *, bold: bool) -> Cell | None:
    if value is None:
        return None
    made: Cell = WriteOnlyCell(page, value=_plain(value, zone))
    if isinstance(value, Money):
        digits = MINOR_DIGITS[value.currency]
        made.number_format = "#,##0" + ("." + "0" * digits if digits else "")
    elif isinstance(value, datetime):
        made.number_format = MOMENT_FORMAT
    elif isinstance(value, date):
        made.number_format = DAY_FORMAT
    if bold:
        made.font = Font(bold=True)
        made.alignment = Alignment(wrap_text=True, vertical="top")
    return made


def _plain(value: SheetCell, zone: ZoneInfo) -> Any:  # noqa: ANN401 (the stubs know no Decimal and no date)
    """As openpyxl takes it: Excel knows no zones, so a moment is the time on the merchant's wall."""
    if isinstance(value, str):
        return safe_cell(ILLEGAL_CHARACTERS_RE.sub("", value))[:CELL_CHARS_MAX]
    if isinstance(value, Money):
        return decimal_of_money(value)
    if isinstance(value, datetime):
        # law: allow time-aware because the format knows no zones; this one was chosen by the reader
        return value.astimezone(zone).replace(tzinfo=None)
    return value
