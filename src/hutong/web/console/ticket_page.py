"""One ticket on a page of its own: what came, where it lies, what can be decided, and how it was."""

from __future__ import annotations

from uuid import UUID

from hutong.core.errors import ErrorText, HutongError, NotFound
from hutong.db.unit import Unit
from hutong.merchants.connections import WALLET_FEE_BPS_DEFAULT, get_connection
from hutong.merchants.queries import one_ticket, staff_names, this_merchant
from hutong.merchants.staff import REFUND_ROLES
from hutong.payments.suspense import Decision
from hutong.payments.suspense_decisions import Refusal
from hutong.shops.names import OrderName, order_names
from hutong.web.console.desk import ConsoleRequest, Desk, session_of
from hutong.web.console.suspense_texts import REFUSALS, Translate, choice, place_of
from hutong.web.console.ticket_items import ticket_items_of
from hutong.web.console.ticket_views import SuspenseBox, TicketView
from hutong.web.errors import text_for
from hutong.web.format import Formats, zone_of
from hutong.web.languages import locale_of
from hutong.workflows.commands.decide import Case, DecisionRefused, read_case


async def ticket_view(
    request: ConsoleRequest,
    desk: Desk,
    unit: Unit,
    ticket_id: UUID,
    *,
    chosen: str = "",
    reason: str = "",
    trouble: HutongError | None = None,
) -> TicketView:
    """The page's content. ``trouble``: why the decision that was sent did not hold; what was typed stays.

    Raises:
        NotFound: not this merchant's.
    """
    row = await one_ticket(unit, ticket_id)
    if row is None:
        raise NotFound(what="ticket", key=str(ticket_id))
    locale = locale_of(request)
    formats = Formats(locale, zone_of((await this_merchant(unit)).timezone))
    translate = desk.renderer.catalogues.of(locale).ugettext
    case = await read_case(unit, ticket_id)
    (item,) = await ticket_items_of(unit, [row], translate, formats)
    box = None if case is None else await _box(unit, case, translate, formats, is_paid=bool(item.also))
    return TicketView(
        item=item,
        box=box,
        chosen=next((one for one in box.choices if one.name == chosen and not one.refusal), None) if box else None,
        may_decide=session_of(request).role in REFUND_ROLES,
        reason=reason,
        trouble=None if trouble is None else _trouble(desk, request, trouble, translate),
        staff=await staff_names(unit),
    )


async def _box(unit: Unit, case: Case, translate: Translate, formats: Formats, *, is_paid: bool) -> SuspenseBox:
    view = case.view
    connection = await get_connection(unit, view.connection_id)
    fee_bps = int(connection.settings.get("fee_bps", WALLET_FEE_BPS_DEFAULT))
    names = await order_names(unit, [] if view.order_id is None else [view.order_id])
    return SuspenseBox(
        suspense=view,
        account=connection.title,
        order=OrderName() if view.order_id is None else names.get(view.order_id, OrderName()),
        place=place_of(view, translate),
        choices=tuple(
            choice(view, decision, refusal, fee_bps, is_paid=is_paid, translate=translate, formats=formats)
            for decision, refusal in case.offers.items()
        ),
    )


def _trouble(desk: Desk, request: ConsoleRequest, trouble: HutongError, translate: Translate) -> ErrorText:
    if isinstance(trouble, DecisionRefused):
        trouble = trouble.with_details({"reason": translate(REFUSALS[Refusal(str(trouble.details["reason"]))])})
    return text_for(trouble, locale_of(request), desk.renderer.catalogues)


def decision_named(name: str) -> Decision | None:
    """A decision by the word of the form, or None."""
    return Decision(name) if name in {one.value for one in Decision} else None
