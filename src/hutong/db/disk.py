"""Waiting for the disk once for many: whatever was committed before the call is on disk after it."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import asyncpg

from hutong.db.engine import Database

#: A commit that wrote something waits for the disk; this writes a word into the log and nothing else. The log is
#: flushed from its beginning, so every commit before this one is on disk with it.
ON_DISK: Final = "SELECT pg_logical_emit_message(true, 'hutong', 'on disk')"


class Disk:
    """One synchronous commit at a time, shared by all who ask while the last one is under way."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._line: Any = None
        self._running: asyncio.Task[None] | None = None
        self._next: asyncio.Task[None] | None = None

    async def wait(self) -> None:
        """Return when everything that is committed now is on disk.

        Raises:
            OSError, asyncpg.PostgresError, asyncpg.InterfaceError: nobody knows whether it is.
        """
        if self._next is None:
            # The one under way may have passed the log's end before the caller's commit: only the next one counts.
            self._next = asyncio.get_running_loop().create_task(self._after(self._running))
        await asyncio.shield(self._next)

    async def close(self) -> None:
        """Close the line."""
        if self._running is not None:
            await asyncio.wait([self._running])
        if self._line is not None:
            await self._line.close()

    async def _after(self, running: asyncio.Task[None] | None) -> None:
        if running is not None:
            await asyncio.wait([running])
        self._running, self._next = asyncio.current_task(), None
        try:
            if self._line is None or self._line.is_closed():
                self._line = await self._database.connect_raw("app")
            await self._line.execute(ON_DISK)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
            line, self._line = self._line, None
            if line is not None:
                line.terminate()
            raise
