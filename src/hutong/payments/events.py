"""What payments say happened."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from hutong.core.events import Event


class PaymentCaptured(Event, frozen=True, kw_only=True):
    """A wallet took the buyer's money for an order, once and for all."""

    name: ClassVar[str] = "payments.payment_captured"

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

    name: ClassVar[str] = "payments.payment_refunded"

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

    name: ClassVar[str] = "payments.payment_closed"

    payment_id: UUID
    order_id: UUID


class SurplusCaptured(Event, frozen=True, kw_only=True):
    """Money came for an order that was paid or closed before; it goes back by itself."""

    name: ClassVar[str] = "payments.surplus_captured"

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

    name: ClassVar[str] = "payments.surplus_returned"

    refund_id: UUID
    order_id: UUID
    connection_id: UUID
    platform: str
    amount_minor: int
    currency: str
    returned_at: datetime


class NoticeMismatched(Event, frozen=True, kw_only=True):
    """A truly signed notice does not fit the order, amount, currency, app or merchant it should."""

    name: ClassVar[str] = "payments.notice_mismatched"

    notice_id: str
    connection_id: UUID
    platform: str
    out_trade_no: str
    field: str
    amount_minor: int
    currency: str
    received_at: datetime


EVENTS: list[type[Event]] = [
    PaymentCaptured,
    PaymentRefunded,
    PaymentClosed,
    SurplusCaptured,
    SurplusReturned,
    NoticeMismatched,
]
