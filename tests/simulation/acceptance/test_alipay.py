"""Alipay through the whole hub: inside the app, from a browser, from a code on a screen; refunds; lost callbacks."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest

ALIPAY_AGENT = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/22A3354 "
    "AlipayDefined(nt:WIFI,ws:390|780|3.0) AliApp(AP/10.7.60.8100) AlipayClient/10.7.60.8100 Language/zh-Hans"
)
PHONE_AGENT = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 "
    "Mobile/15E148 Safari/604.1"
)
PRICE_FEN = 5900


class Buyer:
    """A buyer with a browser of some kind at the cash desk of goods of his own."""

    def __init__(self, market: Any, agent: str) -> None:
        self.market = market
        self.goods = market.goods(price_fen=PRICE_FEN)
        headers = {"user-agent": agent, "x-sandbox-buyer": "5"}
        self.browser = httpx.Client(headers=headers, timeout=60, trust_env=False)
        url = self.goods.link["url"]
        for _ in range(10):
            page = self.browser.get(url)
            if not page.has_redirect_location:
                break
            url = urljoin(str(page.url), page.headers["location"])
        assert page.status_code == 200, page.text[:500]
        self.url = str(page.url).rstrip("/").split("?")[0].rstrip("/")
        self.checkout_id = re.search(r"/c/([0-9a-f-]{36})", self.url).group(1)

    def press(self, method: str) -> dict[str, Any]:
        answer = self.browser.post(f"{self.url}/pay", json={"platform": "alipay", "method": method})
        assert answer.is_success, answer.text[:500]
        rows = self.market.world.sql(
            "SELECT c.order_id, a.out_trade_no FROM checkout c JOIN attempt a USING (merchant_id, payment_id) "
            "WHERE c.checkout_id = $1::text::uuid ORDER BY a.created_at DESC",
            self.checkout_id,
        )
        self.order_id, self.out_trade_no = str(rows[0]["order_id"]), str(rows[0]["out_trade_no"])
        return answer.json()

    def order(self) -> dict[str, Any]:
        return next(item for item in self.market.items("/orders") if item["order_id"] == self.order_id)

    def book(self) -> dict[str, Any]:
        rows = self.market.world.sandbox.get("/books").json()
        return next(row for row in rows if row["order_no"] == self.out_trade_no)

    def at_wallet(self) -> None:
        self.market.world.post_sandbox("/pay", platform="alipay", out_trade_no=self.out_trade_no)


@pytest.fixture
def arrive(market):
    there = []

    def make(agent):
        there.append(Buyer(market, agent))
        return there[-1]

    yield make
    for buyer in there:
        buyer.browser.close()


def paid(until, buyer):
    until("paid", lambda: buyer.order()["state"] == "paid")
    buyer.market.world.settle()


def test_inside_alipay_the_page_knows_the_buyer_and_the_bridge_pays(market, until, arrive):
    buyer = arrive(ALIPAY_AGENT)
    answer = buyer.press("jsapi")
    market.world.post_sandbox("/bridge/pay", platform="alipay", invoke=answer["invoke"])
    paid(until, buyer)
    assert buyer.book()["amount_fen"] == PRICE_FEN
    assert buyer.book()["status"] == "TRADE_SUCCESS"


def test_a_phones_browser_goes_to_the_cash_desk_and_comes_back(market, until, arrive):
    buyer = arrive(PHONE_AGENT)
    target = buyer.press("h5")["redirect_url"]
    page = buyer.browser.get(target)
    assert "59.00" in page.text
    button = re.search(r'action="([^"]+)"', page.text).group(1)
    back = buyer.browser.post(urljoin(target, button))
    paid(until, buyer)
    if back.has_redirect_location:
        assert buyer.checkout_id in back.headers["location"]


def test_parts_that_go_back_are_refunds_and_never_an_unpaid_order(market, until, arrive):
    """The payment's own address hears of refunds: TRADE_SUCCESS again, then TRADE_CLOSED."""
    buyer = arrive(ALIPAY_AGENT)
    buyer.press("jsapi")
    buyer.at_wallet()
    paid(until, buyer)
    for amount_fen in (900, 5000):
        market.post(f"/orders/{buyer.order_id}/refunds", {"amount_fen": amount_fen, "reason": "不要了"})
        market.advance(5)
    until("refunded", lambda: buyer.order()["refunded_minor"] == PRICE_FEN)
    market.advance(60)
    assert buyer.book()["refunded_fen"] == PRICE_FEN
    assert buyer.book()["status"] == "TRADE_CLOSED"
    assert not [t for t in market.items("/tickets") if buyer.out_trade_no in map(str, t["details"].values())]


def test_a_lost_callback_is_repaired_by_asking(market, until, arrive):
    buyer = arrive(ALIPAY_AGENT)
    buyer.press("jsapi")
    market.faults({"platform": "alipay", "kind": "callback_lost"})
    buyer.at_wallet()
    market.advance(120)
    paid(until, buyer)


def test_a_code_that_is_scanned_late_is_paid_all_the_same(market, until, arrive):
    """Before it is scanned Alipay knows no such order; the hub keeps asking and closes nothing."""
    buyer = arrive(PHONE_AGENT)
    buyer.press("native")
    market.advance(60)
    assert buyer.order()["state"] != "closed"
    buyer.at_wallet()
    paid(until, buyer)


def test_forged_callbacks_change_nothing(market, until, arrive):
    buyer = arrive(ALIPAY_AGENT)
    buyer.press("jsapi")
    before = market.rows()
    for change in ("body", "sign", "sign_type", "charset", "duplicate", "swapped", "stale"):
        answer = market.world.post_sandbox(
            "/callbacks/tamper", platform="alipay", out_trade_no=buyer.out_trade_no, change=change
        )
        assert (change, answer["status"], answer["body"]) == (change, 401, "failure")
    assert market.rows() == before
    for change in ("other_app_id", "other_seller_id", "other_order", "other_amount"):
        market.world.post_sandbox(
            "/callbacks/tamper", platform="alipay", out_trade_no=buyer.out_trade_no, change=change
        )
    market.world.settle()
    assert buyer.order()["state"] != "paid"
    buyer.at_wallet()
    paid(until, buyer)
