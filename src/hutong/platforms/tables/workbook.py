"""The frame of a workbook: which parts are sheets, what its shared texts are, which styles mean a date.

Office Open XML (ECMA-376 part 1, §18). Document types and entities are refused, so that no part can grow in memory.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import IO, Final
from xml.etree.ElementTree import Element
from xml.parsers import expat

import msgspec
from defusedxml.ElementTree import fromstring
from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format
from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH

from hutong.platforms.tables.limits import CELL_CHARS_MAX, CHUNK_BYTES, WORKBOOK_TOKEN_BYTES_MAX

ROOT_LINKS: Final = "_rels/.rels"
DATE_STYLES_OF_CHINA: Final = frozenset({*range(27, 37), *range(50, 59)})  # built in, without a code of their own
SURROGATES: Final = range(0xD800, 0xE000)
REPLACEMENT: Final = "\ufffd"
CONTROL_ESCAPE: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")


class ForgedPart(ValueError):
    """A part holds what no workbook does."""


class EntityInPart(ForgedPart):
    """A part declares a document type or an entity."""


class OverlongPart(ForgedPart):
    """One tag or text of a part is longer than any workbook's; ``chars_max`` was allowed."""

    def __init__(self, chars_max: int) -> None:
        super().__init__("longer than any workbook's")
        self.chars_max = chars_max


class Sheet(msgspec.Struct, frozen=True):
    """A sheet's name and the part that holds it."""

    title: str
    part: str


class Workbook(msgspec.Struct, frozen=True):
    """What is needed to read cells."""

    sheets: tuple[Sheet, ...]
    texts: list[str]
    date_styles: frozenset[int]
    epoch: datetime


def open_workbook(archive: zipfile.ZipFile) -> Workbook:
    """Read the frame.

    Raises:
        KeyError, ValueError, ParseError, ExpatError: parts are missing, damaged or forged.
    """
    main = next(iter(_links(archive, ROOT_LINKS, "officeDocument").values()))
    folder, name = posixpath.split(main)
    links_part = posixpath.join(folder, "_rels", f"{name}.rels")
    root = _parse(archive, main)
    sheet_parts = _links(archive, links_part, "worksheet")
    sheets = [
        Sheet(element.get("name", ""), sheet_parts[link])
        for element in _all(root, "sheet")
        if (link := next((value for key, value in element.items() if _local(key) == "id"), "")) in sheet_parts
    ]
    texts: list[str] = []
    for part in _links(archive, links_part, "sharedStrings").values():
        with archive.open(part) as stream:
            texts = list(shared_texts(stream))
    is_1904 = any(element.get("date1904") in {"1", "true"} for element in _all(root, "workbookPr"))
    return Workbook(tuple(sheets), texts, _date_styles(archive, links_part), MAC_EPOCH if is_1904 else WINDOWS_EPOCH)


def _parse(archive: zipfile.ZipFile, part: str) -> Element:
    root: Element = fromstring(archive.read(part))
    return root


def _links(archive: zipfile.ZipFile, part: str, kind: str) -> dict[str, str]:
    """Id → part, for the relationships of one kind."""
    folder = posixpath.dirname(posixpath.dirname(part))
    return {
        link.get("Id", ""): posixpath.normpath(posixpath.join("/", folder, link.get("Target", ""))).lstrip("/")
        for link in _all(_parse(archive, part), "Relationship")
        if link.get("Type", "").rsplit("/", 1)[-1] == kind
    }


def _date_styles(archive: zipfile.ZipFile, links_part: str) -> frozenset[int]:
    """Places of the cell styles whose number format is one of dates."""
    found: set[int] = set()
    for part in _links(archive, links_part, "styles").values():
        root = _parse(archive, part)
        codes = dict(BUILTIN_FORMATS)
        codes.update({int(e.get("numFmtId", "0")): e.get("formatCode", "") for e in _all(root, "numFmt")})
        for group in _all(root, "cellXfs"):
            for place, style in enumerate(group):
                number = int(style.get("numFmtId", "0"))
                if number in DATE_STYLES_OF_CHINA or is_date_format(codes.get(number, "")):
                    found.add(place)
    return frozenset(found)


def _all(root: Element, name: str) -> Iterator[Element]:
    return (element for element in root.iter() if _local(element.tag) == name)


def _local(tag: str) -> str:
    return tag.rsplit("}", 1)[-1]


class PartReader:
    """Feeds a part to expat piece by piece; whoever uses it takes what the handlers have made after each piece."""

    def __init__(self) -> None:
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._parser.EntityDeclHandler = self._refuse
        self._parser.StartElementHandler = self._begin
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._begins: dict[str, Callable[[dict[str, str]], None]] = {}
        self._ends: dict[str, Callable[[], None]] = {}
        self._parts: list[str] | None = None
        self._chars = 0
        self._silent_bytes = 0

    def on(self, name: str, begin: Callable[[dict[str, str]], None] | None, end: Callable[[], None] | None) -> None:
        """What to do at an element, by its name without a prefix."""
        if begin is not None:
            self._begins[name] = begin
        if end is not None:
            self._ends[name] = end

    def feed(self, stream: IO[bytes]) -> Iterator[None]:
        """Parse; pauses after each piece.

        Raises:
            ExpatError: it is no XML.
            EntityInPart: it declares a document type or an entity.
            OverlongPart: one tag or text is longer than any workbook's.
        """
        while chunk := stream.read(CHUNK_BYTES):
            self._silent_bytes += len(chunk)
            self._parser.Parse(chunk, False)
            if self._silent_bytes > WORKBOOK_TOKEN_BYTES_MAX:
                raise OverlongPart(WORKBOOK_TOKEN_BYTES_MAX)
            yield
        self._parser.Parse(b"", True)
        yield

    def collect(self) -> None:
        """Begin to keep text."""
        if self._parts is None:
            self._parts, self._chars = [], 0

    def taken(self) -> str:
        """The text kept since :meth:`collect`; keeping ends."""
        text = "".join(self._parts or ())
        self._parts = None
        return text

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        self._silent_bytes = 0
        if begin := self._begins.get(name) or self._begins.get(name.rpartition(":")[2]):
            begin(attributes)

    def _end(self, name: str) -> None:
        if end := self._ends.get(name) or self._ends.get(name.rpartition(":")[2]):
            end()

    def _text(self, text: str) -> None:
        if self._parts is not None:
            self._chars += len(text)
            if self._chars > CELL_CHARS_MAX:
                raise OverlongPart(CELL_CHARS_MAX)
            self._parts.append(text)

    def _refuse(self, *_: object) -> None:
        raise EntityInPart("a document type or an entity")


def shared_texts(stream: IO[bytes]) -> Iterator[str]:
    """The table of texts that cells point into; pronunciation hints are left out."""
    reader = PartReader()
    found: list[str] = []
    pieces: list[str] = []
    hints = 0

    def begin_text(_: dict[str, str]) -> None:
        if not hints:
            reader.collect()

    def end_text() -> None:
        if not hints:
            pieces.append(reader.taken())

    def begin_hint(_: dict[str, str]) -> None:
        nonlocal hints
        hints += 1

    def end_hint() -> None:
        nonlocal hints
        hints -= 1

    def end_item() -> None:
        found.append(unescaped("".join(pieces)))
        pieces.clear()

    reader.on("t", begin_text, end_text)
    reader.on("rPh", begin_hint, end_hint)
    reader.on("si", None, end_item)
    for _ in reader.feed(stream):
        yield from found
        found.clear()


def unescaped(text: str) -> str:
    """Control characters are written as ``_x000D_``; half of a surrogate pair is no character of any text."""
    return CONTROL_ESCAPE.sub(_character, text) if "_x" in text else text


def _character(match: re.Match[str]) -> str:
    place = int(match[1], 16)
    return REPLACEMENT if place in SURROGATES else chr(place)


def seconds_rounded(moment: datetime) -> datetime:
    """Serial numbers of times are binary fractions of a day: 10:00:29.999999 is 10:00:30."""
    return (moment + timedelta(milliseconds=500)).replace(microsecond=0)
