"""Rows of a workbook's sheets, streamed. Numbers that a spreadsheet cannot hold exactly are shown as damaged."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import IO, Final

from openpyxl.utils.datetime import from_excel

from hutong.platforms.tables.cells import Uncomputed
from hutong.platforms.tables.damage import DAMAGE, damage_refused, refusal
from hutong.platforms.tables.errors import FileTooLarge
from hutong.platforms.tables.limits import (
    COLUMNS_MAX,
    WORKBOOK_FRAME_BYTES_MAX,
    WORKBOOK_PARTS_MAX,
    WORKBOOK_TEXTS_BYTES_MAX,
)
from hutong.platforms.tables.sources import Source, check_size
from hutong.platforms.tables.text import NumberedRow
from hutong.platforms.tables.workbook import (
    ForgedPart,
    PartReader,
    Workbook,
    open_workbook,
    seconds_rounded,
    unescaped,
)

#: A spreadsheet keeps 15 significant digits; an integer from here on has lost its last ones.
EXACT_INTEGER_MAX: Final = 10**15
EXACT_DIGITS: Final = 15
#: No sheet has more rows: 1,048,576 today. What is counted further fits no number of a row that anybody could look up.
ROW_NUMBER_MAX: Final = 10**12
LONG_DIGITS: Final = re.compile(r"\d{16,}", re.ASCII)
LETTERS: Final = 26


def sheet_rows(source: Source) -> Iterator[tuple[str, Iterator[NumberedRow]]]:
    """Each sheet with its rows, in order; a sheet must be read before the next is asked for.

    Raises:
        FileBroken: no workbook, or one that was cut off or forged.
        EntitiesRefused: it declares what lets it grow without end.
        FileTooLarge: a part, a cell or the number of columns passes its limit.
        ArchiveBomb: it unpacks to something abnormal.
    """
    with source.open() as stream:
        with damage_refused(source.name, 1):
            archive = zipfile.ZipFile(stream)
        with archive:
            with damage_refused(source.name, 1):
                _check_parts(archive, stream, source.name)
                book = open_workbook(archive)
            for sheet in book.sheets:
                yield sheet.title, _rows(archive, sheet.part, book, source.name)


def _check_parts(archive: zipfile.ZipFile, stream: IO[bytes], name: str) -> None:
    """Sizes as declared; the unpacker stops there."""
    parts = archive.infolist()
    if len(parts) > WORKBOOK_PARTS_MAX:
        raise FileTooLarge(name=name, limit="parts", most=WORKBOOK_PARTS_MAX, row=1)
    stream.seek(0, 2)
    check_size(name, sum(part.file_size for part in parts), stream.tell())
    for part in parts:
        check_size(name, part.file_size, max(part.compress_size, 1))
        lower = part.filename.lower()
        if "worksheets/" in lower or "media/" in lower:
            continue
        limit = WORKBOOK_TEXTS_BYTES_MAX if "sharedstrings" in lower else WORKBOOK_FRAME_BYTES_MAX
        if part.file_size > limit:
            raise FileTooLarge(name=name, limit="bytes", most=limit, row=1)


def _rows(archive: zipfile.ZipFile, part: str, book: Workbook, name: str) -> Iterator[NumberedRow]:
    rows = _SheetRows(book, name)
    try:
        with archive.open(part) as stream:
            for _ in rows.reader.feed(stream):
                yield from rows.finished
                rows.finished.clear()
    except DAMAGE as error:
        raise refusal(error, name, rows.here) from error


class _SheetRows:
    """Makes rows of the events of one sheet's XML (``row``, ``c`` with ``r``, ``s``, ``t``; ``v`` or ``is/t``)."""

    def __init__(self, book: Workbook, name: str) -> None:
        self.row_no = 0
        self.here = 1  #: the row that is being read, or the next one
        self.finished: list[NumberedRow] = []
        self.reader = PartReader()
        self._book = book
        self._name = name
        self._places: dict[str, int] = {}
        self._cells: list[str] = []
        self._place = 0
        self._kind = "n"
        self._style = 0
        self._value = ""
        self._formula: str | None = None
        self.reader.on("row", self._begin_row, self._end_row)
        self.reader.on("c", self._begin_cell, self._end_cell)
        self.reader.on("f", self._begin_formula, self._end_formula)
        self.reader.on("v", self._begin_value, self._end_value)
        self.reader.on("t", self._begin_value, self._end_inline)

    def _begin_row(self, attributes: dict[str, str]) -> None:
        told = attributes.get("r")
        self.row_no = int(told) if told else self.row_no + 1
        if not 0 < self.row_no <= ROW_NUMBER_MAX:
            raise ForgedPart(told)
        self.here = self.row_no
        self._cells = []
        self._place = 0

    def _end_row(self) -> None:
        self.finished.append((self.row_no, self._cells))
        self.here = self.row_no + 1

    def _begin_cell(self, attributes: dict[str, str]) -> None:
        told = attributes.get("r")
        self._place = self._place_of(told.rstrip("0123456789")) if told else self._place + 1
        self._kind = attributes.get("t", "n")
        style = attributes.get("s")
        self._style = int(style) if style else 0
        self._value = ""
        self._formula = None

    def _begin_formula(self, _: dict[str, str]) -> None:
        self.reader.collect()

    def _end_formula(self) -> None:
        self._formula = self.reader.taken()

    def _begin_value(self, _: dict[str, str]) -> None:
        self.reader.collect()

    def _end_value(self) -> None:
        self._value = self.reader.taken()

    def _end_inline(self) -> None:
        self._value += self.reader.taken()

    def _end_cell(self) -> None:
        if not self._value and not self._is_uncomputed():
            return
        if self._place > COLUMNS_MAX:
            raise FileTooLarge(name=self._name, limit="columns", most=COLUMNS_MAX, row=self.row_no)
        self._cells.extend([""] * (self._place - 1 - len(self._cells)))
        if len(self._cells) < self._place:
            self._cells.append(self._text())
        else:
            self._cells[self._place - 1] = self._text()

    def _is_uncomputed(self) -> bool:
        """Whether a formula stands here without a value; text that it makes may be empty, and is kept as such."""
        return self._formula is not None and self._kind != "str"

    def _text(self) -> str:
        raw = self._value
        if not raw:
            return Uncomputed(f"={self._formula}")
        if self._kind == "n":
            return self._number(raw)
        if self._kind == "s":
            return cell_text(self._book.texts[int(raw)])
        if self._kind == "b":
            return cell_text(raw.strip() in {"1", "true"})
        return cell_text(unescaped(raw))

    def _number(self, raw: str) -> str:
        if self._style in self._book.date_styles:
            try:
                return cell_text(from_excel(float(raw), self._book.epoch))
            except (ValueError, OverflowError, TypeError):
                return raw
        if raw.isdigit() and raw.isascii():
            return raw if len(raw) <= EXACT_DIGITS else cell_text(int(raw[:400]))
        return cell_text(float(raw))

    def _place_of(self, letters: str) -> int:
        """A column's number by its letters: A is 1, AA is 27."""
        place = self._places.get(letters)
        if place is None:
            if not (letters.isascii() and letters.isalpha() and len(letters) <= 3):
                raise ValueError(letters)
            place = 0
            for letter in letters.upper():
                place = place * LETTERS + ord(letter) - ord("A") + 1
            self._places[letters] = place
        return place


def cell_text(value: object) -> str:
    """A cell's value as a person would type it.

    An integer that a spreadsheet no longer holds exactly comes out in E notation, as the spreadsheet itself
    shows it, so that an order number kept as a number is seen to be damaged. The same digits kept as text get
    the spreadsheet's own mark of text, a leading ``'``: they are exact.
    """
    match value:
        case None:
            return ""
        case str():
            return f"'{value}" if LONG_DIGITS.fullmatch(value) else value
        case bool():
            return "TRUE" if value else "FALSE"
        case int():
            return str(value) if abs(value) < EXACT_INTEGER_MAX else f"{Decimal(value):E}"
        case float():
            return _number_text(value)
        case datetime():
            # law: allow time-aware because a cell's time has no zone: whoever reads the column says which one it is
            return seconds_rounded(value.replace(tzinfo=None)).isoformat(sep=" ")
        case date() | time():
            return value.isoformat()
        case timedelta():
            return str(value)
        case _:
            return str(value)


def _number_text(value: float) -> str:
    """Fifteen significant digits, as a spreadsheet shows them: 0.1 + 0.2 is 0.3."""
    if value != value or abs(value) >= EXACT_INTEGER_MAX:  # not a number, or too long for one
        return f"{value:E}"
    text = f"{value:.15g}"
    return f"{Decimal(text):f}" if "e" in text else text
