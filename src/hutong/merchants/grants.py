"""What a platform lends an account for hours: sealed, kept for all processes, asked for by one of them at a time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from hutong.db.unit import Unit
from hutong.db.vault import Vault
from hutong.merchants.grant_models import page_grant

PURPOSE: Final = "connection.page_grant"
#: Longer than two calls may take with their retries; then whoever asked is taken for dead.
LEASE: Final = timedelta(seconds=30)
PROBLEM_CHARS_MAX: Final = 40


class Lent(msgspec.Struct, frozen=True, kw_only=True):
    """A token and the ticket that was got with it."""

    token: str
    token_ends_at: datetime
    ticket: str
    ticket_ends_at: datetime

    def __repr__(self) -> str:
        return f"Lent(until {self.ticket_ends_at.isoformat()})"


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of an account's grants."""

    lent: Lent | None = None
    retry_at: datetime | None = None
    problem: str | None = None


async def kept_grants(unit: Unit, vault: Vault, connection_id: UUID) -> Kept:
    """What was lent last, ended or not."""
    row = await unit.one(
        select(page_grant).where(
            page_grant.c.merchant_id == unit.merchant_id, page_grant.c.connection_id == connection_id
        )
    )
    if row is None:
        return Kept()
    lent = None
    if row.sealed is not None:
        lent = msgspec.json.decode(await vault.open(unit.merchant_id, PURPOSE, row.sealed), type=Lent)
    return Kept(lent=lent, retry_at=row.retry_at, problem=row.problem)


async def lease(unit: Unit, connection_id: UUID) -> bool:
    """Become the one who asks; False while somebody else does. The lease ends with the answer, or by itself."""
    now = unit.now()
    await unit.run(
        upsert(page_grant)
        .values(merchant_id=unit.merchant_id, connection_id=connection_id)
        .on_conflict_do_nothing(index_elements=("merchant_id", "connection_id"))
    )
    taken = await unit.run(
        update(page_grant)
        .where(
            page_grant.c.merchant_id == unit.merchant_id,
            page_grant.c.connection_id == connection_id,
            or_(page_grant.c.leased_until_at.is_(None), page_grant.c.leased_until_at <= now),
        )
        .values(leased_until_at=now + LEASE)
    )
    return taken.rowcount == 1


async def keep_grants(unit: Unit, vault: Vault, connection_id: UUID, lent: Lent) -> None:
    """Keep what was lent, and give the lease back."""
    sealed = await vault.seal(unit.merchant_id, PURPOSE, msgspec.json.encode(lent))
    await unit.run(
        update(page_grant)
        .where(page_grant.c.merchant_id == unit.merchant_id, page_grant.c.connection_id == connection_id)
        .values(sealed=sealed, ticket_ends_at=lent.ticket_ends_at, leased_until_at=None, retry_at=None, problem=None)
    )


async def give_back(unit: Unit, connection_id: UUID) -> None:
    """Ask nothing after all."""
    await unit.run(
        update(page_grant)
        .where(page_grant.c.merchant_id == unit.merchant_id, page_grant.c.connection_id == connection_id)
        .values(leased_until_at=None)
    )


async def note_failure(unit: Unit, connection_id: UUID, problem: str, retry_at: datetime) -> None:
    """Nothing was lent: nobody asks again before ``retry_at``."""
    await unit.run(
        update(page_grant)
        .where(page_grant.c.merchant_id == unit.merchant_id, page_grant.c.connection_id == connection_id)
        .values(leased_until_at=None, retry_at=retry_at, problem=problem[:PROBLEM_CHARS_MAX])
    )
