"""What a printed page is drawn with: the fetched font, embedded by letters, or the reader's where it is not there."""

from __future__ import annotations

import io
import os
import shutil
import subprocess

import pytest
from fontTools.ttLib import TTFont
from PIL import Image
from pypdf import PdfReader

from hutong.web.papers import letters, outlines
from hutong.web.papers.embedding import true_type
from hutong.web.papers.letters import LATIN, MISSING, OWN, PaperCanvas, draw, lacking, runs, width_of
from hutong.web.papers.outlines import BOLD, FONTS_DIR, REGULAR, Outlines

SIZE = (600, 400)
#: Simplified, Traditional only, digits and signs of money, letters with accents.
TEXTS = ("佣金结算单 小杯子店", "結算單 劊冪 鄺氏囍嘅", "¥1,234.56 −¥0.07", "Zoë · 每单 10%", "第 1 页，共 2 页…")
RARE = "䶮"  # a family name's letter outside GBK
OLD = "丒"  # GBK has it, the fetched font does not
NO_FONTS = (
    '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig><cachedir>{}</cachedir></fontconfig>'
)
fetched = pytest.mark.skipif(not FONTS_DIR.exists(), reason="the fonts are not there: run make set-up")


def page(*texts, bold=False):
    """A page with a text a line, 30 points apart from above, and its canvas."""
    kept = io.BytesIO()
    canvas = PaperCanvas(kept, SIZE)
    for number, text in enumerate(texts):
        draw(canvas, 40, SIZE[1] - 30 * (number + 1), text, 14, bold=bold)
    canvas.showPage()
    canvas.save()
    return kept.getvalue(), canvas


def fonts_of(made):
    fonts = PdfReader(io.BytesIO(made)).pages[0]["/Resources"]["/Font"].values()
    return {str(font["/BaseFont"]): font.get("/FontDescriptor", {}) for font in (one.get_object() for one in fonts)}


@fetched
def test_every_font_of_a_page_is_in_its_file_and_the_text_comes_out_as_it_went_in():
    made, canvas = page(*TEXTS)
    assert PdfReader(io.BytesIO(made)).pages[0].extract_text().split("\n") == list(TEXTS)
    found = fonts_of(made)
    assert all("/FontFile2" in descriptor for descriptor in found.values()), found
    assert {name.partition("+")[2] for name in found} == {OWN.regular}
    assert len(made) < 40_000
    assert canvas.lacking == set()
    assert {name.partition("+")[2] for name in fonts_of(page("合计 ¥3", bold=True)[0])} == {OWN.bold}


@fetched
@pytest.mark.skipif(shutil.which("pdftoppm") is None, reason="no pdftoppm on this machine: apt install poppler-utils")
def test_a_reader_without_any_font_shows_ink_where_each_text_stands(tmp_path):
    (tmp_path / "page.pdf").write_bytes(page(*TEXTS, RARE)[0])
    (tmp_path / "fonts.conf").write_text(NO_FONTS.format(tmp_path / "cache"))
    done = subprocess.run(
        ["pdftoppm", "-r", "72", "-gray", "-singlefile", tmp_path / "page.pdf", tmp_path / "page"],
        env={"PATH": os.environ["PATH"], "FONTCONFIG_FILE": str(tmp_path / "fonts.conf")},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    picture = Image.open(tmp_path / "page.pgm").convert("L")
    for number, text in enumerate((*TEXTS, MISSING)):
        x = 40.0
        for letter in text:
            width = width_of(letter, 14)
            y = 30 * (number + 1)
            cut = picture.crop((round(x), y - 13, round(x + width), y + 4))
            assert letter == " " or cut.getextrema()[0] < 160, f"nothing where {letter!r} of {text!r} stands"
            x += width


@fetched
def test_a_letter_that_the_font_lacks_is_told_and_never_left_out():
    assert runs(f"张{RARE}") == ((OWN.regular, f"张{MISSING}"),)
    assert runs(f"张{OLD}") == ((OWN.regular, "张"), (letters.CHINESE.regular, OLD))
    assert runs("茶😀\n\t\u200b") == ((OWN.regular, f"茶{MISSING}  {MISSING}"),)
    assert lacking(f"张{RARE}{OLD}三\n") == {RARE, OLD}
    assert page(f"张{RARE}", "三", OLD)[1].lacking == {RARE, OLD}


@fetched
def test_what_set_up_brings_covers_what_shops_write():
    font = Outlines(FONTS_DIR)
    written = [chr(code) for code in range(0x4E00, 0xA000)]
    for encoding, first, last in (("gb2312", b"\xb0\xa1", b"\xf7\xfe"), ("big5", b"\xa4\x40", b"\xc6\x7e")):
        common = [one for one in written if first <= one.encode(encoding, "ignore") <= last]
        without = [one for one in common if not font.has(ord(one))]
        assert len(common) > 5_000
        assert len(without) < len(common) / 100, (encoding, len(without))


@fetched
def test_a_subset_is_a_whole_truetype_file_at_its_weight():
    font = Outlines(FONTS_DIR)
    thin, bold = (font.all_of([ord(one) for one in "中i "], weight) for weight in (REGULAR, BOLD))
    assert thin[1].advance < bold[1].advance
    assert thin[0].data != bold[0].data
    read = TTFont(io.BytesIO(true_type(thin)))
    assert read["maxp"].numGlyphs == 3
    assert [read["hmtx"][name][0] for name in read.getGlyphOrder()] == [one.advance for one in thin]
    glyph = read["glyf"][read.getGlyphOrder()[0]]
    glyph.expand(read["glyf"])
    assert (glyph.xMin, glyph.yMin, glyph.xMax, glyph.yMax) == thin[0].box
    assert max(glyph.endPtsOfContours) < read["maxp"].maxPoints


@fetched
def test_no_more_outlines_are_kept_than_the_limit(monkeypatch):
    monkeypatch.setattr(outlines, "OUTLINES_MAX", 3)
    monkeypatch.setattr(outlines, "SLICES_OPEN_MAX", 1)
    font = Outlines(FONTS_DIR)
    text = [ord(one) for one in "结算单abc劊"]
    once = font.all_of(text, REGULAR)
    assert len(font._known) <= 3
    assert len(font._open) == 1
    assert font.all_of(text, REGULAR) == once
    assert None not in once
    assert font.all_of([ord(RARE), 0x1F600], REGULAR) == [None, None]


@pytest.fixture
def nothing_fetched(monkeypatch, tmp_path):
    """As set-up would leave it if the fonts had not come."""
    caches = (outlines.outlines, letters.is_embedding, letters._drawn, runs, width_of, lacking)
    monkeypatch.setattr(outlines, "FONTS_DIR", tmp_path)
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


def test_without_the_font_the_reader_brings_one_and_the_log_says_so(nothing_fetched, caplog):
    made, canvas = page("结算单 ¥3", f"张{RARE}")
    assert set(fonts_of(made)) == {f"/{LATIN.regular}", f"/{letters.CHINESE.regular}"}
    assert PdfReader(io.BytesIO(made)).pages[0].extract_text().split("\n") == ["结算单 ¥3", f"张{MISSING}"]
    assert canvas.lacking == set()
    page("再来一张")
    assert [record.getMessage().count("embed none") for record in caplog.records] == [1]
