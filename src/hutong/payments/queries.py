"""Reads for the payments page: payments with their attempts and refunds, one page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, func, select

from hutong.core.money import Money
from hutong.db.unit import Unit
from hutong.payments.models import attempt, payment, refund

PAGE_ROWS_MAX: Final = 200
#: Attempts or refunds shown with one page of payments.
PARTS_MAX: Final = 2000


class AttemptRow(msgspec.Struct, frozen=True, kw_only=True):
    """One wallet's try."""

    platform: str
    method: str
    out_trade_no: str
    transaction_id: str | None
    state: str
    amount: Money
    created_at: datetime
    paid_at: datetime | None


class RefundRow(msgspec.Struct, frozen=True, kw_only=True):
    """Money on its way back, or back."""

    out_refund_no: str
    state: str
    cause: str
    reason: str
    amount: Money
    created_at: datetime
    finished_at: datetime | None


class PaymentRow(msgspec.Struct, frozen=True, kw_only=True):
    """What an order owes and what became of it."""

    payment_id: UUID
    order_id: UUID
    state: str
    amount: Money
    refunded: Money
    created_at: datetime
    paid_at: datetime | None
    attempts: tuple[AttemptRow, ...]
    refunds: tuple[RefundRow, ...]


class PaymentSlice(msgspec.Struct, frozen=True, kw_only=True):
    """A page of payments and how many there are in all."""

    rows: tuple[PaymentRow, ...]
    total: int


async def payments_page(unit: Unit, *, state: str = "", limit: int, offset: int) -> PaymentSlice:
    """Payments, the newest first."""
    conditions: list[Any] = [payment.c.merchant_id == unit.merchant_id]
    if state:
        conditions.append(payment.c.state == state)
    total = await unit.scalar(select(func.count()).select_from(payment).where(*conditions))
    statement = (
        select(payment)
        .where(*conditions)
        .order_by(payment.c.created_at.desc(), payment.c.payment_id.desc())
        .limit(min(limit, PAGE_ROWS_MAX))
        .offset(offset)
    )
    return PaymentSlice(rows=await _with_parts(unit, await unit.all(statement)), total=int(total or 0))


async def payment_of_order(unit: Unit, order_id: UUID) -> PaymentRow | None:
    """The payment of one order, or None where it was not taken by us."""
    statement = select(payment).where(payment.c.merchant_id == unit.merchant_id, payment.c.order_id == order_id)
    rows = await _with_parts(unit, await unit.all(statement.limit(1)))
    return rows[0] if rows else None


async def _with_parts(unit: Unit, payments: Sequence[Row[Any]]) -> tuple[PaymentRow, ...]:
    ids = [row.payment_id for row in payments]
    if not ids:
        return ()
    attempts = await unit.all(
        select(attempt)
        .where(attempt.c.merchant_id == unit.merchant_id, attempt.c.payment_id.in_(ids))
        .order_by(attempt.c.created_at)
        .limit(PARTS_MAX)
    )
    refunds = await unit.all(
        select(refund)
        .where(refund.c.merchant_id == unit.merchant_id, refund.c.payment_id.in_(ids))
        .order_by(refund.c.created_at)
        .limit(PARTS_MAX)
    )
    return tuple(
        PaymentRow(
            payment_id=row.payment_id,
            order_id=row.order_id,
            state=row.state,
            amount=Money(row.amount_minor, row.currency),
            refunded=Money(row.refunded_minor, row.currency),
            created_at=row.created_at,
            paid_at=row.paid_at,
            attempts=tuple(_attempt(part) for part in attempts if part.payment_id == row.payment_id),
            refunds=tuple(_refund(part) for part in refunds if part.payment_id == row.payment_id),
        )
        for row in payments
    )


def _attempt(row: Row[Any]) -> AttemptRow:
    return AttemptRow(
        platform=row.platform,
        method=row.method,
        out_trade_no=row.out_trade_no,
        transaction_id=row.transaction_id,
        state=row.state,
        amount=Money(row.amount_minor, row.currency),
        created_at=row.created_at,
        paid_at=row.paid_at,
    )


def _refund(row: Row[Any]) -> RefundRow:
    return RefundRow(
        out_refund_no=row.out_refund_no,
        state=row.state,
        cause=row.cause,
        reason=row.reason,
        amount=Money(row.amount_minor, row.currency),
        created_at=row.created_at,
        finished_at=row.finished_at,
    )
