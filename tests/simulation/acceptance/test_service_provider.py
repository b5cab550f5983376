"""A service provider's account that acts for a merchant: paid, asked about, shared, taken back and refunded there."""

from __future__ import annotations

import os
from typing import Any

import pytest

pytestmark = pytest.mark.slow

PRICE_FEN = 10_000
RECEIVER = {"kind": "merchant", "account_ref": "1900000109", "name": "代理公司"}


class Provider:
    """The provider's connection, and goods that a party earns by."""

    def __init__(self, market: Any, until: Any) -> None:
        self.market, self.until = market, until
        told = market.world.sandbox.get("/platforms").json()["wechatpay"]
        self.sub = {name: told["more_credentials"][name] for name in ("sub_mchid", "sub_appid")}
        account = {
            "platform": "wechatpay",
            "mode": "sandbox",
            "base_url": told["base_url"],
            "credentials": {**told["credentials"], **self.sub},
            "title": "服务商",
        }
        self.connection_id = market.post("/connections", account)["connection_id"]
        market.patch(f"/connections/{self.connection_id}", {"priority": 1_000})  # other tests sell by the usual account
        self.goods = market.goods(price_fen=PRICE_FEN)
        self.party_id = market.post("/parties", {"name": f"代理 {self.goods.seller_code}"})["party_id"]
        rule = {"party_id": self.party_id, "rate_bps": 1_000, "sku_id": self.goods.sku_id}
        market.post("/split-rules", rule)
        market.post(f"/parties/{self.party_id}/receivers", {"platform": "wechatpay", **RECEIVER})

    def open(self, method: str, **payer: str) -> dict[str, Any]:
        body = {
            "platform": "wechatpay",
            "method": method,
            "sku_id": self.goods.sku_id,
            "connection_id": self.connection_id,
            **payer,
        }
        return self.market.post("/payments", body, os.urandom(12).hex())

    def pay(self, opened: dict[str, Any]) -> None:
        """As the wallet's app does, which checks the signature and whom the parameters name."""
        self.market.world.post_sandbox("/bridge/pay", platform="wechatpay", invoke=opened["invoke"])

    def payment(self, opened: dict[str, Any]) -> dict[str, Any]:
        answer = self.market.client.get(f"/payments/{opened['payment_id']}")
        assert answer.is_success, answer.text
        return answer.json()

    def wait_for_money(self, opened: dict[str, Any]) -> None:
        self.until("paid", lambda: self.payment(opened)["state"] == "paid", 30)
        self.market.world.settle()

    def wallet(self, opened: dict[str, Any]) -> dict[str, Any]:
        rows = self.market.world.sandbox.get("/books").json()
        return next(row for row in rows if row["order_no"] == opened["out_trade_no"])

    def booked(self, opened: dict[str, Any]) -> dict[str, int]:
        """What each kind of posting moved on the provider's wallet account."""
        moved: dict[str, int] = {}
        for row in self.market.items("/postings"):
            if row["subject_id"] == opened["order_id"] and row["account"].startswith("wallet:wechatpay:"):
                assert self.connection_id.replace("-", "") in row["account"].replace("-", "")
                moved[row["kind"]] = moved.get(row["kind"], 0) + row["amount_minor"]
        return moved

    def commission(self, opened: dict[str, Any]) -> tuple[str, int, int]:
        [row] = self.market.items("/commissions", order_id=opened["order_id"])
        return row["state"], row["settled"]["amount_minor"], row["owed"]["amount_minor"]


@pytest.fixture
def provider(market, until):
    """Shares are sure at once, so that no day has to pass; afterwards the connection takes no payments."""
    market.post("/split-terms", {"return_window_days": 0})
    opened = Provider(market, until)
    yield opened
    market.post("/split-terms", {"return_window_days": 7})
    market.patch(f"/connections/{opened.connection_id}", {"is_active": False})


def test_a_provider_takes_shares_and_gives_back_for_its_merchant(market, provider):
    sale = provider.open("app")
    named = {name: sale["invoke"][name] for name in ("partnerId", "appId")}
    assert named == {"partnerId": provider.sub["sub_mchid"], "appId": provider.sub["sub_appid"]}
    provider.pay(sale)
    provider.wait_for_money(sale)
    row = provider.wallet(sale)
    assert (row["merchant"], row["seller"], row["amount_fen"]) == ("default", "default-sub", PRICE_FEN)
    for _ in range(3):
        market.advance(1_900)
    assert provider.commission(sale) == ("settled", 1_000, 0)
    assert provider.wallet(sale)["shared_fen"] == 1_000
    market.post(f"/orders/{sale['order_id']}/refunds", {"amount_fen": 4_000, "reason": "退一部分"})
    provider.until("refunded", lambda: provider.payment(sale)["refunded_minor"] == 4_000, 30)
    market.world.settle()
    for _ in range(2):
        market.advance(60)
    row = provider.wallet(sale)
    assert (row["refunded_fen"], row["shared_fen"], row["returned_fen"]) == (4_000, 1_000, 400)
    moved = provider.booked(sale)
    assert moved["share"] + moved["take_back"] == -(row["shared_fen"] - row["returned_fen"])
    assert sum(moved.values()) == PRICE_FEN - 4_000 - 600 - (row["fee_fen"] - row["refunded_fee_fen"])
    assert market.world.breaches() == []


def test_a_provider_asks_about_what_it_was_not_told(market, provider):
    """In the provider's own mini-program, whose login it exchanges."""
    code = market.world.post_sandbox("/logins", platform="wechatpay", buyer=5)["login_code"]
    market.faults({"platform": "wechatpay", "kind": "callback_lost"})
    sale = provider.open("mini", login_code=code)
    provider.pay(sale)
    assert provider.payment(sale)["state"] == "open"
    market.advance(60)
    market.faults()
    provider.wait_for_money(sale)
    assert provider.wallet(sale)["seller"] == "default-sub"
    assert market.world.breaches() == []


def test_what_a_provider_was_not_paid_is_closed_there(market, provider):
    sale = provider.open("app")
    market.post(f"/payments/{sale['payment_id']}/close", {})
    provider.until("closed", lambda: provider.payment(sale)["state"] == "closed", 30)
    gone = market.world.sandbox.post("/bridge/pay", json={"platform": "wechatpay", "invoke": sale["invoke"]})
    assert gone.status_code == 409
