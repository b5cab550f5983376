"""Every check of ``browser_checks`` finds the fault it is there for, and keeps quiet on a sound page."""

from __future__ import annotations

import browser_checks as checks
import pytest
from playwright.sync_api import Page

SOUND = """<!doctype html><html lang="{lang}"><head><title>{text}</title></head><body><main>
<h1>{text}</h1><p>{text} <span data-raw>WHITE LANTERN 灯笼 订单</span></p><a href="#" aria-label="{text}">{text}</a>
<span data-minor="123450" data-currency="CNY" id="figure">¥1,234.50</span>
<svg class="ht-share" viewBox="0 0 100 1"><rect width="40" height="1"/><rect x="40" width="60" height="1"/></svg>
<label>{text}<input></label></main></body></html>"""
TEXTS = {"zh-Hans": "订单 SKU", "zh-Hant": "訂單", "en": "Orders"}


@pytest.fixture
def page(browser):
    context = browser.new_context(viewport={"width": 390, "height": 844})
    yield context.new_page()
    context.close()


def show(page: Page, lang: str = "zh-Hans", extra: str = "") -> Page:
    page.set_content(SOUND.format(lang=lang, text=TEXTS[lang]).replace("</main>", extra + "</main>"))
    return page


@pytest.mark.parametrize("lang", TEXTS)
def test_a_sound_page_passes(page, lang):
    show(page, lang)
    assert checks.untranslated(page, lang) == []
    assert checks.overflow(page) == []
    assert checks.hidden_under_edges(page) == []
    assert checks.out_of_box(page) == []
    assert checks.lying_money(page) == []
    assert checks.unlabelled(page) == []
    assert checks.broken_bars(page) == []
    assert checks.differences(page, {"#figure": "¥1,234.50"}) == []


@pytest.mark.parametrize(
    ("lang", "fault"),
    [
        ("zh-Hans", "<p>Revenue</p>"),
        ("zh-Hans", "<p>partly_refunded</p>"),
        ("zh-Hans", '<input aria-label="Search">'),
        ("zh-Hans", '<p title="Orders">订单</p>'),
        ("zh-Hans", "<p>共 %(count)s 条</p>"),
        ("zh-Hans", "<p>¥NaN</p>"),
        ("zh-Hans", "<p>金额 undefined</p>"),
        ("zh-Hans", "<p>甲 &amp;amp; 乙</p>"),
        ("en", "<p>订单</p>"),
        ("en", '<div data-label="金额">1</div>'),
        ("en", '<input placeholder="搜索">'),
        ("en", "<p>Paid、shipped</p>"),
        ("zh-Hant", "<p>订單</p>"),
        ("zh-Hant", '<button aria-label="关闭">x</button>'),
    ],
)
def test_texts_that_are_not_translated_are_found(page, lang, fault):
    assert checks.untranslated(show(page, lang, fault), lang)


def test_a_page_in_another_language_than_asked_is_found(page):
    assert checks.untranslated(show(page, "en"), "zh-Hant")


def test_a_page_that_is_only_read_says_what_it_says_laid_out(page, gallery):
    page.goto(f"{gallery}/zh-Hans/links")
    read = checks.Read(page, f"{gallery}/zh-Hans/links")
    assert checks.texts(read) == checks.texts(page)
    assert checks.untranslated(read, "zh-Hans") == []
    assert checks.untranslated(read, "zh-Hant")


def test_codes_may_be_quoted_only_where_they_are_marked(page):
    assert checks.untranslated(show(page, "zh-Hans", "<p data-codes>淘宝订单缺 3 件 CUP-ONE</p>"), "zh-Hans") == []
    assert checks.untranslated(show(page, "zh-Hans", "<p>淘宝订单缺 3 件 CUP-ONE</p>"), "zh-Hans")


def test_a_page_that_is_too_wide_is_found(page):
    assert checks.overflow(show(page, extra='<div style="width:400px">宽</div>'))


def test_text_that_is_cut_is_found(page):
    cut = '<dl><dd style="width:2em;overflow:hidden;white-space:nowrap">很长很长很长的文字</dd></dl>'
    assert checks.hidden_under_edges(show(page, extra=cut))


LONG = "¥99,999,999,999.99"


@pytest.mark.parametrize(
    "fault",
    [
        f'<div class="ht-figure" style="width:90px"><span style="white-space:nowrap">{LONG}</span></div>',
        f'<div class="card" style="width:90px;overflow:hidden"><b style="white-space:nowrap">{LONG}</b></div>',
        f'<table style="table-layout:fixed;width:90px"><td style="white-space:nowrap">{LONG}</td></table>',
        f'<b class="ht-badge" style="display:block;width:60px;white-space:nowrap">{LONG}</b>',
    ],
)
def test_text_that_runs_over_its_box_is_found_though_the_page_is_not_wider(page, fault):
    show(page, extra=f'<div style="width:90px;overflow:hidden">{fault}</div>')
    assert checks.overflow(page) == []
    assert checks.out_of_box(page)


def test_text_that_wraps_scrolls_or_says_that_it_is_cut_is_sound(page):
    for style in ("overflow-wrap:anywhere", "overflow-x:auto;white-space:nowrap",
                  "overflow:hidden;text-overflow:ellipsis;white-space:nowrap"):  # fmt: skip
        show(page, extra=f'<div class="ht-figure" style="width:90px;{style}">{LONG}</div>')
        assert checks.out_of_box(page) == []


@pytest.mark.parametrize("text", ["¥1,234.5", "¥12.34", "1234.50", "¥1234.50", "-¥1,234.50", "£1,234.50"])
def test_money_that_does_not_say_what_it_is_is_found(page, text):
    assert checks.lying_money(show(page, extra=f'<span data-minor="123450" data-currency="CNY">{text}</span>'))


@pytest.mark.parametrize(
    "pieces", [[(0, 40), (41, 59)], [(0, 60), (50, 50)], [(0, 40), (40, 59)], [(0, 120), (120, -20)]]
)
def test_a_bar_whose_pieces_do_not_add_up_is_found(page, pieces):
    drawn = "".join(f'<rect x="{start}" width="{width}" height="1"/>' for start, width in pieces)
    assert checks.broken_bars(show(page, extra=f'<svg class="ht-share" viewBox="0 0 100 1">{drawn}</svg>'))


def test_another_figure_than_the_api_says_is_found(page):
    show(page, extra='<b class="twice">1</b><b class="twice">1</b>')
    assert checks.differences(page, {"#figure": "¥1,234.51"})
    assert checks.differences(page, {"#missing": "1"})
    assert checks.differences(page, {".twice": "1"})


def test_fields_without_a_name_are_found(page):
    assert checks.unlabelled(show(page, extra="<input name=x>"))
    assert checks.unlabelled(show(page, extra="<a href='/'><svg></svg></a>"))


@pytest.mark.parametrize(
    "fault",
    ["<script>console.error('planted')</script>", "<script>throw new Error('planted')</script>"],
)
def test_what_a_page_complains_about_is_heard(watch, fault):
    watched = watch("phone")
    watched.page.set_content(f"<html><body>{fault}</body></html>")
    watched.page.wait_for_timeout(50)
    assert any("planted" in complaint for complaint in watched.complaints)
    watched.complaints.clear()
