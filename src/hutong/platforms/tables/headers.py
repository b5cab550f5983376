"""Header cells: names drift, so columns are found by name and alias, never by position."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Self

_SPACE = re.compile(r"[\s\ufeff\u200b\u200e\u200f\x00]+")


class HeaderName(str):
    """A header cell for matching, which still knows how the file writes it."""

    written: str

    def __new__(cls, cell: str) -> Self:
        """The cell of the file, made ready for matching."""
        name = super().__new__(cls, normal_name(cell))
        name.written = cell.strip()
        return name


def normal_name(cell: str) -> str:
    """A header cell for matching: full-width forms narrowed, every space and mark out, lower case."""
    return _SPACE.sub("", unicodedata.normalize("NFKC", cell)).strip("'`\"").lower()


def normal_header(cells: Sequence[str]) -> tuple[str, ...]:
    """A row as a header for matching; blank cells at its end are dropped."""
    names = [HeaderName(cell) for cell in cells]
    while names and not names[-1]:
        names.pop()
    return tuple(names)


class Columns:
    """Where each field stands in one file. The first alias that is present wins; so does the first of two equals."""

    def __init__(self, header: Sequence[str], aliases: Mapping[str, Sequence[str]]) -> None:
        self.header = tuple(header)
        places = {name: place for place, name in reversed(list(enumerate(header))) if name}
        self._place: dict[str, int] = {}
        for field, names in aliases.items():
            for name in names:
                if name in places:
                    self._place[field] = places[name]
                    break

    def has(self, *fields: str) -> bool:
        """Whether every one of the fields has a column."""
        return all(field in self._place for field in fields)

    def any(self, *fields: str) -> bool:
        """Whether one of the fields has a column."""
        return any(field in self._place for field in fields)

    def cell(self, row: Sequence[str], field: str) -> str:
        """The raw cell of a field; empty where the column is absent or the row is short."""
        place = self._place.get(field, -1)
        return row[place] if 0 <= place < len(row) else ""

    def name(self, field: str) -> str:
        """The header of a field's column as it was matched; ``as_written`` makes it fit for messages."""
        place = self._place.get(field)
        return field if place is None else self.header[place]

    def unused(self) -> tuple[str, ...]:
        """Columns that nothing reads, for the notice about them."""
        used = set(self._place.values())
        return tuple(name for place, name in enumerate(self.header) if name and place not in used)


def as_written(header: Sequence[str], name: str) -> str:
    """A column's name as the file writes it, by its letters and digits: readers match names in ways of their own.
    One that stands in no header stays as it is.
    """
    key = _letters(name)
    found = (cell.written for cell in header if isinstance(cell, HeaderName) and _letters(cell) == key)
    return next(found, name) if key else name


def _letters(name: str) -> str:
    return "".join(filter(str.isalnum, name))
