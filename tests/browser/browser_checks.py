"""What must hold on every page. Each check returns what is wrong; ``test_checks.py`` shows that each can fail."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

from playwright.sync_api import Page


class Asked(Protocol):
    """A page, or what one answered."""

    def evaluate(self, script: str) -> Any: ...


ALLOWED_WORDS = {
    line.strip().lower()
    for line in (Path(__file__).parent / "allowed_words.txt").read_text("utf-8").splitlines()
    if line.strip() and not line.startswith("#")
}
WORD = re.compile(r"[A-Za-z](?:[A-Za-z_'’-]*[A-Za-z])")
CJK = re.compile(r"[\u3400-\u9fff\u3000-\u303f\uff01-\uff5e]+")
#: Letters that only Simplified Chinese has.
SIMPLIFIED = re.compile(r"[订单链账对记录导设连货买卖额级计启务说话为这还现发转费户开关闭败删词语显询]+")
#: Left-overs of a template or a script: never meant for people.
DEBRIS = re.compile(r"\{\{|\}\}|\{%|%\(\w+\)s|\bundefined\b|\bNaN\b|\bNone\b|\[object|msgid|&[a-z]+;")

_LANGUAGE = "() => document.documentElement.lang"
#: Everything a person can read or hear: text, and the attributes that speak. ``data-raw`` marks what merchants and
#: platforms wrote themselves, ``data-codes`` sentences of ours that quote such codes.
_TEXTS = """
(read) => {
  const shown = read || document, found = [];
  const skip = new Set(["SCRIPT", "STYLE", "NOSCRIPT", "TEMPLATE"]);
  const walk = (node, codes) => {
    if (node.nodeType === Node.TEXT_NODE) {
      if (node.data.trim()) { found.push([node.data.trim(), codes]); }
      return;
    }
    if (node.nodeType !== Node.ELEMENT_NODE || skip.has(node.tagName) || node.hasAttribute("data-raw")) { return; }
    if (node.hasAttribute("lang") && node !== shown.documentElement) { return; }
    codes = codes || node.hasAttribute("data-codes");
    for (const name of ["title", "placeholder", "aria-label", "alt", "data-label", "data-copied"]) {
      if (node.hasAttribute(name)) { found.push([node.getAttribute(name), codes]); }
    }
    node.childNodes.forEach((child) => walk(child, codes));
  };
  walk(shown.body, false);
  shown.querySelectorAll("head title").forEach((title) => {
    if (!shown.querySelector("h1[data-raw], h1 [data-raw]")) { found.push([title.textContent, true]); }
  });
  return found;
}
"""


_WIDE = """
() => {
  const root = document.documentElement;
  if (root.scrollWidth <= root.clientWidth) { return []; }
  const wide = [...document.body.querySelectorAll("*")].filter(
    (e) => e.getBoundingClientRect().right > root.clientWidth + 1
  );
  return [`page is ${root.scrollWidth - root.clientWidth} px too wide`].concat(
    wide.slice(0, 5).map((e) => `${e.tagName}.${e.className} ${(e.textContent || "").trim().slice(0, 30)}`)
  );
}
"""


def overflow(page: Asked) -> list[str]:
    """Elements that make the page wider than the window."""
    return page.evaluate(_WIDE)


_CUT = """
() => [...document.querySelectorAll("main td, main dd, main dt, main h1, main h2, main .btn")].filter((e) => {
  const style = getComputedStyle(e);
  return e.offsetParent && e.scrollWidth > e.clientWidth + 1 && style.display !== "inline"
    && style.textOverflow !== "ellipsis";
}).slice(0, 5).map((e) => `${e.tagName} ${(e.textContent || "").trim().slice(0, 40)}`)
"""


def hidden_under_edges(page: Asked) -> list[str]:
    """Text that is cut: wider than the box it stands in, where the box does not say so with an ellipsis."""
    return page.evaluate(_CUT)


_RUNS_OVER = """
() => {
  const BOXES = ".card, .ht-figure, .ht-badge, .ht-alert, .btn, td, th, dialog, main";
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const e = node.parentElement;
    if (!node.data.trim() || !e.offsetParent || e.closest("svg, script, style, template")) { continue; }
    const range = document.createRange();
    range.selectNodeContents(node);
    const text = range.getBoundingClientRect();
    for (let box = e.closest(BOXES); box; box = box.parentElement && box.parentElement.closest(BOXES)) {
      let clips = false;  // an ellipsis, or a place that scrolls on purpose, says that there is more
      for (let at = e; at && at !== box.parentElement; at = at.parentElement) {
        const style = getComputedStyle(at);
        clips = clips || style.textOverflow === "ellipsis" || ["auto", "scroll"].includes(style.overflowX);
      }
      const style = getComputedStyle(box), edge = box.getBoundingClientRect();
      if (clips || style.display === "contents") { break; }
      const right = edge.right - parseFloat(style.borderRightWidth), left = edge.left;
      if (text.right > right + 1 || text.left < left - 1) {
        found.push(`${node.data.trim().slice(0, 40)} runs over ${box.tagName}.${box.className}`);
        break;
      }
    }
  }
  return found.slice(0, 8);
}
"""


def out_of_box(page: Asked) -> list[str]:
    """Text that runs over the box it stands in: over the inner edge of its cell, card, badge or figure, or the window.

    Measured on the text itself, since a page or a grid that clips or scrolls hides it from every ``scrollWidth``.
    """
    return page.evaluate(_RUNS_OVER)


def texts(page: Asked) -> list[tuple[str, bool]]:
    """Texts of ours on the page, each with whether it may quote codes."""
    return [(text, codes) for text, codes in page.evaluate(_TEXTS)]


def stray_words(page: Asked) -> list[str]:
    """Latin words on a Chinese page that are on no list."""
    found = [word for text, codes in texts(page) if not codes for word in WORD.findall(text)]
    return [word for word in found if word.lower() not in ALLOWED_WORDS]


def chinese_left(page: Asked) -> list[str]:
    """Chinese on an English page."""
    return [run for text, _ in texts(page) for run in CJK.findall(text)]


def simplified_left(page: Asked) -> list[str]:
    """Simplified letters on a Traditional page."""
    return [text for text, _ in texts(page) if SIMPLIFIED.search(text)]


def debris(page: Asked) -> list[str]:
    """Template left-overs, missing values, escaped entities."""
    return [text for text, _ in texts(page) if DEBRIS.search(text)]


def untranslated(page: Asked, locale: str) -> list[str]:
    """What a reader of this language would stumble over."""
    wrong = {"zh-Hans": stray_words, "en": chinese_left, "zh-Hant": simplified_left}[locale](page)
    if page.evaluate(_LANGUAGE) != locale:
        wrong.append(f"the page says it is in {page.evaluate(_LANGUAGE)}")
    return wrong + debris(page)


def money_text(amount_minor: int, currency: str = "CNY") -> str:
    """Money as the pages should show it, written here a second time on purpose."""
    symbol, digits = {"CNY": ("¥", 2), "GBP": ("£", 2), "USD": ("US$", 2), "JPY": ("JP¥", 0)}[currency]
    return f"{'-' if amount_minor < 0 else ''}{symbol}{abs(Decimal(amount_minor)).scaleb(-digits):,.{digits}f}"


_SUMS = """
() => [...document.querySelectorAll("[data-minor]")].map(
  (e) => [e.textContent.trim(), e.dataset.minor, e.dataset.currency]
)
"""


def lying_money(page: Asked) -> list[str]:
    """Amounts whose text differs from the minor units they carry."""
    shown = page.evaluate(_SUMS)
    return [f"{text} is not {minor} {cur}" for text, minor, cur in shown if text != money_text(int(minor), cur)]


_BARS = """
() => [...document.querySelectorAll("svg.ht-share")].flatMap((bar) => {
  const whole = bar.viewBox.baseVal.width, slack = whole === 10000 ? 20 : 0;
  let end = 0;
  const wrong = [];
  for (const piece of bar.querySelectorAll("rect")) {
    const start = +(piece.getAttribute("x") || 0), width = +piece.getAttribute("width");
    if (start !== end || width < 0) { wrong.push(`a piece of ${whole} begins at ${start} and not at ${end}`); }
    end = start + width;
  }
  return Math.abs(whole - end) > slack ? [...wrong, `pieces end at ${end} of ${whole}`] : wrong;
})
"""


def broken_bars(page: Asked) -> list[str]:
    """Share bars whose pieces leave a gap, overlap, or do not fill the whole (rounded shares may miss by a few)."""
    return page.evaluate(_BARS)


def differences(page: Page, expected: dict[str, str]) -> list[str]:
    """Figures (selector -> text) that the page shows otherwise, or does not show once."""
    wrong = []
    for selector, text in expected.items():
        found = [element.inner_text().strip() for element in page.query_selector_all(selector)]
        if found != [text]:
            wrong.append(f"{selector}: {found} instead of {text!r}")
    return wrong


_NAMELESS = """
() => [...document.querySelectorAll("input:not([type=hidden]), select, textarea, button, a")].filter((e) => {
  const named = e.getAttribute("aria-label") || (e.textContent || "").trim() || e.closest("label");
  return !named;
}).map((e) => e.outerHTML.slice(0, 120))
"""


def unlabelled(page: Asked) -> list[str]:
    """Fields and buttons that a screen reader could not name."""
    return page.evaluate(_NAMELESS)


#: What the checks of every page ask.
_QUESTIONS = (_LANGUAGE, _TEXTS, _WIDE, _CUT, _RUNS_OVER, _SUMS, _BARS, _NAMELESS)
_ALL_AT_ONCE = f"() => [{', '.join(f'({question})()' for question in _QUESTIONS)}]"


#: What a page says when it is read and not laid out: scripts do not run.
_READ = f"""
(html) => {{
  const read = new DOMParser().parseFromString(html, "text/html");
  return [read.documentElement.lang, ({_TEXTS})(read)];
}}
"""


class Read:
    """A page's words without its layout, which costs a tenth: for a language that is laid out as another is."""

    def __init__(self, page: Page, url: str) -> None:
        answer = page.request.get(url)
        assert answer.ok, answer.status
        self._answers = dict(zip((_LANGUAGE, _TEXTS), page.evaluate(_READ, answer.text()), strict=True))

    def evaluate(self, script: str) -> Any:
        """The language it says it is in, or its texts."""
        return self._answers[script]


class Seen:
    """What a page answers to all these questions in one moment: to ask each alone costs a trip to the browser."""

    def __init__(self, page: Page) -> None:
        self._answers = dict(zip(_QUESTIONS, page.evaluate(_ALL_AT_ONCE), strict=True))

    def evaluate(self, script: str) -> Any:
        """The answer to one of them."""
        return self._answers[script]


def faults(page: Page, locale: str) -> list[str]:
    """Everything that is wrong with a page in this language."""
    seen = Seen(page)
    return [
        *untranslated(seen, locale),
        *overflow(seen),
        *hidden_under_edges(seen),
        *out_of_box(seen),
        *lying_money(seen),
        *broken_bars(seen),
        *unlabelled(seen),
    ]
