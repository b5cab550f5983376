"""State tables of bills and of differences."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from hutong.core.states import TransitionTable


class BillState(StrEnum):
    """The bill of a day. MISSING: it never came, or never in a form that could be used; a person was told."""

    EXPECTED = "expected"
    READ = "read"
    EMPTY = "empty"  # the wallet says that nothing happened
    MISSING = "missing"


class BillEvent(StrEnum):
    """What can happen to a bill."""

    READ = "read"
    FIND_EMPTY = "find_empty"
    GIVE_UP = "give_up"


BILL: Final = TransitionTable(
    "bill",
    {
        (BillState.EXPECTED, BillEvent.GIVE_UP): BillState.MISSING,
        **{(state, BillEvent.READ): BillState.READ for state in BillState},
        **{(state, BillEvent.FIND_EMPTY): BillState.EMPTY for state in BillState},
    },
)


class DifferenceState(StrEnum):
    """Something that bill and hub say differently. EXPLAINED: a later reading, or a later bill, says the same as we."""

    OPEN = "open"
    EXPLAINED = "explained"
    SETTLED = "settled"  # a member of staff has dealt with it and left a note


class DifferenceEvent(StrEnum):
    """What can happen to a difference."""

    EXPLAIN = "explain"
    REOPEN = "reopen"
    SETTLE = "settle"


DIFFERENCE: Final = TransitionTable(
    "difference",
    {
        (DifferenceState.OPEN, DifferenceEvent.EXPLAIN): DifferenceState.EXPLAINED,
        (DifferenceState.EXPLAINED, DifferenceEvent.REOPEN): DifferenceState.OPEN,
        (DifferenceState.OPEN, DifferenceEvent.SETTLE): DifferenceState.SETTLED,
    },
)
