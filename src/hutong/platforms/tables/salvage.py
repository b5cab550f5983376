"""How many rows a cut archive still holds, so that its refusal can name the place. Nothing of them is imported.

A zip's directory stands at its end (APPNOTE 4.3.6): of a cut file the local headers (4.3.7) are walked instead.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import IO, Final, Protocol

from hutong.platforms.tables.damage import DAMAGE
from hutong.platforms.tables.limits import CHUNK_BYTES

#: Signature, version, flags, method, time, date, CRC, packed size, size, name's and extra field's length.
LOCAL_HEADER: Final = struct.Struct("<4s5H3I2H")
LOCAL_MAGIC: Final = b"PK\x03\x04"
STORED: Final = 0
DEFLATED: Final = 8
#: A cut file is looked at as far as this, packed and unpacked.
PACKED_BYTES_MAX: Final = 64 * 1024 * 1024
UNPACKED_BYTES_MAX: Final = 256 * 1024 * 1024
#: A damaged stream is read again in steps of so much.
STEP_BYTES: Final = 64
#: As far as this; beyond, a rougher count does.
STEPPED_BYTES_MAX: Final = 64 * 1024 * 1024
_ROW_END: Final = re.compile(rb"</(?:\w+:)?row>")
#: The longest tag that may lie across two pieces.
_OVERLAP: Final = 32


class Readable(Protocol):
    """The one method that is needed of a packed stream."""

    def read1(self, size: int, /) -> bytes:
        """Some bytes, at most ``size``; none at the end."""
        ...


def rows_before_the_damage(opened: Callable[[], AbstractContextManager[Readable]]) -> int:
    """Whole lines of a stream that cannot be read to its end.

    Small steps: a piece in which damage shows is lost, with the lines that it holds before it.
    """
    rows = read = 0
    try:
        with opened() as stream:
            while read < STEPPED_BYTES_MAX and (piece := stream.read1(STEP_BYTES)):
                rows += piece.count(b"\n")
                read += len(piece)
    except DAMAGE:
        pass
    return rows


def rows_before_the_cut(stream: IO[bytes]) -> int:
    """Whole rows of the first table that can be read: a workbook's first sheet, or a text's lines."""
    packed = stream.read(PACKED_BYTES_MAX)
    at = 0
    while (found := packed.find(LOCAL_MAGIC, at)) >= 0 and found + LOCAL_HEADER.size <= len(packed):
        *_, method, _, _, _, packed_bytes, _, name_bytes, extra_bytes = LOCAL_HEADER.unpack_from(packed, found)
        begin = found + LOCAL_HEADER.size + name_bytes + extra_bytes
        name = packed[found + LOCAL_HEADER.size : begin - extra_bytes].decode("utf-8", "replace").lower()
        if "worksheets/" in name or not name.endswith((".xml", ".rels", "/")):
            end = begin + packed_bytes if packed_bytes else len(packed)  # streamed writers tell the size afterwards
            return _rows(packed[begin:end], method, is_sheet="worksheets/" in name)
        at = begin + packed_bytes
    return 0


def _rows(packed: bytes, method: int, *, is_sheet: bool) -> int:
    if method not in {STORED, DEFLATED}:
        return 0
    if method == STORED:
        return len(_ROW_END.findall(packed)) if is_sheet else packed.count(b"\n")
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    rows = read = 0
    tail = b""
    rest = packed
    while rest and not unpacker.eof and read < UNPACKED_BYTES_MAX:
        try:
            piece = unpacker.decompress(rest, CHUNK_BYTES)
        except zlib.error:
            break
        rest = unpacker.unconsumed_tail
        read += len(piece)
        whole = tail + piece
        rows += len(_ROW_END.findall(whole)) - len(_ROW_END.findall(tail)) if is_sheet else piece.count(b"\n")
        tail = whole[-_OVERLAP:] if is_sheet else b""
    return rows
