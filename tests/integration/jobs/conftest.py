"""A database with the hub's schema, a clock moved by hand, and a worker that runs for the length of a test."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from uuid import uuid4

import msgspec
import pytest

from hutong.db.clock import OffsetClock
from hutong.db.engine import Database
from hutong.db.jobs import Ticker, Worker

WAIT_S = 30


class Note(msgspec.Struct, frozen=True):
    """A job's payload."""

    text: str


class Floor:
    """One merchant, its jobs, and what was run."""

    def __init__(self, address) -> None:
        self.clock = OffsetClock()
        self.database = Database(address, self.clock)
        self.merchant_id = uuid4()
        self.handlers = {}
        self.gave_up: list[str] = []

    async def schedule(self, kind: str, text: str = "", **more) -> None:
        async with self.database.unit(self.merchant_id, "test") as unit:
            unit.schedule(kind, Note(text), **more)

    async def rows(self, columns: str = "state, attempts") -> list[tuple]:
        async with self.database.plain("system") as connection:
            found = await connection.exec_driver_sql(f"SELECT {columns} FROM job ORDER BY created_at, job_id")
            return [tuple(row) for row in found]

    async def until(self, condition) -> None:
        async with asyncio.timeout(WAIT_S):
            while not await condition():  # noqa: ASYNC110 (rows of a database tell no event)
                await asyncio.sleep(0.05)

    async def _note_failure(self, _merchant, _job, kind, error) -> None:
        self.gave_up.append(f"{kind}: {error}")

    @asynccontextmanager
    async def working(self):
        """Ticker and worker run inside."""
        stop = asyncio.Event()
        worker = Worker(self.database, self.clock, self.handlers, self._note_failure)
        ticker = Ticker(self.database, self.clock)
        tasks = [asyncio.create_task(worker.run()), asyncio.create_task(ticker.run(stop))]
        try:
            yield worker
        finally:
            stop.set()
            worker.stop()
            await asyncio.wait_for(asyncio.gather(*tasks), WAIT_S)


@pytest.fixture
def run_floor(make_database, hub_template):
    """Run ``work(floor)`` on a fresh database."""

    def run(work) -> None:
        address = make_database(hub_template)

        async def main() -> None:
            floor = Floor(address)
            try:
                await work(floor)
            finally:
                await floor.database.close()

        asyncio.run(main())

    return run
