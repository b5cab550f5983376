"""Who works here: added, given another role or password, switched off and on; who did it is written down."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, Update, func, select, update

from hutong.core.errors import ErrorText, HutongError, InvalidInput, NotFound
from hutong.db.unit import Unit
from hutong.merchants.actors import STAFF, Actor, hold_role, write_down
from hutong.merchants.models import audit, staff
from hutong.merchants.staff import (
    LOGIN_CHARS_MAX,
    STAFF_ROLES,
    Role,
    add_staff,
    end_sessions,
    login_of,
    new_password,
    set_password,
)

NAME_CHARS_MAX: Final = 40
#: People of a merchant, those who left included.
STAFF_MAX: Final = 200
#: Of what was done to one of them.
ACTS_SHOWN_MAX: Final = 20


class StaffAct(StrEnum):
    """What is written down about a member of staff."""

    ADD = "staff.add"
    ROLE = "staff.role"
    PASSWORD = "staff.password"  # noqa: S105 (the name of an act)
    DISABLE = "staff.disable"
    ENABLE = "staff.enable"
    SIGN_IN = "staff.sign_in"


class LastOwner(HutongError):
    """Without this person nobody could manage the staff any more."""

    code = "last_owner"
    status = 409
    zh = ErrorText(
        "“{name}”是唯一还能登录的店主，不能停用，也不能改成别的角色。",
        "没有店主，就没有人能管理员工了。",
        "请先把另一个人设为店主，再改这一位。",
    )
    en = ErrorText(
        "“{name}” is the only owner who can still sign in, and can neither be switched off nor get another role.",
        "Without an owner nobody could manage the staff.",
        "Make somebody else an owner first.",
    )


class LoginUnfit(InvalidInput):
    """A login that nobody could type."""

    code = "login_unfit"
    zh = ErrorText(
        "登录名“{login}”不能用。",
        "登录名 1 到 {most} 个字，中间没有空格。",
        "建议用手机号、邮箱或姓名拼音，例如 wang.fang。",
    )
    en = ErrorText(
        "The login “{login}” cannot be used.",
        "A login has 1 to {most} characters and no blanks.",
        "Use a phone number, an e-mail address or a name, for example wang.fang.",
    )


class StaffFull(HutongError):
    """A merchant has as many people as the pages can hold."""

    code = "staff_full"
    status = 409
    zh = ErrorText("员工已经满 {most} 人。", "停用的员工也算在内。", "请重新启用旧账号，改角色后给新人用。")
    en = ErrorText(
        "There are {most} people already.",
        "Those who are switched off count.",
        "Switch an old account on again and give it to the new person.",
    )


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A person who can or could sign in; ``last_in_at``: when they last came in with their password."""

    staff_id: UUID
    name: str
    login: str
    role: Role
    created_at: datetime
    disabled_at: datetime | None
    last_in_at: datetime | None


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was done to a member of staff. ``actor``: staff:ID, key:ID or home."""

    actor: str
    action: str
    happened_at: datetime


class NewMember(msgspec.Struct, frozen=True, kw_only=True):
    """Who was added, with the password that is told this once."""

    staff_id: UUID
    login: str
    password: str

    def __repr__(self) -> str:
        return f"NewMember({self.staff_id})"


async def hire(unit: Unit, actor: Actor, *, login: str, name: str, role: Role, password: str = "") -> NewMember:
    """Add somebody; without a password a random one is made.

    Raises:
        Forbidden, OwnersOnly, InvalidInput, LoginUnfit, LoginTaken, StaffFull.
    """
    actor.require_staff()
    if role is Role.OWNER:
        actor.require_owner_acts()
    await hold_role(unit, actor, STAFF_ROLES, STAFF)
    login, name = login_of(login), name.strip()
    if not 0 < len(name) <= NAME_CHARS_MAX or not name.isprintable():
        raise InvalidInput(field="name", problem=f"1–{NAME_CHARS_MAX}")
    if not 0 < len(login) <= LOGIN_CHARS_MAX or not login.isprintable() or " " in login:
        raise LoginUnfit(login=login[:NAME_CHARS_MAX], most=LOGIN_CHARS_MAX)
    people = await unit.scalar(select(func.count()).select_from(staff).where(staff.c.merchant_id == unit.merchant_id))
    if int(people or 0) >= STAFF_MAX:
        raise StaffFull(most=STAFF_MAX)
    password = password or new_password()
    staff_id = await add_staff(unit, login, name, password, role)
    await write_down(unit, actor, StaffAct.ADD.value, _subject(staff_id))
    return NewMember(staff_id=staff_id, login=login, password=password)


async def give_role(unit: Unit, actor: Actor, staff_id: UUID, role: Role) -> bool:
    """Another role, from a new sign-in on; False where the person has it already.

    Raises:
        Forbidden, OwnersOnly, NotFound, LastOwner.
    """
    actor.require_staff()
    if role is Role.OWNER:
        actor.require_owner_acts()
    person = await _held(unit, actor, staff_id, stays_owner=role is Role.OWNER)
    if person.role == role.value:
        return False
    await unit.run(_this(unit, staff_id).values(role=role.value))
    await end_sessions(unit, staff_id)
    await write_down(unit, actor, StaffAct.ROLE.value, _subject(staff_id))
    return True


async def switch_off(unit: Unit, actor: Actor, staff_id: UUID) -> bool:
    """Sign somebody out everywhere and let them in no more; False where they are out already.

    Raises:
        Forbidden, OwnersOnly, NotFound, LastOwner.
    """
    actor.require_staff()
    person = await _held(unit, actor, staff_id, stays_owner=False)
    if person.disabled_at is not None:
        return False
    await unit.run(_this(unit, staff_id).values(disabled_at=unit.now()))
    await end_sessions(unit, staff_id)
    await write_down(unit, actor, StaffAct.DISABLE.value, _subject(staff_id))
    return True


async def switch_on(unit: Unit, actor: Actor, staff_id: UUID) -> bool:
    """Let somebody in again, with the password they had; False where they are in already.

    Raises:
        Forbidden, OwnersOnly, NotFound.
    """
    actor.require_staff()
    person = await _held(unit, actor, staff_id, stays_owner=True)
    if person.disabled_at is None:
        return False
    await unit.run(_this(unit, staff_id).values(disabled_at=None))
    await write_down(unit, actor, StaffAct.ENABLE.value, _subject(staff_id))
    return True


async def renew_password(unit: Unit, actor: Actor, staff_id: UUID, password: str = "") -> NewMember:
    """Another password (without one a random one), told this once; every session of the person ends.

    Raises:
        Forbidden, OwnersOnly, NotFound, InvalidInput.
    """
    actor.require_staff()
    person = await _held(unit, actor, staff_id, stays_owner=True)
    password = password or new_password()
    await set_password(unit, staff_id, password)
    await write_down(unit, actor, StaffAct.PASSWORD.value, _subject(staff_id))
    return NewMember(staff_id=staff_id, login=person.login, password=password)


async def staff_of_login(unit: Unit, login: str) -> UUID:
    """Who has a login.

    Raises:
        NotFound: nobody here.
    """
    found: UUID | None = await unit.scalar(
        select(staff.c.staff_id).where(staff.c.merchant_id == unit.merchant_id, staff.c.login == login_of(login))
    )
    if found is None:
        raise NotFound(what="login", key=login)
    return found


async def note_sign_in(unit: Unit, staff_id: UUID) -> None:
    """Write down that somebody came in with their password."""
    actor = Actor(name=_subject(staff_id), may_refund=False)
    await write_down(unit, actor, StaffAct.SIGN_IN.value, _subject(staff_id))


async def members(unit: Unit) -> tuple[Member, ...]:
    """Everybody who can or could sign in, the first who came first."""
    last_in = (
        select(audit.c.subject, func.max(audit.c.happened_at).label("last_in_at"))
        .where(audit.c.merchant_id == unit.merchant_id, audit.c.action == StaffAct.SIGN_IN.value)
        .group_by(audit.c.subject)
    )
    times = {row.subject: row.last_in_at for row in await unit.all(last_in.limit(STAFF_MAX))}
    people = select(staff).where(staff.c.merchant_id == unit.merchant_id).order_by(staff.c.created_at, staff.c.staff_id)
    return tuple(
        Member(
            staff_id=row.staff_id,
            name=row.name,
            login=row.login,
            role=Role(row.role),
            created_at=row.created_at,
            disabled_at=row.disabled_at,
            last_in_at=times.get(_subject(row.staff_id)),
        )
        for row in await unit.all(people.limit(STAFF_MAX))
    )


async def member(unit: Unit, staff_id: UUID) -> Member:
    """One of them.

    Raises:
        NotFound: nobody of this id here.
    """
    for one in await members(unit):
        if one.staff_id == staff_id:
            return one
    raise NotFound(what="staff", key=str(staff_id))


async def acts_about(unit: Unit, staff_id: UUID) -> tuple[Act, ...]:
    """What was done to somebody and by whom, and when they came in; the newest first."""
    statement = (
        select(audit)
        .where(audit.c.merchant_id == unit.merchant_id, audit.c.subject == _subject(staff_id))
        .order_by(audit.c.happened_at.desc(), audit.c.audit_id.desc())
        .limit(ACTS_SHOWN_MAX)
    )
    return tuple(
        Act(actor=row.actor, action=row.action, happened_at=row.happened_at) for row in await unit.all(statement)
    )


def _subject(staff_id: UUID) -> str:
    return f"staff:{staff_id}"


def _this(unit: Unit, staff_id: UUID) -> Update:
    return update(staff).where(staff.c.merchant_id == unit.merchant_id, staff.c.staff_id == staff_id)


async def _held(unit: Unit, actor: Actor, staff_id: UUID, *, stays_owner: bool) -> Row[Any]:
    """The person's row, and those of all owners, locked: two owners cannot send each other away at the same moment.

    Raises:
        Forbidden: the actor may say no more who works here.
        NotFound: nobody of this id here.
        OwnersOnly: the person is an owner, and a key asks.
        LastOwner: the person would be an owner no more, and is the last one.
    """
    statement = (
        select(staff)
        .where(
            staff.c.merchant_id == unit.merchant_id,
            (staff.c.staff_id == staff_id) | (staff.c.role == Role.OWNER.value),
        )
        .order_by(staff.c.staff_id)
        .with_for_update()
    )
    rows = await unit.all(statement)
    await hold_role(unit, actor, STAFF_ROLES, STAFF)
    person = next((row for row in rows if row.staff_id == staff_id), None)
    if person is None:
        raise NotFound(what="staff", key=str(staff_id))
    if person.role == Role.OWNER.value:
        actor.require_owner_acts()
    others = [row for row in rows if _may_lead(row) and row.staff_id != staff_id]
    if not stays_owner and _may_lead(person) and not others:
        raise LastOwner(name=person.name)
    return person


def _may_lead(row: Row[Any]) -> bool:
    return row.role == Role.OWNER.value and row.disabled_at is None
