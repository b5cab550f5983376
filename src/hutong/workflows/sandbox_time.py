"""In sandbox mode the hub lives by the sandbox's virtual clock, so that days of trade can be driven in seconds."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import datetime
from typing import Final

import msgspec

from hutong.core.errors import PlatformFailure, PlatformUnknown
from hutong.db.clock import OffsetClock
from hutong.db.rounds import pause
from hutong.transport.messages import HttpClient, Request
from hutong.transport.pacing import Pace
from hutong.workflows.runtime import Runtime

#: How soon the hub notices that somebody moved the clock.
LOOK_S: Final = 0.2
PACE: Final = Pace(calls=20, seconds=1)


class _Told(msgspec.Struct, frozen=True):
    now: datetime


class SandboxTime:
    """Follows ``GET /clock`` of a sandbox. The hub's clock only ever moves forward."""

    def __init__(self, client: HttpClient, sandbox_url: str, clock: OffsetClock) -> None:
        self._client = client
        self._url = f"{sandbox_url}/clock"
        self._clock = clock

    @classmethod
    def of(cls, runtime: Runtime) -> SandboxTime | None:
        """Of a process with a sandbox; None for one that lives in real time, as every live hub does."""
        if runtime.sandbox_url is None or not isinstance(runtime.clock, OffsetClock):
            return None
        return cls(runtime.http.account("sandbox", "clock", PACE), runtime.sandbox_url, runtime.clock)

    async def catch_up(self) -> None:
        """Be as late as the sandbox is. A sandbox that is away leaves the clock as it is."""
        with contextlib.suppress(PlatformFailure, PlatformUnknown, msgspec.DecodeError):
            response = await self._client.send(Request(method="GET", url=self._url))
            told = msgspec.json.decode(response.body, type=_Told)
            if told.now.tzinfo is not None:
                self._clock.follow(told.now)

    async def follow(self, stop: asyncio.Event) -> None:
        """Catch up until ``stop``."""
        while not stop.is_set():
            await self.catch_up()
            await pause(stop, LOOK_S)
