"""Taking facts: each order once, each refund as the new total, in whatever order and however often they arrive."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select, update

from hutong.analytics.models import sale_fact, sale_line_fact
from hutong.core.errors import CurrencyMismatch, NotFound
from hutong.core.money import Money
from hutong.db.bulk import insert_rows
from hutong.db.unit import Unit


class SaleLine(msgspec.Struct, frozen=True, kw_only=True):
    """What was sold in one line, in the currency of its sale."""

    title: str
    quantity: int
    amount_minor: int
    sku_id: UUID | None = None


class Sale(msgspec.Struct, frozen=True, kw_only=True):
    """A paid order. ``is_refund``: a return document without its sale; ``gross`` is 0 then and ``refunded`` counts."""

    order_id: UUID
    source: str
    gross: Money
    paid_at: datetime
    lines: tuple[SaleLine, ...]
    channel_id: UUID | None = None
    link_id: UUID | None = None
    click_id: UUID | None = None
    container: str = ""
    customer_id: UUID | None = None
    refunded_minor: int = 0
    is_refund: bool = False


async def record_sale(unit: Unit, sale: Sale) -> bool:
    """Take a paid order; False when it was taken before."""
    return await record_sales_many(unit, [sale]) == 1


async def record_sales_many(unit: Unit, sales: Sequence[Sale]) -> int:
    """Take many paid orders with two statements; those taken before are left alone. How many were new."""
    by_id = {sale.order_id: sale for sale in sales}
    if not by_id:
        return 0
    chosen = [by_id[order_id] for order_id in sorted(by_id)]
    columns: dict[str, list[Any]] = {
        "order_id": [sale.order_id for sale in chosen],
        "source": [sale.source for sale in chosen],
        "channel_id": [sale.channel_id for sale in chosen],
        "link_id": [sale.link_id for sale in chosen],
        "click_id": [sale.click_id for sale in chosen],
        "container": [sale.container for sale in chosen],
        "customer_id": [sale.customer_id for sale in chosen],
        "is_refund": [sale.is_refund for sale in chosen],
        "gross_minor": [0 if sale.is_refund else sale.gross.amount_minor for sale in chosen],
        "refunded_minor": [sale.refunded_minor for sale in chosen],
        "currency": [sale.gross.currency for sale in chosen],
        "paid_at": [sale.paid_at for sale in chosen],
    }
    fresh = await insert_rows(unit, sale_fact, columns, once=True, returning=("order_id",))
    await _record_lines(unit, [by_id[row.order_id] for row in fresh])
    return len(fresh)


async def record_refund(unit: Unit, order_id: UUID, refunded_total: Money) -> bool:
    """Take over what of an order went back in all (not only this time); False when as much was known before.

    Raises:
        NotFound: the sale has not been taken yet; the caller tries again later.
        CurrencyMismatch: the sale is of another currency.
    """
    here = (sale_fact.c.merchant_id == unit.merchant_id, sale_fact.c.order_id == order_id)
    row = await unit.one(select(sale_fact.c.currency, sale_fact.c.refunded_minor).where(*here).with_for_update())
    if row is None:
        raise NotFound(what="sale_fact", key=str(order_id))
    if row.currency != refunded_total.currency:
        raise CurrencyMismatch(left=row.currency, right=refunded_total.currency)
    if refunded_total.amount_minor <= row.refunded_minor:
        return False
    await unit.run(update(sale_fact).where(*here).values(refunded_minor=refunded_total.amount_minor))
    return True


async def _record_lines(unit: Unit, sales: Sequence[Sale]) -> None:
    lines = [(sale, no, line) for sale in sales for no, line in enumerate(sale.lines, start=1)]
    if not lines:
        return
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
