"""Payments to a party outside the wallet: what is payable, writing one down after a second look, and undoing it."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, MediaType, Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect
from litestar.status_codes import HTTP_200_OK

from hutong.core.errors import HutongError, NotFound
from hutong.ledger.parties import get_party
from hutong.ledger.payouts import REASON_CHARS_MAX, record_outside_payment, undo_outside_payment
from hutong.merchants.actors import staff_actor
from hutong.merchants.queries import this_merchant
from hutong.web.console.desk import ConsoleRequest, Desk, go_to, session_of
from hutong.web.console.payout_reading import (
    address_of,
    in_money,
    payment_of_party,
    payouts_view,
    read_form,
    undo_view,
)
from hutong.web.console.payout_views import PayoutCheckView, PayoutForm, Refusal
from hutong.web.console.periods import midnight
from hutong.web.console.typed import typed_words
from hutong.web.errors import text_for
from hutong.web.format import zone_of
from hutong.web.labels import mark
from hutong.web.languages import locale_of
from hutong.web.things import for_people


class UndoForm(msgspec.Struct, frozen=True, kw_only=True):
    """Why a payment is undone."""

    reason: str = ""


Typing = Annotated[PayoutForm, Body(media_type=RequestEncodingType.URL_ENCODED)]


class PayoutsController(Controller):
    """A party's payments outside the wallet."""

    path = "/splits/parties/{party_id:uuid}/payouts"
    include_in_schema = False

    @get("/")
    async def show(self, request: ConsoleRequest, desk: Desk, party_id: UUID, page: int = 1) -> Response[str]:
        """What is payable, the form, and what was paid."""
        async with desk.unit(request, "console.payouts") as unit:
            view = await payouts_view(unit, request, party_id, page=page)
            return await desk.page(request, unit, "console/payouts.html", view)

    @post("/check", media_type=MediaType.HTML, status_code=HTTP_200_OK)
    async def check(self, request: ConsoleRequest, desk: Desk, party_id: UUID, data: Typing) -> Response[str]:
        """Everything once more before it is written down; nothing is written yet.

        Raises:
            NotFound: no such party.
            Forbidden: not this person's to do.
        """
        staff_actor(session_of(request)).require_payouts()
        try:
            async with desk.unit(request, "console.payout_check") as unit:
                party = await get_party(unit, party_id)
                typed = await read_form(unit, party_id, data)
                view = PayoutCheckView(
                    party_id=party_id,
                    name=party.name,
                    form=data,
                    amount=typed.amount,
                    left=typed.payable - typed.amount,
                    paid_on=typed.paid_on,
                )
                return await desk.page(request, unit, "console/payout_check.html", view)
        except NotFound:
            raise
        except HutongError as refusal:
            return await _asked_again(request, desk, party_id, data, refusal)

    @post("/edit", media_type=MediaType.HTML, status_code=HTTP_200_OK)
    async def edit(self, request: ConsoleRequest, desk: Desk, party_id: UUID, data: Typing) -> Response[str]:
        """Back from the second look, with what was typed."""
        async with desk.unit(request, "console.payout_edit") as unit:
            view = await payouts_view(unit, request, party_id, data)
            return await desk.page(request, unit, "console/payouts.html", view)

    @post("/", media_type=MediaType.HTML, status_code=HTTP_200_OK)
    async def record(
        self, request: ConsoleRequest, desk: Desk, party_id: UUID, data: Typing
    ) -> Response[str] | Redirect:
        """Write it down. The same form again has no effect; a refusal comes back with what was typed."""
        session = session_of(request)
        staff_actor(session).require_payouts()
        try:
            async with desk.unit(request, "console.payout") as unit:
                zone = zone_of((await this_merchant(unit)).timezone)
                typed = await read_form(unit, party_id, data)
                await record_outside_payment(
                    unit,
                    staff_actor(session),
                    party_id=party_id,
                    amount=typed.amount,
                    paid_by=session.name,
                    paid_at=midnight(typed.paid_on, zone),
                    reference=data.reference,
                    method=typed.method,
                    note=data.note,
                    payment_id=typed.payment_id,
                )
        except NotFound:
            raise
        except HutongError as refusal:
            return await _asked_again(request, desk, party_id, data, in_money(refusal, data))
        return go_to(address_of(party_id))

    @get("/{payment_id:uuid}/undo")
    async def ask_undo(self, request: ConsoleRequest, desk: Desk, party_id: UUID, payment_id: UUID) -> Response[str]:
        """A payment, what undoing it does, or why it cannot be undone."""
        async with desk.unit(request, "console.payout_undo_ask") as unit:
            view = await undo_view(unit, request, party_id, payment_id)
            return await desk.page(request, unit, "console/payout_undo.html", view)

    @post("/{payment_id:uuid}/undo", media_type=MediaType.HTML, status_code=HTTP_200_OK)
    async def undo(
        self,
        request: ConsoleRequest,
        desk: Desk,
        party_id: UUID,
        payment_id: UUID,
        data: Annotated[UndoForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
    ) -> Response[str] | Redirect:
        """Undo it, with the reason; a refusal comes back with what was typed."""
        actor = staff_actor(session_of(request))
        actor.require_payouts()
        try:
            async with desk.unit(request, "console.payout_undo") as unit:
                await payment_of_party(unit, party_id, payment_id)
                reason = typed_words(data.reason, mark("为什么撤销"), REASON_CHARS_MAX)
                await undo_outside_payment(unit, actor, payment_id, reason)
        except NotFound:
            raise
        except HutongError as refusal:
            async with desk.unit(request, "console.payout_undo_refused") as unit:
                view = await undo_view(unit, request, party_id, payment_id)
                view = msgspec.structs.replace(view, reason=data.reason, refusal=_told(request, desk, refusal))
                answer = await desk.page(request, unit, "console/payout_undo.html", view)
            answer.status_code = refusal.status
            return answer
        return go_to(address_of(party_id))


async def _asked_again(
    request: ConsoleRequest, desk: Desk, party_id: UUID, data: PayoutForm, refusal: HutongError
) -> Response[str]:
    """The form with what was typed, and why it was not taken."""
    async with desk.unit(request, "console.payout_refused") as unit:
        view = await payouts_view(unit, request, party_id, data)
        view = msgspec.structs.replace(view, refusal=_told(request, desk, refusal))
        answer = await desk.page(request, unit, "console/payouts.html", view)
    answer.status_code = refusal.status
    return answer


def _told(request: ConsoleRequest, desk: Desk, refusal: HutongError) -> Refusal:
    locale = locale_of(request)
    text = text_for(refusal.with_details(for_people(refusal.details)), locale, desk.renderer.catalogues)
    return Refusal(sentence=text.sentence, cause=text.cause, fix=text.fix)
