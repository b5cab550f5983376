"""What time does: the sandbox's clock drives the hub; lost callbacks are made good; nobody pays twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

#: The first query comes 20 s after the order was opened, the next ones 20 and 30 s later.
FIRST_MINUTE_S = 60


def test_the_hub_lives_by_the_sandboxes_clock(market):
    before = market.hub_now()
    market.advance(3600)
    assert timedelta(minutes=60) <= market.hub_now() - before < timedelta(minutes=62)
    assert abs(market.hub_now() - market.world.now()) < timedelta(seconds=5)
    assert market.hub_now() - datetime.now(UTC) > timedelta(minutes=59)


def test_a_lost_callback_is_made_good_within_a_minute(market, until):
    market.faults({"platform": "wechatpay", "kind": "callback_lost"})
    sale = market.sale(price_fen=1999)
    sale.pay()
    market.world.settle()
    assert sale.payment()["state"] == "open"
    opened_at = datetime.fromisoformat(sale.payment()["created_at"])
    market.advance(FIRST_MINUTE_S)
    until("repaired", lambda: sale.order()["state"] == "paid", 30)
    market.world.settle()
    assert datetime.fromisoformat(sale.payment()["paid_at"]) - opened_at < timedelta(seconds=FIRST_MINUTE_S)
    assert sum(item["amount_minor"] for item in sale.booked()) == 0
    assert len(sale.booked()) >= 3
    assert sale.tickets() == []


def test_an_unpaid_order_is_closed_and_its_goods_are_free_again(market, until):
    sale = market.sale(stock=3)
    assert sale.goods.level()["available"] == 2
    market.advance(31 * 60)
    until("closed", lambda: sale.order()["state"] == "closed", 30)
    market.world.settle()
    assert (sale.payment()["state"], sale.visit.state()) == ("closed", "expired")
    assert sale.goods.level()["available"] == 3
    answer = market.world.sandbox.post("/pay", json={"platform": "wechatpay", "out_trade_no": sale.out_trade_no})
    assert answer.status_code == 409


def test_a_callback_that_comes_after_the_close_is_a_payment(market, until):
    """Delayed past the local expiry: the close at the wallet finds the money first."""
    market.faults({"platform": "wechatpay", "kind": "callback_delayed", "seconds": 3 * 3600})
    sale = market.sale()
    sale.pay()
    market.advance(32 * 60)
    until("paid", lambda: sale.order()["state"] == "paid", 30)
    market.advance(3 * 3600)
    market.world.settle()
    assert (sale.payment()["state"], len(sale.payment()["refunds"])) == ("paid", 0)


def test_an_answer_lost_at_the_creation_is_no_failure(market):
    """The order exists at the wallet, we heard nothing: the buyer presses again and meets the same order."""
    goods = market.goods()
    visit = goods.visit()
    market.faults({"platform": "wechatpay", "kind": "create_timeout", "limit": 1})
    first = market.press_pay(visit, "jsapi")
    market.faults()
    second = market.press_pay(visit, "jsapi")
    visit.close()
    assert (first.status_code, second.status_code) in ((200, 200), (504, 200))
    assert goods.level()["reserved"] == 1
    attempts = [a for p in market.items("/payments")[:1] for a in p["attempts"]]
    assert len(attempts) == 1
