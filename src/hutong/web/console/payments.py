"""The payments pages: what was taken at our own cash desk, and one payment try by try."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Controller, Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect

from hutong.db.unit import Unit
from hutong.merchants.actors import staff_actor
from hutong.merchants.queries import this_merchant
from hutong.payments.queries import (
    LIST_STATES,
    PaymentFilter,
    PaymentRow,
    one_payment,
    payment_counts,
    payment_of_order,
    payment_platforms,
    payments_page,
)
from hutong.shops.names import OrderName, order_names, orders_numbered
from hutong.web.console.desk import ConsoleRequest, Desk, go_to, session_of
from hutong.web.console.paging import PAGE_ROWS, page_offset, paging
from hutong.web.console.payment_page import payment_view
from hutong.web.console.payment_views import PaymentFilters, PaymentItem, PaymentsView, StateTab
from hutong.web.console.periods import days_between
from hutong.web.console.refunding import RefundForm, send_back
from hutong.web.format import zone_of
from hutong.workflows.commands.ask_now import ask_now
from hutong.workflows.commands.rescue_refund import ask_again, rescue_refund
from hutong.workflows.commands.settle import close_by_hand

#: The tab that shows every state.
ANY: Final = ""
#: How a stuck refund shall go: to a card of the buyer; anything else is back to the merchant's own account.
TO_CARD: Final = "card"


class RescueForm(msgspec.Struct, frozen=True, kw_only=True):
    """Where a stuck refund shall go instead. Card data is passed on to the wallet and not kept."""

    way: str
    card_bank: str = ""
    card_number: str = ""
    card_holder: str = ""

    def __repr__(self) -> str:
        return f"RescueForm({self.way})"


class PaymentsController(Controller):
    """The payments pages."""

    path = "/payments"
    include_in_schema = False

    @get("/")
    async def show(
        self,
        request: ConsoleRequest,
        desk: Desk,
        payment_state: str = ANY,
        platform: str = "",
        first: str = "",
        last: str = "",
        number: str = "",
        page: int = 1,
    ) -> Response[str]:
        """Payments, the newest first, narrowed by the filters."""
        filters = PaymentFilters(
            state=payment_state if payment_state in LIST_STATES else ANY,
            platform=platform,
            first=first,
            last=last,
            number=number.strip(),
        )
        async with desk.unit(request, "console.payments") as unit:
            wanted = await _wanted(unit, filters)
            found = await payments_page(unit, wanted, limit=PAGE_ROWS, offset=page_offset(page))
            names = await order_names(unit, [row.order_id for row in found.rows])
            view = PaymentsView(
                rows=tuple(payment_item(row, names) for row in found.rows),
                sums=found.sums,
                paging=paging("/payments", _kept(filters), page=page, total=found.total, shown=len(found.rows)),
                filters=filters,
                tabs=_tabs(await payment_counts(unit), filters),
                platforms=await payment_platforms(unit),
            )
            return await desk.page(request, unit, "console/payments.html", view)

    @get("/{payment_id:uuid}")
    async def one(self, request: ConsoleRequest, desk: Desk, payment_id: UUID, asked: str = "") -> Response[str]:
        """One payment: what happened, what the books say, what can be done."""
        async with desk.unit(request, "console.payment") as unit:
            view = await payment_view(unit, desk, request, payment_id, asked=asked)
            return await desk.page(request, unit, "console/payment.html", view)

    @get("/of/{order_id:uuid}")
    async def of_order(self, request: ConsoleRequest, desk: Desk, order_id: UUID) -> Redirect:
        """The payment of an order; the order itself where it was not paid here."""
        async with desk.unit(request, "console.payment_of") as unit:
            payment = await payment_of_order(unit, order_id)
        return go_to(f"/orders/{order_id}" if payment is None else f"/payments/{payment.payment_id}")

    @post("/{payment_id:uuid}/refunds")
    async def refund(
        self,
        request: ConsoleRequest,
        desk: Desk,
        payment_id: UUID,
        data: Annotated[RefundForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
    ) -> Redirect:
        """Send money back to the buyer, after the confirmation box was ticked."""
        async with desk.unit(request, "console.refund_read") as unit:
            payment = await one_payment(unit, payment_id)
        await send_back(desk.runtime, session_of(request), payment, data)
        return go_to(f"/payments/{payment_id}")

    @post("/{payment_id:uuid}/ask")
    async def ask(self, request: ConsoleRequest, desk: Desk, payment_id: UUID) -> Redirect:
        """Ask the wallets now."""
        session = session_of(request)
        heard = await ask_now(desk.runtime, session.merchant_id, payment_id, staff_actor(session))
        return go_to(f"/payments/{payment_id}?asked={'heard' if heard else 'silent'}")

    @post("/{payment_id:uuid}/dismiss")
    async def dismiss(self, request: ConsoleRequest, desk: Desk, payment_id: UUID) -> Redirect:
        """What a wallet says of another sum pays nothing: close the payment as unpaid."""
        async with desk.unit(request, "console.payment_dismiss") as unit:
            await close_by_hand(unit, payment_id, staff_actor(session_of(request)))
        return go_to(f"/payments/{payment_id}")

    @post("/{payment_id:uuid}/refunds/{refund_id:uuid}/rescue")
    async def rescue(
        self,
        request: ConsoleRequest,
        desk: Desk,
        payment_id: UUID,
        refund_id: UUID,
        data: Annotated[RescueForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
    ) -> Redirect:
        """Apply again for a refund that could not reach the buyer: to a card of his, or to the own account."""
        session = session_of(request)
        to_card = data.way == TO_CARD
        await rescue_refund(
            desk.runtime,
            session.merchant_id,
            refund_id,
            staff_actor(session),
            card_bank=data.card_bank.strip() if to_card else "",
            card_number="".join(data.card_number.split()) if to_card else "",
            card_holder=data.card_holder.strip() if to_card else "",
        )
        return go_to(f"/payments/{payment_id}")

    @post("/{payment_id:uuid}/refunds/{refund_id:uuid}/again")
    async def again(self, request: ConsoleRequest, desk: Desk, payment_id: UUID, refund_id: UUID) -> Redirect:
        """Send, or ask about, a refund once more; its number stays the same."""
        session = session_of(request)
        await ask_again(desk.runtime, session.merchant_id, refund_id, staff_actor(session))
        return go_to(f"/payments/{payment_id}")


def payment_item(payment: PaymentRow, names: Mapping[UUID, OrderName]) -> PaymentItem:
    """A payment with the name of its order and the wallet that took it."""
    taken = next((part for part in payment.attempts if part.attempt_id == payment.captured_attempt_id), None)
    shown = taken or (payment.attempts[-1] if payment.attempts else None)
    return PaymentItem(
        payment=payment,
        order=names.get(payment.order_id, OrderName()),
        platform="" if shown is None else shown.platform,
    )


async def _wanted(unit: Unit, filters: PaymentFilters) -> PaymentFilter:
    since, until = days_between(filters.first, filters.last, zone_of((await this_merchant(unit)).timezone))
    return PaymentFilter(
        state=filters.state,
        platform=filters.platform,
        since=since,
        until=until,
        number=filters.number,
        order_ids=await orders_numbered(unit, filters.number) if filters.number else (),
    )


def _kept(filters: PaymentFilters) -> dict[str, str]:
    return {
        "payment_state": filters.state,
        "platform": filters.platform,
        "first": filters.first,
        "last": filters.last,
        "number": filters.number,
    }


def _tabs(counts: Mapping[str, int], filters: PaymentFilters) -> tuple[StateTab, ...]:
    """Every state that has payments, and the one that is looked at."""
    rest = {name: value for name, value in _kept(filters).items() if value and name != "payment_state"}
    tabs = [StateTab(state=ANY, count=sum(counts.values()), href=_href(rest))]
    tabs += [
        StateTab(state=state, count=counts.get(state, 0), href=_href({**rest, "payment_state": state}))
        for state in LIST_STATES
        if counts.get(state) or state == filters.state
    ]
    return tuple(tabs)


def _href(query: Mapping[str, str]) -> str:
    return f"/payments?{urlencode(query)}" if query else "/payments"
