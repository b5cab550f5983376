"""Names, payloads and schedules of the jobs that reach outside."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

import msgspec

QUERY_ATTEMPT: Final = "payments.query_attempt"
QUERY_COMBINED: Final = "payments.query_combined"
LOOK_AT_ATTEMPT: Final = "payments.look_at_attempt"
CLOSE_PAYMENT: Final = "payments.close_payment"
FOLLOW_CHARGE: Final = "payments.follow_charge"
WORK_INBOUND: Final = "payments.work_inbound"
QUERY_REFUND: Final = "payments.query_refund"
PULL_ORDERS: Final = "shops.pull_orders"
PUSH_STOCK: Final = "shops.push_stock"
PROMOTE_LINKS: Final = "links.promote"
PULL_PROMOTED: Final = "links.pull_promoted"
READ_BILL: Final = "payments.read_bill"
CHECK_PAID: Final = "payments.check_paid"
SHARE_OUT: Final = "ledger.share_out"
UNFREEZE: Final = "ledger.unfreeze"
TAKE_BACK: Final = "ledger.take_back"

#: A lost callback is repaired within a minute of the payment, however late the buyer pays: the wallet is asked 20 s
#: after opening, twice more at short gaps, and then steadily until the attempt expires.
QUERY_FIRST: Final = timedelta(seconds=20)
QUERY_GAPS: Final = (timedelta(seconds=20), timedelta(seconds=20))
QUERY_GAP: Final = timedelta(seconds=50)
#: A closed attempt is asked about at growing gaps, the first time within a minute, and once when nobody can pay it any
#: more: a close that crossed the buyer's payment, or a code that was kept and is scanned after all, and a callback that
#: was lost besides, must not hide money. In half an hour that is ten questions at most; an open attempt has forty.
CHECK_CLOSED: Final = "payments.check_closed"
CHECK_CLOSED_GAPS: Final = tuple(timedelta(seconds=seconds) for seconds in (45, 60, 120, 240))
CHECK_CLOSED_GAP: Final = timedelta(minutes=5)
CHECK_AFTER_EXPIRY: Final = timedelta(minutes=2)
#: A wallet that does not answer is asked again for a day; then a person is told.
CHECK_GAP: Final = timedelta(minutes=5)
CHECK_GIVE_UP: Final = timedelta(days=1)
#: Tries to close what stays unclear at its wallet: about five days in all.
CLOSE_GAPS: Final = (
    *(timedelta(seconds=seconds) for seconds in (20, 30, 60, 120, 300, 600, 1200, 1800)),
    *(timedelta(hours=hours) for hours in (1, 2, 4, 8, 12, 24, 24, 24, 24)),
)
#: After so many tries without an end (about nine minutes) a person is told.
UNCLEAR_CLOSES: Final = 6
#: While the buyer types a password at the counter.
CODE_QUERY_GAP: Final = timedelta(seconds=5)
#: Refunds usually arrive within minutes; banks may take days. After about ten days a person is told.
REFUND_QUERY_GAPS: Final = (
    *(timedelta(minutes=minutes) for minutes in (1, 1, 1, 2, 5, 10, 10, 30)),
    *(timedelta(hours=hours) for hours in (1, 2, 4, 8, *[12] * 18)),
)
#: A refund that was not taken, or not clearly, is sent again with the same number. The first steps repair a lost
#: answer, the later ones wait for money or permission at the wallet.
REFUND_SEND_GAPS: Final = (
    *(timedelta(seconds=seconds) for seconds in (2, 5, 15, 30, 60, 300, 900, 1800)),
    *(timedelta(hours=hours) for hours in (1, 2, 4, 8, *[12] * 14)),
)
#: After so many tries that were not taken a person is told; it goes on by itself meanwhile.
REFUND_WAITING_TRIES: Final = 3
#: A bill that is not there, or cannot be used, is asked for again for about five days; then a person is told.
BILL_GAPS: Final = (
    *(timedelta(minutes=minutes) for minutes in (30, 30)),
    *(timedelta(hours=hours) for hours in (1, 1, 2, 4, 8, *[12] * 8)),
)
#: A bill told of money that we did not know: the wallet is asked, and then the day is read once more.
READ_AFTER_DOUBT: Final = timedelta(minutes=10)
PULL_GAP: Final = timedelta(minutes=1)
#: A new link has its address of an alliance this soon; until then it leads by its own.
PROMOTE_GAP: Final = timedelta(minutes=1)
PULL_PROMOTED_GAP: Final = timedelta(minutes=5)


class AttemptKey(msgspec.Struct, frozen=True):
    """Payload: which attempt."""

    attempt_id: UUID


class TryKey(msgspec.Struct, frozen=True):
    """Payload: which try of a combined payment."""

    try_id: UUID


class ClosedKey(msgspec.Struct, frozen=True):
    """Payload: which closed attempt, and how often it was looked at since its close."""

    attempt_id: UUID
    looks_count: int = 0


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


def query_gap(queries_count: int) -> timedelta:
    """How long to wait after the n-th query of an attempt."""
    return QUERY_GAPS[queries_count - 1] if 0 < queries_count <= len(QUERY_GAPS) else QUERY_GAP


def closed_gap(looks_count: int) -> timedelta:
    """How long to wait after the n-th look at a closed attempt, or after its close (0)."""
    return CHECK_CLOSED_GAPS[looks_count] if looks_count < len(CHECK_CLOSED_GAPS) else CHECK_CLOSED_GAP
