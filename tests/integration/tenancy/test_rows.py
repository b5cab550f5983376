"""Tenancy in the migrated schema: every table is one merchant's at a time, for every role, also after an error."""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Table, insert, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from hutong.db.clock import SystemClock
from hutong.db.engine import Database
from hutong.db.queue import QUEUE_TABLES
from hutong.db.roles import ensure_roles
from hutong.db.tables import UNPROTECTED_TABLES
from hutong.migrations import HEAD
from hutong.migrations.runner import alembic_config, migrate
from hutong.migrations.tables import all_tables

OPEN = UNPROTECTED_TABLES | QUEUE_TABLES
TENANT_TABLES = sorted(name for name in all_tables().tables if name not in UNPROTECTED_TABLES)
#: What is written there stays.
JOURNALS = {
    "audit",
    "click",
    "click_choice",
    "commission_move",
    "ledger_account",
    "account_snapshot",
    "ledger_batch",
    "ledger_day",
    "ledger_hold_leg",
    "ledger_mark",
    "outbox",
    "outside_payment",
    "outside_payment_undo",
    "posting",
    "statement",
    "statement_line",
    "stock_move",
}
MERCHANTS = [uuid.uuid4() for _ in range(2)]


class Schema:
    """A migrated database with one row of two merchants in every table."""

    def __init__(self, address) -> None:
        self.address = address

    def run(self, work):
        async def main():
            database = Database(self.address, SystemClock())
            try:
                return await work(database)
            finally:
                await database.close()

        return asyncio.run(main())

    def fetch(self, statement: str, role: str = "owner"):
        async def ask():
            dsn, settings = self.address.url_for(role)
            connection = await asyncpg.connect(dsn, server_settings=settings)
            try:
                return await connection.fetch(statement)
            finally:
                await connection.close()

        return asyncio.run(ask())


#: A value for a column, by the name of its type.
SAMPLES = {
    "Uuid": uuid.UUID(int=1),
    "Text": "x",
    "Integer": 1,
    "BigInteger": 1,
    "SmallInteger": 1,
    "Numeric": 1,
    "Boolean": False,
    "LargeBinary": b"x",
    "DateTime": dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
    "Date": dt.date(2026, 1, 1),
    "JSONB": {},
    "ARRAY": ["x"],
}


def row_of(table: Table, merchant_id: uuid.UUID) -> dict:
    """Some row that the table takes."""
    needed = [column for column in table.columns if not column.nullable and column.server_default is None]
    row = {column.name: SAMPLES[type(column.type).__name__] for column in needed}
    return {**row, "merchant_id": merchant_id}


async def fill(database: Database) -> None:
    for merchant_id in MERCHANTS:
        for name in TENANT_TABLES:
            async with database.unit(merchant_id, "fill") as unit:
                table = all_tables().tables[name]
                await unit.run(insert(table).values(row_of(table, merchant_id)))


@pytest.fixture(scope="module")
def schema(server):
    """Its login is the server's own: only what the roles may do counts here."""
    address = asyncio.run(ensure_roles(server.url("postgres"), f"rows_{uuid.uuid4().hex[:8]}"))
    asyncio.run(migrate(address))
    made = Schema(address)
    made.run(fill)
    return made


def test_every_table_is_known(schema):
    found = {row[0] for row in schema.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
    assert found == set(TENANT_TABLES) | OPEN
    assert schema.fetch("SELECT 1 FROM pg_views WHERE schemaname = 'public'") == []


def test_every_table_is_protected_also_from_its_owner(schema):
    rows = schema.fetch(
        "SELECT relname, relrowsecurity AND relforcerowsecurity AS safe, pg_get_userbyid(relowner) AS owner "
        "FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
    )
    assert {row["relname"] for row in rows if not row["safe"]} == OPEN
    assert {row["owner"] for row in rows} == {"hutong_owner"}
    roles = schema.fetch("SELECT rolname FROM pg_roles WHERE rolname LIKE 'hutong_%' AND (rolsuper OR rolbypassrls)")
    assert roles == []


def test_merchant_id_comes_first_in_every_key(schema):
    rows = schema.fetch(
        "SELECT c.conrelid::regclass::text AS name, a.attname AS first FROM pg_constraint c JOIN pg_attribute a "
        "ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1] WHERE c.contype IN ('p', 'u') "
        "AND c.connamespace = 'public'::regnamespace"
    )
    firsts = {row["name"]: row["first"] for row in rows if row["name"] not in OPEN}
    assert firsts == dict.fromkeys(TENANT_TABLES, "merchant_id")
    assert (
        schema.fetch("SELECT 1 FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace") == []
    )


def test_without_a_merchant_nothing_is_visible(schema):
    async def look(database):
        counts = {}
        async with database.plain("app") as connection:
            for name in TENANT_TABLES:
                counts[name] = await connection.scalar(text(f"SELECT count(*) FROM {name}"))
        return counts

    assert schema.run(look) == dict.fromkeys(TENANT_TABLES, 0)


def test_a_merchant_sees_its_own_rows_and_no_others(schema):
    async def look(database):
        seen = {}
        for merchant_id in MERCHANTS:
            async with database.unit(merchant_id, "look") as unit:
                for name in TENANT_TABLES:
                    rows = await unit.all(text(f"SELECT DISTINCT merchant_id FROM {name}"))
                    seen.setdefault(name, []).append([row[0] for row in rows])
        return seen

    assert schema.run(look) == {name: [[merchant_id] for merchant_id in MERCHANTS] for name in TENANT_TABLES}


def test_a_pooled_connection_forgets_its_merchant_also_after_an_error(schema):
    async def look(database):
        async def fail():
            async with database.unit(MERCHANTS[0], "fail") as unit:
                assert (await unit.scalar(text("SELECT count(*) FROM merchant"))) == 1
                await unit.run(text("SELECT 1 / 0"))

        seen = []
        for _ in range(3):
            with pytest.raises(DBAPIError):
                await fail()
            async with database.plain("app") as connection:
                seen.append(await connection.scalar(text("SELECT count(*) FROM merchant")))
        return seen, database.engine("app").pool.checkedin()

    assert schema.run(look) == ([0, 0, 0], 1)


@pytest.mark.parametrize("role", ["app", "owner"])
def test_rows_of_another_merchant_can_neither_be_made_nor_changed(schema, role):
    mine, other = MERCHANTS

    async def attempt(connection, statement, *values):
        try:
            async with connection.transaction():
                await connection.execute("SELECT set_config('app.merchant_id', $1, true)", str(mine))
                return await connection.execute(statement, *values)
        except asyncpg.InsufficientPrivilegeError:
            return "refused"

    async def look(database):
        connection = await database.connect_raw(role)
        try:
            told = {}
            for name in TENANT_TABLES:
                key = f"WHERE merchant_id = '{other}'"
                told[name] = (
                    await attempt(
                        connection,
                        f"INSERT INTO {name} SELECT (r).* FROM (SELECT jsonb_populate_record("
                        f"NULL::{name}, jsonb_build_object('merchant_id', $1::text)) AS r) s",
                        str(other),
                    ),
                    await attempt(connection, f"UPDATE {name} SET merchant_id = merchant_id {key}"),
                    await attempt(connection, f"DELETE FROM {name} {key}"),
                )
            return told
        finally:
            await connection.close()

    for name, (made, changed, removed) in schema.run(look).items():
        assert made == "refused", name
        assert changed in ("refused", "UPDATE 0"), name
        assert removed in ("refused", "DELETE 0"), name


def test_a_row_cannot_be_given_to_another_merchant(schema):
    mine, other = MERCHANTS

    async def give(database):
        async with database.unit(mine, "give") as unit:
            await unit.run(text("UPDATE product SET merchant_id = :other"), {"other": other})

    with pytest.raises(DBAPIError, match="row-level security"):
        schema.run(give)


def rights(schema) -> dict[str, dict[str, set[str]]]:
    """Role -> table -> what it may do."""
    rows = schema.fetch(
        "SELECT grantee, table_name, privilege_type FROM information_schema.table_privileges "
        "WHERE table_schema = 'public' AND grantee IN ('hutong_app', 'hutong_system', 'hutong_ingest', 'PUBLIC')"
    )
    found: dict[str, dict[str, set[str]]] = {}
    for row in rows:
        found.setdefault(row["grantee"], {}).setdefault(row["table_name"], set()).add(row["privilege_type"])
    return found


def test_each_role_may_do_what_the_list_says(schema):
    everything, write = {"SELECT", "INSERT", "UPDATE", "DELETE"}, {"SELECT", "INSERT"}
    found = rights(schema)
    assert found.get("PUBLIC", {}) == {}
    assert found["hutong_ingest"] == {"click": {"INSERT"}, "click_choice": {"INSERT"}}
    system = {name: may for name, may in found["hutong_system"].items() if name not in QUEUE_TABLES}
    assert set(system) == {*TENANT_TABLES, "directory"}
    assert all(may == {"SELECT"} for may in system.values())
    app = {name: may for name, may in found["hutong_app"].items() if name not in QUEUE_TABLES}
    assert {name for name, may in app.items() if name in TENANT_TABLES and may == write} == JOURNALS
    assert all(app[name] == everything for name in TENANT_TABLES if name not in JOURNALS)
    assert app["directory"] == {"SELECT", "INSERT", "DELETE"}
    columns = schema.fetch(
        "SELECT table_name, column_name FROM information_schema.column_privileges WHERE grantee = 'hutong_system' "
        "AND privilege_type = 'UPDATE' AND table_schema = 'public'"
    )
    assert {(row[0], row[1]) for row in columns if row[0] not in QUEUE_TABLES} == {("job", "state")}


def test_ingest_only_adds_clicks(schema):
    async def attempt(connection, statement):
        try:
            return await connection.execute(statement)
        except asyncpg.InsufficientPrivilegeError:
            return "refused"

    async def look(database):
        connection = await database.connect_raw("ingest")
        try:
            told = {
                name: [
                    await attempt(connection, f"SELECT 1 FROM {name}"),
                    await attempt(connection, f"DELETE FROM {name}"),
                ]
                for name in TENANT_TABLES
            }
            insert_click = (
                "INSERT INTO click SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), "
                "'c', 'o', 'l', 'r', ''::bytea, false, now()"
            )
            return told, await attempt(connection, insert_click)
        finally:
            await connection.close()

    told, made = schema.run(look)
    assert told == {name: ["refused"] * 2 for name in TENANT_TABLES}
    assert made == "INSERT 0 1"


def test_system_reads_all_and_moves_nothing_but_the_state_of_jobs(schema):
    async def attempt(connection, statement):
        try:
            return await connection.execute(statement)
        except asyncpg.InsufficientPrivilegeError:
            return "refused"

    async def look(database):
        connection = await database.connect_raw("system")
        try:
            seen = {
                name: await connection.fetchval(f"SELECT count(DISTINCT merchant_id) FROM {name}")
                for name in TENANT_TABLES
                if name != "click"
            }
            wrote = {
                name: [
                    await attempt(connection, f"UPDATE {name} SET merchant_id = merchant_id"),
                    await attempt(connection, f"DELETE FROM {name}"),
                    await attempt(connection, f"INSERT INTO {name} (merchant_id) VALUES (gen_random_uuid())"),
                ]
                for name in TENANT_TABLES
            }
            moved = await attempt(connection, "UPDATE job SET state = state")
            return seen, wrote, moved
        finally:
            await connection.close()

    seen, wrote, moved = schema.run(look)
    assert seen == dict.fromkeys([name for name in TENANT_TABLES if name != "click"], 2)
    assert wrote == {name: ["refused"] * 3 for name in TENANT_TABLES}
    assert moved == "UPDATE 2"


def test_the_metadata_is_the_migrated_schema(schema):
    async def compare():
        dsn, settings = schema.address.url_for("owner")
        engine = create_async_engine(
            dsn.replace("postgresql://", "postgresql+asyncpg://", 1), connect_args={"server_settings": settings}
        )

        def differences(connection):
            options = {
                "compare_type": True,
                "include_name": lambda name, kind, _: kind != "table" or name not in QUEUE_TABLES,
            }
            return compare_metadata(MigrationContext.configure(connection, opts=options), all_tables())

        try:
            async with engine.connect() as connection:
                return await connection.run_sync(differences)
        finally:
            await engine.dispose()

    assert asyncio.run(compare()) == []


def test_head_is_the_newest_revision(schema):
    script = ScriptDirectory.from_config(alembic_config(None))
    assert script.get_heads() == [HEAD]
    assert [row[0] for row in schema.fetch("SELECT version_num FROM alembic_version")] == [HEAD]
