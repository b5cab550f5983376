"""The order desk: all platforms in one list, one order in full, money back."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect

from hutong.analytics.order_costs import order_cost
from hutong.core.money import Money
from hutong.db.unit import Unit
from hutong.links.attribution.queries import Own, ShownTie, TieRow, shown_tie, ties_of, touches_of
from hutong.links.queries import ClickRow, channel_names, click_of
from hutong.merchants.staff import Session
from hutong.payments.queries import PaymentRow, payment_of_order
from hutong.shops.orders import OWN
from hutong.shops.queries import OrderFilter, OrderSummary, order_detail, order_sources, orders_page
from hutong.shops.states import OrderState
from hutong.web.console.desk import ConsoleRequest, Desk, go_to, session_of
from hutong.web.console.order_bars import sale_cost
from hutong.web.console.paging import PAGE_ROWS, page_offset, paging
from hutong.web.console.refunding import RefundForm, may_refund, send_back
from hutong.web.console.views import OrderRow, OrdersView, OrderView, TimelineItem

_STEPS: Final = ("clicked", "placed", "paid", "refund_requested", "refunded")


class OrdersController(Controller):
    """The order pages."""

    path = "/orders"
    include_in_schema = False

    @get("/")
    async def show(
        self,
        request: ConsoleRequest,
        desk: Desk,
        source: str = "",
        order_state: str = "",
        search: str = "",
        short: str = "",
        page: int = 1,
    ) -> Response[str]:
        """Orders, the newest first, narrowed by the filters."""
        wanted = OrderFilter(source=source, state=order_state, search=search.strip(), only_short=short == "1")
        kept = {"source": source, "order_state": order_state, "search": wanted.search, "short": short}
        async with desk.unit(request, "console.orders") as unit:
            found = await orders_page(unit, wanted, limit=PAGE_ROWS, offset=page_offset(page))
            names = await channel_names(unit, [row.channel_id for row in found.rows if row.channel_id is not None])
            ties = await ties_of(unit, [row.order_id for row in found.rows])
            view = OrdersView(
                rows=tuple(
                    OrderRow(order=row, channel_name=_name(names, row), tie=_tie(ties, row)) for row in found.rows
                ),
                paging=paging("/orders", kept, page=page, total=found.total, shown=len(found.rows)),
                wanted=wanted,
                sources=await order_sources(unit),
                states=tuple(state.value for state in OrderState),
            )
            return await desk.page(request, unit, "console/orders.html", view)

    @get("/{order_id:uuid}")
    async def one(self, request: ConsoleRequest, desk: Desk, order_id: UUID) -> Response[str]:
        """One order in full."""
        async with desk.unit(request, "console.order") as unit:
            view = await _order_view(unit, order_id, session_of(request), desk.runtime.agent_rate_bps)
            return await desk.page(request, unit, "console/order.html", view)

    @post("/{order_id:uuid}/refunds")
    async def refund(
        self,
        request: ConsoleRequest,
        desk: Desk,
        order_id: UUID,
        data: Annotated[RefundForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
    ) -> Redirect:
        """Send money back to the buyer, after the confirmation box was ticked."""
        async with desk.unit(request, "console.refund_read") as unit:
            payment = await payment_of_order(unit, order_id)
        await send_back(desk.runtime, session_of(request), payment, data)
        return go_to(f"/orders/{order_id}")


def _name(names: dict[UUID, str], order: OrderSummary) -> str:
    return "" if order.channel_id is None else names.get(order.channel_id, "")


def _tie(ties: dict[UUID, TieRow], order: OrderSummary) -> ShownTie | None:
    return shown_tie(ties.get(order.order_id), order.channel_id, order.link_id, order.click_id)


def _own(order: OrderSummary) -> Own | None:
    if order.channel_id is None:
        return None
    at = order.paid_at or order.placed_at
    return Own(channel_id=order.channel_id, link_id=order.link_id, click_id=order.click_id, at=at)


async def _order_view(unit: Unit, order_id: UUID, session: Session, agent_bps: int) -> OrderView:
    detail = await order_detail(unit, order_id)
    order = detail.order
    payment = await payment_of_order(unit, order_id)
    tie = _tie(await ties_of(unit, [order_id]), order)
    click = None if tie is None or tie.click_id is None else await click_of(unit, tie.click_id)
    names = await channel_names(unit, [] if order.channel_id is None else [order.channel_id])
    cost = await order_cost(unit, order, agent_bps)
    return OrderView(
        detail=detail,
        payment=payment,
        sale=None if cost is None else sale_cost(cost),
        is_own=order.source == OWN,
        tie=tie,
        touches=await touches_of(unit, order_id, _own(order)),
        channel_name=_name(names, order) or ("" if tie is None else tie.channel_name),
        link_code=("" if tie is None else tie.link_code) if click is None else click.code,
        link_title=("" if tie is None else tie.link_title) if click is None else click.link_title,
        click_at=None if click is None else click.clicked_at,
        timeline=_timeline(order, payment, click),
        refundable=Money(0, order.total.currency) if payment is None else payment.left,
        may_refund=may_refund(session, payment),
    )


def _timeline(order: OrderSummary, payment: PaymentRow | None, click: ClickRow | None) -> tuple[TimelineItem, ...]:
    items = [TimelineItem(at=order.placed_at, kind="placed")]
    if click is not None:
        items.append(TimelineItem(at=click.clicked_at, kind="clicked"))
    if order.paid_at is not None:
        items.append(TimelineItem(at=order.paid_at, kind="paid", amount=order.paid))
    for refund in payment.refunds if payment else ():
        items.append(
            TimelineItem(
                at=refund.created_at, kind="refund_requested", amount=refund.amount, detail=refund.out_refund_no
            )
        )
        if refund.finished_at is not None and refund.state == "succeeded":
            items.append(TimelineItem(at=refund.finished_at, kind="refunded", amount=refund.amount))
    # Wallets tell whole seconds: within one, things are told in the order they must have happened in.
    return tuple(sorted(items, key=lambda item: (item.at.replace(microsecond=0), _STEPS.index(item.kind))))
