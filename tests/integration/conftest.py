"""One real PostgreSQL per test process (its own also under xdist), and a fresh database per test.

``room`` is the cheaper sort: one database with the hub's schema for all tests of a process, and in it a fresh merchant
for each test; row-level security keeps them apart.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from hutong.db.engine import Database
from hutong.db.roles import LOGIN, DatabaseAddress, Login, ensure_roles
from hutong.db.supervisor import EmbeddedServer
from hutong.migrations.runner import migrate

#: The login of every test database; the password is worth nothing outside the run's own loopback server.
TEST_LOGIN = Login(LOGIN, os.urandom(16).hex())
TEMPLATE = "hutong_template"


def run_aside(work: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine from a plain function, also while a loop runs in this thread."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


async def admin_execute(admin_url: str, statement: str) -> None:
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedServer]:
    """A running embedded server in a home of its own."""
    home = Path(tempfile.mkdtemp(prefix="hutong-test-"))
    embedded = EmbeddedServer(home)
    try:
        embedded.start()
        yield embedded
    finally:
        embedded.stop()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def database_template(server: EmbeddedServer) -> str:
    """The database that :func:`make_database` copies: roles and rights, no tables yet."""
    run_aside(ensure_roles(server.url("postgres"), TEMPLATE, login=TEST_LOGIN))
    return TEMPLATE


@pytest.fixture(scope="session")
def hub_template(server: EmbeddedServer, database_template: str) -> str:
    """The database that a hub's databases are copied from: a copy costs a fifth of migrating anew."""
    name = f"{TEMPLATE}_of_hub"

    async def make() -> None:
        made = await ensure_roles(server.url("postgres"), name, login=TEST_LOGIN, template=database_template)
        await migrate(made)

    run_aside(make())
    return name


@pytest.fixture
def make_database(server: EmbeddedServer, database_template: str) -> Iterator[Callable[..., DatabaseAddress]]:
    """Call it for a fresh database; dropped after the test. Works inside and outside a running loop."""
    numbers = itertools.count(1)
    made: list[str] = []

    def make(template: str = database_template) -> DatabaseAddress:
        name = f"t_{os.urandom(5).hex()}_{next(numbers)}"
        made.append(name)
        return run_aside(ensure_roles(server.url("postgres"), name, login=TEST_LOGIN, template=template))

    yield make
    for name in made:
        run_aside(admin_execute(server.url("postgres"), f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))


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
