"""When goods were ordered at a shop, and how the shop numbers them: what ties of orders are inferred from."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import ARRAY, Text, and_, any_, literal, select

from hutong.db.unit import Unit
from hutong.shops.models import listing, order_line, sales_order

LISTINGS_MAX: Final = 200
PLACEMENTS_MAX: Final = 5_000


class Placement(msgspec.Struct, frozen=True):
    """An order and when it was placed."""

    order_id: UUID
    placed_at: datetime


class OrderRef(msgspec.Struct, frozen=True, kw_only=True):
    """An order by its number."""

    order_id: UUID
    order_no: str
    placed_at: datetime
    is_paid: bool


class GoodsSold(msgspec.Struct, frozen=True, kw_only=True):
    """The goods of a paid order at a shop. ``source``: the shop's platform."""

    order_id: UUID
    source: str
    connection_id: UUID
    placed_at: datetime
    sku_ids: frozenset[UUID]


async def goods_sold(unit: Unit, order_ids: Collection[UUID]) -> list[GoodsSold]:
    """The goods of those of these orders that a connected shop sold and that are paid."""
    if not order_ids:
        return []
    order, line = sales_order.c, order_line.c
    statement = (
        select(order.order_id, order.source, order.connection_id, order.placed_at, line.sku_id)
        .join(order_line, and_(line.merchant_id == order.merchant_id, line.order_id == order.order_id))
        .where(
            order.merchant_id == unit.merchant_id,
            order.order_id.in_(order_ids),
            order.connection_id.is_not(None),
            order.paid_at.is_not(None),
            line.sku_id.is_not(None),
        )
    )
    found: dict[UUID, GoodsSold] = {}
    for row in await unit.all(statement.limit(PLACEMENTS_MAX)):
        known = found.get(row.order_id)
        found[row.order_id] = GoodsSold(
            order_id=row.order_id,
            source=row.source,
            connection_id=row.connection_id,
            placed_at=row.placed_at,
            sku_ids=frozenset({row.sku_id}) | (known.sku_ids if known else frozenset()),
        )
    return list(found.values())


async def numbers_of_goods(unit: Unit, connection_id: UUID, sku_ids: Collection[UUID]) -> list[str]:
    """The numbers under which a shop lists these goods."""
    statement = select(listing.c.platform_listing_id).where(
        listing.c.merchant_id == unit.merchant_id,
        listing.c.connection_id == connection_id,
        listing.c.sku_id.in_(sku_ids),
    )
    rows = await unit.all(statement.distinct().order_by(listing.c.platform_listing_id).limit(LISTINGS_MAX))
    return [row.platform_listing_id for row in rows]


async def placements(
    unit: Unit, connection_id: UUID, sku_ids: Collection[UUID], since: datetime, until: datetime
) -> list[Placement]:
    """Paid orders of these goods at a shop, ``until`` too, in order of time; the latest where there are too many."""
    order, line = sales_order.c, order_line.c
    statement = (
        select(order.order_id, order.placed_at)
        .join(order_line, and_(line.merchant_id == order.merchant_id, line.order_id == order.order_id))
        .where(
            order.merchant_id == unit.merchant_id,
            order.connection_id == connection_id,
            order.placed_at.between(since, until),
            order.paid_at.is_not(None),
            line.sku_id.in_(sku_ids),
        )
        .distinct()
        .order_by(order.placed_at.desc(), order.order_id)
        .limit(PLACEMENTS_MAX)
    )
    return [Placement(row.order_id, row.placed_at) for row in reversed(await unit.all(statement))]


async def orders_by_number(unit: Unit, source: str, numbers: Collection[str]) -> dict[str, OrderRef]:
    """A source's orders by their numbers; unknown ones are missing, and of a number in two shops the later order."""
    order = sales_order.c
    wanted = order.order_no == any_(literal(list(numbers), ARRAY(Text)))
    statement = (
        select(order.order_id, order.order_no, order.placed_at, order.paid_at)
        .where(order.merchant_id == unit.merchant_id, order.source == source, wanted)
        .order_by(order.created_at)
    )
    rows = await unit.all(statement.limit(PLACEMENTS_MAX))
    return {
        row.order_no: OrderRef(
            order_id=row.order_id, order_no=row.order_no, placed_at=row.placed_at, is_paid=row.paid_at is not None
        )
        for row in rows
    }
