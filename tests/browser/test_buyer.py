"""A buyer's way in a real browser: link, cash desk inside WeChat, paid; a desktop's QR; links that lead nowhere."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Final
from urllib.parse import urljoin

import browser_checks as checks
import httpx
import pytest
from browser_hub import RunningHub

WECHAT = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Mobile/15E148 MicroMessenger/8.0.60(0x18003c2f) NetType/WIFI Language/zh_CN"
)
PHONE = (
    "Mozilla/5.0 (Linux; Android 14; 23127PN0CC) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 "
    "Mobile Safari/537.36"
)
DESK = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
_PAYER_LEARNED: Final = re.compile(r"/c/[0-9a-f-]{36}\?(.*&)?code=")
#: WeChat's bridge as its app offers it to pages; what the buyer decides comes from the test.
BRIDGE = """
window.WeixinJSBridge = {
  invoke: (name, values, done) => window.walletAsks(name, values).then((message) => done({ err_msg: message })),
};
"""


def faults(page) -> list[str]:
    return [*checks.untranslated(page, "zh-Hans"), *checks.overflow(page), *checks.lying_money(page)]


def pays_in_wechat(page, hub: RunningHub) -> list[str]:
    """WeChat's bridge, with a buyer who types the password; what it was asked for."""
    asked: list[str] = []

    def wallet(name: str, values: dict) -> str:
        asked.append(name)
        attempt = hub.api("/payments")[0]["attempts"][-1]
        hub.sandbox("/pay", {"platform": "wechatpay", "out_trade_no": attempt["out_trade_no"], "invoke": values})
        return "get_brand_wcpay_request:ok"

    page.expose_function("walletAsks", wallet)
    page.add_init_script(BRIDGE)
    return asked


def test_bought_inside_wechat(watch, hub, link):
    watched = watch("phone", user_agent=WECHAT, is_mobile=True, has_touch=True)
    page = watched.page
    asked = []

    def wallet(name: str, values: dict) -> str:
        asked.append((name, values))
        attempt = hub.api("/payments")[0]["attempts"][-1]
        hub.sandbox("/pay", {"platform": "wechatpay", "out_trade_no": attempt["out_trade_no"], "invoke": values})
        return "get_brand_wcpay_request:ok"

    page.expose_function("walletAsks", wallet)
    page.add_init_script(BRIDGE)
    page.goto(link["url"])
    page.wait_for_url("**/c/*")
    assert page.url.split("?")[0] == page.url, "the one-time code has left the address"
    assert checks.differences(page, {"[data-figure=amount]": checks.money_text(link["sku"]["price_fen"])}) == []
    assert faults(page) == []
    page.tap("#pay")
    page.wait_for_selector("[data-checkout=paid]")
    assert faults(page) == []
    assert page.locator("[data-show=paid]").is_visible()
    assert [name for name, _ in asked] == ["getBrandWCPayRequest"]
    page.reload()
    assert page.locator("[data-checkout]").get_attribute("data-checkout") == "paid"
    order = next(o for o in hub.api("/orders", source="own") if o["link_id"] == link["link_id"])
    assert (order["state"], order["container"]) == ("paid", "wechat")
    assert order["order_no"] in page.content()


def test_cancelled_inside_wechat_and_paid_at_the_second_try(watch, hub, link):
    page = watch("phone", user_agent=WECHAT, is_mobile=True, has_touch=True).page
    answers = ["get_brand_wcpay_request:cancel", "get_brand_wcpay_request:fail", "get_brand_wcpay_request:ok"]

    def wallet(_name: str, values: dict) -> str:
        answer = answers.pop(0)
        if answer.endswith(":ok"):
            attempt = hub.api("/payments")[0]["attempts"][-1]
            hub.sandbox("/pay", {"platform": "wechatpay", "out_trade_no": attempt["out_trade_no"], "invoke": values})
        return answer

    page.expose_function("walletAsks", wallet)
    page.add_init_script(BRIDGE)
    page.goto(link["url"])
    page.tap("#pay")
    page.wait_for_selector("[data-checkout=failed]")
    assert "取消" in page.locator("#reason").inner_text()
    assert faults(page) == []
    page.tap("#retry")
    page.wait_for_function("document.querySelector('#reason') && window.WeixinJSBridge")
    page.wait_for_selector("[data-checkout=failed]")
    page.wait_for_timeout(300)
    page.tap("#retry")
    page.wait_for_selector("[data-checkout=paid]")
    orders = [o for o in hub.api("/orders", source="own") if o["link_id"] == link["link_id"]]
    assert len(orders) == 1, "three taps are one order"


def test_a_forwarded_cash_desk_is_a_visit_of_its_own(watch, hub, link):
    """Somebody shares the cash desk instead of the link: his friend gets one of his own, and the visit counts."""
    first = watch("phone", user_agent=WECHAT).page
    first.goto(link["url"])
    first.wait_for_url("**/c/*")
    friend = watch("phone", user_agent=WECHAT).page
    friend.goto(first.url)
    friend.wait_for_url("**/c/*")
    assert friend.url != first.url
    elsewhere = watch("phone", user_agent=PHONE).page
    elsewhere.goto(first.url)
    elsewhere.wait_for_url("**/c/*")
    assert elsewhere.url not in {first.url, friend.url}
    at_first = first.url
    first.reload()
    assert first.url == at_first, "the first buyer keeps his own"
    counted = {"wechat": 2, "mobile": 1}
    hub.wait(
        lambda: next(i for i in hub.api("/links") if i["code"] == link["code"])["clicks_by_container"] == counted,
        "the three visits",
    )


def test_an_answer_lost_while_the_payer_is_learned_makes_no_second_visit(hub, link):
    """The hub has learned who pays and dies before it can say so: the buyer's reload goes on with the same desk."""
    with httpx.Client(headers={"user-agent": WECHAT}, timeout=20, trust_env=False) as browser:
        url = link["url"]
        while not _PAYER_LEARNED.search(url):
            answer = browser.get(url)
            assert answer.has_redirect_location, url
            url = urljoin(str(answer.url), answer.headers["location"])
        kept = httpx.Cookies(browser.cookies)
        assert browser.get(url).has_redirect_location, "the hub has done it"
    desk = url.partition("?")[0]
    with httpx.Client(headers={"user-agent": WECHAT}, cookies=kept, timeout=20, trust_env=False) as browser:
        assert browser.get(desk).status_code == HTTPStatus.OK, "his own desk and no new one"


def test_a_phone_browser_is_sent_on_to_the_wallet(watch, hub, link):
    watched = watch("phone", user_agent=PHONE, is_mobile=True, has_touch=True)
    page = watched.page
    page.goto(link["url"])
    page.wait_for_url("**/c/*")
    assert faults(page) == []
    page.tap("[data-platform=wechatpay]")
    # Until the wallet's page is there: closing a page in the middle of a navigation can hang Chromium.
    page.wait_for_url(lambda url: "/c/" not in url, wait_until="load")
    watched.complaints.clear()  # what the wallet's own page says is the wallet's


def test_a_desktop_shows_one_code_and_hears_when_the_phone_has_paid(watch, hub, link):
    page = watch("desk", user_agent=DESK).page
    page.goto(link["url"])
    page.wait_for_url("**/c/*")
    assert page.locator("#page-qr svg").is_visible()
    assert checks.differences(page, {"[data-figure=amount]": checks.money_text(link["sku"]["price_fen"])}) == []
    assert faults(page) == []
    scanned = page.locator("[data-copy]").first.get_attribute("data-copy")
    phone = watch("phone", user_agent=WECHAT, is_mobile=True, has_touch=True).page
    pays_in_wechat(phone, hub)
    phone.goto(scanned)
    phone.wait_for_selector("#pay")
    assert phone.url.split("#")[0] == page.url, "the same checkout, by its plain address"
    phone.tap("#pay")
    phone.wait_for_selector("[data-checkout=paid]")
    page.wait_for_selector("[data-checkout=paid]")
    assert faults(page) == []
    hub.wait(
        lambda: (
            next(i for i in hub.api("/links") if i["code"] == link["code"])["clicks_by_container"] == {"desktop": 1}
        ),
        "the click",
    )


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/l/nosuch1", 404, "没有这条链接"),
        ("/l/" + "x" * 200, 404, "没有这条链接"),
        ("/b/nosuch1?k=00", 404, "没有这条链接"),
        ("/c/018f0000-0000-7000-8000-000000000001", 404, "没有这张订单页"),
        ("/c/nosuch", 404, "没有这个页面"),
    ],
)
def test_dead_ends_are_friendly(watch, hub, path, status, says):
    watched = watch("phone", base_url=hub.url, user_agent=PHONE)
    answer = watched.page.goto(path)
    assert answer is not None
    assert answer.status == status
    assert watched.page.locator("h1").inner_text() == says
    assert faults(watched.page) == []
    watched.complaints[:] = [c for c in watched.complaints if str(status) not in c]  # the browser tells of the 404


def test_a_click_that_is_not_ours_counts_again(watch, hub, link):
    page = watch("phone", user_agent=PHONE).page
    page.goto(f"{hub.url}/b/{link['code']}?k={'0' * 48}")
    page.wait_for_url("**/c/*")
    hub.wait(
        lambda: next(i for i in hub.api("/links") if i["code"] == link["code"])["clicks"] == 1, "the click that counts"
    )
