"""What was answered is on disk: the answer waits for a synchronous commit that follows the flush's own."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from uuid import UUID

from hutong.core.money import Money
from hutong.db import disk as disk_module
from hutong.db.disk import Disk
from hutong.ledger import service
from hutong.ledger.books import Books
from hutong.ledger.checks import check
from hutong.ledger.service import Batch, Leg


def batch(key):
    return Batch(
        idempotency_key=key,
        kind="sale",
        subject_kind="order",
        subject_id=UUID(int=5),
        event_at=datetime(2026, 1, 1, tzinfo=UTC),
        legs=(Leg("wallet:wechatpay:1", Money(5)), Leg("revenue:sales", Money(-5))),
    )


class Clocked:
    """A connection that says when it was asked for the disk, and how far the log was on disk before and after."""

    def __init__(self, raw, asked, pause_s):
        self._raw, self._asked, self._pause_s = raw, asked, pause_s

    def __getattr__(self, name):
        return getattr(self._raw, name)

    async def execute(self, statement, *args):
        if statement != disk_module.ON_DISK:
            return await self._raw.execute(statement, *args)
        end = await self._raw.fetchval("SELECT pg_current_wal_insert_lsn() - '0/0'")
        await asyncio.sleep(self._pause_s)
        await self._raw.execute(statement)
        return self._asked.append((end, await self._raw.fetchval("SELECT pg_current_wal_flush_lsn() - '0/0'")))


def watch(room, monkeypatch, pause_s=0.0):
    """Every wait for the disk from now on, as (end of the log before it, what is on disk after it)."""
    asked = []
    real = room.database.connect_raw

    async def connect(role):
        return Clocked(await real(role), asked, pause_s)

    monkeypatch.setattr(room.database, "connect_raw", connect)
    return asked


def test_what_was_committed_before_the_wait_is_on_disk_after_it(room, monkeypatch):
    async def work():
        asked = watch(room, monkeypatch)
        disk = Disk(room.database)
        for number in range(10):
            async with room.unit() as unit:
                await service.post(unit, batch(f"n{number}"))
                await unit.connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
            await disk.wait()
        await disk.close()
        return asked

    asked = room.run(work)
    assert len(asked) == 10
    assert all(on_disk >= end for end, on_disk in asked)


def test_an_answer_waits_for_the_disk(room, monkeypatch):
    """While the disk is silent nobody is answered, though the batch is committed and stands in the books."""

    async def work():
        books = Books(room.database)
        await books.post(room.merchant_id, batch("long way"))
        asked = watch(room, monkeypatch, pause_s=1.5)
        task = asyncio.create_task(books.post(room.merchant_id, batch("a")))
        seen = Money(0)
        while seen != Money(-10):
            await asyncio.sleep(0.02)
            async with room.unit() as unit:
                seen = await service.balance_at(unit, "revenue:sales", "CNY", unit.now())
        waiting = not task.done(), not asked
        result = await task
        await books.close()
        return waiting, result, len(asked)

    waiting, result, asked = room.run(work)
    assert waiting == (True, True)
    assert result.posted
    assert asked == 1


def test_who_is_told_that_a_batch_stands_is_told_after_the_disk_too(room):
    """The same key by another way, while the flush that brought it may still wait: its commit is a synchronous one."""

    async def work():
        async with room.unit() as unit:
            await service.post(unit, batch("a"))
        async with room.unit() as unit:
            again = await service.post(unit, batch("a"))
            wrote = await unit.connection.exec_driver_sql("SELECT pg_current_xact_id_if_assigned() IS NOT NULL")
            return again, wrote.scalar()

    again, wrote = room.run(work)
    assert not again.posted
    assert wrote, "a transaction that writes nothing would not wait for the disk"


def test_a_disk_that_fails_is_asked_again_the_long_way(room, monkeypatch):
    monkeypatch.setattr(disk_module, "ON_DISK", "SELECT 1 / 0")

    async def work():
        books = Books(room.database)
        results = [await books.post(room.merchant_id, batch(f"n{number}")) for number in range(5)]
        await books.close()
        async with room.unit() as unit:
            return results, await check(unit)

    results, breaches = room.run(work)
    assert all(result.posted for result in results), "each was new, and its own id says so"
    assert breaches == []


def test_one_commit_serves_all_who_wait_and_none_who_came_late(room, monkeypatch):
    async def work():
        asked = watch(room, monkeypatch, pause_s=0.3)
        disk = Disk(room.database)
        first = [asyncio.create_task(disk.wait()) for _ in range(10)]
        await asyncio.sleep(0.15)  # the first commit is under way
        late = [asyncio.create_task(disk.wait()) for _ in range(10)]
        await asyncio.wait(first)
        early = len(asked), any(task.done() for task in late)
        await asyncio.gather(*first, *late)
        await disk.close()
        return early, len(asked)

    assert room.run(work) == ((1, False), 2)
