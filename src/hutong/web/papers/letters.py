"""Text on a printed page: which font draws which letter, and what fits into a column.

No font is shipped: Latin letters are drawn by Helvetica and Chinese ones by STSong-Light, which every reader of PDF
brings or replaces by one of its own (ADR 0018). The text itself is in the file, so that it can be searched and copied.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import groupby
from typing import Final

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

LATIN: Final = "Helvetica"
BOLD: Final = "Helvetica-Bold"
CHINESE: Final = "STSong-Light"
#: Stands for a letter that neither font has (an emoji in a title).
MISSING: Final = "□"
ELLIPSIS: Final = "…"
#: Words of a column come again and again; measuring them is most of the work.
KNOWN_TEXTS_MAX: Final = 4_096
#: A longer run of letters without a blank is no word and is broken anywhere.
WORD_CHARS_MAX: Final = 20
_LATIN_LAST: Final = "\u00ff"
_FIRST_PRINTABLE: Final = " "

pdfmetrics.registerFont(UnicodeCIDFont(CHINESE))


@lru_cache(maxsize=KNOWN_TEXTS_MAX)
def runs(text: str, *, bold: bool = False) -> tuple[tuple[str, str], ...]:
    """A text in pieces of one font each: (font, piece). What cannot be drawn is replaced."""
    latin = BOLD if bold else LATIN
    pieces = groupby(map(_drawn, text), key=lambda letter: letter <= _LATIN_LAST)
    return tuple((latin if is_latin else CHINESE, "".join(letters)) for is_latin, letters in pieces)


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


def draw(canvas: Canvas, x: int, y: int, text: str, size: int, *, bold: bool = False, right: bool = False) -> None:
    """Draw a text; ``x`` is its left edge, or its right one."""
    if not text:
        return
    pen = canvas.beginText()
    pen.setTextOrigin(x - width_of(text, size, bold=bold) if right else x, y)
    for font, piece in runs(text, bold=bold):
        pen.setFont(font, size)
        pen.textOut(piece)
    canvas.drawText(pen)


def _drawn(letter: str) -> str:
    if _FIRST_PRINTABLE <= letter <= _LATIN_LAST and letter.isprintable():
        return letter
    if letter < _FIRST_PRINTABLE:
        return _FIRST_PRINTABLE
    try:
        letter.encode("gbk")
    except UnicodeEncodeError:
        return MISSING
    return letter
