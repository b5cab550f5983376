"""A few connections of their own for a path that is too hot for the pools: no reset, no adapter, one statement each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from hutong.db.engine import Database
from hutong.db.roles import Role


class Lines:
    """At most ``lines_max`` connections of one role, opened when needed; one that broke is not used again.

    Nothing is reset between two uses: whoever borrows a line leaves no transaction and no session setting behind.
    """

    def __init__(self, database: Database, role: Role, lines_max: int) -> None:
        self._database = database
        self._role = role
        self._free: list[Any] = []
        self._permits = asyncio.Semaphore(lines_max)

    @asynccontextmanager
    async def take(self) -> AsyncIterator[Any]:
        """Borrow a connection."""
        async with self._permits:
            raw = self._free.pop() if self._free else await self._database.connect_raw(self._role)
            try:
                yield raw
            except asyncpg.PostgresError:
                self._give_back(raw)  # a refused statement leaves the line whole
                raise
            except BaseException:
                raw.terminate()  # cut or cancelled: nobody knows what still comes along it
                raise
            self._give_back(raw)

    def _give_back(self, raw: Any) -> None:  # noqa: ANN401 (asyncpg ships no types)
        if raw.is_closed() or raw.is_in_transaction():
            raw.terminate()
        else:
            self._free.append(raw)

    async def close(self) -> None:
        """Close the lines that are free."""
        while self._free:
            await self._free.pop().close()
