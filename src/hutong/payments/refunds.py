"""Refunds: never more than was captured, the same number on every retry, one automatic refund per surplus."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import func, select, update

from hutong.core.errors import ErrorText, HutongError, NotFound
from hutong.core.money import Money
from hutong.db.unit import Unit
from hutong.payments.events import PaymentRefunded, RefundStopped, SurplusReturned
from hutong.payments.models import attempt, payment, refund
from hutong.payments.states import PAYMENT, REFUND, PaymentEvent, RefundEvent, RefundState
from hutong.payments.suspense import suspense_returned, suspense_stayed

REQUESTED: Final = "requested"
AUTOMATIC: Final = "automatic"
#: A person sends money in suspense back.
SENT_BACK: Final = "sent_back"
SEND_REFUND: Final = "payments.send_refund"
#: WeChat Pay allows at most 50 partial refunds of one order.
REFUNDS_PER_PAYMENT_MAX: Final = 50
PROBLEM_CHARS_MAX: Final = 64


class RefundKey(msgspec.Struct, frozen=True):
    """Payload of the jobs that send and follow a refund."""

    refund_id: UUID


class RefundTooLarge(HutongError):
    """More money was asked back than is left."""

    code = "refund_too_large"
    status = 409
    zh = ErrorText(
        "退款金额超过可退余额（{left} 分）。", "已成功和处理中的退款都计入。", "请减少金额，或先查看该订单的退款记录。"
    )
    en = ErrorText(
        "The refund exceeds what is left ({left} minor units).",
        "Refunds done and under way both count.",
        "Ask for less, or look at the order's refunds first.",
    )


class RefundNotPossible(HutongError):
    """The order was not paid here, or has no money left to give back."""

    code = "refund_not_possible"
    status = 409
    zh = ErrorText("这笔订单不能在这里退款。", "订单未在互通收款，或退款次数已达上限。", "平台订单请在平台售后中处理。")
    en = ErrorText(
        "This order cannot be refunded here.",
        "It was not paid at our checkout, or it has had its maximum of refunds.",
        "Orders of a platform are refunded in that platform's after-sales.",
    )


class RefundView(msgspec.Struct, frozen=True, kw_only=True):
    """A refund as jobs see it."""

    refund_id: UUID
    payment_id: UUID
    order_id: UUID
    connection_id: UUID
    platform: str
    out_trade_no: str
    out_refund_no: str
    state: RefundState
    cause: str
    reason: str
    amount: Money
    paid_amount: Money
    platform_refund_id: str | None
    tries_count: int


async def open_refund(
    unit: Unit, payment_id: UUID, attempt_id: UUID, amount: Money, *, reason: str, cause: str, actor: str = ""
) -> UUID:
    """Write the refund down and leave the job that sends it; the caller has checked what is left."""
    refund_id = unit.new_id()
    await unit.insert(
        refund,
        refund_id=refund_id,
        payment_id=payment_id,
        attempt_id=attempt_id,
        out_refund_no=refund_id.hex,
        state=RefundState.CREATED.value,
        cause=cause,
        reason=reason,
        actor=actor,
        amount_minor=amount.amount_minor,
        currency=amount.currency,
        created_at=unit.now(),
    )
    unit.schedule(SEND_REFUND, RefundKey(refund_id), dedupe_key=refund_id.hex)
    return refund_id


async def request_refund(unit: Unit, order_id: UUID, amount: Money, reason: str, actor: str = "") -> UUID:
    """Ask for money back on a paid order; concurrent requests never take more than was captured.

    The payment's row is held while what is left is counted. Refunds that failed for good do not count.

    Raises:
        RefundNotPossible: not paid at our checkout, or too many refunds.
        RefundTooLarge: more than is left.
    """
    row = await unit.one(
        select(payment)
        .where(payment.c.merchant_id == unit.merchant_id, payment.c.order_id == order_id)
        .with_for_update()
    )
    if row is None or row.captured_attempt_id is None or amount.currency != row.currency:
        raise RefundNotPossible
    asked = await unit.one(
        select(func.coalesce(func.sum(refund.c.amount_minor), 0).label("taken"), func.count().label("refunds")).where(
            refund.c.merchant_id == unit.merchant_id,
            refund.c.payment_id == row.payment_id,
            refund.c.cause == REQUESTED,
            refund.c.state != RefundState.FAILED.value,
        )
    )
    taken, count = (0, 0) if asked is None else (int(asked.taken), int(asked.refunds))
    left = row.amount_minor - taken
    if count >= REFUNDS_PER_PAYMENT_MAX:
        raise RefundNotPossible
    if not 0 < amount.amount_minor <= left:
        raise RefundTooLarge(left=left)
    return await open_refund(
        unit, row.payment_id, row.captured_attempt_id, amount, reason=reason, cause=REQUESTED, actor=actor
    )


async def _find(unit: Unit, condition: Any) -> RefundView | None:  # noqa: ANN401 (an SQL expression)
    row = await unit.one(
        select(
            refund,
            attempt.c.out_trade_no,
            attempt.c.connection_id,
            attempt.c.platform,
            attempt.c.amount_minor.label("paid_minor"),
            payment.c.order_id,
        )
        .join(attempt, (attempt.c.merchant_id == refund.c.merchant_id) & (attempt.c.attempt_id == refund.c.attempt_id))
        .join(payment, (payment.c.merchant_id == refund.c.merchant_id) & (payment.c.payment_id == refund.c.payment_id))
        .where(refund.c.merchant_id == unit.merchant_id, condition)
    )
    if row is None:
        return None
    return RefundView(
        refund_id=row.refund_id,
        payment_id=row.payment_id,
        order_id=row.order_id,
        connection_id=row.connection_id,
        platform=row.platform,
        out_trade_no=row.out_trade_no,
        out_refund_no=row.out_refund_no,
        state=RefundState(row.state),
        cause=row.cause,
        reason=row.reason,
        amount=Money(row.amount_minor, row.currency),
        paid_amount=Money(row.paid_minor, row.currency),
        platform_refund_id=row.platform_refund_id,
        tries_count=row.tries_count,
    )


async def get_refund(unit: Unit, refund_id: UUID) -> RefundView:
    """One refund.

    Raises:
        NotFound: not this merchant's.
    """
    view = await _find(unit, refund.c.refund_id == refund_id)
    if view is None:
        raise NotFound(what="refund", key=str(refund_id))
    return view


async def asked_until(unit: Unit, view: RefundView) -> int:
    """What was asked back of a payment up to and with this refund, in minor units; failed refunds do not count."""
    total = await unit.scalar(
        select(func.coalesce(func.sum(refund.c.amount_minor), 0)).where(
            refund.c.merchant_id == unit.merchant_id,
            refund.c.payment_id == view.payment_id,
            refund.c.cause == REQUESTED,
            refund.c.state != RefundState.FAILED.value,
            refund.c.refund_id <= view.refund_id,
        )
    )
    return int(total or 0)


async def find_refund(unit: Unit, out_refund_no: str) -> RefundView | None:
    """The refund with our number, or None."""
    return await _find(unit, refund.c.out_refund_no == out_refund_no)


async def mark_refund(unit: Unit, refund_id: UUID, event: RefundEvent, **values: str | int) -> bool:
    """Move a refund that has not ended."""
    return await unit.transition(refund, {"refund_id": refund_id}, REFUND, event, **values)


async def stop_refund(unit: Unit, view: RefundView, event: RefundEvent, problem: str) -> bool:
    """The money did not reach the buyer (STALL: apply again; FAIL: it is over); True when that was news.

    A failed refund is no longer counted as taken: the same money can be refunded again under another number.
    """
    values = {} if event is RefundEvent.STALL else {"finished_at": unit.now()}
    moved = await unit.transition(
        refund, {"refund_id": view.refund_id}, REFUND, event, problem=problem[:PROBLEM_CHARS_MAX], **values
    )
    if moved and view.cause == SENT_BACK and event is RefundEvent.FAIL:
        await suspense_stayed(unit, view.refund_id)
    if moved:
        state = RefundState.ABNORMAL if event is RefundEvent.STALL else RefundState.FAILED
        unit.emit(
            RefundStopped(
                refund_id=view.refund_id,
                payment_id=view.payment_id,
                order_id=view.order_id,
                connection_id=view.connection_id,
                platform=view.platform,
                state=state.value,
                cause=view.cause,
                problem=problem[:PROBLEM_CHARS_MAX],
                amount_minor=view.amount.amount_minor,
                currency=view.amount.currency,
            )
        )
    return moved


async def count_try(unit: Unit, refund_id: UUID, problem: str | None = None) -> int:
    """One more send or query that did not end a refund; how many there were since it last got on."""
    count: int = await unit.scalar(
        update(refund)
        .where(refund.c.merchant_id == unit.merchant_id, refund.c.refund_id == refund_id)
        .values(tries_count=refund.c.tries_count + 1, problem=func.coalesce(problem, refund.c.problem))
        .returning(refund.c.tries_count)
    )
    return count


async def finish_refund(unit: Unit, view: RefundView, platform_refund_id: str | None, finished_at: datetime) -> bool:
    """The wallet says the money went back; True when that was news."""
    fresh = await unit.transition(
        refund,
        {"refund_id": view.refund_id},
        REFUND,
        RefundEvent.SUCCEED,
        platform_refund_id=platform_refund_id,
        problem=None,
        finished_at=finished_at,
    )
    if not fresh:
        return False
    if view.cause == SENT_BACK:
        await suspense_returned(unit, view.refund_id, finished_at)
        return True
    if view.cause == AUTOMATIC:
        unit.emit(
            SurplusReturned(
                refund_id=view.refund_id,
                order_id=view.order_id,
                connection_id=view.connection_id,
                platform=view.platform,
                amount_minor=view.amount.amount_minor,
                currency=view.amount.currency,
                returned_at=finished_at,
            )
        )
        return True
    before = await _count_refunded(unit, view)
    unit.emit(
        PaymentRefunded(
            refund_id=view.refund_id,
            payment_id=view.payment_id,
            order_id=view.order_id,
            connection_id=view.connection_id,
            platform=view.platform,
            amount_minor=view.amount.amount_minor,
            refunded_before_minor=before,
            payment_amount_minor=view.paid_amount.amount_minor,
            currency=view.amount.currency,
            refunded_at=finished_at,
        )
    )
    return True


async def _count_refunded(unit: Unit, view: RefundView) -> int:
    """Add a finished refund to its payment; what had gone back before, in minor units."""
    here = (payment.c.merchant_id == unit.merchant_id) & (payment.c.payment_id == view.payment_id)
    row = await unit.one(select(payment.c.refunded_minor, payment.c.amount_minor).where(here).with_for_update())
    if row is None:
        raise NotFound(what="payment", key=str(view.payment_id))
    total = row.refunded_minor + view.amount.amount_minor
    event = PaymentEvent.REFUND_REST if total == row.amount_minor else PaymentEvent.REFUND_PART
    await unit.transition(payment, {"payment_id": view.payment_id}, PAYMENT, event)
    await unit.run(update(payment).where(here).values(refunded_minor=total))
    return int(row.refunded_minor)
