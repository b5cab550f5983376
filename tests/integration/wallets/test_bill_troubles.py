"""Bills when days cross, wallets are late or away, and jobs die: nothing is lost, and nothing waits for ever."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from msgspec import structs
from wallets_bills import (
    CODE,
    DAY,
    DIFFERENCES,
    ONE_DAY,
    bill_of,
    bill_row,
    deliver,
    end_jobs,
    jobs,
    read,
    read_both,
    row_of,
    run_jobs,
    sell,
)

from hutong.core.errors import PlatformUnknown
from hutong.core.money import Money
from hutong.payments.bills import BillKey
from hutong.payments.checks import check
from hutong.platforms.bills import BillKind, BillStatus
from hutong.platforms.payments import TradeStatus
from hutong.platforms.registry import Registry
from hutong.workflows.commands import read_bill
from hutong.workflows.commands.begin_bills import begin_bills
from hutong.workflows.commands.charge_code import charge_code
from hutong.workflows.commands.read_bill import ask_again, read_due_bill
from hutong.workflows.delivery import EFFECTS
from hutong.workflows.jobs import BILL_GAPS

CHECK_PAID = "payments.check_paid"
NEXT = DAY + ONE_DAY


async def breaches(till):
    async with till.unit() as unit:
        return [(breach.rule, breach.subject) for breach in await check(unit)]


async def unpaid_sale(till, fen=1990):
    """A sale that the wallet took money for while we heard nothing; its row, and the attempt."""
    till.wallet.will("charge", TradeStatus.PENDING)
    await charge_code(till.runtime, till.merchant_id, await till.sale(Money.fen(fen)), CODE)
    attempt = (await till.payment()).attempts[0]
    till.wallet.trades[attempt.out_trade_no] = TradeStatus.PAID
    fee_fen = (fen * 60 + 5000) // 10_000
    return row_of(till, BillKind.TRADE, attempt.out_trade_no, attempt.out_trade_no, fen, fee_fen)


async def lose(till, *days):
    """So many tries that nobody asks any more."""
    for day in days:
        for _ in range(len(BILL_GAPS) + 1):
            await read(till, day)


@pytest.mark.parametrize("second", ["read", "given up"])
def test_neighbouring_days_that_are_read_at_once_lose_nothing(at_the_till, monkeypatch, second):
    """Both readings meet before they end where nothing keeps them apart: neither sees the other's then."""
    meeting = asyncio.Barrier(2)
    tell = read_bill.tell_of_differences

    async def tell_when_both_are_here(unit, key):
        with contextlib.suppress(TimeoutError, asyncio.BrokenBarrierError):
            await asyncio.wait_for(meeting.wait(), 0.5)
        await tell(unit, key)

    async def work(till):
        [row] = await sell(till)
        [other, another] = [row_of(till, BillKind.TRADE, letter * 32, letter * 32, 1, 0) for letter in "FG"]
        till.bills.days[DAY] = bill_of(other)
        if second == "read":
            till.bills.days[NEXT] = bill_of(another)
        else:
            await lose(till, NEXT)
            async with till.unit() as unit:  # as it stood before its last try
                await unit.connection.exec_driver_sql(
                    f"UPDATE bill SET state = 'expected', tries_count = {len(BILL_GAPS)} WHERE day = '{NEXT}'"
                )
        monkeypatch.setattr(read_bill, "tell_of_differences", tell_when_both_are_here)
        await asyncio.gather(read(till), read(till, NEXT))
        assert f"missing_in_bill {row.own_no} open" in await till.values(DIFFERENCES)
        assert (await bill_row(till)).awaited_count == 0
        assert not [rule for rule, _ in await breaches(till) if "bill" in rule]

    at_the_till(work)


def test_the_doctor_finds_a_day_that_waits_for_ever(at_the_till):
    async def work(till):
        till.bills.days[DAY] = bill_of(*await sell(till))
        await read_both(till)
        assert await breaches(till) == []
        async with till.unit() as unit:
            await unit.connection.exec_driver_sql(f"UPDATE bill SET awaited_count = 1 WHERE day = '{DAY}'")
        assert await breaches(till) == [("payments.bill_wait_ends", f"{till.connection_id}/{DAY}")]
        async with till.unit() as unit:
            await unit.connection.exec_driver_sql("UPDATE bill SET awaited_count = 0")
        await end_jobs(till)
        assert await breaches(till) == [("payments.expected_bill_has_job", f"{till.connection_id}/{DAY + 2 * ONE_DAY}")]

    at_the_till(work)


def test_a_day_whose_next_one_nobody_waits_for_does_not_wait_either(at_the_till):
    """A day of before the account's first bill, asked for by hand; the day after it is passed over."""

    async def work(till):
        [row] = await sell(till)
        till.bills.days |= {DAY: bill_of(row_of(till, BillKind.TRADE, "F" * 32, "F" * 32, 1, 0))}
        till.bills.days[DAY + 3 * ONE_DAY] = BillStatus.EMPTY
        await read(till, DAY + 3 * ONE_DAY)
        await ask_again(till.runtime, till.merchant_id, BillKey(till.connection_id, DAY))
        await run_jobs(till, days=[DAY])
        assert f"missing_in_bill {row.own_no} open" in await till.values(DIFFERENCES)

    at_the_till(work)


def test_money_that_a_day_told_late_is_asked_about_as_well(at_the_till):
    async def work(till):
        row = await unpaid_sale(till)
        await lose(till, DAY)
        await read(till, NEXT)
        till.bills.days[DAY] = bill_of(row)
        await ask_again(till.runtime, till.merchant_id, BillKey(till.connection_id, DAY))
        await run_jobs(till, days=[DAY])
        assert await till.values(DIFFERENCES) == [f"unknown_to_us {row.own_no} open"]
        assert len(await jobs(till, CHECK_PAID)) == 1

    at_the_till(work)


def test_a_wallet_that_answers_late_explains_the_difference_all_the_same(at_the_till):
    async def work(till):
        row = await unpaid_sale(till)
        till.bills.days[DAY] = bill_of(row)
        await read(till)
        [payload] = await jobs(till, CHECK_PAID)
        till.wallet.will("query", PlatformUnknown(platform="wechatpay"))
        with pytest.raises(PlatformUnknown):  # and is tried again by itself
            await EFFECTS[CHECK_PAID](till.runtime, till.merchant_id, payload.encode())
        till.clock.advance(minutes=10)
        await run_jobs(till, days=[DAY])
        assert await till.values(DIFFERENCES) == [f"unknown_to_us {row.own_no} open"]
        till.clock.advance(hours=5)
        await EFFECTS[CHECK_PAID](till.runtime, till.merchant_id, payload.encode())
        await deliver(till)
        till.clock.advance(minutes=10)
        await run_jobs(till, days=[DAY])
        assert await till.values(DIFFERENCES) == [f"unknown_to_us {row.own_no} explained"]
        assert await till.values("SELECT state FROM ticket WHERE kind = 'bill_differs'") == ["resolved"]

    at_the_till(work)


def test_what_the_wallet_denies_is_not_asked_about_for_ever(at_the_till):
    async def work(till):
        row = await unpaid_sale(till)
        till.wallet.trades[row.own_no] = TradeStatus.PENDING
        till.bills.days[DAY] = bill_of(row)
        await read(till)
        await run_jobs(till, CHECK_PAID)
        assert (await jobs(till, CHECK_PAID), [one for one in await jobs(till) if str(DAY) in one]) == ([], [])
        assert await till.values(DIFFERENCES) == [f"unknown_to_us {row.own_no} open"]

    at_the_till(work)


def test_nothing_happened_is_asked_again_for_some_hours(at_the_till):
    """Of a late bill some wallets say the same; what only it knows is what bills are for."""

    async def work(till):
        till.bills.days[DAY] = BillStatus.EMPTY
        await read(till, hour=10)
        assert ((await bill_row(till)).state, (await bill_row(till)).tries_count) == ("expected", 1)
        late = row_of(till, BillKind.TRADE, "F" * 32, "F" * 32, 100, 1)
        till.bills.days[DAY] = bill_of(late)
        await run_jobs(till, days=[DAY])
        assert await till.values(DIFFERENCES) == [f"unknown_to_us {late.own_no} open"]
        till.bills.days[NEXT] = BillStatus.EMPTY
        await read(till, NEXT, hour=12)
        assert (await bill_row(till, NEXT)).state == "expected"
        await read(till, NEXT, hour=13)
        assert (await bill_row(till, NEXT)).state == "empty"

    at_the_till(work)


def test_after_a_trouble_every_day_that_it_cost_is_read_or_told(at_the_till):
    async def work(till):
        days = [DAY, NEXT, DAY + 2 * ONE_DAY]
        await lose(till, *days)
        assert await till.tickets() == ["bill_missing"]
        await end_jobs(till)
        till.bills.days |= {DAY: BillStatus.EMPTY, NEXT: BillStatus.EMPTY}
        await ask_again(till.runtime, till.merchant_id, BillKey(till.connection_id, DAY))
        await run_jobs(till, days=[DAY])
        assert [
            day for day in days if any(f'"day":"{day}","follows":false' in one for one in await jobs(till))
        ] == days[1:]
        await run_jobs(till, days=days[1:])
        assert await till.values("SELECT state FROM bill ORDER BY day LIMIT 3") == ["empty", "empty", "missing"]
        told = await till.values("SELECT subject_id FROM ticket WHERE kind = 'bill_missing' AND state = 'open'")
        assert told == [f"{till.connection_id}/{days[2]}"]

    at_the_till(work)


def test_a_day_that_fails_for_itself_is_not_asked_for_daily(at_the_till):
    async def work(till):
        await lose(till, DAY)
        till.bills.days[NEXT] = BillStatus.EMPTY
        await read(till, NEXT)
        assert not [one for one in await jobs(till) if f'"day":"{DAY}"' in one]

    at_the_till(work)


def test_a_number_in_two_bills_is_odd_in_the_later_one_whichever_is_read_when(at_the_till):
    async def work(till):
        [row] = await sell(till)
        till.bills.days |= {DAY: bill_of(row), NEXT: bill_of(row)}
        once = [f"unknown_to_us {row.own_no} open"]
        odd = "SELECT day::text FROM bill_difference WHERE state = 'open'"
        await read(till)
        await read(till, NEXT)
        assert (await till.values(DIFFERENCES), await till.values(odd)) == (once, [str(NEXT)])
        await read(till)
        assert (await till.values(DIFFERENCES), await till.values(odd)) == (once, [str(NEXT)])

    at_the_till(work)


def test_a_later_bill_that_was_read_first_is_read_again(at_the_till):
    async def work(till):
        [row] = await sell(till)
        till.bills.days |= {DAY: bill_of(row), NEXT: bill_of(row)}
        await read(till, NEXT)
        assert await till.values(DIFFERENCES) == []
        await read(till)
        await run_jobs(till, days=[NEXT])
        assert await till.values(DIFFERENCES) == [f"unknown_to_us {row.own_no} open"]
        till.bills.days[DAY] = bill_of(structs.replace(row, own_no="F" * 32))  # corrected: it was never in there
        await read(till)
        await run_jobs(till, days=[NEXT])
        states = "SELECT state FROM bill_difference WHERE day = '2026-03-02'"
        assert await till.values(states) == ["explained"]

    at_the_till(work)


def test_a_refund_that_is_told_on_its_way_and_done_is_one(at_the_till):
    async def work(till):
        rows = await sell(till, 33333, 11111)
        moving = structs.replace(rows[1], raw_state="PROCESSING", is_final=False)
        till.bills.days |= {DAY: bill_of(rows[0], moving), NEXT: bill_of(rows[1])}
        await read(till)
        await read(till, NEXT)
        assert await till.values(DIFFERENCES) == []

    at_the_till(work)


def test_an_account_of_before_bills_is_waited_for_from_the_start(at_the_till):
    """A home that was upgraded: connections, and neither bills nor jobs for them."""

    async def work(till):
        await end_jobs(till)
        assert await begin_bills(till.runtime) >= 1  # other tests' shops live in the same database
        [payload] = await jobs(till)
        assert f'"{till.connection_id}"' in payload
        assert '"day":"2026-03-01","follows":true' in payload
        assert await begin_bills(till.runtime) == 0
        assert await jobs(till) == [payload]
        till.bills.days[DAY] = BillStatus.EMPTY
        till.clock.advance(days=1)
        await run_jobs(till)
        assert (await bill_row(till)).state == "empty"
        assert await begin_bills(till.runtime) == 0

    at_the_till(work)


def test_a_job_that_was_tried_waits_all_the_same(at_the_till):
    """Its key is free once it was claimed; what it waits for stands in its payload."""

    async def work(till):
        await begin_bills(till.runtime)
        async with till.unit() as unit:
            await unit.connection.exec_driver_sql("UPDATE job SET dedupe_key = NULL")
        assert await begin_bills(till.runtime) == 0
        assert len(await jobs(till)) == 1

    at_the_till(work)


def test_an_account_that_cannot_be_opened_goes_on_being_read(at_the_till):
    async def work(till):
        async with till.unit() as unit:
            await unit.connection.exec_driver_sql("UPDATE connection SET credentials = '\\x00'")
        await read(till)
        found = await bill_row(till)
        assert (found.state, found.tries_count, found.problem) == ("expected", 1, "seal_broken")
        assert any(f'"day":"{NEXT}","follows":true' in payload for payload in await jobs(till))

    at_the_till(work)


def test_a_connector_that_was_away_is_read_from_where_it_left(at_the_till):
    async def work(till):
        bare = structs.replace(till.connector, bills=None)
        for registry in (Registry({}), Registry({bare.name: bare})):
            away = structs.replace(till.runtime, registry=registry)
            till.clock.advance(days=1)
            for payload in await jobs(till):
                await read_due_bill(away, till.merchant_id, payload.encode())
            await end_jobs(till)
            assert await begin_bills(away) == 0
            till.clock.advance(days=1)
            assert await begin_bills(till.runtime) == 1
            [payload] = await jobs(till)
            assert '"day":"2026-03-01","follows":true' in payload
        till.bills.days |= {DAY + back * ONE_DAY: BillStatus.EMPTY for back in range(4)}
        for _ in range(5):
            await run_jobs(till)
        assert await till.values("SELECT state FROM bill ORDER BY day") == [*["empty"] * 4, "expected"]

    at_the_till(work)
