"""Reads of the traffic pool, a page at a time; names are masked, identities are never shown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import func, select

from hutong.core.errors import NotFound
from hutong.core.money import Money
from hutong.customers.models import customer, customer_order, customer_total, identity
from hutong.db.unit import Unit

PAGE_ROWS_MAX: Final = 200
#: Identities or currencies of a page of customers.
DETAILS_MAX: Final = PAGE_ROWS_MAX * 50


class CustomerMoney(msgspec.Struct, frozen=True, kw_only=True):
    """What a customer bought in one currency."""

    orders_count: int
    spent: Money
    refunded: Money


class CustomerRow(msgspec.Struct, frozen=True, kw_only=True):
    """A customer as a row. ``identity_kinds`` say on which platforms we know the person, not under which id."""

    customer_id: UUID
    name_masked: str
    identity_kinds: tuple[str, ...]
    first_seen_at: datetime
    last_seen_at: datetime
    money: tuple[CustomerMoney, ...]


class CustomerSlice(msgspec.Struct, frozen=True, kw_only=True):
    """A page of customers and how many there are in all."""

    rows: tuple[CustomerRow, ...]
    total: int


class CustomerOrderRow(msgspec.Struct, frozen=True, kw_only=True):
    """An order of a customer."""

    order_id: UUID
    amount: Money
    refunded: Money
    is_refund: bool
    ordered_at: datetime


async def customers_page(unit: Unit, *, limit: int, offset: int) -> CustomerSlice:
    """Customers, those seen last first."""
    mine = customer.c.merchant_id == unit.merchant_id
    total = await unit.scalar(select(func.count()).select_from(customer).where(mine))
    statement = (
        select(customer)
        .where(mine)
        .order_by(customer.c.last_seen_at.desc(), customer.c.customer_id)
        .limit(min(limit, PAGE_ROWS_MAX))
        .offset(offset)
    )
    rows = await unit.all(statement)
    ids = [row.customer_id for row in rows]
    kinds, money = await _kinds(unit, ids), await _money(unit, ids)
    return CustomerSlice(
        rows=tuple(
            CustomerRow(
                customer_id=row.customer_id,
                name_masked=row.name_masked,
                identity_kinds=kinds.get(row.customer_id, ()),
                first_seen_at=row.first_seen_at,
                last_seen_at=row.last_seen_at,
                money=money.get(row.customer_id, ()),
            )
            for row in rows
        ),
        total=int(total or 0),
    )


async def orders_of(unit: Unit, customer_id: UUID, *, limit: int, offset: int = 0) -> tuple[CustomerOrderRow, ...]:
    """A customer's orders, the latest first.

    Raises:
        NotFound: no such customer.
    """
    known = select(func.count()).where(
        customer.c.merchant_id == unit.merchant_id, customer.c.customer_id == customer_id
    )
    if not await unit.scalar(known):
        raise NotFound(what="customer", key=str(customer_id))
    statement = (
        select(customer_order)
        .where(customer_order.c.merchant_id == unit.merchant_id, customer_order.c.customer_id == customer_id)
        .order_by(customer_order.c.ordered_at.desc(), customer_order.c.order_id)
        .limit(min(limit, PAGE_ROWS_MAX))
        .offset(offset)
    )
    return tuple(
        CustomerOrderRow(
            order_id=row.order_id,
            amount=Money(row.amount_minor, row.currency),
            refunded=Money(row.refunded_minor, row.currency),
            is_refund=row.is_refund,
            ordered_at=row.ordered_at,
        )
        for row in await unit.all(statement)
    )


async def _kinds(unit: Unit, ids: Sequence[UUID]) -> dict[UUID, tuple[str, ...]]:
    if not ids:
        return {}
    statement = (
        select(identity.c.customer_id, identity.c.kind)
        .where(identity.c.merchant_id == unit.merchant_id, identity.c.customer_id.in_(ids))
        .distinct()
        .order_by(identity.c.customer_id, identity.c.kind)
        .limit(DETAILS_MAX)
    )
    found: dict[UUID, tuple[str, ...]] = {}
    for row in await unit.all(statement):
        found[row.customer_id] = (*found.get(row.customer_id, ()), row.kind)
    return found


async def _money(unit: Unit, ids: Sequence[UUID]) -> dict[UUID, tuple[CustomerMoney, ...]]:
    if not ids:
        return {}
    statement = (
        select(customer_total)
        .where(customer_total.c.merchant_id == unit.merchant_id, customer_total.c.customer_id.in_(ids))
        .order_by(customer_total.c.customer_id, customer_total.c.currency)
        .limit(DETAILS_MAX)
    )
    found: dict[UUID, tuple[CustomerMoney, ...]] = {}
    for row in await unit.all(statement):
        entry = CustomerMoney(
            orders_count=row.orders_count,
            spent=Money(row.spent_minor, row.currency),
            refunded=Money(row.refunded_minor, row.currency),
        )
        found[row.customer_id] = (*found.get(row.customer_id, ()), entry)
    return found
