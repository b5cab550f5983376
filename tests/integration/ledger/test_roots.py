"""Days are sealed when they are over in the merchant's zone, one after the other, and never change."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from sqlalchemy.exc import ProgrammingError

from hutong.core.money import Money
from hutong.db.tables import job
from hutong.ledger import jobs, roots, service
from hutong.ledger.books import Books
from hutong.ledger.checks import check
from hutong.ledger.models import ledger_batch
from hutong.ledger.roots import end_of, seal_days
from hutong.ledger.service import Batch, Leg, root_of

SHANGHAI = ZoneInfo("Asia/Shanghai")


def batch(key):
    return Batch(
        idempotency_key=key,
        kind="sale",
        subject_kind="order",
        subject_id=UUID(int=5),
        event_at=datetime(2026, 1, 1, tzinfo=UTC),
        legs=(Leg("wallet:wechatpay:1", Money(5)), Leg("revenue:sales", Money(-5))),
    )


async def post(room, key):
    async with room.unit() as unit:
        await service.post(unit, batch(key))


async def seal(room, zone=SHANGHAI):
    async with room.unit() as unit:
        return await seal_days(unit, zone)


async def three_days(room):
    """Two batches on 1 March, none on 2 March, one on 3 March (Shanghai); sealed on 4 March."""
    room.clock.at = datetime(2026, 3, 1, 15, 59, 59, tzinfo=UTC)  # one second before midnight in Shanghai
    await post(room, "a")
    await post(room, "b")
    room.clock.at = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)  # midnight, 3 March
    await post(room, "c")
    room.clock.at = datetime(2026, 3, 3, 17, 0, tzinfo=UTC)
    return await seal(room)


async def days(room, count=5):
    async with room.unit() as unit:
        return [await root_of(unit, date(2026, 3, day)) for day in range(1, count + 1)]


def test_a_day_ends_at_midnight_of_the_merchant(room):
    async def work():
        next_at = await three_days(room)
        async with room.unit() as unit:
            hashes = await unit.all(
                select(ledger_batch.c.hash)
                .where(ledger_batch.c.merchant_id == unit.merchant_id)
                .order_by(ledger_batch.c.sequence)
            )
            return next_at, await days(room), [row.hash for row in hashes], await check(unit)

    next_at, sealed, hashes, breaches = room.run(work)
    assert next_at == end_of(date(2026, 3, 4), SHANGHAI) == datetime(2026, 3, 4, 16, tzinfo=UTC)
    assert [day and day.last_sequence for day in sealed] == [2, 2, 3, None, None]
    assert [day.chain_hash for day in sealed[:3]] == [hashes[1], hashes[1], hashes[2]]
    assert len({day.root for day in sealed[:3]}) == 3, "a day without a batch has a root of its own"
    assert breaches == []


def test_a_seal_never_changes_and_late_clocks_do_not_slip_under_it(room):
    async def work():
        await three_days(room)
        before = await days(room)
        room.clock.at = datetime(2026, 3, 3, 15, 0, tzinfo=UTC)  # a process whose clock is behind
        await post(room, "late")
        books = Books(room.database)
        late = await books.post(room.merchant_id, batch("late too"))
        await books.close()
        room.clock.at = datetime(2026, 3, 4, 16, 0, tzinfo=UTC)
        await seal(room)
        await seal(room)
        async with room.unit() as unit:
            times = await unit.all(
                select(ledger_batch.c.recorded_at).where(
                    ledger_batch.c.merchant_id == unit.merchant_id, ledger_batch.c.sequence > 3
                )
            )
            return before, late, await days(room), [row.recorded_at for row in times], await check(unit)

    before, late, after, times, breaches = room.run(work)
    assert late.posted
    assert after[:3] == before[:3]
    assert after[3].last_sequence == 5
    assert times == [datetime(2026, 3, 3, 16, tzinfo=UTC)] * 2, "recorded after what is sealed"
    assert breaches == []


def test_books_without_a_batch_and_days_that_are_not_over_have_no_seal(room):
    async def work():
        empty = await seal(room)
        await post(room, "a")
        await seal(room)
        async with room.unit() as unit:
            return empty, await root_of(unit, room.clock.now().date())

    empty, today = room.run(work)
    assert empty == end_of(date(2026, 3, 1), SHANGHAI)
    assert today is None


def test_many_days_go_in_several_runs_and_two_runs_at_once_are_one(room, monkeypatch):
    monkeypatch.setattr(roots, "DAYS_PER_RUN_MAX", 4)

    async def work():
        await post(room, "a")
        room.clock.advance(days=10)
        now = room.clock.now()
        first = await asyncio.gather(seal(room), seal(room))
        third = await seal(room)
        async with room.unit() as unit:
            return now, first, third, await days(room, 12), await check(unit)

    now, first, third, sealed, breaches = room.run(work)
    assert first == [now, now]
    assert third > now
    assert [day is not None for day in sealed] == [True] * 10 + [False] * 2
    assert breaches == []


def test_another_zone_and_summer_time_leave_no_gap(room):
    london = ZoneInfo("Europe/London")

    async def work():
        room.clock.at = datetime(2026, 3, 28, 10, tzinfo=UTC)
        await post(room, "a")
        room.clock.at = datetime(2026, 3, 29, 23, 30, tzinfo=UTC)  # 00:30 of the 30th: clocks went forward
        await post(room, "b")
        await seal(room, london)
        room.clock.advance(days=2)
        await seal(room, SHANGHAI)
        async with room.unit() as unit:
            found = [await root_of(unit, date(2026, 3, day)) for day in (28, 29, 30, 31)]
            return found, await check(unit)

    found, breaches = room.run(work)
    assert [day.ends_at.hour for day in found[:2]] == [0, 23]
    assert [day.last_sequence for day in found] == [1, 1, 2, 2]
    assert [day.zone for day in found] == ["Europe/London", "Europe/London", "Asia/Shanghai", "Asia/Shanghai"]
    assert breaches == []


def test_the_first_batch_asks_for_the_seal_once(room):
    async def work():
        for number in range(5):
            await post(room, f"n{number}")
        async with room.unit() as unit:
            rows = await unit.all(
                select(job.c.due_at).where(job.c.merchant_id == unit.merchant_id, job.c.kind == jobs.SEAL_DAYS)
            )
            return [row.due_at for row in rows]

    assert room.run(work) == [room.clock.now() + timedelta(hours=1)]


TAMPERING = {
    "a root": "UPDATE ledger_day SET root = sha256(root) WHERE day = '2026-03-02'",
    "a day is gone": "DELETE FROM ledger_day WHERE day = '2026-03-02'",
    "a day's sequence": "UPDATE ledger_day SET last_sequence = 1 WHERE day = '2026-03-01'",
    "a day's hash": "UPDATE ledger_day SET chain_hash = sha256(chain_hash) WHERE day = '2026-03-03'",
    "a day's end": "UPDATE ledger_day SET ends_at = ends_at - interval '1 day' WHERE day = '2026-03-01'",
}


@pytest.mark.parametrize("name", TAMPERING)
def test_tampering_with_a_seal_is_found(room, name):
    room.run(lambda: three_days(room))
    changed = room.as_owner(TAMPERING[name])
    assert not changed.endswith(" 0"), "the tampering must hit a row"
    assert {breach.rule for breach in room.do(check)} == {"ledger.day_holds"}


def test_the_app_cannot_change_a_seal(room):
    async def change(unit):
        await unit.run(roots.update(roots.ledger_day).values(last_sequence=0))

    room.run(lambda: three_days(room))
    with pytest.raises(ProgrammingError, match="permission denied"):
        room.do(change)
