"""The read side: each figure is one or two statements over facts, with a limit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from msgspec import structs
from sqlalchemy import (
    ColumnElement,
    Date,
    Row,
    ScalarSelect,
    Select,
    Subquery,
    and_,
    case,
    cast,
    func,
    literal,
    select,
    true,
    union,
    union_all,
)
from sqlalchemy.exc import DBAPIError

from hutong.analytics.brought import TIED, clicks_sold, sales_by_channel, sales_of_links
from hutong.analytics.figures import (
    ChannelFigures,
    ClickFigures,
    LinkFigures,
    MoneyFigures,
    MonthFigures,
    Overview,
    ProductFigures,
    RepeatFigures,
)
from hutong.analytics.models import sale_fact, sale_line_fact
from hutong.core.errors import InvalidInput
from hutong.core.money import Money
from hutong.db.unit import Unit
from hutong.links.attribution.models import order_tie
from hutong.links.models import click
from hutong.links.promotions.models import promoted_order
from hutong.links.promotions.orders import COUNTED

#: Groups of one answer: channels × containers, or channels × currencies.
GROUPS_MAX: Final = 10_000
MONTHS_MAX: Final = 600
PRODUCTS_MAX: Final = 200
LINKS_MAX: Final = 200
CURRENCIES_MAX: Final = 50

IS_ORDER: Final = ~sale_fact.c.is_refund


def _sums(sale: Any) -> tuple[Any, Any, Any]:  # noqa: ANN401 (columns of a fact, or of some facts)
    """Orders, what was paid, what went back."""
    return (
        func.count().filter(~sale.is_refund).label("orders_count"),
        func.coalesce(func.sum(sale.gross_minor), 0).label("gross_minor"),
        func.coalesce(func.sum(sale.refunded_minor), 0).label("refunded_minor"),
    )


ORDERS, GROSS, REFUNDED = _sums(sale_fact.c)


async def channel_figures(unit: Unit) -> tuple[ChannelFigures, ...]:
    """Every channel that has clicks or sales, the one with the most clicks first; sales of no certain one last."""
    traffic = await _traffic(unit)
    money = await _money_by(unit, sales_by_channel(unit))
    figures = [
        ChannelFigures(
            channel_id=channel_id,
            traffic=traffic.get(channel_id, ClickFigures()),
            orders_count=sum(entry.orders_count for entry in money.get(channel_id, ())),
            money=money.get(channel_id, ()),
        )
        for channel_id in {*traffic, *money}
    ]
    figures.sort(key=lambda f: (f.channel_id is None, -f.traffic.clicks, -f.orders_count, str(f.channel_id)))
    return tuple(figures)


async def link_figures(unit: Unit, link_ids: Sequence[UUID]) -> dict[UUID, LinkFigures]:
    """What these links sold; a link without a sale is not in the answer."""
    if len(link_ids) > LINKS_MAX:
        raise InvalidInput(field="link_ids", problem=f"≤ {LINKS_MAX}")
    if not link_ids:
        return {}
    money = await _money_by(unit, sales_of_links(unit, link_ids))
    return {
        link_id: LinkFigures(link_id=link_id, orders_count=sum(entry.orders_count for entry in entries), money=entries)
        for link_id, entries in money.items()
        if link_id is not None
    }


async def overview(unit: Unit, since: datetime | None = None) -> Overview:
    """Sales paid and visits made since a moment (None: ever). A visit converts whenever its order is paid."""
    mine = sale_fact.c.merchant_id == unit.merchant_id
    recent = true() if since is None else sale_fact.c.paid_at >= since
    sales = (
        select(sale_fact.c.currency, ORDERS, GROSS, REFUNDED)
        .where(mine, recent)
        .group_by(sale_fact.c.currency)
        .order_by(sale_fact.c.currency)
        .limit(CURRENCIES_MAX)
    )
    money = tuple(_money(row) for row in await unit.all(sales))
    visited = true() if since is None else click.c.clicked_at >= since
    visits = (
        select(func.count().label("visits"), _converted(unit, ~click.c.is_bot, visited).label("converted_visits"))
        .select_from(click)
        .where(click.c.merchant_id == unit.merchant_id, ~click.c.is_bot, visited)
    )
    row = await unit.one(visits)
    return Overview(
        orders_count=sum(entry.orders_count for entry in money),
        money=money,
        visits=0 if row is None else row.visits,
        converted_visits=0 if row is None else row.converted_visits,
    )


async def last_sale_at(unit: Unit, *, currency: str | None = None) -> datetime | None:
    """When the latest sale (``currency``: in this one) was paid; return documents are none. None: there never was."""
    wanted = true() if currency is None else sale_fact.c.currency == currency
    statement = select(func.max(sale_fact.c.paid_at).label("paid_at")).where(
        sale_fact.c.merchant_id == unit.merchant_id, IS_ORDER, wanted
    )
    row = await unit.one(statement)
    return None if row is None else row.paid_at


async def revenue_by_month(unit: Unit, currency: str, timezone: str) -> tuple[MonthFigures, ...]:
    """Sales by the calendar month they were paid in, the oldest first; the latest ``MONTHS_MAX`` months.

    Refunds count in the month of their sale; return documents in their own.

    Raises:
        InvalidInput: the database does not know the time zone (the transaction is of no use any more then).
    """
    local = func.timezone(timezone, sale_fact.c.paid_at)
    month = cast(func.date_trunc("month", local), Date).label("month")
    statement = (
        select(month, sale_fact.c.currency, ORDERS, GROSS, REFUNDED)
        .where(sale_fact.c.merchant_id == unit.merchant_id, sale_fact.c.currency == currency)
        .group_by(month, sale_fact.c.currency)
        .order_by(month.desc())
        .limit(MONTHS_MAX)
    )
    try:
        rows = await unit.all(statement)
    except DBAPIError as error:
        if "time zone" in str(error.orig):
            raise InvalidInput(field="timezone", problem=timezone) from error
        raise
    return tuple(MonthFigures(month=row.month, money=_money(row)) for row in reversed(rows))


async def best_products(
    unit: Unit, limit: int, *, currency: str | None = None, since: datetime | None = None
) -> tuple[ProductFigures, ...]:
    """What sold for most after all that came back, in each currency apart (``currency``: in this one only).

    A product is its SKU where one is known, else its title. A return document and the refund of a sale take off alike.
    """
    wanted = []
    if currency is not None:
        wanted.append(sale_line_fact.c.currency == currency)
    if since is not None:
        wanted.append(sale_line_fact.c.paid_at >= since)
    entries = union_all(_sold_lines(unit, wanted), _refunded_lines(unit, wanted)).subquery()
    named = case((entries.c.sku_id.is_(None), entries.c.title), else_="")
    amount = func.sum(entries.c.amount_minor).label("amount_minor")
    statement = (
        select(
            entries.c.sku_id,
            func.max(entries.c.title).label("title"),
            entries.c.currency,
            func.sum(entries.c.quantity).label("quantity"),
            amount,
            func.sum(entries.c.lines_count).label("lines_count"),
        )
        .group_by(entries.c.sku_id, named, entries.c.currency)
        .order_by(amount.desc(), func.max(entries.c.title), entries.c.currency)
        .limit(min(limit, PRODUCTS_MAX))
    )
    return tuple(
        ProductFigures(
            sku_id=row.sku_id,
            title=row.title,
            quantity=int(row.quantity),
            amount=Money(int(row.amount_minor), row.currency),
            lines_count=int(row.lines_count),
        )
        for row in await unit.all(statement)
    )


def _sold_lines(unit: Unit, wanted: Sequence[Any]) -> Select[Any]:
    """Lines of sales, and of return documents, where they are negative."""
    line = sale_line_fact.c
    return select(
        line.sku_id, line.title, line.currency, line.quantity, line.amount_minor, literal(1).label("lines_count")
    ).where(line.merchant_id == unit.merchant_id, *wanted)


def _refunded_lines(unit: Unit, wanted: Sequence[Any]) -> Select[Any]:
    """What refunds of sales take off their lines, as further lines that are negative.

    A refund is told of the whole sale: each line gives back the same share of its amount, by the quotients of running
    sums, so that the parts add up. Pieces come back when all money of the sale did.
    """
    line, sale = sale_line_fact.c, sale_fact.c
    whole = func.sum(line.amount_minor).over(partition_by=line.order_id, order_by=line.line_no)
    until, before = (
        func.div(sums * sale.refunded_minor, sale.gross_minor) for sums in (whole, whole - line.amount_minor)
    )
    return (
        select(
            line.sku_id,
            line.title,
            line.currency,
            case((sale.refunded_minor >= sale.gross_minor, -line.quantity), else_=0).label("quantity"),
            (before - until).label("amount_minor"),
            literal(0).label("lines_count"),
        )
        .join(sale_fact, and_(line.merchant_id == sale.merchant_id, line.order_id == sale.order_id))
        .where(line.merchant_id == unit.merchant_id, *wanted)
        .where(~sale.is_refund, sale.refunded_minor > 0, sale.gross_minor > 0)
    )


async def repeat_rate(unit: Unit) -> RepeatFigures:
    """How many customers came back. Orders without a customer are left out, and counted beside it."""
    mine = and_(sale_fact.c.merchant_id == unit.merchant_id, IS_ORDER)
    by_customer = (
        select(sale_fact.c.customer_id, func.count().label("orders_count"))
        .where(mine)
        .group_by(sale_fact.c.customer_id)
        .subquery()
    )
    known = by_customer.c.customer_id.is_not(None)
    row = await unit.one(
        select(
            func.count().filter(known).label("customers_count"),
            func.count().filter(known, by_customer.c.orders_count >= literal(2)).label("repeat_customers_count"),
            func.coalesce(func.sum(by_customer.c.orders_count).filter(~known), 0).label("orders_without_customer"),
        )
    )
    if row is None:
        return RepeatFigures(customers_count=0, repeat_customers_count=0, orders_without_customer=0)
    return RepeatFigures(
        customers_count=row.customers_count,
        repeat_customers_count=row.repeat_customers_count,
        orders_without_customer=int(row.orders_without_customer),
    )


def _converted(unit: Unit, *visits: ColumnElement[bool]) -> ScalarSelect[int]:
    """How many of these clicks led to a paid order, here or elsewhere; joins, so that few visits cost little."""
    here = (click.c.merchant_id == unit.merchant_id, *visits)
    found = (*here, IS_ORDER)
    own = and_(sale_fact.c.merchant_id == click.c.merchant_id, sale_fact.c.click_id == click.c.click_id)
    tie, promoted = (
        and_(its.c.merchant_id == click.c.merchant_id, its.c.click_id == click.c.click_id)
        for its in (order_tie, promoted_order)
    )
    sold = union(
        select(click.c.click_id).join(sale_fact, own).where(*found),
        select(click.c.click_id).join(order_tie, tie).join(sale_fact, TIED).where(*found),
        select(click.c.click_id).join(promoted_order, promoted).where(*here, COUNTED),
    ).subquery()
    return select(func.count()).select_from(sold).scalar_subquery()


async def _traffic(unit: Unit) -> dict[UUID | None, ClickFigures]:
    """Clicks by channel and container, people and bots apart."""
    sold = clicks_sold(unit)
    statement = (
        select(
            click.c.channel_id,
            click.c.container,
            click.c.is_bot,
            func.count().label("clicks"),
            func.count(sold.c.click_id).label("converted_clicks"),
        )
        .select_from(click.outerjoin(sold, sold.c.click_id == click.c.click_id))
        .where(click.c.merchant_id == unit.merchant_id)
        .group_by(click.c.channel_id, click.c.container, click.c.is_bot)
        .order_by(click.c.channel_id, func.count().desc(), click.c.container)
        .limit(GROUPS_MAX)
    )
    by_channel: dict[UUID | None, list[Row[Any]]] = {}
    for row in await unit.all(statement):
        by_channel.setdefault(row.channel_id, []).append(row)
    return {channel_id: _click_figures(rows) for channel_id, rows in by_channel.items()}


def _click_figures(rows: Sequence[Row[Any]]) -> ClickFigures:
    people = [row for row in rows if not row.is_bot]
    return ClickFigures(
        clicks=sum(row.clicks for row in people),
        clicks_by_container={row.container: row.clicks for row in people},
        bot_clicks=sum(row.clicks for row in rows if row.is_bot),
        converted_clicks=sum(row.converted_clicks for row in people),
    )


async def _money_by(unit: Unit, sales: Subquery) -> dict[UUID | None, tuple[MoneyFigures, ...]]:
    """Some sales by their key, and by currency within it."""
    promoted = func.count().filter(sales.c.is_promoted).label("promoted_count")
    statement = (
        select(sales.c.key, sales.c.currency, *_sums(sales.c), promoted)
        .where(sales.c.merchant_id == unit.merchant_id)
        .group_by(sales.c.key, sales.c.currency)
        .order_by(sales.c.key, sales.c.currency)
        .limit(GROUPS_MAX)
    )
    found: dict[UUID | None, tuple[MoneyFigures, ...]] = {}
    for row in await unit.all(statement):
        its = structs.replace(_money(row), promoted_count=row.promoted_count)
        found[row.key] = (*found.get(row.key, ()), its)
    return found


def _money(row: Row[Any]) -> MoneyFigures:
    gross, refunded = Money(int(row.gross_minor), row.currency), Money(int(row.refunded_minor), row.currency)
    return MoneyFigures(orders_count=row.orders_count, gross=gross, refunded=refunded, net=gross - refunded)
