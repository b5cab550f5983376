"""The hub is killed again and again while it shares an order and takes shares back: every fen moves once."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import httpx
import pytest
from restartable import Died, World

#: Crash points of each life after which the hub dies; small ones hit its first steps, larger ones the later.
LIVES = (3, 9, 16)
LIFE_S_MAX = 6
#: Fewer mean that the points of the last lives lie behind the work.
DEATHS_MIN = 1
DAY_S = 86_400
PRICE_FEN = 10_000


@pytest.fixture
def doomed(market_of):
    """A world of this test's own, whose hub may die."""
    world = World(seed=20261126)
    try:
        world.start_hub()
        market = market_of(world)
        yield world, market
        market.close()
    finally:
        world.close()


def die_and_live_on(world: Any) -> int:
    """One short life after another; how often the hub died at a point of its own."""
    deaths = 0
    for points in LIVES:
        with contextlib.suppress(Died):
            world.start_hub(crash_points=f"kill:{points}", fresh_login=False)
        deadline = time.monotonic() + LIFE_S_MAX
        while not world.hub_died() and time.monotonic() < deadline:
            time.sleep(0.1)
        deaths += world.hub is None
        if world.hub is not None:
            world.kill_hub()
        world.post_sandbox("/clock/advance", seconds=30)
    world.start_hub(fresh_login=False)
    return deaths


def rest(world: Any) -> None:
    for _ in range(4):
        world.settle()
        world.post_sandbox("/clock/advance", seconds=120)
        time.sleep(0.5)
    world.settle()


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(600)
def test_killed_while_sharing_and_taking_back_every_fen_moves_once(doomed, until):
    world, market = doomed
    goods = market.goods(price_fen=PRICE_FEN, stock=5)
    party = market.post("/parties", {"name": "代理"})["party_id"]
    market.post("/split-rules", {"party_id": party, "rate_bps": 1_000, "sku_id": goods.sku_id})
    receiver = {"platform": "wechatpay", "kind": "merchant", "account_ref": "1900000109", "name": "代理公司"}
    market.post(f"/parties/{party}/receivers", receiver)
    sale = market.buyer_of(goods).paid()

    def wallet() -> dict[str, Any]:
        rows = httpx.get(f"{world.control_url}/books", trust_env=False, timeout=60).json()
        return next(row for row in rows if row["order_no"] == sale.out_trade_no)

    def commission() -> dict[str, Any]:
        return market.items("/commissions", order_id=sale.order_id)[0]

    world.kill_hub()
    world.post_sandbox("/clock/advance", seconds=8 * DAY_S)
    assert die_and_live_on(world) >= DEATHS_MIN
    rest(world)
    until("shared", lambda: commission()["state"] == "settled")
    assert (wallet()["shared_fen"], commission()["settled"]["amount_minor"]) == (1_000, 1_000)
    accepted = [e["detail"] for e in world.sandbox.get("/events").json() if e["kind"] == "share_accepted"]
    assert [one["amount_fen"] for one in accepted if one["amount_fen"]] == [1_000], "one request, however often sent"

    market.post(f"/orders/{sale.order_id}/refunds", {"amount_fen": 4_000, "reason": "退一部分"}, key="crash-refund")
    world.kill_hub()
    assert die_and_live_on(world) >= DEATHS_MIN
    rest(world)
    until("refunded", lambda: sale.order()["refunded_minor"] == 4_000)
    world.settle()
    books = wallet()
    assert (books["refunded_fen"], books["shared_fen"], books["returned_fen"]) == (4_000, 1_000, 400)
    row = commission()
    assert (row["settled"]["amount_minor"], row["reversed"]["amount_minor"], row["owed"]["amount_minor"]) == (
        600,
        400,
        0,
    )
    assert world.breaches() == []
