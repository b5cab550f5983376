"""The ladder of evidence: what ties an order to a channel, and which of two ties is the stronger. Pure.

What was proved is certain; only a window of time is a guess, and it says how good a guess it is.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec

from hutong.core.money import BPS_WHOLE

NO_ID: Final = UUID(int=0)
NO_TIME: Final = timedelta(0)


class Evidence(StrEnum):
    """What ties an order, the strongest first."""

    CLICK = "click"  # our own checkout, behind the click itself
    CARRIED = "carried"  # our signed click id went to the destination and came back
    CODE = "code"  # the buyer gave a word of one link
    COUPON = "coupon"  # he used a coupon that one link alone gave out
    WINDOW = "window"  # nothing but time: the order came after clicks on what leads to it


#: How strong each is; kept with a tie, so that the database compares as this module does.
STRENGTH: Final = {
    Evidence.CLICK: 50,
    Evidence.CARRIED: 40,
    Evidence.CODE: 30,
    Evidence.COUPON: 20,
    Evidence.WINDOW: 10,
}
#: Exact: somebody or something told it. All else is inferred.
EXACT: Final = frozenset(Evidence) - {Evidence.WINDOW}

GIVEN_AFTER: Final = {Evidence.COUPON: timedelta(seconds=1), Evidence.CODE: timedelta(seconds=2)}


class Tie(msgspec.Struct, frozen=True, kw_only=True):
    """What an order is tied to. ``click_id`` None: no single click is known; ``word``: what the buyer gave."""

    evidence: Evidence
    channel_id: UUID
    link_id: UUID
    click_id: UUID | None = None
    word: str = ""
    confidence_bps: int = BPS_WHOLE

    def __post_init__(self) -> None:
        """A guess is never certain, and what was told is nothing less."""
        assert (self.confidence_bps == BPS_WHOLE) == (self.evidence in EXACT), "only a window is less than certain"
        assert 0 < self.confidence_bps <= BPS_WHOLE, "a share of all"

    @property
    def weight(self) -> tuple[int, int, UUID, UUID]:
        """What decides between two: evidence, confidence, then the later click (ids are in order of time), the link.

        Nothing in it depends on when the tie was told, so that whoever tells in whatever order, the end is the same.
        """
        return STRENGTH[self.evidence], self.confidence_bps, self.click_id or NO_ID, self.link_id


def moment_of(click_id: UUID) -> datetime:
    """When a click was made: its id begins with it (RFC 9562 §5.7)."""
    return datetime.fromtimestamp((click_id.int >> 80) / 1000, UTC)


def touched_at(tie: Tie, placed_at: datetime) -> datetime:
    """When the buyer touched what no click says the moment of: words are given with the order, after any click that
    leads to it, and platforms tell the order's whole second. The one that has the order comes last.
    """
    return placed_at + GIVEN_AFTER.get(tie.evidence, NO_TIME)


def stronger(left: Tie, right: Tie) -> Tie:
    """The one that holds."""
    return left if left.weight >= right.weight else right
