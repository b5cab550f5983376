"""Bills end to end: a running hub reads what the sandbox's wallets say of a day, and tells exactly what was planted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from restartable import World, wait_until

CHINA = timedelta(hours=8)
DAY_S = 86_400
PLANTED = {
    "bill_row_missing": "missing_in_bill",
    "bill_row_extra": "unknown_to_us",
    "bill_amount": "amount_differs",
    "bill_fee": "fee_differs",
}


@pytest.fixture
def own_market(market_of) -> Iterator[Any]:
    """A world of this test's own: no other test's buyers stand in its bills."""
    world = World(seed=20261126)
    try:
        world.start_hub()
        opened = market_of(world)
        yield opened
        opened.close()
    finally:
        world.close()


def china(market) -> datetime:
    return market.world.now() + CHINA


def go_to(market, hour: int, days: int = 0) -> date:
    """Move on to an hour of a day in China; that day."""
    now = china(market)
    there = now.replace(hour=hour, minute=0, second=0, microsecond=0) + timedelta(days=days)
    market.advance(max(0, int((there - now).total_seconds())))
    return there.date()


def bills(market, day: date) -> dict[str, dict[str, Any]]:
    found = market.items("/bills", first=day.isoformat(), last=day.isoformat())
    return {item["platform"]: item for item in found}


def wait_for_bill(market, day: date) -> dict[str, Any]:
    def read() -> dict[str, Any] | None:
        found = bills(market, day).get("wechatpay")
        return found if found and found["state"] in ("read", "empty") else None

    return wait_until(f"the bill of {day}", read, 60)


def trade(market, count: int) -> list[Any]:
    sales = [market.sale(price_fen=1990 + number, buyer=number).paid() for number in range(1, count + 1)]
    refund = market.post(f"/orders/{sales[0].order_id}/refunds", {"amount_fen": 500, "reason": "退货"})
    market.advance(60)
    assert refund
    return sales


def test_planted_differences_are_told_and_nothing_else(own_market):
    market = own_market
    day = go_to(market, 12, days=1)
    sales = trade(market, 8)
    late = {"platform": "wechatpay", "kind": "bill_row_late", "limit": 2}  # else the next day's may be empty: doubted
    market.faults(late, *({"platform": "wechatpay", "kind": kind, "rate": 0.25} for kind in PLANTED))
    go_to(market, 11, days=1)
    first = wait_for_bill(market, day)
    go_to(market, 11, days=1)
    wait_for_bill(market, day + timedelta(days=1))
    market.world.settle()
    struck = market.world.sandbox.get("/faults/struck").json()["wechatpay"]
    expected = {
        (kind, f"{number[:-1]}X" if fault == "bill_row_extra" else number)
        for fault, kind in PLANTED.items()
        for number in struck.get(fault, ())
    }
    # A row with another amount is told by that alone, whatever its fee.
    amounts = {number for kind, number in expected if kind == "amount_differs"}
    expected -= {("fee_differs", number) for number in amounts}
    path = f"/bills/{first['connection_id']}/{day}/differences"
    found = market.items(path)
    later = market.items(f"/bills/{first['connection_id']}/{day + timedelta(days=1)}/differences")
    assert {(item["kind"], item["number"]) for item in (*found, *later)} == expected
    assert len(found) + len(later) == len(expected) > 0
    assert struck.get("bill_row_late"), "the seed planted no late row"
    tickets = [item for item in market.items("/tickets") if item["kind"] == "bill_differs"]
    assert 1 <= len(tickets) <= 2  # one for each day with differences
    assert len(sales) == 8
    for item in (*found, *later):
        market.post(f"/bills/differences/{item['difference_id']}/settle", {"note": "已与钱包核实"})
    assert not [item for item in market.items("/tickets") if item["kind"] == "bill_differs"]


@pytest.mark.long
def test_days_that_agree_say_nothing(own_market):
    market = own_market
    day = go_to(market, 23, days=1)
    trade(market, 2)
    market.advance(3600)  # over midnight
    trade(market, 2)
    go_to(market, 11)
    first = wait_for_bill(market, day)
    go_to(market, 11, days=1)
    second = wait_for_bill(market, day + timedelta(days=1))
    market.world.settle()
    after = bills(market, day)["wechatpay"]
    assert (first["state"], second["state"]) == ("read", "read")
    assert after["matched"] + second["matched"] == 6
    assert (after["awaited"], after["open_differences"], second["open_differences"]) == (0, 0, 0)
    assert not [item for item in market.items("/tickets") if item["kind"].startswith("bill")]
