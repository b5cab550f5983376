"""The cluster's roles, the hub's database, and how each role reaches it.

One login is a member of four roles that cannot log in themselves; a connection takes one of them at start (``role``
in its startup settings, to which ``RESET ROLE`` returns). A pool's ``RESET ALL`` does not touch the role, so whoever
needs another one for a moment says ``SET LOCAL ROLE``. None of them may bypass row-level security:

- ``hutong_owner`` owns database, schema and tables: migrations, one merchant at a time
- ``hutong_app`` serves one merchant per transaction
- ``hutong_system`` has explicit read policies: edge, doctor, dump
- ``hutong_ingest`` only inserts clicks
"""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path
from typing import Final, Literal, NamedTuple
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

import asyncpg
import msgspec

from hutong.db.reaching import CONNECT_TIMEOUT_S, DatabaseNotThere, LoginRefused, connect, server_of
from hutong.db.refusals import MissingPrivilege, ServerTooOld, UnsafeRole

log = logging.getLogger("hutong.db")

Role = Literal["owner", "app", "system", "ingest"]
ROLES: Final[tuple[Role, ...]] = ("owner", "app", "system", "ingest")
#: The embedded server's login; an external server's is the user of its URL.
LOGIN: Final = "hutong"
SERVER_MAJOR_MIN: Final = 15
#: First version in which a membership itself says whether it inherits and whether SET ROLE is allowed.
GRANT_OPTIONS_MAJOR: Final = 16
#: Two processes that set up at once meet on this lock (a number that means nothing but "hutong roles").
SETUP_LOCK: Final = 7_411_970_512
SETUP_ATTEMPTS_MAX: Final = 8
SETUP_PAUSE_S: Final = 0.1
#: Where one can always connect, to create the database from.
MAINTENANCE_DATABASE: Final = "postgres"
#: What ``sockaddr_un`` holds, its closing zero left out.
SOCKET_PATH_BYTES_MAX: Final = 107

#: What two processes that create the same thing at the same moment see.
_RACES: Final = (
    asyncpg.DuplicateObjectError,
    asyncpg.DuplicateDatabaseError,
    asyncpg.UniqueViolationError,
    asyncpg.ObjectInUseError,
    asyncpg.InternalServerError,  # "tuple concurrently updated"
)


class Endpoint(NamedTuple):
    """How to connect as one role: ``asyncpg.connect(dsn, server_settings=server_settings)``."""

    dsn: str
    server_settings: dict[str, str]


class DatabaseAddress(msgspec.Struct, frozen=True):
    """A database and the login that reaches it. ``url`` carries the login's password: never log it."""

    url: str

    def url_for(self, role: Role) -> Endpoint:
        """The login's DSN with the settings that make the session ``hutong_<role>`` from its first statement."""
        return Endpoint(self.url, {"role": role_name(role), "application_name": f"hutong {role}"})

    async def nearest(self, socket_folder: Path) -> DatabaseAddress:
        """The same database through the server's own socket in a folder of this machine: a third less work for both
        ends of each trip than the loopback interface. This address where that way is closed to us or its path too long.
        """
        parts = urlsplit(self.url)
        if len(os.fsencode(socket_folder / f".s.PGSQL.{parts.port}")) > SOCKET_PATH_BYTES_MAX:
            return self
        login = parts.netloc.rpartition("@")[0]
        query = urlencode({"host": str(socket_folder), "port": parts.port})
        near = DatabaseAddress(urlunsplit(parts._replace(netloc=f"{login}@", query=query)))
        try:
            connection = await asyncpg.connect(near.url, timeout=CONNECT_TIMEOUT_S)
        except (OSError, asyncpg.PostgresError):
            return self
        await connection.close()
        return near

    def __repr__(self) -> str:
        """Without the password."""
        parts = urlsplit(self.url)
        return f"DatabaseAddress({parts.username}@{parts.hostname}:{parts.port}{parts.path})"


class Login(msgspec.Struct, frozen=True):
    """A login that we make ourselves, on the embedded server."""

    name: str
    password: str

    def __repr__(self) -> str:
        """Without the password."""
        return f"Login({self.name})"


def role_name(role: Role) -> str:
    """The role's name in the cluster."""
    return f"hutong_{role}"


async def ensure_roles(
    admin_url: str, database: str, *, login: Login | None = None, template: str | None = None
) -> DatabaseAddress:
    """Make sure that roles and database exist and are safe; repeatable, also by several processes at once.

    Args:
        admin_url: a URL of the server whose user may create roles and databases where they are still missing.
        database: the name of the hub's database; owned by ``hutong_owner``, closed to everybody else.
        login: made (or its password set) and used in the address; None: the user of ``admin_url`` is the login.
        template: copy this database when creating (tests).

    Raises:
        ServerTooOld: older than PostgreSQL 15.
        MissingPrivilege: something is missing that this user may not create; carries the SQL for an administrator.
        DatabaseUnreachable, LoginRefused, DatabaseNotThere, DatabaseUrlWrong: no connection to set it up with.
        UnsafeRole: one of the roles is a superuser, may bypass row-level security, or may log in.
    """
    for attempt in range(SETUP_ATTEMPTS_MAX):
        try:
            return await _Setup(admin_url, database, login, template).run()
        except _RACES:
            if attempt == SETUP_ATTEMPTS_MAX - 1:
                raise
            await asyncio.sleep(SETUP_PAUSE_S * (attempt + 1))
    raise AssertionError("unreachable")


def with_database(url: str, database: str) -> str:
    """The same server and user, another database."""
    return urlunsplit(urlsplit(url)._replace(path="/" + quote(database, safe="")))


def _with_login(url: str, login: Login) -> str:
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(login.name, safe='')}:{quote(login.password, safe='')}@{place}"))


class _Setup:
    """One attempt."""

    def __init__(self, admin_url: str, database: str, login: Login | None, template: str | None) -> None:
        self.admin_url = admin_url
        self.database = database
        self.login = login
        self.template = template
        self.user = ""
        self.major = 0

    async def run(self) -> DatabaseAddress:
        connection = await self._connect()
        try:
            self.major = connection.get_server_version().major
            if self.major < SERVER_MAJOR_MIN:
                raise ServerTooOld(found=self.major, required=SERVER_MAJOR_MIN)
            await connection.execute("SELECT pg_advisory_lock($1)", SETUP_LOCK)
            self.user = await connection.fetchval("SELECT session_user")
            await self._carry_out(connection, await self._missing_in_cluster(connection))
            await _refuse_unsafe(connection)
            if self.login is None:
                await _warn_of_mighty_login(connection)
        finally:
            await connection.close()
        url = with_database(self.admin_url, self.database)
        await self._close_to_public(url)
        return DatabaseAddress(url if self.login is None else _with_login(url, self.login))

    async def _connect(self) -> asyncpg.Connection:
        """To the maintenance database, from which ours can be made; where that is closed, to the URL's own."""
        server_of(self.admin_url)  # one that cannot be read is told before its parts are taken
        try:
            return await connect(with_database(self.admin_url, MAINTENANCE_DATABASE))
        except (DatabaseNotThere, LoginRefused):
            return await connect(self.admin_url)

    @property
    def login_name(self) -> str:
        return self.user if self.login is None else self.login.name

    async def _missing_in_cluster(self, connection: asyncpg.Connection) -> list[str]:
        """The statements that bring the cluster to where it must be; empty when nothing is missing."""
        known = {row[0] for row in await connection.fetch("SELECT rolname FROM pg_roles")}
        statements = [
            f"CREATE ROLE {role_name(role)} NOLOGIN NOSUPERUSER NOBYPASSRLS {_inherits(role)} NOCREATEDB NOCREATEROLE"
            for role in ROLES
            if role_name(role) not in known
        ]
        if self.login is not None:
            verb = "ALTER" if self.login.name in known else "CREATE"
            statements.append(
                f"{verb} ROLE {_identifier(self.login.name)} LOGIN NOSUPERUSER NOBYPASSRLS NOINHERIT "
                f"NOCREATEDB NOCREATEROLE PASSWORD {_literal(self.login.password)}"
            )
        for role in ROLES:
            if not await self._may_become(connection, role, known):
                options = " WITH INHERIT FALSE, SET TRUE" if self.major >= GRANT_OPTIONS_MAJOR else ""
                statements.append(f"GRANT {role_name(role)} TO {_identifier(self.login_name)}{options}")
        owner = await connection.fetchval(
            "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = $1", self.database
        )
        if owner is None:
            template = f" TEMPLATE {_identifier(self.template)}" if self.template else ""
            statements.append(
                f"CREATE DATABASE {_identifier(self.database)} OWNER {role_name('owner')} ENCODING 'UTF8'{template}"
            )
        elif owner != role_name("owner"):
            statements.append(f"ALTER DATABASE {_identifier(self.database)} OWNER TO {role_name('owner')}")
        return statements

    async def _may_become(self, connection: asyncpg.Connection, role: Role, known: set[str]) -> bool:
        """Whether the login is a member that may SET ROLE. A superuser may anyway and needs no grant."""
        if role_name(role) not in known or self.login_name not in known:
            return False
        privilege = "SET" if self.major >= GRANT_OPTIONS_MAJOR else "MEMBER"
        return bool(
            await connection.fetchval(
                "SELECT pg_has_role($1::name, $2::name, $3)", self.login_name, role_name(role), privilege
            )
        )

    async def _carry_out(self, connection: asyncpg.Connection, statements: list[str]) -> None:
        for number, statement in enumerate(statements):
            try:
                await connection.execute(statement)
            except asyncpg.InsufficientPrivilegeError as error:
                raise MissingPrivilege(
                    user=self.user, problem=str(error), sql=";\n".join(statements[number:]) + ";"
                ) from error

    async def _close_to_public(self, url: str) -> None:
        """Only our login and roles may connect to the database and use its schema."""
        connection = await connect(url)
        try:
            roles = ", ".join(role_name(role) for role in ROLES)
            name, login = _identifier(self.database), _identifier(self.login_name)
            statements = [
                f"SET ROLE {role_name('owner')}",
                f"REVOKE ALL ON DATABASE {name} FROM PUBLIC",
                f"GRANT CONNECT ON DATABASE {name} TO {roles}, {login}",
                f"GRANT TEMPORARY ON DATABASE {name} TO {role_name('owner')}",
                "REVOKE ALL ON SCHEMA public FROM PUBLIC",
                f"GRANT USAGE ON SCHEMA public TO {roles}",
            ]
            async with connection.transaction():
                await connection.execute("SELECT pg_advisory_xact_lock($1)", SETUP_LOCK)
                await self._carry_out(connection, statements)
            # A schema of an upgraded server may belong to somebody else; a GRANT then only warns.
            if not await connection.fetchval(
                "SELECT has_schema_privilege($1::name, 'public', 'CREATE')", role_name("owner")
            ):
                sql = f"ALTER SCHEMA public OWNER TO {role_name('owner')};"
                raise MissingPrivilege(user=self.user, problem="schema public", sql=sql)
        finally:
            await connection.close()


async def _refuse_unsafe(connection: asyncpg.Connection) -> None:
    """Stop when a role could step around row-level security."""
    rows = await connection.fetch(
        "SELECT rolname, rolsuper, rolbypassrls, rolcanlogin FROM pg_roles WHERE rolname = ANY($1::text[])",
        [role_name(role) for role in ROLES],
    )
    for row in rows:
        for attribute in ("rolsuper", "rolbypassrls", "rolcanlogin"):
            if row[attribute]:
                raise UnsafeRole(role=row["rolname"], attribute=attribute.removeprefix("rol").upper())


async def _warn_of_mighty_login(connection: asyncpg.Connection) -> None:
    """An external user may set everything up, but need not be able to step around row-level security for ever.

    Every connection takes one of our roles at its start, so that this user's rights are not in force; a superuser
    could take them up again by ``SET SESSION AUTHORIZATION``, which nothing of ours says.
    """
    row = await connection.fetchrow(
        "SELECT rolname, rolsuper FROM pg_roles WHERE rolname = session_user AND (rolsuper OR rolbypassrls)"
    )
    if row is not None:
        log.warning(
            "the database user %s is %s: the hub works as its own bound roles, but give it a user without that, "
            "see docs/howto/external-database.md",
            row["rolname"],
            "a superuser" if row["rolsuper"] else "allowed to bypass row-level security",
        )


def _inherits(role: Role) -> str:
    """The owner inherits, though it is a member of nothing but ``pg_database_owner``: version 15 wants it for that."""
    return "INHERIT" if role == "owner" else "NOINHERIT"


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
