"""Money is where the wallet says it is: switching, paying twice, paying too late, silence, and accounts that fail."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from hutong.core.money import SUM_MINOR_MAX


def lost_close(**more):
    return {"platform": "wechatpay", "kind": "close_race", **more}


def events_of(market, payment_id: str) -> list[str]:
    """Names of the events about a payment, as they left."""
    rows = market.world.sql(
        "SELECT name FROM outbox WHERE name LIKE 'payment.%' "
        "AND convert_from(body, 'UTF8')::json ->> 'payment_id' = $1 ORDER BY event_id",
        payment_id,
    )
    return [row["name"] for row in rows]


def test_the_dearest_piece_can_be_sold_and_a_dearer_one_is_refused(market):
    """What is taken as a price can be paid: no buyer meets the limits of a column."""
    product = market.post("/products", {"title": "古玉"})
    sku = {"product_id": product["product_id"], "seller_code": "JADE", "price_fen": SUM_MINOR_MAX + 1}
    answer = market.send("/skus", sku)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
    assert answer.json()["details"]["field"] == "price_fen"
    sale = market.sale(price_fen=SUM_MINOR_MAX).paid()
    market.world.settle()
    assert (sale.payment()["state"], sale.order()["state"]) == ("paid", "paid")
    assert sum(item["amount_minor"] for item in sale.booked()) == 0


def test_switching_closes_the_first_way_at_the_wallet(market):
    sale = market.sale(price_fen=1200)
    answer = market.press_pay(sale.visit, "native")
    assert answer.status_code == 200, answer.text
    assert [a["state"] for a in sale.payment()["attempts"]] == ["closed", "open"]
    late = market.world.sandbox.post("/pay", json={"platform": "wechatpay", "out_trade_no": sale.out_trade_no})
    assert late.status_code == 409  # nobody can pay the first one any more
    market.world.post_sandbox("/pay", platform="wechatpay", code_url=answer.json()["code_url"])
    market.world.settle()
    assert sale.payment()["state"] == "paid"
    assert (sale.payment()["refunds"], sale.tickets()) == ([], [])


def test_switching_after_a_payment_nobody_told_us_of_finds_it(market):
    market.faults({"platform": "wechatpay", "kind": "callback_lost"})
    sale = market.sale(price_fen=1300)
    sale.pay()
    answer = market.press_pay(sale.visit, "native")
    assert (answer.status_code, answer.json()["code"]) == (409, "already_paid")
    market.world.settle()
    assert (sale.payment()["state"], len(sale.payment()["attempts"])) == ("paid", 1)
    assert sale.visit.state() == "paid"


def test_no_second_way_is_opened_while_the_first_is_unclear(market):
    sale = market.sale(price_fen=1400)
    market.faults({"platform": "wechatpay", "kind": "server_error"})
    answer = market.press_pay(sale.visit, "native")
    assert (answer.status_code, answer.json()["code"]) == (409, "earlier_payment_unclear")
    assert [a["state"] for a in sale.payment()["attempts"]] == ["open"]
    market.faults()
    assert market.press_pay(sale.visit, "native").status_code == 200
    assert [a["state"] for a in sale.payment()["attempts"]] == ["closed", "open"]


def test_two_ways_paid_at_once_make_one_capture_one_refund_and_one_ticket(market, until):
    """The first way was said to be closed; its buyer had the cash desk open already."""
    sale = market.sale(price_fen=3333)
    market.faults(lost_close(limit=1))
    code_url = market.press_pay(sale.visit, "native").json()["code_url"]
    before = market.balances()
    ways = [{"out_trade_no": sale.out_trade_no}, {"code_url": code_url}]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda way: market.world.post_sandbox("/pay", platform="wechatpay", **way), ways))
    until("returned", lambda: [r["state"] for r in sale.payment()["refunds"]] == ["succeeded"], 30)
    market.world.settle()
    payment = sale.payment()
    assert [a["state"] for a in payment["attempts"]] == ["paid", "paid"]
    assert (payment["refunds"][0]["cause"], payment["refunds"][0]["amount_minor"]) == ("automatic", 3333)
    assert (payment["state"], payment["refunded_minor"], sale.order()["state"]) == ("paid", 0, "paid")
    assert [ticket["kind"] for ticket in sale.tickets()] == ["surplus_captured"]
    after = market.balances()
    wallet = next(name for name in after if name.startswith("wallet:wechatpay"))
    assert after[wallet] - before.get(wallet, 0) == 3333 - 20  # one sale, less the wallet's 0.6 %
    for _ in range(2):
        sale.replay()
    market.world.settle()
    assert len(sale.payment()["refunds"]) == 1
    assert sorted(events_of(market, sale.payment_id)) == ["payment.paid", "payment.surplus"]


def test_money_after_the_close_goes_back_once(market, until):
    sale = market.sale(price_fen=2222)
    market.faults(lost_close())
    market.post(f"/payments/{sale.payment_id}/close", {})
    until("closed", lambda: sale.payment()["state"] == "closed", 30)
    market.world.settle()
    before = market.balances()
    level = sale.goods.level()
    market.faults()
    sale.pay()
    until("returned", lambda: [r["state"] for r in sale.payment()["refunds"]] == ["succeeded"], 30)
    market.world.settle()
    assert (sale.payment()["state"], sale.order()["state"]) == ("closed", "closed")
    assert [ticket["kind"] for ticket in sale.tickets()] == ["surplus_captured"]
    assert market.balances() == before
    assert sale.goods.level() == level
    book = next(row for row in market.world.sandbox.get("/books").json() if row["order_no"] == sale.out_trade_no)
    assert (book["amount_fen"], book["refunded_fen"]) == (2222, 2222)
    assert events_of(market, sale.payment_id) == ["payment.closed", "payment.surplus"]


def test_a_late_buyer_is_repaired_within_a_minute_of_his_payment(market, until):
    """Twenty minutes after opening, with his callback lost."""
    market.faults({"platform": "wechatpay", "kind": "callback_lost"})
    sale = market.sale(price_fen=1500)
    for _ in range(4):
        market.advance(300)
    sale.pay()
    assert sale.payment()["state"] == "open"
    market.advance(60)
    until("repaired", lambda: sale.payment()["state"] == "paid", 30)


def test_the_waiting_page_asks_for_itself(market, until):
    market.faults({"platform": "wechatpay", "kind": "callback_lost"})
    sale = market.sale(price_fen=1600)
    market.advance(15)  # before the schedule's first query
    sale.pay()
    assert sale.visit.state() in ("paying", "paid")
    until("told", lambda: sale.visit.state() == "paid", 10)


@pytest.fixture
def broken_first(market):
    """A wallet account that comes first and whose key is wrong."""
    told = market.world.sandbox.get("/platforms", params={"merchant": "broken"}).json()["wechatpay"]
    other = market.world.sandbox.get("/platforms", params={"merchant": "else"}).json()["wechatpay"]
    credentials = {k: v if isinstance(v, str) else str(v) for k, v in told["credentials"].items()}
    credentials["private_key"] = other["credentials"]["private_key"]
    body = {"platform": "wechatpay", "mode": "sandbox", "base_url": told["base_url"], "title": "坏的账户"}
    connection_id = market.post("/connections", {**body, "credentials": credentials, "is_tried": False})[
        "connection_id"
    ]
    market.patch(f"/connections/{connection_id}", {"priority": 1})
    yield connection_id
    market.patch(f"/connections/{connection_id}", {"is_active": False})


def test_another_account_takes_over_from_one_that_fails(market, broken_first):
    goods = market.goods(price_fen=1700, stock=9)
    visit = goods.visit()
    answer = market.press_pay(visit, "native")
    assert answer.status_code == 200, answer.text
    payment = market.items("/payments")[0]
    assert [a["state"] for a in payment["attempts"]] == ["refused", "open"]
    assert goods.level()["reserved"] == 1
    tickets = [t for t in market.items("/tickets") if t["kind"] == "wallet_down"]
    assert [t["subject_id"] for t in tickets] == [broken_first]
    # It stands back: the next buyer does not meet it at all.
    second = goods.visit()
    assert market.press_pay(second, "native").status_code == 200
    assert [a["state"] for a in market.items("/payments")[0]["attempts"]] == ["open"]
    # After a while it is tried again, and fails at once.
    market.advance(6 * 60)
    third = goods.visit()
    assert market.press_pay(third, "native").status_code == 200
    assert [a["state"] for a in market.items("/payments")[0]["attempts"]] == ["refused", "open"]
    opened = [datetime.fromisoformat(t["opened_at"]) for t in market.items("/tickets") if t["kind"] == "wallet_down"]
    days = [at.astimezone(ZoneInfo("Asia/Shanghai")).date() for at in opened]
    assert len(days) == len(set(days)), "told once a day"
    for one in (visit, second, third):
        one.close()


def test_a_paused_account_takes_nothing(market, broken_first):
    market.patch(f"/connections/{broken_first}", {"is_active": False})
    visit = market.goods(price_fen=1800).visit()
    assert market.press_pay(visit, "native").status_code == 200
    assert [a["state"] for a in market.items("/payments")[0]["attempts"]] == ["open"]
    visit.close()


def test_an_account_is_called_as_fast_as_its_platform_granted(market):
    """The hub's own careful rate is for accounts about which nobody said anything."""
    connection_id = market.connection("wechatpay")
    assert market.client.patch(f"/connections/{connection_id}", json={"calls_per_s": 0}).status_code == 400
    market.patch(f"/connections/{connection_id}", {"calls_per_s": 250})
    granted = market.world.sql("SELECT settings->>'calls_per_s' AS rate FROM connection WHERE platform = 'wechatpay'")
    assert "250" in [row["rate"] for row in granted]
    assert market.sale(price_fen=700).paid().order()["state"] == "paid"
    market.patch(f"/connections/{connection_id}", {"calls_per_s": 100})
