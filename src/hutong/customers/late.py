"""Sums of counted orders that turn out larger: lists that were cut inside an order, or a platform's later word."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update

from hutong.customers.models import customer_order
from hutong.customers.totals import CustomerOrder, fold
from hutong.db.bulk import rows_of, slices
from hutong.db.unit import Unit


async def grow_orders(unit: Unit, orders: Sequence[CustomerOrder]) -> None:
    """Set the sums of counted orders; the customers' totals follow by the difference."""
    wanted = {order.order_id: order for order in orders if not order.is_refund}
    if not wanted:
        return
    columns: dict[str, list[Any]] = {
        "order_id": sorted(wanted),
        "amount_minor": [wanted[order_id].amount.amount_minor for order_id in sorted(wanted)],
    }
    steps: dict[tuple[UUID, str], list[int]] = {}
    for piece in slices(columns):
        given = rows_of(customer_order, piece)
        differs = (
            (customer_order.c.merchant_id == unit.merchant_id)
            & (customer_order.c.order_id == given.c.order_id)
            & (customer_order.c.amount_minor != given.c.amount_minor)
        )
        before = (
            select(customer_order)
            .add_columns(given.c.amount_minor.label("now_minor"))
            .where(differs)
            .order_by(customer_order.c.order_id)
            .with_for_update(of=customer_order)
        )
        for row in await unit.all(before):
            step = steps.setdefault((row.customer_id, row.currency), [0, 0, 0])
            step[1] += row.now_minor - row.amount_minor
            step[2] += min(row.refunded_minor, row.now_minor) - row.refunded_minor
        values = {
            "amount_minor": given.c.amount_minor,
            "refunded_minor": func.least(customer_order.c.refunded_minor, given.c.amount_minor),
        }
        await unit.run(update(customer_order).where(differs).values(values))
    await fold(unit, steps)
