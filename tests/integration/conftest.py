"""One real PostgreSQL per test process (its own also under xdist), and a fresh database per test."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from hutong.db.roles import LOGIN, DatabaseAddress, Login, ensure_roles
from hutong.db.supervisor import EmbeddedServer

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


@pytest.fixture
def make_database(server: EmbeddedServer, database_template: str) -> Iterator[Callable[[], DatabaseAddress]]:
    """Call it for a fresh database; dropped after the test. Works inside and outside a running loop."""
    numbers = itertools.count(1)
    made: list[str] = []

    def make() -> DatabaseAddress:
        name = f"t_{os.urandom(5).hex()}_{next(numbers)}"
        made.append(name)
        return run_aside(ensure_roles(server.url("postgres"), name, login=TEST_LOGIN, template=database_template))

    yield make
    for name in made:
        run_aside(admin_execute(server.url("postgres"), f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
