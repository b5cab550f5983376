"""What a wallet spoke of leaves suspense: once, by the decision on it."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from hutong.core.money import Money
from hutong.db.unit import Unit
from hutong.ledger.accounts import NEVER_CAME, SUSPENSE_CLAIMED, SUSPENSE_PAYMENTS
from hutong.ledger.batches import Batch, Leg, PostResult
from hutong.ledger.service import post

SUSPENSE_CLEARED: Final = "suspense_cleared"


def suspense_cleared_key(suspense_id: UUID) -> str:
    """The idempotency key under which a claim leaves suspense: once for ever."""
    return f"suspense_cleared:{suspense_id}"


def cleared_batch(
    *, suspense_id: UUID, amount: Money, connection_id: UUID, written_off_to: str | None, event_at: datetime
) -> Batch:
    """The legs by which a claim leaves suspense.

    Without ``written_off_to`` what was claimed simply ends: the money itself is booked by whoever booked it (a sale, a
    refund). Written off, what nobody is owed any more goes to that account; where it never came, it comes from there.
    """
    legs = [Leg(SUSPENSE_PAYMENTS, amount), Leg(SUSPENSE_CLAIMED, -amount)]
    if written_off_to == NEVER_CAME:
        legs = [
            Leg(SUSPENSE_PAYMENTS, amount),
            Leg(NEVER_CAME, -amount),
            Leg(NEVER_CAME, amount),
            Leg(SUSPENSE_CLAIMED, -amount),
        ]
    elif written_off_to is not None:  # it stands in suspense twice: as claimed, and as arrived in the wallet
        legs += [Leg(SUSPENSE_PAYMENTS, amount), Leg(written_off_to, -amount)]
    return Batch(
        idempotency_key=suspense_cleared_key(suspense_id),
        kind=SUSPENSE_CLEARED,
        subject_kind="connection",
        subject_id=connection_id,
        event_at=event_at,
        legs=tuple(legs),
    )


async def clear_suspense(
    unit: Unit, *, suspense_id: UUID, amount: Money, connection_id: UUID, written_off_to: str | None, event_at: datetime
) -> PostResult:
    """Take a claim out of suspense (:func:`cleared_batch`)."""
    return await post(
        unit,
        cleared_batch(
            suspense_id=suspense_id,
            amount=amount,
            connection_id=connection_id,
            written_off_to=written_off_to,
            event_at=event_at,
        ),
    )
