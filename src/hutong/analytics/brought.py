"""Sales with what brought them for certain: what stands in the sale itself, else what ties its order.

An order of our own checkout stands behind its click, one of a shop code behind its channel; an order of another shop
counts with the link that a click id, a word or a coupon names; an order that only an alliance tells, with the link
whose mark it carries. A guess from times brings nothing. Each sale stands here once at most: a tie counts only where
the sale itself names neither click, link nor channel, and an alliance's word only where no connected shop tells the
order.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    Subquery,
    and_,
    exists,
    false,
    func,
    literal_column,
    or_,
    select,
    true,
    union,
    union_all,
)
from sqlalchemy.dialects.postgresql import distinct_on

from hutong.analytics.models import sale_fact
from hutong.db.unit import Unit
from hutong.links.attribution.evidence import EXACT
from hutong.links.attribution.models import order_tie
from hutong.links.promotions.models import promoted_order
from hutong.links.promotions.orders import COUNTED

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
    false().label("is_promoted"),
)
#: The same of an order that only an alliance tells: what was taken back is in its sum no more.
_PROMOTED_MONEY: Final[tuple[ColumnElement[Any], ...]] = (
    promoted_order.c.merchant_id,
    promoted_order.c.currency,
    false().label("is_refund"),
    promoted_order.c.paid_minor.label("gross_minor"),
    literal_column("0::bigint").label("refunded_minor"),
    true().label("is_promoted"),
)


def sales_by_channel(unit: Unit) -> Subquery:
    """All sales, each with its channel as ``key``; None where no channel is certain."""
    channel_id = func.coalesce(sale_fact.c.channel_id, order_tie.c.channel_id)
    known = (
        select(channel_id.label("key"), *_MONEY)
        .select_from(sale_fact.outerjoin(order_tie, TIED))
        .where(sale_fact.c.merchant_id == unit.merchant_id)
    )
    promoted = select(promoted_order.c.channel_id.label("key"), *_PROMOTED_MONEY).where(_promoted(unit))
    return union_all(known, promoted).subquery()


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
    promoted = select(promoted_order.c.link_id.label("key"), *_PROMOTED_MONEY).where(
        _promoted(unit), promoted_order.c.link_id.in_(link_ids)
    )
    return union_all(own, tied, promoted).subquery()


def clicked_sales_of(unit: Unit, link_id: UUID) -> Subquery:
    """The paid orders of a link that a click of it is known for, each with its ``click_id``. One that was given back
    stays an order, whoever tells it: what a comparison has counted stays, unless something else brought it for certain.
    """
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
    brought = or_(sale_fact.c.channel_id.is_not(None), order_tie.c.order_id.is_not(None))
    of_shop = (
        select(sale_fact.c.order_id)
        .select_from(sale_fact.outerjoin(order_tie, TIED))
        .where(
            sale_fact.c.merchant_id == promoted_order.c.merchant_id,
            sale_fact.c.order_id == promoted_order.c.shop_order_id,
            brought,
        )
    )
    promoted = select(promoted_order.c.click_id, promoted_order.c.paid_at, *_PROMOTED_MONEY).where(
        promoted_order.c.merchant_id == unit.merchant_id,
        promoted_order.c.was_sold,
        ~exists(of_shop).correlate(promoted_order),
        promoted_order.c.link_id == link_id,
        promoted_order.c.click_id.is_not(None),
    )
    return union_all(own.where(~sale_fact.c.is_refund), tied.where(~sale_fact.c.is_refund), promoted).subquery()


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
    promoted = select(promoted_order.c.click_id).where(_promoted(unit), promoted_order.c.click_id.is_not(None))
    return union(own, tied, promoted).subquery()


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


def promoted_of_clicks(unit: Unit, click_ids: Collection[UUID]) -> Select[UUID, str, str]:
    """The first order that only an alliance tells of each of these clicks; ``click_id``, ``order_no``, ``source``."""
    return (
        select(promoted_order.c.click_id, promoted_order.c.order_no, promoted_order.c.source)
        .ext(distinct_on(promoted_order.c.click_id))
        .where(_promoted(unit), promoted_order.c.click_id.in_(click_ids))
        .order_by(promoted_order.c.click_id, promoted_order.c.paid_at, promoted_order.c.order_no)
    )


def came_back(clicks: FromClause) -> ColumnElement[bool]:
    """Whether a paid order of another shop is tied to a click of an outer statement."""
    tied = (
        select(order_tie.c.order_id)
        .join(sale_fact, TIED)
        .where(
            order_tie.c.merchant_id == clicks.c.merchant_id,
            order_tie.c.click_id == clicks.c.click_id,
            ~sale_fact.c.is_refund,
        )
    )
    promoted = select(promoted_order.c.order_id).where(
        promoted_order.c.merchant_id == clicks.c.merchant_id, promoted_order.c.click_id == clicks.c.click_id, COUNTED
    )
    return or_(*(exists(found).correlate(clicks) for found in (tied, promoted)))


def _promoted(unit: Unit) -> ColumnElement[bool]:
    return and_(promoted_order.c.merchant_id == unit.merchant_id, COUNTED)
