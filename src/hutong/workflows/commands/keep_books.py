"""What the books do by themselves, as jobs: marks for past balances, the seal of each day, reserves that run out."""

from __future__ import annotations

from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from hutong.ledger.holds import expire_hold
from hutong.ledger.jobs import SEAL_DAYS, BooksKey, HoldKey
from hutong.ledger.roots import seal_days
from hutong.ledger.snapshots import make_mark
from hutong.merchants.service import get_merchant
from hutong.workflows.runtime import Runtime

#: Marks of one job, each in a transaction of its own; an import of years leaves the rest to the next crossing.
MARKS_PER_JOB_MAX: Final = 500


async def make_marks(runtime: Runtime, merchant_id: UUID, _payload: bytes) -> None:
    """Bring the marks up to the end of the chain."""
    for _ in range(MARKS_PER_JOB_MAX):
        async with runtime.unit(merchant_id, "books.mark") as unit:
            if not await make_mark(unit):
                return


async def seal_ended_days(runtime: Runtime, merchant_id: UUID, _payload: bytes) -> None:
    """Seal what is over in the merchant's zone, and come back when the next day is."""
    async with runtime.unit(merchant_id, "books.seal") as unit:
        zone = ZoneInfo((await get_merchant(unit)).timezone)
        next_at = await seal_days(unit, zone)
        unit.schedule(SEAL_DAYS, BooksKey(), delay=next_at - unit.now(), dedupe_key=SEAL_DAYS)


async def expire_due_hold(runtime: Runtime, merchant_id: UUID, payload: bytes) -> None:
    """End a reserve whose time is over."""
    hold_id = msgspec.json.decode(payload, type=HoldKey).hold_id
    async with runtime.unit(merchant_id, "books.expire") as unit:
        await expire_hold(unit, hold_id)
