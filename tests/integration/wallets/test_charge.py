"""Payment codes at the counter: charged at once, followed, undone when nobody paid, and never taken twice."""

from __future__ import annotations

import pytest
from wallets_till import refusal, silence

from hutong.core.errors import PlatformFailure
from hutong.payments.service import attempts_of, find_attempts
from hutong.platforms.contract import ErrorWord
from hutong.platforms.payments import TradeReport, TradeStatus
from hutong.workflows.commands.charge_code import (
    CODE_LIFE,
    ChargeRunning,
    ChargeState,
    CodeUnknown,
    cancel_charge,
    charge_code,
    follow_charge,
    follow_due_charge,
)
from hutong.workflows.commands.pay import CheckoutOver
from hutong.workflows.commands.settle import apply_trade_report, query_attempt
from hutong.workflows.jobs import CODE_QUERY_GAP, AttemptKey

CODE = "991234567890123456"
LATE_S = CODE_LIFE.total_seconds() + 1


@pytest.fixture
def between_two_looks(monkeypatch):
    """Lets something happen after a sale's checkout was read and before its attempts are."""

    def happens(act):
        async def look(unit, payment_id):
            monkeypatch.undo()
            await act()
            return await attempts_of(unit, payment_id)

        monkeypatch.setattr("hutong.workflows.commands.charge_code.attempts_of", look)

    return happens


async def attempt_of(till):
    number = (await till.payment()).attempts[-1].out_trade_no
    async with till.unit() as unit:
        found = (await find_attempts(unit, [number])).get(number)
    assert found is not None
    return found


async def followed(till):
    return await till.job(follow_due_charge, AttemptKey((await attempt_of(till)).attempt_id))


def test_a_charge_that_succeeds_at_once(at_the_till):
    async def work(till):
        sale = await till.sale()
        view = await charge_code(till.runtime, till.merchant_id, sale, CODE)
        assert (view.state, view.amount.amount_minor, view.platform) == (ChargeState.PAID, 880, "wechatpay")
        assert (await till.payment()).state == "paid"
        assert await followed(till) is None
        with pytest.raises(CheckoutOver):
            await charge_code(till.runtime, till.merchant_id, sale, CODE)
        assert [call.split()[0] for call in till.wallet.asked] == ["charge"]
        assert await till.events() == ["payment.paid"]

    at_the_till(work)


def test_money_that_comes_between_two_looks_is_not_told_as_undone(at_the_till, between_two_looks):
    """The checkout was still unpaid, its attempt is paid already: to the till that is a charge under way."""

    async def work(till):
        till.wallet.will("charge", TradeStatus.PENDING)
        sale = await till.sale()
        await charge_code(till.runtime, till.merchant_id, sale, CODE)
        attempt = await attempt_of(till)
        till.wallet.trades[attempt.out_trade_no] = TradeStatus.PAID
        between_two_looks(lambda: followed(till))
        assert (await follow_charge(till.runtime, till.merchant_id, sale)).state is ChargeState.WAITING
        assert (await till.payment()).state == "paid"
        assert (await follow_charge(till.runtime, till.merchant_id, sale)).state is ChargeState.PAID

    at_the_till(work)


def test_an_unknown_code_leaves_nothing_behind(at_the_till):
    async def work(till):
        sale = await till.sale()
        with pytest.raises(CodeUnknown):
            await charge_code(till.runtime, till.merchant_id, sale, "123")
        assert (await follow_charge(till.runtime, till.merchant_id, sale)).state is ChargeState.READY
        assert await till.values("SELECT 1 FROM payment") == []

    at_the_till(work)


def test_the_code_is_kept_nowhere(at_the_till):
    async def work(till):
        till.wallet.will("charge", silence())
        await charge_code(till.runtime, till.merchant_id, await till.sale(), CODE)
        for table in ("attempt", "payment", "checkout", "outbox", "job"):
            rows = await till.values(f"SELECT t::text FROM {table} t")
            assert not [row for row in rows if CODE in row or CODE.encode().hex() in row]

    at_the_till(work)


def test_a_password_that_is_typed_late(at_the_till):
    async def work(till):
        till.wallet.will("charge", TradeStatus.PENDING)
        sale = await till.sale()
        assert (await charge_code(till.runtime, till.merchant_id, sale, CODE)).state is ChargeState.WAITING
        assert await followed(till) == CODE_QUERY_GAP
        with pytest.raises(ChargeRunning):
            await charge_code(till.runtime, till.merchant_id, sale, CODE)
        till.clock.advance(seconds=30)
        till.wallet.trades[(await attempt_of(till)).out_trade_no] = TradeStatus.PAID
        assert await followed(till) is None
        assert (await follow_charge(till.runtime, till.merchant_id, sale)).state is ChargeState.PAID

    at_the_till(work)


def test_nobody_pays_in_time_and_another_code_is_charged(at_the_till):
    async def work(till):
        till.wallet.will("charge", TradeStatus.PENDING)
        sale = await till.sale()
        await charge_code(till.runtime, till.merchant_id, sale, CODE)
        till.clock.advance(seconds=LATE_S)
        assert await followed(till) is None
        assert (await follow_charge(till.runtime, till.merchant_id, sale)).state is ChargeState.READY
        assert (await charge_code(till.runtime, till.merchant_id, sale, CODE)).state is ChargeState.PAID
        assert [attempt.state for attempt in (await till.payment()).attempts] == ["reversed", "paid"]
        assert await till.events() == ["payment.paid"]

    at_the_till(work)


def test_a_notice_that_crosses_the_reversal_pays_nothing(at_the_till):
    """The buyer's password, the notice of it, and our reversal at the same moment: the wallet gave the money back."""

    async def work(till):
        till.wallet.will("charge", TradeStatus.PENDING)
        sale = await till.sale()
        await charge_code(till.runtime, till.merchant_id, sale, CODE)
        before = await attempt_of(till)
        opened = await till.runtime.open_account(till.merchant_id, before.connection_id)
        paid = TradeReport(
            out_trade_no=before.out_trade_no, status=TradeStatus.PAID, raw_status="SUCCESS", transaction_id="T1"
        )

        async def paid_meanwhile(_number):
            async with till.unit() as unit:  # the notice was read before the reversal began
                await apply_trade_report(unit, opened, before, paid)
            async with till.unit() as unit:  # and one more that is read in the middle of it
                view = (await find_attempts(unit, [before.out_trade_no])).get(before.out_trade_no)
                await apply_trade_report(unit, opened, view, paid)

        till.wallet.will("reverse", paid_meanwhile)
        till.clock.advance(seconds=LATE_S)
        await followed(till)
        assert (await attempt_of(till)).state.value == "reversed"
        assert await till.job(query_attempt, AttemptKey(before.attempt_id)) is None
        assert [a.state for a in (await till.payment()).attempts] == ["reversed"]
        assert await till.events() == []

    at_the_till(work)


def test_money_that_the_reversal_could_not_undo_counts(at_the_till):
    async def work(till):
        till.wallet.will("charge", TradeStatus.PENDING)
        sale = await till.sale()
        await charge_code(till.runtime, till.merchant_id, sale, CODE)
        till.wallet.will("reverse", TradeStatus.PAID)
        till.clock.advance(seconds=LATE_S)
        await followed(till)
        assert (await follow_charge(till.runtime, till.merchant_id, sale)).state is ChargeState.PAID
        assert await till.events() == ["payment.paid"]

    at_the_till(work)


def test_money_found_after_a_reversal_that_seemed_done_counts(at_the_till):
    """The wallet said closed, and says paid when it is asked again afterwards: the wallet is the truth."""

    async def work(till):
        till.wallet.will("charge", TradeStatus.PENDING)
        sale = await till.sale()
        await charge_code(till.runtime, till.merchant_id, sale, CODE)
        till.clock.advance(seconds=LATE_S)
        await followed(till)
        attempt = await attempt_of(till)
        till.wallet.trades[attempt.out_trade_no] = TradeStatus.PAID
        await till.job(query_attempt, AttemptKey(attempt.attempt_id))
        assert (await follow_charge(till.runtime, till.merchant_id, sale)).state is ChargeState.PAID

    at_the_till(work)


def test_money_that_came_and_went_back_with_the_reversal_is_no_sale(at_the_till):
    """Asked after a reversal that met the password, Alipay says closed, and when it was paid: all of it is back."""

    async def work(till):
        till.wallet.will("charge", TradeStatus.PENDING)
        sale = await till.sale()
        await charge_code(till.runtime, till.merchant_id, sale, CODE)
        await cancel_charge(till.runtime, till.merchant_id, sale)
        undone = await attempt_of(till)
        opened = await till.runtime.open_account(till.merchant_id, undone.connection_id)
        told = {"out_trade_no": undone.out_trade_no, "status": TradeStatus.REFUNDED, "transaction_id": "T1"}
        async with till.unit() as unit:
            whole = TradeReport(**told, raw_status="TRADE_CLOSED", is_all_back=True)
            await apply_trade_report(unit, opened, undone, whole)
        assert (await attempt_of(till)).state.value == "reversed"
        async with till.unit() as unit:  # a part that went back by hand: the reversal did nothing, the rest is here
            await apply_trade_report(unit, opened, undone, TradeReport(**told, raw_status="REFUND"))
        assert (await attempt_of(till)).state.value == "paid"

    at_the_till(work)


def test_silence_is_followed_and_undone_until_the_wallet_answers(at_the_till):
    async def work(till):
        till.wallet.will("charge", silence())
        sale = await till.sale()
        assert (await charge_code(till.runtime, till.merchant_id, sale, CODE)).state is ChargeState.WAITING
        assert await till.events() == ["payment.unknown"]
        till.wallet.will("query", silence())
        assert await followed(till) == CODE_QUERY_GAP
        till.clock.advance(seconds=LATE_S)
        till.wallet.will("reverse", silence(), TradeStatus.PENDING)
        assert [await followed(till) for _ in range(3)] == [CODE_QUERY_GAP, CODE_QUERY_GAP, None]
        assert (await follow_charge(till.runtime, till.merchant_id, sale)).state is ChargeState.READY

    at_the_till(work)


def test_a_refused_code_can_be_followed_by_another(at_the_till):
    async def work(till):
        till.wallet.will("charge", refusal(ErrorWord.INVALID_REQUEST, "AUTH_CODE_EXPIRE"))
        sale = await till.sale()
        with pytest.raises(PlatformFailure):
            await charge_code(till.runtime, till.merchant_id, sale, CODE)
        assert (await follow_charge(till.runtime, till.merchant_id, sale)).state is ChargeState.READY
        assert await till.values("SELECT refusal FROM attempt") == ["AUTH_CODE_EXPIRE"]
        assert (await charge_code(till.runtime, till.merchant_id, sale, CODE)).state is ChargeState.PAID

    at_the_till(work)


def test_the_cashier_cancels(at_the_till):
    async def work(till):
        till.wallet.will("charge", TradeStatus.PENDING)
        sale = await till.sale()
        await charge_code(till.runtime, till.merchant_id, sale, CODE)
        assert (await cancel_charge(till.runtime, till.merchant_id, sale)).state is ChargeState.READY
        assert [a.state for a in (await till.payment()).attempts] == ["reversed"]

    at_the_till(work)
