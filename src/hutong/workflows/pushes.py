"""When each SKU was last told to the shops: a rush of sales must not become a rush of calls."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

#: The shops see a figure at most this late in a rush. Their own limits are a few calls a second for a whole account.
PUSH_GAP: Final = timedelta(seconds=1)
SKUS_KNOWN_MAX: Final = 10_000


class Pushes:
    """The last push of each SKU that this process ordered; after a restart the first one goes at once again."""

    def __init__(self) -> None:
        self._due_at: dict[UUID, datetime] = {}

    def wait(self, sku_id: UUID, now: datetime) -> timedelta:
        """How long the next push of a SKU waits, from ``now``; zero where the last one was long enough ago."""
        last, due_at = self._due_at.get(sku_id), now
        if last is not None and last <= now + PUSH_GAP:  # a clock that went back starts anew
            due_at = last if last > now else max(now, last + PUSH_GAP)  # one that still waits tells this figure, too
        if len(self._due_at) >= SKUS_KNOWN_MAX:
            self._due_at.clear()
        self._due_at[sku_id] = due_at
        return due_at - now
