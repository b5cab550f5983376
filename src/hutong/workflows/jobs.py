"""Names, payloads and schedules of the jobs that reach outside."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

import msgspec

QUERY_ATTEMPT: Final = "payments.query_attempt"
CLOSE_PAYMENT: Final = "payments.close_payment"
FOLLOW_CHARGE: Final = "payments.follow_charge"
WORK_INBOUND: Final = "payments.work_inbound"
QUERY_REFUND: Final = "payments.query_refund"
PULL_ORDERS: Final = "shops.pull_orders"
PUSH_STOCK: Final = "shops.push_stock"

#: A lost callback is repaired within a minute: the wallet is asked 20 s after opening, then at growing gaps.
QUERY_FIRST: Final = timedelta(seconds=20)
QUERY_GAPS: Final = (
    timedelta(seconds=20),
    timedelta(seconds=30),
    timedelta(minutes=1),
    timedelta(minutes=2),
    timedelta(minutes=5),
    timedelta(minutes=10),
    timedelta(minutes=10),
)
#: While the buyer types a password at the counter.
CODE_QUERY_GAP: Final = timedelta(seconds=5)
#: Refunds usually arrive within minutes; banks may take days.
REFUND_QUERY_GAP: Final = timedelta(minutes=1)
REFUND_QUERIES_MAX: Final = 60 * 24 * 4
PULL_GAP: Final = timedelta(minutes=1)


class AttemptKey(msgspec.Struct, frozen=True):
    """Payload: which attempt."""

    attempt_id: UUID


class PaymentKey(msgspec.Struct, frozen=True):
    """Payload: which payment."""

    payment_id: UUID


class InboundKey(msgspec.Struct, frozen=True):
    """Payload: which stored callback."""

    connection_id: UUID
    external_id: str


class ConnectionKey(msgspec.Struct, frozen=True):
    """Payload: which connection."""

    connection_id: UUID


class SkuKey(msgspec.Struct, frozen=True):
    """Payload: which SKU."""

    sku_id: UUID
