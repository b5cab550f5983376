"""The first page: how trade goes and what waits."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
from litestar import Controller, Response, get

from hutong.analytics.figures import MonthFigures, Overview
from hutong.analytics.queries import best_products, last_sale_at, overview, repeat_rate, revenue_by_month
from hutong.core.money import MINOR_DIGITS, Money
from hutong.db.unit import Unit
from hutong.merchants.queries import open_ticket_count, this_merchant
from hutong.shops.queries import OrderFilter, orders_page, shortage_count
from hutong.web.charts import BarChart
from hutong.web.console.desk import ConsoleRequest, Desk
from hutong.web.console.views import (
    AttentionItem,
    MonthRevenue,
    OverviewView,
    ProductSales,
    RepeatFigures,
)
from hutong.web.format import Formats, zone_of
from hutong.web.labels import mark
from hutong.web.languages import locale_of

PERIODS: Final[dict[str, timedelta | None]] = {
    "today": timedelta(days=1),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    "all": None,
}
PERIOD_DEFAULT: Final = "30d"
PRODUCTS_SHOWN: Final = 10
MONTHS_DRAWN_MAX: Final = 36
CHART_TITLE: Final = mark("每月销售额")


class OverviewController(Controller):
    """The overview."""

    path = "/"
    include_in_schema = False

    @get("/")
    async def show(self, request: ConsoleRequest, desk: Desk, period: str = "") -> Response[str]:
        """Figures of a period, months, products, customers, and what waits."""
        locale = locale_of(request)
        async with desk.unit(request, "console.overview") as unit:
            merchant = await this_merchant(unit)
            zone = zone_of(merchant.timezone)
            opened = await open_period(unit, period, zone)
            figures = opened.figures
            money = sorted(figures.money, key=lambda entry: -entry.orders_count)
            currency = main_currency(opened.ever, merchant.currency)
            months = await revenue_by_month(unit, currency, zone.key)
            repeat = await repeat_rate(unit)
            view = OverviewView(
                period=opened.period,
                quiet_since=opened.quiet_since,
                sales=tuple(entry.net for entry in money) or (Money(0, currency),),
                refunded=tuple(entry.refunded for entry in money if entry.refunded.amount_minor),
                orders=figures.orders_count,
                visits=figures.visits,
                converted_visits=figures.converted_visits,
                attention=await _attention(unit),
                months=tuple(
                    MonthRevenue(month=row.month, revenue=row.money.net, orders=row.money.orders_count)
                    for row in months
                ),
                currency=currency,
                chart=_chart(months, Formats(locale, zone), desk.renderer.catalogues.text(locale, CHART_TITLE)),
                products=tuple(
                    ProductSales(title=row.title, quantity=row.quantity, revenue=row.amount)
                    for row in await best_products(unit, PRODUCTS_SHOWN, since=opened.since)
                ),
                repeat=RepeatFigures(customers=repeat.customers_count, repeat_customers=repeat.repeat_customers_count),
                has_anything=bool(months or figures.visits),
            )
            return await desk.page(request, unit, "console/overview.html", view)


class OpenedPeriod(msgspec.Struct, frozen=True, kw_only=True):
    """What the page opens on. ``quiet_since``: when the last sale was paid, where nobody chose and that is long ago."""

    period: str
    since: datetime | None
    figures: Overview
    ever: Overview
    quiet_since: datetime | None = None


async def open_period(unit: Unit, asked: str, zone: ZoneInfo) -> OpenedPeriod:
    """The period that was asked for. Where none was and the usual one sold nothing, a shop with older sales shows all.

    Somebody who has just imported a history looks for its figures, not for thirty empty days.
    """
    period = asked if asked in PERIODS else PERIOD_DEFAULT
    since = _since(unit.now(), period, zone)
    ever = await overview(unit)
    figures = ever if since is None else await overview(unit, since)
    if asked not in PERIODS and not figures.money and ever.money:
        return OpenedPeriod(period="all", since=None, figures=ever, ever=ever, quiet_since=await last_sale_at(unit))
    return OpenedPeriod(period=period, since=since, figures=figures, ever=ever)


def _since(now: datetime, period: str, zone: ZoneInfo) -> datetime | None:
    """The first moment of a period: whole days of the merchant, today included. None: from the beginning."""
    span = PERIODS[period]
    if span is None:
        return None
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - span + timedelta(days=1)


async def _attention(unit: Unit) -> tuple[AttentionItem, ...]:
    to_ship = await orders_page(unit, OrderFilter(state="paid"), limit=1, offset=0)
    items = (
        AttentionItem(kind="tickets", count=await open_ticket_count(unit), href="/tickets"),
        AttentionItem(kind="shortages", count=await shortage_count(unit), href="/orders?short=1"),
        AttentionItem(kind="to_ship", count=to_ship.total, href="/orders?order_state=paid"),
    )
    return tuple(item for item in items if item.count)


def main_currency(ever: Overview, home: str) -> str:
    """The currency most orders are in: the merchant's own before the first one."""
    most = max(ever.money, key=lambda entry: entry.orders_count, default=None)
    return home if most is None else most.currency


def _chart(months: tuple[MonthFigures, ...], formats: Formats, title: str) -> BarChart | None:
    """The latest months; sums of different currencies are never drawn together."""
    shown = months[-MONTHS_DRAWN_MAX:]
    if not shown:
        return None
    return BarChart(
        labels=tuple(formats.month(row.month) for row in shown),
        values=tuple(row.money.net.amount_minor for row in shown),
        value_texts=tuple(formats.money(row.money.net) for row in shown),
        title=title,
        minor_digits=MINOR_DIGITS[shown[0].money.currency],
    )
