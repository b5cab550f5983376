"""Tickets: what a person has to look at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.response import Redirect

from hutong.merchants.queries import TicketRow, this_merchant, tickets_page
from hutong.merchants.tickets import resolve_ticket
from hutong.web.console.desk import ConsoleRequest, Desk, go_to
from hutong.web.console.paging import PAGE_ROWS, page_offset, paging
from hutong.web.console.ticket_texts import ticket_text
from hutong.web.console.views import TicketItem, TicketsView
from hutong.web.format import Formats, zone_of
from hutong.web.languages import locale_of

_STATES: Final = ("open", "resolved")
_PAGES: Final = {"order": "/orders/{}"}


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
                paging=paging("/tickets", {"show": state}, page=page, total=found.total, shown=len(rows)),
                state=state,
            )
            return await desk.page(request, unit, "console/tickets.html", view)

    @post("/{ticket_id:uuid}/resolve")
    async def resolve(self, request: ConsoleRequest, desk: Desk, ticket_id: UUID) -> Redirect:
        """Take a ticket off the desk."""
        async with desk.unit(request, "console.ticket_resolve") as unit:
            await resolve_ticket(unit, ticket_id)
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
    pattern = _PAGES.get(ticket.subject_kind)
    return "" if pattern is None else pattern.format(ticket.subject_id)
