"""Finds the header with the platform's help and hands on the rows below it, sheet by sheet, file by file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Protocol

import msgspec

from hutong.platforms.tables.cells import is_blank
from hutong.platforms.tables.errors import FileEmpty, FileTooLarge, HeaderNotFound
from hutong.platforms.tables.headers import normal_header
from hutong.platforms.tables.limits import HEADER_ROWS_MAX, ROWS_MAX
from hutong.platforms.tables.sheets import sheet_rows
from hutong.platforms.tables.sources import Source, sources
from hutong.platforms.tables.text import DELIMITERS, NumberedRow, probe_encoding, text_rows


class Headers(Protocol):
    """What tells a header from other rows; readers of order files are such."""

    def recognises(self, header: Sequence[str]) -> bool:
        """Whether this (normalised) row is a header."""
        ...

    def bare_columns(self, row: Sequence[str]) -> Sequence[str] | None:
        """The header of a file that has none, where its first row (raw cells) tells."""
        ...


class Table(msgspec.Struct, frozen=True):
    """A header that the platform's reader knows, and the rows below it (blank ones left out).

    ``name``: the file, and the member or sheet inside it. ``rows`` streams and is read once, before the next table.
    """

    name: str
    header: tuple[str, ...]
    rows: Iterator[NumberedRow]


def tables(path: Path, files: Headers, platform: str) -> Iterator[Table]:
    """Every table of a file that ``files`` recognises; sheets without such a header are passed over.

    Raises:
        FileRefused: the file as a whole cannot be read, or no part of it has a header of the platform.
    """
    found = False
    for source in sources(path):
        for name, rows in _candidates(source, files):
            if table := _table(name, rows, files):
                found = True
                yield table
    if not found:
        raise HeaderNotFound(name=path.name, rows=HEADER_ROWS_MAX, platform=platform)


def _candidates(source: Source, files: Headers) -> Iterator[tuple[str, Iterator[NumberedRow]]]:
    if source.is_workbook:
        for title, rows in sheet_rows(source):
            yield f"{source.name}!{title}", rows
        return
    encoding = probe_encoding(source)
    for delimiter in DELIMITERS:
        if _has_header(text_rows(source, encoding, delimiter), files):
            yield source.name, text_rows(source, encoding, delimiter)
            return


def _has_header(rows: Iterator[NumberedRow], files: Headers) -> bool:
    for row_no, cells in rows:
        if row_no > HEADER_ROWS_MAX:
            return False
        if files.recognises(normal_header(cells)) or files.bare_columns(cells):
            return True
    return False


def _table(name: str, rows: Iterator[NumberedRow], files: Headers) -> Table | None:
    for row_no, cells in rows:
        if row_no > HEADER_ROWS_MAX:
            return None
        header = normal_header(cells)
        if files.recognises(header):
            return Table(name, header, _data(name, rows))
        if bare := files.bare_columns(cells):
            return Table(name, tuple(bare), _data(name, chain([(row_no, cells)], rows)))
    return None


def _data(name: str, rows: Iterator[NumberedRow]) -> Iterator[tuple[int, Sequence[str]]]:
    count = 0
    for row_no, cells in rows:
        if is_blank(cells):
            continue
        count += 1
        if count > ROWS_MAX:
            raise FileTooLarge(name=name, limit="rows", most=ROWS_MAX, row=row_no)
        yield row_no, cells
    if not count:
        raise FileEmpty(name=name)
