"""Reads of payments outside the wallet: what is payable there, what was paid, and what was undone."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, Select, and_, func, select

from hutong.core.money import Money
from hutong.db.unit import Unit
from hutong.ledger.commission_queries import is_outside, owed_minor
from hutong.ledger.split_models import commission, commission_move, outside_payment, outside_payment_undo

PAGE_ROWS_MAX: Final = 200
#: Commissions of one party that one payment may reach.
ROWS_MAX: Final = 5_000


class MoveKind(StrEnum):
    """How what is settled of a commission changed."""

    SHARED = "shared"
    OUTSIDE = "outside"
    TAKEN_BACK = "taken_back"
    NETTED = "netted"
    UNDONE = "undone"  # of a payment outside the wallet


class PayoutMethod(StrEnum):
    """By which means a party was paid outside the wallet."""

    BANK = "bank"
    WECHAT = "wechat"
    ALIPAY = "alipay"
    CASH = "cash"
    OTHER = "other"


class OutsidePayment(msgspec.Struct, frozen=True, kw_only=True):
    """A payment outside the wallet, as it was written down; with ``undone_at`` it counts no longer."""

    outside_payment_id: UUID
    party_id: UUID
    amount: Money
    paid_by: str
    method: str
    reference: str
    note: str
    paid_at: datetime
    recorded_at: datetime
    undone_at: datetime | None
    undone_by: str | None
    undo_reason: str | None


async def due_outside_minor(unit: Unit, party_id: UUID, currency: str) -> int:
    """What is payable to a party outside the wallet, after what it owes back."""
    statement = select(func.coalesce(func.sum(owed_minor()), 0)).where(
        commission.c.merchant_id == unit.merchant_id,
        commission.c.party_id == party_id,
        commission.c.currency == currency,
    )
    outside = int(await unit.scalar(statement.where(is_outside())) or 0)
    debts = int(await unit.scalar(statement.where(owed_minor() < 0)) or 0)
    return max(0, outside + debts)


async def outside_payments(
    unit: Unit, party_id: UUID | None = None, *, limit: int, offset: int = 0
) -> tuple[OutsidePayment, ...]:
    """What was paid outside the wallet, the latest first, undone ones too; of one party or of all."""
    page = (
        _payments(unit)
        .order_by(outside_payment.c.paid_at.desc(), outside_payment.c.outside_payment_id.desc())
        .limit(min(limit, PAGE_ROWS_MAX))
        .offset(offset)
    )
    if party_id is not None:
        page = page.where(outside_payment.c.party_id == party_id)
    return tuple(_payment(row) for row in await unit.all(page))


async def outside_payment_count(unit: Unit, party_id: UUID) -> int:
    """How many payments were written down for a party, undone ones too."""
    statement = select(func.count()).where(
        outside_payment.c.merchant_id == unit.merchant_id, outside_payment.c.party_id == party_id
    )
    return int(await unit.scalar(statement) or 0)


async def one_outside_payment(unit: Unit, payment_id: UUID) -> OutsidePayment | None:
    """A payment, if there is one."""
    row = await unit.one(_payments(unit).where(outside_payment.c.outside_payment_id == payment_id))
    return None if row is None else _payment(row)


async def parts_of(unit: Unit, payment_id: UUID) -> dict[UUID, int]:
    """What a payment settled, by commission."""
    rows = await unit.all(
        select(commission_move.c.commission_id, commission_move.c.amount_minor)
        .where(commission_move.c.merchant_id == unit.merchant_id, commission_move.c.reference == str(payment_id))
        .where(commission_move.c.kind == MoveKind.OUTSIDE.value)
        .limit(ROWS_MAX)
    )
    return {row.commission_id: row.amount_minor for row in rows}


async def is_relied_on(unit: Unit, payment: OutsidePayment) -> bool:
    """Whether what a payment settled was set off against something else or taken back since: then it has to stay."""
    parts = await parts_of(unit, payment.outside_payment_id)
    later = (
        select(func.count())
        .where(commission_move.c.merchant_id == unit.merchant_id, commission_move.c.commission_id.in_(parts))
        .where(commission_move.c.amount_minor < 0, commission_move.c.moved_at >= payment.recorded_at)
        .where(commission_move.c.kind != MoveKind.UNDONE.value)
    )
    return bool(await unit.scalar(later))


def _payments(unit: Unit) -> Select[Any]:
    undone = and_(
        outside_payment_undo.c.merchant_id == outside_payment.c.merchant_id,
        outside_payment_undo.c.outside_payment_id == outside_payment.c.outside_payment_id,
    )
    undo = (
        outside_payment_undo.c.undone_at,
        outside_payment_undo.c.undone_by,
        outside_payment_undo.c.reason.label("undo_reason"),
    )
    return (
        select(*outside_payment.c, *undo)
        .select_from(outside_payment.outerjoin(outside_payment_undo, undone))
        .where(outside_payment.c.merchant_id == unit.merchant_id)
    )


def _payment(row: Row[Any]) -> OutsidePayment:
    names = [name for name in OutsidePayment.__struct_fields__ if name != "amount"]
    return OutsidePayment(amount=Money(row.amount_minor, row.currency), **{name: getattr(row, name) for name in names})
