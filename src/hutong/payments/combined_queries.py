"""Reads of combined payments, for the API and for the page of a part."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select

from hutong.core.money import Money
from hutong.db.unit import Unit
from hutong.payments.combined import PARTS_MAX, CombinedView, get_combined
from hutong.payments.combined_models import combined_part, combined_payment, combined_try
from hutong.payments.models import attempt, payment


class CombinedPartRow(msgspec.Struct, frozen=True, kw_only=True):
    """One payment among those that are paid together. What the wallet knows of it is missing before the first try."""

    part_no: int
    payment_id: UUID
    order_id: UUID
    state: str
    amount: Money
    refunded: Money
    connection_id: UUID | None
    out_trade_no: str
    attempt_state: str
    transaction_id: str | None


class CombinedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A combined payment as its last try left it."""

    view: CombinedView
    number: str
    connection_id: UUID | None
    expires_at: datetime | None
    parts: tuple[CombinedPartRow, ...]


async def one_combined(unit: Unit, combined_id: UUID) -> CombinedRow:
    """One combined payment with its parts.

    Raises:
        NotFound: not this merchant's.
    """
    view = await get_combined(unit, combined_id)
    tried = await unit.one(
        select(combined_try)
        .where(combined_try.c.merchant_id == unit.merchant_id, combined_try.c.combined_id == combined_id)
        .order_by(combined_try.c.try_id.desc())
        .limit(1)
    )
    rows = await unit.all(_parts(unit, combined_id, None if tried is None else tried.try_id))
    return CombinedRow(
        view=view,
        number="" if tried is None else tried.try_id.hex,
        connection_id=None if tried is None else tried.connection_id,
        expires_at=None if tried is None else tried.expires_at,
        parts=tuple(
            CombinedPartRow(
                part_no=row.part_no,
                payment_id=row.payment_id,
                order_id=row.order_id,
                state=row.state,
                amount=Money(row.amount_minor, row.currency),
                refunded=Money(row.refunded_minor, row.currency),
                connection_id=row.connection_id,
                out_trade_no=row.out_trade_no or "",
                attempt_state=row.attempt_state or "",
                transaction_id=row.transaction_id,
            )
            for row in rows
        ),
    )


def _parts(unit: Unit, combined_id: UUID, try_id: UUID | None) -> Any:  # noqa: ANN401 (a select of generated types)
    on_payment = (payment.c.merchant_id == combined_part.c.merchant_id) & (
        payment.c.payment_id == combined_part.c.payment_id
    )
    on_attempt = (
        (attempt.c.merchant_id == combined_part.c.merchant_id)
        & (attempt.c.payment_id == combined_part.c.payment_id)
        & (attempt.c.combined_try_id == try_id)
    )
    return (
        select(
            combined_part.c.part_no,
            payment.c.payment_id,
            payment.c.order_id,
            payment.c.state,
            payment.c.amount_minor,
            payment.c.refunded_minor,
            payment.c.currency,
            attempt.c.connection_id,
            attempt.c.out_trade_no,
            attempt.c.transaction_id,
            attempt.c.state.label("attempt_state"),
        )
        .join(payment, on_payment)
        .outerjoin(attempt, on_attempt)
        .where(combined_part.c.merchant_id == unit.merchant_id, combined_part.c.combined_id == combined_id)
        .order_by(combined_part.c.part_no)
        .limit(PARTS_MAX)
    )


async def combined_of_payment(unit: Unit, payment_id: UUID) -> CombinedRow | None:
    """The last combined payment that this payment is a part of, or None."""
    combined_id = await unit.scalar(
        select(combined_part.c.combined_id)
        .join(
            combined_payment,
            (combined_payment.c.merchant_id == combined_part.c.merchant_id)
            & (combined_payment.c.combined_id == combined_part.c.combined_id),
        )
        .where(combined_part.c.merchant_id == unit.merchant_id, combined_part.c.payment_id == payment_id)
        .order_by(combined_payment.c.created_at.desc(), combined_payment.c.combined_id.desc())
        .limit(1)
    )
    return None if combined_id is None else await one_combined(unit, combined_id)
