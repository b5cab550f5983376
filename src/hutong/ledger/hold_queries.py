"""Reads of reserves: what is open, on which accounts, and until when."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import and_, func, select

from hutong.core.money import Money
from hutong.db.unit import Unit
from hutong.ledger.batches import Leg
from hutong.ledger.models import ledger_account, ledger_batch, ledger_hold, ledger_hold_leg
from hutong.ledger.states import HoldState

HOLDS_MAX: Final = 200


class HoldRow(msgspec.Struct, frozen=True, kw_only=True):
    """A reserve with what was reserved; ``key`` is that of its batch. Debit positive."""

    hold_id: UUID
    key: str
    state: HoldState
    subject_kind: str
    subject_id: UUID
    held_at: datetime
    expires_at: datetime | None
    resolved_at: datetime | None
    legs: tuple[Leg, ...]


class HoldSlice(msgspec.Struct, frozen=True, kw_only=True):
    """A page of reserves and how many there are in all."""

    rows: tuple[HoldRow, ...]
    total: int


async def open_holds(unit: Unit, path: str = "", *, limit: int, offset: int = 0) -> HoldSlice:
    """Reserves that are open, the oldest first; those that touch one account where it is named."""
    conditions: list[Any] = [ledger_hold.c.merchant_id == unit.merchant_id]
    conditions.append(ledger_hold.c.state == HoldState.PENDING.value)
    if path:
        touched = select(ledger_hold_leg.c.hold_id).select_from(ledger_hold_leg.join(ledger_account, _ON_ACCOUNT))
        conditions.append(
            touched.where(
                ledger_hold_leg.c.merchant_id == ledger_hold.c.merchant_id,
                ledger_hold_leg.c.hold_id == ledger_hold.c.hold_id,
                ledger_account.c.path == path,
            )
            .correlate(ledger_hold)
            .exists()
        )
    total = await unit.scalar(select(func.count()).select_from(ledger_hold).where(*conditions))
    return HoldSlice(rows=await _read(unit, conditions, min(limit, HOLDS_MAX), offset), total=int(total or 0))


async def one_hold(unit: Unit, hold_id: UUID) -> HoldRow | None:
    """A reserve by its id."""
    found = await _read(
        unit, [ledger_hold.c.merchant_id == unit.merchant_id, ledger_hold.c.hold_id == hold_id], limit=1, offset=0
    )
    return found[0] if found else None


_ON_ACCOUNT: Final = and_(
    ledger_account.c.merchant_id == ledger_hold_leg.c.merchant_id,
    ledger_account.c.account_id == ledger_hold_leg.c.account_id,
)
_ON_BATCH: Final = and_(
    ledger_batch.c.merchant_id == ledger_hold.c.merchant_id, ledger_batch.c.batch_id == ledger_hold.c.hold_id
)


async def _read(unit: Unit, conditions: list[Any], limit: int, offset: int) -> tuple[HoldRow, ...]:
    rows = await unit.all(
        select(ledger_hold, ledger_batch)
        .join(ledger_batch, _ON_BATCH)
        .where(*conditions)
        .order_by(ledger_hold.c.hold_id)
        .limit(limit)
        .offset(offset)
    )
    legs = await unit.all(
        select(ledger_hold_leg, ledger_account.c.path)
        .select_from(ledger_hold_leg.join(ledger_account, _ON_ACCOUNT))
        .where(ledger_hold_leg.c.merchant_id == unit.merchant_id)
        .where(ledger_hold_leg.c.hold_id.in_([row.hold_id for row in rows]))
        .order_by(ledger_hold_leg.c.hold_id, ledger_hold_leg.c.leg_no)
    )
    by_hold: dict[UUID, list[Leg]] = {}
    for leg in legs:
        by_hold.setdefault(leg.hold_id, []).append(Leg(leg.path, Money(leg.amount_minor, leg.currency)))
    return tuple(
        HoldRow(
            hold_id=row.hold_id,
            key=row.idempotency_key,
            state=HoldState(row.state),
            subject_kind=row.subject_kind,
            subject_id=row.subject_id,
            held_at=row.recorded_at,
            expires_at=row.expires_at,
            resolved_at=row.resolved_at,
            legs=tuple(by_hold.get(row.hold_id, ())),
        )
        for row in rows
    )
