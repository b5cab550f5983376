"""Facts that arrive in pieces: lines, sums and customers of sales that are known already (imports of files)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, case, func, select, update

from hutong.analytics.models import sale_fact, sale_line_fact
from hutong.analytics.service import Sale
from hutong.db.bulk import insert_rows, rows_of, slices
from hutong.db.unit import Unit


async def grow_sales(unit: Unit, sales: Sequence[Sale]) -> None:
    """Set the sum and the customer of known sales and add ``lines``, which must be new, after those they have."""
    if not sales:
        return
    chosen = sorted(sales, key=lambda sale: sale.order_id)
    columns: dict[str, list[Any]] = {
        "order_id": [sale.order_id for sale in chosen],
        "gross_minor": [sale.gross.amount_minor for sale in chosen],
        "customer_id": [sale.customer_id for sale in chosen],
    }
    for piece in slices(columns):
        given = rows_of(sale_fact, piece)
        await unit.run(
            update(sale_fact)
            .where(sale_fact.c.merchant_id == unit.merchant_id, sale_fact.c.order_id == given.c.order_id)
            .values(
                gross_minor=given.c.gross_minor,
                refunded_minor=case(
                    (sale_fact.c.is_refund, sale_fact.c.refunded_minor),
                    else_=func.least(sale_fact.c.refunded_minor, given.c.gross_minor),
                ),
                customer_id=func.coalesce(sale_fact.c.customer_id, given.c.customer_id),
            )
        )
    await _add_lines(unit, [sale for sale in chosen if sale.lines])


async def _add_lines(unit: Unit, sales: Sequence[Sale]) -> None:
    if not sales:
        return
    facts = await _facts(unit, [sale.order_id for sale in sales])
    lines = [
        (facts[sale.order_id], place, line)
        for sale in sales
        if sale.order_id in facts
        for place, line in enumerate(sale.lines, start=1)
    ]
    columns: dict[str, list[Any]] = {
        "order_id": [fact.order_id for fact, _, _ in lines],
        "line_no": [fact.last_line_no + place for fact, place, _ in lines],
        "sku_id": [line.sku_id for _, _, line in lines],
        "title": [line.title for _, _, line in lines],
        "quantity": [line.quantity for _, _, line in lines],
        "amount_minor": [line.amount_minor for _, _, line in lines],
        "currency": [fact.currency for fact, _, _ in lines],
        "paid_at": [fact.paid_at for fact, _, _ in lines],
    }
    await insert_rows(unit, sale_line_fact, columns)


async def _facts(unit: Unit, order_ids: Sequence[UUID]) -> dict[UUID, Row[Any]]:
    """What lines share with their sale, and how many lines it has."""
    found: dict[UUID, Row[Any]] = {}
    ours = (sale_line_fact.c.merchant_id == sale_fact.c.merchant_id) & (
        sale_line_fact.c.order_id == sale_fact.c.order_id
    )
    for piece in slices({"order_id": order_ids}):
        given = rows_of(sale_fact, piece)
        statement = (
            select(
                sale_fact.c.order_id,
                sale_fact.c.currency,
                sale_fact.c.paid_at,
                func.coalesce(func.max(sale_line_fact.c.line_no), 0).label("last_line_no"),
            )
            .select_from(
                sale_fact.join(given, sale_fact.c.order_id == given.c.order_id).outerjoin(sale_line_fact, ours)
            )
            .where(sale_fact.c.merchant_id == unit.merchant_id)
            .group_by(sale_fact.c.order_id, sale_fact.c.currency, sale_fact.c.paid_at)
        )
        found.update({row.order_id: row for row in await unit.all(statement)})
    return found
