"""Reads of what was sold by addresses of alliances, for pages and the API."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Row, Select, and_, exists, func, select

from hutong.core.money import BPS_WHOLE, Money
from hutong.db.unit import Unit
from hutong.links.models import channel, link
from hutong.links.promotions.models import promoted_line, promoted_order
from hutong.links.promotions.sales import SOLD
from hutong.platforms.jump_links import DISPUTED, PromotedStatus

#: As many as the API gives at once (web/api/catalogue.py).
PAGE_ROWS_MAX: Final = 200
CURRENCIES_MAX: Final = 20


class SoldOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What the whole order of a line is tied to. ``touches_id``: the order that its touches stand under;
    ``shop_order_id``: the same order as a connected shop tells it.
    """

    touches_id: UUID
    shop_order_id: UUID | None
    evidence: str
    word: str
    link_id: UUID
    link_code: str
    link_title: str
    channel_id: UUID
    channel_name: str
    click_id: UUID | None
    confidence_bps: int = BPS_WHOLE


class SoldLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of an order that came by an alliance. Without a link: its mark names none of this merchant's; without an
    order, nothing else does, either.
    """

    platform: str
    source: str
    order_no: str
    line_id: str
    goods_id: str
    title: str
    quantity: int
    paid: Money
    commission: Money
    status: PromotedStatus
    raw_status: str
    link_id: UUID | None
    link_code: str
    link_title: str
    channel_id: UUID | None
    channel_name: str
    click_id: UUID | None
    placed_at: datetime
    paid_at: datetime | None
    changed_at: datetime
    order: SoldOrder | None

    @property
    def is_disputed(self) -> bool:
        """The buyer asked for money back after the settlement; nobody says what of the commission is taken back."""
        return self.raw_status.endswith(DISPUTED)


class SoldSlice(msgspec.Struct, frozen=True, kw_only=True):
    """Some lines, and how many there are."""

    rows: tuple[SoldLine, ...]
    total: int


class SoldSum(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it in one currency. ``coming``: commissions of what is paid and not settled, as estimated."""

    orders: int
    paid: Money
    coming: Money
    settled: Money


async def sold_page(
    unit: Unit,
    statuses: Sequence[PromotedStatus] = (),
    link_id: UUID | None = None,
    order_no: str = "",
    source: str = "",
    *,
    limit: int,
    offset: int,
) -> SoldSlice:
    """Lines in some statuses (in any, without), of one link's orders or of all, of one order or of all; the newest
    first.

    A link's orders are those that count as its sales. ``source``: the platform whose order it is; two platforms may
    have the same number.
    """
    which = _which(unit, statuses, link_id)
    if order_no:
        which.append(promoted_line.c.order_no == order_no)
    if source:
        which.append(promoted_line.c.source == source)
    total = await unit.scalar(select(func.count()).select_from(promoted_line).where(*which))
    statement = (
        _lines_with_orders()
        .where(*which)
        .order_by(promoted_line.c.placed_at.desc(), promoted_line.c.order_no, promoted_line.c.line_id)
        .limit(min(limit, PAGE_ROWS_MAX))
        .offset(offset)
    )
    return SoldSlice(rows=tuple(_line(row) for row in await unit.all(statement)), total=int(total or 0))


def _lines_with_orders() -> Select[Any]:
    """Each line with what it names itself, and with what the whole order is tied to."""
    order, order_link, order_channel = promoted_order.c, link.alias("order_link"), channel.alias("order_channel")
    return (
        select(
            promoted_line,
            link.c.code,
            link.c.title.label("link_title"),
            channel.c.name,
            order.order_id,
            order.shop_order_id,
            order.evidence,
            order.word,
            order.link_id.label("order_link_id"),
            order.channel_id.label("order_channel_id"),
            order.click_id.label("order_click_id"),
            order_link.c.code.label("order_link_code"),
            order_link.c.title.label("order_link_title"),
            order_channel.c.name.label("order_channel_name"),
        )
        .outerjoin(
            promoted_order,
            and_(
                order.merchant_id == promoted_line.c.merchant_id,
                order.is_named,
                order.source == promoted_line.c.source,
                order.order_no == promoted_line.c.order_no,
            ),
        )
        .outerjoin(
            order_link,
            and_(order_link.c.merchant_id == order.merchant_id, order_link.c.link_id == order.link_id),
        )
        .outerjoin(
            order_channel,
            and_(order_channel.c.merchant_id == order.merchant_id, order_channel.c.channel_id == order.channel_id),
        )
        .outerjoin(
            link, and_(link.c.merchant_id == promoted_line.c.merchant_id, link.c.link_id == promoted_line.c.link_id)
        )
        .outerjoin(
            channel,
            and_(
                channel.c.merchant_id == promoted_line.c.merchant_id,
                channel.c.channel_id == promoted_line.c.channel_id,
            ),
        )
    )


async def sold_counts(unit: Unit) -> dict[PromotedStatus, int]:
    """How many lines have each status."""
    statement = (
        select(promoted_line.c.status, func.count().label("lines_count"))
        .where(promoted_line.c.merchant_id == unit.merchant_id)
        .group_by(promoted_line.c.status)
        .limit(len(PromotedStatus))
    )
    return {PromotedStatus(row.status): row.lines_count for row in await unit.all(statement)}


async def sold_sums(unit: Unit, link_id: UUID | None = None) -> tuple[SoldSum, ...]:
    """What all alliances brought, with one link's orders or with all, by currency, the largest first."""
    one = promoted_line.c
    settled = one.status == PromotedStatus.SETTLED.value
    statement = (
        select(
            one.currency,
            func.count(func.distinct(func.concat(one.source, " ", one.order_no))).label("orders_count"),
            func.sum(one.paid_minor).label("paid_minor"),
            func.coalesce(func.sum(one.commission_minor).filter(~settled), 0).label("coming_minor"),
            func.coalesce(func.sum(one.commission_minor).filter(settled), 0).label("settled_minor"),
        )
        .where(*_which(unit, tuple(SOLD), link_id))
        .group_by(one.currency)
        .order_by(func.sum(one.paid_minor).desc(), one.currency)
        .limit(CURRENCIES_MAX)
    )
    return tuple(
        SoldSum(
            orders=row.orders_count,
            paid=Money(int(row.paid_minor), row.currency),
            coming=Money(int(row.coming_minor), row.currency),
            settled=Money(int(row.settled_minor), row.currency),
        )
        for row in await unit.all(statement)
    )


def _which(unit: Unit, statuses: Sequence[PromotedStatus], link_id: UUID | None) -> list[ColumnElement[bool]]:
    which: list[ColumnElement[bool]] = [promoted_line.c.merchant_id == unit.merchant_id]
    if statuses:
        which.append(promoted_line.c.status.in_([status.value for status in statuses]))
    if link_id is not None:
        order = promoted_order.c
        of_link = select(order.order_id).where(
            order.merchant_id == unit.merchant_id,
            order.link_id == link_id,
            order.is_named,
            order.source == promoted_line.c.source,
            order.order_no == promoted_line.c.order_no,
        )
        which.append(exists(of_link).correlate(promoted_line))
    return which


def _line(row: Row[Any]) -> SoldLine:
    return SoldLine(
        platform=row.platform,
        source=row.source,
        order_no=row.order_no,
        line_id=row.line_id,
        goods_id=row.goods_id,
        title=row.title,
        quantity=row.quantity,
        paid=Money(row.paid_minor, row.currency),
        commission=Money(row.commission_minor, row.currency),
        status=PromotedStatus(row.status),
        raw_status=row.raw_status,
        link_id=row.link_id,
        link_code=row.code or "",
        link_title=row.link_title or "",
        channel_id=row.channel_id,
        channel_name=row.name or "",
        click_id=row.click_id,
        placed_at=row.placed_at,
        paid_at=row.paid_at,
        changed_at=row.changed_at,
        order=_order(row) if row.order_id else None,
    )


def _order(row: Row[Any]) -> SoldOrder:
    return SoldOrder(
        touches_id=row.shop_order_id or row.order_id,
        shop_order_id=row.shop_order_id,
        evidence=row.evidence,
        word=row.word,
        link_id=row.order_link_id,
        link_code=row.order_link_code or "",
        link_title=row.order_link_title or "",
        channel_id=row.order_channel_id,
        channel_name=row.order_channel_name or "",
        click_id=row.order_click_id,
    )
