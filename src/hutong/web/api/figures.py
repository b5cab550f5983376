"""How trade goes: the figures of the console's overview."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

import msgspec
from litestar import Controller, get

from hutong.analytics.figures import MoneyFigures
from hutong.analytics.queries import best_products, overview, repeat_rate, revenue_by_month
from hutong.merchants.keys import ApiKey
from hutong.merchants.service import get_merchant
from hutong.web.moments import aware
from hutong.workflows.runtime import Runtime

BEST_PRODUCTS: Final = 10


class Sums(msgspec.Struct, frozen=True, kw_only=True):
    """Sales in one currency; ``net_minor`` is what did not go back, before fees and commissions."""

    currency: str
    orders: int
    gross_minor: int
    refunded_minor: int
    net_minor: int


class MonthItem(msgspec.Struct, frozen=True, kw_only=True):
    """Sales paid in a calendar month of the merchant's time zone."""

    month: date
    sums: Sums


class ProductItem(msgspec.Struct, frozen=True, kw_only=True):
    """How a product sold, less what came back: return documents, and refunds by each line's share."""

    title: str
    quantity: int
    currency: str
    amount_minor: int


class FiguresAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Visits are clicks of people. Months and products are in the currency with the most orders."""

    orders: int
    money: tuple[Sums, ...]
    visits: int
    converted_visits: int
    customers: int
    repeat_customers: int
    orders_without_customer: int
    months: tuple[MonthItem, ...]
    best_products: tuple[ProductItem, ...]


class FiguresApi(Controller):
    """How trade goes."""

    path = "/api/v1"
    tags = ["Figures"]

    @get("/figures", opt={"scope": "figures:read"}, summary="How trade goes")
    async def figures(self, runtime: Runtime, caller: ApiKey, since: datetime | None = None) -> FiguresAnswer:
        """Sales and visits since a moment (all of them without one), months, best products, repeat customers."""
        async with runtime.unit(caller.merchant_id, "api.figures") as unit:
            merchant = await get_merchant(unit)
            whole = await overview(unit, aware(since, "since"))
            currency = max(whole.money, key=lambda money: money.orders_count).currency if whole.money else "CNY"
            months = await revenue_by_month(unit, currency, merchant.timezone)
            products = await best_products(unit, BEST_PRODUCTS, currency=currency, since=since)
            repeat = await repeat_rate(unit)
        return FiguresAnswer(
            orders=whole.orders_count,
            money=tuple(_sums(money) for money in whole.money),
            visits=whole.visits,
            converted_visits=whole.converted_visits,
            customers=repeat.customers_count,
            repeat_customers=repeat.repeat_customers_count,
            orders_without_customer=repeat.orders_without_customer,
            months=tuple(MonthItem(month=row.month, sums=_sums(row.money)) for row in months),
            best_products=tuple(
                ProductItem(
                    title=row.title,
                    quantity=row.quantity,
                    currency=row.amount.currency,
                    amount_minor=row.amount.amount_minor,
                )
                for row in products
            ),
        )


def _sums(money: MoneyFigures) -> Sums:
    return Sums(
        currency=money.currency,
        orders=money.orders_count,
        gross_minor=money.gross.amount_minor,
        refunded_minor=money.refunded.amount_minor,
        net_minor=money.net.amount_minor,
    )
