"""Roles and databases on a real server."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from hutong.db.roles import ROLES, SOCKET_PATH_BYTES_MAX, ensure_roles


@pytest.mark.parametrize("role", ROLES)
def test_a_session_is_its_role_from_the_start_and_after_reset_role(make_database, role):
    address = make_database()

    async def look():
        dsn, settings = address.url_for(role)
        connection = await asyncpg.connect(dsn, server_settings=settings)
        try:
            first = await connection.fetchrow("SELECT current_user, session_user")
            await connection.execute("SET ROLE hutong_app")
            await connection.execute("RESET ROLE")
            return first, await connection.fetchval("SELECT current_user")
        finally:
            await connection.close()

    first, after = asyncio.run(look())
    assert tuple(first) == (f"hutong_{role}", "hutong")
    assert after == f"hutong_{role}"


def test_many_processes_may_set_up_at_once(server):
    async def rush():
        return await asyncio.gather(*(ensure_roles(server.url("postgres"), "rush") for _ in range(8)))

    assert len(set(map(str, asyncio.run(rush())))) == 1


def test_the_nearest_way_is_the_servers_own_socket_where_it_is_open_to_us(make_database, server, tmp_path):
    address = make_database()

    async def came_by(near):
        dsn, settings = near.url_for("app")
        connection = await asyncpg.connect(dsn, server_settings=settings)
        try:
            return await connection.fetchval("SELECT inet_client_addr()::text"), await connection.fetchval(
                "SELECT current_user"
            )
        finally:
            await connection.close()

    async def work():
        near = await address.nearest(server.cluster.socket)
        assert await came_by(near) == (None, "hutong_app")
        assert urlsplit(address.url).password not in repr(near)
        for closed in (tmp_path, Path("/" + "x" * SOCKET_PATH_BYTES_MAX)):
            assert await address.nearest(closed) == address
        assert await came_by(address) == ("127.0.0.1/32", "hutong_app")

    asyncio.run(work())
