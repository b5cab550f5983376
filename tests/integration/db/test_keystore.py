"""The vault on real tables under row-level security."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from hutong.db.engine import Database
from hutong.db.keyring import Keyring
from hutong.db.keystore import DatabaseKeyStore
from hutong.db.tables import merchant_key
from hutong.db.tenancy import protect
from hutong.db.vault import FIRST_KEY_ID, Vault

PROCESSES = 6


class StoppedClock:
    def now(self):
        return datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def address(make_database):
    made = make_database()

    async def create():
        dsn, settings = made.url_for("owner")
        owner = await asyncpg.connect(dsn, server_settings=settings)
        try:
            await owner.execute(str(CreateTable(merchant_key).compile(dialect=postgresql.dialect())))
            for statement in protect("merchant_key"):
                await owner.execute(statement)
        finally:
            await owner.close()

    asyncio.run(create())
    return made


def test_processes_that_seal_for_a_new_merchant_at_once_agree_on_one_key_which_then_rotates(address, tmp_path):
    ring = Keyring.create(tmp_path / "vault.key")
    li, wang = uuid4(), uuid4()

    async def everyone():
        yield li
        yield wang

    async def main():
        databases = [Database(address, StoppedClock()) for _ in range(PROCESSES)]
        try:
            vaults = [Vault(ring, DatabaseKeyStore(database), StoppedClock()) for database in databases]
            blobs = await asyncio.gather(*(vault.seal(li, "phone", b"138") for vault in vaults))
            others = await vaults[0].seal(wang, "phone", b"139")
            stored = await DatabaseKeyStore(databases[0]).load(li)
            assert [key.key_id for key in stored] == [FIRST_KEY_ID]
            assert await vaults[0].rotate(everyone()) == 2
            fresh = Vault(Keyring.load(ring.path), DatabaseKeyStore(databases[0]), StoppedClock())
            assert [await fresh.open(li, "phone", blob) for blob in blobs] == [b"138"] * PROCESSES
            assert await fresh.open(wang, "phone", others) == b"139"
            again = await DatabaseKeyStore(databases[0]).load(li)
            assert again[0].wrapped != stored[0].wrapped
            assert not await DatabaseKeyStore(databases[0]).replace(li, stored[0], b"not what is there")
        finally:
            for database in databases:
                await database.close()

    asyncio.run(main())
