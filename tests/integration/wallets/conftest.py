"""A database for the tests of payments, and in it a shop of its own for each."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from hutong.db.engine import Database
from hutong.db.roles import ensure_roles
from hutong.transport.client import HttpPool

sys.path.insert(0, str(Path(__file__).parent))  # helpers beside the tests; pytest's importlib mode does not add it

from wallets_combined import Town
from wallets_till import HandClock, Till


@pytest.fixture(scope="module")
def address(server, hub_template):
    name = f"pay_{os.urandom(4).hex()}"
    return asyncio.run(ensure_roles(server.url("postgres"), name, template=hub_template))


@pytest.fixture
def at_the_till(address, tmp_path):
    """Run ``work(till)`` in a shop of its own."""

    @asynccontextmanager
    async def opened():
        clock = HandClock()
        database = Database(address, clock)
        async with HttpPool() as http:
            till = Till(database, clock, http, Path(tempfile.mkdtemp(dir=tmp_path)))
            await till.open(uuid4())
            try:
                yield till
            finally:
                await database.close()

    def run(work) -> None:
        async def main() -> None:
            async with opened() as till:
                await work(till)

        asyncio.run(main())

    return run


@pytest.fixture(scope="module")
def town(address, tmp_path_factory):
    """An application beside a simulated wallet."""
    opened = Town(address, tmp_path_factory.mktemp("town"))
    yield opened
    opened.close()


@pytest.fixture
def in_a_shop(town):
    """Run ``work(shop)`` in a shop of its own."""
    return town.run
