"""Posting on a real database: once, balanced, in one order, tamper-evident."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import ProgrammingError

from hutong.core.money import AMOUNT_MINOR_MAX, Money
from hutong.db.tables import outbox
from hutong.ledger import service
from hutong.ledger.checks import check
from hutong.ledger.errors import AccountBeyondBooks, BatchKeyReused, MalformedBatch, SaleNotPosted, UnbalancedBatch
from hutong.ledger.models import account_balance, ledger_account, ledger_batch, posting
from hutong.ledger.sales import platform_sale_batch
from hutong.ledger.service import Batch, Leg, Share

AT = datetime(2026, 2, 1, 8, tzinfo=UTC)
WALLET = service.wallet_path("wechatpay", UUID(int=1))
TAOBAO = service.receivable_path("taobao", UUID(int=2))


def batch(key="a", amount=100, **fields):
    legs = (Leg(WALLET, Money(amount)), Leg("revenue:sales", Money(-amount)))
    given = {"kind": "sale", "subject_kind": "order", "subject_id": UUID(int=5), "event_at": AT, "legs": legs}
    return Batch(idempotency_key=key, **{**given, **fields})


async def balances(unit):
    rows = await unit.all(
        select(ledger_account.c.path, ledger_account.c.currency, account_balance.c.balance_minor)
        .join(account_balance, account_balance.c.account_id == ledger_account.c.account_id)
        .where(ledger_account.c.merchant_id == unit.merchant_id)
    )
    return {(row.path, row.currency): row.balance_minor for row in rows}


async def count(unit, table):
    return await unit.scalar(select(func.count()).select_from(table).where(table.c.merchant_id == unit.merchant_id))


def test_the_same_batch_again_has_no_effect(room):
    async def work():
        async with room.unit() as unit:
            first = await service.post(unit, batch())
        room.clock.advance(days=1)
        async with room.unit() as unit:
            again = await service.post(unit, batch(event_at=AT + timedelta(seconds=5)))
        async with room.unit() as unit:
            return first, again, await balances(unit), await count(unit, posting), await check(unit)

    first, again, kept, postings, breaches = room.run(work)
    assert first.posted
    assert not again.posted
    assert again.batch_id == first.batch_id
    assert kept == {(WALLET, "CNY"): 100, ("revenue:sales", "CNY"): -100}
    assert postings == 2
    assert breaches == []


def test_the_same_key_for_something_else_is_refused_and_changes_nothing(room):
    async def work():
        async with room.unit() as unit:
            await service.post(unit, batch())
        with pytest.raises(BatchKeyReused):
            async with room.unit() as unit:
                await service.post(unit, batch(amount=101))
        with pytest.raises(BatchKeyReused):
            async with room.unit() as unit:
                await service.post_many(unit, [batch("b"), batch("c"), batch("b", amount=7)])
        async with room.unit() as unit:
            return await balances(unit), await count(unit, ledger_batch), await check(unit)

    kept, batches, breaches = room.run(work)
    assert kept[WALLET, "CNY"] == 100
    assert batches == 1
    assert breaches == []


@pytest.mark.parametrize(
    ("refused", "error"),
    [
        (batch(legs=(Leg(WALLET, Money(5)), Leg("revenue:sales", Money(-4)))), UnbalancedBatch),
        (batch(legs=(Leg(WALLET, Money(5)), Leg("revenue:sales", Money(-5, "GBP")))), UnbalancedBatch),
        (batch(legs=()), MalformedBatch),
    ],
)
def test_one_bad_batch_stops_all_of_a_set(room, refused, error):
    async def work():
        with pytest.raises(error):
            async with room.unit() as unit:
                await service.post_many(unit, [batch("good"), refused])
        async with room.unit() as unit:
            return await count(unit, ledger_batch)

    assert room.run(work) == 0


def test_many_posters_of_the_same_batch_leave_one(room):
    async def one(key):
        async with room.unit() as unit:
            return (await service.post(unit, batch(key))).posted

    async def work():
        posted = await asyncio.gather(*(one(f"k{no % 5}") for no in range(40)))
        async with room.unit() as unit:
            return posted, await balances(unit), await check(unit)

    posted, kept, breaches = room.run(work)
    assert sum(posted) == 5
    assert kept[WALLET, "CNY"] == 500
    assert breaches == []


def test_ten_thousand_batches_go_in_at_once_and_once(room):
    batches = [
        platform_sale_batch(
            order_id=UUID(int=no), receivable_path=TAOBAO, gross=Money(no, "GBP" if no % 3 else "CNY"), event_at=AT
        )
        for no in range(1, 10_001)
    ]

    async def work():
        async with room.unit() as unit:
            first = await service.post_many(unit, batches)
        async with room.unit() as unit:
            again = await service.post_many(unit, batches[5_000:] + batches[:5_000])
        async with room.unit() as unit:
            told = await unit.all(select(outbox.c.name).where(outbox.c.merchant_id == unit.merchant_id))
            return first, again, await balances(unit), await check(unit), [row.name for row in told]

    first, again, kept, breaches, told = room.run(work)
    assert all(result.posted for result in first)
    assert not any(result.posted for result in again)
    assert [result.batch_id for result in again] == [r.batch_id for r in first[5_000:] + first[:5_000]]
    assert kept[TAOBAO, "GBP"] == sum(no for no in range(1, 10_001) if no % 3)
    assert kept[TAOBAO, "CNY"] == sum(no for no in range(1, 10_001) if not no % 3)
    assert breaches == []
    assert told == ["ledger.batches_posted"]


def test_a_sale_told_as_event_carries_its_legs(room):
    async def work(unit):
        await service.post_sale(
            unit,
            order_id=UUID(int=5),
            wallet_path=WALLET,
            gross=Money(1_000),
            fee=Money(6),
            party_shares=[Share(UUID(int=9), Money(100))],
            event_at=AT,
        )
        await unit.flush()
        return await unit.scalar(select(outbox.c.body).where(outbox.c.merchant_id == unit.merchant_id))

    async def main():
        async with room.unit() as unit:
            body = await work(unit)
            unit._events.clear()
            unit._jobs.clear()
            return body

    body = room.run(main)
    assert b'"kind":"sale"' in body
    assert b'{"path":"expense:wallet_fee","amount_minor":6,"currency":"CNY"}' in body


def test_a_refund_before_its_sale_waits_and_reverses_what_was_posted(room):
    order_id, party = uuid4(), uuid4()
    terms = {"order_id": order_id, "wallet_path": WALLET, "gross": Money(999), "event_at": AT}

    async def refund(unit, no, before, now):
        return await service.post_refund(
            unit, refund_id=UUID(int=no), refunded=Money(now), refunded_before=Money(before), **terms
        )

    async def work():
        with pytest.raises(SaleNotPosted):
            async with room.unit() as unit:
                await refund(unit, 1, 0, 333)
        async with room.unit() as unit:
            await service.post_sale(unit, fee=Money(6), party_shares=[Share(party, Money(100))], **terms)
        # The second refund is told first: what each took before is the payment's word, not the order of arrival.
        async with room.unit() as unit:
            await refund(unit, 2, 333, 666)
        async with room.unit() as unit:
            half = await balances(unit)
            open_breaches = await check(unit)
        async with room.unit() as unit:
            posted = await refund(unit, 1, 0, 333)
            again = await refund(unit, 1, 0, 333)
            return half, open_breaches, posted, again, await balances(unit), await check(unit)

    half, open_breaches, posted, again, final, breaches = room.run(work)
    assert half["expense:wallet_fee", "CNY"] == 2
    assert half[service.party_path(party), "CNY"] == -33
    assert posted.posted
    assert not again.posted
    assert set(final.values()) == {0}
    assert open_breaches == breaches == []


def test_suspense_comes_and_goes(room):
    where = {"wallet_path": WALLET, "amount": Money(500), "subject_kind": "order", "subject_id": uuid4()}

    async def work(unit):
        await service.post_suspense(unit, suspense_id=uuid4(), event_at=AT, **where)
        held = await balances(unit)
        await service.post_suspense_return(unit, refund_id=uuid4(), event_at=AT, **where)
        return held, await balances(unit), await check(unit)

    held, final, breaches = room.do(work)
    assert held == {(WALLET, "CNY"): 500, ("suspense:payments", "CNY"): -500}
    assert set(final.values()) == {0}
    assert breaches == []


def test_a_platform_sale_and_its_refund(room):
    order_id = uuid4()

    async def work(unit):
        where = {"order_id": order_id, "receivable_path": TAOBAO, "event_at": AT}
        sold = await service.post_platform_sale(unit, gross=Money(300), **where)
        nothing = await service.post_platform_sale(unit, gross=Money(0), **{**where, "order_id": uuid4()})
        back = await service.post_platform_refund(
            unit, refund_id=uuid4(), refunded=Money(120), refunded_before=Money(0), **where
        )
        return sold, nothing, back, await balances(unit), await check(unit)

    sold, nothing, back, kept, breaches = room.do(work)
    assert (sold.posted, nothing.posted, back.posted) == (True, False, True)
    assert kept == {(TAOBAO, "CNY"): 180, ("revenue:sales", "CNY"): -180, ("clearing:orders", "CNY"): 0}
    assert breaches == []


@pytest.mark.parametrize("table", ["posting", "ledger_batch"])
@pytest.mark.parametrize("verb", ["UPDATE {} SET currency = currency", "DELETE FROM {}"])
def test_the_app_cannot_change_what_is_posted(room, table, verb):
    statement = verb.format(table).replace("currency = currency", "batch_id = batch_id")

    async def work(unit):
        await service.post(unit, batch())
        with pytest.raises(ProgrammingError, match="permission denied"):
            await unit.connection.exec_driver_sql(statement)

    async def main():
        with pytest.raises(Exception, match="aborted"):
            async with room.unit() as unit:
                await work(unit)

    room.run(main)


def test_another_merchant_sees_nothing_and_may_use_the_same_keys(room):
    async def work():
        async with room.unit() as unit:
            await service.post(unit, batch())
        async with room.database.unit(uuid4(), "test") as other:
            seen = (await other.connection.exec_driver_sql("SELECT count(*) FROM posting")).scalar()
            result = await service.post(other, batch(amount=7))
            return seen, result.posted, await check(other)

    assert room.run(work) == (0, True, [])


@pytest.mark.parametrize("amounts", [(2,), (-1, 3), (AMOUNT_MINOR_MAX, AMOUNT_MINOR_MAX)])
def test_what_an_account_cannot_hold_is_refused_and_changes_nothing(room, amounts):
    legs = tuple(
        Leg(path, Money(sign * each)) for each in amounts for path, sign in ((WALLET, 1), ("revenue:sales", -1))
    )

    async def work():
        async with room.unit() as unit:
            await service.post(unit, batch("full", AMOUNT_MINOR_MAX))
        with pytest.raises(AccountBeyondBooks) as refused:
            async with room.unit() as unit:
                await service.post_many(unit, [batch("fits", -1), batch("more", legs=legs)])
        async with room.unit() as unit:
            return refused.value, await balances(unit), await count(unit, ledger_batch), await check(unit)

    refused, kept, batches, breaches = room.run(work)
    assert refused.status == 422
    assert kept == {(WALLET, "CNY"): AMOUNT_MINOR_MAX, ("revenue:sales", "CNY"): -AMOUNT_MINOR_MAX}
    assert (batches, breaches) == (1, [])
