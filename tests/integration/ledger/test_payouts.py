"""Payments outside the wallet: recorded once, never beyond what is payable, undone once where nothing rests on them."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledger_splits import BOSS, CLERK, breaches, figures, give_back, paid, party_with_rule, sell
from sqlalchemy import select

from hutong.core.errors import Conflict, Forbidden, InvalidInput, NotFound
from hutong.core.money import Money
from hutong.ledger.account_queries import balances
from hutong.ledger.commissions import commission_rows, confirm
from hutong.ledger.models import ledger_batch
from hutong.ledger.payout_queries import due_outside_minor, outside_payment_count, outside_payments
from hutong.ledger.payouts import (
    record_outside_payment,
    record_shared,
    record_taken_back,
    stand_outside,
    undo_outside_payment,
)
from hutong.ledger.posting import lock_chain
from hutong.ledger.refusals import OutsidePaymentTooLarge, PayoutRelied, PayoutUndone
from hutong.merchants.service import create_merchant
from hutong.web.creator.reading import read_creator_page


async def due_sale(room, unit, party=None, gross=10_000):
    """A sale whose commission of a tenth is payable outside the wallet: the party and the order."""
    party = party or await party_with_rule(unit)
    order_id = await sell(unit, gross=gross)
    room.clock.advance(days=8)
    await confirm(unit, order_id)
    await stand_outside(unit, [row.commission_id for row in await commission_rows(unit, order_id)], "no_receiver")
    return party, order_id


async def pay(unit, party, amount, reference="b-1", **more):
    terms = {"party_id": party, "paid_by": "李", "paid_at": unit.now(), "reference": reference}
    return await record_outside_payment(unit, BOSS, amount=Money(amount), **{**terms, **more})


def test_an_undone_payment_is_payable_again_and_everything_shows_it(room):
    async def work(unit):
        await create_merchant(unit, "店")
        party, order_id = await due_sale(room, unit)
        before = await figures(unit, party), {row.path: row.balance for row in await balances(unit)}
        chain = [row.hash for row in await unit.all(select(ledger_batch).order_by(ledger_batch.c.sequence))]
        payment = await pay(unit, party, 1_000, method="bank", note="十一月")
        done = await figures(unit, party), (await read_creator_page(unit, party, "https://x")).sums[0]
        for refusal, actor, key, reason in (
            (Forbidden, CLERK, payment, "记错了"),
            (NotFound, BOSS, uuid4(), "记错了"),
            (InvalidInput, BOSS, payment, "  "),
        ):
            with pytest.raises(refusal):
                await undo_outside_payment(unit, actor, key, reason)
        await undo_outside_payment(unit, BOSS, payment, "记错了")
        with pytest.raises(PayoutUndone):
            await undo_outside_payment(unit, BOSS, payment, "再来一次")
        after = await figures(unit, party), {row.path: row.balance for row in await balances(unit)}
        page = (await read_creator_page(unit, party, "https://x")).sums[0]
        row = (await commission_rows(unit, order_id))[0]
        (listed,) = await outside_payments(unit, party, limit=9)
        again = await pay(unit, party, 1_000)  # the reference is free again
        with pytest.raises(OutsidePaymentTooLarge):
            await pay(unit, party, 1, "b-2")
        batches = await unit.all(select(ledger_batch).order_by(ledger_batch.c.sequence))
        kept = [row.hash for row in batches][: len(chain)] == chain
        return before, done, after, page, row, listed, again, kept, [row.kind for row in batches], await breaches(unit)

    before, done, after, page, row, listed, again, kept, kinds, broken = room.do(work)
    assert (done[0]["settled"], done[0]["outside"], done[1].paid, done[1].due) == (1_000, 0, Money(1_000), Money(0))
    assert after[0] == before[0]
    assert {path: balance for path, balance in after[1].items() if balance.amount_minor} == {
        path: balance for path, balance in before[1].items() if balance.amount_minor
    }
    assert (page.paid, page.due) == (Money(0), Money(1_000))
    assert (row.state, row.outside_reason, row.settled_minor) == ("confirmed", "payout_undone", 0)
    assert (listed.undo_reason, listed.undone_by, listed.method, listed.note) == ("记错了", "staff:1", "bank", "十一月")
    assert again != listed.outside_payment_id
    assert kept, "nothing that was written is changed"
    assert kinds == ["sale", "payout", "payout_undo", "payout"]
    assert broken == []


def test_a_form_that_is_sent_twice_pays_once_and_other_content_is_refused(room):
    async def work(unit):
        party, _ = await due_sale(room, unit)
        key, at = uuid4(), unit.now()
        first = await pay(unit, party, 400, payment_id=key, paid_at=at)
        room.clock.advance(minutes=1)
        second = await pay(unit, party, 400, payment_id=key, paid_at=at)
        for amount, other in (
            (401, {}),
            (400, {"reference": "b-2"}),
            (400, {"note": "x"}),
            (400, {"paid_at": unit.now()}),
        ):
            with pytest.raises(Conflict):
                await pay(unit, party, amount, payment_id=key, **{"paid_at": at, **other})
        return first == second == key, await figures(unit, party), await outside_payment_count(unit, party)

    same, totals, count = room.do(work)
    assert (same, totals["settled"], totals["outside"], count) == (True, 400, 600, 1)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"paid_at": timedelta(hours=1)}, "paid_at"),
        ({"method": "barter"}, "method"),
        ({"note": "长" * 201}, "note"),
        ({"reference": " "}, "reference"),
    ],
)
def test_what_nobody_can_mean_is_refused(room, change, field):
    async def work(unit):
        party, _ = await due_sale(room, unit)
        given = {name: unit.now() + value if name == "paid_at" else value for name, value in change.items()}
        with pytest.raises(InvalidInput) as told:
            await pay(unit, party, 400, **given)
        return told.value.details["field"]

    assert field in room.do(work)


@pytest.mark.parametrize("how", ["netted", "taken_back"])
def test_what_something_later_rests_on_is_not_undone(room, how):
    async def work(unit):
        party, order_id = await due_sale(room, unit)
        payment = await pay(unit, party, 1_000)
        await give_back(unit, order_id, 4_000)  # the party owes 400 back
        if how == "netted":
            await due_sale(room, unit, party)
            await pay(unit, party, 600, "b-2")
        else:
            await record_taken_back(unit, paid("r1", party, order_id, 400))
        return party, payment

    party, payment = room.do(work)
    with pytest.raises(PayoutRelied):
        room.do(lambda unit: undo_outside_payment(unit, BOSS, payment, "记错了"))

    async def look(unit):
        return await outside_payments(unit, party, limit=9), await breaches(unit)

    rows, broken = room.do(look)
    assert rows
    assert all(row.undone_at is None for row in rows), "the refusal left nothing behind"
    assert broken == []


def test_two_payments_at_once_never_exceed_what_is_payable_and_an_undoing_happens_once(room):
    party, _ = room.do(lambda unit: due_sale(room, unit))

    async def at_once(*works):
        async def one(work):
            try:
                async with room.unit() as unit:
                    return await work(unit)
            except (OutsidePaymentTooLarge, PayoutUndone) as refusal:
                return refusal.code

        return await asyncio.gather(*(one(work) for work in works))

    paid_out = room.run(lambda: at_once(*(lambda unit, n=n: pay(unit, party, 400, f"b-{n}") for n in range(5))))
    assert sorted(map(str, paid_out)).count("outside_payment_too_large") == 3
    payment = next(one for one in paid_out if isinstance(one, UUID))
    undone = room.run(
        lambda: at_once(*(lambda unit: undo_outside_payment(unit, BOSS, payment, "错") for _ in range(4)))
    )
    assert sorted(map(str, undone)) == ["None", *["payout_undone"] * 3]

    async def look(unit):
        return await figures(unit, party), await due_outside_minor(unit, party, "CNY"), await breaches(unit)

    totals, due, broken = room.do(look)
    assert (totals["settled"], totals["outside"], due, broken) == (400, 600, 600, [])


@pytest.mark.parametrize("record", [record_shared, record_taken_back])
def test_what_the_wallet_paid_and_what_was_paid_outside_wait_for_each_other(room, record):
    """Each takes the chain, then the commissions: in another order two of them could wait for ever."""
    party, order_id = room.do(lambda unit: due_sale(room, unit))

    async def both():
        began = asyncio.get_running_loop().create_future()

        async def by_the_wallet():
            async with room.unit() as unit:
                began.set_result((await unit.connection.exec_driver_sql("SELECT pg_backend_pid()")).scalar())
                await record(unit, paid("w-1", party, order_id, 100))

        async with room.unit() as unit:
            await lock_chain(unit)
            task = asyncio.create_task(by_the_wallet())
            waits = f"SELECT count(*) FROM pg_locks WHERE pid = {await began} AND NOT granted"
            while not task.done() and not (await unit.connection.exec_driver_sql(waits)).scalar():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            await pay(unit, party, 400)
        await task

    room.run(both)
    assert room.do(breaches) == []


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("pay"), st.integers(1, 2_500)),
        st.tuples(st.just("undo"), st.integers(0, 5)),
        st.tuples(st.just("sell"), st.integers(100, 9_999)),
        st.tuples(st.just("refund"), st.integers(1, 99)),
    ),
    min_size=3,
    max_size=8,
)


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_any_payments_and_undoings_leave_books_and_commissions_agreed(room, steps):
    room.merchant_id = uuid4()  # rules of the last example are another merchant's

    async def work(unit):
        party, order_id = await due_sale(room, unit)
        orders, payments = {order_id: [10_000, 0]}, []
        for number, (kind, size) in enumerate(steps):
            room.clock.advance(seconds=1)
            if kind == "pay":
                due_minor = await due_outside_minor(unit, party, "CNY")
                if min(size, due_minor) > 0:
                    payments.append(await pay(unit, party, min(size, due_minor), f"{uuid4()}"))
            elif kind == "undo" and payments:
                await _undo_or_stay(unit, payments.pop(size % len(payments)))
            elif kind == "sell":
                orders[(await due_sale(room, unit, party, size))[1]] = [size, 0]
            elif kind == "refund":
                order_id, (gross, back) = list(orders.items())[number % len(orders)]
                part = min(gross - back, max(1, gross * size // 100))
                if part:
                    await give_back(unit, order_id, part, back, gross)
                    orders[order_id][1] = back + part
        totals = await figures(unit, party)
        counted = sum(
            row.amount.amount_minor for row in await outside_payments(unit, party, limit=99) if row.undone_at is None
        )
        return totals["settled"], counted, await breaches(unit)

    settled, counted, broken = room.do(work)
    assert settled == counted
    assert broken == []


async def _undo_or_stay(unit, payment):
    """What rests on it keeps a payment as it is: nothing of the attempt may stay."""
    with suppress(PayoutRelied):
        async with unit.savepoint():
            await undo_outside_payment(unit, BOSS, payment, "记错了")
