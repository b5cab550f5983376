"""Connections that a start, or a command, is made of: whatever keeps the server away is told in plain words."""

from __future__ import annotations

import socket
from typing import Any, Final
from urllib.parse import urlsplit

import asyncpg

from hutong.core.errors import ErrorText, HutongError

CONNECT_TIMEOUT_S: Final = 15.0
PORT_DEFAULT: Final = 5432
_SCHEMES: Final = ("postgresql", "postgres")
_PROBLEM_CHARS_MAX: Final = 200


class DatabaseUnreachable(HutongError):
    """Nobody answers at the database's address, or not as PostgreSQL does."""

    code = "database_unreachable"
    status = 503
    zh = ErrorText(
        "连不上数据库 {server}：{problem}。",
        "PostgreSQL 没有运行，主机名或端口写错了，或被防火墙挡住。",
        "请启动数据库，并检查 HUTONG_DATABASE_URL 里的主机和端口；去掉它则使用内置数据库。",
    )
    en = ErrorText(
        "The database {server} cannot be reached: {problem}.",
        "PostgreSQL is not running there, host or port are mistyped, or a firewall is between.",
        "Start it and check host and port in HUTONG_DATABASE_URL; unset it to use the embedded database.",
    )


class LoginRefused(HutongError):
    """The server does not let the URL's user in."""

    code = "database_login_refused"
    status = 503
    zh = ErrorText(
        "数据库 {server} 不接受用户“{user}”：{problem}。",
        "用户名或密码不对，或服务器的 pg_hba.conf 不允许从这里登录。",
        "请检查 HUTONG_DATABASE_URL 里的用户名和密码（特殊字符要写成 %XX），或请管理员放行。",
    )
    en = ErrorText(
        "The database {server} does not let the user “{user}” in: {problem}.",
        "User or password is wrong, or the server's pg_hba.conf does not allow it from here.",
        "Check user and password in HUTONG_DATABASE_URL (write odd characters as %XX), or ask an administrator.",
    )


class DatabaseNotThere(HutongError):
    """The server has no database of that name."""

    code = "database_not_there"
    status = 503
    zh = ErrorText(
        "服务器 {server} 上没有数据库“{database}”。",
        "名称写错了，或还没有建立它，而维护用的 postgres 库也不对这个用户开放。",
        "请检查 HUTONG_DATABASE_URL 末尾的库名，或请管理员建库（见 docs/howto/external-database.md）。",
    )
    en = ErrorText(
        "The server {server} has no database “{database}”.",
        "The name is mistyped, or it was not made yet and the database postgres is closed to this user.",
        "Check the name at the end of HUTONG_DATABASE_URL, or have it made (see docs/howto/external-database.md).",
    )


class DatabaseEmpty(HutongError):
    """What only looks at data sets no database up: there is one of that name, but it is none of ours."""

    code = "database_empty"
    status = 404
    zh = ErrorText(
        "服务器 {server} 上的数据库“{database}”里没有 hutong 的数据。",
        "库名写错了，或者还没有用它运行过 hutong serve 或 hutong import。没有新建任何东西。",
        "请检查 HUTONG_DATABASE_URL 末尾的库名；确实要从头开始时先运行 hutong serve。",
    )
    en = ErrorText(
        "The database “{database}” at {server} holds no data of hutong.",
        "The name is mistyped, or neither hutong serve nor hutong import has run with it. Nothing was made.",
        "Check the name at the end of HUTONG_DATABASE_URL; to begin afresh, run hutong serve first.",
    )


class DatabaseUrlWrong(HutongError):
    """The URL cannot be read. It is not shown: it carries a password."""

    code = "database_url_wrong"
    status = 400
    zh = ErrorText(
        "HUTONG_DATABASE_URL 写法不对：{problem}。",
        "它不是 PostgreSQL 的连接地址，或密码里的特殊字符没有转义。",
        "请写成 postgresql://用户:密码@主机:5432/库名，密码里的特殊字符写成 %XX。",
    )
    en = ErrorText(
        "HUTONG_DATABASE_URL cannot be read: {problem}.",
        "It is no PostgreSQL URL, or odd characters of the password are not escaped.",
        "Write postgresql://user:password@host:5432/name; odd characters of the password as %XX.",
    )


async def connect(url: str, **how: Any) -> asyncpg.Connection:  # noqa: ANN401 (asyncpg's own arguments)
    """``asyncpg.connect``, whose failures are sentences for the person who starts the hub.

    Raises:
        DatabaseUnreachable, LoginRefused, DatabaseNotThere, DatabaseUrlWrong: with the cause of each.
    """
    server = server_of(url)
    try:
        return await asyncpg.connect(url, timeout=CONNECT_TIMEOUT_S, **how)
    except (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InsufficientPrivilegeError) as error:
        raise LoginRefused(server=server, user=urlsplit(url).username or "", problem=_said(error)) from error
    except asyncpg.InvalidCatalogNameError as error:
        raise DatabaseNotThere(server=server, database=urlsplit(url).path.lstrip("/")) from error
    except socket.gaierror as error:
        raise DatabaseUnreachable(server=server, problem=error.strerror or "host unknown") from error
    except (asyncpg.ClientConfigurationError, ValueError) as error:
        raise DatabaseUrlWrong(problem=type(error).__name__) from error
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        raise DatabaseUnreachable(server=server, problem=_said(error)) from error


async def refuse_empty(url: str) -> None:
    """Look whether a database was set up by us, without touching it.

    Raises:
        DatabaseEmpty: it was not; and whatever :func:`connect` raises.
    """
    connection = await connect(url)
    try:
        if not await connection.fetchval("SELECT to_regclass('public.alembic_version') IS NOT NULL"):
            raise DatabaseEmpty(server=server_of(url), database=urlsplit(url).path.lstrip("/"))
    finally:
        await connection.close()


def server_of(url: str) -> str:
    """Host and port, for people.

    Raises:
        DatabaseUrlWrong: there are none to be read.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or PORT_DEFAULT
    except ValueError as error:
        raise DatabaseUrlWrong(problem="port") from error
    if parts.scheme not in _SCHEMES:
        raise DatabaseUrlWrong(problem=f"{parts.scheme or '?'}://")
    return f"{parts.hostname or 'localhost'}:{port}"


def _said(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:_PROBLEM_CHARS_MAX].rstrip(".")
