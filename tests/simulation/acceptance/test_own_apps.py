"""A merchant's own app and mini-program take payments: opened by its server, paid at the wallet, true in every book."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
PRICE_FEN = 1_300
#: Wallet, way to pay, and how the wallet learns who pays.
WAYS = [
    ("wechatpay", "app", ""),
    ("wechatpay", "mini", "payer_id"),
    ("wechatpay", "mini", "login_code"),
    ("wechatpay", "jsapi", "payer_id"),
    ("wechatpay", "native", ""),
    ("alipay", "app", ""),
    ("alipay", "mini", "payer_id"),
    ("alipay", "mini", "login_code"),
    ("alipay", "native", ""),
]
BUYER = 3


class OwnApp:
    """The merchant's server and a buyer with its app."""

    def __init__(self, market: Any, until: Any) -> None:
        self.market, self.world, self.until = market, market.world, until
        self.goods = market.goods(price_fen=PRICE_FEN, stock=10)
        self.key = os.urandom(12).hex()

    def payer(self, wallet: str, method: str, way: str) -> dict[str, str]:
        """How the merchant's server names the buyer."""
        if way == "login_code":
            return {way: self.world.post_sandbox("/logins", platform=wallet, buyer=BUYER)["login_code"]}
        if way != "payer_id":
            return {}
        if wallet == "alipay":
            return {way: "2088102150477652"}
        credentials = self.world.sandbox.get("/platforms").json()[wallet]["credentials"]
        app = credentials["mini_appid" if method == "mini" else "appid"]
        buyers = self.world.sandbox.get("/buyers", params={"appid": app}).json()
        return {way: next(row["openid"] for row in buyers if row["buyer"] == BUYER)}

    def body(self, wallet: str, method: str, way: str = "", **more: Any) -> dict[str, Any]:
        goods = {} if "amount_fen" in more else {"sku_id": self.goods.sku_id}
        return {"platform": wallet, "method": method, **goods, **self.payer(wallet, method, way), **more}

    def ask(self, body: dict[str, Any]) -> httpx.Response:
        return self.market.send("/payments", body, self.key)

    def open(self, body: dict[str, Any]) -> dict[str, Any]:
        answer = self.ask(body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def pay(self, opened: dict[str, Any]) -> httpx.Response:
        """What the wallet's app does with what the merchant's hands it; a wrong signature is refused."""
        wallet = {"platform": opened["platform"]}
        if opened["code_url"]:
            return self.world.sandbox.post("/pay", json={**wallet, "code_url": opened["code_url"]})
        return self.world.sandbox.post("/bridge/pay", json={**wallet, "invoke": opened["invoke"]})

    def payment(self, opened: dict[str, Any]) -> dict[str, Any]:
        answer = self.market.client.get(f"/payments/{opened['payment_id']}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def order(self, opened: dict[str, Any]) -> dict[str, Any]:
        return next(item for item in self.market.items("/orders") if item["order_id"] == opened["order_id"])

    def books(self, opened: dict[str, Any]) -> list[tuple[str, int, int]]:
        """What the wallets' own books hold of the payment's attempts."""
        numbers = {part["out_trade_no"] for part in self.payment(opened)["attempts"]}
        rows = self.world.sandbox.get("/books").json()
        return [(r["platform"], r["amount_fen"], r["refunded_fen"]) for r in rows if r["order_no"] in numbers]

    def wait_for(self, opened: dict[str, Any], state: str) -> None:
        self.until(state, lambda: self.payment(opened)["state"] == state, 30)
        self.world.settle()


@pytest.fixture
def app(market, until):
    return OwnApp(market, until)


@pytest.mark.parametrize(("wallet", "method", "way"), WAYS)
def test_what_the_server_opens_the_app_pays_and_all_books_agree(app, wallet, method, way):
    party = app.market.post("/parties", {"name": f"推广 {app.goods.seller_code}"})["party_id"]
    channel_id = app.goods.link["channel_id"]
    app.market.post("/split-rules", {"party_id": party, "channel_id": channel_id, "rate_bps": 1_000})
    opened = app.open(app.body(wallet, method, way, quantity=2, link_id=app.goods.link["link_id"]))
    assert (opened["state"], opened["amount_minor"], opened["platform"]) == ("open", 2 * PRICE_FEN, wallet)
    assert app.goods.level()["available"] == 8
    assert app.pay(opened).is_success
    app.wait_for(opened, "paid")
    order = app.order(opened)
    assert (order["state"], order["channel_id"]) == ("paid", channel_id)
    assert app.books(opened) == [(wallet, 2 * PRICE_FEN, 0)]
    [share] = app.market.items("/commissions", order_id=opened["order_id"])
    assert (share["party_id"], share["amount"]["amount_minor"]) == (party, 2 * PRICE_FEN // 10)
    assert app.world.breaches() == []


def test_spoilt_parameters_open_no_wallet(app):
    opened = app.open(app.body("wechatpay", "app"))
    spoilt = {**opened, "invoke": {**opened["invoke"], "nonceStr": "x" * 32}}
    assert app.pay(spoilt).status_code == 401
    assert app.pay(opened).is_success


@pytest.mark.parametrize(("wallet", "method", "way"), [("wechatpay", "mini", "login_code"), ("alipay", "app", "")])
def test_the_same_key_is_the_same_payment_until_it_ended(app, wallet, method, way):
    body = app.body(wallet, method, way)
    first, second = app.open(body), app.open(body)
    assert [first[name] for name in ("payment_id", "out_trade_no")] == [second["payment_id"], second["out_trade_no"]]
    other = app.ask({**body, "quantity": 2})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert app.goods.level()["available"] == 9
    assert app.pay(second).is_success
    app.wait_for(first, "paid")
    ended = app.open(body)
    assert (ended["state"], ended["invoke"], ended["payment_id"]) == ("paid", None, first["payment_id"])
    assert app.books(first) == [(wallet, PRICE_FEN, 0)]


def test_an_amount_is_paid_without_goods(app):
    opened = app.open(app.body("alipay", "native", amount_fen=250, title="停车费"))
    assert app.pay(opened).is_success
    app.wait_for(opened, "paid")
    assert app.books(opened) == [("alipay", 250, 0)]


@pytest.mark.parametrize(("wallet", "way"), [("wechatpay", "payer_id"), ("alipay", "payer_id")])
def test_a_lost_callback_is_repaired_when_the_server_asks(app, wallet, way):
    app.market.faults({"platform": wallet, "kind": "callback_lost"})
    opened = app.open(app.body(wallet, "mini", way))
    assert app.pay(opened).is_success
    assert app.payment(opened)["state"] == "open"
    app.market.advance(11)
    app.until(
        "paid", lambda: app.payment(opened)["state"] == "paid", 8
    )  # well before the first question of the schedule
    app.world.settle()


def test_a_lost_answer_is_no_second_order(app):
    app.market.faults({"platform": "wechatpay", "kind": "create_timeout", "limit": 1})
    body = app.body("wechatpay", "app")
    assert app.ask(body).status_code in (201, 504)
    app.market.faults()
    opened = app.open(body)
    assert app.pay(opened).is_success
    app.wait_for(opened, "paid")
    assert app.books(opened) == [("wechatpay", PRICE_FEN, 0)]


def test_paid_in_the_app_and_on_the_page_is_captured_once_and_goes_back_once(app):
    """Alipay's order begins when the app brings it there: until then there is nothing to close."""
    opened = app.open(app.body("alipay", "app"))
    pressed = httpx.post(
        f"{opened['checkout_url']}/pay",
        json={"method": "native", "platform": "wechatpay"},
        headers={"accept": "application/json"},
        trust_env=False,
        timeout=60,
    )
    assert pressed.is_success, pressed.text
    page = {"platform": "wechatpay", "code_url": pressed.json()["code_url"]}
    assert app.world.sandbox.post("/pay", json=page).is_success
    app.wait_for(opened, "paid")
    assert app.pay(opened).is_success
    app.until("returned", lambda: [r["state"] for r in app.payment(opened)["refunds"]] == ["succeeded"], 30)
    app.world.settle()
    assert [refund["cause"] for refund in app.payment(opened)["refunds"]] == ["automatic"]
    assert sorted(app.books(opened)) == [("alipay", PRICE_FEN, PRICE_FEN), ("wechatpay", PRICE_FEN, 0)]
    assert app.world.breaches() == []


def test_what_nobody_pays_is_closed_at_the_wallet_and_its_goods_are_free(app):
    body = app.body("wechatpay", "mini", "payer_id")
    opened = app.open(body)
    assert app.goods.level()["available"] == 9
    app.market.advance(1_900)
    app.wait_for(opened, "closed")
    assert app.goods.level()["available"] == 10
    assert app.pay(opened).status_code in (400, 409)
    ended = app.open(body)
    assert (ended["state"], ended["invoke"], app.books(opened)) == ("closed", None, [])


def test_a_buyer_of_another_app_is_refused_by_the_wallet(app):
    body = {**app.body("wechatpay", "mini"), **app.payer("wechatpay", "jsapi", "payer_id")}
    answer = app.ask(body)
    assert (answer.status_code, answer.json()["code"]) == (502, "platform_failure")
    used = app.payer("wechatpay", "mini", "login_code")
    app.key = os.urandom(12).hex()
    assert app.pay(app.open({**app.body("wechatpay", "mini"), **used})).is_success
    app.key = os.urandom(12).hex()
    again = app.ask({**app.body("wechatpay", "mini"), **used})
    assert (again.status_code, again.json()["code"]) == (502, "platform_failure")


def test_the_guide_can_be_followed_as_written(app):
    text = (ROOT / "docs/howto/pay-in-your-app.md").read_text("utf-8")
    tutorial = (ROOT / "docs/tutorial/first-sale.md").read_text("utf-8")
    tools = re.search(r"^api\(\) \{.*?^print.*?$", tutorial, re.DOTALL | re.MULTILINE)
    blocks = re.findall(r"<!-- checked -->\n```sh\n(.*?)```", text, re.DOTALL)
    assert tools
    assert len(blocks) == len(re.findall(r"^```sh", text, re.MULTILINE))
    env = {
        **os.environ,
        "HUB": app.world.url,
        "SANDBOX": app.world.control_url,
        "KEY": app.world.login["api_key"],
        "SKU": app.goods.sku_id,
        "CHANNEL": app.goods.link["channel_id"],
        "ORDER": app.key,
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join([tools.group(0), *blocks])],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert done.stdout.split().count("paid") == 2, done.stdout
