"""What reading hostile bytes makes the libraries raise, in one place, and what the merchant is told instead."""

from __future__ import annotations

import csv
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from xml.etree.ElementTree import ParseError
from xml.parsers.expat import ExpatError

from defusedxml.common import DefusedXmlException

from hutong.platforms.tables.errors import EntitiesRefused, FileBroken, FileRefused, FileTooLarge
from hutong.platforms.tables.workbook import EntityInPart, OverlongPart

#: What damaged or forged bytes make the unpackers, the XML parsers and the reading of cells raise. By base class, since
#: the standard library names few of them: ``LookupError`` is a part or place that is not there, or an encoding that
#: nobody knows; ``ValueError`` holds the Unicode errors; ``RuntimeError`` is a locked part, a way of packing that is
#: not there (``NotImplementedError``), or nesting without end (``RecursionError``).
DAMAGE: Final = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, csv.Error, EOFError, OSError, ParseError, ExpatError,
    DefusedXmlException, LookupError, ValueError, ArithmeticError, RuntimeError, StopIteration, TypeError,
    AssertionError, MemoryError,
)  # fmt: skip


def refusal(error: Exception, name: str, row_no: int) -> FileRefused:
    """What is wrong with a file: forged is not cut off, and the merchant is told which."""
    if isinstance(error, EntityInPart | DefusedXmlException):
        return EntitiesRefused(name=name, row=row_no)
    if isinstance(error, OverlongPart):
        return FileTooLarge(name=name, limit="characters", most=error.chars_max, row=row_no)
    return FileBroken(name=name, row=row_no)


@contextmanager
def damage_refused(name: str, row_no: int) -> Iterator[None]:
    """Whatever the bytes of ``name`` raise in here becomes the refusal at ``row_no``.

    Raises:
        FileRefused: the bytes are damaged or forged.
    """
    try:
        yield
    except DAMAGE as error:
        raise refusal(error, name, row_no) from error
