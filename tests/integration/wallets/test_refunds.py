"""Refunds: a role is needed, never more than was captured, one number for ever, and every end is told."""

from __future__ import annotations

import pytest
from wallets_till import refusal, silence

from hutong.core.errors import Conflict, Forbidden
from hutong.payments.refunds import REFUNDS_PER_PAYMENT_MAX, SEND_REFUND, RefundKey, RefundNotPossible, RefundTooLarge
from hutong.platforms.contract import ErrorWord
from hutong.platforms.payments import RefundStatus
from hutong.workflows.commands.charge_code import charge_code
from hutong.workflows.commands.follow_refund import query_refund, refund_order, send_refund
from hutong.workflows.commands.rescue_refund import ask_again, rescue_refund
from hutong.workflows.delivery import deliver_event
from hutong.workflows.jobs import QUERY_REFUND, REFUND_QUERY_GAPS, REFUND_SEND_GAPS, REFUND_WAITING_TRIES

CODE = "991234567890123456"


async def paid_order(till):
    """An order paid by a code; its events are delivered, so that the order knows."""
    await charge_code(till.runtime, till.merchant_id, await till.sale(), CODE)
    for event_id in await till.values("SELECT event_id FROM outbox ORDER BY event_id"):
        await deliver_event(till.runtime, till.merchant_id, b'{"event_id":"%s"}' % str(event_id).encode())
    return (await till.payment()).order_id


async def asked(till, order_id, amount_fen=None, actor=None):
    actor = till.teller if actor is None else actor
    return await refund_order(till.runtime, till.merchant_id, order_id, amount_fen, "x", actor)


async def refund_row(till):
    rows = (await till.payment()).refunds
    return rows[-1]


def test_a_role_is_needed_and_whoever_had_it_is_written_down(at_the_till):
    async def work(till):
        order_id = await paid_order(till)
        with pytest.raises(Forbidden):
            await asked(till, order_id, 100, till.clerk)
        assert await till.values("SELECT 1 FROM refund") == []
        refund_id = await asked(till, order_id, 100)
        assert await till.values("SELECT actor || ' ' || action || ' ' || subject FROM audit") == [
            f"staff:1 refund.request refund:{refund_id}"
        ]

    at_the_till(work)


def test_fifty_parts_and_no_more(at_the_till):
    async def work(till):
        order_id = await paid_order(till)
        for _ in range(REFUNDS_PER_PAYMENT_MAX):
            refund_id = await asked(till, order_id, 1)
            assert await till.job(send_refund, RefundKey(refund_id)) is None
        with pytest.raises(RefundNotPossible):
            await asked(till, order_id, 1)
        payment = await till.payment()
        assert (payment.state, payment.refunded.amount_minor) == ("partly_refunded", 50)
        assert len({row.out_refund_no for row in payment.refunds}) == REFUNDS_PER_PAYMENT_MAX

    at_the_till(work)


def test_silence_is_asked_about_and_the_number_stays(at_the_till):
    async def work(till):
        refund_id = await asked(till, await paid_order(till))
        key = RefundKey(refund_id)
        till.wallet.will("refund", silence(), silence())
        assert await till.job(send_refund, key) == REFUND_SEND_GAPS[0]
        assert (await refund_row(till)).state == "unknown"
        assert await till.job(send_refund, key) == REFUND_SEND_GAPS[1]  # asked: not found; sent again: silence
        till.wallet.refunds[(await refund_row(till)).out_refund_no] = RefundStatus.SUCCEEDED
        assert await till.job(send_refund, key) is None  # asked: it was taken after all
        calls = [call.split() for call in till.wallet.asked if "refund" in call]
        assert [name for name, _ in calls] == ["refund", "query_refund", "refund", "query_refund"]
        assert {number for _, number in calls} == {refund_id.hex}
        assert (await till.payment()).state == "refunded"
        assert await till.events() == ["payment.paid", "payment.refunded"]

    at_the_till(work)


def test_a_refund_waits_for_money_at_the_wallet(at_the_till):
    async def work(till):
        refund_id = await asked(till, await paid_order(till))
        for tries in range(REFUND_WAITING_TRIES):
            till.wallet.will("refund", refusal(ErrorWord.INSUFFICIENT_FUNDS, "NOT_ENOUGH"))
            assert await till.tickets() == []
            assert await till.job(send_refund, RefundKey(refund_id)) == REFUND_SEND_GAPS[tries]
        assert await till.tickets() == ["refund_waiting"]
        assert await till.values("SELECT problem FROM refund") == ["NOT_ENOUGH"]
        with pytest.raises(RefundTooLarge):  # it still counts as taken
            await asked(till, (await till.payment()).order_id, 1)
        assert await till.job(send_refund, RefundKey(refund_id)) is None
        assert (await refund_row(till)).state == "succeeded"
        assert await till.values("SELECT problem FROM refund") == [None]

    at_the_till(work)


def test_a_refused_refund_is_over_and_frees_its_money(at_the_till):
    async def work(till):
        order_id = await paid_order(till)
        refund_id = await asked(till, order_id)
        till.wallet.will("refund", refusal(ErrorWord.INVALID_REQUEST, "PARAM_ERROR"))
        assert await till.job(send_refund, RefundKey(refund_id)) is None
        assert ((await refund_row(till)).state, await till.tickets()) == ("failed", ["refund_failed"])
        assert await till.events() == ["payment.paid", "payment.refund_failed"]
        assert await till.job(send_refund, RefundKey(await asked(till, order_id))) is None
        assert (await till.payment()).state == "refunded"

    at_the_till(work)


def test_an_abnormal_refund_is_applied_for_again(at_the_till):
    async def work(till):
        refund_id = await asked(till, await paid_order(till))
        till.wallet.will("refund", RefundStatus.ABNORMAL)
        await till.job(send_refund, RefundKey(refund_id))
        assert ((await refund_row(till)).state, await till.tickets()) == ("abnormal", ["refund_abnormal"])
        with pytest.raises(Forbidden):
            await rescue_refund(till.runtime, till.merchant_id, refund_id, till.clerk)
        till.wallet.will("rescue", RefundStatus.PENDING)
        state = await rescue_refund(till.runtime, till.merchant_id, refund_id, till.teller, card_number="6222")
        assert state.value == "sent"
        with pytest.raises(Conflict):
            await rescue_refund(till.runtime, till.merchant_id, refund_id, till.teller)
        till.wallet.refunds[refund_id.hex] = RefundStatus.SUCCEEDED
        assert await till.job(query_refund, RefundKey(refund_id)) is None
        assert (await refund_row(till)).state == "succeeded"
        assert await till.events() == ["payment.paid", "payment.refund_failed", "payment.refunded"]
        assert "refund.rescue" in await till.values("SELECT action FROM audit")
        assert not [row for row in await till.values("SELECT t::text FROM audit t") if "6222" in row]

    at_the_till(work)


def test_a_refund_without_end_ends_with_a_ticket(at_the_till):
    async def work(till):
        refund_id = await asked(till, await paid_order(till))
        till.wallet.will("refund", RefundStatus.PENDING)
        await till.job(send_refund, RefundKey(refund_id))
        gaps = [await till.job(query_refund, RefundKey(refund_id)) for _ in range(len(REFUND_QUERY_GAPS) + 1)]
        assert gaps == [*REFUND_QUERY_GAPS, None]
        assert ((await refund_row(till)).state, await till.tickets()) == ("sent", ["refund_abnormal"])
        before = await till.values("SELECT count(*) FROM job")
        await ask_again(till.runtime, till.merchant_id, refund_id, till.teller)
        assert (await till.values("SELECT count(*) FROM job"))[0] - before[0] in (0, 1)
        assert QUERY_REFUND in await till.values("SELECT kind FROM job")
        assert SEND_REFUND != QUERY_REFUND

    at_the_till(work)
