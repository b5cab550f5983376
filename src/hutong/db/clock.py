"""The two clocks of the hub: the machine's, and the machine's moved by an offset (sandbox and tests)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


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
