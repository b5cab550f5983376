"""QR codes as SVG: drawn here, so that no address ever leaves the hub to be drawn."""

from __future__ import annotations

from io import BytesIO
from typing import Final

import segno

#: A QR of level M holds more; longer text is not a link that people scan.
TEXT_CHARS_MAX: Final = 1000
_QUIET_MODULES: Final = 3
_PNG_SCALE: Final = 16


def qr_svg(text: str, title: str) -> str:
    """An SVG element that any phone camera reads; ``title`` names it for screen readers.

    Raises:
        ValueError: the text is empty or longer than TEXT_CHARS_MAX.
    """
    if not 0 < len(text) <= TEXT_CHARS_MAX:
        raise ValueError("a QR code carries between 1 and 1000 characters")
    drawn = BytesIO()
    segno.make(text, error="m", micro=False).save(
        drawn, kind="svg", xmldecl=False, svgns=True, border=_QUIET_MODULES, title=title, omitsize=True,
        dark="#17332d", light="#ffffff",
    )  # fmt: skip
    return drawn.getvalue().decode()


def qr_png(text: str) -> bytes:
    """The same as a picture for a print shop, with the quiet zone of four modules that the standard wants.

    Raises:
        ValueError: the text is empty or longer than TEXT_CHARS_MAX.
    """
    if not 0 < len(text) <= TEXT_CHARS_MAX:
        raise ValueError("a QR code carries between 1 and 1000 characters")
    drawn = BytesIO()
    segno.make(text, error="m", micro=False).save(drawn, kind="png", border=4, scale=_PNG_SCALE)
    return drawn.getvalue()
