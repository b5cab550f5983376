"""An external server by URL: what we make, what we refuse, what an administrator is told to run."""

from __future__ import annotations

import asyncio
import os
import shutil
import struct
import tempfile
from pathlib import Path

import asyncpg
import pytest

from hutong.db import binaries, roles
from hutong.db.refusals import BinariesMissing, MissingPrivilege, ServerTooOld, UnsafeRole
from hutong.db.roles import ROLES, ensure_roles, role_name, with_database
from hutong.db.supervisor import EmbeddedServer

PASSWORD = os.urandom(9).hex()
RIGHTS = {
    "creator": "CREATEROLE CREATEDB",
    "master": "SUPERUSER",
    "maker": "CREATEDB",
    "guest": "",
}


async def run(url: str, *statements: str, role: dict[str, str] | None = None):
    connection = await asyncpg.connect(url, server_settings=role or {})
    try:
        for statement in statements[:-1]:
            await connection.execute(statement)
        return await connection.fetch(statements[-1])
    finally:
        await connection.close()


@pytest.fixture(scope="module", params=["newest", pytest.param("oldest", marks=pytest.mark.long)])
def external(request):
    """A server of its own: the wheel's, and the oldest that we accept where the system has it."""
    home = Path(tempfile.mkdtemp(prefix="hutong-external-"))
    server = EmbeddedServer(home)
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "oldest":
            patch.setattr(binaries, "_package_folder", lambda: None)
        try:
            server.start()
        except BinariesMissing:
            pytest.skip("no system PostgreSQL here")
    yield server
    server.stop()
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def clean(external):
    """The server without anything of ours, with users of several rights; returns a user's URL."""

    async def sweep():
        admin = external.url("postgres")
        for row in await run(admin, "SELECT datname FROM pg_database WHERE datname LIKE 'hub%'"):
            await run(admin, f'DROP DATABASE "{row[0]}" WITH (FORCE)', "SELECT 1")
        known = {row[0] for row in await run(admin, "SELECT rolname FROM pg_roles")}
        for name in [*map(role_name, ROLES), *RIGHTS]:
            if name in known:
                await run(admin, f"DROP OWNED BY {name}", f"DROP ROLE {name}", "SELECT 1")
        for name, rights in RIGHTS.items():
            await run(admin, f"CREATE ROLE {name} LOGIN {rights} PASSWORD '{PASSWORD}'", "SELECT 1")

    asyncio.run(sweep())
    return lambda user, database="postgres": (
        f"postgresql://{user}:{PASSWORD}@127.0.0.1:{external.port}/{database}?application_name=kept"
    )


@pytest.mark.parametrize("user", ["creator", "master"])
def test_a_user_who_may_create_gets_everything_and_each_role_works(clean, user):
    async def main():
        for _ in range(2):  # the second time finds everything
            address = await ensure_roles(clean(user, "hub"), "hub")
        assert "application_name=kept" in address.url
        seen = {}
        for role in ROLES:
            dsn, settings = address.url_for(role)
            seen[role] = tuple((await run(dsn, "SELECT current_user, session_user", role=settings))[0])
        assert seen == {role: (role_name(role), user) for role in ROLES}
        dsn, settings = address.url_for("owner")
        await run(dsn, "CREATE TABLE shelf (n int)", "SELECT 1", role=settings)
        for role in ("app", "system", "ingest"):
            dsn, settings = address.url_for(role)
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await run(dsn, "CREATE TABLE mine (n int)", "SELECT 1", role=settings)
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await run(dsn, "SELECT * FROM shelf", role=settings)

    asyncio.run(main())


@pytest.mark.parametrize(("user", "told"), [("creator", []), ("master", ["master"])])
def test_a_user_who_is_a_superuser_is_taken_with_a_warning(clean, caplog, user, told):
    asyncio.run(ensure_roles(clean(user, "hub"), "hub"))
    assert [record.args[0] for record in caplog.records if record.name == "hutong.db"] == told


def test_nobody_else_may_connect_to_the_database(clean):
    async def main():
        await ensure_roles(clean("creator"), "hub")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await run(clean("guest", "hub"), "SELECT 1")

    asyncio.run(main())


@pytest.mark.parametrize("user", ["guest", "maker"])
def test_a_user_without_rights_is_told_what_an_administrator_runs_and_then_it_works(clean, external, user):
    async def main():
        with pytest.raises(MissingPrivilege) as caught:
            await ensure_roles(clean(user, "hub"), "hub")
        for locale in ("zh-Hans", "en"):
            assert "CREATE ROLE hutong_owner" in caught.value.text(locale).fix
        assert PASSWORD not in str(caught.value.details)
        for statement in str(caught.value.details["sql"]).split(";\n"):
            await run(external.url("postgres"), statement.rstrip(";"), "SELECT 1")
        address = await ensure_roles(clean(user, "hub"), "hub")
        dsn, settings = address.url_for("app")
        assert (await run(dsn, "SELECT current_user", role=settings))[0][0] == "hutong_app"

    asyncio.run(main())


def test_a_database_of_somebody_else_is_refused_with_the_way_out(clean, external):
    async def main():
        await run(external.url("postgres"), "CREATE DATABASE hub OWNER maker", "SELECT 1")
        with pytest.raises(MissingPrivilege) as caught:
            await ensure_roles(clean("creator", "hub"), "hub")
        for statement in str(caught.value.details["sql"]).split(";\n"):
            await run(external.url("hub"), statement.rstrip(";"), "SELECT 1")
        await ensure_roles(clean("creator", "hub"), "hub")

    asyncio.run(main())


@pytest.mark.parametrize("attribute", ["SUPERUSER", "BYPASSRLS", "LOGIN"])
@pytest.mark.parametrize("role", ["hutong_app", "hutong_system"])
def test_a_role_that_may_do_too_much_is_refused(clean, external, attribute, role):
    async def main():
        await ensure_roles(clean("creator"), "hub")
        await run(external.url("postgres"), f"ALTER ROLE {role} {attribute}", "SELECT 1")
        with pytest.raises(UnsafeRole) as caught:
            await ensure_roles(clean("creator"), "hub")
        assert caught.value.details["role"] == role
        repair = caught.value.text("en").fix.partition(": ")[2].rstrip(";")
        await run(external.url("postgres"), repair, "SELECT 1")
        await ensure_roles(clean("creator"), "hub")

    asyncio.run(main())


def test_processes_that_set_up_a_bare_server_at_once_all_succeed(clean):
    async def main():
        return await asyncio.gather(*(ensure_roles(clean("creator"), f"hub{n % 3}") for n in range(9)))

    assert len({address.url for address in asyncio.run(main())}) == 3


def test_a_closed_maintenance_database_is_not_needed_once_ours_exists(clean, monkeypatch):
    async def main():
        await ensure_roles(clean("creator"), "hub")
        monkeypatch.setattr(roles, "MAINTENANCE_DATABASE", "hub_that_is_not_there")
        return await ensure_roles(clean("creator", "hub"), "hub")

    assert asyncio.run(main()).url == clean("creator", "hub")


def test_processes_that_do_not_meet_on_one_lock_succeed_too(clean, external, monkeypatch):
    """Without the maintenance database each locks in its own; they collide on the roles and try again."""
    monkeypatch.setattr(roles, "MAINTENANCE_DATABASE", "hub_that_is_not_there")
    names = [f"hub{number}" for number in range(4)]

    async def main():
        for name in names:
            await run(external.url("postgres"), f"CREATE DATABASE {name} OWNER creator", "SELECT 1")
        return await asyncio.gather(*(ensure_roles(clean("creator", name), name) for name in names))

    assert [address.url for address in asyncio.run(main())] == [clean("creator", name) for name in names]


def test_a_server_that_is_too_old_is_refused():
    """A listener that greets as PostgreSQL 14 does (protocol 3.0: authentication, parameters, ready)."""

    def message(kind: bytes, body: bytes) -> bytes:
        return kind + struct.pack(">i", len(body) + 4) + body

    async def greet(reader, writer):
        await reader.readexactly(struct.unpack(">i", await reader.readexactly(4))[0] - 4)
        parameters = {"server_version": "14.12", "client_encoding": "UTF8", "server_encoding": "UTF8"}
        writer.write(message(b"R", struct.pack(">i", 0)))
        for name, value in parameters.items():
            writer.write(message(b"S", f"{name}\0{value}\0".encode()))
        writer.write(message(b"K", struct.pack(">ii", 1, 2)) + message(b"Z", b"I"))
        await reader.readexactly(len(b"X\0\0\0\4"))  # the client takes its leave
        writer.close()

    async def main():
        listener = await asyncio.start_server(greet, "127.0.0.1", 0)
        async with listener:
            port = listener.sockets[0].getsockname()[1]
            with pytest.raises(ServerTooOld) as caught:
                await ensure_roles(f"postgresql://a:b@127.0.0.1:{port}/hub?sslmode=disable", "hub")
            assert caught.value.details == {"found": 14, "required": 15}

    asyncio.run(main())


def test_the_rest_of_a_url_stays():
    url = with_database("postgresql://u%40x:p%2F@h1:5432,h2:5433/old?sslmode=require&target_session_attrs=any", "新 db")
    assert url == ("postgresql://u%40x:p%2F@h1:5432,h2:5433/%E6%96%B0%20db?sslmode=require&target_session_attrs=any")
