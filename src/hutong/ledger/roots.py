"""The seal of a day: a root over the last root and the chain as it stood when the day ended in the merchant's zone.

Whoever keeps a root from a statement can have the whole past checked against it: it never changes.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Row, func, select, update

from hutong.crypto.digests import sha256
from hutong.db.unit import Unit
from hutong.ledger.batches import CHAIN_START
from hutong.ledger.events import DaySealed
from hutong.ledger.models import ledger_batch, ledger_chain, ledger_day
from hutong.ledger.posting import lock_chain

#: Days sealed by one transaction; a merchant who comes back after years takes several.
DAYS_PER_RUN_MAX: Final = 400
#: A search by halves over 2^63 batches takes no more steps.
STEPS_MAX: Final = 64
#: The root before the first day.
ROOT_START: Final = bytes(32)


class SealedDay(msgspec.Struct, frozen=True, kw_only=True):
    """A sealed day: the last batch that was recorded in it, the chain's hash there, and the root."""

    day: date
    zone: str
    ends_at: datetime
    last_sequence: int
    chain_hash: bytes
    root: bytes


def root_after(before: bytes, day: date, zone: str, last_sequence: int, chain_hash: bytes) -> bytes:
    """The root of a day over that of the day before: SHA-256 of canonical JSON."""
    return sha256(msgspec.json.encode([before.hex(), day.isoformat(), zone, last_sequence, chain_hash.hex()]))


def end_of(day: date, zone: ZoneInfo) -> datetime:
    """The first moment after a day in a zone, in UTC."""
    return datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)


async def root_of(unit: Unit, day: date) -> SealedDay | None:
    """The seal of a day; None when it is not over, its seal is not made yet, or the books begin later."""
    row = await unit.one(
        select(ledger_day).where(ledger_day.c.merchant_id == unit.merchant_id, ledger_day.c.day == day)
    )
    return None if row is None else sealed_day(row)


async def last_sealed(unit: Unit) -> SealedDay | None:
    """The latest seal."""
    row = await unit.one(
        select(ledger_day)
        .where(ledger_day.c.merchant_id == unit.merchant_id)
        .order_by(ledger_day.c.day.desc())
        .limit(1)
    )
    return None if row is None else sealed_day(row)


async def seal_days(unit: Unit, zone: ZoneInfo) -> datetime:
    """Seal every day that is over by now and has no seal; tells when the next one will be over."""
    await lock_chain(unit)
    now = unit.now()
    today = now.astimezone(zone).date()
    last = await last_sealed(unit)
    day = await _first_day(unit, zone) if last is None else last.day + timedelta(days=1)
    for _ in range(DAYS_PER_RUN_MAX):
        if day is None or day >= today:
            break
        last = await _seal(unit, day, zone, last)
        day += timedelta(days=1)
    else:
        return now  # there are more
    return end_of(today, zone)


async def _seal(unit: Unit, day: date, zone: ZoneInfo, last: SealedDay | None) -> SealedDay:
    ends_at = end_of(day, zone)
    low = 0 if last is None else last.last_sequence
    sequence = await _last_before(unit, ends_at, low)
    chain_hash = CHAIN_START
    if sequence:
        chain_hash = await unit.scalar(
            select(ledger_batch.c.hash).where(
                ledger_batch.c.merchant_id == unit.merchant_id, ledger_batch.c.sequence == sequence
            )
        )
    before = ROOT_START if last is None else last.root
    sealed = SealedDay(
        day=day,
        zone=zone.key,
        ends_at=ends_at,
        last_sequence=sequence,
        chain_hash=chain_hash,
        root=root_after(before, day, zone.key, sequence, chain_hash),
    )
    await unit.insert(ledger_day, **msgspec.structs.asdict(sealed), sealed_at=unit.now())
    # A transaction that looked at the clock before midnight and writes after the seal is recorded after midnight.
    await unit.run(
        update(ledger_chain)
        .where(ledger_chain.c.merchant_id == unit.merchant_id, ledger_chain.c.recorded_at < ends_at)
        .values(recorded_at=ends_at)
    )
    unit.emit(DaySealed(day=day, last_sequence=sequence, root=sealed.root.hex()))
    return sealed


async def _first_day(unit: Unit, zone: ZoneInfo) -> date | None:
    """The day of the first batch; None when there is none."""
    moment: datetime | None = await unit.scalar(
        select(ledger_batch.c.recorded_at).where(
            ledger_batch.c.merchant_id == unit.merchant_id, ledger_batch.c.sequence == 1
        )
    )
    return None if moment is None else moment.astimezone(zone).date()


async def _last_before(unit: Unit, moment: datetime, low: int) -> int:
    """The last batch that was recorded before a moment, not before ``low``: by halves, for the times only grow."""
    mine = ledger_batch.c.merchant_id == unit.merchant_id
    high = int(await unit.scalar(select(func.max(ledger_batch.c.sequence)).where(mine)) or 0)
    for _ in range(STEPS_MAX):
        if low >= high:
            break
        middle = (low + high + 1) // 2
        recorded_at = await unit.scalar(
            select(ledger_batch.c.recorded_at).where(mine, ledger_batch.c.sequence == middle)
        )
        if recorded_at < moment:
            low = middle
        else:
            high = middle - 1
    return low


def sealed_day(row: Row[Any]) -> SealedDay:
    """A row of `ledger_day`."""
    return SealedDay(
        day=row.day,
        zone=row.zone,
        ends_at=row.ends_at,
        last_sequence=row.last_sequence,
        chain_hash=row.chain_hash,
        root=row.root,
    )
