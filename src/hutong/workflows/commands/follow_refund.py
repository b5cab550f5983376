"""Refunds: asked for here, sent with one number for ever, followed until the wallet says how they ended."""

from __future__ import annotations

from uuid import UUID

import msgspec

from hutong.core.money import Money
from hutong.db.jobs import Postpone
from hutong.db.unit import Unit
from hutong.merchants.tickets import Severity, TicketKind, open_ticket
from hutong.payments.refunds import RefundKey, RefundView, finish_refund, get_refund, mark_refund, request_refund
from hutong.payments.states import RefundEvent, RefundState
from hutong.platforms.payments import RefundReport, RefundStatus, RequestRefund
from hutong.shops.orders import get_order
from hutong.workflows.jobs import QUERY_REFUND, REFUND_QUERY_GAP
from hutong.workflows.runtime import Runtime


async def refund_in(unit: Unit, order_id: UUID, amount_minor: int | None, reason: str) -> UUID:
    """Ask for money of an order back; ``None`` means all that is left. The id of the refund.

    Raises:
        RefundNotPossible, RefundTooLarge, NotFound.
    """
    order = await get_order(unit, order_id)
    left = order.paid_minor - order.refunded_minor
    return await request_refund(
        unit, order_id, Money(left if amount_minor is None else amount_minor, order.currency), reason
    )


async def refund_order(
    runtime: Runtime, merchant_id: UUID, order_id: UUID, amount_minor: int | None, reason: str
) -> UUID:
    """:func:`refund_in` in a transaction of its own."""
    async with runtime.unit(merchant_id, "refund.request") as unit:
        return await refund_in(unit, order_id, amount_minor, reason)


async def apply_refund_report(unit: Unit, refund: RefundView, report: RefundReport) -> None:
    """Take the wallet's word for a refund."""
    if report.status is RefundStatus.SUCCEEDED:
        await finish_refund(unit, refund, report.refund_id, report.refunded_at or unit.now())
    elif report.status is RefundStatus.PENDING:
        if await mark_refund(unit, refund.refund_id, RefundEvent.SEND, report.refund_id):
            unit.schedule(QUERY_REFUND, RefundKey(refund.refund_id), delay=REFUND_QUERY_GAP)
    elif report.status in (RefundStatus.ABNORMAL, RefundStatus.CLOSED):
        event = RefundEvent.STALL if report.status is RefundStatus.ABNORMAL else RefundEvent.FAIL
        if await mark_refund(unit, refund.refund_id, event, report.refund_id):
            await open_ticket(
                unit,
                TicketKind.REFUND_ABNORMAL,
                Severity.URGENT,
                subject=("order", str(refund.order_id)),
                details={"amount_minor": refund.amount.amount_minor, "currency": refund.amount.currency},
                dedupe_key=refund.refund_id.hex,
            )


async def send_refund(runtime: Runtime, merchant_id: UUID, payload: bytes) -> None:
    """Send a refund; after no answer the same number is sent again, so it can never be paid twice."""
    refund_id = msgspec.json.decode(payload, type=RefundKey).refund_id
    async with runtime.unit(merchant_id, "refund.read") as unit:
        refund = await get_refund(unit, refund_id)
    if refund.state is not RefundState.CREATED:
        return
    opened = await runtime.open_account(merchant_id, refund.connection_id)
    assert opened.connector.payments is not None, "a refund belongs to an attempt, which needs payments"
    report = await opened.connector.payments.refund(
        opened.account,
        RequestRefund(
            out_trade_no=refund.out_trade_no,
            out_refund_no=refund.out_refund_no,
            amount=refund.amount,
            paid_amount=refund.paid_amount,
            reason=refund.reason,
            notify_url=runtime.callback_url(refund.platform, refund.connection_id),
        ),
    )
    async with runtime.unit(merchant_id, "refund.report") as unit:
        await apply_refund_report(unit, refund, report)


async def query_refund(runtime: Runtime, merchant_id: UUID, payload: bytes) -> None:
    """Ask what became of a refund until it ended."""
    refund_id = msgspec.json.decode(payload, type=RefundKey).refund_id
    async with runtime.unit(merchant_id, "refund.read") as unit:
        refund = await get_refund(unit, refund_id)
    if refund.state is not RefundState.SENT:
        return
    opened = await runtime.open_account(merchant_id, refund.connection_id)
    assert opened.connector.payments is not None, "a refund belongs to an attempt, which needs payments"
    payments, account = opened.connector.payments, opened.account
    report = await payments.query_refund(account, refund.out_refund_no, refund.out_trade_no)
    async with runtime.unit(merchant_id, "refund.report") as unit:
        await apply_refund_report(unit, refund, report)
        refund = await get_refund(unit, refund_id)
    if refund.state is RefundState.SENT:
        raise Postpone(REFUND_QUERY_GAP)
