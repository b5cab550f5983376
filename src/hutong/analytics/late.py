"""Facts that arrive in pieces: lines, sums and customers of sales that are known already (imports of files)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update

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
                customer_id=func.coalesce(sale_fact.c.customer_id, given.c.customer_id),
            )
        )
    await _add_lines(unit, [sale for sale in chosen if sale.lines])


async def _add_lines(unit: Unit, sales: Sequence[Sale]) -> None:
    if not sales:
        return
    last = await _last_line_nos(unit, [sale.order_id for sale in sales])
    lines = [
        (sale, last.get(sale.order_id, 0) + place, line)
        for sale in sales
        for place, line in enumerate(sale.lines, start=1)
    ]
    columns: dict[str, list[Any]] = {
        "order_id": [sale.order_id for sale, _, _ in lines],
        "line_no": [no for _, no, _ in lines],
        "sku_id": [line.sku_id for _, _, line in lines],
        "title": [line.title for _, _, line in lines],
        "quantity": [line.quantity for _, _, line in lines],
        "amount_minor": [line.amount_minor for _, _, line in lines],
        "currency": [sale.gross.currency for sale, _, _ in lines],
        "paid_at": [sale.paid_at for sale, _, _ in lines],
    }
    await insert_rows(unit, sale_line_fact, columns)


async def _last_line_nos(unit: Unit, order_ids: Sequence[UUID]) -> dict[UUID, int]:
    found: dict[UUID, int] = {}
    for piece in slices({"order_id": order_ids}):
        given = rows_of(sale_line_fact, piece)
        statement = (
            select(sale_line_fact.c.order_id, func.max(sale_line_fact.c.line_no).label("line_no"))
            .join(given, sale_line_fact.c.order_id == given.c.order_id)
            .where(sale_line_fact.c.merchant_id == unit.merchant_id)
            .group_by(sale_line_fact.c.order_id)
        )
        found.update({row.order_id: row.line_no for row in await unit.all(statement)})
    return found
