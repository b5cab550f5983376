"""The jobs of the books, as the worker runs them: marks, seals that come back, reserves that run out."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from uuid import UUID

import msgspec
from sqlalchemy import func, select

from hutong.core.money import Money
from hutong.db.tables import job
from hutong.ledger import jobs, service
from hutong.ledger.jobs import BooksKey, HoldKey
from hutong.ledger.models import ledger_mark
from hutong.ledger.service import Batch, Leg, root_of
from hutong.ledger.states import HoldState
from hutong.merchants.service import create_merchant
from hutong.workflows.commands.keep_books import expire_due_hold, make_marks, seal_ended_days
from hutong.workflows.delivery import EFFECTS


def batch(key):
    return Batch(
        idempotency_key=key,
        kind="sale",
        subject_kind="order",
        subject_id=UUID(int=5),
        event_at=datetime(2026, 1, 1, tzinfo=UTC),
        legs=(Leg("wallet:wechatpay:1", Money(5)), Leg("revenue:sales", Money(-5))),
    )


NOTHING = msgspec.json.encode(BooksKey())


def test_every_chore_has_a_hand(room):
    assert EFFECTS.keys() >= {jobs.MAKE_MARKS, jobs.SEAL_DAYS, jobs.EXPIRE_HOLD}


def test_the_seal_comes_back_at_the_end_of_each_day(room):
    async def work():
        runtime = SimpleNamespace(unit=room.database.unit)
        async with room.unit() as unit:
            await create_merchant(unit, "铺子", timezone="Asia/Shanghai")
            await service.post(unit, batch("a"))
        for _ in range(3):  # at once, or too early: it only asks to be called again
            await seal_ended_days(runtime, room.merchant_id, NOTHING)
        async with room.unit() as unit:
            waiting = await unit.all(
                select(job.c.due_at).where(job.c.merchant_id == unit.merchant_id, job.c.kind == jobs.SEAL_DAYS)
            )
        room.clock.advance(days=1)
        await seal_ended_days(runtime, room.merchant_id, NOTHING)
        async with room.unit() as unit:
            return len(waiting), await root_of(unit, date(2026, 3, 1))

    waiting, sealed = room.run(work)
    assert waiting == 1
    assert sealed.last_sequence == 1
    assert sealed.zone == "Asia/Shanghai"


def test_marks_are_brought_up_to_the_end_and_again_is_nothing(room, monkeypatch):
    monkeypatch.setattr(jobs, "MARK_BATCHES", 3)

    async def work():
        runtime = SimpleNamespace(unit=room.database.unit)
        async with room.unit() as unit:
            await service.post_many(unit, [batch(f"n{number}") for number in range(10)])
        for _ in range(2):
            await make_marks(runtime, room.merchant_id, NOTHING)
        async with room.unit() as unit:
            return await unit.scalar(select(func.count()).where(ledger_mark.c.merchant_id == unit.merchant_id))

    assert room.run(work) == 3


def test_a_reserve_runs_out_by_its_job(room):
    async def work():
        runtime = SimpleNamespace(unit=room.database.unit)
        async with room.unit() as unit:
            held = await service.hold(unit, batch("h"), expires_at=room.clock.now() + timedelta(minutes=5))
        payload = msgspec.json.encode(HoldKey(held.batch_id))
        states = []
        for minutes in (0, 5, 5):
            room.clock.advance(minutes=minutes)
            await expire_due_hold(runtime, room.merchant_id, payload)
            async with room.unit() as unit:
                states.append((await service.get_hold(unit, held.batch_id)).state)
        return states

    assert room.run(work) == [HoldState.PENDING, HoldState.EXPIRED, HoldState.EXPIRED]
