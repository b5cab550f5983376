"""Money that is reserved: apart from the balance, ended once, and guards that count it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from hutong.core.errors import NotFound
from hutong.core.money import Money
from hutong.db.tables import job, outbox
from hutong.ledger import service
from hutong.ledger.books import Books
from hutong.ledger.checks import check
from hutong.ledger.errors import (
    AccountOverdrawn,
    BatchKeyReused,
    HoldExceeded,
    HoldResolved,
    MalformedBatch,
    UnbalancedBatch,
)
from hutong.ledger.holds import expire_hold
from hutong.ledger.models import account_balance, ledger_account
from hutong.ledger.service import Batch, Guard, Leg
from hutong.ledger.states import HOLD, HoldEvent, HoldState

AT = datetime(2026, 2, 1, 8, tzinfo=UTC)
WALLET, PAYEE, REVENUE = "wallet:wechatpay:1", "payable:party:1", "revenue:sales"


def legs(amount, debit=PAYEE, credit=WALLET):
    return (Leg(debit, Money(amount)), Leg(credit, Money(-amount)))


def batch(key, amount=100, debit=PAYEE, credit=WALLET):
    return Batch(
        idempotency_key=key,
        kind="share",
        subject_kind="order",
        subject_id=UUID(int=5),
        event_at=AT,
        legs=legs(amount, debit, credit),
    )


async def accounts(unit):
    """Path → (balance, pending debit, pending credit)."""
    rows = await unit.all(
        select(account_balance, ledger_account.c.path)
        .join(ledger_account, ledger_account.c.account_id == account_balance.c.account_id)
        .where(ledger_account.c.merchant_id == unit.merchant_id)
    )
    return {row.path: (row.balance_minor, row.pending_debit_minor, row.pending_credit_minor) for row in rows}


async def held(room, key="h", amount=100, **fields):
    async with room.unit() as unit:
        return (await service.hold(unit, batch(key, amount), **fields)).batch_id


async def end(room, work):
    async with room.unit() as unit:
        result = await work(unit)
    async with room.unit() as unit:
        return result, await accounts(unit), await check(unit)


def test_the_state_table_ends_a_hold_once():
    assert {(state, event) for state, event in HOLD.steps} == {(HoldState.PENDING, event) for event in HoldEvent}
    assert len(set(HOLD.steps.values())) == len(HoldEvent)


def test_what_is_held_does_not_count_and_is_told(room):
    async def work():
        hold_id = await held(room, expires_at=room.clock.now() + timedelta(days=1))
        async with room.unit() as unit:
            names = await unit.all(select(outbox.c.name).where(outbox.c.merchant_id == unit.merchant_id))
            found = await service.get_hold(unit, hold_id)
            again = await service.hold(unit, batch("h"), expires_at=room.clock.now() + timedelta(days=9))
            return hold_id, found, again, [row.name for row in names], await accounts(unit), await check(unit)

    hold_id, found, again, names, balances, breaches = room.run(work)
    assert balances == {PAYEE: (0, 100, 0), WALLET: (0, 0, -100)}
    assert (found.state, found.legs) == (HoldState.PENDING, legs(100))
    assert (again.posted, again.batch_id) == (False, hold_id)
    assert names == ["ledger.money_held"]
    assert breaches == []


def test_a_hold_is_posted_whole(room):
    async def work():
        hold_id = await held(room)

        async def post(unit):
            first = await service.post_hold(unit, hold_id, event_at=AT)
            return first, await service.post_hold(unit, hold_id, event_at=AT + timedelta(seconds=9))

        return await end(room, post)

    (first, again), balances, breaches = room.run(work)
    assert (first.posted, again.posted) == (True, False)
    assert first.batch_id == again.batch_id
    assert balances == {PAYEE: (100, 0, 0), WALLET: (-100, 0, 0)}
    assert breaches == []


def test_a_part_is_posted_and_the_rest_is_free(room):
    async def work():
        hold_id = await held(room)
        return await end(room, lambda unit: service.post_hold(unit, hold_id, event_at=AT, legs=legs(40)))

    result, balances, breaches = room.run(work)
    assert result.posted
    assert balances == {PAYEE: (40, 0, 0), WALLET: (-40, 0, 0)}
    assert breaches == []


@pytest.mark.parametrize(
    ("part", "error"),
    [
        (legs(101), HoldExceeded),
        (legs(-1), HoldExceeded),
        (legs(5, debit="payable:party:2"), HoldExceeded),
        (legs(60) + legs(60), HoldExceeded),
        ((Leg(PAYEE, Money(5, "GBP")), Leg(WALLET, Money(-5, "GBP"))), HoldExceeded),
        ((Leg(PAYEE, Money(5)), Leg(WALLET, Money(-4))), UnbalancedBatch),
        ((), MalformedBatch),
    ],
)
def test_what_was_not_held_is_not_posted(room, part, error):
    async def work():
        hold_id = await held(room)
        with pytest.raises(error):
            async with room.unit() as unit:
                await service.post_hold(unit, hold_id, event_at=AT, legs=part)
        async with room.unit() as unit:
            return await accounts(unit), (await service.get_hold(unit, hold_id)).state, await check(unit)

    balances, state, breaches = room.run(work)
    assert balances == {PAYEE: (0, 100, 0), WALLET: (0, 0, -100)}
    assert state is HoldState.PENDING
    assert breaches == []


def test_a_hold_ends_once_whoever_comes_first(room):
    async def work():
        ids = [await held(room, f"h{n}") for n in range(6)]
        with pytest.raises(NotFound):
            async with room.unit() as unit:
                await service.void_hold(unit, uuid4())

        async def one(hold_id, turn):
            async with room.unit() as unit:
                if turn % 2:
                    return ("void", await service.void_hold(unit, hold_id))
                return ("post", await service.post_hold(unit, hold_id, event_at=AT))

        calls = [one(hold_id, turn) for hold_id in ids for turn in range(4)]
        results = await asyncio.gather(*calls, return_exceptions=True)
        async with room.unit() as unit:
            states = [(await service.get_hold(unit, hold_id)).state for hold_id in ids]
            return results, states, await accounts(unit), await check(unit)

    results, states, balances, breaches = room.run(work)
    for number, state in enumerate(states):
        mine = results[number * 4 : number * 4 + 4]
        done = [result for result in mine if not isinstance(result, Exception)]
        assert [type(result) for result in mine if isinstance(result, Exception)] == [HoldResolved, HoldResolved]
        assert sorted(answer.posted for _, answer in done) == [False, True]
        assert {name for name, _ in done} == {"void" if state is HoldState.VOIDED else "post"}
    posted = states.count(HoldState.POSTED)
    assert balances == {PAYEE: (100 * posted, 0, 0), WALLET: (-100 * posted, 0, 0)}
    assert breaches == []


def test_a_hold_runs_out_by_our_own_clock(room):
    async def work():
        with pytest.raises(MalformedBatch):
            await held(room, "late", expires_at=room.clock.now())
        expires_at = room.clock.now() + timedelta(hours=2)
        hold_id = await held(room, expires_at=expires_at)
        async with room.unit() as unit:
            due = await unit.all(
                select(job.c.due_at).where(job.c.merchant_id == unit.merchant_id, job.c.kind == "ledger.expire_hold")
            )
            early = await expire_hold(unit, hold_id)
        room.clock.advance(hours=2)
        with pytest.raises(HoldResolved):
            async with room.unit() as unit:
                await service.post_hold(unit, hold_id, event_at=AT)

        async def expire(unit):
            return await expire_hold(unit, hold_id), await expire_hold(unit, hold_id)

        ended = await end(room, expire)
        with pytest.raises(HoldResolved):
            async with room.unit() as unit:
                await service.void_hold(unit, hold_id)
        return [row.due_at for row in due], expires_at, early, *ended

    due, expires_at, early, ran_out, balances, breaches = room.run(work)
    assert due == [expires_at]
    assert early is False
    assert ran_out == (True, False)
    assert balances == {PAYEE: (0, 0, 0), WALLET: (0, 0, 0)}
    assert breaches == []


def test_a_hold_and_a_post_do_not_share_a_key(room):
    async def work():
        await held(room, "k")
        with pytest.raises(BatchKeyReused):
            async with room.unit() as unit:
                await service.post(unit, batch("k"))
        with pytest.raises(BatchKeyReused):
            await held(room, "k", 7)

    room.run(work)


def test_a_guarded_account_counts_what_is_held(room):
    async def work():
        async with room.unit() as unit:
            await service.post(unit, batch("in", 100, debit=WALLET, credit=REVENUE))
            await service.guard_account(unit, WALLET, "CNY", Guard.DEBIT)
        first = await held(room, "h1", 60)
        with pytest.raises(AccountOverdrawn) as refused:
            await held(room, "h2", 41)
        with pytest.raises(AccountOverdrawn):
            async with room.unit() as unit:
                await service.post(unit, batch("p", 41))
        async with room.unit() as unit:
            await service.post(unit, batch("p", 40))
            await service.post_hold(unit, first, event_at=AT)
            return refused.value, await accounts(unit), await check(unit)

    error, balances, breaches = room.run(work)
    assert error.details["headroom_minor"] == 40
    assert WALLET in error.text("zh-Hans").sentence
    assert WALLET in error.text("en").sentence
    assert balances[WALLET] == (0, 0, 0)
    assert breaches == []


def test_the_credit_side_is_guarded_too_and_a_guard_can_be_lifted(room):
    async def work():
        async with room.unit() as unit:
            await service.guard_account(unit, PAYEE, "CNY", Guard.CREDIT)
            await service.post(unit, batch("earn", 50, debit="expense:commission", credit=PAYEE))
        with pytest.raises(AccountOverdrawn):
            async with room.unit() as unit:
                await service.post(unit, batch("pay", 51))
        await held(room, "h", 50)
        with pytest.raises(AccountOverdrawn):
            async with room.unit() as unit:
                await service.post(unit, batch("pay", 1))
        async with room.unit() as unit:
            await service.guard_account(unit, PAYEE, "CNY", None)
            await service.post(unit, batch("pay", 1))
        with pytest.raises(AccountOverdrawn):
            async with room.unit() as unit:
                await service.guard_account(unit, PAYEE, "CNY", Guard.CREDIT)
        with pytest.raises(MalformedBatch):
            async with room.unit() as unit:
                await service.guard_account(unit, "gold:bar", "CNY", Guard.CREDIT)
        async with room.unit() as unit:
            return await accounts(unit), await check(unit)

    balances, breaches = room.run(work)
    assert balances[PAYEE] == (-49, 50, 0)
    assert breaches == []


@pytest.mark.parametrize("flushed", [True, False])
def test_many_at_once_never_overdraw(room, flushed):
    """30 callers want 10 each of 100: ten get it, by the flusher as by units, and no neighbour suffers."""

    async def work():
        books = Books(room.database)
        async with room.unit() as unit:
            await service.post(unit, batch("in", 100, debit=WALLET, credit=REVENUE))
        warm = await books.post(room.merchant_id, batch("warm", 1, debit="expense:other", credit=REVENUE))
        async with room.unit() as unit:
            await service.guard_account(unit, WALLET, "CNY", Guard.DEBIT)

        async def take(number):
            wanted = batch(f"t{number}", 10)
            if flushed:
                return await books.post(room.merchant_id, wanted)
            async with room.unit() as unit:
                return await service.post(unit, wanted)

        async def other(number):
            wanted = batch(f"o{number}", 1, debit="expense:other", credit=REVENUE)
            return await books.post(room.merchant_id, wanted)

        calls = [call for number in range(30) for call in (take(number), other(number))]
        results = await asyncio.gather(*calls, return_exceptions=True)
        await books.close()
        async with room.unit() as unit:
            return warm, results, await accounts(unit), await check(unit)

    _, results, balances, breaches = room.run(work)
    taken, others = results[::2], results[1::2]
    assert sum(not isinstance(result, Exception) for result in taken) == 10
    assert [type(result) for result in taken if isinstance(result, Exception)] == [AccountOverdrawn] * 20
    assert all(result.posted for result in others)
    assert balances[WALLET][0] == 0
    assert balances[PAYEE][0] == 100
    assert breaches == []


def test_a_flush_is_judged_in_its_order_not_by_its_end(room):
    """A batch that would overdraw is refused although a later one of the same flush would bring the money."""

    async def work():
        books = Books(room.database)
        async with room.unit() as unit:
            await service.guard_account(unit, WALLET, "CNY", Guard.DEBIT)
        calls = [
            books.post(room.merchant_id, batch("out", 10)),
            books.post(room.merchant_id, batch("in", 10, debit=WALLET, credit=REVENUE)),
            books.post(room.merchant_id, batch("out again", 10)),
        ]
        results = await asyncio.gather(*calls, return_exceptions=True)
        await books.close()
        return results

    refused, brought, taken = room.run(work)
    assert isinstance(refused, AccountOverdrawn)
    assert brought.posted
    assert taken.posted


def test_the_database_itself_refuses_an_overdraft(room):
    async def work(unit):
        await service.guard_account(unit, WALLET, "CNY", Guard.DEBIT)

    room.do(work)
    with pytest.raises(asyncpg.CheckViolationError):
        room.as_owner("UPDATE account_balance SET balance_minor = -1 WHERE guard IS NOT NULL")


steps = st.lists(
    st.tuples(st.sampled_from(["hold", "post", "part", "void", "plain"]), st.integers(0, 5), st.integers(1, 90)),
    max_size=16,
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps, guarded=st.booleans())
def test_random_holds_fold_as_a_model_says(room, steps, guarded):
    room.merchant_id = uuid4()
    model = {"balance": 0, "open": {}, "ids": []}

    async def step(unit, number, kind, which, amount):
        room_left = 200 + model["balance"] - sum(model["open"].values())
        if kind in ("hold", "plain"):
            wanted = batch(f"{number}", amount)
            work = service.hold(unit, wanted) if kind == "hold" else service.post(unit, wanted)
            if guarded and amount > room_left:
                with pytest.raises(AccountOverdrawn):
                    await work
                return
            result = await work
            if kind == "hold":
                model["ids"].append(result.batch_id)
                model["open"][result.batch_id] = amount
            else:
                model["balance"] -= amount
            return
        if not model["ids"]:
            return
        hold_id = model["ids"][which % len(model["ids"])]
        if hold_id not in model["open"]:
            with pytest.raises(HoldResolved):
                await service.post_hold(unit, hold_id, event_at=AT, legs=legs(1_000))
            return
        size = model["open"].pop(hold_id)
        if kind == "void":
            await service.void_hold(unit, hold_id)
        else:
            part = min(size, amount) if kind == "part" else size
            await service.post_hold(unit, hold_id, event_at=AT, legs=legs(part))
            model["balance"] -= part

    async def work():
        async with room.unit() as unit:
            await service.post(unit, batch("start", 200, debit=WALLET, credit=REVENUE))
            if guarded:
                await service.guard_account(unit, WALLET, "CNY", Guard.DEBIT)
        for number, (kind, which, amount) in enumerate(steps):
            async with room.unit() as unit:
                await step(unit, number, kind, which, amount)
        async with room.unit() as unit:
            return await accounts(unit), await check(unit)

    balances, breaches = room.run(work)
    assert balances[WALLET] == (200 + model["balance"], 0, -sum(model["open"].values()))
    assert balances.get(PAYEE, (0, 0, 0)) == (-model["balance"], sum(model["open"].values()), 0)
    assert breaches == []


#: Balances follow the postings that are left, so that only the chain knows better.
REFOLD = (
    "; UPDATE account_balance b SET balance_minor = f.total, postings_count = f.legs FROM (SELECT a.account_id, "
    "coalesce(sum(p.amount_minor), 0) total, count(p.leg_no) legs FROM ledger_account a "
    "LEFT JOIN posting p USING (merchant_id, account_id) "
    "WHERE a.merchant_id = current_setting('app.merchant_id')::uuid GROUP BY 1) f WHERE f.account_id = b.account_id"
)
TAKE_OUT = (
    "WITH moved AS (DELETE FROM posting p USING ledger_batch b WHERE b.merchant_id = p.merchant_id "
    "AND b.batch_id = p.batch_id AND {} RETURNING p.*) INSERT INTO ledger_hold_leg "
    "(merchant_id, hold_id, leg_no, account_id, amount_minor, currency) "
    "SELECT merchant_id, batch_id, leg_no, account_id, amount_minor, currency FROM moved" + REFOLD
)
PUT_IN = (
    "WITH moved AS (DELETE FROM ledger_hold_leg l USING ledger_hold h WHERE h.merchant_id = l.merchant_id "
    "AND h.hold_id = l.hold_id AND h.state = '{}' RETURNING l.*) INSERT INTO posting "
    "(merchant_id, batch_id, leg_no, account_id, amount_minor, currency) "
    "SELECT merchant_id, hold_id, leg_no, account_id, amount_minor, currency FROM moved" + REFOLD
)

TAMPERING = {
    "the state": (
        "UPDATE ledger_hold SET state = 'voided' WHERE state = 'pending'",
        {"hold_ends_once", "pending_is_fold"},
    ),
    "another end": ("UPDATE ledger_hold SET state = 'expired' WHERE state = 'voided'", {"hold_ends_once"}),
    "the end's phase": (
        "UPDATE ledger_batch SET phase = 'expired' WHERE phase = 'voided'",
        {"hold_ends_once", "chain_holds"},
    ),
    "the end's hold": (
        "UPDATE ledger_batch SET resolves_id = gen_random_uuid() WHERE phase = 'voided'",
        {"hold_ends_once", "hold_in_chain", "chain_holds"},
    ),
    "the hold is gone": (
        "DELETE FROM ledger_hold WHERE state = 'pending'",
        {"hold_in_chain", "pending_is_fold", "chain_holds"},
    ),
    "its time": ("UPDATE ledger_hold SET expires_at = expires_at + interval '1 s'", {"chain_holds"}),
    "a leg": (
        "UPDATE ledger_hold_leg SET amount_minor = amount_minor + sign(amount_minor)",
        {"pending_is_fold", "chain_holds"},
    ),
    "a settled leg": (
        "UPDATE ledger_hold_leg SET amount_minor = sign(amount_minor) WHERE abs(amount_minor) = 30",
        {"settled_within_hold", "chain_holds"},
    ),
    "a pending sum": ("UPDATE account_balance SET pending_debit_minor = pending_debit_minor + 1", {"pending_is_fold"}),
    "a plain batch becomes a hold": (
        "UPDATE ledger_batch SET phase = 'held' WHERE idempotency_key = 'plain'",
        {"hold_in_chain", "leg_in_place", "chain_holds"},
    ),
    "a sale is taken out of the books": (
        TAKE_OUT.format("b.idempotency_key = 'plain'"),
        {"leg_in_place", "chain_holds"},
    ),
    "a settled sum is taken out of the books": (
        TAKE_OUT.format("b.phase = 'settled'"),
        {"leg_in_place", "chain_holds"},
    ),
    "what is only reserved is booked": (
        PUT_IN.format("pending"),
        {"leg_in_place", "pending_is_fold", "chain_holds"},
    ),
    "what was given free is booked": (PUT_IN.format("voided"), {"leg_in_place", "chain_holds"}),
    "a posting is doubled as a reserve": (
        (
            "INSERT INTO ledger_hold_leg (merchant_id, hold_id, leg_no, account_id, amount_minor, currency) "
            "SELECT merchant_id, batch_id, leg_no, account_id, amount_minor, currency FROM posting"
        ),
        {"leg_in_place"},
    ),
    "a reserve is doubled as a posting": (
        (
            "INSERT INTO posting (merchant_id, batch_id, leg_no, account_id, amount_minor, currency) "
            "SELECT l.merchant_id, hold_id, leg_no, account_id, amount_minor, currency FROM ledger_hold_leg l "
            "JOIN ledger_hold h USING (merchant_id, hold_id) WHERE h.state = 'voided'"
        )
        + REFOLD,
        {"leg_in_place"},
    ),
}


@pytest.mark.parametrize("name", TAMPERING)
def test_tampering_with_holds_is_found(room, name):
    statement, rules = TAMPERING[name]

    async def fill():
        await held(room, "open", 10, expires_at=room.clock.now() + timedelta(days=1))
        posted, voided = await held(room, "posted", 30), await held(room, "voided", 50)
        async with room.unit() as unit:
            await service.post(unit, batch("plain"))
            await service.post_hold(unit, posted, event_at=AT)
            await service.void_hold(unit, voided)
            assert await check(unit) == []

    room.run(fill)
    changed = room.as_owner(statement)
    assert not changed.endswith(" 0"), "the tampering must hit a row"
    assert {breach.rule.removeprefix("ledger.") for breach in room.do(check)} == rules
