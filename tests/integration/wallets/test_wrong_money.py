"""Another sum than the one we asked for pays nothing, whichever door it comes by: one ticket, one suspense entry."""

from __future__ import annotations

import pytest
from wallets_till import silence

from hutong.core.errors import Forbidden
from hutong.core.money import Money
from hutong.payments.refunds import RefundKey
from hutong.payments.service import find_attempts
from hutong.platforms.payments import Notice, PayMethod, RefundStatus, TradeReport, TradeStatus
from hutong.workflows.commands import switch
from hutong.workflows.commands.ask_now import ask_now
from hutong.workflows.commands.charge_code import (
    CODE_LIFE,
    ChargeState,
    cancel_charge,
    charge_code,
    follow_due_charge,
    leave_sale,
)
from hutong.workflows.commands.follow_refund import query_refund, refund_order, send_refund
from hutong.workflows.commands.pay import pay
from hutong.workflows.commands.settle import (
    apply_trade_report,
    check_closed,
    check_paid,
    close_by_hand,
    close_due_payment,
    look_at_attempt,
    query_attempt,
)
from hutong.workflows.commands.switch import EarlierPaymentUnclear
from hutong.workflows.commands.take_notice import work_notices
from hutong.workflows.jobs import AttemptKey, PaymentKey

CODE = "991234567890123456"
ONE_FEN = Money.fen(1)
DOLLARS = Money(880, "USD")
TOLD = (["notice_mismatched"], ["payment.mismatched"])


async def press(till, sale, method=PayMethod.NATIVE):
    return await pay(till.runtime, till.merchant_id, sale, platform=None, method=method, client_ip="127.0.0.1")


async def newest(till):
    number = (await till.payment()).attempts[-1].out_trade_no
    async with till.unit() as unit:
        return (await find_attempts(unit, [number])).get(number)


async def opened(till):
    await press(till, await till.sale())
    return await newest(till)


async def states(till):
    return [attempt.state for attempt in (await till.payment()).attempts]


async def told(till):
    return (await till.tickets(), [name for name in await till.events() if name != "payment.unknown"])


async def mismatched(till, sum_told=ONE_FEN):
    """An attempt whose wallet says, when it is asked, that another sum was paid."""
    attempt = await opened(till)
    till.wallet.trades[attempt.out_trade_no], till.wallet.sums[attempt.out_trade_no] = TradeStatus.PAID, sum_told
    assert await till.job(query_attempt, AttemptKey(attempt.attempt_id)) is None  # nobody asks again by himself
    return attempt


async def decided(till, attempt, actor):
    async with till.unit() as unit:
        await close_by_hand(unit, attempt.payment_id, actor)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(switch, "SWITCH_PAUSES_S", (0.0,) * len(switch.SWITCH_PAUSES_S))


@pytest.mark.parametrize("sum_told", [ONE_FEN, DOLLARS])
@pytest.mark.parametrize("door", ["query", "look", "bill", "closed"])
def test_an_answer_with_another_sum_pays_nothing(at_the_till, door, sum_told):
    async def work(till):
        attempt = await opened(till)
        key = AttemptKey(attempt.attempt_id)
        if door == "closed":  # and it crosses the close, besides
            await till.job(close_due_payment, PaymentKey(attempt.payment_id))
            assert await states(till) == ["closed"]
        till.wallet.trades[attempt.out_trade_no], till.wallet.sums[attempt.out_trade_no] = TradeStatus.PAID, sum_told
        doors = {"query": query_attempt, "look": look_at_attempt, "bill": check_paid, "closed": check_closed}
        assert await till.job(doors[door], key) is None
        closed = ["payment.closed"] if door == "closed" else []
        assert (await states(till), await told(till)) == (["mismatched"], (TOLD[0], [*closed, *TOLD[1]]))
        for effect in (query_attempt, look_at_attempt, check_paid, check_closed, check_paid):
            assert await till.job(effect, key) is None
        assert (await states(till), await told(till)) == (["mismatched"], (TOLD[0], [*closed, *TOLD[1]]))
        details = (await till.values("SELECT details FROM ticket"))[0]
        field = "amount" if sum_told.currency == "CNY" else "currency"
        assert (details["field"], details["amount_minor"], details["currency"]) == (
            field,
            sum_told.amount_minor,
            sum_told.currency,
        )

    at_the_till(work)


@pytest.mark.parametrize("status", [TradeStatus.PAID, TradeStatus.CLOSED])
@pytest.mark.parametrize("wrong", [{"owner": {"mchid": "another"}}, {"attach": "f" * 32}])
def test_an_answer_about_somebody_elses_order_moves_nothing(at_the_till, wrong, status):
    """Its sum would fit. One that says closed ends nothing: the schedule goes on, and a person is told once."""

    async def work(till):
        attempt = await opened(till)
        account = await till.runtime.open_account(till.merchant_id, till.connection_id)
        report = TradeReport(
            out_trade_no=attempt.out_trade_no, status=status, raw_status="X", amount=attempt.amount, **wrong
        )
        for _ in range(2):
            async with till.unit() as unit:
                await apply_trade_report(unit, account, attempt, report)
        stands = "mismatched" if status is TradeStatus.PAID else "open"
        assert (await states(till), await told(till)) == ([stands], TOLD)
        field = "mchid" if "owner" in wrong else "out_trade_no"
        assert await till.values("SELECT details->>'field' FROM ticket") == [field]

    at_the_till(work)


def test_a_wallet_that_names_no_sum_is_believed(at_the_till):
    async def work(till):
        await mismatched(till, None)
        assert (await states(till), await told(till)) == (["paid"], ([], ["payment.paid"]))

    at_the_till(work)


def test_a_close_that_finds_another_sum_neither_closes_nor_asks_for_ever(at_the_till):
    async def work(till):
        attempt = await opened(till)
        till.wallet.trades[attempt.out_trade_no], till.wallet.sums[attempt.out_trade_no] = TradeStatus.PAID, ONE_FEN
        till.clock.advance(minutes=31)
        for _ in range(3):
            assert await till.job(close_due_payment, PaymentKey(attempt.payment_id)) is None
        assert [call.split()[0] for call in till.wallet.asked] == ["create", "close"]
        assert (await states(till), (await till.payment()).state, await told(till)) == (["mismatched"], "open", TOLD)

    at_the_till(work)


def test_nothing_is_opened_beside_it(at_the_till):
    async def work(till):
        sale = await till.sale()
        await press(till, sale)
        attempt = await newest(till)
        till.wallet.trades[attempt.out_trade_no], till.wallet.sums[attempt.out_trade_no] = TradeStatus.PAID, ONE_FEN
        await till.job(query_attempt, AttemptKey(attempt.attempt_id))
        for method in (PayMethod.H5, PayMethod.NATIVE):
            with pytest.raises(EarlierPaymentUnclear):
                await press(till, sale, method)
        assert await states(till) == ["mismatched"]

    at_the_till(work)


def test_a_notice_and_an_answer_that_say_the_same_are_one_trouble(at_the_till):
    async def work(till):
        attempt = await opened(till)
        account = await till.runtime.open_account(till.merchant_id, till.connection_id)
        report = TradeReport(
            out_trade_no=attempt.out_trade_no, status=TradeStatus.PAID, raw_status="SUCCESS", amount=ONE_FEN
        )

        async def notice(name):
            async with till.unit() as unit:
                await work_notices(unit, [(account, Notice(notice_id=name, kind="trade", trade=report))])

        await notice("N1")
        assert (await states(till), await told(till)) == (["open"], TOLD)  # the wallet is still asked
        till.wallet.trades[attempt.out_trade_no], till.wallet.sums[attempt.out_trade_no] = TradeStatus.PAID, ONE_FEN
        assert await till.job(query_attempt, AttemptKey(attempt.attempt_id)) is None
        assert (await states(till), await told(till)) == (["mismatched"], TOLD)
        later = await mismatched(till)
        report = TradeReport(
            out_trade_no=later.out_trade_no, status=TradeStatus.PAID, raw_status="SUCCESS", amount=ONE_FEN
        )
        before = await told(till)
        await notice("N2")
        assert await told(till) == before

    at_the_till(work)


def test_the_same_sum_under_two_numbers_of_the_wallet_is_two_sums(at_the_till):
    async def work(till):
        attempt = await mismatched(till)
        account = await till.runtime.open_account(till.merchant_id, till.connection_id)
        for transaction_id in ("T2", "T2", "T3"):
            report = TradeReport(
                out_trade_no=attempt.out_trade_no,
                status=TradeStatus.PAID,
                raw_status="SUCCESS",
                amount=ONE_FEN,
                transaction_id=transaction_id,
            )
            async with till.unit() as unit:
                await apply_trade_report(unit, account, attempt, report)
        told = await till.values("SELECT transaction_id FROM suspense s JOIN ticket t USING (merchant_id, ticket_id)")
        assert (len(told), set(told)) == (3, {"T2", "T3", f"T{attempt.out_trade_no}"})
        assert (await till.events()).count("payment.mismatched") == 3

    at_the_till(work)


def test_a_wallet_that_puts_it_right_pays_the_order(at_the_till):
    async def work(till):
        attempt = await mismatched(till)
        assert await ask_now(till.runtime, till.merchant_id, attempt.payment_id, till.teller)
        assert (await states(till), await told(till)) == (["mismatched"], TOLD)
        till.wallet.sums[attempt.out_trade_no] = attempt.amount
        assert await ask_now(till.runtime, till.merchant_id, attempt.payment_id, till.teller)
        assert (await states(till), (await till.payment()).state) == (["paid"], "paid")

    at_the_till(work)


def test_a_person_may_decide_that_it_pays_nothing(at_the_till):
    async def work(till):
        attempt = await mismatched(till)
        with pytest.raises(Forbidden):
            await decided(till, attempt, till.clerk)
        assert await states(till) == ["mismatched"]
        await decided(till, attempt, till.teller)
        assert await till.values("SELECT actor || ' ' || action FROM audit") == ["staff:1 payment.dismiss"]
        assert await till.job(close_due_payment, PaymentKey(attempt.payment_id)) is None
        assert (await states(till), (await till.payment()).state) == (["closed"], "closed")

    at_the_till(work)


@pytest.mark.parametrize("waits", [False, True])
def test_a_charge_of_another_sum_is_no_sale(at_the_till, waits):
    async def work(till):
        till.wallet.charged = ONE_FEN
        if waits:
            till.wallet.will("charge", TradeStatus.PENDING)
        sale = await till.sale()
        view = await charge_code(till.runtime, till.merchant_id, sale, CODE)
        attempt = await newest(till)
        if waits:
            till.wallet.trades[attempt.out_trade_no] = TradeStatus.PAID
        assert view.state is ChargeState.WAITING
        assert await till.job(follow_due_charge, AttemptKey(attempt.attempt_id)) is None
        assert (await states(till), await told(till)) == (["mismatched"], TOLD)
        assert (await leave_sale(till.runtime, till.merchant_id, sale)).state is ChargeState.WAITING
        assert (await cancel_charge(till.runtime, till.merchant_id, sale)).state is not ChargeState.PAID
        assert (await states(till), till.wallet.trades[attempt.out_trade_no]) == (["reversed"], TradeStatus.CLOSED)

    at_the_till(work)


def test_a_reversal_that_left_another_sum(at_the_till):
    async def work(till):
        till.wallet.charged = ONE_FEN
        till.wallet.will("charge", TradeStatus.PENDING)
        await charge_code(till.runtime, till.merchant_id, await till.sale(), CODE)
        attempt = await newest(till)
        till.wallet.will("reverse", silence(), TradeStatus.PAID)
        till.clock.advance(seconds=CODE_LIFE.total_seconds() + 1)
        assert await till.job(follow_due_charge, AttemptKey(attempt.attempt_id)) is not None
        assert await till.job(follow_due_charge, AttemptKey(attempt.attempt_id)) is None
        assert (await states(till), await told(till)) == (["mismatched"], TOLD)

    at_the_till(work)


async def asked_back(till):
    await press(till, await till.sale())
    attempt = await newest(till)
    till.wallet.trades[attempt.out_trade_no] = TradeStatus.PAID
    await till.job(query_attempt, AttemptKey(attempt.attempt_id))
    return RefundKey(await refund_order(till.runtime, till.merchant_id, attempt.order_id, 300, "退", till.teller))


@pytest.mark.parametrize("door", ["answer", "query"])
def test_a_refund_of_another_sum_is_not_done(at_the_till, door):
    async def work(till):
        key = await asked_back(till)
        till.wallet.charged = Money.fen(301)
        if door == "query":
            till.wallet.will("refund", RefundStatus.PENDING)
            till.wallet.sums[key.refund_id.hex] = Money.fen(300)
        assert await till.job(send_refund, key) is None
        if door == "query":
            till.wallet.sums[key.refund_id.hex] = Money.fen(301)
            till.wallet.refunds[key.refund_id.hex] = RefundStatus.SUCCEEDED
            assert await till.job(query_refund, key) is None
        for effect in (send_refund, query_refund):
            assert await till.job(effect, key) is None
        assert await told(till) == (["notice_mismatched"], ["payment.paid", "payment.mismatched"])
        assert [refund.state for refund in (await till.payment()).refunds] == ["sent"]
        till.wallet.sums[key.refund_id.hex] = Money.fen(300)
        assert await till.job(query_refund, key) is None
        assert [refund.state for refund in (await till.payment()).refunds] == ["succeeded"]

    at_the_till(work)
