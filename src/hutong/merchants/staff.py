"""Staff, their passwords, roles and console sessions."""

from __future__ import annotations

import secrets
from datetime import timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final
from uuid import UUID

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import VerificationError, VerifyMismatchError
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hutong.core.errors import Conflict, InvalidInput, NotFound, Unauthorized
from hutong.crypto.digests import sha256
from hutong.db.unit import Unit
from hutong.merchants.directory import LOGIN, look_up, register
from hutong.merchants.models import staff, staff_session

SESSION_LIFE: Final = timedelta(days=7)
LOGIN_CHARS_MAX: Final = 100
PASSWORD_CHARS_MIN: Final = 10
PASSWORD_CHARS_MAX: Final = 200

_HASHER: Final = PasswordHasher()


class Role(StrEnum):
    """What a member of staff may do."""

    OWNER = "owner"
    MANAGER = "manager"  # everything but staff and keys
    CLERK = "clerk"  # look, ship, no money


#: Roles that may send money back to a buyer.
REFUND_ROLES: Final = frozenset({Role.OWNER, Role.MANAGER})
#: Roles that may write down that a party was paid outside the wallet.
PAYOUT_ROLES: Final = frozenset({Role.OWNER, Role.MANAGER})


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A signed-in member of staff."""

    merchant_id: UUID
    staff_id: UUID
    name: str
    login: str
    role: Role


async def add_staff(unit: Unit, login: str, name: str, password: str, role: Role) -> UUID:
    """Add a member of staff; the login is unique over all merchants of this hub."""
    login = login.strip().lower()
    if not login or len(login) > LOGIN_CHARS_MAX:
        raise InvalidInput(field="login", problem=f"1–{LOGIN_CHARS_MAX}")
    if not PASSWORD_CHARS_MIN <= len(password) <= PASSWORD_CHARS_MAX:
        raise InvalidInput(field="password", problem=f"{PASSWORD_CHARS_MIN}–{PASSWORD_CHARS_MAX}")
    staff_id = unit.new_id()
    if not await register(unit, LOGIN, login, staff_id):
        raise Conflict(what="login")
    await unit.insert(
        staff,
        staff_id=staff_id,
        login=login,
        name=name,
        password_hash=_HASHER.hash(password),
        role=role.value,
        created_at=unit.now(),
    )
    return staff_id


async def set_password(unit: Unit, login: str, password: str) -> None:
    """Give a member of staff another password and end their sessions.

    Raises:
        NotFound: no such login here.
    """
    if not PASSWORD_CHARS_MIN <= len(password) <= PASSWORD_CHARS_MAX:
        raise InvalidInput(field="password", problem=f"{PASSWORD_CHARS_MIN}–{PASSWORD_CHARS_MAX}")
    row = await unit.one(
        update(staff)
        .where(staff.c.merchant_id == unit.merchant_id, staff.c.login == login.strip().lower())
        .values(password_hash=_HASHER.hash(password))
        .returning(staff.c.staff_id)
    )
    if row is None:
        raise NotFound(what="login", key=login)
    await unit.run(
        delete(staff_session).where(
            staff_session.c.merchant_id == unit.merchant_id, staff_session.c.staff_id == row.staff_id
        )
    )


@lru_cache(maxsize=1)
def nobodys_hash() -> str:
    """The hash of a password nobody knows: an unknown login takes as long to refuse as a wrong password."""
    return _HASHER.hash(secrets.token_urlsafe(32))


async def check_password(unit: Unit, login: str, password: str) -> Session:
    """The member of staff with this login and password.

    Raises:
        Unauthorized: whatever is wrong; the reason is not told.
    """
    row = await unit.one(
        select(staff).where(
            staff.c.merchant_id == unit.merchant_id,
            staff.c.login == login.strip().lower(),
            staff.c.disabled_at.is_(None),
        )
    )
    try:
        _HASHER.verify(nobodys_hash() if row is None else row.password_hash, password[:PASSWORD_CHARS_MAX])
    except (VerifyMismatchError, VerificationError) as error:
        raise Unauthorized from error
    if row is None:
        raise Unauthorized
    return Session(
        merchant_id=unit.merchant_id, staff_id=row.staff_id, name=row.name, login=row.login, role=Role(row.role)
    )


async def merchant_of_login(connection: AsyncConnection, login: str) -> UUID | None:
    """Which merchant a login belongs to."""
    return await look_up(connection, LOGIN, login.strip().lower())


async def open_session(unit: Unit, staff_id: UUID) -> str:
    """A new session's cookie value: the merchant's id and a random token. Old ones of this person are swept."""
    token = secrets.token_urlsafe(32)
    now = unit.now()
    await unit.run(
        delete(staff_session).where(staff_session.c.merchant_id == unit.merchant_id, staff_session.c.expires_at < now)
    )
    await unit.insert(
        staff_session,
        token_hash=sha256(token.encode()),
        staff_id=staff_id,
        created_at=now,
        expires_at=now + SESSION_LIFE,
    )
    return f"{unit.merchant_id.hex}.{token}"


def merchant_of_cookie(cookie: str) -> UUID | None:
    """The merchant a session cookie claims; the token proves it later."""
    merchant_hex, _, token = cookie.partition(".")
    try:
        return UUID(hex=merchant_hex) if token else None
    except ValueError:
        return None


async def find_session(unit: Unit, cookie: str) -> Session | None:
    """The signed-in member of staff, or None when the session is unknown or over."""
    token = cookie.partition(".")[2]
    row = await unit.one(
        select(staff, staff_session.c.expires_at)
        .join(
            staff_session,
            (staff_session.c.merchant_id == staff.c.merchant_id) & (staff_session.c.staff_id == staff.c.staff_id),
        )
        .where(
            staff.c.merchant_id == unit.merchant_id,
            staff_session.c.token_hash == sha256(token.encode()),
            staff_session.c.expires_at > unit.now(),
            staff.c.disabled_at.is_(None),
        )
    )
    if row is None:
        return None
    return Session(
        merchant_id=unit.merchant_id, staff_id=row.staff_id, name=row.name, login=row.login, role=Role(row.role)
    )


async def close_session(unit: Unit, cookie: str) -> None:
    """Sign out."""
    token = cookie.partition(".")[2]
    await unit.run(
        delete(staff_session).where(
            staff_session.c.merchant_id == unit.merchant_id, staff_session.c.token_hash == sha256(token.encode())
        )
    )
