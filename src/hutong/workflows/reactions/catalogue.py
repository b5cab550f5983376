"""Which handlers follow which event, under the names that the inbox keeps for ever."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec

from hutong.core.events import Event
from hutong.db.unit import Unit
from hutong.payments.events import (
    NoticeMismatched,
    PaymentCaptured,
    PaymentClosed,
    PaymentRefunded,
    SurplusCaptured,
    SurplusReturned,
    SuspenseDecided,
    SuspenseReturned,
)
from hutong.shops.events import OrderPaid, OrderRefunded, OrderShipped, OrderShort, OrdersImported, StockChanged
from hutong.webhooks.public import PUBLIC
from hutong.workflows.reactions import books, figures, orders, outside, ties
from hutong.workflows.runtime import Runtime

# The event's type differs from handler to handler; the table below ties each to its own.
Handler = Callable[[Runtime, Unit, Any], Awaitable[None]]
Told = Sequence[tuple[UUID, Event]]


class Reaction(msgspec.Struct, frozen=True):
    """A handler under its inbox name. Renaming one would run it again on old events: never do.

    ``takes_many``: the handler takes a list of events and works them with a handful of statements. ``keeps_ids``: it
    takes them with their ids and keeps these in a key of its own, so that no mark of the inbox is needed.
    """

    name: str
    event: type[Event]
    handler: Handler
    takes_many: bool = False
    keeps_ids: bool = False

    async def run(self, runtime: Runtime, unit: Unit, told: Told) -> None:
        """Let the handler work these events, in their order."""
        if self.keeps_ids:
            await self.handler(runtime, unit, told)
            return
        if self.takes_many:
            await self.handler(runtime, unit, [event for _, event in told])
            return
        for _, event in told:
            await self.handler(runtime, unit, event)


REACTIONS: Final = (
    Reaction("orders.pay", PaymentCaptured, orders.pay_orders, takes_many=True),
    Reaction("orders.close", PaymentClosed, orders.close_unpaid_order),
    Reaction("orders.refund", PaymentRefunded, orders.refund_order),
    Reaction("orders.report_short", OrderShort, orders.report_short),
    Reaction("orders.report_surplus", SurplusCaptured, orders.report_surplus),
    Reaction("stock.push", StockChanged, orders.push_stock, takes_many=True),
    Reaction("books.sale", OrderPaid, books.book_sales, takes_many=True),
    Reaction("books.refund", PaymentRefunded, books.book_refund),
    Reaction("books.return_window", OrderShipped, books.restart_return_window),
    Reaction("books.platform_refund", OrderRefunded, books.book_platform_refund),
    Reaction("books.surplus", SurplusCaptured, books.book_surplus),
    Reaction("books.surplus_return", SurplusReturned, books.book_surplus_return),
    Reaction("books.mismatch", NoticeMismatched, books.book_mismatch),
    Reaction("books.decision", SuspenseDecided, books.book_decision),
    Reaction("books.sent_back", SuspenseReturned, books.book_sent_back),
    Reaction("figures.sale", OrderPaid, figures.count_sales, takes_many=True),
    Reaction("figures.refund", OrderRefunded, figures.count_refund),
    Reaction("ties.sale", OrderPaid, ties.tie_sales, takes_many=True),
    Reaction("ties.imported", OrdersImported, ties.claim_imported),
    Reaction("customers.sale", OrderPaid, figures.credit_customers, takes_many=True),
    Reaction("customers.refund", OrderRefunded, figures.debit_customer),
    *(Reaction(f"webhooks.{public.name}", public.event, outside.tell, keeps_ids=True) for public in PUBLIC),
)


def reactions_to(name: str) -> list[Reaction]:
    """The handlers of an event by its name."""
    return [reaction for reaction in REACTIONS if reaction.event.name == name]
