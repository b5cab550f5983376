"""How orders are called, for the pages of other rooms: by id, and back from a number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import func, select

from hutong.db.unit import Unit
from hutong.shops.models import order_line, sales_order

NAMES_MAX: Final = 400
#: Several shops may use the same number.
SAME_NUMBER_MAX: Final = 50


class OrderName(msgspec.Struct, frozen=True, kw_only=True):
    """An order's number and the first thing in it."""

    order_no: str = ""
    title: str = ""


async def order_names(unit: Unit, order_ids: Sequence[UUID]) -> dict[UUID, OrderName]:
    """Orders by id; one that is not there is left out."""
    wanted = list(dict.fromkeys(order_ids))[:NAMES_MAX]
    if not wanted:
        return {}
    title = (
        select(func.min(order_line.c.title))
        .where(order_line.c.merchant_id == sales_order.c.merchant_id, order_line.c.order_id == sales_order.c.order_id)
        .correlate(sales_order)
        .scalar_subquery()
    )
    statement = select(sales_order.c.order_id, sales_order.c.order_no, title.label("title")).where(
        sales_order.c.merchant_id == unit.merchant_id, sales_order.c.order_id.in_(wanted)
    )
    rows = await unit.all(statement.limit(NAMES_MAX))
    return {row.order_id: OrderName(order_no=row.order_no, title=row.title or "") for row in rows}


async def orders_numbered(unit: Unit, order_no: str) -> tuple[UUID, ...]:
    """The orders that have exactly this number."""
    statement = select(sales_order.c.order_id).where(
        sales_order.c.merchant_id == unit.merchant_id, sales_order.c.order_no == order_no
    )
    return tuple(row.order_id for row in await unit.all(statement.limit(SAME_NUMBER_MAX)))
