"""The sandbox's time: the real clock plus an offset, and the agenda of what falls due on it."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import sys
import traceback
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from hutong.core.errors import InvalidInput

#: No single advance is longer than this: a year and a month covers every deadline of every platform.
ADVANCE_S_MAX: Final = 400 * 86_400
#: A runaway chain of due actions is a mistake, not a day's work.
ACTIONS_PER_ADVANCE_MAX: Final = 1_000_000
_IDLE_S: Final = 3600.0
_SLEEP_S_MIN: Final = 0.001

Action = Callable[[], Awaitable[None]]


class VirtualClock:
    """Real time plus an offset that only grows."""

    def __init__(self) -> None:
        self.offset = timedelta(0)
        #: Sum of all finished advances, in whole seconds: unlike the offset it is the same in every run.
        self.advanced_s = 0

    def now(self) -> datetime:
        """The present moment of the simulated world (UTC, aware)."""
        return self.real() + self.offset

    def real(self) -> datetime:
        """The machine's own time: the one place of the sandbox that reads it."""
        return datetime.now(UTC)

    def reset(self) -> None:
        """Back to real time."""
        self.offset = timedelta(0)
        self.advanced_s = 0

    def move_to(self, moment: datetime) -> None:
        """Jump forward to a moment; a past one changes nothing."""
        self.offset += max(timedelta(0), moment - self.now())


class Agenda:
    """Actions by due time. They run one after the other, in order of time, then of entry."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._heap: list[tuple[datetime, int, Action]] = []
        self._order = itertools.count()
        self._turn = asyncio.Lock()
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._heap)

    def at(self, due_at: datetime, action: Action) -> None:
        """Enter an action."""
        heapq.heappush(self._heap, (due_at, next(self._order), action))
        self._changed.set()

    def after(self, seconds: int, action: Action) -> None:
        """Enter an action that falls due in so many seconds."""
        self.at(self._clock.now() + timedelta(seconds=seconds), action)

    def clear(self) -> None:
        """Forget everything that was entered."""
        self._heap.clear()

    async def advance(self, seconds: int) -> int:
        """Move the clock on and run everything that falls due on the way, each at its own time; tells how many."""
        if not 0 <= seconds <= ADVANCE_S_MAX:
            raise InvalidInput(field="seconds", problem=f"0..{ADVANCE_S_MAX}")
        async with self._turn:
            target = self._clock.now() + timedelta(seconds=seconds)
            done = await self._run_until(target)
            self._clock.move_to(target)
            self._clock.advanced_s += seconds
            return done

    async def tick_forever(self) -> None:
        """Run what falls due as time passes by itself; ends only by being cancelled."""
        while True:  # ends by being cancelled
            self._changed.clear()
            async with self._turn:
                await self._run_until(self._clock.now())
            wait_s = (self._heap[0][0] - self._clock.now()).total_seconds() if self._heap else _IDLE_S
            try:
                async with asyncio.timeout(max(_SLEEP_S_MIN, min(wait_s, _IDLE_S))):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def _run_until(self, target: datetime) -> int:
        for done in range(ACTIONS_PER_ADVANCE_MAX):
            if not self._heap or self._heap[0][0] > target:
                return done
            due_at, _, action = heapq.heappop(self._heap)
            self._clock.move_to(due_at)
            try:
                await action()
            except Exception:  # noqa: BLE001 (one broken action must be seen, and must not stop time)
                traceback.print_exc(file=sys.stderr)
        raise InvalidInput(field="seconds", problem=f"> {ACTIONS_PER_ADVANCE_MAX}")
