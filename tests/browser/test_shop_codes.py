"""A shop code from the console to the buyer: limits that are shown and hold, pausing, large type, the printed sheet."""

from __future__ import annotations

import re

import browser_checks as checks
import pytest
from browser_hub import RunningHub
from browser_wallets import DESK, WECHAT, Wallet

LARGE_PX = 22
#: The smallest letters of everything a buyer can see.
SMALLEST = """
() => Math.min(...[...document.querySelectorAll("main *")]
  .filter((e) => e.offsetParent && [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()))
  .map((e) => parseFloat(getComputedStyle(e).fontSize)))
"""
#: Buttons that a shaking finger could miss.
SMALL_BUTTONS = """
() => [...document.querySelectorAll("main button")]
  .filter((e) => e.offsetParent && e.id !== "size" && e.getBoundingClientRect().height < 48).map((e) => e.outerHTML)
"""


def faults(page) -> list[str]:
    return [*checks.untranslated(page, "zh-Hans"), *checks.overflow(page), *checks.lying_money(page)]


@pytest.fixture
def code(signed_in):
    """A shop code made in the console: its page and its public address."""

    def make(title: str, amount: str = "", **limits: str):
        page = signed_in().page
        page.goto("/codes?new=1")
        page.wait_for_selector("dialog[open]")
        page.fill("dialog [name=title]", title)
        page.fill("dialog [name=amount]", amount)
        for name, value in limits.items():
            page.fill(f"dialog [name={name}]", value)
        page.click("dialog button.btn-primary")
        page.wait_for_url(re.compile(r"/codes/[0-9a-f-]{36}$"))
        return page, page.locator(".ht-copy code").inner_text()

    return make


def buyer_in_wechat(watch, hub: RunningHub, *, may_refuse: bool = False) -> Wallet:
    """``may_refuse``: a refusal of the hub is expected; the browser tells of each."""
    watched = watch("phone", user_agent=WECHAT, is_mobile=True, has_touch=True)
    if may_refuse:
        watched.forgive("status of 4")
    return Wallet(watched.page, hub, "wechatpay")


def pay(buyer: Wallet, address: str, amount: str) -> None:
    buyer.scan(address)
    buyer.type_amount(amount)
    buyer.tap("#go")


def test_limits_are_shown_and_hold(watch, hub, code):
    console, address = code("限额小摊", payment_max="6", buyer_day_max="8", code_day_max="100")
    buyer = buyer_in_wechat(watch, hub, may_refuse=True)
    buyer.scan(address)
    assert re.findall(r"¥[\d.]+", buyer.page.locator("#limits").inner_text()) == [
        "¥6.00",
        "¥8.00",
        "¥100.00",
        "¥100.00",
    ]
    assert faults(buyer.page) == []
    buyer.type_amount("6.01")
    buyer.tap("#go")
    buyer.page.wait_for_selector("#wrong:has-text('6.00')")
    pay(buyer, address, "5.50")
    buyer.page.wait_for_selector("[data-checkout=paid]")
    assert faults(buyer.page) == []
    again = buyer_in_wechat(watch, hub, may_refuse=True)  # another browser, the same person in WeChat
    again.scan(address)
    assert "¥94.50" in again.page.locator("#limits").inner_text()
    pay(again, address, "2.51")
    again.page.wait_for_selector("[data-checkout=failed]")
    assert "2.50" in again.page.locator("#reason").inner_text()
    assert again.asked == []
    console.reload()
    assert checks.differences(console, {"[data-figure=code_today]": "¥5.50", "[data-figure=code_payments]": "1"}) == []
    order = hub.api("/orders", source="own")[0]
    hub.wait(
        lambda: any(row["channel_id"] == order["channel_id"] and row["orders"] == 1 for row in hub.api("/channels")),
        "the sale in the channel's figures",
    )
    legs = [leg for leg in hub.api("/postings") if leg["subject_id"] == order["order_id"]]
    assert sum(leg["amount_minor"] for leg in legs) == 0
    assert legs, "the sale is in the books"


def test_a_paused_code_takes_nothing_and_says_so(watch, hub, code):
    console, address = code("停用的摊", "3.00")
    console.click("text=暂停收款")
    console.wait_for_selector("text=恢复收款")
    watched = watch("phone", user_agent=WECHAT)
    answer = watched.page.goto(address)
    assert answer is not None
    assert answer.status == 410
    assert watched.page.locator("h1").inner_text() == "这个收款码已经停用"
    watched.complaints[:] = [c for c in watched.complaints if "410" not in c]
    console.click("text=恢复收款")
    console.wait_for_selector("text=暂停收款")
    buyer = buyer_in_wechat(watch, hub)
    buyer.scan(address)
    buyer.page.wait_for_selector("#pay")
    assert checks.differences(buyer.page, {"[data-figure=amount]": "¥3.00"}) == []
    assert re.findall(r"¥[\d.,]+", buyer.page.locator("#limits").inner_text()) == ["¥500.00", *["¥20,000.00"] * 2]


def test_large_type_is_large_and_remembered(watch, hub, code):
    _, address = code("老人摊")
    buyer = buyer_in_wechat(watch, hub)
    buyer.scan(address)
    page = buyer.page
    assert page.evaluate(SMALLEST) < LARGE_PX
    page.tap("#size")
    assert page.evaluate(SMALLEST) >= LARGE_PX
    assert faults(page) == []
    pay(buyer, address, "1")
    page.wait_for_selector("[data-checkout=paid]")
    assert page.evaluate(SMALLEST) >= LARGE_PX, "the next page remembers"
    assert page.evaluate(SMALL_BUTTONS) == []
    assert faults(page) == []
    page.tap("#size")
    assert page.evaluate(SMALLEST) < LARGE_PX
    asked = watch("phone", user_agent=WECHAT).page
    asked.goto(f"{address}?big=1")
    assert asked.evaluate(SMALLEST) >= LARGE_PX


def test_a_shop_code_on_a_computer_leads_to_the_phone(watch, code):
    _, address = code("电脑上的摊", "9.00")
    page = watch("desk", user_agent=DESK).page
    page.goto(address)
    page.wait_for_selector("#page-qr svg")
    assert faults(page) == []


def test_the_sheet_and_the_files_are_there(code, hub):
    console, address = code("台卡 一号")
    where = console.url
    for kind, head in (("png", b"\x89PNG"), ("svg", b"<svg")):
        got = console.request.get(f"{where}/qr.{kind}")
        assert got.status == 200
        assert got.body().startswith(head)
        assert f".{kind}" in got.headers["content-disposition"]
    console.goto(f"{where}/sheet")
    assert faults(console) == []
    assert console.locator(".qr svg").is_visible()
    assert re.findall(r"¥[\d.,]+", console.locator(".limits").inner_text()) == ["¥500.00", "¥500.00", "¥20,000.00"]
    console.emulate_media(media="print")
    assert not console.locator(".no-print").is_visible()
    assert address.rsplit("/", 1)[1]
