"""Reads of commissions: what a party earned, has to come and got, and which orders it came from."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Row, and_, case, func, or_, select

from hutong.core.money import Money
from hutong.db.unit import Unit
from hutong.ledger.commission_states import CommissionState
from hutong.ledger.models import party
from hutong.ledger.split_models import commission, commission_move

PAGE_ROWS_MAX: Final = 200
CURRENCIES_MAX: Final = 20
PARTIES_MAX: Final = 1_000
MOVES_MAX: Final = 200


class CommissionTotals(msgspec.Struct, frozen=True, kw_only=True):
    """A party's commissions in one currency, net of claw-backs; no sum contains another.

    ``estimated``: inside the return window. ``confirmed``: due, and on its way through the wallet. ``outside``: due,
    and not carried by the wallet. ``settled``: paid, by wallet or outside. ``reversed``: clawed back by refunds.
    ``owed_back``: paid, and clawed back since; the next payment is smaller by it.
    """

    currency: str
    estimated: Money
    confirmed: Money
    outside: Money
    settled: Money
    reversed: Money
    owed_back: Money

    @property
    def due(self) -> Money:
        """What is sure and not paid yet, whichever way it will go."""
        return self.confirmed + self.outside

    @property
    def payable_outside(self) -> Money:
        """What may be paid outside the wallet now: what stands there, less what the party owes back."""
        return Money(max(0, self.outside.amount_minor - self.owed_back.amount_minor), self.currency)


class CommissionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One party's share of one order by one rule. ``owed`` is still to be paid (below zero: to be paid back)."""

    commission_id: UUID
    order_id: UUID
    party_id: UUID
    party_name: str
    rule_id: UUID
    level: int
    state: str
    gross: Money
    base: Money
    amount: Money
    reversed: Money
    settled: Money
    owed: Money
    channel_id: UUID | None
    platform: str
    outside_reason: str | None
    paid_at: datetime
    due_at: datetime
    confirmed_at: datetime | None
    settled_at: datetime | None


class CommissionSlice(msgspec.Struct, frozen=True, kw_only=True):
    """A page of commissions and how many there are in all."""

    rows: tuple[CommissionRow, ...]
    total: int


class MoveRow(msgspec.Struct, frozen=True, kw_only=True):
    """A payment of a commission, or money taken back: shared, outside, netted, taken_back."""

    kind: str
    amount_minor: int
    reference: str
    moved_at: datetime


def owed_minor() -> ColumnElement[int]:
    """What is still to be paid of a commission; below zero the party owes it back."""
    return commission.c.amount_minor - commission.c.reversed_minor - commission.c.settled_minor


def is_outside() -> ColumnElement[bool]:
    """Whether what is owed of a due commission stands outside the wallet."""
    due = commission.c.state.in_([CommissionState.CONFIRMED.value, CommissionState.SETTLED.value])
    return and_(
        due,
        owed_minor() > 0,
        or_(commission.c.outside_reason.is_not(None), commission.c.state == CommissionState.SETTLED.value),
    )


async def commission_totals(unit: Unit, party_id: UUID) -> tuple[CommissionTotals, ...]:
    """A party's sums, one row for each currency it earned in."""
    rows = await unit.all(
        _totals(commission.c.currency)
        .where(commission.c.merchant_id == unit.merchant_id, commission.c.party_id == party_id)
        .group_by(commission.c.currency)
        .order_by(commission.c.currency)
        .limit(CURRENCIES_MAX)
    )
    return tuple(_totals_of(row) for row in rows)


async def totals_by_party(unit: Unit) -> dict[UUID, tuple[CommissionTotals, ...]]:
    """Every party's sums, for a list of parties."""
    rows = await unit.all(
        _totals(commission.c.party_id, commission.c.currency)
        .where(commission.c.merchant_id == unit.merchant_id)
        .group_by(commission.c.party_id, commission.c.currency)
        .order_by(commission.c.party_id, commission.c.currency)
        .limit(PARTIES_MAX)
    )
    found: dict[UUID, tuple[CommissionTotals, ...]] = {}
    for row in rows:
        found[row.party_id] = (*found.get(row.party_id, ()), _totals_of(row))
    return found


async def commissions_of(
    unit: Unit,
    party_id: UUID | None = None,
    *,
    state: str = "",
    order_id: UUID | None = None,
    outside_only: bool = False,
    start: datetime | None = None,
    end: datetime | None = None,
    limit: int,
    offset: int = 0,
) -> CommissionSlice:
    """Commissions, the latest sale first; of one party, order, state or period (``[start, end)`` of the sale)."""
    conditions: list[ColumnElement[bool]] = [commission.c.merchant_id == unit.merchant_id]
    if party_id is not None:
        conditions.append(commission.c.party_id == party_id)
    if order_id is not None:
        conditions.append(commission.c.order_id == order_id)
    if state:
        conditions.append(commission.c.state == state)
    if outside_only:
        conditions.append(is_outside())
    if start is not None:
        conditions.append(commission.c.paid_at >= start)
    if end is not None:
        conditions.append(commission.c.paid_at < end)
    total = await unit.scalar(select(func.count()).select_from(commission).where(*conditions))
    page = (
        select(commission, party.c.name.label("party_name"), owed_minor().label("owed_minor"))
        .join(party, and_(party.c.merchant_id == commission.c.merchant_id, party.c.party_id == commission.c.party_id))
        .where(*conditions)
        .order_by(commission.c.paid_at.desc(), commission.c.commission_id.desc())
        .limit(min(limit, PAGE_ROWS_MAX))
        .offset(offset)
    )
    return CommissionSlice(rows=tuple(_row(row) for row in await unit.all(page)), total=int(total or 0))


async def moves_of(unit: Unit, commission_id: UUID) -> tuple[MoveRow, ...]:
    """How a commission was paid, and what of it was taken back, in order."""
    rows = await unit.all(
        select(commission_move)
        .where(commission_move.c.merchant_id == unit.merchant_id, commission_move.c.commission_id == commission_id)
        .order_by(commission_move.c.move_id)
        .limit(MOVES_MAX)
    )
    return tuple(
        MoveRow(kind=row.kind, amount_minor=row.amount_minor, reference=row.reference, moved_at=row.moved_at)
        for row in rows
    )


def _totals(*keys: ColumnElement[Any]) -> Any:  # noqa: ANN401 (a select with a typed row would need generated types)
    owed = owed_minor()
    net = commission.c.amount_minor - commission.c.reversed_minor
    waiting = and_(commission.c.state == CommissionState.CONFIRMED.value, commission.c.outside_reason.is_(None))

    def total(value: ColumnElement[int]) -> ColumnElement[int]:
        return func.coalesce(func.sum(value), 0)

    # law: allow tenant-in-statement because both callers name the merchant where they add their condition
    return select(
        *keys,
        total(case((commission.c.state == CommissionState.ESTIMATED.value, net), else_=0)).label("estimated"),
        total(case((and_(waiting, owed > 0), owed), else_=0)).label("confirmed"),
        total(case((is_outside(), owed), else_=0)).label("outside"),
        total(commission.c.settled_minor).label("settled"),
        total(commission.c.reversed_minor).label("reversed"),
        total(case((owed < 0, -owed), else_=0)).label("owed_back"),
    )


def _totals_of(row: Row[Any]) -> CommissionTotals:
    return CommissionTotals(
        currency=row.currency,
        estimated=Money(int(row.estimated), row.currency),
        confirmed=Money(int(row.confirmed), row.currency),
        outside=Money(int(row.outside), row.currency),
        settled=Money(int(row.settled), row.currency),
        reversed=Money(int(row.reversed), row.currency),
        owed_back=Money(int(row.owed_back), row.currency),
    )


def _row(row: Row[Any]) -> CommissionRow:
    return CommissionRow(
        commission_id=row.commission_id,
        order_id=row.order_id,
        party_id=row.party_id,
        party_name=row.party_name,
        rule_id=row.rule_id,
        level=row.level,
        state=row.state,
        gross=Money(row.gross_minor, row.currency),
        base=Money(row.base_minor, row.currency),
        amount=Money(row.amount_minor, row.currency),
        reversed=Money(row.reversed_minor, row.currency),
        settled=Money(row.settled_minor, row.currency),
        owed=Money(row.owed_minor, row.currency),
        channel_id=row.channel_id,
        platform=row.platform,
        outside_reason=row.outside_reason,
        paid_at=row.paid_at,
        due_at=row.due_at,
        confirmed_at=row.confirmed_at,
        settled_at=row.settled_at,
    )
