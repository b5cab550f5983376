"""Decisions on money in suspense, for programs: what a ticket is about, what can be done, and doing it once."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, get, post

from hutong.core.errors import NotFound
from hutong.core.money import Money
from hutong.db.unit import Unit
from hutong.merchants.actors import key_actor
from hutong.merchants.keys import ApiKey
from hutong.merchants.queries import TicketRow, one_ticket
from hutong.payments.suspense import REASON_CHARS_MAX, Decision
from hutong.web.api.bodies import RequestBody
from hutong.web.api.books import TicketItem
from hutong.web.api.callers import once
from hutong.web.api.examples import with_example
from hutong.workflows.commands.decide import Case, decide_in, read_case, review
from hutong.workflows.runtime import Runtime

DECISION_EXAMPLE: Final = {"decision": "send_back", "reason": "买家多付了，已联系"}


class SumItem(msgspec.Struct, frozen=True, kw_only=True):
    """An amount of minor units."""

    amount_minor: int
    currency: str


class OfferItem(msgspec.Struct, frozen=True, kw_only=True):
    """A decision; ``refusal`` says why it cannot be taken, null: it can, if the wallet says that the money is there."""

    decision: Decision
    refusal: str | None


class SuspenseItem(msgspec.Struct, frozen=True, kw_only=True):
    """A sum in suspense: what was asked for under its number, what came, and how it was decided on.

    ``state``: open, taken, returning, returned or written_off. ``is_proved``: with the decision, whether the wallet
    said again that the money is there. ``transaction_id``: the wallet's own number; empty where it told none.
    """

    suspense_id: UUID
    state: str
    platform: str
    connection_id: UUID
    number: str
    transaction_id: str
    field: str
    order_id: UUID | None
    payment_id: UUID | None
    expected: SumItem | None
    came: SumItem
    offers: tuple[OfferItem, ...]
    decision: str | None
    is_proved: bool | None
    reason: str
    actor: str
    refund_id: UUID | None
    opened_at: datetime
    decided_at: datetime | None
    ended_at: datetime | None


class OneTicket(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket; ``suspense`` where it is about money on which somebody decides."""

    ticket: TicketItem
    suspense: SuspenseItem | None


class NewDecision(RequestBody, frozen=True, kw_only=True):
    """``take`` as the payment of its order, ``send_back`` through the wallet, or ``write_off``; and why."""

    decision: Decision
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=REASON_CHARS_MAX)]


class DecisionMade(msgspec.Struct, frozen=True, kw_only=True):
    """How the money stands now. ``refund_id``: what is on its way back; how that ends stands with the payment."""

    ticket_id: UUID
    suspense_id: UUID
    decision: Decision
    state: str
    is_proved: bool
    refund_id: UUID | None


class DecisionsApi(Controller):
    """Money that fits no payment, until somebody decides."""

    path = "/api/v1/tickets"
    tags = ["Tickets"]

    @get("/{ticket_id:uuid}", opt={"scope": "orders:read"}, summary="One ticket and what can be decided")
    async def one(self, runtime: Runtime, caller: ApiKey, ticket_id: UUID) -> OneTicket:
        """A ticket; of money in suspense also what was expected, what came, and each decision with its refusal."""
        async with runtime.unit(caller.merchant_id, "api.ticket") as unit:
            row = await one_ticket(unit, ticket_id)
            if row is None:
                raise NotFound(what="ticket", key=str(ticket_id))
            case = await read_case(unit, ticket_id)
        return OneTicket(ticket=_ticket(row), suspense=None if case is None else _suspense(case))

    @post(
        "/{ticket_id:uuid}/decide",
        opt={"scope": "refunds:write"},
        summary="Decide on money in suspense",
        operation_class=with_example("Back to whoever paid", DECISION_EXAMPLE),
    )
    async def decide(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, ticket_id: UUID, data: NewDecision
    ) -> Response[bytes]:
        """Decide once and for all; the wallet is asked first whether the money is there (`money_unclear`: not now).

        The same Idempotency-Key gets the same answer; another request is refused (`already_decided`).
        """
        actor = key_actor(caller)
        seen = await review(runtime, caller.merchant_id, ticket_id, data.decision, actor)

        async def work(unit: Unit) -> DecisionMade:
            made = await decide_in(unit, ticket_id, data.decision, data.reason, actor, seen)
            return DecisionMade(
                ticket_id=made.ticket_id,
                suspense_id=made.suspense_id,
                decision=made.decision,
                state=made.state,
                is_proved=made.is_proved,
                refund_id=made.refund_id,
            )

        return await once(runtime, caller, request, "suspense.decide", work)


def _ticket(row: TicketRow) -> TicketItem:
    return TicketItem(
        ticket_id=row.ticket_id,
        kind=row.kind,
        severity=row.severity,
        state=row.state,
        subject_kind=row.subject_kind,
        subject_id=row.subject_id,
        details=row.details,
        opened_at=row.opened_at,
    )


def _suspense(case: Case) -> SuspenseItem:
    view = case.view
    return SuspenseItem(
        suspense_id=view.suspense_id,
        state=view.state.value,
        platform=view.platform,
        connection_id=view.connection_id,
        number=view.number,
        transaction_id=view.transaction_id,
        field=view.field,
        order_id=view.order_id,
        payment_id=view.payment_id,
        expected=None if view.expected is None else _sum(view.expected),
        came=_sum(view.amount),
        offers=tuple(
            OfferItem(decision=decision, refusal=None if refusal is None else refusal.value)
            for decision, refusal in case.offers.items()
        ),
        decision=None if view.decision is None else view.decision.value,
        is_proved=view.is_proved,
        reason=view.reason,
        actor=view.actor,
        refund_id=view.refund_id,
        opened_at=view.opened_at,
        decided_at=view.decided_at,
        ended_at=view.ended_at,
    )


def _sum(amount: Money) -> SumItem:
    return SumItem(amount_minor=amount.amount_minor, currency=amount.currency)
