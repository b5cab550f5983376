"""Sales with what brought them for certain: what stands in the sale itself, else what ties its order.

An order of our own checkout stands behind its click, one of a shop code behind its channel; an order of another shop
counts with the link that a click id, a word or a coupon names. A guess from times brings nothing. Each sale stands here
once at most: a tie counts only where the sale itself names neither click, link nor channel.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Subquery, and_, func, select, union, union_all

from hutong.analytics.models import sale_fact
from hutong.db.unit import Unit
from hutong.links.attribution.evidence import EXACT
from hutong.links.attribution.models import order_tie

#: A sale and the tie that it counts by.
TIED: Final = and_(
    order_tie.c.merchant_id == sale_fact.c.merchant_id,
    order_tie.c.order_id == sale_fact.c.order_id,
    order_tie.c.evidence.in_(sorted(evidence.value for evidence in EXACT)),
    sale_fact.c.channel_id.is_(None),
    sale_fact.c.link_id.is_(None),
    sale_fact.c.click_id.is_(None),
)
_MONEY: Final = (
    sale_fact.c.merchant_id,
    sale_fact.c.currency,
    sale_fact.c.is_refund,
    sale_fact.c.gross_minor,
    sale_fact.c.refunded_minor,
)


def sales_by_channel(unit: Unit) -> Subquery:
    """All sales, each with its channel as ``key``; None where no channel is certain."""
    channel_id = func.coalesce(sale_fact.c.channel_id, order_tie.c.channel_id)
    return (
        select(channel_id.label("key"), *_MONEY)
        .select_from(sale_fact.outerjoin(order_tie, TIED))
        .where(sale_fact.c.merchant_id == unit.merchant_id)
        .subquery()
    )


def sales_of_links(unit: Unit, link_ids: Sequence[UUID]) -> Subquery:
    """The sales of these links, each with its link as ``key``; the indexes find them, whatever else was sold."""
    own = select(sale_fact.c.link_id.label("key"), *_MONEY).where(
        sale_fact.c.merchant_id == unit.merchant_id, sale_fact.c.link_id.in_(link_ids)
    )
    tied = (
        select(order_tie.c.link_id.label("key"), *_MONEY)
        .join(sale_fact, TIED)
        .where(order_tie.c.merchant_id == unit.merchant_id, order_tie.c.link_id.in_(link_ids))
    )
    return union_all(own, tied).subquery()


def clicks_sold(unit: Unit) -> Subquery:
    """The ids of all clicks that became a paid order, each once, as ``click_id``."""
    own = select(sale_fact.c.click_id).where(
        sale_fact.c.merchant_id == unit.merchant_id, sale_fact.c.click_id.is_not(None), ~sale_fact.c.is_refund
    )
    tied = tied_clicks(unit).where(order_tie.c.click_id.is_not(None))
    return union(own, tied).subquery()


def tied_clicks(unit: Unit) -> Select[UUID]:
    """Clicks that paid orders of other shops are tied to, a click as often as it sold."""
    return (
        select(order_tie.c.click_id)
        .join(sale_fact, TIED)
        .where(order_tie.c.merchant_id == unit.merchant_id, ~sale_fact.c.is_refund)
    )


def came_back(click_id: ColumnElement[UUID], merchant_id: ColumnElement[UUID]) -> ColumnElement[bool]:
    """Whether a paid order of another shop is tied to a click of an outer statement."""
    return (
        select(order_tie.c.order_id)
        .join(sale_fact, TIED)
        .where(order_tie.c.merchant_id == merchant_id, order_tie.c.click_id == click_id, ~sale_fact.c.is_refund)
        .correlate_except(order_tie, sale_fact)
        .exists()
    )
