"""Reads for the till: the last payments of amounts without goods, at the counter and through shop codes."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import func, select

from hutong.core.money import Money
from hutong.db.unit import Unit
from hutong.payments.models import attempt, checkout, payment
from hutong.payments.states import CheckoutState

ROWS_MAX: Final = 50
#: A desk nobody has pressed "pay" at is no payment.
_SHOWN: Final = (CheckoutState.PAYING.value, CheckoutState.PAID.value, CheckoutState.EXPIRED.value)


class TillRow(msgspec.Struct, frozen=True, kw_only=True):
    """A payment as staff remember it. ``platform`` is the wallet that took it; empty while none has."""

    checkout_id: UUID
    order_id: UUID | None
    title: str
    container: str
    state: str
    amount: Money
    refunded: Money
    platform: str
    at: datetime


async def last_at_till(unit: Unit, limit: int) -> tuple[TillRow, ...]:
    """The last payments, the newest first."""
    rows = await unit.all(
        select(
            checkout.c.checkout_id,
            checkout.c.order_id,
            checkout.c.title,
            checkout.c.container,
            checkout.c.state,
            func.coalesce(payment.c.amount_minor, checkout.c.amount_minor).label("amount_minor"),
            checkout.c.currency,
            checkout.c.created_at,
            payment.c.paid_at,
            payment.c.refunded_minor,
            attempt.c.platform,
        )
        .outerjoin(
            payment,
            (payment.c.merchant_id == checkout.c.merchant_id) & (payment.c.payment_id == checkout.c.payment_id),
        )
        .outerjoin(
            attempt,
            (attempt.c.merchant_id == payment.c.merchant_id) & (attempt.c.attempt_id == payment.c.captured_attempt_id),
        )
        .where(
            checkout.c.merchant_id == unit.merchant_id,
            checkout.c.sku_id.is_(None),
            checkout.c.state.in_(_SHOWN),
        )
        .order_by(checkout.c.created_at.desc())
        .limit(min(limit, ROWS_MAX))
    )
    return tuple(
        TillRow(
            checkout_id=row.checkout_id,
            order_id=row.order_id,
            title=row.title,
            container=row.container,
            state=row.state,
            amount=Money(row.amount_minor, row.currency),
            refunded=Money(row.refunded_minor or 0, row.currency),
            platform=row.platform or "",
            at=row.paid_at or row.created_at,
        )
        for row in rows
    )
