"""Orders that came by alliances' addresses, and what alliances made of a link."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, get
from litestar.params import QueryParameter

from hutong.core.money import BPS_WHOLE
from hutong.links.promotions.places import places_of
from hutong.links.promotions.queries import SoldLine, SoldOrder, sold_page
from hutong.links.service import get_link
from hutong.merchants.keys import ApiKey
from hutong.platforms.jump_links import PromotedStatus
from hutong.web.api.bodies import Word
from hutong.web.api.catalogue import Limit, Offset
from hutong.workflows.runtime import Runtime

Statuses = Annotated[
    str, QueryParameter(name="status", pattern=f"^({'|'.join(one.value for one in PromotedStatus)}|)$", default="")
]


class PromotedTie(msgspec.Struct, frozen=True, kw_only=True):
    """What ties an order, for certain (``confidence_bps`` 10000): ``carried``, or the ``word`` of a ``code`` or
    ``coupon`` that was told.
    """

    evidence: str
    confidence_bps: int
    link_id: UUID
    channel_id: UUID
    click_id: UUID | None
    word: str


class PromotedOrderLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of an order as the alliance told it last. ``click_id``: the click that it carried; ``link_id`` alone: the
    link is known and the click is not; neither: its mark names no link of yours. ``tie``: what the whole order is tied
    to, by its paid lines or by what was told to ``POST /orders/evidence``; null: nothing. ``shop_order_id``: the same
    order as one of your connected shops tells it; without one the order counts for its tie as it stands here.
    """

    platform: str
    source: str
    order_no: str
    line_id: str
    goods_id: str
    title: str
    quantity: int
    currency: str
    paid_minor: int
    commission_minor: int
    status: str
    raw_status: str
    link_id: UUID | None
    channel_id: UUID | None
    click_id: UUID | None
    placed_at: datetime
    paid_at: datetime | None
    changed_at: datetime
    shop_order_id: UUID | None
    tie: PromotedTie | None


class PromotedOrders(msgspec.Struct, frozen=True, kw_only=True):
    """A page of lines, the newest first."""

    items: tuple[PromotedOrderLine, ...]
    total: int


class PromotionItem(msgspec.Struct, frozen=True, kw_only=True):
    """What an alliance said of a page that the link leads to.

    ``outcome``: ``made`` (there is an address; it ``carries`` each ``click``'s id, or stands for the ``link``) or
    ``refused``, with the platform's ``code`` and ``message``.
    """

    platform: str
    page_url: str
    carries: str
    outcome: str
    code: str
    message: str
    asked_at: datetime


class PromotionsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What alliances said of a link's pages."""

    items: tuple[PromotionItem, ...]


class PromotionsApi(Controller):
    """Alliances: what they make of links, and the orders that came by that."""

    path = "/api/v1"
    tags = ["Links"]

    @get("/promoted-orders", opt={"scope": "orders:read"}, summary="Orders that came by alliances' addresses")
    async def orders(
        self,
        runtime: Runtime,
        caller: ApiKey,
        limit: Limit,
        offset: Offset,
        status: Statuses,
        link_id: UUID | None = None,
        order_no: Word = "",
        source: Word = "",
    ) -> PromotedOrders:
        """Lines in one status or in any, of one link or of all, of one order (by its number) or of all."""
        statuses = (PromotedStatus(status),) if status else ()
        async with runtime.unit(caller.merchant_id, "api.promoted_orders") as unit:
            page = await sold_page(unit, statuses, link_id, order_no, source, limit=limit, offset=offset)
        return PromotedOrders(items=tuple(_line(row) for row in page.rows), total=page.total)

    @get("/links/{link_id:uuid}/promotions", opt={"scope": "links:read"}, summary="What alliances made of a link")
    async def of_link(self, runtime: Runtime, caller: ApiKey, link_id: UUID) -> PromotionsAnswer:
        """An answer of each connected alliance for each page that the link leads to; a minute after it was made."""
        async with runtime.unit(caller.merchant_id, "api.link_promotions") as unit:
            await get_link(unit, link_id)
            places = await places_of(unit, link_id)
        return PromotionsAnswer(
            items=tuple(
                PromotionItem(
                    platform=one.platform,
                    page_url=one.page_url,
                    carries=one.carries.value,
                    outcome=one.outcome.value,
                    code=one.code,
                    message=one.message,
                    asked_at=one.asked_at,
                )
                for one in places
            )
        )


def _line(row: SoldLine) -> PromotedOrderLine:
    return PromotedOrderLine(
        platform=row.platform,
        source=row.source,
        order_no=row.order_no,
        line_id=row.line_id,
        goods_id=row.goods_id,
        title=row.title,
        quantity=row.quantity,
        currency=row.paid.currency,
        paid_minor=row.paid.amount_minor,
        commission_minor=row.commission.amount_minor,
        status=row.status.value,
        raw_status=row.raw_status,
        link_id=row.link_id,
        channel_id=row.channel_id,
        click_id=row.click_id,
        placed_at=row.placed_at,
        paid_at=row.paid_at,
        changed_at=row.changed_at,
        shop_order_id=None if row.order is None else row.order.shop_order_id,
        tie=None if row.order is None else _tie(row.order),
    )


def _tie(order: SoldOrder) -> PromotedTie:
    return PromotedTie(
        evidence=order.evidence,
        confidence_bps=BPS_WHOLE,
        link_id=order.link_id,
        channel_id=order.channel_id,
        click_id=order.click_id,
        word=order.word,
    )
