"""Lines of imported orders: written many at a time, each key once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import and_, select, update

from hutong.db.bulk import insert_rows, rows_of, slices
from hutong.db.unit import Unit
from hutong.shops.file_orders import FileOrder, FileOrderLine
from hutong.shops.models import order_line, sku


async def insert_lines(
    unit: Unit, orders: Sequence[FileOrder], ids: Mapping[str, UUID], codes: Mapping[str, UUID]
) -> None:
    """The lines of orders that were just written, which therefore have none."""
    if lines := [(ids[order.order_no], line) for order in orders for line in order.lines]:
        await insert_rows(unit, order_line, _line_columns(lines, codes))


async def add_lines(
    unit: Unit, orders: Sequence[FileOrder], ids: Mapping[str, UUID], codes: Mapping[str, UUID]
) -> set[tuple[UUID, str]]:
    """Insert what is new of known orders; of the other lines the refund may rise. Returns the keys of the new ones."""
    lines = [(ids[order.order_no], line) for order in orders for line in order.lines]
    if not lines:
        return set()
    columns = _line_columns(lines, codes)
    rows = await insert_rows(unit, order_line, columns, once=True, returning=("order_id", "line_key"))
    new = {(row.order_id, row.line_key) for row in rows}
    await _raise_line_refunds(unit, [pair for pair in lines if (pair[0], pair[1].line_key) not in new])
    return new


def _line_columns(lines: Sequence[tuple[UUID, FileOrderLine]], codes: Mapping[str, UUID]) -> dict[str, list[Any]]:
    return {
        "order_id": [order_id for order_id, _ in lines],
        "line_key": [line.line_key for _, line in lines],
        "sku_id": [codes.get(line.seller_code) for _, line in lines],
        "seller_code": [line.seller_code for _, line in lines],
        "title": [line.title for _, line in lines],
        "variant": [line.variant for _, line in lines],
        "quantity": [line.quantity for _, line in lines],
        "unit_price": [line.unit_price for _, line in lines],
        "amount_minor": [line.amount_minor for _, line in lines],
        "refunded_minor": [line.refunded_minor for _, line in lines],
    }


async def _raise_line_refunds(unit: Unit, lines: Sequence[tuple[UUID, FileOrderLine]]) -> None:
    refunded = [(order_id, line) for order_id, line in lines if line.refunded_minor > 0]
    if not refunded:
        return
    columns: dict[str, list[Any]] = {
        "order_id": [order_id for order_id, _ in refunded],
        "line_key": [line.line_key for _, line in refunded],
        "refunded_minor": [line.refunded_minor for _, line in refunded],
    }
    for piece in slices(columns):
        given = rows_of(order_line, piece)
        await unit.run(
            update(order_line)
            .where(
                order_line.c.merchant_id == unit.merchant_id,
                order_line.c.order_id == given.c.order_id,
                order_line.c.line_key == given.c.line_key,
                order_line.c.refunded_minor < given.c.refunded_minor,
            )
            .values(refunded_minor=given.c.refunded_minor)
        )


async def sku_ids_of(unit: Unit, codes: Sequence[str]) -> dict[str, UUID]:
    """SKU ids by the seller's codes, for any number of codes."""
    found: dict[str, UUID] = {}
    if not codes:
        return found
    for piece in slices({"seller_code": codes}):
        given = rows_of(sku, piece)
        mine = and_(sku.c.merchant_id == unit.merchant_id, sku.c.seller_code == given.c.seller_code)
        found.update(
            {row.seller_code: row.sku_id for row in await unit.all(select(sku.c.seller_code, sku.c.sku_id).where(mine))}
        )
    return found


async def lines_of_orders(unit: Unit, order_ids: Sequence[UUID]) -> dict[UUID, tuple[FileOrderLine, ...]]:
    """All lines of some orders, as they are written down."""
    found: dict[UUID, list[FileOrderLine]] = {}
    if not order_ids:
        return {}
    for piece in slices({"order_id": sorted(order_ids)}):
        given = rows_of(order_line, piece)
        statement = (
            select(order_line)
            .join(given, order_line.c.order_id == given.c.order_id)
            .where(order_line.c.merchant_id == unit.merchant_id)
            .order_by(order_line.c.order_id, order_line.c.line_key)
        )
        for row in await unit.all(statement):
            line = FileOrderLine(
                line_key=row.line_key,
                seller_code=row.seller_code,
                title=row.title,
                variant=row.variant,
                quantity=row.quantity,
                unit_price=row.unit_price,
                amount_minor=row.amount_minor,
                refunded_minor=row.refunded_minor,
            )
            found.setdefault(row.order_id, []).append(line)
    return {order_id: tuple(lines) for order_id, lines in found.items()}
