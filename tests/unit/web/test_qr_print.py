"""Every code that is made is read back by a decoder that is not ours (zxing-cpp), as printed and badly photographed."""

from __future__ import annotations

import random
import re
from io import BytesIO

import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from hutong.core.errors import InvalidInput
from hutong.web import qr_print
from hutong.web.qr import qr_png
from hutong.web.qr_print import (
    DARK_DEFAULT,
    LOGO_SIDE,
    PRINT_MM,
    QUIET_MODULES,
    TooPale,
    contrast_with_white,
    drawn_png,
    drawn_svg,
    look_of,
    print_pixels,
)

LINK = "https://hub.example.cn/l/aB3dE7g"
LONG = "https://shop.example.com.cn/l/" + "x" * 64


def logo(kind="PNG"):
    """A loud one: every colour, no room."""
    picture = Image.new("RGB", (300, 300), "#d4462f")
    draw = ImageDraw.Draw(picture)
    dice = random.Random(1)
    for _ in range(200):
        x, y = dice.randrange(300), dice.randrange(300)
        draw.rectangle((x, y, x + 20, y + 20), fill=tuple(dice.randrange(256) for _ in range(3)))
    out = BytesIO()
    picture.save(out, kind)
    return out.getvalue()


LOGO = logo()


def seen(picture):
    """What a scanner reads, if anything."""
    found = zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormat.QRCode)
    return [one.text for one in found]


def opened(png):
    return Image.open(BytesIO(png)).convert("RGB")


@pytest.mark.parametrize("text", [LINK, LONG])
@pytest.mark.parametrize("with_logo", [False, True])
@pytest.mark.parametrize("colour", [DARK_DEFAULT, "#000000", "#8a1c1c", "#1d4ed8"])
def test_read_back_as_drawn(text, with_logo, colour):
    look = look_of(colour, LOGO if with_logo else b"")
    assert seen(opened(drawn_png(text, look, 600))) == [text]


def test_codes_of_the_other_makers_are_read_too():
    assert seen(opened(qr_png(LINK))) == [LINK]


@pytest.mark.parametrize("with_logo", [False, True])
@pytest.mark.parametrize("pixels", [110, 160, 240])
def test_read_back_small(with_logo, pixels):
    """As it stands on a screen or far away."""
    png = drawn_png(LINK, look_of("", LOGO if with_logo else b""), 1000)
    assert seen(opened(png).resize((pixels, pixels), Image.Resampling.LANCZOS)) == [LINK]


@pytest.mark.parametrize("with_logo", [False, True])
@pytest.mark.parametrize("degrees", [7, 45, 90, 133, 180])
def test_read_back_turned(with_logo, degrees):
    picture = opened(drawn_png(LINK, look_of("", LOGO if with_logo else b""), 500))
    assert seen(picture.rotate(degrees, expand=True, fillcolor="#e8e2d4")) == [LINK]


@pytest.mark.parametrize("with_logo", [False, True])
@pytest.mark.parametrize("blur", [1, 2, 3])
def test_read_back_blurred(with_logo, blur):
    picture = opened(drawn_png(LINK, look_of("", LOGO if with_logo else b""), 500))
    assert seen(picture.filter(ImageFilter.GaussianBlur(blur))) == [LINK]


def test_read_back_in_bad_light_on_coloured_paper_with_noise():
    picture = opened(drawn_png(LINK, look_of("#8a1c1c", LOGO), 500)).resize((420, 420))
    paper = Image.new("RGB", (700, 700), "#cbbf9f")
    paper.paste(picture, (140, 140))
    dim = ImageEnhance.Brightness(ImageEnhance.Contrast(paper).enhance(0.55)).enhance(0.6)
    dice = random.Random(3)
    for _ in range(9_000):
        dim.putpixel((dice.randrange(700), dice.randrange(700)), (dice.randrange(256),) * 3)
    assert seen(dim.rotate(4, expand=True)) == [LINK]


def test_more_than_a_tenth_may_be_torn_off_where_there_is_no_logo():
    picture = opened(drawn_png(LINK, look_of(""), 600))
    width = picture.width
    corner = (width * 13 // 20, width * 13 // 20, width, width)
    ImageDraw.Draw(picture).rectangle(corner, fill="#ffffff")
    assert seen(picture) == [LINK]


@settings(max_examples=60, deadline=None)
@given(
    st.text("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789", min_size=4, max_size=12),
    st.sampled_from(
        ["https://h.cn", "https://hub.example.com", "http://192.168.1.20:8000", "https://" + "a" * 60 + ".cn"]
    ),
    st.sampled_from([b"", LOGO]),
    st.integers(120, 900),
)
def test_any_link_at_any_size(code, host, picture, pixels):
    text = f"{host}/l/{code}"
    assert seen(opened(drawn_png(text, look_of("", picture), pixels))) == [text]


def test_the_quiet_zone_is_there_and_modules_are_whole_pixels():
    png = opened(drawn_png(LINK, look_of("#000000"), 777))
    assert png.width >= 777
    dark = png.convert("L").point(lambda value: 255 if value < 128 else 0).getbbox()
    modules = re.search(r'viewBox="0 0 (\d+)', drawn_svg(LINK, "", look_of("")))
    scale = png.width / int(modules[1])
    assert scale == int(scale)
    assert dark == (QUIET_MODULES * scale,) * 2 + (png.width - QUIET_MODULES * scale,) * 2


@pytest.mark.parametrize("millimetres", PRINT_MM)
def test_a_print_says_its_resolution_and_is_large_enough(millimetres):
    pixels = print_pixels(millimetres)
    png = Image.open(BytesIO(drawn_png(LINK, look_of("", LOGO), pixels)))
    assert png.info["dpi"] == pytest.approx((300, 300), abs=0.1)
    assert png.width / 300 * 25.4 >= millimetres - 0.1
    assert seen(png.convert("RGB")) == [LINK]


def test_the_logo_covers_less_than_a_fifth_and_sits_in_the_middle():
    assert LOGO_SIDE**2 < 0.2
    plain, with_logo = (opened(drawn_png(LINK, look_of("", each), 740)) for each in (b"", LOGO))
    changed = Image.new("L", plain.size)
    for x in range(plain.width):
        for y in range(plain.height):
            if plain.getpixel((x, y)) != with_logo.getpixel((x, y)):
                changed.putpixel((x, y), 255)
    left, top, right, bottom = changed.getbbox()
    assert abs((left + right) - plain.width) <= plain.width * 0.05
    assert abs((top + bottom) - plain.height) <= plain.height * 0.05
    assert (right - left) * (bottom - top) < 0.2 * plain.width * plain.height


@pytest.mark.parametrize("colour", ["#ffffff", "#f0c000", "#7fb8a8", "#ff8800"])
def test_pale_colours_are_refused(colour):
    with pytest.raises(TooPale):
        look_of(colour)


@pytest.mark.parametrize("colour", ["red", "#12345", "#1234567", '#000"/><script>', "url(x)"])
def test_what_is_no_colour_is_refused(colour):
    with pytest.raises(InvalidInput):
        look_of(colour)


def test_contrast_is_that_of_wcag():
    assert contrast_with_white("#ffffff") == pytest.approx(1)
    assert contrast_with_white("#000000") == pytest.approx(21)
    assert contrast_with_white("#767676") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("pixels", [0, 119, 4001])
def test_sizes_have_bounds(pixels):
    with pytest.raises(InvalidInput):
        drawn_png(LINK, look_of(""), pixels)


def test_a_title_cannot_leave_its_place():
    svg = drawn_svg(LINK, '</title><script>alert(1)</script>"', look_of("", logo("JPEG"), "image/jpeg"))
    assert "<script" not in svg
    assert svg.count("<title>") == 1


def test_a_logo_that_covers_too_much_is_noticed_by_the_decoder(monkeypatch):
    """The judge can say no."""
    monkeypatch.setattr(qr_print, "LOGO_SIDE", 0.7)
    assert seen(opened(drawn_png(LINK, look_of("", LOGO), 600))) == []
