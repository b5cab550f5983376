"""How wallet accounts fare: one that keeps failing stands back for a while, so that the next one takes the payment."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import case, delete, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from hutong.db.fixed import Fixed, mine
from hutong.db.unit import Unit
from hutong.payments.models import wallet_health

#: So many failures in a row, none older than the window before the next, and the account stands back.
FAILURES_MAX: Final = 3
FAILURES_WINDOW: Final = timedelta(minutes=5)
#: After this long it is tried again; one more failure, and it stands back again.
RECOVERY: Final = timedelta(minutes=5)
ACCOUNTS_MAX: Final = 500

_HEALTHS: Final = Fixed(select(wallet_health).where(mine(wallet_health.c.merchant_id)).limit(ACCOUNTS_MAX))


class WalletHealth(msgspec.Struct, frozen=True, kw_only=True):
    """Failures of one account since its last success."""

    connection_id: UUID
    failures_count: int
    last_word: str
    failed_at: datetime
    down_until_at: datetime | None

    def is_down(self, now: datetime) -> bool:
        """Whether the account stands back at this moment."""
        return self.down_until_at is not None and self.down_until_at > now


async def healths(unit: Unit) -> dict[UUID, WalletHealth]:
    """Accounts with failures since their last success; the others are well."""
    rows = await unit.ask(_HEALTHS)
    return {
        row.connection_id: WalletHealth(
            connection_id=row.connection_id,
            failures_count=row.failures_count,
            last_word=row.last_word,
            failed_at=row.failed_at,
            down_until_at=row.down_until_at,
        )
        for row in rows
    }


async def record_failure(unit: Unit, connection_id: UUID, word: str, *, at_once: bool) -> bool:
    """The account failed for its own reasons; True when it stands back from now on.

    ``at_once``: a reason that does not pass by itself (no permission, a wrong key).
    """
    now = unit.now()
    fresh = upsert(wallet_health).values(
        merchant_id=unit.merchant_id, connection_id=connection_id, failures_count=1, last_word=word, failed_at=now
    )
    lately = wallet_health.c.failed_at > now - FAILURES_WINDOW
    statement = fresh.on_conflict_do_update(
        index_elements=["merchant_id", "connection_id"],
        set_={
            "failures_count": case((lately, wallet_health.c.failures_count + 1), else_=1),
            "last_word": word,
            "failed_at": now,
        },
    ).returning(wallet_health.c.failures_count, wallet_health.c.down_until_at)
    row = await unit.one(statement)
    assert row is not None, "an upsert returns its row"
    is_down = row.down_until_at is not None and row.down_until_at > now
    was_down = row.down_until_at is not None
    if is_down or not (at_once or was_down or row.failures_count >= FAILURES_MAX):
        return False
    await unit.run(
        update(wallet_health)
        .where(wallet_health.c.merchant_id == unit.merchant_id, wallet_health.c.connection_id == connection_id)
        .values(down_until_at=now + RECOVERY)
    )
    return True


async def record_success(unit: Unit, connection_id: UUID) -> None:
    """The account works."""
    await unit.run(
        delete(wallet_health).where(
            wallet_health.c.merchant_id == unit.merchant_id, wallet_health.c.connection_id == connection_id
        )
    )
