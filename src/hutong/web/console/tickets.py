"""Tickets: what a person has to look at."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import Controller, Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect

from hutong.core.errors import Conflict, InvalidInput
from hutong.merchants.actors import staff_actor
from hutong.merchants.queries import staff_names, this_merchant, tickets_page
from hutong.merchants.tickets import resolve_ticket
from hutong.web.console.desk import ConsoleRequest, Desk, go_to, session_of
from hutong.web.console.paging import PAGE_ROWS, page_offset, paging
from hutong.web.console.ticket_items import ticket_items_of
from hutong.web.console.ticket_page import decision_named, ticket_view
from hutong.web.console.views import TicketsView
from hutong.web.format import Formats, zone_of
from hutong.web.languages import locale_of
from hutong.workflows.commands.decide import AlreadyDecided, DecisionRefused, MoneyUnclear, decide

_STATES: Final = ("open", "resolved")


class ResolveForm(msgspec.Struct, frozen=True, kw_only=True):
    """How a ticket was dealt with; may be left empty."""

    note: str = ""


class DecideForm(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided on money in suspense, why, and that it was confirmed."""

    decision: str
    reason: str = ""
    confirmed: str = ""


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
            rows = await ticket_items_of(unit, found.rows, translate, formats)
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

    @get("/{ticket_id:uuid}")
    async def one(self, request: ConsoleRequest, desk: Desk, ticket_id: UUID, choose: str = "") -> Response[str]:
        """One ticket; ``choose`` names the decision that is to be confirmed."""
        async with desk.unit(request, "console.ticket") as unit:
            view = await ticket_view(request, desk, unit, ticket_id, chosen=choose)
            return await desk.page(request, unit, "console/ticket.html", view)

    @post("/{ticket_id:uuid}/decide")
    async def decide(
        self,
        request: ConsoleRequest,
        desk: Desk,
        ticket_id: UUID,
        data: Annotated[DecideForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
    ) -> Response[str] | Redirect:
        """Decide on money in suspense; what cannot be now is told on the page, and what was typed stays."""
        session = session_of(request)
        decision = decision_named(data.decision)
        if decision is None or data.confirmed != "yes":
            return go_to(f"/tickets/{ticket_id}")
        try:
            await decide(desk.runtime, session.merchant_id, ticket_id, decision, data.reason, staff_actor(session))
        except (AlreadyDecided, Conflict, DecisionRefused, MoneyUnclear, InvalidInput) as trouble:
            async with desk.unit(request, "console.ticket") as unit:
                view = await ticket_view(
                    request, desk, unit, ticket_id, chosen=data.decision, reason=data.reason, trouble=trouble
                )
                answer = await desk.page(request, unit, "console/ticket.html", view)
            answer.status_code = trouble.status
            return answer
        return go_to(f"/tickets/{ticket_id}")
