"""Benchmark: the full durable payment cycle on the running hub, against the ceiling made of its parts.

A cycle: the buyer presses "pay" (HTTP); the order is opened at the simulated wallet with a signed request, whose
signed answer is verified; the wallet sends its signed and sealed callback, which is verified, opened, stored and
acknowledged; order, stock, books, figures and outbox are committed. Hub, PostgreSQL, sandbox and driver are processes
of this machine.

- ``payment_cycle_per_s``: cycles per second of processor time of hub and PostgreSQL together, so for each core that
  they have to themselves. ``payment_cycle_wall_per_s`` counts by the clock, with sandbox and driver on the same cores.
- ``payment_cycle_vs_ceiling``: against what the same run makes of the cycle's parts, also by processor time: one RSA
  signature, two RSA verifications (answer and callback) and one batched durable commit of every row that a cycle leaves
  (``bench/cycle_ceiling.py``).
- ``payment_cycle_floor_per_s``: the web server and the HTTP client with the same cryptography and nothing behind them,
  by processor time (``bench/cycle_floor.py``); how far it lies below the ceiling no hub on this stack can make good.
- ``payment_cycle_bound_per_s``: that floor and what PostgreSQL spent on the cycles: what would be left if the hub's own
  code, its driver of the database included, cost nothing.
- ``callback_ack_p99_ms``: from the wallet's first byte to the hub's acknowledgement, at 80 % of the rate by the clock.

Not measured: TLS, the way through the internet, more than one merchant, WeChat Pay's own time.

    python bench/payments.py [--cycles N] [--callers K] [--runs R]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import uvloop
from cycle_ceiling import commit_s, rows_of, rows_per_cycle, signing_s, spent_by
from cycle_floor import floor_s
from cycle_watch import Watch
from restartable import World
from wire import Wire

from hutong.app import open_runtime
from hutong.config import Settings
from hutong.db.house import open_house
from hutong.merchants.directory import CHECKOUT, register
from hutong.payments.checkouts import Goods, Visit, open_checkout
from hutong.shops.catalogue import get_sku

PRICE_FEN = 1990
#: As if the wallet had granted as much: by itself the hub keeps to 100 calls a second for an account.
CALLS_PER_S = 10_000
STOCK = 1_000_000
CHECKOUTS_PER_UNIT = 200
LOAD_SHARE = 0.8


def say(**line: Any) -> None:  # noqa: ANN401 (JSON)
    """One result."""
    print(json.dumps({"bench": "payments", **line}, ensure_ascii=False), flush=True)


def progress(text: str) -> None:
    """For the person who waits."""
    print(text, file=sys.stderr, flush=True)


def make_sku(world: World) -> UUID:
    """A SKU with stock, and a rule that gives a party a tenth of every sale, through the API."""
    with world.api() as api:

        def post(path: str, **body: Any) -> dict[str, Any]:  # noqa: ANN401 (JSON)
            answer = api.post(path, json=body, headers={"idempotency-key": uuid4().hex})
            assert answer.is_success, answer.text
            return dict(answer.json())

        for connection in api.get("/connections").json()["items"]:  # our own politeness is not what is measured
            changed = api.patch(f"/connections/{connection['connection_id']}", json={"calls_per_s": CALLS_PER_S})
            assert changed.is_success, changed.text
        product = post("/products", title="杯")
        sku = post("/skus", product_id=product["product_id"], seller_code="CUP", price_fen=PRICE_FEN, stock=STOCK)
        party = post("/parties", name="小王")
        post("/split-rules", party_id=party["party_id"], rate_bps=1000)
    return UUID(sku["sku_id"])


def open_checkouts(world: World, sku_id: UUID, count: int) -> list[UUID]:
    """Buyers who stand at the desk, each with a click of his own."""

    async def work() -> list[UUID]:
        made: list[UUID] = []
        with open_house(world.home, None, attach=True) as house:
            async with open_runtime(Settings(home=world.home), house, "") as runtime:
                while len(made) < count:
                    async with runtime.unit(UUID(world.login["merchant"]), "bench") as unit:
                        sku = await get_sku(unit, sku_id)
                        goods = Goods(sku_id=sku_id, title=sku.title, quantity=1, amount=sku.price)
                        for _ in range(min(CHECKOUTS_PER_UNIT, count - len(made))):
                            visit = Visit(click_id=unit.new_id(), container="mobile")
                            checkout_id = await open_checkout(unit, goods, visit)
                            await register(unit, CHECKOUT, checkout_id.hex, checkout_id)
                            made.append(checkout_id)
        return made

    return asyncio.run(work())


async def buy(hub: Wire, sandbox: Wire, checkout_id: UUID) -> None:
    """One cycle, from the buyer's side."""
    status, answer = await hub.post(f"/c/{checkout_id}/pay", {"method": "h5", "platform": "wechatpay"})
    assert status == 200, answer
    paid = {"platform": "wechatpay", "h5_url": json.loads(answer)["redirect_url"]}
    status, answer = await sandbox.post("/pay", paid)
    assert status == 200, answer


async def drive(world: World, checkouts: Iterator[UUID], callers: int) -> None:
    """Every checkout is paid, by so many buyers at a time."""

    async def buyer() -> None:
        hub, sandbox = Wire(world.url), Wire(world.control_url)
        for checkout_id in checkouts:
            await buy(hub, sandbox, checkout_id)
        hub.close()
        sandbox.close()

    await asyncio.gather(*(buyer() for _ in range(callers)))


async def drive_at(world: World, checkouts: list[UUID], per_s: float, callers: int) -> None:
    """Buyers come at a steady rate, whether or not those before them are served; at most ``callers`` wait for one."""
    free: asyncio.Queue[tuple[Wire, Wire]] = asyncio.Queue()
    for _ in range(callers):
        free.put_nowait((Wire(world.url), Wire(world.control_url)))

    async def one(checkout_id: UUID) -> None:
        wires = await free.get()
        await buy(*wires, checkout_id)
        free.put_nowait(wires)

    started, tasks = time.monotonic(), []
    for number, checkout_id in enumerate(checkouts):
        await asyncio.sleep(max(0.0, started + number / per_s - time.monotonic()))
        tasks.append(asyncio.create_task(one(checkout_id)))
    await asyncio.gather(*tasks)
    while not free.empty():
        for wire in free.get_nowait():
            wire.close()


def cycles_of(world: World, sku_id: UUID, cycles: int, callers: int) -> tuple[dict[str, float], dict[str, float]]:
    """One run of full cycles: per second of processor time and by the clock; and the rows that each has left."""
    checkouts = open_checkouts(world, sku_id, cycles)
    world.settle()
    rows, watch = rows_of(world), Watch(world)
    before, spent, started = watch.sales(), spent_by(world), time.monotonic()
    uvloop.run(drive(world, iter(checkouts), callers))
    watch.until_booked(before + cycles)
    wall_s = time.monotonic() - started
    watch.until_rest()
    watch.close()
    cost_s = {name: (total - spent.get(name, 0.0)) / cycles for name, total in spent_by(world).items()}
    rates = {"per_core_s": 1 / sum(cost_s.values()), "per_s": cycles / wall_s, "postgres_s": cost_s["postgres"]}
    return rates, rows_per_cycle(rows, rows_of(world), cycles)


def acknowledgements(world: World, sku_id: UUID, per_s: float, seconds: float, callers: int) -> dict[str, float]:
    """How long the wallet waits for the hub's word at a steady rate, in milliseconds."""
    checkouts = open_checkouts(world, sku_id, max(100, int(per_s * seconds)))
    world.settle()
    world.sandbox.get("/acknowledgements")  # what was before does not count
    uvloop.run(drive_at(world, checkouts, per_s, callers))
    told = sorted(world.sandbox.get("/acknowledgements").json()["took_ms"])
    world.settle(300)
    return {"p50": told[len(told) // 2], "p99": told[int(len(told) * 0.99)], "count": len(told)}


def conditions(world: World) -> dict[str, Any]:
    """What the figures are taken under, as the server says."""
    names = ("fsync", "synchronous_commit", "full_page_writes", "server_version")
    shown = {name: world.sql(f"SHOW {name}")[0][0] for name in names}
    return {"cores": os.cpu_count(), **shown, "peer": None}


def rate(metric: str, unit: str, runs: list[float], **more: Any) -> float:  # noqa: ANN401 (JSON)
    """Tell a rate's median and its runs."""
    middle = statistics.median(runs)
    told = {"against": None, "ratio": None, **more}
    say(metric=metric, value=round(middle, 1), unit=unit, runs=[round(one, 1) for one in runs], **told)
    return middle


def measure(world: World, arguments: argparse.Namespace) -> None:
    """All figures; the sides take turns."""
    sku_id = make_sku(world)
    progress("warming up")
    cycles_of(world, sku_id, 100, arguments.callers)
    cycles, ceilings, floors, bounds = [], [], [], []
    for number in range(arguments.runs):
        rates, rows = cycles_of(world, sku_id, arguments.cycles, arguments.callers)
        cycles.append(rates)
        signing, commit = signing_s(), commit_s(world, rows)
        ceilings.append(1 / (signing + commit))
        floor = floor_s(arguments.cycles, arguments.callers)
        floors.append(1 / floor)
        bounds.append(1 / (floor + rates["postgres_s"]))
        progress(f"run {number + 1}: {cycles[-1]}, ceiling {ceilings[-1]:.0f}, floor {floors[-1]:.0f}")
    ceiling = statistics.median(ceilings)
    per_core = rate("payment_cycle_per_s", "1/s per core", [run["per_core_s"] for run in cycles])
    wall = rate("payment_cycle_wall_per_s", "1/s", [run["per_s"] for run in cycles])
    postgres_ms = statistics.median(run["postgres_s"] for run in cycles) * 1000
    say(
        metric="payment_cycle_vs_ceiling",
        value=round(per_core / ceiling, 3),
        unit="ratio",
        against=f"RSA sign + 2 verify + batched commit of all rows: {ceiling:.0f}/s per core",
        ratio=round(per_core / ceiling, 3),
        runs=[round(run["per_core_s"] / one, 3) for run, one in zip(cycles, ceilings, strict=True)],
        parts_ms={"sign and verify": round(signing * 1000, 3), "commit": round(commit * 1000, 3)},
        spent_ms={"hub": round(1000 / per_core - postgres_ms, 3), "postgres": round(postgres_ms, 3)},
        rows_per_cycle=rows,
    )
    for name, runs, meant in (
        ("floor", floors, "a hub that does nothing"),
        ("bound", bounds, "a hub whose own code costs nothing, before the same PostgreSQL"),
    ):
        ratio = round(statistics.median(runs) / ceiling, 3)
        against = f"the same ceiling, {ceiling:.0f}/s: what {meant} would have"
        rate(f"payment_cycle_{name}_per_s", "1/s per core", runs, against=against, ratio=ratio)
    acks = [acknowledgements(world, sku_id, wall * LOAD_SHARE, 8, 64)["p99"] for _ in range(arguments.runs)]
    rate("callback_ack_p99_ms", "ms", acks, against=f"{LOAD_SHARE:.0%} of {wall:.0f}/s by the clock")


def main() -> int:
    """Run the benchmark; 1 where the books of the run do not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cycles", type=int, default=1000)
    parser.add_argument("--callers", type=int, default=64)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    world = World()
    try:
        world.start_hub()
        say(conditions={**conditions(world), "cycles": arguments.cycles, "callers": arguments.callers})
        measure(world, arguments)
        breaches = world.breaches()
    finally:
        world.close()
    if breaches:
        say(error="the books of the run do not hold", breaches=breaches)
    return 1 if breaches else 0


if __name__ == "__main__":
    raise SystemExit(main())
