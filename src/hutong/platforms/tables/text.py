"""Rows of delimited text: the encoding is probed on the whole stream, then read strictly, in constant memory."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from hutong.platforms.tables.cells import is_foot
from hutong.platforms.tables.damage import DAMAGE, refusal
from hutong.platforms.tables.errors import EncodingUnknown, FileBroken, FileTooLarge
from hutong.platforms.tables.limits import CHUNK_BYTES, COLUMNS_MAX, LINE_CHARS_MAX
from hutong.platforms.tables.sources import Source

#: Tried in this order; the first that reads every byte wins. Mainland exports are UTF-8 or GB18030 (a superset of
#: GBK); Windows-1252 is what western shops' spreadsheets write.
ENCODINGS: Final = ("utf-8", "gb18030", "cp1252")
BOMS: Final = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
BOM_BYTES: Final = 4
#: So many letters beyond ASCII that UTF-8 can read are no accident of another encoding: what follows is damage.
SURE_LETTERS: Final = 8
#: What no cell holds; PostgreSQL does not store it either.
NUL: Final = "\x00"
#: Candidates for what stands between two cells; None is any run of blanks (fixed-width listings).
DELIMITERS: Final[tuple[str | None, ...]] = (",", "\t", ";", "|", None)
#: Fed after the last line: seen inside a cell, a quotation mark was never closed.
END_MARK: Final = "\x00end\x00"

NumberedRow = tuple[int, Sequence[str]]


def probe_encoding(source: Source) -> str:
    """The encoding that reads the whole stream without one error.

    Raises:
        EncodingUnknown: none does, or it is UTF-8 with a byte that is none; with the row as far as it could be read.
        FileBroken: the packing is damaged, with the row where it ends.
    """
    encodings: Sequence[str] = ENCODINGS
    with source.open() as stream:
        head = stream.peek(BOM_BYTES)
        for bom, encoding in BOMS:
            if head.startswith(bom):
                encodings = (encoding,)
        probes = [_Probe(encoding) for encoding in encodings]
        while chunk := stream.read1(CHUNK_BYTES):
            for probe in probes:
                probe.feed(chunk)
            if all(probe.has_failed for probe in probes):
                break
        for probe in probes:
            probe.feed(b"", final=True)
    first = probes[0]
    if first.has_failed and first.foreign_letters >= SURE_LETTERS:
        raise EncodingUnknown(name=source.name, row=first.row)
    fitting = [probe.encoding for probe in probes if not probe.has_failed]
    if not fitting:
        raise EncodingUnknown(name=source.name, row=max(probe.row for probe in probes))
    return fitting[0]


class _Probe:
    """Tries one encoding: how far it reads, in rows and in letters beyond ASCII."""

    def __init__(self, encoding: str) -> None:
        self.encoding = encoding
        self.has_failed = False
        self.row = 1
        self.foreign_letters = 0
        self._decoder = codecs.getincrementaldecoder(encoding)("strict")

    def feed(self, chunk: bytes, *, final: bool = False) -> None:
        """Read on."""
        if self.has_failed:
            return
        try:
            text = self._decoder.decode(chunk, final)
        except UnicodeDecodeError as error:
            self.has_failed = True
            text = error.object[: error.start].decode(error.encoding, "ignore")
        except UnicodeError:  # a mark of UTF-16 that is none
            self.has_failed = True
            text = ""
        self.row += text.count("\n")
        if not text.isascii():
            self.foreign_letters += sum(letter > "\x7f" for letter in text)


def text_rows(source: Source, encoding: str, delimiter: str | None) -> Iterator[NumberedRow]:
    """Rows with their number as a spreadsheet shows it (the first is 1; a quoted line break does not count).

    Raises:
        FileBroken: a quotation mark is not closed, a cell holds a NUL, or the last line is cut off.
        FileTooLarge: a line, a cell or the number of columns passes its limit.
    """
    row_no = 0
    tail = _Tail()
    with source.open() as stream, io.TextIOWrapper(stream, encoding=encoding, errors="strict", newline="") as text:
        lines = _lines(text, source.name, lambda: row_no + 1, tail)
        rows = csv.reader(lines, delimiter=delimiter) if delimiter else (line.split() for line in lines)
        width = 0
        try:
            for cells in rows:
                if cells and cells[-1].endswith(END_MARK):
                    if cells != [END_MARK]:
                        raise FileBroken(name=source.name, row=row_no + 1)
                    return
                row_no += 1
                if len(cells) > COLUMNS_MAX and any(cells[COLUMNS_MAX:]):
                    raise FileTooLarge(name=source.name, limit="columns", most=COLUMNS_MAX, row=row_no)
                if tail.is_cut and len(cells) < width and not is_foot(cells):
                    raise FileBroken(name=source.name, row=row_no)
                width = len(cells) if any(cells) else width
                yield row_no, cells
        except DAMAGE as error:
            raise refusal(error, source.name, row_no + 1) from error


class _Tail:
    """Whether the text ended inside a line."""

    def __init__(self) -> None:
        self.is_cut = False


def _lines(text: io.TextIOWrapper, name: str, row_no: Callable[[], int], tail: _Tail) -> Iterator[str]:
    while line := text.readline(LINE_CHARS_MAX):
        if len(line) >= LINE_CHARS_MAX:
            raise FileTooLarge(name=name, limit="characters", most=LINE_CHARS_MAX, row=row_no())
        if NUL in line:
            raise FileBroken(name=name, row=row_no())
        tail.is_cut = not line.endswith(("\n", "\r"))
        yield line + "\n" if tail.is_cut else line
    yield END_MARK
