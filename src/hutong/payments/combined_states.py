"""State table of combined payments; where one stands follows from the attempts of its parts."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final
from uuid import UUID

from hutong.core.states import TransitionTable
from hutong.payments.states import UNSETTLED, AttemptState


class CombinedState(StrEnum):
    """What a buyer pays with one tap. PARTLY_PAID: the wallet told a part of it in a way that fits and another not."""

    OPEN = "open"
    PARTLY_PAID = "partly_paid"
    PAID = "paid"
    CLOSED = "closed"


class CombinedEvent(StrEnum):
    """What can happen to a combined payment."""

    PAY_PART = "pay_part"
    PAY_ALL = "pay_all"
    CLOSE = "close"
    REOPEN = "reopen"


_S, _E = CombinedState, CombinedEvent

COMBINED: Final = TransitionTable(
    "combined",
    {
        (_S.OPEN, _E.PAY_PART): _S.PARTLY_PAID,
        (_S.CLOSED, _E.PAY_PART): _S.PARTLY_PAID,
        (_S.OPEN, _E.PAY_ALL): _S.PAID,
        (_S.PARTLY_PAID, _E.PAY_ALL): _S.PAID,
        (_S.CLOSED, _E.PAY_ALL): _S.PAID,  # the wallet is the truth: money that came after all counts
        (_S.OPEN, _E.CLOSE): _S.CLOSED,
        (_S.CLOSED, _E.REOPEN): _S.OPEN,  # another account tries, or the same again
    },
)

#: The event that leads to each state.
LEADS_TO: Final = {
    _S.OPEN: _E.REOPEN,
    _S.PARTLY_PAID: _E.PAY_PART,
    _S.PAID: _E.PAY_ALL,
    _S.CLOSED: _E.CLOSE,
}


def state_of(parts_count: int, attempts: Iterable[tuple[UUID, AttemptState]]) -> CombinedState:
    """Where a combined payment stands, by (payment, state) of every attempt of its tries."""
    paid: set[UUID] = set()
    is_live = False
    for payment_id, state in attempts:
        if state is AttemptState.PAID:
            paid.add(payment_id)
        is_live = is_live or state in UNSETTLED
    if len(paid) >= parts_count:
        return CombinedState.PAID
    if paid:
        return CombinedState.PARTLY_PAID
    return CombinedState.OPEN if is_live else CombinedState.CLOSED
