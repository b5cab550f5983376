"""What only a query tells, for both wallets: another sum, and a code that was left and is paid after all."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.slow

PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.0 Mobile/15E148 Safari/604.1"
)
WALLETS = ("wechatpay", "alipay")
PRICE_FEN = 1100


class Desk:
    """A buyer in a phone's browser at his checkout."""

    def __init__(self, market) -> None:
        self.market = market
        link = market.goods(price_fen=PRICE_FEN).link
        self.browser = httpx.Client(headers={"user-agent": PHONE}, trust_env=False, timeout=60, follow_redirects=True)
        self.url = str(self.browser.get(link["url"]).url).rstrip("/")

    def open(self, platform: str) -> dict[str, str]:
        """What the buyer scans at this wallet."""
        answer = self.browser.post(f"{self.url}/pay", json={"method": "native", "platform": platform})
        assert answer.status_code == 200, answer.text
        return {"platform": platform, "code_url": answer.json()["code_url"]}

    def shown(self) -> str:
        return self.browser.get(f"{self.url}/status").json()["shown"]

    @property
    def payment(self) -> dict[str, Any]:
        checkout_id = self.url.rsplit("/", 1)[1]
        rows = self.market.world.sql("SELECT payment_id FROM checkout WHERE checkout_id = $1::text::uuid", checkout_id)
        return next(i for i in self.market.items("/payments") if i["payment_id"] == str(rows[0]["payment_id"]))

    def states(self) -> tuple[str, list[str]]:
        payment = self.payment
        return payment["state"], [attempt["state"] for attempt in payment["attempts"]]

    def tickets(self) -> list[str]:
        order_id = self.payment["order_id"]
        return [ticket["kind"] for ticket in self.market.items("/tickets") if ticket["subject_id"] == order_id]


def claimed(market) -> int:
    """What wallets said that is no payment of ours, in yuan: other tests of this world have such claims in dollars."""
    rows = [row for row in market.items("/accounts") if row["account"] == "suspense:claimed"]
    return sum(row["balance_minor"] for row in rows if row["currency"] == "CNY")


def through(here: str):
    """Through both wallets; here through this one, by ``make proof-suite`` through the other one."""
    return pytest.mark.parametrize(
        "wallet", [name if name == here else pytest.param(name, marks=pytest.mark.long) for name in WALLETS]
    )


@pytest.fixture
def desk(market):
    opened = Desk(market)
    yield opened
    opened.browser.close()


@through("alipay")
def test_a_wallet_that_answers_with_another_sum_pays_nothing(market, desk, until, wallet):
    """The callback is lost and each query says one fen more: one ticket, and neither asked for ever nor closed."""
    market.faults(*({"platform": wallet, "kind": kind} for kind in ("callback_lost", "query_amount")))
    before = claimed(market)
    market.world.post_sandbox("/pay", **desk.open(wallet))
    market.advance(60)
    assert (desk.states(), desk.shown()) == (("open", ["mismatched"]), "unknown")
    for _ in range(3):
        market.advance(900)  # past its expiry and its close
    assert (desk.states(), desk.tickets()) == (("open", ["mismatched"]), ["notice_mismatched"])
    assert abs(claimed(market) - before) == PRICE_FEN + 1
    asked = market.world.sql("SELECT sum(queries_count) AS count FROM attempt")
    market.advance(3600)
    assert market.world.sql("SELECT sum(queries_count) AS count FROM attempt") == asked
    market.post(f"/payments/{desk.payment['payment_id']}/close", {})  # a person decides
    until("closed", lambda: desk.states() == ("closed", ["closed"]))
    market.world.settle()
    assert (desk.tickets(), market.world.breaches()) == (["notice_mismatched"], [])


@through("wechatpay")
def test_a_code_that_was_left_and_is_scanned_after_all_is_repaired_soon(market, desk, until, wallet):
    market.faults({"platform": wallet, "kind": "callback_lost"}, {"platform": "wechatpay", "kind": "close_race"})
    left = desk.open(wallet)
    desk.open(next(other for other in WALLETS if other != wallet))
    market.advance(120)
    market.world.post_sandbox("/pay", **left)
    assert desk.states() == ("open", ["closed", "open"])
    market.advance(120)
    until("paid", lambda: desk.states()[0] == "paid")
    assert desk.states()[1][0] == "paid"


@through("alipay")
def test_a_press_on_an_order_that_was_paid_asks_how_it_ended(market, desk, wallet):
    """The callback is lost, the wallet refuses to open the order again: the buyer hears that it is paid."""
    market.faults({"platform": wallet, "kind": "callback_lost"})
    market.world.post_sandbox("/pay", **desk.open(wallet))
    pressed = {"method": "native", "platform": wallet}
    answer = desk.browser.post(f"{desk.url}/pay", json=pressed, headers={"accept": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (409, "already_paid")
    assert desk.states() == ("paid", ["paid"])


def held(market, wallet: str) -> int:
    """What the books say that the wallet holds."""
    return sum(row["balance_minor"] for row in market.items("/accounts") if f"wallet:{wallet}:" in row["account"])


@pytest.mark.parametrize(
    ("wallet", "decision", "ends"),
    [
        ("wechatpay", "take", "taken"),
        ("alipay", "send_back", "returned"),
        pytest.param("alipay", "take", "taken", marks=pytest.mark.long),
        pytest.param("wechatpay", "send_back", "returned", marks=pytest.mark.long),
    ],
)
def test_what_is_decided_on_another_sum_ends_as_the_wallets_books_say(market, desk, until, wallet, decision, ends):
    market.faults()
    before, in_suspense = held(market, wallet), claimed(market)
    market.world.post_sandbox("/pay", **desk.open(wallet), paid_fen=PRICE_FEN - 300)
    until("a ticket", lambda: desk.tickets() == ["notice_mismatched"])
    market.world.settle()
    payment = desk.payment
    assert abs(claimed(market) - in_suspense) == PRICE_FEN - 300
    ticket = next(t for t in market.items("/tickets") if t["subject_id"] == payment["order_id"])
    path = f"/tickets/{ticket['ticket_id']}"
    market.post(f"{path}/decide", {"decision": decision, "reason": "和买家说好了"})
    until("the end", lambda: market.client.get(path).json()["suspense"]["state"] == ends)
    number = payment["attempts"][0]["out_trade_no"]
    for _ in range(2):
        market.world.settle()
        book = next(row for row in market.world.sandbox.get("/books").json() if row["order_no"] == number)
        kept = book["amount_fen"] - book["refunded_fen"] - book["fee_fen"] + book["refunded_fee_fen"]
        assert (book["amount_fen"], held(market, wallet) - before) == (PRICE_FEN - 300, kept)
        assert claimed(market) == in_suspense
        assert desk.states() == (("paid" if decision == "take" else "open"), ["paid"])
        market.world.post_sandbox("/callbacks/replay", platform=wallet, out_trade_no=number)
    assert (desk.tickets(), market.world.breaches()) == ([], [])
