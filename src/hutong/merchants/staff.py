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

from hutong.core.errors import Conflict, ErrorText, InvalidInput, NotFound, Unauthorized
from hutong.crypto.digests import sha256
from hutong.db.unit import Unit
from hutong.merchants.directory import LOGIN, look_up, register
from hutong.merchants.models import staff, staff_session

SESSION_LIFE: Final = timedelta(days=7)
LOGIN_CHARS_MAX: Final = 100
PASSWORD_CHARS_MIN: Final = 10
PASSWORD_CHARS_MAX: Final = 200
#: What random passwords are made of: no letter that looks like another one, and no capitals.
PASSWORD_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"  # noqa: S105 (an alphabet)
PASSWORD_GROUPS: Final = 4
PASSWORD_GROUP_CHARS: Final = 4

_HASHER: Final = PasswordHasher()


class Role(StrEnum):
    """What a member of staff may do."""

    OWNER = "owner"
    MANAGER = "manager"  # everything but staff and keys
    CLERK = "clerk"  # look, ship, no money
    CASHIER = "cashier"  # what a clerk may, and take money at the counter; send none back


#: Roles that may send money back to a buyer.
REFUND_ROLES: Final = frozenset({Role.OWNER, Role.MANAGER})
#: Roles that may write down that a party was paid outside the wallet.
PAYOUT_ROLES: Final = frozenset({Role.OWNER, Role.MANAGER})
#: Roles that may enter or change the shop's accounts on platforms.
CONNECTION_ROLES: Final = frozenset({Role.OWNER})
#: Roles that may set and lift the guard of an account.
GUARD_ROLES: Final = frozenset({Role.OWNER, Role.MANAGER})
#: Roles that may hang up a shop code, change its limits, or take it down.
CODE_ROLES: Final = frozenset({Role.OWNER, Role.MANAGER})
#: Roles that may take money at the counter, and undo a charge that is still running.
TILL_ROLES: Final = frozenset({Role.OWNER, Role.MANAGER, Role.CASHIER})
#: Roles that may say who works here, and as what.
STAFF_ROLES: Final = frozenset({Role.OWNER})


class LoginTaken(Conflict):
    """Somebody of this hub has the login already."""

    code = "login_taken"
    zh = ErrorText(
        "登录名“{login}”已经有人用了。", "登录名在整套系统里不能重复，已停用的也算。", "请换一个，例如加上数字。"
    )
    en = ErrorText(
        "The login “{login}” is taken.",
        "A login is unique on this hub, those who are switched off included.",
        "Choose another one, for example with a number.",
    )


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A signed-in member of staff."""

    merchant_id: UUID
    staff_id: UUID
    name: str
    login: str
    role: Role


def new_password() -> str:
    """A random password of 79 bits that can be read aloud and typed on a phone."""
    return "-".join(
        "".join(secrets.choice(PASSWORD_LETTERS) for _ in range(PASSWORD_GROUP_CHARS)) for _ in range(PASSWORD_GROUPS)
    )


def login_of(text: str) -> str:
    """A login as it is kept, whatever case it was typed in."""
    return text.strip().lower()


async def add_staff(unit: Unit, login: str, name: str, password: str, role: Role) -> UUID:
    """Add a member of staff; the login is unique over all merchants of this hub."""
    login = login_of(login)
    if not login or len(login) > LOGIN_CHARS_MAX:
        raise InvalidInput(field="login", problem=f"1–{LOGIN_CHARS_MAX}")
    if not PASSWORD_CHARS_MIN <= len(password) <= PASSWORD_CHARS_MAX:
        raise InvalidInput(field="password", problem=f"{PASSWORD_CHARS_MIN}–{PASSWORD_CHARS_MAX}")
    staff_id = unit.new_id()
    if not await register(unit, LOGIN, login, staff_id):
        raise LoginTaken(login=login)
    await unit.insert(
        staff,
        staff_id=staff_id,
        login=login,
        name=name,
        password_hash=hash_of(password),
        role=role.value,
        created_at=unit.now(),
    )
    return staff_id


async def set_password(unit: Unit, staff_id: UUID, password: str, *, but_cookie: str = "") -> None:
    """Give a member of staff another password and end their sessions, but for the one of ``but_cookie``.

    Raises:
        NotFound: nobody of this id here.
    """
    if not PASSWORD_CHARS_MIN <= len(password) <= PASSWORD_CHARS_MAX:
        raise InvalidInput(field="password", problem=f"{PASSWORD_CHARS_MIN}–{PASSWORD_CHARS_MAX}")
    done = await unit.run(
        update(staff)
        .where(staff.c.merchant_id == unit.merchant_id, staff.c.staff_id == staff_id)
        .values(password_hash=hash_of(password))
    )
    if not done.rowcount:
        raise NotFound(what="staff", key=str(staff_id))
    await end_sessions(unit, staff_id, but_cookie=but_cookie)


async def end_sessions(unit: Unit, staff_id: UUID, *, but_cookie: str = "") -> None:
    """Sign a member of staff out, wherever they are signed in, but for the session of ``but_cookie``."""
    await unit.run(
        delete(staff_session).where(
            staff_session.c.merchant_id == unit.merchant_id,
            staff_session.c.staff_id == staff_id,
            staff_session.c.token_hash != _token_hash(but_cookie),
        )
    )


def hash_of(password: str) -> str:
    """What is kept of a password: slow on purpose, some tens of milliseconds and 64 MiB."""
    return _HASHER.hash(password)


@lru_cache(maxsize=1)
def nobodys_hash() -> str:
    """The hash of a password nobody knows: an unknown login takes as long to refuse as a wrong password."""
    return hash_of(secrets.token_urlsafe(32))


def is_password(password_hash: str, password: str) -> bool:
    """Whether a password is the one of a hash."""
    try:
        _HASHER.verify(password_hash, password[:PASSWORD_CHARS_MAX])
    except (VerifyMismatchError, VerificationError):
        return False
    return True


async def check_password(unit: Unit, login: str, password: str) -> Session:
    """The member of staff with this login and password. Whoever changes the password or switches the person off
    waits until this unit is over, so that the session it opens is ended with the others.

    Raises:
        Unauthorized: whatever is wrong; the reason is not told.
    """
    row = await unit.one(
        select(staff)
        .where(
            staff.c.merchant_id == unit.merchant_id,
            staff.c.login == login_of(login),
            staff.c.disabled_at.is_(None),
        )
        .with_for_update(read=True)
    )
    is_right = is_password(nobodys_hash() if row is None else row.password_hash, password)
    if row is None or not is_right:
        raise Unauthorized
    return Session(
        merchant_id=unit.merchant_id, staff_id=row.staff_id, name=row.name, login=row.login, role=Role(row.role)
    )


async def merchant_of_login(connection: AsyncConnection, login: str) -> UUID | None:
    """Which merchant a login belongs to."""
    return await look_up(connection, LOGIN, login_of(login))


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


def _token_hash(cookie: str) -> bytes:
    """What is kept of a cookie's token; of no cookie, what no session has."""
    return sha256(cookie.partition(".")[2].encode())


def merchant_of_cookie(cookie: str) -> UUID | None:
    """The merchant a session cookie claims; the token proves it later."""
    merchant_hex, _, token = cookie.partition(".")
    try:
        return UUID(hex=merchant_hex) if token else None
    except ValueError:
        return None


async def find_session(unit: Unit, cookie: str) -> Session | None:
    """The signed-in member of staff, or None when the session is unknown or over."""
    row = await unit.one(
        select(staff, staff_session.c.expires_at)
        .join(
            staff_session,
            (staff_session.c.merchant_id == staff.c.merchant_id) & (staff_session.c.staff_id == staff.c.staff_id),
        )
        .where(
            staff.c.merchant_id == unit.merchant_id,
            staff_session.c.token_hash == _token_hash(cookie),
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
    await unit.run(
        delete(staff_session).where(
            staff_session.c.merchant_id == unit.merchant_id, staff_session.c.token_hash == _token_hash(cookie)
        )
    )
