"""What happened in the sandbox, in order. The same seed and the same calls give the same log, byte for byte."""

from __future__ import annotations

from collections import deque
from typing import Final

import msgspec

from hutong_sandbox.clock import VirtualClock

#: Older entries fall out; their numbers keep counting.
EVENTS_KEPT_MAX: Final = 200_000

Detail = str | int | bool | None


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One entry. ``advanced_s`` is how far finished advances had moved the clock: wall time differs from run to run."""

    seq: int
    platform: str
    kind: str
    advanced_s: int
    detail: dict[str, Detail]


class EventLog:
    """A bounded log. Details never hold keys or wall times."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._events: deque[Event] = deque(maxlen=EVENTS_KEPT_MAX)
        self._count = 0

    def add(self, platform: str, kind: str, **detail: Detail) -> None:
        """Write an entry."""
        self._count += 1
        advanced_s = self._clock.advanced_s
        self._events.append(Event(seq=self._count, platform=platform, kind=kind, advanced_s=advanced_s, detail=detail))

    def since(self, after: int, platform: str | None) -> list[Event]:
        """Entries after a number, of one platform or of all."""
        return [e for e in self._events if e.seq > after and platform in (None, e.platform)]

    def clear(self) -> None:
        """Begin again."""
        self._events.clear()
        self._count = 0
