"""Which events are told outside, under which name, and what a message looks like.

A message tells the facts of the event as they were stored with the change: nothing is read later, so an order that went
on meanwhile does not make an old message say something new. Sums are integers of minor units beside their currency.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from hutong.core.errors import InvalidInput
from hutong.core.events import Event
from hutong.customers import events as customers
from hutong.ledger import events as ledger
from hutong.links import events as links
from hutong.payments import events as payments
from hutong.shops import events as shops

#: What Standard Webhooks asks for: a message stays below 20 kB.
MESSAGE_BYTES_MAX: Final = 20_000
ALL: Final = "*"
#: A message that an endpoint gets when somebody asks for one; no event stands behind it.
TEST_TYPE: Final = "webhook.test"
TYPES_MAX: Final = 40


class Public(msgspec.Struct, frozen=True):
    """An event as the outside knows it. ``without``: fields that mean something inside only."""

    name: str
    event: type[Event]
    without: tuple[str, ...] = ()

    @property
    def stored_names(self) -> tuple[str, ...]:
        """The names that rows of the outbox have."""
        return (self.event.name, *self.event.formerly)


#: The whole list. A name that was told once is never given another meaning, and never taken away.
PUBLIC: Final = (
    Public("payment.paid", payments.PaymentCaptured),
    Public("payment.refunded", payments.PaymentRefunded),
    Public("payment.refund_failed", payments.RefundStopped),
    Public("payment.closed", payments.PaymentClosed),
    Public("payment.unknown", payments.AttemptUnclear),
    Public("payment.surplus", payments.SurplusCaptured),
    Public("payment.surplus_returned", payments.SurplusReturned),
    Public("payment.mismatched", payments.NoticeMismatched),
    Public("payment.decided", payments.SuspenseDecided),
    Public("payment.sent_back", payments.SuspenseReturned),
    Public("payment.bill_read", payments.BillRead),
    Public("order.placed", shops.OrderPlaced),
    Public("order.paid", shops.OrderPaid, ("click_id", "container")),
    Public("order.refunded", shops.OrderRefunded),
    Public("order.closed", shops.OrderClosed),
    Public("order.short", shops.OrderShort),
    Public("order.shipped", shops.OrderShipped),
    Public("order.imported", shops.OrdersImported),
    Public("stock.changed", shops.StockChanged),
    Public("customer.seen", customers.CustomerSeen),
    Public("link.wall_moved", links.WallMoved),
    Public("statement.drawn", ledger.StatementDrawn),
    Public("link.reported", links.LinkReported),
    Public("link.winner_named", links.WinnerNamed),
)
BY_TYPE: Final = {public.name: public for public in PUBLIC}
BY_EVENT: Final = {public.event.name: public for public in PUBLIC}
assert len(BY_TYPE) == len(BY_EVENT) == len(PUBLIC), "one name for one event"


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What is posted, as JSON. ``id`` is the event's for ever: the same on each retry and each replay."""

    id: UUID
    type: str
    timestamp: datetime  # when it happened
    merchant_id: UUID
    version: int  # of the data's shape
    data: dict[str, Any]


def patterns_of(event_type: str) -> tuple[str, ...]:
    """What an endpoint may have written to hear this type: all, its group, or itself."""
    return (ALL, f"{event_type.partition('.')[0]}.*", event_type)


#: Everything that an endpoint may ask for.
PATTERNS: Final = frozenset(pattern for public in PUBLIC for pattern in patterns_of(public.name))


def read_types(given: Sequence[str]) -> list[str]:
    """The types an endpoint asks for, once each.

    Raises:
        InvalidInput: none, too many, or one that there is not.
    """
    types = sorted({one.strip() for one in given})
    unknown = [one for one in types if one not in PATTERNS]
    if unknown or not types or len(types) > TYPES_MAX:
        raise InvalidInput(field="event_types", problem=", ".join(unknown)[: MESSAGE_BYTES_MAX // 100] or "—")
    return types


def heard_by(patterns: Iterable[str]) -> list[Public]:
    """The events that an endpoint with these types hears."""
    asked = set(patterns)
    return [public for public in PUBLIC if not asked.isdisjoint(patterns_of(public.name))]


def message_of(public: Public, event: Event, *, event_id: UUID, occurred_at: datetime, merchant_id: UUID) -> bytes:
    """The bytes of a message. Of very many lines the first are told, and ``lines_count`` says how many there are."""
    data: dict[str, Any] = {
        name: msgspec.to_builtins(getattr(event, name))
        for name in event.__struct_fields__
        if name not in public.without
    }
    lines = data.get("lines")
    if isinstance(lines, (list, tuple)):
        data |= {"lines": list(lines), "lines_count": len(lines)}
    message = Message(
        id=event_id,
        type=public.name,
        timestamp=occurred_at,
        merchant_id=merchant_id,
        version=event.version,
        data=data,
    )
    body = msgspec.json.encode(message)
    while len(body) > MESSAGE_BYTES_MAX and data.get("lines"):
        data["lines"] = data["lines"][: len(data["lines"]) // 2]
        body = msgspec.json.encode(message)
    return body


def test_message(*, event_id: UUID, endpoint_id: UUID, sent_at: datetime, merchant_id: UUID) -> bytes:
    """The bytes of a message that only tries an endpoint out."""
    return msgspec.json.encode(
        Message(
            id=event_id,
            type=TEST_TYPE,
            timestamp=sent_at,
            merchant_id=merchant_id,
            version=1,
            data={"endpoint_id": str(endpoint_id)},
        )
    )
