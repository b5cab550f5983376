"""What a record of the chain is, and the state table of money that is reserved."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from hutong.core.states import TransitionTable


class Phase(StrEnum):
    """What a batch in the chain does: it counts, it reserves, or it ends a reserve."""

    POSTED = "posted"
    HELD = "held"
    SETTLED = "settled"
    VOIDED = "voided"
    EXPIRED = "expired"


class HoldState(StrEnum):
    """A reserve: it waits, or it was posted, given up, or ran out."""

    PENDING = "pending"
    POSTED = "posted"
    VOIDED = "voided"
    EXPIRED = "expired"


class HoldEvent(StrEnum):
    """What can happen to a reserve, once."""

    POST = "post"
    VOID = "void"
    EXPIRE = "expire"


HOLD: Final = TransitionTable(
    "hold",
    {
        (HoldState.PENDING, HoldEvent.POST): HoldState.POSTED,
        (HoldState.PENDING, HoldEvent.VOID): HoldState.VOIDED,
        (HoldState.PENDING, HoldEvent.EXPIRE): HoldState.EXPIRED,
    },
)
#: The batch that each event leaves in the chain.
PHASE_OF: Final = {HoldEvent.POST: Phase.SETTLED, HoldEvent.VOID: Phase.VOIDED, HoldEvent.EXPIRE: Phase.EXPIRED}
