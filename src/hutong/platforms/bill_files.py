"""From the bytes of a downloaded bill to lines of text: unpacked and decoded bit by bit, under named limits."""

from __future__ import annotations

import asyncio
import codecs
import io
import zipfile
import zlib
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import islice
from typing import Final

import msgspec

from hutong.platforms.bill_errors import BillCut, BillTooLarge, BillUnreadable
from hutong.platforms.bills import BillRow

MIB: Final = 1024 * 1024
#: Unpacked bytes of a bill: more than a million rows.
BILL_BYTES_MAX: Final = 512 * MIB
#: Bytes unpacked for one byte packed, from a size on where that says something. Bills reach 20.
UNPACK_RATIO_MAX: Final = 200
UNPACK_RATIO_FROM_BYTES: Final = 4 * MIB
CHUNK_BYTES: Final = 256 * 1024
#: Characters of one line. A row of a bill has a few hundred.
LINE_CHARS_MAX: Final = 65_536
#: Files in an archive: details, sums, and what a platform may add.
MEMBERS_MAX: Final = 16
#: Rows handed over at a time; other work gets its turn in between.
PIECE_ROWS: Final = 500
GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS
ENCRYPTED_FLAG: Final = 0x1


class BillFile(msgspec.Struct, frozen=True, kw_only=True):
    """A downloaded file, packed, with whose bill it is for the errors' words."""

    platform: str
    day: str
    packed: bytes

    def cut(self, row: int = 1) -> BillCut:
        """The file is not whole."""
        return BillCut(platform=self.platform, day=self.day, row=row)

    def too_large(self, limit: str, most: int) -> BillTooLarge:
        """A limit was passed."""
        return BillTooLarge(platform=self.platform, day=self.day, limit=limit, most=most)

    def unreadable(self, row: int, column: str) -> BillUnreadable:
        """A row that cannot be understood."""
        return BillUnreadable(platform=self.platform, day=self.day, row=row, column=column)


def gunzipped(file: BillFile) -> Iterator[bytes]:
    """The unpacked bytes of a gzip stream, some at a time.

    Raises:
        BillCut: damaged, cut off, or something follows it.
        BillTooLarge: it grows beyond a limit.
    """
    unpacker = zlib.decompressobj(GZIP_WINDOW)
    left, size = file.packed, 0
    try:
        while left and not unpacker.eof:
            chunk = unpacker.decompress(left, CHUNK_BYTES)
            left = unpacker.unconsumed_tail
            size += len(chunk)
            _check_size(file, size)
            yield chunk
    except zlib.error as error:
        raise file.cut() from error
    if not unpacker.eof or unpacker.unused_data:
        raise file.cut()


def unzipped(file: BillFile, first_line: bytes) -> Iterator[bytes]:
    """The unpacked bytes of that file of an archive which begins with ``first_line``, some at a time.

    A file is told by what it holds: names travel in encodings that archives do not name.

    Raises:
        BillCut: damaged or cut off. BillTooLarge: it grows beyond a limit.
        BillUnreadable: locked, or no file of the archive is it.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(file.packed)) as archive:
            member = _member(file, archive, first_line)
            size = 0
            with archive.open(member) as stream:
                while chunk := stream.read(CHUNK_BYTES):
                    size += len(chunk)
                    _check_size(file, size)
                    yield chunk
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError) as error:
        raise file.cut() from error


def lines(file: BillFile, chunks: Iterator[bytes], encoding: str) -> Iterator[str]:
    """Lines without their ends; a byte order mark is no part of the first one.

    Raises:
        BillCut: bytes that are no text in this encoding. BillTooLarge: an endless line.
    """
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    rest, row = "", 0
    try:
        for chunk in chunks:
            rest += decoder.decode(chunk)
            *whole, rest = rest.split("\n")
            for line in whole:
                row += 1
                yield _clean(file, line, row)
            if len(rest) > LINE_CHARS_MAX:
                raise file.too_large("LINE_CHARS_MAX", LINE_CHARS_MAX)
        rest += decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise file.cut(row + 1) from error
    if rest:
        yield _clean(file, rest, row + 1)


async def in_pieces(rows: Iterator[BillRow]) -> AsyncIterator[Sequence[BillRow]]:
    """Rows some at a time, so that a large bill keeps nobody else waiting."""
    while piece := tuple(islice(rows, PIECE_ROWS)):
        yield piece
        await asyncio.sleep(0)


def _clean(file: BillFile, line: str, row: int) -> str:
    if len(line) > LINE_CHARS_MAX:
        raise file.too_large("LINE_CHARS_MAX", LINE_CHARS_MAX)
    line = line.removesuffix("\r")
    return line.removeprefix("\ufeff") if row == 1 else line


def _member(file: BillFile, archive: zipfile.ZipFile, first_line: bytes) -> zipfile.ZipInfo:
    members = [member for member in archive.infolist() if not member.is_dir()]
    if len(members) > MEMBERS_MAX:
        raise file.too_large("MEMBERS_MAX", MEMBERS_MAX)
    for member in members:
        if member.flag_bits & ENCRYPTED_FLAG:
            raise file.unreadable(1, "zip")
        with archive.open(member) as stream:
            if stream.read(len(first_line)) == first_line:
                return member
    raise file.unreadable(1, "zip")


def _check_size(file: BillFile, size: int) -> None:
    if size > BILL_BYTES_MAX:
        raise file.too_large("BILL_BYTES_MAX", BILL_BYTES_MAX)
    if size > UNPACK_RATIO_FROM_BYTES and size > len(file.packed) * UNPACK_RATIO_MAX:
        raise file.too_large("UNPACK_RATIO_MAX", UNPACK_RATIO_MAX)
