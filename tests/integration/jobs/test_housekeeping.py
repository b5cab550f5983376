"""What is done and old is forgotten; what is open, young or somebody else's stays."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from hutong.db import housekeeping
from hutong.db.housekeeping import (
    ANSWERS_KEPT,
    EVENTS_KEPT,
    FIRST_SWEEP,
    JOBS_KEPT,
    SWEEP_GAP,
    Housekeeper,
    sweep,
)
from hutong.db.outbox import mark_delivered
from hutong.db.tables import idempotency
from hutong.db.unit import DELIVER, EventKey
from hutong.shops.events import StockChanged


class House:
    """A floor with events, marks, jobs and answers to leave behind."""

    def __init__(self, floor) -> None:
        self.floor = floor

    async def tell(self, *, delivered: bool = True, merchant_id=None):
        """An event that a handler took; its id."""
        merchant_id = merchant_id or self.floor.merchant_id
        async with self.floor.database.unit(merchant_id, "test") as unit:
            event_id = unit.emit(StockChanged(sku_id=uuid4()))
        async with self.floor.database.unit(merchant_id, "test") as unit:
            await unit.take("test.handler", event_id)
            if delivered:
                await mark_delivered(unit, [event_id])
        return event_id

    async def answer(self, key: str) -> None:
        async with self.floor.database.unit(self.floor.merchant_id, "test") as unit:
            await unit.insert(idempotency, key=key, request_digest=b"", status=201, body=b"", created_at=unit.now())

    async def end_jobs(self) -> None:
        async with self.floor.database.unit(self.floor.merchant_id, "test") as unit:
            await unit.fetch("UPDATE job SET state = 'done', finished_at = $1 WHERE state <> 'x'", unit.now())

    async def rows(self, table: str) -> int:
        async with self.floor.database.plain("system") as connection:
            return (await connection.exec_driver_sql(f"SELECT count(*) FROM {table}")).scalar()

    async def sweep(self) -> dict[str, int]:
        return await sweep(self.floor.database, self.floor.merchant_id)


def test_old_events_go_with_their_marks_and_young_ones_stay(run_floor):
    async def work(floor):
        house = House(floor)
        for _ in range(3):
            await house.tell()
        floor.clock.advance(EVENTS_KEPT - timedelta(minutes=1))
        await house.tell()
        assert await house.sweep() == {"job": 0, "outbox": 0, "inbox": 0, "idempotency": 0}
        floor.clock.advance(timedelta(minutes=2))
        assert await house.sweep() == {"job": 0, "outbox": 3, "inbox": 3, "idempotency": 0}
        assert (await house.rows("outbox"), await house.rows("inbox")) == (1, 1)

    run_floor(work)


def test_an_event_that_still_waits_keeps_its_marks_however_old(run_floor):
    async def work(floor):
        house = House(floor)
        await house.tell(delivered=False)
        alone = await house.tell()  # handed to a job of its own, which has not ended
        async with floor.database.unit(floor.merchant_id, "test") as unit:
            unit.schedule(DELIVER, EventKey(alone), delay=timedelta(days=400))  # it was begun: no key any more
        floor.clock.advance(EVENTS_KEPT * 2)
        assert await house.sweep() == {"job": 0, "outbox": 0, "inbox": 0, "idempotency": 0}

    run_floor(work)


def test_finished_jobs_and_old_answers_go_and_open_jobs_stay(run_floor):
    async def work(floor):
        house = House(floor)
        await floor.schedule("old")
        await house.end_jobs()
        await floor.schedule("open", delay=timedelta(days=400))
        await house.answer("old")
        floor.clock.advance(max(JOBS_KEPT, ANSWERS_KEPT) + timedelta(minutes=1))
        await floor.schedule("young")
        await house.answer("young")
        assert await house.sweep() == {"job": 1, "outbox": 0, "inbox": 0, "idempotency": 1}
        assert [kind for (kind,) in await floor.rows("kind")] == ["open", "young"]

    run_floor(work)


def test_long_backlogs_go_in_rounds_and_only_those_of_the_merchant(run_floor, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(housekeeping, "ROWS_PER_ROUND", 2)

    async def work(floor):
        house = House(floor)
        for _ in range(5):
            await house.tell()
        await house.tell(merchant_id=uuid4())
        floor.clock.advance(EVENTS_KEPT + timedelta(minutes=1))
        assert (await house.sweep())["outbox"] == 5
        assert await house.rows("outbox") == 1

    run_floor(work)


def test_rounds_go_by_the_hubs_own_clock(run_floor):
    async def work(floor):
        served, stop = [], asyncio.Event()

        async def merchants():
            served.append(floor.clock.now())
            return []

        keeper = Housekeeper(floor.database, merchants)
        stop.set()
        await keeper.run(stop)
        assert (await keeper.look(), len(served)) == (False, 0), "not while the hub is starting"
        floor.clock.advance(FIRST_SWEEP)
        assert [await keeper.look() for _ in range(2)] == [True, False]
        floor.clock.advance(SWEEP_GAP - timedelta(seconds=1))
        assert not await keeper.look()
        floor.clock.advance(timedelta(days=8))
        assert [await keeper.look() for _ in range(2)] == [True, False]
        assert len(served) == 2

    run_floor(work)


def test_a_round_serves_everybody_and_the_queues_journal(run_floor):
    async def work(floor):
        house = House(floor)
        other = uuid4()
        await house.tell()
        await house.tell(merchant_id=other)
        floor.clock.advance(EVENTS_KEPT + timedelta(minutes=1))
        async with floor.database.plain("system") as connection:
            await connection.exec_driver_sql("UPDATE queue_log SET created = created - interval '3 days'")

        async def merchants():
            return [floor.merchant_id, other]

        await Housekeeper(floor.database, merchants).round()
        assert (await house.rows("outbox"), await house.rows("queue_log")) == (0, 0)

    run_floor(work)
