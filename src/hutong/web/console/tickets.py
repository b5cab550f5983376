"""Tickets: what a person has to look at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import Controller, Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect

from hutong.merchants.actors import staff_actor
from hutong.merchants.queries import TicketRow, staff_names, this_merchant, tickets_page
from hutong.merchants.tickets import TicketKind, resolve_ticket
from hutong.web.console.desk import ConsoleRequest, Desk, go_to, session_of
from hutong.web.console.paging import PAGE_ROWS, page_offset, paging
from hutong.web.console.ticket_texts import ticket_text
from hutong.web.console.views import TicketItem, TicketsView
from hutong.web.format import Formats, zone_of
from hutong.web.languages import locale_of

_STATES: Final = ("open", "resolved")
_PAGES: Final = {
    "order": "/orders/{}",
    "connection": "/connections",
    "webhook": "/webhooks/{}",
    "bill": "/bills/{}",
}
#: Kinds about money of an order: what to do stands with its payment.
_MONEY_KINDS: Final = frozenset(
    {
        TicketKind.SURPLUS_CAPTURED.value,
        TicketKind.REFUND_ABNORMAL.value,
        TicketKind.REFUND_FAILED.value,
        TicketKind.REFUND_WAITING.value,
        TicketKind.PAYMENT_UNCLEAR.value,
    }
)


class ResolveForm(msgspec.Struct, frozen=True, kw_only=True):
    """How a ticket was dealt with; may be left empty."""

    note: str = ""


class TicketsController(Controller):
    """The tickets page."""

    path = "/tickets"
    include_in_schema = False

    @get("/")
    async def list(self, request: ConsoleRequest, desk: Desk, show: str = "open", page: int = 1) -> Response[str]:
        """Open or resolved tickets."""
        state = show if show in _STATES else "open"
        locale = locale_of(request)
        translate = desk.renderer.catalogues.of(locale).ugettext
        async with desk.unit(request, "console.tickets") as unit:
            formats = Formats(locale, zone_of((await this_merchant(unit)).timezone))
            found = await tickets_page(unit, state=state, limit=PAGE_ROWS, offset=page_offset(page))
            rows = ticket_items(found.rows, translate, formats)
            view = TicketsView(
                rows=rows,
                staff=await staff_names(unit),
                paging=paging("/tickets", {"show": state}, page=page, total=found.total, shown=len(rows)),
                state=state,
            )
            return await desk.page(request, unit, "console/tickets.html", view)

    @post("/{ticket_id:uuid}/resolve")
    async def resolve(
        self,
        request: ConsoleRequest,
        desk: Desk,
        ticket_id: UUID,
        data: Annotated[ResolveForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
    ) -> Redirect:
        """Take a ticket off the desk."""
        actor = staff_actor(session_of(request)).name
        async with desk.unit(request, "console.ticket_resolve") as unit:
            await resolve_ticket(unit, ticket_id, note=data.note, actor=actor)
        return go_to("/tickets")


def ticket_items(
    tickets: Sequence[TicketRow], translate: Callable[[str], str], formats: Formats
) -> tuple[TicketItem, ...]:
    """Tickets in the reader's words."""
    told = [(ticket, ticket_text(ticket, translate, formats)) for ticket in tickets]
    return tuple(
        TicketItem(ticket=ticket, sentence=sentence, cause=cause, fix=fix, subject_href=_href(ticket))
        for ticket, (sentence, cause, fix) in told
    )


def _href(ticket: TicketRow) -> str:
    if ticket.kind in _MONEY_KINDS and ticket.subject_kind == "order":
        return f"/payments/of/{ticket.subject_id}"
    pattern = _PAGES.get(ticket.subject_kind)
    return "" if pattern is None else pattern.format(ticket.subject_id)
