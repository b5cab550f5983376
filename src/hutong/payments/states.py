"""State tables of payments, attempts and refunds."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from hutong.core.states import TransitionTable


class PaymentState(StrEnum):
    """What an order owes, and whether it was settled."""

    OPEN = "open"
    PAID = "paid"
    PARTLY_REFUNDED = "partly_refunded"
    REFUNDED = "refunded"
    CLOSED = "closed"


class PaymentEvent(StrEnum):
    """What can happen to a payment."""

    CAPTURE = "capture"
    REFUND_PART = "refund_part"
    REFUND_REST = "refund_rest"
    CLOSE = "close"


PAYMENT: Final = TransitionTable(
    "payment",
    {
        (PaymentState.OPEN, PaymentEvent.CAPTURE): PaymentState.PAID,
        (PaymentState.OPEN, PaymentEvent.CLOSE): PaymentState.CLOSED,
        (PaymentState.PAID, PaymentEvent.REFUND_PART): PaymentState.PARTLY_REFUNDED,
        (PaymentState.PARTLY_REFUNDED, PaymentEvent.REFUND_PART): PaymentState.PARTLY_REFUNDED,
        (PaymentState.PAID, PaymentEvent.REFUND_REST): PaymentState.REFUNDED,
        (PaymentState.PARTLY_REFUNDED, PaymentEvent.REFUND_REST): PaymentState.REFUNDED,
    },
)


class AttemptState(StrEnum):
    """One wallet's try. UNKNOWN: we asked the wallet to open the order and heard nothing clear.

    REVERSING: a charge is being undone; what the wallet says of it meanwhile is stale. REVERSED: no money stays taken.
    """

    CREATED = "created"
    OPEN = "open"
    UNKNOWN = "unknown"
    PAID = "paid"
    CLOSED = "closed"
    REFUSED = "refused"
    REVERSING = "reversing"
    REVERSED = "reversed"


class AttemptEvent(StrEnum):
    """What can happen to an attempt."""

    OPENED = "opened"
    UNCLEAR = "unclear"
    PAID = "paid"
    CLOSE = "close"
    REFUSE = "refuse"
    REVERSE = "reverse"
    REVERSED = "reversed"
    STAYED = "stayed"  # the wallet did not undo it: the money stays taken


_ATTEMPT_UNPAID: Final = (AttemptState.CREATED, AttemptState.OPEN, AttemptState.UNKNOWN)

ATTEMPT: Final = TransitionTable(
    "attempt",
    {
        (AttemptState.CREATED, AttemptEvent.OPENED): AttemptState.OPEN,
        (AttemptState.UNKNOWN, AttemptEvent.OPENED): AttemptState.OPEN,
        (AttemptState.CREATED, AttemptEvent.UNCLEAR): AttemptState.UNKNOWN,
        (AttemptState.CREATED, AttemptEvent.REFUSE): AttemptState.REFUSED,
        (AttemptState.UNKNOWN, AttemptEvent.REFUSE): AttemptState.REFUSED,
        **{(state, AttemptEvent.PAID): AttemptState.PAID for state in _ATTEMPT_UNPAID},
        # The wallet is the truth: money that came after all counts, also on a closed or refused attempt.
        (AttemptState.CLOSED, AttemptEvent.PAID): AttemptState.PAID,
        (AttemptState.REFUSED, AttemptEvent.PAID): AttemptState.PAID,
        **{(state, AttemptEvent.CLOSE): AttemptState.CLOSED for state in _ATTEMPT_UNPAID},
        **{(state, AttemptEvent.REVERSE): AttemptState.REVERSING for state in _ATTEMPT_UNPAID},
        (AttemptState.REVERSING, AttemptEvent.REVERSED): AttemptState.REVERSED,
        (AttemptState.REVERSING, AttemptEvent.STAYED): AttemptState.PAID,
        (AttemptState.REVERSED, AttemptEvent.STAYED): AttemptState.PAID,
    },
)


class RefundState(StrEnum):
    """Money on its way back. ABNORMAL: the wallet could not reach the buyer; a person must act."""

    CREATED = "created"
    SENT = "sent"
    SUCCEEDED = "succeeded"
    ABNORMAL = "abnormal"
    FAILED = "failed"


class RefundEvent(StrEnum):
    """What can happen to a refund."""

    SEND = "send"
    SUCCEED = "succeed"
    STALL = "stall"
    FAIL = "fail"


REFUND: Final = TransitionTable(
    "refund",
    {
        (RefundState.CREATED, RefundEvent.SEND): RefundState.SENT,
        (RefundState.CREATED, RefundEvent.SUCCEED): RefundState.SUCCEEDED,
        (RefundState.SENT, RefundEvent.SUCCEED): RefundState.SUCCEEDED,
        (RefundState.ABNORMAL, RefundEvent.SUCCEED): RefundState.SUCCEEDED,
        (RefundState.CREATED, RefundEvent.STALL): RefundState.ABNORMAL,
        (RefundState.SENT, RefundEvent.STALL): RefundState.ABNORMAL,
        (RefundState.CREATED, RefundEvent.FAIL): RefundState.FAILED,
        (RefundState.SENT, RefundEvent.FAIL): RefundState.FAILED,
        (RefundState.ABNORMAL, RefundEvent.FAIL): RefundState.FAILED,
    },
)


class CheckoutState(StrEnum):
    """A buyer at the cash desk."""

    OPEN = "open"
    PAYING = "paying"
    PAID = "paid"
    EXPIRED = "expired"


class CheckoutEvent(StrEnum):
    """What can happen to a checkout."""

    PAY = "pay"
    SETTLE = "settle"
    EXPIRE = "expire"


CHECKOUT: Final = TransitionTable(
    "checkout",
    {
        (CheckoutState.OPEN, CheckoutEvent.PAY): CheckoutState.PAYING,
        (CheckoutState.PAYING, CheckoutEvent.SETTLE): CheckoutState.PAID,
        (CheckoutState.OPEN, CheckoutEvent.EXPIRE): CheckoutState.EXPIRED,
        (CheckoutState.PAYING, CheckoutEvent.EXPIRE): CheckoutState.EXPIRED,
    },
)
