"""Looks whether the hub is done, over one connection: opening one for each look costs PostgreSQL as much as three
cycles, and ``bench/payments.py`` counts all that PostgreSQL does.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

import asyncpg
from restartable import World

LOOKS_APART_S = 0.03
REST_S = 300

AnswerT = TypeVar("AnswerT")


class Watch:
    """A connection of its own, and the loop that it belongs to."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._loop = asyncio.new_event_loop()
        role = {"role": "hutong_system"}
        self._connection = self._run(asyncpg.connect(world.database_url(), server_settings=role))

    def close(self) -> None:
        """Give the connection back."""
        self._run(self._connection.close())
        self._loop.close()

    def sales(self) -> int:
        """Sales in the books."""
        return int(self._run(self._connection.fetchval("SELECT count(*) FROM ledger_batch WHERE kind = 'sale'")))

    def until_booked(self, sales: int) -> None:
        """Wait until so many sales are in the books.

        Raises:
            TimeoutError: they do not come.
        """
        deadline = time.monotonic() + REST_S
        while self.sales() < sales:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.sales()} of {sales} sales are in the books")
            time.sleep(LOOKS_APART_S)

    def until_rest(self) -> None:
        """Wait until no event is undelivered and no job is due or running.

        Raises:
            TimeoutError: it goes on.
        """
        deadline = time.monotonic() + REST_S
        while self._run(
            self._connection.fetchval(
                "SELECT 1 FROM undelivered UNION ALL "
                "SELECT 1 FROM job WHERE finished_at IS NULL AND (state <> 'waiting' OR due_at <= $1) LIMIT 1",
                self._world.now(),
            )
        ):
            if time.monotonic() > deadline:
                raise TimeoutError("the hub does not come to rest")
            time.sleep(LOOKS_APART_S)

    def _run(self, work: Coroutine[Any, Any, AnswerT]) -> AnswerT:
        return self._loop.run_until_complete(work)
