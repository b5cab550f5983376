"""What payments say happened: one event for each payment, attempt or refund and what became of it.

They leave by the outbox, in the transaction of the change; ``event_id`` is the same however often one is delivered.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from hutong.core.events import Event


class PaymentCaptured(Event, frozen=True, kw_only=True):
    """A wallet took the buyer's money for an order, once and for all."""

    name: ClassVar[str] = "payment.paid"
    formerly: ClassVar[tuple[str, ...]] = ("payments.payment_captured",)

    payment_id: UUID
    order_id: UUID
    attempt_id: UUID
    connection_id: UUID
    platform: str
    amount_minor: int
    currency: str
    paid_at: datetime


class PaymentRefunded(Event, frozen=True, kw_only=True):
    """A refund of the captured payment reached its end. ``refunded_before_minor`` is what had gone back before."""

    name: ClassVar[str] = "payment.refunded"
    formerly: ClassVar[tuple[str, ...]] = ("payments.payment_refunded",)

    refund_id: UUID
    payment_id: UUID
    order_id: UUID
    connection_id: UUID
    platform: str
    amount_minor: int
    refunded_before_minor: int
    payment_amount_minor: int
    currency: str
    refunded_at: datetime


class PaymentClosed(Event, frozen=True, kw_only=True):
    """Nobody paid in time; every attempt is closed at its wallet."""

    name: ClassVar[str] = "payment.closed"
    formerly: ClassVar[tuple[str, ...]] = ("payments.payment_closed",)

    payment_id: UUID
    order_id: UUID


class AttemptUnclear(Event, frozen=True, kw_only=True):
    """A wallet was asked to open or charge an order and nothing clear was heard; it is asked what became of it."""

    name: ClassVar[str] = "payment.unknown"

    payment_id: UUID
    order_id: UUID
    attempt_id: UUID
    connection_id: UUID
    platform: str
    out_trade_no: str
    amount_minor: int
    currency: str


class RefundStopped(Event, frozen=True, kw_only=True):
    """A refund did not reach the buyer. ``state`` abnormal: it can be applied for again; failed: it is over."""

    name: ClassVar[str] = "payment.refund_failed"

    refund_id: UUID
    payment_id: UUID
    order_id: UUID
    connection_id: UUID
    platform: str
    state: str
    cause: str
    problem: str
    amount_minor: int
    currency: str


class SurplusCaptured(Event, frozen=True, kw_only=True):
    """Money came for an order that was paid or closed before; it goes back by itself."""

    name: ClassVar[str] = "payment.surplus"
    formerly: ClassVar[tuple[str, ...]] = ("payments.surplus_captured",)

    payment_id: UUID
    order_id: UUID
    attempt_id: UUID
    refund_id: UUID
    connection_id: UUID
    platform: str
    amount_minor: int
    currency: str
    captured_at: datetime


class SurplusReturned(Event, frozen=True, kw_only=True):
    """The automatic refund of a surplus reached its end."""

    name: ClassVar[str] = "payment.surplus_returned"
    formerly: ClassVar[tuple[str, ...]] = ("payments.surplus_returned",)

    refund_id: UUID
    order_id: UUID
    connection_id: UUID
    platform: str
    amount_minor: int
    currency: str
    returned_at: datetime


class NoticeMismatched(Event, frozen=True, kw_only=True):
    """What a wallet truly said does not fit the order, amount, currency, app or merchant it should; told once.

    ``notice_id``: the wallet's own id of a notice, or ``answer:`` and what it said where we had asked.
    """

    name: ClassVar[str] = "payment.mismatched"
    formerly: ClassVar[tuple[str, ...]] = ("payments.notice_mismatched",)

    notice_id: str
    connection_id: UUID
    platform: str
    out_trade_no: str
    field: str
    amount_minor: int
    currency: str
    received_at: datetime


class SuspenseDecided(Event, frozen=True, kw_only=True):
    """A person decided on money that fitted no payment: ``take``, ``send_back`` or ``write_off``, once and for all.

    ``is_proved``: the wallet said again that the money is there; else it never came. A ``send_back`` whose refund the
    wallet refused for good is decided on anew.
    """

    name: ClassVar[str] = "payment.decided"

    suspense_id: UUID
    connection_id: UUID
    platform: str
    out_trade_no: str
    attempt_id: UUID | None
    payment_id: UUID | None
    order_id: UUID | None
    refund_id: UUID | None
    decision: str
    is_proved: bool
    amount_minor: int
    currency: str
    decided_at: datetime


class SuspenseReturned(Event, frozen=True, kw_only=True):
    """Money that a person sent back has reached whoever paid it: it is out of suspense."""

    name: ClassVar[str] = "payment.sent_back"

    suspense_id: UUID
    refund_id: UUID
    attempt_id: UUID
    order_id: UUID | None
    connection_id: UUID
    platform: str
    amount_minor: int
    currency: str
    returned_at: datetime


class BillRead(Event, frozen=True, kw_only=True):
    """The wallet's bill of a day (in China) was read, perhaps not for the first time, and held against what we know.

    ``differences_count``: of that day, not dealt with yet; what is only missing is told after the next day's bill.
    """

    name: ClassVar[str] = "payment.bill_read"

    connection_id: UUID
    platform: str
    day: date
    rows_count: int
    matched_count: int
    differences_count: int


EVENTS: list[type[Event]] = [
    PaymentCaptured,
    PaymentRefunded,
    PaymentClosed,
    AttemptUnclear,
    RefundStopped,
    SurplusCaptured,
    SurplusReturned,
    NoticeMismatched,
    SuspenseDecided,
    SuspenseReturned,
    BillRead,
]
