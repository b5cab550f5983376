"""Text on a printed page: which font draws which letter, and what fits into a column.

Letters are drawn by the font that set-up fetched, and what a page uses of it is in its file (ADR 0021). A letter that
it lacks is drawn by STSong-Light, which a reader of PDF brings or replaces by its own; where that lacks it too, as a
box. Without a fetched font Helvetica and STSong-Light draw all. The text itself is in the file in any case.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import groupby
from typing import Any, BinaryIO, Final, NamedTuple

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from hutong.web.papers.embedding import PaperFont
from hutong.web.papers.outlines import BOLD, REGULAR, outlines


class Fonts(NamedTuple):
    """The names of a font at both weights."""

    regular: str
    bold: str


OWN: Final = Fonts("HutongPaper-Regular", "HutongPaper-Bold")
LATIN: Final = Fonts("Helvetica", "Helvetica-Bold")
CHINESE: Final = Fonts("STSong-Light", "STSong-Light")
#: Stands for a letter that no font has (an emoji in a title).
MISSING: Final = "□"
ELLIPSIS: Final = "…"
#: Words of a column come again and again; measuring them is most of the work.
KNOWN_TEXTS_MAX: Final = 4_096
KNOWN_LETTERS_MAX: Final = 8_192
#: A longer run of letters without a blank is no word and is broken anywhere.
WORD_CHARS_MAX: Final = 20
_LATIN_LAST: Final = "\u00ff"
_FIRST_PRINTABLE: Final = " "

pdfmetrics.registerFont(UnicodeCIDFont(CHINESE.regular))


class PaperCanvas(Canvas):
    """A canvas that remembers which letters its file does not carry."""

    def __init__(self, file: BinaryIO, size: tuple[int, int]) -> None:
        first = OWN.regular if is_embedding() else LATIN.regular  # every page begins with it
        more: dict[str, Any] = {"initialFontName": first}  # the stubs call it a number
        super().__init__(file, pagesize=size, pageCompression=1, invariant=1, **more)
        self.lacking: set[str] = set()


@lru_cache(maxsize=1)
def is_embedding() -> bool:
    """Whether pages carry their font; registers it the first time."""
    found = outlines()
    if found is None:
        return False
    for name, weight in ((OWN.regular, REGULAR), (OWN.bold, BOLD)):
        pdfmetrics.registerFont(PaperFont(name, found, weight))
    return True


@lru_cache(maxsize=KNOWN_TEXTS_MAX)
def runs(text: str, *, bold: bool = False) -> tuple[tuple[str, str], ...]:
    """A text in pieces of one font each: (font, piece). What cannot be drawn is replaced."""
    pieces = groupby(map(_drawn, text), key=lambda drawn: drawn[0])
    return tuple(
        (fonts.bold if bold else fonts.regular, "".join(letter for _, letter in drawn)) for fonts, drawn in pieces
    )


@lru_cache(maxsize=KNOWN_TEXTS_MAX)
def lacking(text: str) -> frozenset[str]:
    """Letters of a text that a page cannot carry, where it carries its font."""
    if not is_embedding():
        return frozenset()
    return frozenset(letter for letter in text if letter >= _FIRST_PRINTABLE and _drawn(letter) != (OWN, letter))


@lru_cache(maxsize=KNOWN_TEXTS_MAX)
def width_of(text: str, size: int, *, bold: bool = False) -> float:
    """How wide a text is drawn, in points."""
    return sum(pdfmetrics.stringWidth(piece, font, size) for font, piece in runs(text, bold=bold))


def fitted(text: str, size: int, width: int, *, bold: bool = False) -> str:
    """A text that is at most so wide; what is cut off shows as an ellipsis."""
    if width_of(text, size, bold=bold) <= width:
        return text
    low, high = 0, len(text)
    while low < high:  # ends: the span halves
        middle = (low + high + 1) // 2
        if width_of(text[:middle] + ELLIPSIS, size, bold=bold) <= width:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + ELLIPSIS


def lines_of(text: str, size: int, width: int, most: int) -> list[str]:
    """A text in at most so many lines: between words, or at any letter, as Chinese is broken. The last one is cut."""
    found: list[str] = []
    rest = text
    while rest and len(found) < most - 1:
        count = len(rest)
        while count > 1 and width_of(rest[:count], size) > width:
            count -= 1
        if count < len(rest) and " " in rest[count - WORD_CHARS_MAX : count] and rest[count].isascii():
            count = rest.rindex(" ", 0, count) + 1
        found.append(rest[:count])
        rest = rest[count:]
    return [*found, fitted(rest, size, width)] if rest else found


def draw(canvas: PaperCanvas, x: int, y: int, text: str, size: int, *, bold: bool = False, right: bool = False) -> None:
    """Draw a text; ``x`` is its left edge, or its right one."""
    if not text:
        return
    canvas.lacking |= lacking(text)
    pen = canvas.beginText()
    pen.setTextOrigin(x - width_of(text, size, bold=bold) if right else x, y)
    for font, piece in runs(text, bold=bold):
        pen.setFont(font, size)
        pen.textOut(piece)
    canvas.drawText(pen)


@lru_cache(maxsize=KNOWN_LETTERS_MAX)
def _drawn(letter: str) -> tuple[Fonts, str]:
    """By which fonts a letter is drawn, and the letter or what stands for it."""
    if letter < _FIRST_PRINTABLE:
        letter = _FIRST_PRINTABLE
    found = outlines() if is_embedding() else None
    if found is not None and letter.isprintable() and found.has(ord(letter)):
        return OWN, letter
    if letter <= _LATIN_LAST and letter.isprintable():
        return LATIN, letter
    try:
        letter.encode("gbk")
    except UnicodeEncodeError:
        return (CHINESE if found is None else OWN), MISSING
    return CHINESE, letter
