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
    MISMATCHED: asked for the order, the wallet says that it is paid, with another sum or as somebody else's. Nobody
    asks by himself any more, nothing is closed or opened beside it: a person decides.
    """

    CREATED = "created"
    OPEN = "open"
    UNKNOWN = "unknown"
    PAID = "paid"
    CLOSED = "closed"
    REFUSED = "refused"
    REVERSING = "reversing"
    REVERSED = "reversed"
    MISMATCHED = "mismatched"


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
    MISMATCH = "mismatch"
    STAYED_MISMATCHED = "stayed_mismatched"  # not undone, and what stays is not what was asked for
    DISMISS = "dismiss"  # a person decided that it pays nothing


#: States in which the wallet may still take money.
UNPAID: Final = (AttemptState.CREATED, AttemptState.OPEN, AttemptState.UNKNOWN)
#: States that have to come to an end at the wallet.
UNENDED: Final = (*UNPAID, AttemptState.REVERSING)
#: States with which a payment cannot be closed, or taken by another wallet.
UNSETTLED: Final = (*UNENDED, AttemptState.MISMATCHED)
#: States in which the wallet may have something new to say when somebody wants to know.
ASKABLE: Final = (*UNPAID, AttemptState.MISMATCHED)

ATTEMPT: Final = TransitionTable(
    "attempt",
    {
        (AttemptState.CREATED, AttemptEvent.OPENED): AttemptState.OPEN,
        (AttemptState.UNKNOWN, AttemptEvent.OPENED): AttemptState.OPEN,
        (AttemptState.CREATED, AttemptEvent.UNCLEAR): AttemptState.UNKNOWN,
        (AttemptState.CREATED, AttemptEvent.REFUSE): AttemptState.REFUSED,
        (AttemptState.UNKNOWN, AttemptEvent.REFUSE): AttemptState.REFUSED,
        **{(state, AttemptEvent.PAID): AttemptState.PAID for state in UNPAID},
        # The wallet is the truth: money that came after all counts, also on a closed or refused attempt.
        (AttemptState.CLOSED, AttemptEvent.PAID): AttemptState.PAID,
        (AttemptState.REFUSED, AttemptEvent.PAID): AttemptState.PAID,
        **{(state, AttemptEvent.CLOSE): AttemptState.CLOSED for state in UNPAID},
        **{(state, AttemptEvent.REVERSE): AttemptState.REVERSING for state in UNPAID},
        (AttemptState.REVERSING, AttemptEvent.REVERSED): AttemptState.REVERSED,
        (AttemptState.REVERSING, AttemptEvent.STAYED): AttemptState.PAID,
        (AttemptState.REVERSED, AttemptEvent.STAYED): AttemptState.PAID,
        **{
            (state, AttemptEvent.MISMATCH): AttemptState.MISMATCHED
            for state in (*UNPAID, AttemptState.CLOSED, AttemptState.REFUSED)
        },
        (AttemptState.REVERSING, AttemptEvent.STAYED_MISMATCHED): AttemptState.MISMATCHED,
        (AttemptState.REVERSED, AttemptEvent.STAYED_MISMATCHED): AttemptState.MISMATCHED,
        (AttemptState.MISMATCHED, AttemptEvent.PAID): AttemptState.PAID,  # the wallet has put it right
        (AttemptState.MISMATCHED, AttemptEvent.REVERSE): AttemptState.REVERSING,  # the cashier undoes the charge
        (AttemptState.MISMATCHED, AttemptEvent.DISMISS): AttemptState.CLOSED,
    },
)


class RefundState(StrEnum):
    """Money on its way back. UNKNOWN: we sent it and heard nothing clear. ABNORMAL: the wallet could not reach the
    buyer; a person must act.
    """

    CREATED = "created"
    UNKNOWN = "unknown"
    SENT = "sent"
    SUCCEEDED = "succeeded"
    ABNORMAL = "abnormal"
    FAILED = "failed"


class RefundEvent(StrEnum):
    """What can happen to a refund."""

    UNCLEAR = "unclear"
    SEND = "send"
    RESCUE = "rescue"  # applied again, another way
    SUCCEED = "succeed"
    STALL = "stall"
    FAIL = "fail"


_REFUND_UNENDED: Final = (RefundState.CREATED, RefundState.UNKNOWN, RefundState.SENT)

REFUND: Final = TransitionTable(
    "refund",
    {
        (RefundState.CREATED, RefundEvent.UNCLEAR): RefundState.UNKNOWN,
        (RefundState.CREATED, RefundEvent.SEND): RefundState.SENT,
        (RefundState.UNKNOWN, RefundEvent.SEND): RefundState.SENT,
        (RefundState.ABNORMAL, RefundEvent.RESCUE): RefundState.SENT,
        **{(state, RefundEvent.SUCCEED): RefundState.SUCCEEDED for state in _REFUND_UNENDED},
        (RefundState.ABNORMAL, RefundEvent.SUCCEED): RefundState.SUCCEEDED,
        **{(state, RefundEvent.STALL): RefundState.ABNORMAL for state in _REFUND_UNENDED},
        **{(state, RefundEvent.FAIL): RefundState.FAILED for state in _REFUND_UNENDED},
        (RefundState.ABNORMAL, RefundEvent.FAIL): RefundState.FAILED,
    },
)


class SuspenseState(StrEnum):
    """Money that fits no payment. OPEN: nobody has decided. RETURNING: its refund is on its way."""

    OPEN = "open"
    TAKEN = "taken"
    RETURNING = "returning"
    RETURNED = "returned"
    WRITTEN_OFF = "written_off"


class SuspenseEvent(StrEnum):
    """What can happen to it: a person's decision, and how a refund ended."""

    TAKE = "take"
    SEND_BACK = "send_back"
    WRITE_OFF = "write_off"
    RETURN = "return"
    FAIL = "fail"  # the wallet did not send it back and will not: a person decides anew


SUSPENSE: Final = TransitionTable(
    "suspense",
    {
        (SuspenseState.OPEN, SuspenseEvent.TAKE): SuspenseState.TAKEN,
        (SuspenseState.OPEN, SuspenseEvent.SEND_BACK): SuspenseState.RETURNING,
        (SuspenseState.OPEN, SuspenseEvent.WRITE_OFF): SuspenseState.WRITTEN_OFF,
        (SuspenseState.RETURNING, SuspenseEvent.RETURN): SuspenseState.RETURNED,
        (SuspenseState.RETURNING, SuspenseEvent.FAIL): SuspenseState.OPEN,
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


class ShopCodeState(StrEnum):
    """A QR that hangs in the shop."""

    ACTIVE = "active"
    PAUSED = "paused"


class ShopCodeEvent(StrEnum):
    """What can happen to a shop code."""

    PAUSE = "pause"
    RESUME = "resume"


SHOP_CODE: Final = TransitionTable(
    "shop_code",
    {
        (ShopCodeState.ACTIVE, ShopCodeEvent.PAUSE): ShopCodeState.PAUSED,
        (ShopCodeState.PAUSED, ShopCodeEvent.RESUME): ShopCodeState.ACTIVE,
    },
)
