"""Silence is never failure, and never for ever: what is unclear is asked about, and a person is told at the end."""

from __future__ import annotations

from datetime import timedelta

import pytest
from wallets_till import refusal, silence

from hutong.core.errors import PlatformFailure, PlatformUnknown
from hutong.payments.service import find_attempts
from hutong.platforms.contract import ErrorWord
from hutong.platforms.payments import PayMethod, TradeStatus
from hutong.workflows.commands import switch
from hutong.workflows.commands.pay import pay
from hutong.workflows.commands.settle import close_due_payment, query_attempt
from hutong.workflows.commands.switch import AlreadyPaid, EarlierPaymentUnclear
from hutong.workflows.commands.wallets import NoWallet
from hutong.workflows.jobs import (
    CHECK_AFTER_EXPIRY,
    CHECK_CLOSED_GAP,
    CLOSE_GAPS,
    QUERY_FIRST,
    UNCLEAR_CLOSES,
    AttemptKey,
    PaymentKey,
    query_gap,
)

REPAIR = timedelta(seconds=60)


async def press(till, sale, method=PayMethod.NATIVE):
    return await pay(till.runtime, till.merchant_id, sale, platform=None, method=method, client_ip="127.0.0.1")


async def states(till):
    return [attempt.state for attempt in (await till.payment()).attempts]


async def newest(till):
    number = (await till.payment()).attempts[-1].out_trade_no
    async with till.unit() as unit:
        return (await find_attempts(unit, [number])).get(number)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    """Pauses between asking a wallet again, without their length."""
    monkeypatch.setattr(switch, "SWITCH_PAUSES_S", (0.0,) * len(switch.SWITCH_PAUSES_S))


def test_every_minute_of_an_open_payment_is_covered():
    asked_at, count = QUERY_FIRST, 0
    while asked_at < timedelta(minutes=30):
        count += 1
        assert query_gap(count) < REPAIR
        asked_at += query_gap(count)
    assert QUERY_FIRST < REPAIR


def test_an_attempt_without_an_answer_is_asked_about_until_it_is_clear(at_the_till):
    async def work(till):
        till.wallet.will("create", silence())
        sale = await till.sale()
        with pytest.raises(PlatformUnknown):
            await press(till, sale)
        attempt = await newest(till)
        assert (await states(till), await till.events()) == (["unknown"], ["payment.unknown"])
        till.wallet.will("query", silence(), refusal(ErrorWord.THROTTLED))
        gaps = [await till.job(query_attempt, AttemptKey(attempt.attempt_id)) for _ in range(3)]
        assert gaps == [query_gap(1), query_gap(2), query_gap(3)]  # no answer, refused, not found: asked all the same
        till.wallet.trades[attempt.out_trade_no] = TradeStatus.PAID
        assert await till.job(query_attempt, AttemptKey(attempt.attempt_id)) is None
        assert (await states(till), await till.events()) == (["paid"], ["payment.unknown", "payment.paid"])

    at_the_till(work)


def test_pressing_again_after_silence_asks_with_the_same_number(at_the_till):
    async def work(till):
        till.wallet.will("create", silence())
        sale = await till.sale()
        with pytest.raises(PlatformUnknown):
            await press(till, sale)
        assert (await press(till, sale)).code_url is not None
        creates = [call for call in till.wallet.asked if call.startswith("create")]
        assert (len(creates), len(set(creates))) == (2, 1)
        assert await states(till) == ["open"]

    at_the_till(work)


def test_a_payment_that_cannot_be_closed_ends_with_a_ticket_and_stays_open(at_the_till):
    async def work(till):
        await press(till, await till.sale())
        attempt = await newest(till)
        till.clock.advance(minutes=31)
        till.wallet.will("close", *[silence()] * (len(CLOSE_GAPS) + 1))
        gaps = []
        for tries in range(len(CLOSE_GAPS) + 1):
            gaps.append(await till.job(close_due_payment, PaymentKey(attempt.payment_id)))
            told = (tries + 1 >= UNCLEAR_CLOSES) + (tries + 1 > len(CLOSE_GAPS))
            assert await till.tickets() == ["payment_unclear"] * told
        assert gaps == [*CLOSE_GAPS, None]
        assert (await till.payment()).state == "open"
        assert await till.job(close_due_payment, PaymentKey(attempt.payment_id)) is None  # somebody asks once more
        assert (await till.payment()).state == "closed"

    at_the_till(work)


async def left_for_another(till):
    """The number of a QR that was closed when the buyer took another way."""
    sale = await till.sale()
    await press(till, sale)
    number = (await newest(till)).out_trade_no
    await press(till, sale, PayMethod.H5)
    assert await states(till) == ["closed", "open"]
    return number


def test_a_code_that_was_left_and_is_scanned_after_all_is_found_soon(at_the_till):
    async def work(till):
        number = await left_for_another(till)
        assert await till.next_look() < REPAIR
        till.wallet.trades[number] = TradeStatus.PAID
        assert await till.next_look() <= timedelta(seconds=61)
        assert (await states(till), await till.events()) == (["paid", "open"], ["payment.paid"])
        assert await till.next_look() is None

    at_the_till(work)


def test_looks_at_a_closed_attempt_grow_rare_and_end_after_its_expiry(at_the_till):
    async def work(till):
        number = await left_for_another(till)
        closed_at, gaps = till.clock.at, []
        till.wallet.will("query", silence())  # counts as a look
        while (gap := await till.next_look()) is not None:
            gaps.append(gap.total_seconds() + 0.5)
            assert len(gaps) <= 11
        asked = [call for call in till.wallet.asked if call == f"query {number}"]
        assert len(asked) == len(gaps)
        assert [gap // 15 for gap in gaps[:-2]] == sorted(gap // 15 for gap in gaps[:-2])
        assert max(gaps) < CHECK_CLOSED_GAP.total_seconds() + 1
        over = till.clock.at - closed_at - timedelta(minutes=30)
        assert timedelta(minutes=1) < over < CHECK_AFTER_EXPIRY + timedelta(seconds=1)

    at_the_till(work)


def test_a_wallet_that_says_nothing_of_a_closed_attempt_is_told_of_after_a_day(at_the_till):
    async def work(till):
        await left_for_another(till)
        till.wallet.will("query", *[silence()] * 400)
        while await till.next_look() is not None:
            pass
        assert await till.tickets() == ["payment_unclear"]
        assert timedelta(days=1) < till.clock.at - timedelta(minutes=30) - (await till.payment()).created_at

    at_the_till(work)


def test_money_that_crossed_the_close_is_found_without_any_callback(at_the_till):
    async def work(till):
        await press(till, await till.sale())
        attempt = await newest(till)
        await till.job(close_due_payment, PaymentKey(attempt.payment_id))
        assert (await states(till), (await till.payment()).state) == (["closed"], "closed")
        till.wallet.trades[attempt.out_trade_no] = TradeStatus.PAID
        assert await till.next_look() < REPAIR
        assert (await states(till), await till.events()) == (["paid"], ["payment.closed", "payment.surplus"])
        assert [refund.cause for refund in (await till.payment()).refunds] == ["automatic"]
        assert await till.next_look() is None

    at_the_till(work)


def test_another_way_waits_for_the_first_one_to_be_clear(at_the_till):
    async def work(till):
        sale = await till.sale()
        await press(till, sale)
        till.wallet.will("close", *[silence()] * len(switch.SWITCH_PAUSES_S))
        with pytest.raises(EarlierPaymentUnclear):
            await press(till, sale, PayMethod.H5)
        assert await states(till) == ["open"]
        assert not [call for call in till.wallet.asked if call.startswith("query")]
        await press(till, sale, PayMethod.H5)
        assert await states(till) == ["closed", "open"]

    at_the_till(work)


def test_another_way_finds_the_first_one_paid(at_the_till):
    async def work(till):
        sale = await till.sale()
        await press(till, sale)
        till.wallet.trades[(await newest(till)).out_trade_no] = TradeStatus.PAID
        with pytest.raises(AlreadyPaid):
            await press(till, sale, PayMethod.H5)
        assert (await states(till), (await till.payment()).state) == (["paid"], "paid")

    at_the_till(work)


def test_an_account_without_an_answer_is_ended_before_the_next_one_takes_over(at_the_till):
    async def work(till):
        await till.connect("第二个")
        sale = await till.sale()
        till.wallet.will("create", silence())
        await press(till, sale)
        calls = [call.split() for call in till.wallet.asked]
        assert [name for name, _ in calls] == ["create", "close", "create"]
        assert calls[0][1] == calls[1][1] != calls[2][1]
        assert await states(till) == ["closed", "open"]

    at_the_till(work)


def test_no_account_takes_over_while_the_first_is_unclear(at_the_till):
    async def work(till):
        await till.connect("第二个")
        sale = await till.sale()
        till.wallet.will("create", silence())
        till.wallet.will("close", *[silence()] * len(switch.SWITCH_PAUSES_S))
        with pytest.raises(PlatformUnknown):
            await press(till, sale)
        assert await states(till) == ["unknown"]

    at_the_till(work)


@pytest.mark.parametrize(
    "word", [ErrorWord.NOT_PERMITTED, ErrorWord.BAD_SIGNATURE, ErrorWord.THROTTLED, ErrorWord.UNAVAILABLE]
)
def test_an_account_that_refuses_for_its_own_reasons_is_passed_over(at_the_till, word):
    async def work(till):
        second = await till.connect("第二个")
        till.wallet.will("create", refusal(word))
        await press(till, await till.sale())
        assert await states(till) == ["refused", "open"]
        assert await till.values("SELECT connection_id FROM attempt ORDER BY attempt_id") == [
            till.connection_id,
            second,
        ]
        lasting = word in (ErrorWord.NOT_PERMITTED, ErrorWord.BAD_SIGNATURE)
        assert await till.tickets() == (["wallet_down"] if lasting else [])

    at_the_till(work)


def test_the_requests_own_fault_is_no_reason_for_another_account(at_the_till):
    async def work(till):
        await till.connect("第二个")
        till.wallet.will("create", refusal(ErrorWord.INVALID_REQUEST))
        with pytest.raises(PlatformFailure):
            await press(till, await till.sale())
        assert await states(till) == ["refused"]
        assert await till.values("SELECT 1 FROM wallet_health") == []

    at_the_till(work)


def test_an_account_that_keeps_failing_stands_back_and_comes_again(at_the_till):
    async def work(till):
        await till.connect("第二个")
        for _ in range(3):
            till.wallet.will("create", refusal(ErrorWord.UNAVAILABLE))
            await press(till, await till.sale())
        assert await till.tickets() == ["wallet_down"]
        await press(till, await till.sale())
        assert await states(till) == ["open"]  # the first account was not even asked
        till.clock.advance(minutes=6)
        await press(till, await till.sale())  # it is tried again, and works
        assert await till.values("SELECT connection_id FROM attempt ORDER BY attempt_id DESC LIMIT 1") == [
            till.connection_id
        ]
        assert await till.values("SELECT 1 FROM wallet_health") == []

    at_the_till(work)


def test_when_every_account_refuses_the_buyer_is_told_why(at_the_till):
    async def work(till):
        await till.connect("第二个")
        till.wallet.will("create", refusal(ErrorWord.NOT_PERMITTED, "A"), refusal(ErrorWord.NOT_PERMITTED, "B"))
        with pytest.raises(PlatformFailure) as told:
            await press(till, await till.sale())
        assert told.value.details["platform_code"] == "B"
        assert await states(till) == ["refused", "refused"]

    at_the_till(work)


def test_a_way_that_no_account_knows(at_the_till):
    async def work(till):
        with pytest.raises(NoWallet):
            await press(till, await till.sale(), PayMethod.PAGE)
        assert await till.values("SELECT 1 FROM payment") == []

    at_the_till(work)


def ended(code="ORDERPAID"):
    return refusal(ErrorWord.ALREADY_DONE, code)


@pytest.mark.parametrize("first", ["open", "unknown"])
def test_a_press_on_an_order_that_was_paid_says_so(at_the_till, first):
    """The callback is lost: the wallet refuses to open it again, and only a question tells how it ended."""

    async def work(till):
        sale = await till.sale()
        if first == "unknown":
            till.wallet.will("create", silence())
            with pytest.raises(PlatformUnknown):
                await press(till, sale)
        else:
            await press(till, sale)
        attempt = await newest(till)
        till.wallet.trades[attempt.out_trade_no] = TradeStatus.PAID
        till.wallet.sums[attempt.out_trade_no] = attempt.amount
        till.wallet.will("create", ended())
        till.wallet.will("query", silence())  # and is asked until it says so
        with pytest.raises(AlreadyPaid):
            await press(till, sale)
        assert (await states(till), (await till.payment()).state) == (["paid"], "paid")

    at_the_till(work)


def test_a_press_on_an_order_that_was_closed_opens_another_one(at_the_till):
    async def work(till):
        sale = await till.sale()
        await press(till, sale)
        attempt = await newest(till)
        till.wallet.trades[attempt.out_trade_no] = TradeStatus.CLOSED
        till.wallet.will("create", ended("ORDER_CLOSED"))
        await press(till, sale)
        assert await states(till) == ["closed", "open"]

    at_the_till(work)


@pytest.mark.parametrize("first", ["open", "unknown"])
@pytest.mark.parametrize("answer", [silence(), TradeStatus.PENDING, TradeStatus.NOT_FOUND])
def test_a_press_on_an_order_whose_end_is_unclear_goes_on_being_asked_about(at_the_till, first, answer):
    async def work(till):
        sale = await till.sale()
        if first == "unknown":
            till.wallet.will("create", silence())
            with pytest.raises(PlatformUnknown):
                await press(till, sale)
        else:
            await press(till, sale)
        attempt = await newest(till)
        till.wallet.will("create", ended())
        till.wallet.will("query", *[answer] * len(switch.SWITCH_PAUSES_S))
        with pytest.raises(EarlierPaymentUnclear):
            await press(till, sale)
        assert await states(till) in (["open"], ["unknown"])
        jobs = await till.values(
            "SELECT kind FROM job WHERE finished_at IS NULL AND kind IN ('payments.query_attempt', 'payments.close')"
        )
        assert "payments.query_attempt" in jobs
        till.wallet.trades[attempt.out_trade_no] = TradeStatus.PAID
        till.wallet.sums[attempt.out_trade_no] = attempt.amount
        assert await till.job(query_attempt, AttemptKey(attempt.attempt_id)) is None
        assert await states(till) == ["paid"]

    at_the_till(work)


def test_a_close_of_an_order_that_has_ended_asks_how(at_the_till):
    async def work(till):
        sale = await till.sale()
        await press(till, sale)
        attempt = await newest(till)
        till.wallet.trades[attempt.out_trade_no] = TradeStatus.PAID
        till.wallet.sums[attempt.out_trade_no] = attempt.amount
        till.wallet.will("close", ended("ACQ.TRADE_HAS_SUCCESS"))
        with pytest.raises(AlreadyPaid):
            await press(till, sale, PayMethod.H5)
        assert await states(till) == ["paid"]

    at_the_till(work)
