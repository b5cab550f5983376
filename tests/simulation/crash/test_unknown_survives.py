"""kill -9 while a wallet's answer is missing: the restarted hub asks, and the money is where the wallet says."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from restartable import World, wait_until

from hutong.cli.buyers import open_in_wechat

pytestmark = pytest.mark.slow

REPAIR_S = 60


@pytest.fixture
def world() -> Iterator[World]:
    running = World(seed=7)
    try:
        running.start_hub()
        yield running
    finally:
        running.close()


def open_link(world: World) -> str:
    with world.api() as client:

        def post(path: str, body: dict) -> dict:
            answer = client.post(path, json=body)
            assert answer.is_success, answer.text
            return answer.json()

        product = post("/products", {"title": "杯"})["product_id"]
        sku = post("/skus", {"product_id": product, "seller_code": "CUP", "price_fen": 5900, "stock": 9})["sku_id"]
        channel = {"kind": "post", "platform": "weibo", "name": "微博"}
        return str(post("/links", {"title": "杯", "channel": channel, "sku_id": sku})["url"])


def attempts(world: World) -> list[tuple[str, str]]:
    rows = world.sql("SELECT out_trade_no, state FROM attempt ORDER BY attempt_id")
    return [(row["out_trade_no"], row["state"]) for row in rows]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("paid", [True, pytest.param(False, marks=pytest.mark.long)])
def test_unknown_survives_a_kill(world, paid):
    faults = [{"platform": "wechatpay", "kind": kind} for kind in ("create_timeout", "callback_lost")]
    visit = open_in_wechat(open_link(world), buyer=1)
    world.sandbox.put("/faults", json=faults).raise_for_status()
    answer = httpx.post(
        f"{world.url}/c/{visit.checkout_id}/pay",
        json={"method": "jsapi"},
        headers={"accept": "application/json"},
        trust_env=False,
        timeout=60,
    )
    assert (answer.status_code, answer.json()["code"]) == (504, "platform_unknown")
    [(out_trade_no, state)] = attempts(world)
    assert state == "unknown"
    if paid:
        world.post_sandbox("/pay", platform="wechatpay", out_trade_no=out_trade_no)
    world.kill_hub()
    world.start_hub(fresh_login=False)
    assert attempts(world) == [(out_trade_no, "unknown")]
    world.post_sandbox("/clock/advance", seconds=REPAIR_S)
    wait_until("clear", lambda: attempts(world) == [(out_trade_no, "paid" if paid else "open")], 60)
    if not paid:
        world.post_sandbox("/clock/advance", seconds=31 * 60)
        wait_until("closed", lambda: attempts(world) == [(out_trade_no, "closed")], 60)
    world.settle()
    visit.close()
    assert world.count("payment", "state = $1", "paid" if paid else "closed") == 1
    assert world.count("outbox", "name = 'payment.unknown'") == 1
    assert world.count("ticket") == 0
    assert world.breaches() == []
