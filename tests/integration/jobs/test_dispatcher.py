"""Events go to their handlers many at a time, each once; what one handler refuses keeps nothing from the others."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import msgspec
import pytest
from sqlalchemy import func, select

from hutong.core.errors import NotFound
from hutong.core.ids import new_id
from hutong.db.tables import inbox, job, outbox, undelivered
from hutong.db.unit import DELIVER, EventKey
from hutong.shops.events import OrderClosed, StockChanged
from hutong.workflows import delivery as delivery_room
from hutong.workflows import dispatcher as dispatcher_room
from hutong.workflows.delivery import deliver_event
from hutong.workflows.dispatcher import EVENTS_PER_BATCH_MAX, Dispatcher, deliver_waiting
from hutong.workflows.reactions.catalogue import Reaction


class Hub:
    """What the dispatcher needs of a runtime, with a real database behind it."""

    def __init__(self, floor) -> None:
        self.database = floor.database
        self.merchant_id = floor.merchant_id

    def unit(self, merchant_id, label):
        return self.database.unit(merchant_id, label)

    async def tell(self, events) -> None:
        async with self.unit(self.merchant_id, "test") as unit:
            for event in events:
                unit.emit(event)

    async def count(self, table, *conditions) -> int:
        async with self.unit(self.merchant_id, "test") as unit:
            return await unit.scalar(select(func.count()).select_from(table).where(*conditions))


@pytest.fixture
def run_hub(run_floor, monkeypatch):
    """Run ``work(hub, reactions)`` with handlers of the test's own."""

    def run(work) -> None:
        reactions: list[Reaction] = []

        def to(name):
            return [reaction for reaction in reactions if reaction.event.name == name]

        monkeypatch.setattr(dispatcher_room, "reactions_to", to)
        monkeypatch.setattr(delivery_room, "reactions_to", to)

        async def main(floor) -> None:
            await work(Hub(floor), reactions)

        run_floor(main)

    return run


def test_a_batch_is_one_call_and_each_event_is_taken_once(run_hub):
    async def work(hub, reactions):
        calls: list[int] = []

        async def many(_runtime, _unit, events):
            calls.append(len(events))

        reactions.append(Reaction("test.many", StockChanged, many, takes_many=True))
        count = EVENTS_PER_BATCH_MAX + 7
        await hub.tell([StockChanged(sku_id=uuid4()) for _ in range(count)])
        assert await deliver_waiting(hub, hub.merchant_id) == EVENTS_PER_BATCH_MAX
        assert await deliver_waiting(hub, hub.merchant_id) == 7
        assert await deliver_waiting(hub, hub.merchant_id) == 0
        assert calls == [EVENTS_PER_BATCH_MAX, 7]
        assert (await hub.count(outbox), await hub.count(inbox)) == (count, count)
        async with hub.unit(hub.merchant_id, "test") as unit:
            told = (await unit.all(select(outbox.c.event_id)))[0].event_id
        await deliver_event(hub, hub.merchant_id, msgspec.json.encode(EventKey(told)))
        assert calls == [EVENTS_PER_BATCH_MAX, 7], "an event that was taken is not taken again by a job"

    run_hub(work)


def test_what_one_handler_refuses_gets_a_job_and_leaves_nothing_behind(run_hub):
    async def work(hub, reactions):
        refusing = True

        async def good(_runtime, unit, event):
            unit.schedule("good", EventKey(event.sku_id))

        async def bad(_runtime, unit, event):
            unit.emit(OrderClosed(order_id=event.sku_id, source="half done"))
            unit.schedule("half_done", EventKey(event.sku_id))
            if refusing:
                raise NotFound(what="payment", key="not there yet")

        reactions += [Reaction("test.bad", StockChanged, bad), Reaction("test.good", StockChanged, good)]
        await hub.tell([StockChanged(sku_id=uuid4()) for _ in range(3)])
        await deliver_waiting(hub, hub.merchant_id)
        assert await hub.count(job, job.c.kind == "good") == 3
        assert await hub.count(undelivered) == 0
        assert await hub.count(outbox) == 3, "what the refusing handler told was rolled back"
        assert await hub.count(job, job.c.kind == "half_done") == 0
        assert await hub.count(job, job.c.kind == DELIVER) == 3

        refusing = False
        async with hub.unit(hub.merchant_id, "test") as unit:
            left = [row.payload for row in await unit.all(select(job.c.payload).where(job.c.kind == DELIVER))]
        for payload in left * 2:
            await deliver_event(hub, hub.merchant_id, payload)
        assert await hub.count(job, job.c.kind == "good") == 3, "the handler that took them is not run again"
        assert await hub.count(job, job.c.kind == "half_done") == 3

    run_hub(work)


def test_a_batch_that_cannot_be_committed_goes_to_jobs(run_hub):
    async def work(hub, reactions):
        async def broken(_runtime, unit, _event):
            await unit.driver.execute("ROLLBACK")  # as if the server had ended the transaction

        reactions.append(Reaction("test.broken", StockChanged, broken))
        await hub.tell([StockChanged(sku_id=uuid4()) for _ in range(2)])
        assert await deliver_waiting(hub, hub.merchant_id) == 2
        assert await hub.count(undelivered) == 0
        assert await hub.count(job, job.c.kind == DELIVER) == 2

    run_hub(work)


#: A name that nobody knows, half an object, a field of another type, bytes that are no text, nesting.
UNREADABLE = (
    ("payments.unheard_of", b"{}"),
    (StockChanged.name, b"{"),
    (StockChanged.name, b'{"sku_id":7}'),
    (StockChanged.name, b'{"sku_id":"\xff"}'),
    (StockChanged.name, b'{"z":' + b"[" * 5000 + b"]" * 5000 + b"}"),
)


def test_an_event_that_cannot_be_read_keeps_nothing_from_the_others(run_hub):
    """A newer process tells what this one has never heard of: its job waits, the shop goes on."""

    async def work(hub, reactions):
        async def good(_runtime, unit, event):
            unit.schedule("good", EventKey(event.sku_id))

        reactions.append(Reaction("test.good", StockChanged, good))
        await hub.tell([StockChanged(sku_id=uuid4())])
        async with hub.unit(hub.merchant_id, "test") as unit:
            for name, body in UNREADABLE:
                event_id, told_at = unit.new_id(), unit.now()
                await unit.insert(outbox, event_id=event_id, name=name, version=1, body=body, occurred_at=told_at)
                await unit.insert(undelivered, event_id=event_id)
        await hub.tell([StockChanged(sku_id=uuid4())])
        assert await deliver_waiting(hub, hub.merchant_id) == 2 + len(UNREADABLE)
        assert await hub.count(undelivered) == 0
        assert await hub.count(job, job.c.kind == "good") == 2
        assert await hub.count(job, job.c.kind == DELIVER) == len(UNREADABLE)

    run_hub(work)


def test_two_dispatchers_and_many_merchants(run_hub):
    async def work(hub, reactions):
        taken: list = []

        async def slow(_runtime, unit, event):
            await asyncio.sleep(0.001)
            taken.append((unit.merchant_id, event.sku_id))

        reactions.append(Reaction("test.slow", StockChanged, slow))
        merchants = [hub.merchant_id, uuid4(), uuid4()]
        for merchant_id in merchants:
            async with hub.unit(merchant_id, "test") as unit:
                for _ in range(40):
                    unit.emit(StockChanged(sku_id=new_id(unit.now() + timedelta(seconds=1))))
        stop = asyncio.Event()
        dispatchers = [asyncio.create_task(Dispatcher(hub).run(stop)) for _ in range(2)]
        async with asyncio.timeout(30):
            while len(taken) < 120:  # noqa: ASYNC110 (two dispatchers, one list)
                await asyncio.sleep(0.02)
        stop.set()
        await asyncio.gather(*dispatchers)
        assert len(taken) == len(set(taken)) == 120
        assert {merchant_id for merchant_id, _ in taken} == set(merchants)

    run_hub(work)
