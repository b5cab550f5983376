"""Tickets in the reader's words, and where each leads."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Final
from uuid import UUID

from hutong.db.unit import Unit
from hutong.merchants.queries import TicketRow
from hutong.merchants.tickets import SUSPENSE_ID, TicketKind
from hutong.payments.suspense import paid_otherwise
from hutong.web.console.ticket_texts import PAID_OTHERWISE, ticket_text
from hutong.web.console.views import TicketItem
from hutong.web.format import Formats

_PAGES: Final = {
    "order": "/orders/{}",
    "connection": "/connections",
    "webhook": "/webhooks/{}",
    "bill": "/bills/{}",
    "wall": "/walls/{}",
    "link": "/links/{}",
    "host": "/hosts",
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


async def ticket_items_of(
    unit: Unit, tickets: Sequence[TicketRow], translate: Callable[[str], str], formats: Formats
) -> tuple[TicketItem, ...]:
    """Tickets in the reader's words, and of money that does not fit whether its order was paid otherwise."""
    orders = {
        row.ticket_id: UUID(row.subject_id)
        for row in tickets
        if row.kind == TicketKind.NOTICE_MISMATCHED.value and row.subject_kind == "order"
    }
    return ticket_items(tickets, translate, formats, await paid_otherwise(unit, orders))


def ticket_items(
    tickets: Sequence[TicketRow],
    translate: Callable[[str], str],
    formats: Formats,
    paid: Collection[UUID] = (),
) -> tuple[TicketItem, ...]:
    """Tickets in the reader's words; ``paid``: those whose order was paid, though not with their sum."""
    told = [(ticket, ticket_text(ticket, translate, formats)) for ticket in tickets]
    return tuple(
        TicketItem(
            ticket=ticket,
            sentence=sentence,
            cause=cause,
            also=translate(PAID_OTHERWISE) if ticket.ticket_id in paid else "",
            fix=fix,
            subject_href=_href(ticket),
        )
        for ticket, (sentence, cause, fix) in told
    )


def _href(ticket: TicketRow) -> str:
    if SUSPENSE_ID in ticket.details:
        return f"/tickets/{ticket.ticket_id}"
    if ticket.kind in _MONEY_KINDS and ticket.subject_kind == "order":
        return f"/payments/of/{ticket.subject_id}"
    pattern = _PAGES.get(ticket.subject_kind)
    return "" if pattern is None else pattern.format(ticket.subject_id)
