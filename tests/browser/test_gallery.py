"""Every page in every state, with sample content: it fits, it is translated, it complains of nothing."""

from __future__ import annotations

import browser_checks as checks
import pytest
from browser_gallery import GALLERY
from msgspec import structs

from hutong.web.render import Renderer
from hutong.web.scene import Scene

pytestmark = pytest.mark.slow

SIZES = {"phone": (390, 844), "desk": (1440, 900)}


#: Every sum on the page becomes this one: what a year of a large shop, or a currency of small units, comes to.
LONG_SUMS = """
() => {
  const sums = document.querySelectorAll("[data-minor]");
  sums.forEach((e) => {
    const sign = e.dataset.minor.startsWith("-") ? "-" : "";
    e.dataset.minor = sign + "9999999999999";
    e.dataset.currency = "CNY";
    e.textContent = sign + "¥99,999,999,999.99";
  });
  return sums.length;
}
"""


#: A browser tells of another size with its next frame, and only then charts are drawn anew.
CHARTS_FOLLOW = """
() => document.querySelector("[data-chart]")
  && new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))
"""


@pytest.mark.parametrize("name", GALLERY)
def test_page(framed, gallery, name):
    """In Chinese on a phone and, made wider, on a desk, as it is and with long sums.

    Traditional letters are as wide as simplified ones: those pages are read, not laid out, and so are the English ones,
    of which the next test lays out some.
    """
    wrong = [
        f"{locale}: {fault}"
        for locale in ("zh-Hant", "en")
        for fault in checks.untranslated(checks.Read(framed.page, f"{gallery}/{locale}/{name}"), locale)
    ]
    open_on_phone(framed, f"{gallery}/zh-Hans/{name}")
    for sums in ("", "long sums"):
        if sums and not framed.page.evaluate(LONG_SUMS):
            break
        for size in SIZES:
            resize(framed.page, size)
            wrong += [f"{size} {sums}: {fault}" for fault in checks.faults(framed.page, "zh-Hans")]
    assert wrong == []


#: English is wide, and a phone is where room is scarce: a third of the pages here, all by ``make proof-suite``.
IN_ENGLISH = [pytest.param(name, marks=[pytest.mark.long] if number % 3 else []) for number, name in enumerate(GALLERY)]


@pytest.mark.parametrize("name", IN_ENGLISH)
def test_page_in_english(framed, gallery, name):
    open_on_phone(framed, f"{gallery}/en/{name}")
    assert checks.faults(framed.page, "en") == []


def open_on_phone(watched, address):
    resize(watched.page, "phone")
    watched.page.goto(address)
    watched.settle()


def resize(page, size):
    width, height = SIZES[size]
    if page.viewport_size != {"width": width, "height": height}:
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate(CHARTS_FOLLOW)


def html_of(name, locale="zh-Hans", **changes):
    path, template, make = GALLERY[name]
    return Renderer().page(template, structs.replace(make(locale), **changes), Scene(path=path, locale=locale))


def test_a_file_is_not_said_to_have_kept_its_fee_from_us():
    told, of_files = "没有告诉我们它抽多少服务费", "导入的文件没有写平台抽了多少服务费"
    shop, both, files = [html_of("costs", unbilled=one) for one in (("taobao",), ("generic", "taobao"), ("generic",))]
    assert (told in shop, of_files in shop) == (True, False)
    assert (told in both, of_files in both) == (True, True)
    assert (told in files, of_files in files) == (False, True)


def test_money_that_does_not_fit_leaves_an_order_that_was_paid_otherwise_as_it_is():
    said, unpaid = "这笔订单已经由另一条通知付清，不受影响。", ("订单仍是未付款", "订单不会因此变成已付款")
    open_, paid = html_of("ticket-money"), html_of("ticket-money-confirm")
    assert said not in open_
    assert all(words in open_ for words in unpaid)
    assert said in paid
    assert not any(words in paid for words in unpaid)


#: Figures in a receipt that stand on two lines: each run of digits with its points and colons must be on one. A number
#: of an order or of a wallet's books may break, but only between its groups.
BROKEN_FIGURES = """
() => {
  const found = [];
  for (const place of document.querySelectorAll("#receipt dd, .price")) {
    const walker = document.createTreeWalker(place, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      for (const run of node.data.matchAll(/[^\\s]*\\d[^\\s]*/g)) {
        const range = document.createRange();
        range.setStart(node, run.index);
        range.setEnd(node, run.index + run[0].length);
        if (new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size > 1) { found.push(run[0]); }
      }
    }
  }
  return found;
}
"""


@pytest.mark.parametrize("width", [320, 390])
@pytest.mark.parametrize("name", ["buyer-paid", "buyer-paid-store", "buyer-refunded", "buyer-late"])
def test_receipts_keep_their_figures_whole_in_type_twice_as_large(watch, gallery, name, width):
    page = watch("phone", share="gallery").page
    page.set_viewport_size({"width": width, "height": 844})
    for locale in ("zh-Hans", "zh-Hant", "en"):
        page.goto(f"{gallery}/{locale}/{name}")
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert page.evaluate("parseFloat(getComputedStyle(document.querySelector('#receipt')).fontSize)") >= 29
        assert [*page.evaluate(BROKEN_FIGURES), *checks.overflow(page), *checks.out_of_box(page)] == []


def test_a_broken_figure_would_be_found(watch):
    page = watch("desk").page
    page.set_content('<dl id="receipt"><dd style="width:3em;overflow-wrap:anywhere">2026-11-23 16:20:01</dd></dl>')
    assert "16:20:01" in page.evaluate(BROKEN_FIGURES)


def test_pale_text_would_be_found(watch):
    page = watch("desk").page
    page.set_content(
        '<body style="background:#fff"><p style="color:#999">pale</p><p style="color:oklab(0.3 0 0)">ink</p>'
    )
    assert [fault.split()[-1] for fault in page.evaluate(CONTRAST)] == ["pale"]


@pytest.mark.parametrize(
    "name", ["overview", "order", "links", "accounts", "payment-twice", "payments", "costs", "splits", "tickets"]
)
def test_dark_pages_stay_readable(watch, gallery, name):
    """Text keeps a contrast of at least 4.5 to what is behind it (WCAG AA), in the dark as in the light."""
    for scheme in ("light", "dark"):
        watched = watch("desk", share=f"gallery {scheme}", color_scheme=scheme)
        watched.page.goto(f"{gallery}/zh-Hans/{name}")
        watched.settle()
        assert watched.page.evaluate("document.documentElement.dataset.bsTheme") == scheme
        assert watched.page.evaluate(CONTRAST) == []


#: Elements with text whose colour is too near to the first opaque background behind them.
CONTRAST = """
() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgb = (text) => {  // any notation of CSS, oklab included
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = text;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => {
    const part = [r, g, b].map((v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * part[0] + 0.7152 * part[1] + 0.0722 * part[2];
  };
  const behind = (e) => {
    for (let at = e; at; at = at.parentElement) {
      const colour = rgb(getComputedStyle(at).backgroundColor);
      if (colour[3] === 255) { return colour; }
    }
    return [255, 255, 255];
  };
  return [...document.querySelectorAll("body *")].filter((e) => {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    return own && e.offsetParent && !e.closest("svg, dialog, option");
  }).map((e) => {
    const a = light(rgb(getComputedStyle(e).color)), b = light(behind(e));
    return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), e];
  })
    .filter(([ratio]) => ratio < 4.5)
    .map(([ratio, e]) => `${ratio.toFixed(2)} ${e.className} ${e.textContent.trim().slice(0, 30)}`);
}
"""
