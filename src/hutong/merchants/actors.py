"""Who asks for something that a role protects, and what he may do; what he did is written down for ever."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import select

from hutong.core.errors import Forbidden
from hutong.db.unit import Unit
from hutong.merchants.keys import ApiKey
from hutong.merchants.models import audit
from hutong.merchants.staff import CONNECTION_ROLES, GUARD_ROLES, PAYOUT_ROLES, REFUND_ROLES, STAFF_ROLES, Session

REFUNDS: Final = "refunds:write"
PAYOUTS: Final = "payouts:write"
BOOKS: Final = "ledger:write"
STAFF: Final = "staff:write"
CONNECTIONS: Final = "connections:write"


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """A member of staff, a program with a key, or whoever holds the home."""

    name: str  # staff:ID, key:ID or home
    may_refund: bool
    may_pay_out: bool = False
    may_guard: bool = False
    may_staff: bool = False
    may_connect: bool = False

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

    def require_connections(self) -> None:
        """Stop whoever may not enter or change platform accounts.

        Raises:
            Forbidden: neither the role nor the key allows it.
        """
        if not self.may_connect:
            raise Forbidden(scope=CONNECTIONS)


#: Whoever runs commands in the home: nobody can be locked out who holds the machine.
HOME: Final = Actor(name="home", may_refund=False, may_staff=True)


def staff_actor(session: Session) -> Actor:
    """A signed-in member of staff."""
    return Actor(
        name=f"staff:{session.staff_id}",
        may_refund=session.role in REFUND_ROLES,
        may_pay_out=session.role in PAYOUT_ROLES,
        may_guard=session.role in GUARD_ROLES,
        may_staff=session.role in STAFF_ROLES,
        may_connect=session.role in CONNECTION_ROLES,
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
