"""The only place that opens connections: one pool for each role, and units of work on them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final, Literal
from uuid import UUID

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from hutong.core.clock import Clock
from hutong.core.crashpoints import reach
from hutong.db.roles import DatabaseAddress, Role
from hutong.db.unit import Unit

#: Kept open: opening one for every rush (types are looked up anew) took a fifth of all time in `make bench-payments`.
POOL_SIZE: Final = 20
POOL_OVERFLOW_MAX: Final = 4
POOL_WAIT_S: Final = 10
CONNECT_TIMEOUT_S: Final = 10

#: A rollback that takes longer is given up, and the connection with it.
ROLLBACK_S: Final = 5.0

#: What the driver says of a connection that was closed while it lay in the pool. It says "internal" where the server's
#: farewell has been read and the end of the line has not.
BROKEN: Final = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)


class Uncommitted(Exception):
    """The server ended the transaction instead of committing it; nothing was written."""


class Database:
    """Pools for the app, system and ingest roles of one database."""

    def __init__(self, address: DatabaseAddress, clock: Clock) -> None:
        self.address = address
        self.clock = clock
        self._engines: dict[Role, AsyncEngine] = {}
        self._autocommitting: dict[Role, AsyncEngine] = {}
        #: Set after each commit that told events: whoever hands them over need not look in vain.
        self.events_told = asyncio.Event()

    def engine(self, role: Role) -> AsyncEngine:
        """The pool of a role, opened on first use."""
        if role not in self._engines:
            # asyncpg reads the URL itself: SQLAlchemy would stumble over arguments such as ?sslmode=require.
            self._engines[role] = create_async_engine(
                "postgresql+asyncpg://",
                async_creator=partial(self.connect_raw, role),
                pool_size=POOL_SIZE,
                max_overflow=POOL_OVERFLOW_MAX,
                pool_timeout=POOL_WAIT_S,
                # The one used last is used next: its statements are prepared and its backend is warm.
                pool_use_lifo=True,
            )
        return self._engines[role]

    def _ours(self, role: Role) -> AsyncEngine:
        """The same pool, with SQLAlchemy keeping out of transactions: units of work begin and end their own.

        SQLAlchemy took three trips and half a millisecond of its own for each (``make bench-payments``).
        """
        if role not in self._autocommitting:
            self._autocommitting[role] = self.engine(role).execution_options(isolation_level="AUTOCOMMIT")
        return self._autocommitting[role]

    async def connect_raw(self, role: Role) -> Any:  # noqa: ANN401 (asyncpg ships no types)
        """A connection of its own, outside the pools (listeners, the queue)."""
        dsn, server_settings = self.address.url_for(role)
        return await asyncpg.connect(dsn, server_settings=server_settings, timeout=CONNECT_TIMEOUT_S)

    @asynccontextmanager
    async def unit(
        self, merchant_id: UUID, label: str, role: Literal["app", "owner"] = "app", *, snapshot: bool = False
    ) -> AsyncIterator[Unit]:
        """One transaction for one merchant. ``label`` names its commit, where it has one, for the crash proof.

        The owner may delete from append-only tables; only the housekeeping does. With ``snapshot`` all its statements
        see the same moment, as whoever compares tables with each other while trade goes on must.
        """
        async with self._ours(role).connect() as connection:
            driver = await _begin(connection, merchant_id, snapshot=snapshot)
            unit = Unit(connection, driver, merchant_id, self.clock)
            try:
                yield unit
                await unit.flush()
                if unit.wrote:
                    reach(f"commit:{label}:before")
                await _commit(driver)
            except BaseException:
                await _roll_back(connection, driver)
                raise
            if unit.told:
                self.events_told.set()
            if unit.wrote:
                reach(f"commit:{label}:after")

    @asynccontextmanager
    async def plain(self, role: Literal["app", "system", "ingest"]) -> AsyncIterator[AsyncConnection]:
        """One transaction without a merchant: the directory, the ticker, the edge, the doctor."""
        async with self.engine(role).connect() as connection, connection.begin():
            yield connection

    async def glance(self, role: Literal["app", "system"], sql: str, *values: Any) -> list[Any]:  # noqa: ANN401
        """The rows of one reading statement without a merchant (``$1`` parameters).

        Straight to the driver and with no transaction around it: one trip instead of three.
        """
        async with self._ours(role).connect() as connection:
            driver = await _driver_of(connection)
            try:
                rows: list[Any] = await driver.fetch(sql, *values)
            except BROKEN:
                driver = await _replaced(connection)
                rows = await driver.fetch(sql, *values)
            return rows

    async def close(self) -> None:
        """Close every pool."""
        for engine in self._engines.values():
            await engine.dispose()
        self._engines.clear()
        self._autocommitting.clear()


async def _driver_of(connection: AsyncConnection) -> Any:  # noqa: ANN401 (asyncpg ships no types)
    """The driver's connection; one that the server has closed meanwhile is replaced."""
    driver: Any = (await connection.get_raw_connection()).driver_connection
    return await _replaced(connection) if driver.is_closed() else driver


async def _replaced(connection: AsyncConnection) -> Any:  # noqa: ANN401
    """Another connection of the driver's in place of one that is of no more use."""
    await connection.invalidate()
    return (await connection.get_raw_connection()).driver_connection


async def _begin(connection: AsyncConnection, merchant_id: UUID, *, snapshot: bool) -> Any:  # noqa: ANN401
    """Begin the merchant's transaction on a connection that lives; nothing was done yet, so it may be tried anew."""
    level = " ISOLATION LEVEL REPEATABLE READ" if snapshot else ""
    # The simple protocol: both in one trip. The id is a UUID, so there is nothing to quote.
    begin = f"BEGIN{level}; SELECT set_config('app.merchant_id', '{merchant_id}', true)"
    driver = await _driver_of(connection)
    try:
        await driver.execute(begin)
    except BROKEN:
        driver = await _replaced(connection)
        await driver.execute(begin)
    return driver


async def _commit(driver: Any) -> None:  # noqa: ANN401
    """Commit.

    Raises:
        Uncommitted: a statement had failed and nobody rolled back to before it.
    """
    if not driver.is_in_transaction():
        raise Uncommitted("the transaction was over before its commit")
    if await driver.execute("COMMIT") != "COMMIT":
        raise Uncommitted("a statement of the transaction had failed")


async def _roll_back(connection: AsyncConnection, driver: Any) -> None:  # noqa: ANN401
    """Roll back, whatever happened; a connection whose state is not certain is thrown away."""
    try:
        if not driver.is_closed() and driver.is_in_transaction():
            async with asyncio.timeout(ROLLBACK_S):
                await driver.execute("ROLLBACK")
    except (*BROKEN, TimeoutError, asyncpg.PostgresError):
        pass
    if driver.is_closed() or driver.is_in_transaction():
        await connection.invalidate()
