"""Reads for the order desk and the stock page: one merchant, one page at a time, no change of anything."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, Select, and_, case, func, or_, select

from hutong.core.errors import NotFound
from hutong.core.money import Money
from hutong.db.unit import Unit
from hutong.shops.models import import_run, listing, order_line, product, sales_order, sku, stock, stock_move

PAGE_ROWS_MAX: Final = 200
LINES_MAX: Final = 500
SEARCH_CHARS_MAX: Final = 64
CHOICES_MAX: Final = 500
IMPORTS_MAX: Final = 50


class OrderFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What the desk narrows orders by; empty means all."""

    source: str = ""
    state: str = ""
    search: str = ""  # start of an order number
    only_short: bool = False
    channel_id: UUID | None = None


class OrderSummary(msgspec.Struct, frozen=True, kw_only=True):
    """An order as a row of the desk. ``quantity`` and ``first_title`` come from its lines."""

    order_id: UUID
    order_no: str
    source: str
    origin: str
    state: str
    raw_status: str
    is_refund: bool
    is_short: bool
    total: Money
    paid: Money
    refunded: Money
    freight: Money
    placed_at: datetime
    paid_at: datetime | None
    channel_id: UUID | None
    link_id: UUID | None
    click_id: UUID | None
    customer_id: UUID | None
    container: str
    first_title: str
    lines_count: int
    quantity: int


class OrderSlice(msgspec.Struct, frozen=True, kw_only=True):
    """A page of orders and how many there are in all."""

    rows: tuple[OrderSummary, ...]
    total: int


class OrderLineRow(msgspec.Struct, frozen=True, kw_only=True):
    """A line of an order. ``unit_price`` is in major units and may be finer than a minor one."""

    title: str
    variant: str
    seller_code: str
    quantity: int
    short_quantity: int
    unit_price: Decimal
    amount: Money
    refunded: Money


class OrderDetail(msgspec.Struct, frozen=True, kw_only=True):
    """An order with its lines; ``lines_left_out`` tells how many a very long order hides."""

    order: OrderSummary
    lines: tuple[OrderLineRow, ...]
    lines_left_out: int


class ListingRow(msgspec.Struct, frozen=True, kw_only=True):
    """Where a SKU is listed and the last figure that was published there."""

    platform: str
    platform_listing_id: str
    pushed_quantity: int | None
    pushed_at: datetime | None


class StockRow(msgspec.Struct, frozen=True, kw_only=True):
    """The stock of a SKU."""

    sku_id: UUID
    seller_code: str
    title: str
    variant: str
    price: Money
    on_hand: int
    reserved: int
    listings: tuple[ListingRow, ...]

    @property
    def available(self) -> int:
        """What can still be sold."""
        return self.on_hand - self.reserved


class StockSlice(msgspec.Struct, frozen=True, kw_only=True):
    """A page of SKUs and how many there are in all."""

    rows: tuple[StockRow, ...]
    total: int


class StockMoveRow(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the stock journal."""

    moved_at: datetime
    kind: str
    seller_code: str
    on_hand_delta: int
    reserved_delta: int
    subject: str


class SkuChoice(msgspec.Struct, frozen=True, kw_only=True):
    """A SKU to choose in a form. ``title``: its product's, which others may share."""

    sku_id: UUID
    product_id: UUID
    seller_code: str
    title: str
    price: Money


class ImportRow(msgspec.Struct, frozen=True, kw_only=True):
    """A past import. ``figures`` is the summary line that the import printed."""

    platform: str
    file_names: str
    imported_at: datetime
    figures: dict[str, Any]


async def orders_page(unit: Unit, wanted: OrderFilter, *, limit: int, offset: int) -> OrderSlice:
    """Orders, the newest first."""
    conditions = _order_conditions(unit, wanted)
    total = await unit.scalar(select(func.count()).select_from(sales_order).where(*conditions))
    page = (
        select(sales_order)
        .where(*conditions)
        .order_by(sales_order.c.placed_at.desc(), sales_order.c.order_id.desc())
        .limit(min(limit, PAGE_ROWS_MAX))
        .offset(offset)
    )
    rows = await unit.all(_with_line_figures(page))
    return OrderSlice(rows=tuple(_summary(row) for row in rows), total=int(total or 0))


async def order_sources(unit: Unit) -> tuple[str, ...]:
    """The sources that this merchant has orders from, for the desk's filter."""
    statement = select(sales_order.c.source).where(sales_order.c.merchant_id == unit.merchant_id).distinct()
    rows = await unit.all(statement.order_by(sales_order.c.source).limit(PAGE_ROWS_MAX))
    return tuple(row.source for row in rows)


async def shortage_count(unit: Unit) -> int:
    """Orders that wait because there is not enough stock."""
    conditions = _order_conditions(unit, OrderFilter(only_short=True))
    return int(await unit.scalar(select(func.count()).select_from(sales_order).where(*conditions)) or 0)


async def order_detail(unit: Unit, order_id: UUID) -> OrderDetail:
    """One order with its lines.

    Raises:
        NotFound: no such order of this merchant.
    """
    one = select(sales_order).where(sales_order.c.merchant_id == unit.merchant_id, sales_order.c.order_id == order_id)
    row = await unit.one(_with_line_figures(one))
    if row is None:
        raise NotFound(what="order", key=str(order_id))
    summary = _summary(row)
    mine = and_(order_line.c.merchant_id == unit.merchant_id, order_line.c.order_id == order_id)
    lines = await unit.all(select(order_line).where(mine).order_by(order_line.c.line_key).limit(LINES_MAX))
    return OrderDetail(
        order=summary,
        lines=tuple(_line(line, summary.total.currency) for line in lines),
        lines_left_out=max(0, summary.lines_count - len(lines)),
    )


async def stock_page(unit: Unit, *, search: str = "", limit: int, offset: int) -> StockSlice:
    """SKUs with their stock: what runs out first stands first."""
    mine = [sku.c.merchant_id == unit.merchant_id]
    if search:
        pattern = f"%{_like(search)}%"
        mine.append(or_(sku.c.seller_code.ilike(pattern), product.c.title.ilike(pattern)))
    joined = sku.join(
        product, and_(product.c.merchant_id == sku.c.merchant_id, product.c.product_id == sku.c.product_id)
    ).outerjoin(stock, and_(stock.c.merchant_id == sku.c.merchant_id, stock.c.sku_id == sku.c.sku_id))
    total = await unit.scalar(select(func.count()).select_from(joined).where(*mine))
    on_hand, reserved = func.coalesce(stock.c.on_hand, 0), func.coalesce(stock.c.reserved, 0)
    statement = (
        select(sku, product.c.title, on_hand.label("on_hand"), reserved.label("reserved"))
        .select_from(joined)
        .where(*mine)
        .order_by(case((stock.c.sku_id.is_(None), 1), else_=0), on_hand - reserved, sku.c.seller_code)
        .limit(min(limit, PAGE_ROWS_MAX))
        .offset(offset)
    )
    rows = await unit.all(statement)
    listings = await _listings(unit, [row.sku_id for row in rows])
    return StockSlice(
        rows=tuple(
            StockRow(
                sku_id=row.sku_id,
                seller_code=row.seller_code,
                title=row.title,
                variant=row.variant,
                price=Money(row.price_minor, row.currency),
                on_hand=row.on_hand,
                reserved=row.reserved,
                listings=listings.get(row.sku_id, ()),
            )
            for row in rows
        ),
        total=int(total or 0),
    )


async def stock_moves(unit: Unit, *, limit: int) -> tuple[StockMoveRow, ...]:
    """The latest lines of the stock journal."""
    statement = (
        select(stock_move, sku.c.seller_code)
        .join(sku, and_(sku.c.merchant_id == stock_move.c.merchant_id, sku.c.sku_id == stock_move.c.sku_id))
        .where(stock_move.c.merchant_id == unit.merchant_id)
        .order_by(stock_move.c.moved_at.desc(), stock_move.c.move_id.desc())
        .limit(min(limit, PAGE_ROWS_MAX))
    )
    return tuple(
        StockMoveRow(
            moved_at=row.moved_at,
            kind=row.kind,
            seller_code=row.seller_code,
            on_hand_delta=row.on_hand_delta,
            reserved_delta=row.reserved_delta,
            subject=row.subject,
        )
        for row in await unit.all(statement)
    )


async def sku_choices(unit: Unit) -> tuple[SkuChoice, ...]:
    """SKUs for the link form, by code."""
    statement = (
        select(sku, product.c.title)
        .join(product, and_(product.c.merchant_id == sku.c.merchant_id, product.c.product_id == sku.c.product_id))
        .where(sku.c.merchant_id == unit.merchant_id)
        .order_by(sku.c.seller_code)
        .limit(CHOICES_MAX)
    )
    return tuple(
        SkuChoice(
            sku_id=row.sku_id,
            product_id=row.product_id,
            seller_code=row.seller_code,
            title=row.title,
            price=Money(row.price_minor, row.currency),
        )
        for row in await unit.all(statement)
    )


async def past_imports(unit: Unit) -> tuple[ImportRow, ...]:
    """The latest imports of files."""
    statement = (
        select(import_run)
        .where(import_run.c.merchant_id == unit.merchant_id)
        .order_by(import_run.c.imported_at.desc())
        .limit(IMPORTS_MAX)
    )
    return tuple(
        ImportRow(
            platform=row.platform,
            file_names=row.file_names,
            imported_at=row.imported_at,
            figures=msgspec.json.decode(row.figures, type=dict[str, Any]),
        )
        for row in await unit.all(statement)
    )


def _order_conditions(unit: Unit, wanted: OrderFilter) -> list[Any]:
    conditions: list[Any] = [sales_order.c.merchant_id == unit.merchant_id]
    if wanted.source:
        conditions.append(sales_order.c.source == wanted.source)
    if wanted.state:
        conditions.append(sales_order.c.state == wanted.state)
    if wanted.only_short:
        conditions.append(sales_order.c.is_short)
    if wanted.channel_id is not None:
        conditions.append(sales_order.c.channel_id == wanted.channel_id)
    if wanted.search:
        conditions.append(sales_order.c.order_no.like(f"{_like(wanted.search)}%"))
    return conditions


def _like(text: str) -> str:
    """Text for a LIKE pattern: its own wildcards mean themselves."""
    return text[:SEARCH_CHARS_MAX].replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _with_line_figures(page: Select[Any]) -> Select[Any]:
    """The page's orders, each with the figures of its lines (one index scan an order)."""
    orders = page.subquery("orders")
    figures = (
        select(
            func.count().label("lines_count"),
            func.coalesce(func.sum(order_line.c.quantity), 0).label("quantity"),
            func.coalesce(func.min(order_line.c.title), "").label("first_title"),
        )
        .where(order_line.c.merchant_id == orders.c.merchant_id, order_line.c.order_id == orders.c.order_id)
        .lateral("figures")
    )
    return select(orders, figures).order_by(orders.c.placed_at.desc(), orders.c.order_id.desc())


def _summary(row: Row[Any]) -> OrderSummary:
    return OrderSummary(
        order_id=row.order_id,
        order_no=row.order_no,
        source=row.source,
        origin=row.origin,
        state=row.state,
        raw_status=row.raw_status,
        is_refund=row.is_refund,
        is_short=row.is_short,
        total=Money(row.total_minor, row.currency),
        paid=Money(row.paid_minor, row.currency),
        refunded=Money(row.refunded_minor, row.currency),
        freight=Money(row.freight_minor, row.currency),
        placed_at=row.placed_at,
        paid_at=row.paid_at,
        channel_id=row.channel_id,
        link_id=row.link_id,
        click_id=row.click_id,
        customer_id=row.customer_id,
        container=row.container,
        first_title=row.first_title,
        lines_count=row.lines_count,
        quantity=int(row.quantity),
    )


def _line(row: Row[Any], currency: str) -> OrderLineRow:
    return OrderLineRow(
        title=row.title,
        variant=row.variant,
        seller_code=row.seller_code,
        quantity=row.quantity,
        short_quantity=row.short_quantity,
        unit_price=row.unit_price,
        amount=Money(row.amount_minor, currency),
        refunded=Money(row.refunded_minor, currency),
    )


async def _listings(unit: Unit, sku_ids: Sequence[UUID]) -> dict[UUID, tuple[ListingRow, ...]]:
    if not sku_ids:
        return {}
    statement = (
        select(listing)
        .where(listing.c.merchant_id == unit.merchant_id, listing.c.sku_id.in_(sku_ids))
        .order_by(listing.c.platform, listing.c.platform_listing_id)
        .limit(PAGE_ROWS_MAX * 10)
    )
    found: dict[UUID, tuple[ListingRow, ...]] = {}
    for row in await unit.all(statement):
        entry = ListingRow(
            platform=row.platform,
            platform_listing_id=row.platform_listing_id,
            pushed_quantity=row.pushed_quantity,
            pushed_at=row.pushed_at,
        )
        found[row.sku_id] = (*found.get(row.sku_id, ()), entry)
    return found
