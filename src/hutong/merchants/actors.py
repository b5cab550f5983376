"""Who asks for something that a role protects, and what he may do; what he did is written down for ever."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import select

from hutong.core.errors import ErrorText, Forbidden, HutongError
from hutong.db.unit import Unit
from hutong.merchants.keys import ApiKey
from hutong.merchants.models import audit, staff
from hutong.merchants.staff import CONNECTION_ROLES, GUARD_ROLES, PAYOUT_ROLES, REFUND_ROLES, STAFF_ROLES, Role, Session

REFUNDS: Final = "refunds:write"
PAYOUTS: Final = "payouts:write"
BOOKS: Final = "ledger:write"
STAFF: Final = "staff:write"
CONNECTIONS: Final = "connections:write"
_STAFF_NAME: Final = "staff:"


class OwnersOnly(HutongError):
    """A key would make an owner, or change one: whoever holds it would be owner himself."""

    code = "owners_only"
    status = 403
    zh = ErrorText(
        "密钥不能设立店主，也不能改动店主。",
        "店主能管一切；如果密钥可以改店主，拿到密钥的人就等于店主。",
        "请由店主登录后台，在员工页面操作。",
    )
    en = ErrorText(
        "A key can neither make an owner nor change one.",
        "An owner may do everything; a key that could change one would be worth as much.",
        "Let an owner sign in to the console and do it on the staff page.",
    )


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """A member of staff, a program with a key, or whoever holds the home."""

    name: str  # staff:ID, key:ID or home
    may_refund: bool
    may_pay_out: bool = False
    may_guard: bool = False
    may_staff: bool = False
    may_connect: bool = False
    may_crown: bool = False  # make owners and change them

    def require_refunds(self) -> None:
        """Stop whoever may not move money back.

        Raises:
            Forbidden: neither the role nor the key allows it.
        """
        if not self.may_refund:
            raise Forbidden(scope=REFUNDS)

    def require_payouts(self) -> None:
        """Stop whoever may not say that a party was paid.

        Raises:
            Forbidden: neither the role nor the key allows it.
        """
        if not self.may_pay_out:
            raise Forbidden(scope=PAYOUTS)

    def require_guards(self) -> None:
        """Stop whoever may not say which side an account must not leave.

        Raises:
            Forbidden: neither the role nor the key allows it.
        """
        if not self.may_guard:
            raise Forbidden(scope=BOOKS)

    def require_staff(self) -> None:
        """Stop whoever may not say who works here.

        Raises:
            Forbidden: neither the role nor the key allows it.
        """
        if not self.may_staff:
            raise Forbidden(scope=STAFF)

    def require_owner_acts(self) -> None:
        """Stop whoever may neither make an owner nor change one.

        Raises:
            OwnersOnly: a key, whatever its scopes.
        """
        if not self.may_crown:
            raise OwnersOnly

    def require_connections(self) -> None:
        """Stop whoever may not enter or change platform accounts.

        Raises:
            Forbidden: neither the role nor the key allows it.
        """
        if not self.may_connect:
            raise Forbidden(scope=CONNECTIONS)


#: Whoever runs commands in the home: nobody can be locked out who holds the machine.
HOME: Final = Actor(name="home", may_refund=False, may_staff=True, may_crown=True)


def staff_actor(session: Session) -> Actor:
    """A signed-in member of staff."""
    return Actor(
        name=f"{_STAFF_NAME}{session.staff_id}",
        may_refund=session.role in REFUND_ROLES,
        may_pay_out=session.role in PAYOUT_ROLES,
        may_guard=session.role in GUARD_ROLES,
        may_staff=session.role in STAFF_ROLES,
        may_connect=session.role in CONNECTION_ROLES,
        may_crown=session.role in STAFF_ROLES,
    )


def key_actor(key: ApiKey) -> Actor:
    """A caller of the API."""
    return Actor(
        name=f"key:{key.key_id}",
        may_refund=key.allows(REFUNDS),
        may_pay_out=key.allows(PAYOUTS),
        may_guard=key.allows(BOOKS),
        may_staff=key.allows(STAFF),
        may_connect=key.allows(CONNECTIONS),
    )


async def hold_role(unit: Unit, actor: Actor, roles: AbstractSet[Role], scope: str) -> None:
    """A member of staff still has one of the roles, and keeps it until this unit is over: the session was read before
    the request's body came, and they may have been sent away since.

    Raises:
        Forbidden: switched off, or another role now.
    """
    if not actor.name.startswith(_STAFF_NAME):
        return
    role = await unit.scalar(
        select(staff.c.role)
        .where(
            staff.c.merchant_id == unit.merchant_id,
            staff.c.staff_id == UUID(actor.name.removeprefix(_STAFF_NAME)),
            staff.c.disabled_at.is_(None),
        )
        .with_for_update(read=True)
    )
    if role not in roles:
        raise Forbidden(scope=scope)


async def write_down(unit: Unit, actor: Actor, action: str, subject: str) -> None:
    """An audit row: who did what to what."""
    await unit.insert(
        audit, audit_id=unit.new_id(), actor=actor.name, action=action, subject=subject, happened_at=unit.now()
    )


class Deed(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody did: ``actor`` is staff:ID or key:ID."""

    actor: str
    action: str
    happened_at: datetime


async def last_deed(unit: Unit, subject: str) -> Deed | None:
    """The last thing that was written down of something; None where nothing was."""
    row = await unit.one(
        select(audit.c.actor, audit.c.action, audit.c.happened_at)
        .where(audit.c.merchant_id == unit.merchant_id, audit.c.subject == subject)
        .order_by(audit.c.happened_at.desc(), audit.c.audit_id.desc())
        .limit(1)
    )
    return None if row is None else Deed(actor=row.actor, action=row.action, happened_at=row.happened_at)
