"""Bills against what we know: agreement says nothing, each planted row is one difference, days do not matter."""

from __future__ import annotations

from datetime import timedelta

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
    read,
    read_both,
    row_of,
    run_jobs,
    sell,
)

from hutong.core.errors import Conflict, InvalidInput
from hutong.core.money import Money
from hutong.payments.bill_differences import settle
from hutong.payments.bills import BillKey, BillTask
from hutong.platforms.bill_errors import BillCut
from hutong.platforms.bills import BillKind, BillStatus
from hutong.platforms.payments import TradeStatus
from hutong.workflows.commands.charge_code import charge_code
from hutong.workflows.commands.follow_refund import refund_order
from hutong.workflows.commands.read_bill import ask_again, read_due_bill
from hutong.workflows.jobs import BILL_GAPS


def test_agreement_says_nothing_and_the_next_day_is_waited_for(at_the_till):
    async def work(till):
        rows = await sell(till, 1990) + await sell(till, 33333, 11111)
        till.bills.days[DAY] = bill_of(*rows)
        await read_both(till)
        found = await bill_row(till)
        assert (found.state, found.rows_count, found.matched_count, found.awaited_count) == ("read", 3, 3, 0)
        assert (found.traded_minor, found.refunded_minor, found.fees_minor) == (35323, 11111, 12 + 200 - 67)
        assert await till.values(DIFFERENCES) == []
        assert await till.tickets() == []
        assert (await bill_row(till, DAY + ONE_DAY)).state == "empty"
        assert await till.values("SELECT day::text FROM bill WHERE state = 'expected'") == ["2026-03-03"]

    at_the_till(work)


PLANTED = {
    "nothing": (lambda row: [row], None),
    "extra row": (lambda row: [row, structs.replace(row, own_no="F" * 32)], "unknown_to_us"),
    "the same row twice": (lambda row: [row, row], "unknown_to_us"),
    "missing row": (lambda row: [], "missing_in_bill"),
    "other amount": (lambda row: [structs.replace(row, amount=row.amount + Money.fen(1))], "amount_differs"),
    "other fee": (lambda row: [structs.replace(row, fee=row.fee + Money.fen(3))], "fee_differs"),
    "an undone charge": (lambda row: [row, structs.replace(row, kind=BillKind.REVERSAL)], "unknown_to_us"),
}


@pytest.mark.parametrize("name", PLANTED)
@pytest.mark.parametrize("which", [0, 2], ids=["trade", "refund"])
def test_what_is_planted_is_found_and_nothing_else(at_the_till, name, which):
    plant, kind = PLANTED[name]

    async def work(till):
        rows = await sell(till, 1990) + await sell(till, 33333, 11111)
        told = rows[:which] + plant(rows[which]) + rows[which + 1 :]
        till.bills.days[DAY] = bill_of(*told)
        await read_both(till)
        odd = plant(rows[which])[-1] if plant(rows[which]) else rows[which]
        assert await till.values(DIFFERENCES) == ([f"{kind} {odd.own_no} open"] if kind else [])
        assert await till.tickets() == (["bill_differs"] if kind else [])
        sums = await till.values("SELECT sum(amount_minor)::bigint FROM bill_row")
        assert sums == [sum(row.amount.amount_minor for row in told)]

    at_the_till(work)


def test_a_row_of_the_next_day_is_no_difference(at_the_till):
    async def work(till):
        rows = await sell(till, 1990) + await sell(till, 880)
        till.bills.days[DAY] = bill_of(rows[0])
        till.bills.days[DAY + ONE_DAY] = bill_of(rows[1])
        await read(till)
        assert (await bill_row(till)).awaited_count == 1
        assert await till.values(DIFFERENCES) == []
        await read(till, DAY + ONE_DAY)
        assert (await bill_row(till)).awaited_count == 0
        assert await till.values(DIFFERENCES) == []
        assert await till.tickets() == []

    at_the_till(work)


def test_the_bill_of_the_next_day_may_come_first(at_the_till):
    async def work(till):
        rows = await sell(till, 1990) + await sell(till, 880)
        till.bills.days[DAY + ONE_DAY] = bill_of(rows[1])
        await read(till)
        await read(till, DAY + ONE_DAY)
        assert await till.values(DIFFERENCES) == []
        till.bills.days[DAY] = bill_of(rows[0])
        await read(till)
        assert await till.values(DIFFERENCES) == []

    at_the_till(work)


def test_what_comes_two_days_late_explains_itself(at_the_till):
    async def work(till):
        rows = await sell(till, 1990) + await sell(till, 880)
        till.bills.days[DAY] = bill_of(rows[0])
        await read_both(till)
        assert await till.values(DIFFERENCES) == [f"missing_in_bill {rows[1].own_no} open"]
        till.bills.days[DAY + 2 * ONE_DAY] = bill_of(rows[1])
        await read(till, DAY + 2 * ONE_DAY)
        assert await till.values(DIFFERENCES) == [f"missing_in_bill {rows[1].own_no} explained"]
        assert await till.values("SELECT state FROM ticket") == ["resolved"]

    at_the_till(work)


def test_reading_again_changes_nothing(at_the_till):
    async def work(till):
        rows = await sell(till, 1990) + await sell(till, 880)
        till.bills.days[DAY] = bill_of(rows[0], structs.replace(rows[1], amount=Money.fen(881)))
        await read_both(till)
        state = "SELECT (difference_id, kind, number, state, ours_minor, bill_minor)::text FROM bill_difference"
        everything = f"{state} UNION ALL SELECT (day, row_no, number, verdict)::text FROM bill_row"
        before = sorted(await till.values(everything))
        for _ in range(2):
            await read(till)
            assert sorted(await till.values(everything)) == before
        assert await till.tickets() == ["bill_differs"]

    at_the_till(work)


def test_a_corrected_bill_explains_and_a_spoilt_one_opens_again(at_the_till):
    async def work(till):
        [row] = await sell(till, 1990)
        wrong = structs.replace(row, amount=Money.fen(1991))
        for told, state, ticket in ((wrong, "open", 1), (row, "explained", 0), (wrong, "open", 1)):
            till.bills.days[DAY] = bill_of(told)
            await read(till)
            assert await till.values(DIFFERENCES) == [f"amount_differs {row.own_no} {state}"]
            assert len(await till.values("SELECT 1 FROM ticket WHERE state = 'open'")) == ticket

    at_the_till(work)


def test_a_bill_that_never_comes_ends_with_a_ticket_and_may_come_after_all(at_the_till):
    async def work(till):
        rows = await sell(till, 1990)
        for tries in range(len(BILL_GAPS)):
            await read(till)
            assert (await bill_row(till)).tries_count == tries + 1
            assert await till.tickets() == []
        await read(till)
        assert ((await bill_row(till)).state, await till.tickets()) == ("missing", ["bill_missing"])
        till.bills.days[DAY] = bill_of(*rows)
        await ask_again(till.runtime, till.merchant_id, BillKey(till.connection_id, DAY))
        await read(till)
        assert (await bill_row(till)).state == "read"
        assert await till.values("SELECT state FROM ticket") == ["resolved"]

    at_the_till(work)


def test_nothing_happened_is_doubted_while_we_know_better(at_the_till):
    async def work(till):
        rows = await sell(till, 1990)
        till.bills.days[DAY] = BillStatus.EMPTY
        await read(till)
        assert (await bill_row(till)).state == "expected"
        for _ in BILL_GAPS:
            await read(till)
        assert (await bill_row(till)).state == "empty"
        till.bills.days[DAY + ONE_DAY] = BillStatus.EMPTY
        await read(till, DAY + ONE_DAY)
        assert await till.values(DIFFERENCES) == [f"missing_in_bill {rows[0].own_no} open"]

    at_the_till(work)


def test_a_broken_file_is_told_and_tried_again(at_the_till):
    async def work(till):
        await sell(till, 1990)
        till.bills.days[DAY] = BillCut(platform="wechatpay", day=str(DAY), row=7)
        await read(till)
        found = await bill_row(till)
        assert (found.state, found.problem, found.tries_count) == ("expected", "bill_cut", 1)
        again = (
            "SELECT due_at FROM job WHERE kind = 'payments.read_bill' AND finished_at IS NULL ORDER BY due_at LIMIT 1"
        )
        [due_at] = await till.values(again)
        assert timedelta(0) <= till.clock.now() - (due_at - BILL_GAPS[0]) < timedelta(seconds=1)

    at_the_till(work)


def test_a_refund_on_its_way_is_no_difference(at_the_till):
    async def work(till):
        rows = await sell(till, 33333)
        order_id = (await till.payment()).order_id
        await refund_order(till.runtime, till.merchant_id, order_id, 100, "x", till.teller)
        number = (await till.payment()).refunds[0].out_refund_no
        moving = row_of(till, BillKind.REFUND, number, rows[0].own_no, 100, -1)
        till.bills.days[DAY] = bill_of(*rows, structs.replace(moving, raw_state="PROCESSING", is_final=False))
        await read_both(till)
        assert await till.values(DIFFERENCES) == []

    at_the_till(work)


def test_money_that_we_did_not_know_is_asked_about_and_explains_itself(at_the_till):
    async def work(till):
        till.wallet.will("charge", TradeStatus.PENDING)
        await charge_code(till.runtime, till.merchant_id, await till.sale(Money.fen(1990)), CODE)
        attempt = (await till.payment()).attempts[0]
        row = row_of(till, BillKind.TRADE, attempt.out_trade_no, attempt.out_trade_no, 1990, 12)
        till.wallet.trades[attempt.out_trade_no] = TradeStatus.PAID
        till.bills.days[DAY] = bill_of(row)
        await read(till)
        assert await till.values(DIFFERENCES) == [f"unknown_to_us {row.own_no} open"]
        await run_jobs(till, "payments.check_paid")
        await deliver(till)
        till.clock.advance(minutes=10)
        await run_jobs(till, days=[DAY])
        assert await till.values(DIFFERENCES) == [f"unknown_to_us {row.own_no} explained"]
        assert await till.values("SELECT state FROM ticket WHERE kind = 'bill_differs'") == ["resolved"]

    at_the_till(work)


def test_a_wallet_that_never_gives_bills_is_one_trouble(at_the_till):
    async def work(till):
        for day in (DAY, DAY + ONE_DAY):
            for _ in range(len(BILL_GAPS) + 1):
                await read(till, day)
        assert await till.values("SELECT state FROM bill WHERE state = 'missing'") == ["missing"] * 2
        assert await till.tickets() == ["bill_missing"]

    at_the_till(work)


def test_reading_one_day_again_does_not_read_the_days_after_it(at_the_till):
    async def work(till):
        till.bills.days |= {DAY: BillStatus.EMPTY, DAY + ONE_DAY: BillStatus.EMPTY}
        await read(till)
        await read(till, DAY + ONE_DAY)
        await ask_again(till.runtime, till.merchant_id, BillKey(till.connection_id, DAY))
        [payload] = await till.values(
            "SELECT convert_from(payload, 'UTF8') FROM job WHERE kind = 'payments.read_bill' AND state = 'queued'"
        )
        assert '"follows":false' in payload
        till.bills.asked.clear()
        await till.job(read_due_bill, BillTask(till.connection_id, DAY, follows=False))
        assert till.bills.asked == [DAY]

    at_the_till(work)


def test_an_account_that_is_connected_twice_knows_its_payments_in_both_bills(at_the_till):
    async def work(till):
        rows = await sell(till, 1990)
        other = await till.connect("第二个账户")
        till.bills.days[DAY] = bill_of(*rows)
        till.clock.advance(days=1)
        await till.job(read_due_bill, BillKey(other, DAY))
        await till.job(read_due_bill, BillKey(till.connection_id, DAY))
        assert await till.values(DIFFERENCES) == []
        assert await till.values("SELECT matched_count FROM bill WHERE state = 'read'") == [1, 1]

    at_the_till(work)


def test_a_difference_is_settled_with_a_note_and_only_once(at_the_till):
    async def work(till):
        [row] = await sell(till, 1990)
        till.bills.days[DAY] = bill_of(structs.replace(row, fee=Money.fen(90)))
        await read(till)
        [difference_id] = await till.values("SELECT difference_id FROM bill_difference")
        async with till.unit() as unit:
            with pytest.raises(InvalidInput):
                await settle(unit, difference_id, text="  ", actor="staff:1")
            assert await settle(unit, difference_id, text="费率已调整", actor="staff:1") == (till.connection_id, DAY)
            with pytest.raises(Conflict):
                await settle(unit, difference_id, text="再来", actor="staff:1")
        await read(till)
        assert await till.values(DIFFERENCES) == [f"fee_differs {row.own_no} settled"]

    at_the_till(work)


def test_only_days_that_a_wallet_keeps_can_be_asked_for(at_the_till):
    async def work(till):
        for day in (DAY, DAY + ONE_DAY, DAY - 90 * ONE_DAY):
            with pytest.raises(InvalidInput):
                await ask_again(till.runtime, till.merchant_id, BillKey(till.connection_id, day))

    at_the_till(work)
