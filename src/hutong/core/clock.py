"""Time is passed in. Nothing below the app reads the wall clock by itself."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the present time, always aware (UTC)."""

    def now(self) -> datetime:
        """The present moment."""
        ...
