"""Orders and refunds."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, get, post

from hutong.analytics.order_costs import OrderCost, order_cost
from hutong.db.unit import Unit
from hutong.links.attribution.queries import TieRow, shown_tie, ties_of
from hutong.merchants.actors import key_actor
from hutong.merchants.keys import ApiKey
from hutong.shops.queries import OrderFilter, OrderSummary, order_detail, orders_page
from hutong.web.api.bodies import Line, Price, RequestBody
from hutong.web.api.callers import once
from hutong.web.api.catalogue import Limit, Offset
from hutong.workflows.commands.follow_refund import refund_in
from hutong.workflows.runtime import Runtime


class TieItem(msgspec.Struct, frozen=True, kw_only=True):
    """What ties an order to a link. ``evidence``: click, carried, code, coupon, desk (a channel's own shop code), which
    are certain, or window, which is a guess from times, right in ``confidence_bps`` of ten thousand such cases.
    """

    evidence: str
    confidence_bps: int
    channel_id: UUID
    link_id: UUID | None
    click_id: UUID | None
    word: str


class OrderItem(msgspec.Struct, frozen=True, kw_only=True):
    """An order of any shop."""

    order_id: UUID
    order_no: str
    source: str
    state: str
    title: str
    quantity: int
    currency: str
    total_minor: int
    paid_minor: int
    refunded_minor: int
    is_short: bool
    placed_at: datetime
    paid_at: datetime | None
    channel_id: UUID | None
    link_id: UUID | None
    click_id: UUID | None
    container: str
    customer_id: UUID | None
    tie: TieItem | None


class OrdersAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A page of orders."""

    items: tuple[OrderItem, ...]
    total: int


class OrderCostItem(msgspec.Struct, frozen=True, kw_only=True):
    """What was taken of one sale, in minor units and as hundredths of a per cent of what was kept.

    Refunds have taken their part back, of the costs as of the price. ``platform_fee_minor`` and ``saved_minor``
    (against an agent) are null while nobody has told what the platform keeps; shares are null where nothing was kept.
    """

    currency: str
    kept_minor: int
    wallet_fee_minor: int
    wallet_fee_bps: int | None
    commission_minor: int
    commission_bps: int | None
    platform_fee_minor: int | None
    platform_fee_bps: int | None
    cost_minor: int
    cost_bps: int | None
    net_minor: int
    net_bps: int | None
    agent_rate_bps: int
    agent_would_take_minor: int
    saved_minor: int | None


class OneOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order and what it cost; no cost while it is unpaid or on its way into the books."""

    order: OrderItem
    cost: OrderCostItem | None


class NewRefund(RequestBody, frozen=True, kw_only=True):
    """Money to give back; without an amount, all that is left."""

    amount_fen: Price | None = None
    reason: Line = ""


class RefundMade(msgspec.Struct, frozen=True, kw_only=True):
    """The refund's id; how it ends stands with the payment."""

    refund_id: UUID


class OrdersApi(Controller):
    """Orders and refunds."""

    path = "/api/v1"
    tags = ["Orders"]

    @get("/orders", opt={"scope": "orders:read"}, summary="Orders of all shops")
    async def orders(
        self,
        runtime: Runtime,
        caller: ApiKey,
        limit: Limit,
        offset: Offset,
        source: str = "",
        order_state: str = "",
        channel_id: UUID | None = None,
    ) -> OrdersAnswer:
        """Orders, newest first; with ``channel_id`` those that the channel brought."""
        wanted = OrderFilter(source=source, state=order_state, channel_id=channel_id)
        async with runtime.unit(caller.merchant_id, "api.orders") as unit:
            page = await orders_page(unit, wanted, limit=limit, offset=offset)
            ties = await ties_of(unit, [row.order_id for row in page.rows])
        return OrdersAnswer(items=tuple(_item(row, ties) for row in page.rows), total=page.total)

    @get("/orders/{order_id:uuid}", opt={"scope": "orders:read"}, summary="One order and what was taken of it")
    async def one(self, runtime: Runtime, caller: ApiKey, order_id: UUID) -> OneOrder:
        """An order with its costs, beside what an agent would have taken."""
        async with runtime.unit(caller.merchant_id, "api.order") as unit:
            row = (await order_detail(unit, order_id)).order
            cost = await order_cost(unit, row, runtime.agent_rate_bps)
            ties = await ties_of(unit, [order_id])
        return OneOrder(order=_item(row, ties), cost=None if cost is None else _cost(cost))

    @post("/orders/{order_id:uuid}/refunds", opt={"scope": "refunds:write"}, summary="Give money back")
    async def refund(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, order_id: UUID, data: NewRefund
    ) -> Response[bytes]:
        """Ask for a refund of an order paid at our checkout."""

        async def work(unit: Unit) -> RefundMade:
            refund_id = await refund_in(unit, order_id, data.amount_fen, data.reason, key_actor(caller))
            return RefundMade(refund_id=refund_id)

        return await once(runtime, caller, request, "refund.request", work)


def _item(row: OrderSummary, ties: dict[UUID, TieRow]) -> OrderItem:
    tie = shown_tie(ties.get(row.order_id), row.channel_id, row.link_id, row.click_id)
    return OrderItem(
        order_id=row.order_id,
        order_no=row.order_no,
        source=row.source,
        state=row.state,
        title=row.first_title,
        quantity=row.quantity,
        currency=row.total.currency,
        total_minor=row.total.amount_minor,
        paid_minor=row.paid.amount_minor,
        refunded_minor=row.refunded.amount_minor,
        is_short=row.is_short,
        placed_at=row.placed_at,
        paid_at=row.paid_at,
        channel_id=row.channel_id,
        link_id=row.link_id,
        click_id=row.click_id,
        container=row.container,
        customer_id=row.customer_id,
        tie=None
        if tie is None
        else TieItem(
            evidence=tie.evidence,
            confidence_bps=tie.confidence_bps,
            channel_id=tie.channel_id,
            link_id=tie.link_id,
            click_id=tie.click_id,
            word=tie.word,
        ),
    )


def _cost(told: OrderCost) -> OrderCostItem:
    cost = told.cost
    return OrderCostItem(
        currency=cost.gross.currency,
        kept_minor=cost.kept.amount_minor,
        wallet_fee_minor=cost.wallet_fee.amount_minor,
        wallet_fee_bps=told.share_of(cost.wallet_fee),
        commission_minor=cost.commission.amount_minor,
        commission_bps=told.share_of(cost.commission),
        platform_fee_minor=cost.platform_fee.amount_minor if told.is_known else None,
        platform_fee_bps=told.share_of(cost.platform_fee) if told.is_known else None,
        cost_minor=cost.cost.amount_minor,
        cost_bps=told.share_of(cost.cost),
        net_minor=cost.net.amount_minor,
        net_bps=told.share_of(cost.net),
        agent_rate_bps=told.agent_rate_bps,
        agent_would_take_minor=told.would_take.amount_minor,
        saved_minor=None if told.saved is None else told.saved.amount_minor,
    )
