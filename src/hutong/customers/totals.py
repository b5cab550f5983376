"""What customers bought: a journal of their orders and the totals it folds to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import literal, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from hutong.core.errors import CurrencyMismatch, NotFound
from hutong.core.money import Money
from hutong.customers.models import customer_order, customer_total
from hutong.db.bulk import insert_rows, rows_of, slices
from hutong.db.unit import Unit


class CustomerOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A paid order of a customer. ``is_refund``: a return document without its sale; only ``refunded`` counts then."""

    order_id: UUID
    customer_id: UUID
    amount: Money
    at: datetime
    refunded: Money | None = None
    is_refund: bool = False


async def add_orders(unit: Unit, orders: Sequence[CustomerOrder]) -> int:
    """Count orders that were not counted before; how many these were."""
    by_id = {order.order_id: order for order in orders}
    if not by_id:
        return 0
    chosen = [by_id[order_id] for order_id in sorted(by_id)]
    columns: dict[str, list[Any]] = {
        "order_id": [order.order_id for order in chosen],
        "customer_id": [order.customer_id for order in chosen],
        "amount_minor": [0 if order.is_refund else order.amount.amount_minor for order in chosen],
        "refunded_minor": [_refunded_minor(order) for order in chosen],
        "currency": [order.amount.currency for order in chosen],
        "is_refund": [order.is_refund for order in chosen],
        "ordered_at": [order.at for order in chosen],
    }
    returning = ("customer_id", "currency", "amount_minor", "refunded_minor", "is_refund")
    fresh = await insert_rows(unit, customer_order, columns, once=True, returning=returning)
    steps: dict[tuple[UUID, str], list[int]] = {}
    for row in fresh:
        step = steps.setdefault((row.customer_id, row.currency), [0, 0, 0])
        step[0] += 0 if row.is_refund else 1
        step[1] += row.amount_minor
        step[2] += row.refunded_minor
    await fold(unit, steps)
    return len(fresh)


async def refund_order(unit: Unit, customer_id: UUID, order_id: UUID, refunded_total: Money) -> bool:
    """Raise what was refunded of an order to a new total; False when as much was known before.

    Raises:
        NotFound: the order has not been counted yet (try again later).
        CurrencyMismatch: the order is of another currency.
    """
    here = (
        customer_order.c.merchant_id == unit.merchant_id,
        customer_order.c.customer_id == customer_id,
        customer_order.c.order_id == order_id,
    )
    row = await unit.one(select(customer_order).where(*here).with_for_update())
    if row is None:
        raise NotFound(what="customer_order", key=str(order_id))
    if row.currency != refunded_total.currency:
        raise CurrencyMismatch(left=row.currency, right=refunded_total.currency)
    step_minor = refunded_total.amount_minor - row.refunded_minor
    if step_minor <= 0:
        return False
    await unit.run(update(customer_order).where(*here).values(refunded_minor=refunded_total.amount_minor))
    await fold(unit, {(customer_id, row.currency): [0, 0, step_minor]})
    return True


def _refunded_minor(order: CustomerOrder) -> int:
    if order.refunded is None:
        return 0
    if order.refunded.currency != order.amount.currency:
        raise CurrencyMismatch(left=order.amount.currency, right=order.refunded.currency)
    return order.refunded.amount_minor


async def fold(unit: Unit, steps: dict[tuple[UUID, str], list[int]]) -> None:
    """Add to the totals, one row each, in key order."""
    if not steps:
        return
    keys = sorted(steps)
    columns: dict[str, list[Any]] = {
        "customer_id": [customer_id for customer_id, _ in keys],
        "currency": [currency for _, currency in keys],
        "orders_count": [steps[key][0] for key in keys],
        "spent_minor": [steps[key][1] for key in keys],
        "refunded_minor": [steps[key][2] for key in keys],
    }
    for piece in slices(columns):
        given = rows_of(customer_total, piece)
        chosen = select(literal(unit.merchant_id, customer_total.c.merchant_id.type), *given.c)
        statement = upsert(customer_total).from_select(
            ["merchant_id", *piece], chosen.order_by(given.c.customer_id, given.c.currency)
        )
        await unit.run(
            statement.on_conflict_do_update(
                index_elements=["merchant_id", "customer_id", "currency"],
                set_={
                    name: customer_total.c[name] + statement.excluded[name]
                    for name in ("orders_count", "spent_minor", "refunded_minor")
                },
            )
        )
