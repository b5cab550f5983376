"""Sales with what brought them for certain: what stands in the sale itself, else what ties its order.

An order of our own checkout stands behind its click, one of a shop code behind its channel; an order of another shop
counts with the link that a click id, a word or a coupon names. A guess from times brings nothing. Each sale stands here
once at most: a tie counts only where the sale itself names neither click, link nor channel.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, Select, Subquery, and_, func, select, union, union_all
from sqlalchemy.dialects.postgresql import distinct_on

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


def clicked_sales_of(unit: Unit, link_id: UUID) -> Subquery:
    """The paid orders of a link that a click of it is known for, each with its ``click_id``."""
    more = (sale_fact.c.paid_at, *_MONEY)
    own = select(sale_fact.c.click_id, *more).where(
        sale_fact.c.merchant_id == unit.merchant_id, sale_fact.c.link_id == link_id, sale_fact.c.click_id.is_not(None)
    )
    tied = (
        select(order_tie.c.click_id, *more)
        .join(sale_fact, TIED)
        .where(
            order_tie.c.merchant_id == unit.merchant_id,
            order_tie.c.link_id == link_id,
            order_tie.c.click_id.is_not(None),
        )
    )
    return union_all(own.where(~sale_fact.c.is_refund), tied.where(~sale_fact.c.is_refund)).subquery()


def clicks_sold(unit: Unit) -> Subquery:
    """The ids of all clicks that became a paid order, each once, as ``click_id``."""
    own = select(sale_fact.c.click_id).where(
        sale_fact.c.merchant_id == unit.merchant_id, sale_fact.c.click_id.is_not(None), ~sale_fact.c.is_refund
    )
    tied = (
        select(order_tie.c.click_id)
        .join(sale_fact, TIED)
        .where(order_tie.c.merchant_id == unit.merchant_id, order_tie.c.click_id.is_not(None), ~sale_fact.c.is_refund)
    )
    return union(own, tied).subquery()


def orders_of_clicks(unit: Unit, click_ids: Collection[UUID]) -> Select[UUID, UUID]:
    """The first paid order of another shop that each of these clicks is tied to; ``click_id`` and ``order_id``."""
    return (
        select(order_tie.c.click_id, order_tie.c.order_id)
        .ext(distinct_on(order_tie.c.click_id))
        .join(sale_fact, TIED)
        .where(
            order_tie.c.merchant_id == unit.merchant_id,
            order_tie.c.click_id.in_(click_ids),
            ~sale_fact.c.is_refund,
        )
        .order_by(order_tie.c.click_id, sale_fact.c.paid_at, order_tie.c.order_id)
    )


def came_back(clicks: FromClause) -> ColumnElement[bool]:
    """Whether a paid order of another shop is tied to a click of an outer statement."""
    return (
        select(order_tie.c.order_id)
        .join(sale_fact, TIED)
        .where(
            order_tie.c.merchant_id == clicks.c.merchant_id,
            order_tie.c.click_id == clicks.c.click_id,
            ~sale_fact.c.is_refund,
        )
        .correlate(clicks)
        .exists()
    )
