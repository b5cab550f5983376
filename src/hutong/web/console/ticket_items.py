"""Tickets in the reader's words, and where each leads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from hutong.merchants.queries import TicketRow
from hutong.merchants.tickets import SUSPENSE_ID, TicketKind
from hutong.web.console.ticket_texts import ticket_text
from hutong.web.console.views import TicketItem
from hutong.web.format import Formats

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
    if SUSPENSE_ID in ticket.details:
        return f"/tickets/{ticket.ticket_id}"
    if ticket.kind in _MONEY_KINDS and ticket.subject_kind == "order":
        return f"/payments/of/{ticket.subject_id}"
    pattern = _PAGES.get(ticket.subject_kind)
    return "" if pattern is None else pattern.format(ticket.subject_id)
