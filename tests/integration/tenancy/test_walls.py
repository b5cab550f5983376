"""The walls between merchants: whole after migrations, each breach named, and no hub starts on open ones."""

from __future__ import annotations

import asyncio
import os
from contextlib import nullcontext

import asyncpg
import pytest

from hutong.app import open_runtime
from hutong.config import load_settings
from hutong.db.clock import SystemClock
from hutong.db.engine import Database
from hutong.db.home import Home
from hutong.db.house import House
from hutong.db.refusals import UnsafeRole, WallsDown
from hutong.db.roles import ensure_roles
from hutong.db.walls import breaches_of_walls, protected_tables
from hutong.migrations.runner import migrate
from hutong.migrations.tables import all_tables


@pytest.fixture(scope="module")
def walled(server, database_template):
    """A migrated database of its own; its address and the superuser's URL."""
    name = f"walls_{os.urandom(4).hex()}"

    async def make():
        address = await ensure_roles(server.url("postgres"), name, template=database_template)
        await migrate(address)
        return address

    all_tables()
    return asyncio.run(make()), server.url(name)


async def found_in(address) -> set[tuple[str, str]]:
    database = Database(address, SystemClock())
    try:
        async with database.plain("system") as connection:
            return {(breach.rule, breach.subject) for breach in await breaches_of_walls(connection)}
    finally:
        await database.close()


async def do(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


OWN = "merchant_id = nullif(current_setting('app.merchant_id', true), '')::uuid"
BREAKS = [
    ("ALTER TABLE stock DISABLE ROW LEVEL SECURITY", "ALTER TABLE stock ENABLE ROW LEVEL SECURITY",
     ("tenancy.rows_are_walled", "stock")),
    ("ALTER TABLE posting NO FORCE ROW LEVEL SECURITY", "ALTER TABLE posting FORCE ROW LEVEL SECURITY",
     ("tenancy.rows_are_walled", "posting")),
    ("ALTER POLICY tenant ON job RENAME TO was", "ALTER POLICY was ON job RENAME TO tenant",
     ("tenancy.policy_is_ours", "job")),
    ("ALTER POLICY tenant ON job TO hutong_app", "ALTER POLICY tenant ON job TO hutong_app, hutong_owner",
     ("tenancy.policy_is_ours", "job")),
    ("ALTER POLICY tenant ON click USING (true)", f"ALTER POLICY tenant ON click USING ({OWN})",
     ("tenancy.policy_is_ours", "click")),
    ("CREATE POLICY mine ON customer TO hutong_app USING (true)", "DROP POLICY mine ON customer",
     ("tenancy.policy_is_ours", "customer")),
    ("ALTER ROLE hutong_app BYPASSRLS", "ALTER ROLE hutong_app NOBYPASSRLS",
     ("tenancy.role_is_bound", "hutong_app")),
    ("ALTER ROLE hutong_system SUPERUSER", "ALTER ROLE hutong_system NOSUPERUSER",
     ("tenancy.role_is_bound", "hutong_system")),
]  # fmt: skip


def test_each_hole_is_named(walled):
    address, admin_url = walled

    async def main():
        seen = {}
        for down, up, _ in BREAKS:
            await do(admin_url, down)
            try:
                seen[down] = await found_in(address)
            finally:
                await do(admin_url, up)
        return seen, await found_in(address)

    seen, after = asyncio.run(main())
    assert after == set()
    assert {down: breach in seen[down] for down, _, breach in BREAKS} == {down: True for down, _, _ in BREAKS}
    assert {"stock", "posting", "sale_fact", "job"} <= set(protected_tables())


def test_no_hub_opens_a_house_whose_walls_are_down(walled, tmp_path):
    _, admin_url = walled
    settings = load_settings({"HUTONG_HOME": str(tmp_path), "HUTONG_DATABASE_URL": admin_url})
    house = House(home=Home.open(tmp_path), admin_url=admin_url, login=None, address=None)
    breaks = [
        ("ALTER TABLE stock DISABLE ROW LEVEL SECURITY", "ALTER TABLE stock ENABLE ROW LEVEL SECURITY", WallsDown),
        ("ALTER ROLE hutong_app BYPASSRLS", "ALTER ROLE hutong_app NOBYPASSRLS", UnsafeRole),
    ]

    async def start() -> None:
        async with open_runtime(settings, house, ""):
            pass

    async def main():
        await start()
        errors = []
        for down, up, refusal in breaks:
            await do(admin_url, down)
            try:
                with pytest.raises(refusal) as refused:
                    await start()
                async with (
                    open_runtime(settings, house, "", to_examine=True) if refusal is WallsDown else nullcontext()
                ):
                    errors.append(refused.value)
            finally:
                await do(admin_url, up)
        await start()
        return errors

    off, mighty = asyncio.run(main())
    assert off.details == {"subject": "stock", "problem": "row-level security is off", "count": 1}
    assert "stock" in off.text("zh-Hans").sentence
    assert mighty.details["role"] == "hutong_app"
