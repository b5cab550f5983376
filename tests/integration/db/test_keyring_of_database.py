"""A database belongs to the home whose master key sealed it."""

import asyncio

import pytest

from hutong.db.clock import SystemClock
from hutong.db.engine import Database
from hutong.db.keyring import Keyring
from hutong.db.keystore import confirm_keyring
from hutong.db.refusals import VaultKeyWrong
from hutong.migrations.runner import migrate


def test_another_homes_key_is_refused_and_the_first_one_stays(make_database, tmp_path):
    address = make_database()
    own, other = Keyring.create(tmp_path / "own.key"), Keyring.create(tmp_path / "other.key")

    async def work():
        await migrate(address)
        database = Database(address, SystemClock())
        try:
            await confirm_keyring(database, own)
            await confirm_keyring(database, own)
            with pytest.raises(VaultKeyWrong):
                await confirm_keyring(database, other)
            await confirm_keyring(database, own)
        finally:
            await database.close()

    asyncio.run(work())


def test_an_external_url_may_carry_arguments(make_database):
    address = make_database()
    longer = type(address)(f"{address.url}?sslmode=prefer")

    async def work():
        await migrate(longer)
        database = Database(longer, SystemClock())
        try:
            async with database.plain("system") as connection:
                assert (await connection.exec_driver_sql("SELECT current_user")).scalar() == "hutong_system"
        finally:
            await database.close()

    asyncio.run(work())
