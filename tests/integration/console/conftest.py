"""A database with the hub's schema, and in it a fresh merchant for each test: row-level security keeps them apart."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from hutong.db.engine import Database
from hutong.db.roles import ensure_roles
from hutong.migrations.runner import migrate


class HandClock:
    """A clock that only moves by hand."""

    def __init__(self):
        self.at = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def now(self):
        return self.at

    def advance(self, **span):
        self.at += timedelta(**span)


class Room:
    """One merchant; ``run`` gives the work a database whose units are the merchant's."""

    def __init__(self, address):
        self.address = address
        self.merchant_id = uuid4()
        self.clock = HandClock()
        self.database = None

    def run(self, work):
        async def main():
            self.database = Database(self.address, self.clock)
            try:
                return await work()
            finally:
                await self.database.close()

        return asyncio.run(main())

    @asynccontextmanager
    async def unit(self):
        async with self.database.unit(self.merchant_id, "test") as unit:
            yield unit

    def do(self, work):
        """Run ``work(unit)`` in one transaction."""

        async def main():
            async with self.unit() as unit:
                return await work(unit)

        return self.run(main)

    def as_owner(self, statement, *args):
        """Do behind the app's back what it may not do itself: as the owner, for this merchant."""

        async def main():
            connection = await self.database.connect_raw("owner")
            try:
                async with connection.transaction():
                    await connection.execute("SELECT set_config('app.merchant_id', $1, true)", str(self.merchant_id))
                    return await connection.execute(statement, *args)
            finally:
                await connection.close()

        return self.run(main)


@pytest.fixture(scope="session")
def room_address(server, database_template):
    async def make():
        name = f"room_{os.urandom(5).hex()}"
        address = await ensure_roles(server.url("postgres"), name, template=database_template)
        await migrate(address)
        return address

    return asyncio.run(make())


@pytest.fixture
def room(room_address):
    return Room(room_address)
