"""Reads for pages about bills: days at a glance, one day, and what differs in it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, Select, and_, case, func, select

from hutong.core.errors import NotFound
from hutong.core.money import Money
from hutong.db.unit import Unit
from hutong.payments.bill_matching import Verdict
from hutong.payments.bill_models import bill, bill_difference
from hutong.payments.bill_states import DifferenceState

PAGE_ROWS_MAX: Final = 500


class BillDay(msgspec.Struct, frozen=True, kw_only=True):
    """The bill of one account and day. ``off``: what its open differences are about, added up without signs."""

    connection_id: UUID
    platform: str
    day: date
    state: str
    tries_count: int
    problem: str
    rows_count: int
    matched_count: int
    awaited_count: int
    traded: Money
    refunded: Money
    fees: Money
    read_at: datetime | None
    open_count: int
    ended_count: int
    off: Money

    @property
    def agrees(self) -> bool:
        """Whether the bill was read and nothing of it stands open."""
        return self.read_at is not None and not self.open_count and not self.awaited_count


class DayFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What a list of days is narrowed to."""

    connection_id: UUID | None = None
    first: date | None = None
    last: date | None = None
    only_open: bool = False


class DaySlice(msgspec.Struct, frozen=True, kw_only=True):
    """A page of days and how many there are in all."""

    rows: tuple[BillDay, ...]
    total: int


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Something that bill and hub say differently; amounts, or fees where the fee differs."""

    difference_id: UUID
    connection_id: UUID
    day: date
    kind: str
    row_kind: str
    number: str
    wallet_no: str
    payment_id: UUID | None
    ours: Money | None
    told: Money | None
    state: str
    note: str
    actor: str
    opened_at: datetime
    ended_at: datetime | None


class DifferenceSlice(msgspec.Struct, frozen=True, kw_only=True):
    """A page of differences and how many there are in all."""

    rows: tuple[Difference, ...]
    total: int


async def bill_days(unit: Unit, wanted: DayFilter | None = None, *, limit: int, offset: int) -> DaySlice:
    """Days, the latest first, each with all its accounts."""
    conditions = _conditions(unit, wanted or DayFilter())
    counted = _days(unit).where(*conditions).subquery()
    total = await unit.scalar(select(func.count()).select_from(counted))
    statement = _days(unit).where(*conditions).order_by(bill.c.day.desc(), bill.c.connection_id)
    rows = await unit.all(statement.limit(min(limit, PAGE_ROWS_MAX)).offset(offset))
    return DaySlice(rows=tuple(_day(row) for row in rows), total=int(total or 0))


async def one_day(unit: Unit, connection_id: UUID, day: date) -> BillDay:
    """One account's day.

    Raises:
        NotFound: it was never waited for, or is not this merchant's.
    """
    row = await unit.one(_days(unit).where(bill.c.connection_id == connection_id, bill.c.day == day))
    if row is None:
        raise NotFound(what="bill", key=f"{connection_id}/{day}")
    return _day(row)


async def differences(
    unit: Unit, connection_id: UUID, day: date, state: str = "", *, limit: int, offset: int
) -> DifferenceSlice:
    """What differs on one account's day: open ones first."""
    conditions = [
        bill_difference.c.merchant_id == unit.merchant_id,
        bill_difference.c.connection_id == connection_id,
        bill_difference.c.day == day,
    ]
    if state:
        conditions.append(bill_difference.c.state == state)
    total = await unit.scalar(select(func.count()).select_from(bill_difference).where(*conditions))
    is_ended = case((bill_difference.c.state == DifferenceState.OPEN.value, 0), else_=1)
    statement = (
        select(bill_difference)
        .where(*conditions)
        .order_by(is_ended, bill_difference.c.kind, bill_difference.c.number, bill_difference.c.difference_id)
        .limit(min(limit, PAGE_ROWS_MAX))
        .offset(offset)
    )
    return DifferenceSlice(rows=tuple(_difference(row) for row in await unit.all(statement)), total=int(total or 0))


async def open_kinds(unit: Unit, connection_id: UUID, day: date) -> dict[str, int]:
    """How many differences of each kind stand open on one account's day."""
    statement = (
        select(bill_difference.c.kind, func.count().label("kind_count"))
        .where(
            bill_difference.c.merchant_id == unit.merchant_id,
            bill_difference.c.connection_id == connection_id,
            bill_difference.c.day == day,
            bill_difference.c.state == DifferenceState.OPEN.value,
        )
        .group_by(bill_difference.c.kind)
        .order_by(bill_difference.c.kind)
        .limit(len(Verdict))
    )
    return {row.kind: int(row.kind_count) for row in await unit.all(statement)}


def _days(unit: Unit) -> Select[Any]:
    """Days with their differences counted; a merchant's differences are few beside his rows."""
    is_open = bill_difference.c.state == DifferenceState.OPEN.value
    off = func.abs(func.coalesce(bill_difference.c.bill_minor, 0) - func.coalesce(bill_difference.c.ours_minor, 0))
    counted = (
        select(
            bill_difference.c.connection_id,
            bill_difference.c.day,
            func.count().filter(is_open).label("open_count"),
            func.count().filter(~is_open).label("ended_count"),
            func.coalesce(func.sum(off).filter(is_open), 0).label("off_minor"),
        )
        .where(bill_difference.c.merchant_id == unit.merchant_id)
        .group_by(bill_difference.c.connection_id, bill_difference.c.day)
        .subquery("counted")
    )
    same = and_(counted.c.connection_id == bill.c.connection_id, counted.c.day == bill.c.day)
    return (
        select(bill, counted.c.open_count, counted.c.ended_count, counted.c.off_minor)
        .join(counted, same, isouter=True)
        .where(bill.c.merchant_id == unit.merchant_id)
    )


def _conditions(unit: Unit, wanted: DayFilter) -> list[Any]:
    conditions: list[Any] = [bill.c.merchant_id == unit.merchant_id]
    if wanted.connection_id is not None:
        conditions.append(bill.c.connection_id == wanted.connection_id)
    if wanted.first is not None:
        conditions.append(bill.c.day >= wanted.first)
    if wanted.last is not None:
        conditions.append(bill.c.day <= wanted.last)
    if wanted.only_open:
        conditions.append(
            select(bill_difference.c.difference_id)
            .where(
                bill_difference.c.merchant_id == unit.merchant_id,
                bill_difference.c.connection_id == bill.c.connection_id,
                bill_difference.c.day == bill.c.day,
                bill_difference.c.state == DifferenceState.OPEN.value,
            )
            .correlate(bill)
            .exists()
        )
    return conditions


def _day(row: Row[Any]) -> BillDay:
    return BillDay(
        connection_id=row.connection_id,
        platform=row.platform,
        day=row.day,
        state=row.state,
        tries_count=row.tries_count,
        problem=row.problem or "",
        rows_count=row.rows_count,
        matched_count=row.matched_count,
        awaited_count=row.awaited_count,
        traded=Money(row.traded_minor, row.currency),
        refunded=Money(row.refunded_minor, row.currency),
        fees=Money(row.fees_minor, row.currency),
        read_at=row.read_at,
        open_count=int(row.open_count or 0),
        ended_count=int(row.ended_count or 0),
        off=Money(int(row.off_minor or 0), row.currency),
    )


def _difference(row: Row[Any]) -> Difference:
    def money(amount_minor: int | None) -> Money | None:
        return None if amount_minor is None else Money(amount_minor, row.currency)

    return Difference(
        difference_id=row.difference_id,
        connection_id=row.connection_id,
        day=row.day,
        kind=row.kind,
        row_kind=row.row_kind,
        number=row.number,
        wallet_no=row.wallet_no,
        payment_id=row.payment_id,
        ours=money(row.ours_minor),
        told=money(row.bill_minor),
        state=row.state,
        note=row.note,
        actor=row.actor,
        opened_at=row.opened_at,
        ended_at=row.ended_at,
    )
