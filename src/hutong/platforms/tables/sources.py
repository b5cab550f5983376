"""From a path to plain byte streams: gzip and zip are unpacked under caps, content decides and not the name."""

from __future__ import annotations

import gzip
import io
import os
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Final, cast

import msgspec

from hutong.platforms.tables.damage import DAMAGE
from hutong.platforms.tables.errors import (
    ArchiveBomb,
    ArchiveNested,
    FileBroken,
    FileEmpty,
    FileEncrypted,
    FileIsPage,
    FileKindUnknown,
    FileMissing,
    FileTooLarge,
)
from hutong.platforms.tables.limits import (
    ARCHIVE_MEMBERS_MAX,
    CHUNK_BYTES,
    UNPACK_RATIO_FROM_BYTES,
    UNPACK_RATIO_MAX,
    UNPACKED_BYTES_MAX,
)
from hutong.platforms.tables.salvage import Readable, rows_before_the_cut, rows_before_the_damage

HEAD_BYTES: Final = 4096
OLE_MAGIC: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
GZIP_MAGIC: Final = b"\x1f\x8b"
ZIP_MAGICS: Final = (b"PK\x03\x04", b"PK\x05\x06")
OTHER_ARCHIVE_MAGICS: Final = (b"Rar!\x1a\x07", b"7z\xbc\xaf\x27\x1c", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd")
OTHER_MAGICS: Final = (b"%PDF-", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\x7fELF", b"PAR1", b"SQLite format 3\x00")
PAGE_MARKS: Final = (b"<!doctype html", b"<html", b"<?xml", b"<table", b"<head", b"<body", b"<script")
UTF16_BOMS: Final = (b"\xff\xfe", b"\xfe\xff")
#: Tab and the ends of lines.
TEXT_CONTROLS: Final = frozenset(b"\t\n\r")
#: One in so many bytes is rare.
RARE: Final = 64
ENCRYPTED_FLAG: Final = 0x1
WORKBOOK_PART: Final = "[Content_Types].xml"


class Kind(StrEnum):
    """What a stream of bytes is, by its first bytes."""

    EMPTY = "empty"
    OLE = "ole"
    GZIP = "gzip"
    ZIP = "zip"  # a workbook too
    ARCHIVE = "archive"  # one that is not unpacked here
    PAGE = "page"
    BINARY = "binary"
    TEXT = "text"


class Source(msgspec.Struct, frozen=True):
    """One table's bytes. ``open`` gives a fresh stream each time; a workbook's stream can seek."""

    name: str
    is_workbook: bool
    open: Callable[[], AbstractContextManager[io.BufferedReader]]


def kind_of(head: bytes) -> Kind:
    """Judge by magic bytes; text is what has no NUL (or begins with a UTF-16 mark).

    Whole lines of text before the first control character, or a rare NUL and no other one, are text that is damaged
    from there on or in one place; its reader says where.
    """
    if not head:
        return Kind.EMPTY
    if head.startswith(OLE_MAGIC):
        return Kind.OLE
    if head.startswith(GZIP_MAGIC):
        return Kind.GZIP
    if head.startswith(ZIP_MAGICS):
        return Kind.ZIP
    if head.startswith(OTHER_ARCHIVE_MAGICS):
        return Kind.ARCHIVE
    if head.startswith(OTHER_MAGICS):
        return Kind.BINARY
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith(PAGE_MARKS):
        return Kind.PAGE
    if b"\x00" in head and not head.startswith(UTF16_BOMS) and not _is_damaged_text(head):
        return Kind.BINARY
    return Kind.TEXT


def _is_damaged_text(head: bytes) -> bool:
    first = next(place for place, byte in enumerate(head) if byte < 0x20 and byte not in TEXT_CONTROLS)
    if b"\n" in head[:first].lstrip():
        return True
    controls = sum(byte < 0x20 and byte not in TEXT_CONTROLS for byte in head)
    return b"\n" in head and controls == head.count(b"\x00") and controls * RARE <= len(head)


class CappedReader(io.RawIOBase):
    """Reads a stream, counting: beyond the size or ratio that an order file can have it refuses.

    ``again`` opens the same stream anew: of a damaged one the rows before the damage are counted.
    """

    def __init__(
        self,
        stream: Readable,
        name: str,
        packed_bytes: int | None,
        again: Callable[[], AbstractContextManager[Readable]],
    ) -> None:
        super().__init__()
        self._stream = stream
        self._name = name
        self._packed_bytes = packed_bytes
        self._again = again
        self._read_bytes = 0
        self._rows = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill the buffer; damage in the packing becomes a refusal."""
        try:
            data = self._stream.read1(min(len(buffer), CHUNK_BYTES))  # what is there now: damage later loses no row
        except DAMAGE as error:
            rows = max(self._rows, rows_before_the_damage(self._again))
            raise FileBroken(name=self._name, row=rows + 1) from error
        self._read_bytes += len(data)
        self._rows += data.count(b"\n")
        check_size(self._name, self._read_bytes, self._packed_bytes)
        buffer[: len(data)] = data
        return len(data)


def check_size(name: str, unpacked_bytes: int, packed_bytes: int | None) -> None:
    """Refuse what passes the caps.

    Raises:
        ArchiveBomb: the ratio is that of a bomb.
        FileTooLarge: it is large without being packed that well.
    """
    if packed_bytes is not None and unpacked_bytes > max(UNPACK_RATIO_FROM_BYTES, packed_bytes * UNPACK_RATIO_MAX):
        raise ArchiveBomb(name=name)
    if unpacked_bytes > UNPACKED_BYTES_MAX:
        raise FileTooLarge(name=name, limit="bytes", most=UNPACKED_BYTES_MAX, row=1)


def sources(path: Path) -> list[Source]:
    """The tables' streams that a file holds: one, or several for an archive.

    Raises:
        FileRefused: the file cannot hold an order table, with the reason as a subclass.
    """
    name = path.name
    try:
        with path.open("rb") as stream:
            head = stream.read(HEAD_BYTES)
            packed_bytes = os.fstat(stream.fileno()).st_size
    except OSError as error:
        raise FileMissing(name=name) from error
    kind = kind_of(head)
    _refuse_foreign(name, kind)
    if kind is Kind.GZIP:
        return [_gzip_source(path, packed_bytes)]
    if kind is Kind.ZIP:
        return _zip_sources(path, packed_bytes)
    return [Source(name, False, lambda: _open_plain(path, name))]


def _refuse_foreign(name: str, kind: Kind) -> None:
    if kind is Kind.EMPTY:
        raise FileEmpty(name=name)
    if kind is Kind.OLE:
        raise FileEncrypted(name=name)
    if kind is Kind.PAGE:
        raise FileIsPage(name=name)
    if kind in {Kind.BINARY, Kind.ARCHIVE}:
        raise FileKindUnknown(name=name)


@contextmanager
def _open_plain(path: Path, name: str) -> Iterator[io.BufferedReader]:
    with path.open("rb") as stream:
        yield io.BufferedReader(CappedReader(stream, name, None, lambda: path.open("rb")), CHUNK_BYTES)


def _gzip_source(path: Path, packed_bytes: int) -> Source:
    name = path.name

    @contextmanager
    def opened() -> Iterator[io.BufferedReader]:
        with gzip.open(path) as stream:
            capped = CappedReader(stream, name, packed_bytes, partial(gzip.open, path))
            yield io.BufferedReader(capped, CHUNK_BYTES)

    with opened() as stream:
        kind = kind_of(stream.read1(HEAD_BYTES))  # what is there: a cut further on is told by its row
    if kind in {Kind.GZIP, Kind.ZIP, Kind.ARCHIVE}:
        raise ArchiveNested(name=name)
    _refuse_foreign(name, kind)
    return Source(name, False, opened)


def _zip_sources(path: Path, packed_bytes: int) -> list[Source]:
    name = path.name
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if any(member.filename == WORKBOOK_PART for member in members):
                return [Source(name, True, lambda: _open_plain_seekable(path))]
            if len(members) > ARCHIVE_MEMBERS_MAX:
                raise FileTooLarge(name=name, limit="members", most=ARCHIVE_MEMBERS_MAX, row=1)
            wanted = [member for member in members if not _is_litter(member)]
            _check_members(name, wanted, packed_bytes)
            found = [_member_source(path, archive, member, packed_bytes) for member in wanted]
    except DAMAGE as error:
        raise FileBroken(name=name, row=_rows_before_the_cut(path) + 1) from error
    if not found:
        raise FileEmpty(name=name)
    return found


def _rows_before_the_cut(path: Path) -> int:
    with path.open("rb") as stream:
        return rows_before_the_cut(stream)


def _is_litter(member: zipfile.ZipInfo) -> bool:
    base = member.filename.rsplit("/", 1)[-1]
    return member.is_dir() or member.filename.startswith("__MACOSX/") or base.startswith(".")


def _check_members(name: str, members: list[zipfile.ZipInfo], packed_bytes: int) -> None:
    for member in members:
        if member.flag_bits & ENCRYPTED_FLAG:
            raise FileEncrypted(name=name)
        check_size(name, member.file_size, max(member.compress_size, 1))
    check_size(name, sum(member.file_size for member in members), packed_bytes)


def _member_source(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo, packed_bytes: int) -> Source:
    name = f"{path.name}:{member.filename.rsplit('/', 1)[-1]}"
    with archive.open(member) as stream:
        kind = kind_of(stream.read(HEAD_BYTES))
    if kind in {Kind.GZIP, Kind.ARCHIVE}:
        raise ArchiveNested(name=path.name)
    _refuse_foreign(name, kind)
    if kind is Kind.ZIP:
        return Source(name, True, lambda: _open_member_copy(path, member, name, packed_bytes))
    return Source(name, False, lambda: _open_member(path, member, name, packed_bytes))


@contextmanager
def _open_plain_seekable(path: Path) -> Iterator[io.BufferedReader]:
    with path.open("rb") as stream:
        yield stream


@contextmanager
def _open_member(path: Path, member: zipfile.ZipInfo, name: str, packed_bytes: int) -> Iterator[io.BufferedReader]:
    with _open_part(path, member) as stream:
        capped = CappedReader(stream, name, packed_bytes, lambda: _open_part(path, member))
        yield io.BufferedReader(capped, CHUNK_BYTES)


@contextmanager
def _open_part(path: Path, member: zipfile.ZipInfo) -> Iterator[Readable]:
    """By its entry and not by its name: an archive may hold two parts of one name."""
    with zipfile.ZipFile(path) as archive, archive.open(member) as stream:
        yield cast("zipfile.ZipExtFile", stream)


@contextmanager
def _open_member_copy(path: Path, member: zipfile.ZipInfo, name: str, packed_bytes: int) -> Iterator[io.BufferedReader]:
    """A workbook inside an archive: copied to a temporary file, since workbooks are read by seeking."""
    with tempfile.TemporaryFile() as copy:
        with _open_member(path, member, name, packed_bytes) as stream:
            while chunk := stream.read(CHUNK_BYTES):
                copy.write(chunk)
        copy.seek(0)
        try:
            with zipfile.ZipFile(copy) as archive:
                is_workbook = any(part.filename == WORKBOOK_PART for part in archive.infolist())
        except DAMAGE as error:
            copy.seek(0)
            raise FileBroken(name=name, row=rows_before_the_cut(copy) + 1) from error
        if not is_workbook:
            raise ArchiveNested(name=path.name)
        copy.seek(0)
        yield cast("io.BufferedReader", copy)
