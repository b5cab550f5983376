"""Rows of a workbook's sheets, streamed. Numbers that a spreadsheet cannot hold exactly are shown as damaged."""

from __future__ import annotations

import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from typing import IO, Final, Protocol, cast
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from hutong.platforms.tables.errors import FileBroken, FileTooLarge
from hutong.platforms.tables.limits import (
    BLANK_ROWS_MAX,
    CHUNK_BYTES,
    COLUMNS_MAX,
    WORKBOOK_HELD_BYTES_MAX,
    WORKBOOK_PARTS_MAX,
    WORKBOOK_ROW_BYTES_MAX,
)
from hutong.platforms.tables.sources import Source, check_size
from hutong.platforms.tables.text import NumberedRow

#: A spreadsheet keeps 15 significant digits; an integer from here on has lost its last ones.
EXACT_INTEGER_MAX: Final = 10**15
#: What damaged or forged workbooks make the parser raise.
PARSER_ERRORS: Final = (
    zipfile.BadZipFile, zlib.error, EOFError, OSError, ParseError, DefusedXmlException, InvalidFileException,
    KeyError, ValueError, TypeError, IndexError, AttributeError, OverflowError, NotImplementedError,
    RuntimeError, AssertionError, UnicodeError,
)  # fmt: skip
ROW_START: Final = re.compile(rb"<(?:[A-Za-z0-9_]{1,20}:)?row[\s>/]")
ROW_START_BYTES_MAX: Final = 26
ROWS_AT_A_TIME: Final = 256
LONG_DIGITS: Final = re.compile(r"\d{16,}")


def sheet_rows(source: Source) -> Iterator[tuple[str, Iterator[NumberedRow]]]:
    """Each sheet with its rows, in order; a sheet must be read before the next is asked for.

    Raises:
        FileBroken: no workbook, or one that was cut off or forged.
        FileTooLarge: a part, a row or the number of columns passes its limit.
        ArchiveBomb: it unpacks to something abnormal.
    """
    with source.open() as stream:
        try:
            _check_parts(stream, source.name)
            with _quiet():
                book = load_workbook(stream, read_only=True, data_only=True, keep_links=False, rich_text=False)
        except PARSER_ERRORS as error:
            raise FileBroken(name=source.name, row=1) from error
        try:
            for sheet in cast("list[_Sheet]", book.worksheets):
                yield sheet.title, _quietly(_rows(sheet, source.name))
        finally:
            book.close()


@contextmanager
def _quiet() -> Iterator[None]:
    """The parser warns of styles and of what it leaves out, which means nothing here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _quietly(rows: Iterator[NumberedRow]) -> Iterator[NumberedRow]:
    while True:  # ends when the rows do
        with _quiet():  # never over a yield: the setting is the whole process's
            batch = list(islice(rows, ROWS_AT_A_TIME))
        if not batch:
            return
        yield from batch


def _check_parts(stream: IO[bytes], name: str) -> None:
    """Sizes as declared (the unpacker stops there), and no row so large that holding it would hurt."""
    stream.seek(0, 2)
    packed_bytes = stream.tell()
    stream.seek(0)
    with zipfile.ZipFile(stream) as archive:
        parts = archive.infolist()
        if len(parts) > WORKBOOK_PARTS_MAX:
            raise FileTooLarge(name=name, limit="parts", most=WORKBOOK_PARTS_MAX, row="?")
        check_size(name, sum(part.file_size for part in parts), packed_bytes)
        for part in parts:
            check_size(name, part.file_size, max(part.compress_size, 1))
            if "/worksheets/" in part.filename and part.filename.endswith(".xml"):
                with archive.open(part) as sheet:
                    _check_rows(sheet, name)
            elif part.file_size > WORKBOOK_HELD_BYTES_MAX:
                raise FileTooLarge(name=name, limit="bytes", most=WORKBOOK_HELD_BYTES_MAX, row="?")
    stream.seek(0)


def _check_rows(sheet: IO[bytes], name: str) -> None:
    since_row_bytes, rows, kept = 0, 0, b""
    while chunk := sheet.read(CHUNK_BYTES):
        window = kept + chunk
        starts = [match.span() for match in ROW_START.finditer(window)]
        rows += len(starts)
        since_row_bytes = len(window) - starts[-1][0] if starts else since_row_bytes + len(chunk)
        if since_row_bytes > WORKBOOK_ROW_BYTES_MAX:
            raise FileTooLarge(name=name, limit="bytes", most=WORKBOOK_ROW_BYTES_MAX, row=rows)
        kept = window[max(starts[-1][1] if starts else 0, len(window) - ROW_START_BYTES_MAX) :]


class _Sheet(Protocol):
    """What the parser offers of a sheet that is read as a stream; its published types lack ``reset_dimensions``."""

    title: str

    def reset_dimensions(self) -> None: ...

    def iter_rows(self, *, values_only: bool, max_col: int) -> Iterator[Sequence[object]]: ...


def _rows(sheet: _Sheet, name: str) -> Iterator[NumberedRow]:
    row_no = 0
    blank_rows = 0
    sheet.reset_dimensions()  # the declared size may be absent, stale or forged
    try:
        for values in sheet.iter_rows(values_only=True, max_col=COLUMNS_MAX + 1):
            row_no += 1
            if not any(value is not None for value in values):
                blank_rows += 1
                if blank_rows > BLANK_ROWS_MAX:
                    return
                yield row_no, ()
                continue
            blank_rows = 0
            if values[COLUMNS_MAX] is not None:
                raise FileTooLarge(name=name, limit="columns", most=COLUMNS_MAX, row=row_no)
            yield row_no, [cell_text(value) for value in values]
    except PARSER_ERRORS as error:
        raise FileBroken(name=name, row=row_no + 1) from error


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
            return value.replace(tzinfo=None).isoformat(sep=" ", timespec="seconds")
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
