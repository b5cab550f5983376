"""Posting for many callers at once: durable, once, in one chain; what one caller does wrong is his alone."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import msgspec
import pytest
from sqlalchemy import func, select

from hutong.core.money import AMOUNT_MINOR_MAX, Money
from hutong.db.tables import job, outbox, undelivered
from hutong.ledger import books as books_module
from hutong.ledger import service, tills
from hutong.ledger.books import Books
from hutong.ledger.checks import check
from hutong.ledger.errors import (
    AccountBeyondBooks,
    BatchKeyReused,
    BooksBusy,
    MalformedBatch,
    PostingUnclear,
    UnbalancedBatch,
)
from hutong.ledger.models import account_balance, ledger_account, ledger_batch
from hutong.ledger.service import Batch, Leg

AT = datetime(2026, 2, 1, 8, tzinfo=UTC)
HOT = "revenue:sales"


def batch(key, amount=100, path="wallet:wechatpay:1", **fields):
    legs = (Leg(path, Money(amount)), Leg(HOT, Money(-amount)))
    given = {"kind": "sale", "subject_kind": "order", "subject_id": UUID(int=5), "event_at": AT, "legs": legs}
    return Batch(idempotency_key=key, **{**given, **fields})


@pytest.fixture
def desk(room):
    """Runs work with a flusher of its own: ``post`` is the merchant's."""

    class Desk:
        def run(self, work):
            async def main():
                self.books = Books(room.database)
                try:
                    return await work()
                finally:
                    await self.books.close()

            return room.run(main)

        async def post(self, *args, **fields):
            return await self.books.post(room.merchant_id, batch(*args, **fields))

        def task(self, *args, **fields):
            return asyncio.create_task(self.post(*args, **fields))

    return Desk()


async def facts(room):
    """Balances by path, number of batches, and what the doctor finds."""
    async with room.unit() as unit:
        rows = await unit.all(
            select(ledger_account.c.path, account_balance.c.balance_minor)
            .join(account_balance, account_balance.c.account_id == ledger_account.c.account_id)
            .where(ledger_account.c.merchant_id == unit.merchant_id)
        )
        count = await unit.scalar(select(func.count()).where(ledger_batch.c.merchant_id == unit.merchant_id))
        return {row.path: row.balance_minor for row in rows}, count, await check(unit)


async def told(room):
    """Events as (name, body), the kinds of all jobs, and how many events wait for their handlers."""
    async with room.unit() as unit:
        events = await unit.all(select(outbox.c.name, outbox.c.body).where(outbox.c.merchant_id == unit.merchant_id))
        jobs = await unit.all(select(job.c.kind, job.c.state).where(job.c.merchant_id == unit.merchant_id))
        waiting = await unit.scalar(select(func.count()).where(undelivered.c.merchant_id == unit.merchant_id))
        return [(row.name, row.body) for row in events], [row.kind for row in jobs], waiting


def test_many_callers_share_a_few_transactions_and_one_chain(room, desk):
    async def work():
        first = await asyncio.gather(*(desk.post(f"a{n}", n + 1, f"wallet:wechatpay:{n % 7}") for n in range(300)))
        second = await asyncio.gather(*(desk.post(f"b{n}") for n in range(300)))
        return first + second, await facts(room), await told(room)

    results, (balances, count, breaches), (events, jobs, waiting) = desk.run(work)
    assert all(result.posted for result in results)
    assert len({result.batch_id for result in results}) == count == 600
    assert balances[HOT] == -sum(range(1, 301)) - 300 * 100
    assert breaches == []
    assert 2 <= len(events) <= 8, "a flush tells one event, not one for each batch"
    assert {name for name, _ in events} == {"ledger.batches_posted"}
    assert waiting == len(events), "each is handed over"
    assert jobs.count("ledger.seal_days") == 1


def test_what_is_told_covers_every_batch_once(room, desk):
    async def work():
        for size in (1, 40, 3):
            await asyncio.gather(*(desk.post(f"{size}:{n}") for n in range(size)))
        async with room.unit() as unit:
            await service.post(unit, batch("unit"))
        await asyncio.gather(*(desk.post(f"z{n}") for n in range(40)))
        return await told(room)

    events, _, _ = desk.run(work)
    seen = []
    for name, body in events:
        if name == "ledger.batches_posted":
            said = msgspec.json.decode(body)
            seen += range(said["first_sequence"], said["last_sequence"] + 1)
            assert said["batches_count"] == said["last_sequence"] - said["first_sequence"] + 1
    assert sorted(seen) == [n for n in range(1, 86) if n != 45]


def test_one_key_at_the_same_moment_is_posted_once(room, desk):
    async def work():
        results = await asyncio.gather(*(desk.post(f"k{n % 5}") for n in range(100)))
        again = await desk.post("k0", event_at=AT.replace(hour=9))
        return results, again, await facts(room)

    results, again, (balances, count, breaches) = desk.run(work)
    assert sum(result.posted for result in results) == count == 5
    assert not again.posted
    assert {result.batch_id for result in results[::5]} == {again.batch_id}
    assert balances[HOT] == -500
    assert breaches == []


@pytest.mark.parametrize("known_before", [True, False])
def test_a_key_that_serves_other_content_fails_its_own_caller_only(room, desk, known_before):
    async def work():
        if known_before:
            async with room.unit() as unit:
                await service.post(unit, batch("taken", 7))
        calls = [desk.post("taken", 7), *(desk.post(f"n{n}") for n in range(30)), desk.post("taken", 8)]
        results = await asyncio.gather(*calls, return_exceptions=True)
        return results, await facts(room)

    results, (balances, count, breaches) = desk.run(work)
    assert isinstance(results[-1], BatchKeyReused)
    assert results[0].posted is not known_before
    assert all(result.posted for result in results[1:-1])
    assert count == 31
    assert balances[HOT] == -3007
    assert breaches == []


def test_a_batch_that_must_not_stand_fails_its_own_caller_only(room, desk):
    wrong = {"legs": (Leg(HOT, Money(5)), Leg(HOT, Money(-4)))}

    async def work():
        calls = [
            desk.post("good"),
            desk.post("wrong", **wrong),
            desk.post("nul\0"),
            desk.post("kind", kind="a\0"),
            desk.post("also good"),
        ]
        results = await asyncio.gather(*calls, return_exceptions=True)
        return results, await facts(room)

    results, (_, count, breaches) = desk.run(work)
    assert [type(result) for result in results[1:4]] == [UnbalancedBatch, MalformedBatch, MalformedBatch]
    assert results[0].posted
    assert results[4].posted
    assert (count, breaches) == (2, [])


def test_what_the_database_itself_refuses_fails_its_own_caller_only(room, desk):
    """A balance beyond 64 bits: no check of ours, so the flush breaks and each slip goes its own way."""
    most = AMOUNT_MINOR_MAX

    async def work():
        lot = (Leg("wallet:a:1", Money(most)), Leg(HOT, Money(-most)))
        await desk.post("full", legs=lot)
        calls = [
            desk.post(f"n{n}", legs=(Leg("wallet:b:1", Money(1)), Leg("wallet:b:2", Money(-1)))) for n in range(20)
        ]
        calls.insert(9, desk.post("too much", 2))
        calls.insert(15, desk.post("more than can be sent", legs=(*lot, *lot)))
        results = await asyncio.gather(*calls, return_exceptions=True)
        return results, await facts(room)

    results, (balances, count, breaches) = desk.run(work)
    assert isinstance(results.pop(15), AccountBeyondBooks)
    assert isinstance(results.pop(9), AccountBeyondBooks)
    assert all(result.posted for result in results)
    assert count == 21
    assert balances["wallet:b:1"] == 20
    assert breaches == []


def test_a_caller_that_goes_away_takes_nobody_along(room, desk):
    async def work():
        await desk.post("first")
        tasks = [desk.task(f"n{n}") for n in range(40)]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        follower = desk.task("n0")
        results = await asyncio.gather(*tasks, return_exceptions=True)
        again = [await desk.post(f"n{n}") for n in range(40)]
        return results, await follower, again, await facts(room)

    results, follower, again, (_, count, breaches) = desk.run(work)
    assert all(isinstance(result, asyncio.CancelledError) for result in results[::2])
    assert all(result.posted for result in results[1::2])
    assert follower.batch_id == again[0].batch_id
    assert not any(result.posted for result in again[1::2])
    assert (count, breaches) == (41, [])


def test_units_and_two_flushers_write_one_chain(room, desk):
    async def work():
        other = Books(room.database)

        async def by_unit(number):
            async with room.unit() as unit:
                return await service.post(unit, batch(f"u{number % 6}"))

        calls = [by_unit(n) for n in range(12)]
        calls += [desk.post(f"m{n}") for n in range(60)]
        calls += [other.post(room.merchant_id, batch(f"m{n}")) for n in range(30, 90)]
        results = await asyncio.gather(*calls)
        await other.close()
        return results, await facts(room)

    results, (balances, count, breaches) = desk.run(work)
    assert sum(result.posted for result in results) == count == 96
    assert balances[HOT] == -9_600
    assert breaches == []


def test_cut_lines_lose_and_double_nothing(room, desk, server):
    async def cut(stop):
        admin = await asyncpg.connect(server.url("postgres"))
        while not stop.is_set():
            await admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'hutong app' "
                "AND datname = $1 AND query LIKE 'SELECT ledger_flush%'",
                room.address.url.rsplit("/", 1)[-1],
            )
            await asyncio.sleep(0.03)
        await admin.close()

    async def work():
        stop = asyncio.Event()
        cutter = asyncio.create_task(cut(stop))
        results = []
        for turn in range(25):
            results += await asyncio.gather(*(desk.post(f"{turn}:{n}") for n in range(30)))
        stop.set()
        await cutter
        return results, await facts(room)

    results, (balances, count, breaches) = desk.run(work)
    assert all(result.posted for result in results), "each was new, whichever try wrote it"
    assert count == 750
    assert balances[HOT] == -75_000
    assert breaches == []


def test_an_absent_database_is_unclear_and_not_forever(room, desk, monkeypatch):
    monkeypatch.setattr(books_module, "PAUSE_FIRST_S", 0.001)

    async def work():
        real = room.database.connect_raw

        async def away(_role):
            raise ConnectionRefusedError

        await desk.post("before")
        monkeypatch.setattr(room.database, "connect_raw", away)
        await room.database.close()
        desk.books._lines._free.clear()
        results = await asyncio.gather(desk.post("a"), desk.post("b"), return_exceptions=True)
        monkeypatch.setattr(room.database, "connect_raw", real)
        await room.database.close()  # its pools remember the way that was closed
        return results, await desk.post("a"), await facts(room)

    results, again, (_, count, breaches) = desk.run(work)
    assert [type(result) for result in results] == [PostingUnclear, PostingUnclear]
    assert again.posted
    assert (count, breaches) == (2, [])


def test_more_than_may_wait_is_busy(room, desk, monkeypatch):
    monkeypatch.setattr(tills, "WAITING_MAX", 10)

    async def work():
        results = await asyncio.gather(*(desk.post(f"n{n}") for n in range(15)), return_exceptions=True)
        same = await asyncio.gather(*(desk.post("same") for _ in range(15)), return_exceptions=True)
        return results, same, await facts(room)

    results, same, (_, count, breaches) = desk.run(work)
    assert [type(result) for result in results if isinstance(result, Exception)] == [BooksBusy] * 5
    assert [type(result) for result in same if isinstance(result, Exception)] == [BooksBusy] * 4
    assert (count, breaches) == (11, [])


def test_closing_writes_what_waits(room, desk):
    async def work():
        tasks = [desk.task(f"n{n}") for n in range(50)]
        await asyncio.sleep(0)
        await desk.books.close()
        return [task.done() and task.result().posted for task in tasks], await facts(room)

    done, (_, count, breaches) = desk.run(work)
    assert all(done)
    assert (count, breaches) == (50, [])
