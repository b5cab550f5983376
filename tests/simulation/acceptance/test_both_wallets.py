"""What holds for one wallet holds for the other: callbacks, closes, switching to and fro, refunds."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from restartable import wait_until

pytestmark = pytest.mark.slow

PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.0 Mobile/15E148 Safari/604.1"
)
WALLETS = ("wechatpay", "alipay")
FORGED = {
    "wechatpay": ["body", "signature", "timestamp", "serial", "nonce", "stale", "probe"],
    "alipay": ["body", "sign", "sign_type", "charset", "duplicate", "swapped", "stale"],
}
FOREIGN = [
    ("wechatpay", "other_mchid", "mchid"),
    ("wechatpay", "other_appid", "appid"),
    ("wechatpay", "other_order", "out_trade_no"),
    ("wechatpay", "other_amount", "amount"),
    ("wechatpay", "other_currency", "currency"),
    ("alipay", "other_app_id", "app_id"),
    ("alipay", "other_seller_id", "seller_id"),
    ("alipay", "other_order", "out_trade_no"),
    ("alipay", "other_amount", "amount"),
]
ACKNOWLEDGED = {"wechatpay": 204, "alipay": 200}


class PhoneSale:
    """A buyer in a phone's browser: his checkout, and the ways to pay he opened."""

    def __init__(self, market, price_fen: int = 1100) -> None:
        self.market, self.world = market, market.world
        self.goods = market.goods(price_fen=price_fen)
        with httpx.Client(headers={"user-agent": PHONE}, trust_env=False, timeout=30, follow_redirects=True) as phone:
            self.url = str(phone.get(self.goods.link["url"]).url).rstrip("/")
        self.checkout_id = self.url.rsplit("/", 1)[1]

    def press(self, platform: str) -> httpx.Response:
        body = {"method": "native", "platform": platform}
        headers = {"accept": "application/json", "user-agent": PHONE}
        return httpx.post(f"{self.url}/pay", json=body, headers=headers, trust_env=False, timeout=60)

    def open(self, platform: str) -> dict[str, str]:
        """What the buyer scans at this wallet."""
        answer = self.press(platform)
        assert answer.status_code == 200, answer.text
        return {"platform": platform, "code_url": answer.json()["code_url"]}

    def pay(self, way: dict[str, str]) -> dict[str, Any]:
        return self.world.post_sandbox("/pay", **way)

    def state(self) -> str:
        return httpx.get(f"{self.url}/status", trust_env=False, timeout=30).json()["state"]

    @property
    def payment(self) -> dict[str, Any]:
        row = self.world.sql("SELECT payment_id FROM checkout WHERE checkout_id = $1::text::uuid", self.checkout_id)[0]
        return next(i for i in self.market.items("/payments") if i["payment_id"] == str(row["payment_id"]))

    def order(self) -> dict[str, Any]:
        return next(i for i in self.market.items("/orders") if i["order_id"] == self.payment["order_id"])

    def attempts(self) -> list[tuple[str, str]]:
        return [(a["platform"], a["state"]) for a in self.payment["attempts"]]

    def number(self) -> str:
        return self.payment["attempts"][-1]["out_trade_no"]

    def tickets(self) -> list[str]:
        names = {self.payment["order_id"], *(a["out_trade_no"] for a in self.payment["attempts"])}
        found = self.market.items("/tickets")
        return [t["kind"] for t in found if names & {str(t["subject_id"]), *map(str, t["details"].values())}]

    def books(self) -> list[tuple[int, int]]:
        numbers = {a["out_trade_no"] for a in self.payment["attempts"]}
        rows = self.world.sandbox.get("/books").json()
        return [(row["amount_fen"], row["refunded_fen"]) for row in rows if row["order_no"] in numbers]

    def until(self, state: str) -> None:
        wait_until(state, lambda: self.payment["state"] == state, 30)
        self.world.settle()


def through(here: str):
    """Through both wallets; here through this one, by ``make proof-suite`` through the other one."""
    return pytest.mark.parametrize(
        "wallet", [name if name == here else pytest.param(name, marks=pytest.mark.long) for name in WALLETS]
    )


@pytest.fixture
def sale(market):
    return PhoneSale(market)


@pytest.mark.parametrize("wallet", WALLETS)
def test_forged_callbacks_change_nothing_and_the_true_one_pays(market, sale, wallet):
    way = sale.open(wallet)
    market.world.settle()
    before = market.rows()
    for change in FORGED[wallet]:
        body = {"platform": wallet, "out_trade_no": sale.number(), "change": change}
        assert market.world.post_sandbox("/callbacks/tamper", **body)["status"] == 401, change
    market.world.settle()
    assert market.rows() == before
    sale.pay(way)
    sale.until("paid")
    after = market.rows()
    for _ in range(3):
        told = market.world.post_sandbox("/callbacks/replay", platform=wallet, out_trade_no=sale.number())
        assert told["status"] == ACKNOWLEDGED[wallet]
    market.world.settle()
    assert market.rows() == after


@pytest.mark.parametrize(("wallet", "change", "field"), FOREIGN)
def test_signed_but_foreign_callbacks_pay_nothing(market, sale, wallet, change, field):
    sale.open(wallet)
    market.world.settle()
    before, tickets = market.rows(), len(market.items("/tickets"))
    body = {"platform": wallet, "out_trade_no": sale.number(), "change": change}
    assert market.world.post_sandbox("/callbacks/tamper", **body)["status"] == ACKNOWLEDGED[wallet]
    wait_until("a ticket", lambda: len(market.items("/tickets")) == tickets + 1, 30)
    market.world.settle()
    ticket = market.items("/tickets")[0]
    assert (ticket["kind"], ticket["details"]["field"]) == ("notice_mismatched", field)
    after = market.rows()
    changed = {table: after[table] - before[table] for table in before if after[table] != before[table]}
    assert changed == {"inbound": 1, "ledger_batch": 1, "posting": 2}
    assert (sale.payment["state"], sale.order()["state"], sale.state()) == ("open", "unpaid", "paying")


@pytest.mark.parametrize(("first", "second"), [WALLETS, WALLETS[::-1]])
def test_switching_wallets_ends_the_first(market, sale, first, second):
    left = sale.open(first)
    way = sale.open(second)
    assert sale.attempts() == [(first, "closed"), (second, "open")]
    if first == "wechatpay":  # an Alipay order begins when it is scanned: see the next test
        assert market.world.sandbox.post("/pay", json=left).status_code == 409
    sale.pay(way)
    sale.until("paid")
    assert sale.attempts() == [(first, "closed"), (second, "paid")]
    assert (sale.tickets(), sale.payment["refunds"]) == ([], [])


def test_both_wallets_paid_make_one_capture_and_one_refund(market, sale):
    """The Alipay code was never scanned, so there was nothing to close; then it is scanned after all."""
    left = sale.open("alipay")
    sale.pay(sale.open("wechatpay"))
    sale.until("paid")
    sale.pay(left)
    wait_until("returned", lambda: [r["state"] for r in sale.payment["refunds"]] == ["succeeded"], 30)
    market.world.settle()
    assert sale.attempts() == [("alipay", "paid"), ("wechatpay", "paid")]
    assert [r["cause"] for r in sale.payment["refunds"]] == ["automatic"]
    assert (sale.payment["state"], sale.payment["refunded_minor"]) == ("paid", 0)
    assert sale.tickets() == ["surplus_captured"]
    assert sorted(sale.books()) == [(1100, 0), (1100, 1100)]


def test_what_was_left_open_is_closed_when_the_other_is_paid(market, sale):
    """The buyer goes back and pays the Alipay code that he had left: the WeChat order cannot be paid any more."""
    left = sale.open("alipay")
    way = sale.open("wechatpay")
    sale.pay(left)
    sale.until("paid")
    wait_until("closed", lambda: sale.attempts() == [("alipay", "paid"), ("wechatpay", "closed")], 30)
    assert market.world.sandbox.post("/pay", json=way).status_code == 409
    market.world.settle()
    assert (sale.payment["state"], sale.payment["refunds"], sale.tickets()) == ("paid", [], [])
    assert sale.books() == [(1100, 0)]


def test_what_cannot_be_closed_at_once_is_asked_for_until_it_ends(market, sale):
    """Paid at both, the second in its last seconds, and nobody tells of it."""
    left = sale.open("alipay")
    way = sale.open("wechatpay")
    market.faults({"platform": "wechatpay", "kind": "server_error"}, {"platform": "wechatpay", "kind": "callback_lost"})
    sale.pay(left)
    sale.until("paid")
    sale.pay(way)
    market.advance(3600)
    market.faults()
    market.advance(3600)
    wait_until("returned", lambda: [r["state"] for r in sale.payment["refunds"]] == ["succeeded"], 60)
    assert sale.attempts() == [("alipay", "paid"), ("wechatpay", "paid")]
    assert "surplus_captured" in sale.tickets()


@through("alipay")
def test_money_after_the_close_goes_back_once(market, sale, wallet):
    market.faults({"platform": "wechatpay", "kind": "close_race"})
    way = sale.open(wallet)
    market.post(f"/payments/{sale.payment['payment_id']}/close", {})
    sale.until("closed")
    before = market.balances()
    sale.pay(way)
    wait_until("returned", lambda: [r["state"] for r in sale.payment["refunds"]] == ["succeeded"], 30)
    market.world.settle()
    assert (sale.payment["state"], sale.order()["state"], sale.tickets()) == ("closed", "closed", ["surplus_captured"])
    assert sale.books() == [(1100, 1100)]
    assert market.balances() == before


@through("wechatpay")
def test_a_lost_callback_is_repaired_within_a_minute(market, sale, wallet):
    market.faults({"platform": wallet, "kind": "callback_lost"})
    way = sale.open(wallet)
    for _ in range(5):
        market.advance(60)
    sale.pay(way)
    assert sale.payment["state"] == "open"
    market.advance(60)
    sale.until("paid")


@through("alipay")
def test_a_lost_answer_is_no_second_order(market, sale, wallet):
    market.faults({"platform": wallet, "kind": "create_timeout", "limit": 1})
    first = sale.press(wallet)
    market.faults()
    assert first.status_code in (200, 504)
    sale.pay(sale.open(wallet))
    sale.until("paid")
    assert [state for _, state in sale.attempts()][-1] == "paid"
    assert len(sale.books()) == 1


@through("alipay")
def test_refunds_in_parts_though_answers_are_lost(market, sale, wallet):
    sale.pay(sale.open(wallet))
    sale.until("paid")
    market.faults(
        {"platform": wallet, "kind": "refund_timeout", "rate": 0.5},
        {"platform": wallet, "kind": "not_enough", "rate": 0.3},
    )
    path = f"/orders/{sale.payment['order_id']}/refunds"
    for amount_fen in (100, 1, 250):
        market.post(path, {"amount_fen": amount_fen, "reason": "x"})
    for _ in range(12):
        market.advance(120)
        if sale.payment["refunded_minor"] == 351:
            break
    market.faults()
    market.advance(600)
    assert (sale.payment["state"], sale.payment["refunded_minor"]) == ("partly_refunded", 351)
    assert sale.books() == [(1100, 351)]
    too_much = market.send(path, {"amount_fen": 750, "reason": "x"})
    assert (too_much.status_code, too_much.json()["code"]) == (409, "refund_too_large")
    market.post(path, {"reason": "rest"})
    sale.until("refunded")
    assert sale.books() == [(1100, 1100)]
    assert sale.order()["state"] == "refunded"


def test_who_switches_too_often_keeps_what_was_opened_last(market, sale):
    """Twenty attempts, then the next change is refused before the last order is ended: it can still be paid."""
    ways = [sale.open(WALLETS[number % 2]) for number in range(20)]
    refused = sale.press(WALLETS[0])
    assert (refused.status_code, refused.json()["code"]) == (409, "switched_too_often")
    assert sale.attempts()[-1] == (WALLETS[1], "open")
    sale.pay(ways[-1])
    sale.until("paid")
