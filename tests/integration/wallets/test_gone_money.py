"""Money that went back by other hands, or that the books have already: it can be decided on, and is booked once."""

from __future__ import annotations

import msgspec
import pytest
from test_decisions import (
    CAME,
    FEE_FEN,
    books,
    choose,
    every_door,
    mismatched,
    notice,
    opened,
    settle,
    sound,
    ticket_of,
)
from wallets_bills import DAY, DIFFERENCES, bill_of, end_jobs, read_both, row_of, run_jobs
from wallets_till import refusal

from hutong.core.money import Money
from hutong.payments.refunds import RefundKey
from hutong.payments.suspense import Decision
from hutong.platforms.bills import BillKind
from hutong.platforms.contract import ErrorWord
from hutong.platforms.payments import TradeStatus
from hutong.workflows.commands.decide import DecisionRefused
from hutong.workflows.commands.follow_refund import send_refund
from hutong.workflows.commands.settle import check_closed, check_paid, close_due_payment, query_attempt
from hutong.workflows.delivery import EFFECTS
from hutong.workflows.jobs import CHECK_CLOSED, AttemptKey, ClosedKey, PaymentKey


def says(till, **words):
    """From now on the wallet says this besides in each answer."""
    told = till.wallet._trade
    till.wallet._trade = lambda number, status=None: msgspec.structs.replace(told(number, status), **words)


async def over(till, attempt):
    """The time to pay is over, and the closed attempt is looked at."""
    till.clock.advance(minutes=40)
    await till.job(close_due_payment, PaymentKey(attempt.payment_id))
    await till.job(check_closed, ClosedKey(attempt.attempt_id, 0))
    await settle(till)


@pytest.mark.parametrize("is_all_back", [False, True], ids=["wechat", "alipay"])
def test_what_went_back_at_the_wallets_own_console_is_written_off_and_the_order_closes(at_the_till, is_all_back):
    async def work(till):
        attempt, ticket = await mismatched(till)
        till.wallet.trades[attempt.out_trade_no] = TradeStatus.REFUNDED
        says(till, is_all_back=is_all_back)
        for decision in (Decision.TAKE, Decision.SEND_BACK):
            with pytest.raises(DecisionRefused, match="not_there"):
                await choose(till, ticket, decision)
        assert not (await choose(till, ticket, Decision.WRITE_OFF)).is_proved
        await every_door(till, attempt)
        await over(till, attempt)
        assert ((await till.payment()).state, await till.tickets()) == ("closed", ["notice_mismatched"])
        assert (await books(till), await sound(till)) == ({}, [])

    at_the_till(work)


def test_what_is_somebody_elses_is_written_off_once_and_the_order_closes(at_the_till):
    async def work(till):
        attempt = await opened(till)
        till.wallet.trades[attempt.out_trade_no] = TradeStatus.PAID
        says(till, owner={"mchid": "another"})
        await till.job(query_attempt, AttemptKey(attempt.attempt_id))
        assert not (await choose(till, await ticket_of(till), Decision.WRITE_OFF)).is_proved
        await over(till, attempt)
        assert ((await till.payment()).state, await till.tickets()) == ("closed", ["notice_mismatched"])
        assert (await books(till), await sound(till)) == ({}, [])

    at_the_till(work)


@pytest.mark.parametrize("is_all_back", [False, True], ids=["wechat", "alipay"])
def test_what_is_gone_after_a_refused_refund_is_not_kept(at_the_till, is_all_back):
    async def work(till):
        attempt, ticket = await mismatched(till)
        made = await choose(till, ticket, Decision.SEND_BACK)
        till.wallet.will("refund", refusal(ErrorWord.INVALID_REQUEST))
        await till.job(send_refund, RefundKey(made.refund_id))
        till.wallet.trades[attempt.out_trade_no] = TradeStatus.REFUNDED
        says(till, is_all_back=is_all_back)
        assert not (await choose(till, ticket, Decision.WRITE_OFF)).is_proved
        assert (await books(till), await sound(till)) == ({}, [])

    at_the_till(work)


async def _paid(till):
    attempt = await opened(till)
    till.wallet.trades[attempt.out_trade_no] = TradeStatus.PAID
    await till.job(query_attempt, AttemptKey(attempt.attempt_id))
    await settle(till)
    return attempt


def test_what_the_order_was_paid_with_is_not_booked_again(at_the_till):
    """The same sum, in a notice that does not fit otherwise; and another sum than the one that was taken."""

    async def work(till):
        attempt = await _paid(till)
        before = await books(till)
        for amount in (attempt.amount, Money.fen(990)):
            await notice(till, attempt, amount, f"other {amount.amount_minor}", transaction_id="other")
            till.wallet.sums[attempt.out_trade_no] = amount
            says(till, transaction_id="other")
            assert not (await choose(till, await ticket_of(till), Decision.WRITE_OFF)).is_proved
        assert (await books(till), await sound(till)) == (before, [])

    at_the_till(work)


def test_what_goes_back_by_itself_is_not_sent_back_again(at_the_till):
    async def work(till):
        attempt = await opened(till)
        await over(till, attempt)
        till.wallet.trades[attempt.out_trade_no] = TradeStatus.PAID
        await till.job(check_paid, AttemptKey(attempt.attempt_id))
        assert [refund.cause for refund in (await till.payment()).refunds] == ["automatic"]
        async with till.unit() as unit:  # a notice that carries another order's mark
            await unit.connection.exec_driver_sql("UPDATE attempt SET transaction_id = ''")
        says(till, attach="f" * 32)
        await notice(till, attempt, Money.fen(881), transaction_id=f"T{attempt.out_trade_no}")
        till.wallet.sums[attempt.out_trade_no] = Money.fen(881)
        ticket = await ticket_of(till)
        with pytest.raises(DecisionRefused, match="goes_back"):
            await choose(till, ticket, Decision.SEND_BACK)
        assert not (await choose(till, ticket, Decision.WRITE_OFF)).is_proved
        [refund] = (await till.payment()).refunds
        till.wallet.sums[attempt.out_trade_no] = attempt.amount
        await till.job(send_refund, RefundKey(refund.refund_id))
        assert (await books(till), await sound(till)) == ({}, [])

    at_the_till(work)


def test_the_order_closes_also_where_it_was_being_closed_when_it_was_decided(at_the_till):
    async def work(till):
        attempt, ticket = await mismatched(till)
        await choose(till, ticket, Decision.WRITE_OFF)
        due = await till.values(
            "SELECT dedupe_key FROM job WHERE kind = 'payments.close_payment' AND finished_at IS NULL"
        )
        assert set(due) == {attempt.payment_id.hex, f"decided:{attempt.payment_id.hex}"}

    at_the_till(work)


def test_a_notice_of_what_never_came_has_the_wallet_asked(at_the_till):
    async def work(till):
        attempt = await opened(till)
        await notice(till, attempt, CAME)
        await choose(till, await ticket_of(till), Decision.WRITE_OFF)
        till.wallet.trades[attempt.out_trade_no], till.wallet.sums[attempt.out_trade_no] = TradeStatus.PAID, CAME
        await notice(till, attempt, CAME, "again")
        [payload] = await till.values("SELECT payload FROM job WHERE dedupe_key LIKE 'told:%'")
        await EFFECTS[CHECK_CLOSED](till.runtime, till.merchant_id, payload)
        assert sorted(await till.values("SELECT state FROM suspense")) == ["open", "written_off"]

    at_the_till(work)


@pytest.mark.parametrize("decision", [Decision.TAKE, Decision.WRITE_OFF])
def test_the_bill_that_differs_is_read_again_after_the_decision(at_the_till, decision):
    async def work(till):
        attempt, ticket = await mismatched(till)
        number = attempt.out_trade_no
        till.bills.days[DAY] = bill_of(row_of(till, BillKind.TRADE, number, number, CAME.amount_minor, FEE_FEN))
        await read_both(till)
        assert {told.rpartition(" ")[2] for told in await till.values(DIFFERENCES)} == {"open"}
        await end_jobs(till, f'%"day":"{DAY}"%')  # those that the reading itself left behind
        await choose(till, ticket, decision)
        await settle(till)
        await run_jobs(till, days=[DAY])
        assert {told.rpartition(" ")[2] for told in await till.values(DIFFERENCES)} == {"explained"}

    at_the_till(work)
