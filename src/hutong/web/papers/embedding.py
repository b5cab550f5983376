"""A font of reportlab that puts into a page's file the letters that the page uses, and nothing else.

reportlab cuts subsets out of one TrueType file. Ours has no such file: the outlines come from many slices, and a subset
is written from them (tables as in the OpenType specification 1.9.1; which of them a PDF needs: ISO 32000-1, 9.9).
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import pack
from typing import Any, Final
from weakref import WeakKeyDictionary

from reportlab.pdfbase import pdfdoc
from reportlab.pdfbase.pdfmetrics import TypeFace
from reportlab.pdfbase.ttfonts import TTEncoding, TTFont, TTFontMaker

from hutong.web.papers.outlines import UNITS_PER_EM, Outline, Outlines

#: Of Noto Sans SC and TC, in thousandths of the size.
ASCENT, DESCENT, CAP_HEIGHT = 880, -120, 733
BOX: Final = (-1_006, -600, 1_500, 1_200)
_STEM_OF_WEIGHT: Final = {400: 80, 700: 140}
_SYMBOLIC: Final = 4
_NOTHING: Final = Outline(UNITS_PER_EM // 2, (0, 0, 0, 0), b"")
_MAGIC: Final = 0x5F0F3CF5


class _Covered:
    """What reportlab asks for a letter's place in its one file."""

    def __init__(self, outlines: Outlines) -> None:
        self._outlines = outlines

    def __contains__(self, code: int) -> bool:
        return self._outlines.has(code)


class PaperFace(TypeFace):
    """The letters of a weight."""

    def __init__(self, name: str, outlines: Outlines, weight: int) -> None:
        super().__init__(None)
        self.name = name.encode()
        self.subfontNameX = b""
        self.ascent, self.descent = ASCENT, DESCENT
        self.charToGlyph = _Covered(outlines)
        self._outlines = outlines
        self._weight = weight
        self._widths: dict[int, int] = {}  # no more than the font has letters

    def getCharWidth(self, code: int) -> int:  # noqa: N802 (reportlab calls it)
        """How far a letter moves on, in thousandths of the size."""
        if code not in self._widths:
            found = self._outlines.get(code, self._weight)
            if found is None:
                return 0
            self._widths[code] = found.advance
        return self._widths[code]

    def addSubsetObjects(self, doc: Any, fontname: str, subset: list[int]) -> Any:  # noqa: N802, ANN401 (reportlab)
        """Put the letters of a subset into the document."""
        stream = pdfdoc.PDFStream()
        drawn = [_NOTHING, *(found or _NOTHING for found in self._outlines.all_of(subset, self._weight))]
        stream.content = true_type(drawn)
        stream.dictionary["Length1"] = len(stream.content)
        stream.filters = [pdfdoc.PDFZCompress]
        descriptor = pdfdoc.PDFDictionary(
            {
                "Type": "/FontDescriptor",
                "Ascent": ASCENT,
                "CapHeight": CAP_HEIGHT,
                "Descent": DESCENT,
                "Flags": _SYMBOLIC,
                "FontBBox": pdfdoc.PDFArray(BOX),
                "FontName": pdfdoc.PDFName(fontname),
                "ItalicAngle": 0,
                "StemV": _STEM_OF_WEIGHT[self._weight],
                "FontFile2": doc.Reference(stream, f"fontFile:{fontname}"),
                "MissingWidth": 0,
            }
        )
        return doc.Reference(descriptor, f"fontDescriptor:{fontname}")


class PaperFont(TTFont):
    """What :class:`PaperFace` is drawn with; several documents may be in the making at a time, each has its state."""

    def __init__(self, name: str, outlines: Outlines, weight: int) -> None:
        self.fontName = name
        self._letters = PaperFace(name, outlines, weight)
        self.face: Any = self._letters
        self.encoding = TTEncoding()
        self.state = WeakKeyDictionary()
        self._asciiReadable = False
        self._shapable = False

    def stringWidth(self, text: str, size: float, encoding: str = "utf8") -> float:  # noqa: N802, ARG002 (reportlab)
        """How wide a text is drawn, in points."""
        return sum(self._letters.getCharWidth(ord(letter)) for letter in text) * size / UNITS_PER_EM


def true_type(glyphs: Sequence[Outline]) -> bytes:
    """A TrueType file of these glyphs; byte ``n`` of a text draws glyph ``n + 1``, the first is drawn for none."""
    glyf, loca = bytearray(), [0]
    for glyph in glyphs:
        glyf += glyph.data
        glyf += b"\0" * (-len(glyf) % 4)
        loca.append(len(glyf))
    boxes = [glyph.box for glyph in glyphs if glyph.data] or [(0, 0, 0, 0)]
    left, bottom = min(box[0] for box in boxes), min(box[1] for box in boxes)
    right, top = max(box[2] for box in boxes), max(box[3] for box in boxes)
    count, widest = len(glyphs), max(glyph.advance for glyph in glyphs)
    entries = range(1, count)
    made = TTFontMaker()
    made.add(
        "cmap",
        pack(">4HL3H", 0, 1, 1, 0, 12, 6, 10 + 2 * len(entries), 0)
        + pack(f">2H{len(entries)}H", 0, len(entries), *entries),
    )
    made.add("glyf", bytes(glyf))
    head = (0x10000, 0x10000, 0, _MAGIC, 3, UNITS_PER_EM, 0, 0, left, bottom, right, top, 0, 3, 2, 1, 0)
    made.add("head", pack(">4L2H2q4h2H3h", *head))
    made.add(
        "hhea", pack(">L3hH11hH", 0x10000, ASCENT, DESCENT, 0, widest, left, 0, right, 1, 0, 0, 0, 0, 0, 0, 0, count)
    )
    made.add("hmtx", b"".join(pack(">Hh", glyph.advance, glyph.box[0]) for glyph in glyphs))
    made.add("loca", pack(f">{len(loca)}L", *loca))
    made.add("maxp", pack(">L14H", 0x10000, count, *_most_of(glyphs), 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0))
    stream: bytes = made.makeStream()
    return stream


def _most_of(glyphs: Sequence[Outline]) -> tuple[int, int]:
    """The most points and the most contours of a glyph, as its first bytes tell."""
    points, contours = 0, 0
    for glyph in glyphs:
        if glyph.data:
            number = int.from_bytes(glyph.data[:2])
            end = 10 + 2 * number
            points = max(points, int.from_bytes(glyph.data[end - 2 : end]) + 1)
            contours = max(contours, number)
    return points, contours
