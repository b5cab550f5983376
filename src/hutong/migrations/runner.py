"""Bring a database to the newest schema."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from hutong.db.roles import DatabaseAddress

#: Two processes that migrate at once wait for each other on this lock (a number that means "hutong migrations").
MIGRATION_LOCK: Final = 7_411_970_513


def alembic_config(connection: Connection) -> Config:
    """Alembic's settings, with the connection it shall use."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    return config


def _upgrade(connection: Connection) -> None:
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
    command.upgrade(alembic_config(connection), "head")


async def migrate(address: DatabaseAddress) -> None:
    """Run every revision that the database has not had, in one transaction."""
    dsn, server_settings = address.url_for("owner")
    connect = partial(asyncpg.connect, dsn, server_settings=server_settings)
    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()
