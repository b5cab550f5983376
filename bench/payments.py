"""Benchmark: the full durable payment cycle on the running hub, against the ceiling made of its parts.

A cycle: the buyer presses "pay" (HTTP); the order is opened at the simulated wallet with a signed request, whose
signed answer is verified; the wallet sends its signed and sealed callback, which is verified, opened, stored and
acknowledged; order, stock, books, figures and outbox are committed. Hub, PostgreSQL, sandbox and driver are processes
of this machine. ``per core`` counts the CPU seconds of hub and PostgreSQL together.

    python bench/payments.py [--cycles N] [--callers K] [--runs R]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from typing import Any
from uuid import UUID, uuid4

from processes import cpu_s
from restartable import World
from wire import Wire

from hutong.app import open_runtime
from hutong.config import Settings
from hutong.db.house import open_house
from hutong.merchants.directory import CHECKOUT, register
from hutong.payments.checkouts import Goods, Visit, open_checkout
from hutong.shops.catalogue import get_sku

PRICE_FEN = 1990


def say(**line: Any) -> None:  # noqa: ANN401 (JSON)
    """One result."""
    print(json.dumps(line, ensure_ascii=False), flush=True)


def progress(text: str) -> None:
    """For the person who waits."""
    print(text, file=sys.stderr, flush=True)


def make_sku(world: World, stock: int) -> tuple[UUID, UUID]:
    """A SKU with stock and a channel with a commission, through the API."""
    with world.api() as api:

        def post(path: str, **body: Any) -> dict[str, Any]:  # noqa: ANN401 (JSON)
            answer = api.post(path, json=body, headers={"idempotency-key": uuid4().hex})
            assert answer.is_success, answer.text
            return dict(answer.json())

        product = post("/products", title="杯")
        sku = post("/skus", product_id=product["product_id"], seller_code="CUP", price_fen=PRICE_FEN, stock=stock)
        party = post("/parties", name="小王")
        link = post(
            "/links", title="帖子", sku_id=sku["sku_id"], channel={"name": "帖子", "platform": "weibo", "kind": "post"}
        )
        post("/split-rules", party_id=party["party_id"], rate_bps=1000)
    return UUID(sku["sku_id"]), UUID(link["link_id"])


def open_checkouts(world: World, sku_id: UUID, count: int) -> list[UUID]:
    """Buyers who stand at the desk, each with a click of his own."""

    async def work() -> list[UUID]:
        made: list[UUID] = []
        with open_house(world.home, None, attach=True) as house:
            async with open_runtime(Settings(home=world.home), house, "") as runtime:
                merchant = UUID(world.login["merchant"])
                for _ in range(0, count, 200):
                    async with runtime.unit(merchant, "bench") as unit:
                        sku = await get_sku(unit, sku_id)
                        goods = Goods(sku_id=sku_id, title=sku.title, quantity=1, amount=sku.price)
                        for _ in range(min(200, count - len(made))):
                            visit = Visit(channel_id=None, link_id=None, click_id=unit.new_id(), container="mobile")
                            checkout_id = await open_checkout(unit, goods, visit)
                            await register(unit, CHECKOUT, checkout_id.hex, checkout_id)
                            made.append(checkout_id)
        return made

    return asyncio.run(work())


async def drive(world: World, checkouts: list[UUID], callers: int) -> None:
    """Every checkout is paid, by so many buyers at a time."""
    waiting = iter(checkouts)

    async def buyer() -> None:
        hub, sandbox = Wire(world.url), Wire(world.control_url)
        for checkout_id in waiting:
            status, answer = await hub.post(f"/c/{checkout_id}/pay", {"method": "h5", "platform": "wechatpay"})
            assert status == 200, answer
            paid = {"platform": "wechatpay", "h5_url": json.loads(answer)["redirect_url"]}
            status, answer = await sandbox.post("/pay", paid)
            assert status == 200, answer
        hub.close()
        sandbox.close()

    await asyncio.gather(*(buyer() for _ in range(callers)))


def measure(world: World, sku_id: UUID, cycles: int, callers: int) -> dict[str, Any]:
    """One run: cycles per second by the clock and per core of hub and database."""
    checkouts = open_checkouts(world, sku_id, cycles)
    sales = "kind = 'sale'"
    before = world.count("ledger_batch", sales)
    assert world.hub is not None
    cpu_before, sandbox_before = cpu_s(world.hub.process.pid), cpu_s(world.sandbox_child.process.pid)
    progress(f"{cycles} cycles, hub {world.hub.process.pid}")
    started = time.monotonic()
    asyncio.run(drive(world, checkouts, callers))
    acknowledged_s = time.monotonic() - started
    while world.count("ledger_batch", sales) < before + cycles:
        time.sleep(0.05)
    wall_s = time.monotonic() - started
    world.settle(300)
    cpu_after, sandbox_after = cpu_s(world.hub.process.pid), cpu_s(world.sandbox_child.process.pid)
    spent = {name: round(cpu_after[name] - cpu_before.get(name, 0.0), 2) for name in cpu_after}
    core_s = sum(spent.values())
    return {
        "cycles": cycles,
        "per_s": round(cycles / wall_s, 1),
        "acknowledged_per_s": round(cycles / acknowledged_s, 1),
        "per_core_s": round(cycles / core_s, 1),
        "cpu_ms_per_cycle": round(1000 * core_s / cycles, 2),
        "cpu_s": spent,
        "sandbox_ms_per_cycle": round(1000 * (sum(sandbox_after.values()) - sum(sandbox_before.values())) / cycles, 2),
    }


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cycles", type=int, default=400)
    parser.add_argument("--callers", type=int, default=16)
    parser.add_argument("--runs", type=int, default=1)
    arguments = parser.parse_args()
    say(bench="payments", conditions={"cores": os.cpu_count(), "fsync": "on", "synchronous_commit": "on"})
    world = World()
    try:
        world.start_hub()
        sku_id, _ = make_sku(world, stock=10_000_000)
        for _ in range(arguments.runs):
            say(bench="payments", **measure(world, sku_id, arguments.cycles, arguments.callers))
        breaches = world.breaches()
        say(bench="payments", breaches=breaches)
    finally:
        world.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
