"""What the variants of a link's comparisons sold: clicks of people that each led, and how many became an order."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import and_, func, select, true

from hutong.analytics.brought import clicked_sales_of
from hutong.core.money import Money
from hutong.db.unit import Unit
from hutong.links.models import click, click_choice

#: A link has few rules and variants, but keys of earlier ones stay with their clicks.
CHOICES_MAX: Final = 1_000


class ChoiceFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One rule or variant (``r1.v2``). ``orders``: clicks that became one, a second order of a click not counted."""

    choice: str
    clicks: int
    orders: int
    first_at: datetime


async def choice_figures(unit: Unit, link_id: UUID, until: datetime | None = None) -> tuple[ChoiceFigures, ...]:
    """What each rule and variant of a link led, by key; ``until`` leaves out what came at that moment or later."""
    sale = clicked_sales_of(unit, link_id).c
    sold = (
        select(sale.click_id)
        .where(sale.merchant_id == unit.merchant_id, true() if until is None else sale.paid_at < until)
        .distinct()
        .subquery()
    )
    own = and_(click.c.merchant_id == click_choice.c.merchant_id, click.c.click_id == click_choice.c.click_id)
    rows = await unit.all(
        select(
            click_choice.c.choice,
            func.count().label("clicks"),
            func.count(sold.c.click_id).label("orders"),
            func.min(click.c.clicked_at).label("first_at"),
        )
        .select_from(click_choice.join(click, own).outerjoin(sold, sold.c.click_id == click_choice.c.click_id))
        .where(click_choice.c.merchant_id == unit.merchant_id, click_choice.c.link_id == link_id, ~click.c.is_bot)
        .where(true() if until is None else click.c.clicked_at < until)
        .group_by(click_choice.c.choice)
        .order_by(click_choice.c.choice)
        .limit(CHOICES_MAX)
    )
    return tuple(
        ChoiceFigures(choice=row.choice, clicks=row.clicks, orders=row.orders, first_at=row.first_at) for row in rows
    )


async def choice_money(unit: Unit, link_id: UUID, until: datetime | None = None) -> dict[str, tuple[Money, ...]]:
    """What each rule and variant of a link sold, less what went back by now, one sum for each currency."""
    sold = clicked_sales_of(unit, link_id)
    net = func.sum(sold.c.gross_minor - sold.c.refunded_minor).label("net")
    led = and_(click_choice.c.merchant_id == sold.c.merchant_id, click_choice.c.click_id == sold.c.click_id)
    own = and_(click.c.merchant_id == click_choice.c.merchant_id, click.c.click_id == click_choice.c.click_id)
    rows = await unit.all(
        select(click_choice.c.choice, sold.c.currency, net)
        .select_from(sold.join(click_choice, led).join(click, own))
        .where(click_choice.c.merchant_id == unit.merchant_id, click_choice.c.link_id == link_id, ~click.c.is_bot)
        .where(true() if until is None else and_(sold.c.paid_at < until, click.c.clicked_at < until))
        .group_by(click_choice.c.choice, sold.c.currency)
        .order_by(click_choice.c.choice, sold.c.currency)
        .limit(CHOICES_MAX)
    )
    sums: dict[str, list[Money]] = {}
    for row in rows:
        sums.setdefault(row.choice, []).append(Money(int(row.net), row.currency))
    return {choice: tuple(amounts) for choice, amounts in sums.items()}
