"""What lies in suspense is decided on once: taken, sent back or written off, and the books say so to the fen."""

from __future__ import annotations

import asyncio

import pytest
from wallets_till import refusal, silence

from hutong.core.errors import Forbidden, HutongError, InvalidInput
from hutong.core.money import Money, share_bps
from hutong.merchants.queries import tickets_page
from hutong.merchants.tickets import DecisionNeeded, resolve_ticket
from hutong.payments.refunds import RefundKey, RefundTooLarge
from hutong.payments.service import find_attempts
from hutong.payments.suspense import Decision, paid_otherwise
from hutong.platforms.contract import ErrorWord
from hutong.platforms.payments import Notice, PayMethod, RefundStatus, TradeReport, TradeStatus
from hutong.web.console.ticket_items import ticket_items_of
from hutong.web.console.ticket_texts import PAID_OTHERWISE
from hutong.web.format import Formats
from hutong.workflows.commands import switch
from hutong.workflows.commands.ask_now import ask_now
from hutong.workflows.commands.decide import AlreadyDecided, DecisionRefused, MoneyUnclear, decide
from hutong.workflows.commands.examine import examine
from hutong.workflows.commands.follow_refund import refund_order, send_refund
from hutong.workflows.commands.pay import pay
from hutong.workflows.commands.settle import check_closed, check_paid, close_due_payment, query_attempt
from hutong.workflows.commands.take_notice import work_notices
from hutong.workflows.dispatcher import deliver_waiting
from hutong.workflows.jobs import AttemptKey, ClosedKey, PaymentKey

CAME = Money.fen(700)
FEE_FEN = share_bps(CAME.amount_minor, 60)
OURS = ("taken", "returned", "written_off")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(switch, "SWITCH_PAUSES_S", (0.0,) * len(switch.SWITCH_PAUSES_S))


async def press(till, sale, method=PayMethod.NATIVE):
    return await pay(till.runtime, till.merchant_id, sale, platform=None, method=method, client_ip="127.0.0.1")


async def attempt_of(till):
    number = (await till.payment()).attempts[-1].out_trade_no
    async with till.unit() as unit:
        return (await find_attempts(unit, [number]))[number]


async def opened(till):
    await press(till, await till.sale())
    return await attempt_of(till)


async def mismatched(till, came=CAME):
    """A sale for which the wallet took another sum, and its ticket."""
    attempt = await opened(till)
    till.wallet.trades[attempt.out_trade_no], till.wallet.sums[attempt.out_trade_no] = TradeStatus.PAID, came
    await till.job(query_attempt, AttemptKey(attempt.attempt_id))
    await settle(till)
    return attempt, await ticket_of(till)


async def ticket_of(till):
    return (await till.values("SELECT ticket_id FROM ticket WHERE kind = 'notice_mismatched' ORDER BY ticket_id"))[-1]


async def also(till):
    """What the desk says beside the cause of the ticket."""
    async with till.unit() as unit:
        rows = (await tickets_page(unit, state="open", limit=9, offset=0)).rows
        [item] = await ticket_items_of(unit, rows, str, Formats("zh-Hans"))
    return item.also


async def choose(till, ticket, decision, actor=None, reason="对过账了"):
    return await decide(till.runtime, till.merchant_id, ticket, decision, reason, actor or till.teller)


async def settle(till):
    while await deliver_waiting(till.runtime, till.merchant_id):
        pass


async def books(till):
    """Every account that is not empty, its path without the connection."""
    await settle(till)
    async with till.unit() as unit:
        rows = await unit.connection.exec_driver_sql(
            "SELECT split_part(a.path, ':', 1) || ':' || split_part(a.path, ':', 2), sum(p.amount_minor)::int "
            "FROM posting p JOIN ledger_account a USING (merchant_id, account_id) GROUP BY 1 "
            "HAVING sum(p.amount_minor) <> 0"
        )
        return dict(tuple(row) for row in rows.all())


async def sound(till):
    await settle(till)
    return await examine(till.runtime, till.merchant_id)


async def state(till):
    return (await till.values("SELECT state FROM suspense ORDER BY suspense_id"))[-1]


async def notice(till, attempt, amount, name="late", transaction_id=None):
    account = await till.runtime.open_account(till.merchant_id, till.connection_id)
    report = TradeReport(
        out_trade_no=attempt.out_trade_no,
        status=TradeStatus.PAID,
        raw_status="SUCCESS",
        amount=amount,
        transaction_id=transaction_id or f"T{attempt.out_trade_no}",
    )
    async with till.unit() as unit:
        await work_notices(unit, [(account, Notice(notice_id=name, kind="trade", trade=report))])


async def every_door(till, attempt):
    """The same money is told of again by whatever door there is."""
    await notice(till, attempt, CAME)
    await notice(till, attempt, CAME, "again")
    for effect in (query_attempt, check_paid):
        await till.job(effect, AttemptKey(attempt.attempt_id))
    await till.job(check_closed, ClosedKey(attempt.attempt_id, 0))
    await ask_now(till.runtime, till.merchant_id, attempt.payment_id, till.teller)


def test_the_other_sum_is_taken_as_the_payment(at_the_till):
    async def work(till):
        attempt, ticket = await mismatched(till)
        assert await books(till) == {"suspense:claimed": 700, "suspense:payments": -700}
        made = await choose(till, ticket, Decision.TAKE)
        assert (made.state, made.is_proved, await state(till)) == ("taken", True, "taken")
        payment = await till.payment()
        assert (payment.state, payment.amount, payment.captured_attempt_id) == ("paid", CAME, attempt.attempt_id)
        assert await books(till) == {
            "wallet:wechatpay": 700 - FEE_FEN,
            "expense:wallet_fee": FEE_FEN,
            "revenue:sales": -700,
        }
        assert await till.values("SELECT paid_minor FROM sales_order") == [700]
        before = await till.events()
        await every_door(till, attempt)
        assert (await till.events(), await sound(till)) == (before, [])
        with pytest.raises(RefundTooLarge):
            await refund_order(till.runtime, till.merchant_id, attempt.order_id, 701, "退", till.teller)
        refund = await refund_order(till.runtime, till.merchant_id, attempt.order_id, None, "退", till.teller)
        await till.job(send_refund, RefundKey(refund))
        assert (await books(till), await sound(till)) == ({}, [])
        assert (await till.payment()).state == "refunded"

    at_the_till(work)


def test_what_came_goes_back_once_and_leaves_suspense_when_it_is_back(at_the_till):
    async def work(till):
        attempt, ticket = await mismatched(till)
        made = await choose(till, ticket, Decision.SEND_BACK)
        assert (made.state, (await till.payment()).state) == ("returning", "open")
        assert await books(till) == {"suspense:claimed": 700, "suspense:payments": -700}
        await every_door(till, attempt)
        till.wallet.will("refund", silence())
        assert await till.job(send_refund, RefundKey(made.refund_id)) is not None  # UNKNOWN: asked, then sent again
        assert await sound(till) == []
        assert await till.job(send_refund, RefundKey(made.refund_id)) is None
        assert till.wallet.sums[made.refund_id.hex] == CAME
        assert (await state(till), await books(till), await sound(till)) == ("returned", {}, [])
        await every_door(till, attempt)
        till.clock.advance(minutes=40)
        assert await till.job(close_due_payment, PaymentKey(attempt.payment_id)) is None
        assert ((await till.payment()).state, await books(till), await sound(till)) == ("closed", {}, [])
        assert [name for name in await till.events() if name in ("payment.decided", "payment.sent_back")] == [
            "payment.decided",
            "payment.sent_back",
        ]

    at_the_till(work)


def test_a_refund_that_the_wallet_refuses_puts_the_money_on_the_desk_again(at_the_till):
    async def work(till):
        _, ticket = await mismatched(till)
        made = await choose(till, ticket, Decision.SEND_BACK)
        till.wallet.will("refund", refusal(ErrorWord.INVALID_REQUEST))
        assert await till.job(send_refund, RefundKey(made.refund_id)) is None
        assert (await state(till), await sound(till)) == ("open", [])
        assert await till.values("SELECT state FROM ticket WHERE kind = 'notice_mismatched'") == ["open"]
        with pytest.raises(DecisionRefused, match="sent_before"):
            await choose(till, ticket, Decision.TAKE)
        again = await choose(till, ticket, Decision.SEND_BACK)
        assert again.refund_id != made.refund_id
        await till.job(send_refund, RefundKey(again.refund_id))
        assert (await state(till), await books(till), await sound(till)) == ("returned", {}, [])
        assert [part.state for part in (await till.payment()).refunds] == ["failed", "succeeded"]

    at_the_till(work)


def test_money_that_is_there_and_never_explained_is_written_off(at_the_till):
    async def work(till):
        attempt, ticket = await mismatched(till)
        assert (await choose(till, ticket, Decision.WRITE_OFF)).is_proved
        written = {
            "wallet:wechatpay": 700 - FEE_FEN,
            "expense:wallet_fee": FEE_FEN,
            "revenue:unexplained": -700,
        }
        assert (await books(till), await sound(till)) == (written, [])
        await every_door(till, attempt)
        assert (await books(till), await sound(till), (await till.payment()).state) == (written, [], "open")
        till.clock.advance(minutes=40)
        await till.job(close_due_payment, PaymentKey(attempt.payment_id))
        assert (await books(till), (await till.payment()).state) == (written, "closed")

    at_the_till(work)


def test_a_claim_that_never_came_is_written_off_and_the_order_is_closed_at_the_wallet_first(at_the_till):
    async def work(till):
        attempt = await opened(till)
        await notice(till, attempt, CAME)
        ticket = await ticket_of(till)
        for decision in (Decision.TAKE, Decision.SEND_BACK):
            with pytest.raises(DecisionRefused, match="not_there"):
                await choose(till, ticket, decision)
        till.wallet.trades[attempt.out_trade_no] = TradeStatus.PENDING
        assert not (await choose(till, ticket, Decision.WRITE_OFF)).is_proved
        assert (await till.payment()).attempts[-1].state == "closed"
        await notice(till, attempt, CAME, "late")
        assert (await books(till), await sound(till), await state(till)) == ({}, [], "written_off")

    at_the_till(work)


def test_what_was_written_off_as_never_come_and_is_there_after_all_is_a_case_again(at_the_till):
    async def work(till):
        attempt = await opened(till)
        await notice(till, attempt, CAME)
        await choose(till, await ticket_of(till), Decision.WRITE_OFF)
        till.wallet.trades[attempt.out_trade_no], till.wallet.sums[attempt.out_trade_no] = TradeStatus.PAID, CAME
        await till.job(check_closed, ClosedKey(attempt.attempt_id, 0))
        await till.job(check_closed, ClosedKey(attempt.attempt_id, 0))
        assert sorted(await till.values("SELECT state FROM suspense")) == ["open", "written_off"]
        made = await choose(till, await ticket_of(till), Decision.SEND_BACK)
        await till.job(send_refund, RefundKey(made.refund_id))
        assert (await books(till), await sound(till)) == ({}, [])

    at_the_till(work)


@pytest.mark.parametrize("decision", [Decision.SEND_BACK, Decision.WRITE_OFF])
def test_nothing_is_decided_while_the_wallet_is_silent_or_the_money_may_still_come(at_the_till, decision):
    async def work(till):
        attempt, ticket = await mismatched(till)
        till.wallet.will("query", silence(), refusal(ErrorWord.UNAVAILABLE))
        for _ in range(2):
            with pytest.raises(MoneyUnclear):
                await choose(till, ticket, decision)
        till.wallet.trades[attempt.out_trade_no] = TradeStatus.PENDING
        till.wallet.will("close", silence())
        till.wallet.will("query", TradeStatus.PENDING, TradeStatus.PENDING)
        with pytest.raises(MoneyUnclear):
            await choose(till, ticket, decision)
        assert (await state(till), await sound(till)) == ("open", [])

    at_the_till(work)


def test_another_way_to_pay_is_closed_before_the_sum_is_taken(at_the_till):
    async def work(till):
        sale = await till.sale()
        await press(till, sale)
        first = await attempt_of(till)
        till.clock.advance(seconds=1)
        await notice(till, first, CAME)
        await till.job(query_attempt, AttemptKey(first.attempt_id))
        assert await also(till) == ""
        till.wallet.will("close", TradeStatus.PAID)  # crosses: nothing
        till.wallet.sums[first.out_trade_no] = first.amount
        with pytest.raises(HutongError):
            await press(till, sale, PayMethod.H5)
        assert (await till.payment()).state == "paid"
        assert await also(till) == PAID_OTHERWISE
        with pytest.raises(DecisionRefused, match="order_paid"):
            await choose(till, await ticket_of(till), Decision.TAKE)
        with pytest.raises(DecisionRefused, match="kept"):
            await choose(till, await ticket_of(till), Decision.SEND_BACK)
        assert not (await choose(till, await ticket_of(till), Decision.WRITE_OFF)).is_proved
        assert await sound(till) == []

    at_the_till(work)


@pytest.mark.parametrize("decision", [Decision.TAKE, Decision.SEND_BACK])
def test_twenty_at_once_decide_once(at_the_till, decision):
    async def work(till):
        attempt, ticket = await mismatched(till)
        others = [one for one in Decision if one is not decision]
        wanted = [decision, *others] * 7
        told = await asyncio.gather(*(choose(till, ticket, one) for one in wanted[:20]), return_exceptions=True)
        done = [one for one in told if not isinstance(one, Exception)]
        assert len(done) == 1
        assert all(isinstance(one, AlreadyDecided | DecisionRefused) for one in told if one not in done)
        assert (await till.events()).count("payment.decided") == 1
        for refund in (await till.payment()).refunds:
            await till.job(send_refund, RefundKey(refund.refund_id))
        await every_door(till, attempt)
        assert await sound(till) == []
        assert len(till.wallet.refunds) == (1 if done[0].decision is Decision.SEND_BACK else 0)
        assert await state(till) in OURS

    at_the_till(work)


def test_who_may_decide_and_what_has_to_be_said(at_the_till):
    async def work(till):
        _, ticket = await mismatched(till)
        asked = len(till.wallet.asked)
        with pytest.raises(Forbidden):
            await choose(till, ticket, Decision.TAKE, till.clerk)
        assert len(till.wallet.asked) == asked
        with pytest.raises(InvalidInput):
            await choose(till, ticket, Decision.TAKE, reason="  ")
        async with till.unit() as unit:
            with pytest.raises(DecisionNeeded):
                await resolve_ticket(unit, ticket, note="好了", actor="staff:1")
        await choose(till, ticket, Decision.TAKE)
        async with till.unit() as unit:
            assert await paid_otherwise(unit, {ticket: (await till.payment()).order_id}) == frozenset()
        assert await till.values("SELECT actor || ' ' || action FROM audit") == ["staff:1 suspense.take"]
        row = (await till.values("SELECT details FROM ticket WHERE kind = 'notice_mismatched'"))[0]
        assert (row["note"], row["resolved_by"]) == ("对过账了", "staff:1")

    at_the_till(work)


@pytest.mark.parametrize(
    ("wrong", "take", "back"),
    [
        ({"amount": Money(880, "USD")}, "currency", None),
        ({"owner": {"mchid": "another"}}, "foreign", "foreign"),
        ({"attach": "f" * 32}, "other_order", "not_there"),
        ({"out_trade_no": "e" * 32}, "not_ours", "not_ours"),
    ],
)
def test_each_is_offered_only_where_it_can_hold(at_the_till, wrong, take, back):
    async def work(till):
        attempt = await opened(till)
        account = await till.runtime.open_account(till.merchant_id, till.connection_id)
        fields = {"out_trade_no": attempt.out_trade_no, "amount": attempt.amount} | wrong
        report = TradeReport(status=TradeStatus.PAID, raw_status="SUCCESS", **fields)
        async with till.unit() as unit:
            await work_notices(unit, [(account, Notice(notice_id="N", kind="trade", trade=report))])
        if "amount" in wrong:
            till.wallet.trades[attempt.out_trade_no] = TradeStatus.PAID
            till.wallet.sums[attempt.out_trade_no] = wrong["amount"]
        await settle(till)
        ticket = await ticket_of(till)
        with pytest.raises(DecisionRefused, match=take):
            await choose(till, ticket, Decision.TAKE)
        if back is not None:
            with pytest.raises(DecisionRefused, match=back):
                await choose(till, ticket, Decision.SEND_BACK)
            await choose(till, ticket, Decision.WRITE_OFF)
        else:
            made = await choose(till, ticket, Decision.SEND_BACK)
            await till.job(send_refund, RefundKey(made.refund_id))
            assert till.wallet.refunds[made.refund_id.hex] is RefundStatus.SUCCEEDED
        assert (await books(till), await sound(till)) == ({}, [])

    at_the_till(work)


def test_a_hub_that_dies_after_the_wallet_sent_it_back_sends_it_once(at_the_till):
    async def work(till):
        _, ticket = await mismatched(till)
        made = await choose(till, ticket, Decision.SEND_BACK)

        async def killed(number):
            till.wallet.refunds[number] = RefundStatus.SUCCEEDED
            till.wallet.sums[number] = CAME
            raise KeyboardInterrupt  # nothing after it is written down

        till.wallet.will("refund", killed)
        with pytest.raises(KeyboardInterrupt):
            await till.job(send_refund, RefundKey(made.refund_id))
        assert (await state(till), await sound(till)) == ("returning", [])
        assert await till.job(send_refund, RefundKey(made.refund_id)) is None
        assert list(till.wallet.refunds) == [made.refund_id.hex]
        assert (await state(till), await books(till), await sound(till)) == ("returned", {}, [])

    at_the_till(work)


def test_suspense_is_what_lies_open_whatever_was_decided(at_the_till):
    async def work(till):
        for number, decision in enumerate([None, *Decision, None, *reversed(Decision)], start=1):
            attempt, ticket = await mismatched(till, Money.fen(number * 111))
            if decision is not None:
                made = await choose(till, ticket, decision)
                if made.refund_id is not None:
                    await till.job(send_refund, RefundKey(made.refund_id))
            await notice(till, attempt, Money.fen(number * 111), f"again {number}")
            open_fen = sum(await till.values("SELECT amount_minor FROM suspense WHERE state IN ('open', 'returning')"))
            found = await books(till)
            assert (found["suspense:claimed"], found["suspense:payments"]) == (open_fen, -open_fen)
        assert await sound(till) == []

    at_the_till(work)
