"""State tables of commissions and of the wallet's part in paying them."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from hutong.core.states import TransitionTable


class CommissionState(StrEnum):
    """Where a share of one order stands. SETTLED: all that is due was paid. REVERSED: all of it was clawed back."""

    ESTIMATED = "estimated"
    CONFIRMED = "confirmed"
    SETTLED = "settled"
    REVERSED = "reversed"


class CommissionEvent(StrEnum):
    """What can happen to a commission. A partial claw-back changes its figures and not its state."""

    CONFIRM = "confirm"
    SETTLE = "settle"
    REOPEN = "reopen"  # more was taken back from the party than the refund asked for: it is owed again
    REVERSE = "reverse"


_S = CommissionState
_E = CommissionEvent

COMMISSION: Final = TransitionTable(
    "commission",
    {
        (_S.ESTIMATED, _E.CONFIRM): _S.CONFIRMED,
        (_S.CONFIRMED, _E.SETTLE): _S.SETTLED,
        (_S.SETTLED, _E.REOPEN): _S.CONFIRMED,
        **{(state, _E.REVERSE): _S.REVERSED for state in (_S.ESTIMATED, _S.CONFIRMED, _S.SETTLED)},
    },
)


class SharingState(StrEnum):
    """A wallet order whose money was frozen so that it can be shared."""

    OPENED = "opened"
    FINISHED = "finished"  # unfrozen: what was not shared is the merchant's
    LAPSED = "lapsed"  # the freeze ended by itself


class SharingEvent(StrEnum):
    """How a freeze ends."""

    FINISH = "finish"
    LAPSE = "lapse"


SHARING: Final = TransitionTable(
    "sharing",
    {
        (SharingState.OPENED, SharingEvent.FINISH): SharingState.FINISHED,
        (SharingState.OPENED, SharingEvent.LAPSE): SharingState.LAPSED,
    },
)


class ShareState(StrEnum):
    """A request, one party's line of it, or a return, as far as the wallet told."""

    WAITING = "waiting"
    SUCCEEDED = "succeeded"  # of a request: it is over, whatever became of its lines
    FAILED = "failed"


class ShareEvent(StrEnum):
    """What the wallet tells of it."""

    SUCCEED = "succeed"
    FAIL = "fail"


SHARE: Final = TransitionTable(
    "share",
    {
        (ShareState.WAITING, ShareEvent.SUCCEED): ShareState.SUCCEEDED,
        (ShareState.WAITING, ShareEvent.FAIL): ShareState.FAILED,
    },
)
