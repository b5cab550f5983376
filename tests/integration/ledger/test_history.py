"""Balances of any past moment, against brute force; marks and flows that are folds; late postings in their own hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from hutong.core.money import Money
from hutong.db.tables import job
from hutong.ledger import jobs, service
from hutong.ledger.checks import check
from hutong.ledger.models import account_flow, account_snapshot, ledger_mark
from hutong.ledger.service import Batch, Leg
from hutong.ledger.snapshots import make_mark

DAY = datetime(2026, 2, 27, 22, 30, tzinfo=UTC)
PATHS = ("wallet:wechatpay:1", "wallet:alipay:1", "revenue:sales")


def batch(number, event_at, amount, debit=0, credit=2, currency="CNY"):
    legs = (Leg(PATHS[debit], Money(amount, currency)), Leg(PATHS[credit], Money(-amount, currency)))
    return Batch(
        idempotency_key=f"n{number}",
        kind="sale",
        subject_kind="order",
        subject_id=UUID(int=number),
        event_at=event_at,
        legs=legs,
    )


async def mark_all(room):
    made = 0
    while True:
        async with room.unit() as unit:
            if not await make_mark(unit):
                return made
        made += 1


@pytest.fixture
def few(monkeypatch):
    """Marks every five batches instead of every two thousand."""
    monkeypatch.setattr(jobs, "MARK_BATCHES", 5)


#: Minutes from DAY: events may lie days back and on the very edges of hours and days.
minutes = st.one_of(st.integers(-3_000, 3_000), st.sampled_from([-1_350, -30, 0, 30, 90, 1_530]))
postings = st.lists(
    st.tuples(minutes, st.integers(1, 500), st.integers(0, 1), st.booleans(), st.integers(0, 90)), max_size=28
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(posted=postings, marked_at=st.sets(st.integers(0, 27), max_size=3), moments=st.lists(minutes, max_size=4))
def test_past_balances_are_what_adding_up_says(room, few, posted, marked_at, moments):
    room.merchant_id = uuid4()
    room.clock.at = DAY
    known = []  # (event, recorded, path, minor)

    async def work():
        for number, (minute, amount, debit, again, pause) in enumerate(posted):
            room.clock.advance(minutes=pause)
            event_at = DAY + timedelta(minutes=minute)
            async with room.unit() as unit:
                for _ in range(1 + again):
                    await service.post(unit, batch(number, event_at, amount, debit))
                # Pounds beside it must not be counted.
                await service.post(unit, batch(1_000 + number, event_at, 7, debit, currency="GBP"))
            known.extend(
                [(event_at, room.clock.at, PATHS[debit], amount), (event_at, room.clock.at, PATHS[2], -amount)]
            )
            if number in marked_at:
                await mark_all(room)
        at_times = [DAY + timedelta(minutes=minute) for minute in moments] + [time for time, _, _, _ in known[-4:]]
        at_times += [time for _, time, _, _ in known[:4]] + [room.clock.at]
        async with room.unit() as unit:
            found = [
                (
                    path,
                    at,
                    await service.balance_at(unit, path, "CNY", at),
                    await service.balance_known_at(unit, path, "CNY", at),
                )
                for path in PATHS
                for at in at_times
            ]
            return found, await check(unit)

    found, breaches = room.run(work)
    for path, at, happened, recorded in found:
        assert happened.amount_minor == sum(minor for event, _, p, minor in known if p == path and event <= at)
        assert recorded.amount_minor == sum(minor for _, told, p, minor in known if p == path and told <= at)
    assert breaches == []


def test_a_late_posting_changes_what_happened_and_not_what_was_known(room, few):
    async def work():
        for number in range(7):
            room.clock.advance(hours=1)
            async with room.unit() as unit:
                await service.post(unit, batch(number, room.clock.at, 10))
        seen_at = room.clock.at
        assert await mark_all(room) == 1
        room.clock.advance(days=3)
        async with room.unit() as unit:
            await service.post(unit, batch(99, seen_at - timedelta(hours=3), 1))
        for number in range(100, 101):
            async with room.unit() as unit:
                await service.post(unit, batch(number, room.clock.at, 10))
        answers = []
        for marks in (0, 1):
            assert await mark_all(room) == marks
            async with room.unit() as unit:
                answers.append(
                    [
                        (await ask(unit, PATHS[0], "CNY", seen_at)).amount_minor
                        for ask in (service.balance_at, service.balance_known_at)
                    ]
                )
            async with room.unit() as unit:
                await service.post(unit, batch(200 + marks, room.clock.at, 10))
        async with room.unit() as unit:
            nothing = await service.balance_at(unit, "wallet:none:1", "CNY", seen_at)
            return (
                answers,
                nothing,
                await service.balance_known_at(unit, "wallet:none:1", "CNY", seen_at),
                await check(unit),
            )

    answers, nothing, unknown, breaches = room.run(work)
    assert answers == [[71, 70]] * 2, "before the mark that covers it, and after"
    assert nothing == unknown == Money(0)
    assert breaches == []


def test_two_marks_at_once_are_one_and_a_crossing_asks_for_it(room, few):
    async def work():
        async with room.unit() as unit:
            await service.post_many(unit, [batch(number, DAY, 10) for number in range(4)])
        async with room.unit() as unit:
            before = await unit.scalar(
                select(func.count()).where(job.c.merchant_id == unit.merchant_id, job.c.kind == jobs.MAKE_MARKS)
            )
            early = await make_mark(unit)
            await service.post(unit, batch(4, DAY, 10))
        async with room.unit() as second:
            async with room.unit() as first:
                made_first = await make_mark(first)
            made = made_first, await make_mark(second)
        async with room.unit() as unit:
            after = await unit.scalar(
                select(func.count()).where(job.c.merchant_id == unit.merchant_id, job.c.kind == jobs.MAKE_MARKS)
            )
            marks = await unit.scalar(select(func.count()).where(ledger_mark.c.merchant_id == unit.merchant_id))
            rows = await unit.scalar(select(func.count()).where(account_snapshot.c.merchant_id == unit.merchant_id))
            flows = await unit.scalar(select(func.count()).where(account_flow.c.merchant_id == unit.merchant_id))
            return before, early, made, after, marks, rows, flows

    before, early, made, after, marks, rows, flows = room.run(work)
    assert (before, after) == (0, 1)
    assert early is False
    assert made == (True, False)
    assert (marks, rows, flows) == (1, 2, 4)


TAMPERING = {
    "a snapshot": (
        "UPDATE account_snapshot SET balance_minor = balance_minor + 1 WHERE sequence = 5",
        {"snapshot_is_fold"},
    ),
    "a snapshot's count": ("UPDATE account_snapshot SET postings_count = 0 WHERE sequence = 10", {"snapshot_is_fold"}),
    "a snapshot is gone": ("DELETE FROM account_snapshot WHERE sequence = 5", {"snapshot_is_fold"}),
    "a flow": ("UPDATE account_flow SET moved_minor = moved_minor + 1 WHERE span = 'day'", {"flow_is_fold"}),
    "an hour is gone": ("DELETE FROM account_flow WHERE span = 'hour'", {"flow_is_fold"}),
    "a mark's time": ("UPDATE ledger_mark SET recorded_at = recorded_at - interval '1 s'", {"mark_in_chain"}),
    "the last mark is gone": ("DELETE FROM ledger_mark WHERE sequence = 10", {"snapshot_is_fold", "flow_is_fold"}),
}


@pytest.mark.parametrize("name", TAMPERING)
def test_tampering_with_history_is_found(room, few, name):
    statement, rules = TAMPERING[name]

    async def fill():
        async with room.unit() as unit:
            await service.post_many(unit, [batch(n, DAY + timedelta(hours=n), 10) for n in range(12)])
        assert await mark_all(room) == 2
        async with room.unit() as unit:
            assert await check(unit) == []

    room.run(fill)
    changed = room.as_owner(statement)
    assert not changed.endswith(" 0"), "the tampering must hit a row"
    assert {breach.rule.removeprefix("ledger.") for breach in room.do(check)} == rules
