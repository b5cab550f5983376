"""What history costs: one flush and one past balance, on books and on books ten times as long."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from ledger_rounds import ACCOUNTS, AMOUNT_FEN, HOT, World, figure, mark_all

from hutong.core.ids import new_id
from hutong.core.money import Money
from hutong.db.unit import Unit
from hutong.ledger.service import Batch, Leg, balance_at, balance_known_at

SHORT_BATCHES = 15_000
TIMES = 10
#: One event every ten seconds: an hour of a busy shop is 360 of them, in short books and in long ones.
EVENT_GAP = timedelta(seconds=10)
FILLERS = 1_000
SAMPLES = 25
FLUSH_BATCHES = 64


class History:
    """Books of their own, filled from the past up to now."""

    def __init__(self, world: World, progress: Callable[[str], None]) -> None:
        self._world = world
        self._progress = progress
        self._merchant_id = new_id(datetime.now(UTC))
        self._begin_at = datetime.now(UTC) - EVENT_GAP * SHORT_BATCHES * (TIMES + 1)
        self._count = 0

    async def measure(self) -> None:
        """Print what a flush and a past balance cost, short against long."""
        await self._fill(SHORT_BATCHES)
        short = await self._costs()
        await self._fill(SHORT_BATCHES * (TIMES - 1))
        long = await self._costs()
        for metric, before in short.items():
            after = long[metric]
            middle, first = statistics.median(after), statistics.median(before)
            more = {
                "against": f"the same at {SHORT_BATCHES} batches: {first:.2f} ms",
                "ratio": round(middle / first, 2),
            }
            figure(metric, round(middle, 2), "ms", after, batches=self._count, **more)

    async def _fill(self, count: int) -> None:
        self._progress(f"history: {count} batches more")
        left = iter(range(count))

        async def filler() -> None:
            for _ in left:
                await self._world.books.post(self._merchant_id, self._batch())

        await asyncio.gather(*(filler() for _ in range(FILLERS)))
        await mark_all(self._world.database, self._merchant_id)

    def _batch(self) -> Batch:
        number = self._count
        self._count += 1
        return Batch(
            idempotency_key=f"history:{number}",
            kind="sale",
            subject_kind="order",
            subject_id=UUID(int=number),
            event_at=self._begin_at + EVENT_GAP * number,
            legs=(
                Leg(self._world.others[number % ACCOUNTS], Money(AMOUNT_FEN)),
                Leg(HOT, Money(-AMOUNT_FEN)),
            ),
        )

    async def _costs(self) -> dict[str, list[float]]:
        """Milliseconds: flushes of 64, and the hot account's balance at moments all over the past."""
        flushes = []
        for _ in range(SAMPLES):
            batches = [self._batch() for _ in range(FLUSH_BATCHES)]
            start = time.perf_counter()
            await asyncio.gather(*(self._world.books.post(self._merchant_id, batch) for batch in batches))
            flushes.append((time.perf_counter() - start) * 1000)
        events = [self._begin_at + EVENT_GAP * (self._count * part // SAMPLES) for part in range(1, SAMPLES + 1)]
        recorded = await self._recorded()
        return {
            "ledger_flush_64_at_10x_ms": flushes,
            "ledger_balance_at_10x_ms": await self._asked(balance_at, events),
            "ledger_balance_known_at_10x_ms": await self._asked(balance_known_at, recorded),
        }

    async def _recorded(self) -> list[datetime]:
        """Moments at which the books stood at evenly spread lengths."""
        async with self._world.database.unit(self._merchant_id, "bench") as unit:
            result = await unit.connection.exec_driver_sql(
                "SELECT recorded_at FROM ledger_batch WHERE merchant_id = $1 AND sequence = ANY($2::bigint[])",
                (self._merchant_id, [self._count * part // SAMPLES for part in range(1, SAMPLES + 1)]),
            )
            return [row[0] for row in result]

    async def _asked(
        self, ask: Callable[[Unit, str, str, datetime], Awaitable[Any]], moments: list[datetime]
    ) -> list[float]:
        took = []
        async with self._world.database.unit(self._merchant_id, "bench") as unit:
            for moment in moments:
                start = time.perf_counter()
                await ask(unit, HOT, "CNY", moment)
                took.append((time.perf_counter() - start) * 1000)
        return took
