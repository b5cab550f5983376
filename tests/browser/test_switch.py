"""Mid-way between wallets: the first is closed before the second opens, and what is not clear is not called failed."""

from __future__ import annotations

import browser_checks as checks
from browser_hub import RunningHub
from browser_wallets import DESK, PHONE, WECHAT, Wallet


def faults(page) -> list[str]:
    return [*checks.untranslated(page, "zh-Hans"), *checks.overflow(page), *checks.lying_money(page)]


def attempts_of(hub: RunningHub, link: dict) -> list[dict]:
    order = next(o for o in hub.api("/orders", source="own") if o["link_id"] == link["link_id"])
    return next(p for p in hub.api("/payments") if p["order_id"] == order["order_id"])["attempts"]


def at_the_wallet(page) -> str:
    page.wait_for_url(lambda url: "/c/" not in url, wait_until="load")
    return page.url


def test_switching_wallets_midway_is_safe(watch, hub, link):
    watched = watch("phone", user_agent=PHONE, is_mobile=True, has_touch=True)
    page = watched.page
    page.goto(link["url"])
    page.wait_for_url("**/c/*")
    desk = page.url
    assert page.locator("[data-show=open] .wallet").count() == 2, "a clear choice, not a guess"
    assert faults(page) == []
    page.tap("[data-show=open] [data-platform=wechatpay]")
    first = at_the_wallet(page)
    page.goto(desk)
    page.wait_for_selector("[data-checkout=waiting]")
    assert faults(page) == []
    page.tap("[data-show=waiting] [data-switch]")
    assert page.locator("#others").is_visible()
    assert faults(page) == []
    page.tap("#others [data-platform=alipay]")
    at_the_wallet(page)
    by_wallet = {one["platform"]: one["state"] for one in attempts_of(hub, link)}
    assert by_wallet == {"wechatpay": "closed", "alipay": "open"}, "closed at the first wallet before the second opened"
    page.tap("button")  # the wallet's own page: pay
    page.wait_for_url("**/c/*")
    page.wait_for_selector("[data-checkout=paid]")
    assert "支付宝" in page.locator("#receipt").inner_text()
    assert faults(page) == []
    page.goto(first)
    assert page.locator("button").count() == 0, "nobody can pay the first one any more"
    orders = [o for o in hub.api("/orders", source="own") if o["link_id"] == link["link_id"]]
    assert len(orders) == 1
    watched.complaints.clear()  # what the wallets' own pages say is theirs


def test_a_page_that_asks_no_more_asks_again_when_somebody_looks_at_it(watch, hub, link):
    watched = watch("phone", user_agent=PHONE, is_mobile=True, has_touch=True)
    page = watched.page
    page.goto(link["url"])
    page.wait_for_url("**/c/*")
    desk = page.url
    page.tap("[data-show=open] [data-platform=wechatpay]")
    at_the_wallet(page)
    page.goto(desk)
    page.wait_for_selector("[data-checkout=waiting]")
    with page.expect_response("**/status"):
        page.evaluate("window.setTimeout = () => 0")  # the last time that it asks by itself
    with page.expect_response("**/status"):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    watched.complaints.clear()  # what the wallets' own pages say is theirs


def test_what_is_unclear_says_so_and_is_never_called_failed(watch, hub, link, troubled):
    watched = watch("phone", user_agent=WECHAT, is_mobile=True, has_touch=True)
    watched.forgive("status of 5")
    buyer = Wallet(watched.page, hub, "wechatpay")
    buyer.scan(link["url"])
    buyer.page.wait_for_selector("#pay")
    troubled({"platform": "wechatpay", "kind": "create_timeout", "rate": 1})
    buyer.tap("#pay")
    buyer.page.wait_for_selector("[data-checkout=unknown]")
    assert "请勿重复付款" in buyer.page.locator("[data-show=unknown]").inner_text()
    assert faults(buyer.page) == []
    assert [one["state"] for one in attempts_of(hub, link)] == ["unknown"]
    troubled()
    buyer.page.wait_for_selector("[data-checkout=waiting]", timeout=60_000)  # asked, and found open and unpaid
    buyer.page.tap("#again")
    buyer.page.wait_for_selector("[data-checkout=paid]")
    assert len(attempts_of(hub, link)) == 1, "the same number all along"


def test_a_refund_is_on_the_receipt(watch, hub, link):
    buyer = Wallet(watch("phone", user_agent=WECHAT, is_mobile=True, has_touch=True).page, hub, "wechatpay")
    buyer.scan(link["url"])
    buyer.tap("#pay")
    buyer.page.wait_for_selector("[data-checkout=paid]")
    order = next(o for o in hub.api("/orders", source="own") if o["link_id"] == link["link_id"])
    hub.post(f"/orders/{order['order_id']}/refunds", {"amount_fen": 100, "reason": "少了一件"})
    hub.wait(
        lambda: buyer.page.reload() and "-¥1.00" in buyer.page.locator("#receipt").inner_text(),
        "the refund on the page",
    )
    assert faults(buyer.page) == []


def test_a_computer_may_pay_at_the_wallets_own_page(watch, hub, link):
    watched = watch("desk", user_agent=DESK)
    page = watched.page
    page.goto(link["url"])
    page.wait_for_selector("#page-qr svg")
    page.click("[data-show=open] [data-switch]")
    assert faults(page) == []
    page.click("#others [data-method=page][data-platform=alipay]")
    at_the_wallet(page)
    page.click("button")
    page.wait_for_url("**/c/*")
    page.wait_for_selector("[data-checkout=paid]")
    watched.complaints.clear()  # what the wallet's own page says is the wallet's
