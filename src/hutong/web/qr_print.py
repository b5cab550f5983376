"""QR codes to be printed: any size, in the merchant's colour, with his logo in the middle, and still read by any phone.

The level is H, so that nearly a third of the code may be unreadable; the logo covers at most LOGO_SIDE of a side (about
a seventh of the area with its backing). Colours that a camera cannot tell apart are refused.
"""

from __future__ import annotations

import base64
import re
from io import BytesIO
from typing import Any, Final

import msgspec
import segno
from markupsafe import escape
from PIL import Image, ImageDraw, PngImagePlugin

from hutong.core.errors import ErrorText, InvalidInput
from hutong.web.qr import TEXT_CHARS_MAX

#: Modules of nothing around the code, as the standard wants them (ISO/IEC 18004).
QUIET_MODULES: Final = 4
#: Of the code's side, backing included: 0.36² is 13 % of the area; H repairs up to 30 % of the words.
LOGO_SIDE: Final = 0.36
#: Of the logo's square, left free around it on its backing.
_BACKING_MARGIN: Final = 0.08
_BACKING_RADIUS: Final = 0.2
DARK_DEFAULT: Final = "#17332d"
LIGHT: Final = "#ffffff"
#: Against white. WCAG wants 4.5 for text; a camera in bad light needs no less.
CONTRAST_MIN: Final = 4.5
#: The side of a PNG in pixels, and of a print in millimetres.
PIXELS_MIN: Final = 120
PIXELS_MAX: Final = 4_000
PIXELS_DEFAULT: Final = 1_000
PRINT_DPI: Final = 300
PRINT_MM: Final = (20, 30, 50, 80, 120, 200)
_MM_PER_INCH: Final = 25.4
_COLOUR: Final = re.compile(r"#[0-9a-fA-F]{6}")
_LINEAR_FROM: Final = 0.04045


class TooPale(InvalidInput):
    """A colour that a camera would not tell from the paper."""

    code = "qr_too_pale"
    zh = ErrorText(
        "颜色 {field} 太浅，手机可能扫不出来。",
        "二维码的颜色和白底的对比度只有 {problem}，至少要 {needed}。",
        "换一个深一些的颜色，例如 #17332d。",
    )
    en = ErrorText(
        "The colour {field} is too pale to be scanned for sure.",
        "Its contrast with white is {problem}, and at least {needed} is needed.",
        "Take a darker colour, #17332d for one.",
    )


class QrLook(msgspec.Struct, frozen=True, kw_only=True):
    """How a code looks. ``logo`` is a picture of ours (PNG or JPEG), empty for none."""

    dark: str = DARK_DEFAULT
    logo: bytes = b""
    logo_type: str = "image/png"

    def __repr__(self) -> str:
        return f"QrLook({self.dark})"


def look_of(dark: str, logo: bytes = b"", logo_type: str = "image/png") -> QrLook:
    """A look, checked.

    Raises:
        InvalidInput: the colour is none.
        TooPale: it is too near to white.
    """
    chosen = (dark or DARK_DEFAULT).strip().lower()
    if not _COLOUR.fullmatch(chosen):
        raise InvalidInput(field="color", problem="#rrggbb")
    contrast = contrast_with_white(chosen)
    if contrast < CONTRAST_MIN:
        raise TooPale(field=chosen, problem=f"{contrast:.1f}", needed=f"{CONTRAST_MIN}")
    return QrLook(dark=chosen, logo=logo, logo_type=logo_type)


def contrast_with_white(colour: str) -> float:
    """The contrast ratio of WCAG 2.1: 1 for white itself, 21 for black."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= _LINEAR_FROM else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return 1.05 / (luminance + 0.05)


def print_pixels(millimetres: int) -> int:
    """The side of a print at PRINT_DPI.

    Raises:
        InvalidInput: no size that is offered.
    """
    if millimetres not in PRINT_MM:
        raise InvalidInput(field="mm", problem=", ".join(map(str, PRINT_MM)))
    return round(millimetres / _MM_PER_INCH * PRINT_DPI)


def drawn_svg(text: str, title: str, look: QrLook) -> str:
    """The code as an SVG document of one path, its modules of size one."""
    rows = _rows(text)
    side = len(rows)
    whole = side + 2 * QUIET_MODULES
    runs = "".join(
        f"M{x + QUIET_MODULES} {y + QUIET_MODULES}h{length}v1h-{length}z"
        for y, row in enumerate(rows)
        for x, length in _runs(row)
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {whole} {whole}" role="img">',
        f"<title>{escape(title)}</title>",
        f'<path fill="{LIGHT}" d="M0 0h{whole}v{whole}h-{whole}z"/>',
        f'<path fill="{look.dark}" shape-rendering="crispEdges" d="{runs}"/>',
    ]
    if look.logo:
        at, size = _backing(side)
        at += QUIET_MODULES
        free = size * _BACKING_MARGIN
        inner, place = size - 2 * free, at + free
        data = base64.b64encode(look.logo).decode()
        parts.append(
            f'<rect x="{at}" y="{at}" width="{size}" height="{size}" rx="{size * _BACKING_RADIUS:.2f}" fill="{LIGHT}"/>'
            f'<image x="{place:.2f}" y="{place:.2f}" width="{inner:.2f}" height="{inner:.2f}" '
            f'href="data:{look.logo_type};base64,{data}"/>'
        )
    return "".join([*parts, "</svg>"])


def drawn_png(text: str, look: QrLook, pixels: int = PIXELS_DEFAULT) -> bytes:
    """The code as a PNG at least ``pixels`` wide: each module is a whole number of pixels. It says 300 dpi.

    Raises:
        InvalidInput: the size is out of bounds.
    """
    if not PIXELS_MIN <= pixels <= PIXELS_MAX:
        raise InvalidInput(field="size", problem=f"{PIXELS_MIN}–{PIXELS_MAX}")
    rows = _rows(text)
    whole = len(rows) + 2 * QUIET_MODULES
    scale = -(-pixels // whole)
    picture = Image.new("RGB", (whole, whole), LIGHT)
    dark = tuple(int(look.dark[at : at + 2], 16) for at in (1, 3, 5))
    for y, row in enumerate(rows):
        for x, is_dark in enumerate(row):
            if is_dark:
                picture.putpixel((x + QUIET_MODULES, y + QUIET_MODULES), dark)
    picture = picture.resize((whole * scale, whole * scale), Image.Resampling.NEAREST)
    if look.logo:
        _paste_logo(picture, look, len(rows), scale)
    out = BytesIO()
    picture.save(out, "PNG", optimize=True, dpi=(PRINT_DPI, PRINT_DPI), pnginfo=PngImagePlugin.PngInfo())
    return out.getvalue()


def _paste_logo(picture: Image.Image, look: QrLook, side: int, scale: int) -> None:
    at, size = _backing(side)
    start, edge = (at + QUIET_MODULES) * scale, size * scale
    draw = ImageDraw.Draw(picture)
    draw.rounded_rectangle(
        (start, start, start + edge - 1, start + edge - 1), radius=edge * _BACKING_RADIUS, fill=LIGHT
    )
    free = round(edge * _BACKING_MARGIN)
    inner = edge - 2 * free
    with Image.open(BytesIO(look.logo), formats=("PNG", "JPEG")) as opened:
        logo = opened.convert("RGBA")
    logo.thumbnail((inner, inner))
    left, top = (start + free + (inner - length) // 2 for length in logo.size)
    picture.paste(logo, (left, top), mask=logo)


def _backing(side: int) -> tuple[int, int]:
    """Where the logo's backing begins, and its side, in whole modules: odd as the code is, so that it is centred."""
    size = int(side * LOGO_SIDE)
    size -= (side - size) % 2
    return (side - size) // 2, size


def _rows(text: str) -> list[list[bool]]:
    if not 0 < len(text) <= TEXT_CHARS_MAX:
        raise InvalidInput(field="text", problem=f"1–{TEXT_CHARS_MAX}")
    made: Any = segno.make(text, error="h", boost_error=False, micro=False)
    return [[bool(module) for module in row] for row in made.matrix]


def _runs(row: list[bool]) -> list[tuple[int, int]]:
    """Where dark runs begin in a row, and how long they are."""
    found: list[tuple[int, int]] = []
    for x, is_dark in enumerate(row):
        if not is_dark:
            continue
        if found and found[-1][0] + found[-1][1] == x:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        else:
            found.append((x, 1))
    return found
