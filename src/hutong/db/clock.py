"""The two clocks of the hub: the machine's, and the machine's moved by an offset (sandbox and tests)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

#: Differences below this are the time that the question took, not a clock that was moved.
AHEAD_MIN: Final = timedelta(milliseconds=500)


class SystemClock:
    """The machine's clock, in UTC."""

    def now(self) -> datetime:
        """The present moment."""
        return datetime.now(UTC)


class OffsetClock:
    """The machine's clock moved forward; time never goes back."""

    def __init__(self) -> None:
        self.offset = timedelta(0)

    def now(self) -> datetime:
        """The present moment of this clock."""
        return datetime.now(UTC) + self.offset

    def advance(self, step: timedelta) -> None:
        """Move forward by ``step`` (not negative)."""
        if step < timedelta(0):
            raise ValueError("a clock never goes back")
        self.offset += step

    def follow(self, moment: datetime) -> None:
        """Move forward to ``moment`` where it is ahead by more than a call takes; a past one changes nothing."""
        ahead = moment - self.now()
        if ahead > AHEAD_MIN:
            self.offset += ahead
