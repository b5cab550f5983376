"""Outlines of letters at a weight, from the slices of a variable font that set-up fetched (ADR 0021).

The font comes as some hundred files of a few hundred letters each (WOFF2, TrueType outlines). Which letter is in which
is read from the list beside them; a slice is opened when a page needs one of its letters, and the outlines are kept.
"""

from __future__ import annotations

import logging
import re
import threading
from collections import OrderedDict
from collections.abc import Sequence
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import msgspec
from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont

from hutong.web.render import STATIC_DIR

LOG: Final = logging.getLogger(__name__)
FONTS_DIR: Final = STATIC_DIR / "assets" / "fonts"
#: The mainland's shapes first; what Simplified Chinese does not write comes from the other.
FAMILIES: Final = ("noto-sans-sc", "noto-sans-tc")
RANGES_FILE: Final = "unicode.json"
REGULAR, BOLD = 400, 700
UNITS_PER_EM: Final = 1_000
#: Letters whose outlines are kept, each some 300 bytes.
OUTLINES_MAX: Final = 12_000
#: Slices that are open at a time, each some 300 kB.
SLICES_OPEN_MAX: Final = 8
BMP_LAST: Final = 0xFFFF
_RANGE: Final = re.compile(r"U\+([0-9a-fA-F]{1,6})(?:-([0-9a-fA-F]{1,6}))?")
_HAN_FIRST, _HAN_LAST = 0x4E00, 0x9FFF


class Outline(msgspec.Struct, frozen=True):
    """A letter: how far it moves on, its box, and its points as a ``glyf`` table has them."""

    advance: int
    box: tuple[int, int, int, int]
    data: bytes


class Slices:
    """Which file of a font folder has which letter; only what the list says is there, and only two-byte letters."""

    def __init__(self, folder: Path) -> None:
        spans: list[tuple[int, int, Path]] = []
        for family in reversed(FAMILIES):
            place = folder / family
            listed = msgspec.json.decode((place / RANGES_FILE).read_bytes(), type=dict[str, str])
            for name, ranges in listed.items():
                file = place / f"{family}-{name.strip('[]')}-wght-normal.woff2"
                spans += [(first, last, file) for first, last in _spans(ranges)]
        self._files: dict[int, Path] = {}
        for first, last, file in spans:  # the first family comes last and stays
            self._files.update(dict.fromkeys(range(first, min(last, BMP_LAST) + 1), file))

    def of(self, code: int) -> Path | None:
        """The file that has a letter."""
        return self._files.get(code)


class Slice:
    """An open file of a few hundred letters."""

    def __init__(self, file: Path) -> None:
        self._font = TTFont(BytesIO(file.read_bytes()), lazy=True)
        self._names: dict[int, str] = self._font.getBestCmap()
        self._at: dict[int, Any] = {}

    def outline(self, code: int, weight: int) -> Outline | None:
        """A letter at a weight; the lists name some that no file has."""
        name = self._names.get(code)
        if name is None:
            return None
        if weight not in self._at:
            self._at[weight] = self._font.getGlyphSet(location={"wght": weight})
        return _outline(self._at[weight], name)


class Outlines:
    """Letters of all weights, as they are asked for; shared by the threads that print."""

    def __init__(self, folder: Path) -> None:
        self._slices = Slices(folder)
        self._known: OrderedDict[tuple[int, int], Outline | None] = OrderedDict()
        self._open: OrderedDict[Path, Slice] = OrderedDict()
        self._lock = threading.Lock()

    def has(self, code: int) -> bool:
        """Whether a letter can be drawn."""
        if _HAN_FIRST <= code <= _HAN_LAST:  # the lists are exact there; elsewhere they promise more than there is
            return self._slices.of(code) is not None
        return self.get(code, REGULAR) is not None

    def get(self, code: int, weight: int) -> Outline | None:
        """A letter at a weight, or None."""
        return self.all_of([code], weight)[0]

    def all_of(self, codes: Sequence[int], weight: int) -> list[Outline | None]:
        """Several letters, each slice opened once."""
        with self._lock:
            found = {code: self._known[code, weight] for code in codes if (code, weight) in self._known}
            lacking = ((self._slices.of(code), code) for code in set(codes) - found.keys())
            for file, code in sorted((file, code) for file, code in lacking if file is not None):
                self._known[code, weight] = found[code] = self._slice(file).outline(code, weight)
            for code in found:
                self._known.move_to_end((code, weight))
            while len(self._known) > OUTLINES_MAX:
                self._known.popitem(last=False)
        return [found.get(code) for code in codes]

    def _slice(self, file: Path) -> Slice:
        if file not in self._open:
            self._open[file] = Slice(file)
            while len(self._open) > SLICES_OPEN_MAX:
                self._open.popitem(last=False)
        self._open.move_to_end(file)
        return self._open[file]


def _spans(ranges: str) -> list[tuple[int, int]]:
    return [(int(first, 16), int(last or first, 16)) for first, last in _RANGE.findall(ranges)]


def _outline(glyphs: Any, name: str) -> Outline:  # noqa: ANN401 (fontTools has no types)
    recorded: Any = DecomposingRecordingPen(glyphs)
    glyphs[name].draw(recorded)
    pen = TTGlyphPen(None)
    recorded.replay(pen)
    glyph = pen.glyph()
    advance = round(glyphs[name].width)
    if not glyph.numberOfContours:
        return Outline(advance, (0, 0, 0, 0), b"")
    data: bytes = glyph.compile(None, recalcBBoxes=True, optimizeSize=True)
    return Outline(advance, (glyph.xMin, glyph.yMin, glyph.xMax, glyph.yMax), data)


@lru_cache(maxsize=1)
def outlines() -> Outlines | None:
    """The fetched font, or None where set-up did not bring it: papers then rely on their reader's fonts."""
    try:
        return Outlines(FONTS_DIR)
    except (OSError, msgspec.DecodeError):
        LOG.warning("no font at %s: printed statements embed none (make set-up fetches it)", FONTS_DIR)
        return None
