"""Somebody does not want to wait: ask the wallets now about everything of a payment that has not ended."""

from __future__ import annotations

from uuid import UUID

from hutong.core.errors import PlatformFailure, PlatformUnknown
from hutong.merchants.actors import Actor, write_down
from hutong.payments.queries import one_payment
from hutong.payments.refunds import get_refund
from hutong.payments.service import AttemptView, attempts_of
from hutong.payments.states import ASKABLE, RefundState
from hutong.workflows.commands.follow_refund import apply_refund_report
from hutong.workflows.commands.settle import ask_wallet
from hutong.workflows.runtime import Runtime


async def ask_now(runtime: Runtime, merchant_id: UUID, payment_id: UUID, actor: Actor) -> bool:
    """Ask about each attempt and each refund on its way; False when a wallet did not say anything clear.

    What is asked by the schedule goes on; asking twice changes nothing twice.

    Raises:
        Forbidden: a role is needed. NotFound: no such payment.
    """
    actor.require_refunds()
    async with runtime.unit(merchant_id, "ask.read") as unit:
        payment = await one_payment(unit, payment_id)
        attempts = [part for part in await attempts_of(unit, payment_id) if part.state in ASKABLE]
        await write_down(unit, actor, "payment.ask", f"payment:{payment_id}")
    heard = [await _ask_attempt(runtime, merchant_id, attempt) for attempt in attempts]
    sent = [part.refund_id for part in payment.refunds if part.state == RefundState.SENT.value]
    heard += [await _ask_refund(runtime, merchant_id, refund_id) for refund_id in sent]
    return all(heard)


async def _ask_attempt(runtime: Runtime, merchant_id: UUID, attempt: AttemptView) -> bool:
    try:
        await ask_wallet(runtime, merchant_id, attempt)
    except (PlatformUnknown, PlatformFailure):
        return False
    return True


async def _ask_refund(runtime: Runtime, merchant_id: UUID, refund_id: UUID) -> bool:
    """Outside the schedule: what is asked here does not count as one of its tries."""
    async with runtime.unit(merchant_id, "ask.refund") as unit:
        refund = await get_refund(unit, refund_id)
    opened = await runtime.open_account(merchant_id, refund.connection_id)
    assert opened.connector.payments is not None, "a refund belongs to an attempt, which needs payments"
    payments, account = opened.connector.payments, opened.account
    try:
        report = await payments.query_refund(account, refund.out_refund_no, refund.out_trade_no)
    except (PlatformUnknown, PlatformFailure):
        return False
    async with runtime.unit(merchant_id, "ask.report") as unit:
        await apply_refund_report(unit, opened, refund, report)
    return True
