"""Draft the next Alembic revision from the difference between the tables in the code and the newest schema.

Usage: .venv/bin/python tools/draft_migration.py "why, imperative"   (a private PostgreSQL is started for it)
Read the draft, add the row-level security of new tables (db/tenancy.py), and commit it with its test.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path

import asyncpg
from alembic import command
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from hutong.db.roles import LOGIN, Login, ensure_roles
from hutong.db.supervisor import EmbeddedServer
from hutong.migrations.runner import alembic_config


def draft(connection: Connection, message: str) -> None:
    """Write the revision file."""
    config = alembic_config(connection)
    command.upgrade(config, "head")
    versions = list((Path(config.get_main_option("script_location") or "") / "versions").glob("[0-9]*.py"))
    command.revision(config, message=message, autogenerate=True, rev_id=f"{len(versions) + 1:04d}")


async def main(message: str) -> None:
    """Start a private server, migrate it, compare, stop it."""
    home = Path(tempfile.mkdtemp(prefix="hutong-draft-"))
    server = EmbeddedServer(home)
    try:
        address = await ensure_roles(server.start(), "draft", login=Login(LOGIN, "draft-only"))
        dsn, settings = address.url_for("owner")
        connect = partial(asyncpg.connect, dsn, server_settings=settings)
        engine = create_async_engine("postgresql+asyncpg://", async_creator=connect)
        async with engine.begin() as connection:
            await connection.run_sync(draft, message)
        await engine.dispose()
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
