"""The only place that opens connections: one pool for each role, and units of work on them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final, Literal
from uuid import UUID

import asyncpg
from sqlalchemy import text
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

_SET_MERCHANT: Final = text("SELECT set_config('app.merchant_id', :merchant_id, true)")


class Database:
    """Pools for the app, system and ingest roles of one database."""

    def __init__(self, address: DatabaseAddress, clock: Clock) -> None:
        self.address = address
        self.clock = clock
        self._engines: dict[Role, AsyncEngine] = {}
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

    async def connect_raw(self, role: Role) -> Any:  # noqa: ANN401 (asyncpg ships no types)
        """A connection of its own, outside the pools (listeners, the queue)."""
        dsn, server_settings = self.address.url_for(role)
        return await asyncpg.connect(dsn, server_settings=server_settings, timeout=CONNECT_TIMEOUT_S)

    @asynccontextmanager
    async def unit(self, merchant_id: UUID, label: str, role: Literal["app", "owner"] = "app") -> AsyncIterator[Unit]:
        """One transaction for one merchant. ``label`` names its commit, where it has one, for the crash proof.

        The owner may delete from append-only tables; only the housekeeping does.
        """
        async with self.engine(role).connect() as connection:
            async with connection.begin():
                await connection.execute(_SET_MERCHANT, {"merchant_id": str(merchant_id)})
                unit = Unit(connection, merchant_id, self.clock)
                yield unit
                await unit.flush()
                if unit.wrote:
                    reach(f"commit:{label}:before")
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
        async with self.engine(role).connect() as connection:
            driver: Any = (await connection.get_raw_connection()).driver_connection
            rows: list[Any] = await driver.fetch(sql, *values)
            return rows

    async def close(self) -> None:
        """Close every pool."""
        for engine in self._engines.values():
            await engine.dispose()
        self._engines.clear()
