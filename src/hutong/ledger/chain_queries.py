"""The chain as an outsider needs it to hash it anew: every batch with all that its hash covers, and the sealed days."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, and_, func, select

from hutong.core.errors import NotFound
from hutong.db.unit import Unit
from hutong.ledger.batches import moment_text
from hutong.ledger.models import ledger_account, ledger_batch, ledger_day, ledger_hold, ledger_hold_leg, posting
from hutong.ledger.roots import SealedDay, sealed_day

CHAIN_ROWS_MAX: Final = 200


class ChainLeg(msgspec.Struct, frozen=True):
    """One leg as it was hashed: debit positive, in minor units."""

    account: str
    amount_minor: int
    currency: str


class ChainBatch(msgspec.Struct, frozen=True, kw_only=True):
    """A batch of the chain. Times are the very texts that were hashed (UTC, microseconds), hashes are hexadecimal.

    ``phase``: ``posted``; or ``held`` (a reserve, its legs do not count), ``settled``, ``voided`` or ``expired`` (the
    end of the reserve ``resolves_id``).
    """

    sequence: int
    batch_id: UUID
    key: str
    phase: str
    resolves_id: UUID | None
    kind: str
    subject_kind: str
    subject_id: UUID
    legs: tuple[ChainLeg, ...]
    event_at: str
    recorded_at: str
    expires_at: str | None
    payload_hash: str
    prev_hash: str
    hash: str


class DaySlice(msgspec.Struct, frozen=True, kw_only=True):
    """A page of sealed days and how many there are in all."""

    rows: tuple[SealedDay, ...]
    total: int


async def hash_at(unit: Unit, sequence: int) -> bytes | None:
    """The chain's hash after its batch of that number; None where there is none."""
    found: bytes | None = await unit.scalar(
        select(ledger_batch.c.hash).where(
            ledger_batch.c.merchant_id == unit.merchant_id, ledger_batch.c.sequence == sequence
        )
    )
    return found


async def chain_after(unit: Unit, sequence: int, *, limit: int) -> tuple[ChainBatch, ...]:
    """Batches behind a place in the chain, in its order."""
    return await _read(unit, ledger_batch.c.sequence > sequence, min(limit, CHAIN_ROWS_MAX))


async def chain_batch(unit: Unit, batch_id: UUID) -> ChainBatch:
    """One batch.

    Raises:
        NotFound: no such batch of this merchant.
    """
    found = await _read(unit, ledger_batch.c.batch_id == batch_id, 1)
    if not found:
        raise NotFound(what="batch", key=str(batch_id))
    return found[0]


async def day_over(unit: Unit, sequence: int) -> SealedDay | None:
    """The first sealed day whose root covers a batch; None while its day is not sealed."""
    row = await unit.one(
        select(ledger_day)
        .where(ledger_day.c.merchant_id == unit.merchant_id, ledger_day.c.last_sequence >= sequence)
        .order_by(ledger_day.c.day)
        .limit(1)
    )
    return None if row is None else sealed_day(row)


async def sealed_days(unit: Unit, *, limit: int, offset: int) -> DaySlice:
    """Sealed days, the latest first."""
    mine = ledger_day.c.merchant_id == unit.merchant_id
    total = await unit.scalar(select(func.count()).select_from(ledger_day).where(mine))
    page = select(ledger_day).where(mine).order_by(ledger_day.c.day.desc())
    rows = await unit.all(page.limit(min(limit, CHAIN_ROWS_MAX)).offset(offset))
    return DaySlice(rows=tuple(sealed_day(row) for row in rows), total=int(total or 0))


async def _read(unit: Unit, wanted: Any, limit: int) -> tuple[ChainBatch, ...]:  # noqa: ANN401 (an SQL condition)
    on_hold = and_(
        ledger_hold.c.merchant_id == ledger_batch.c.merchant_id, ledger_hold.c.hold_id == ledger_batch.c.batch_id
    )
    rows = await unit.all(
        select(ledger_batch, ledger_hold.c.expires_at)
        .join(ledger_hold, on_hold, isouter=True)
        .where(ledger_batch.c.merchant_id == unit.merchant_id, wanted)
        .order_by(ledger_batch.c.sequence)
        .limit(limit)
    )
    legs = await _legs(unit, posting, posting.c.batch_id, [row.batch_id for row in rows])
    held = [row.batch_id for row in rows if row.phase == "held"]
    legs |= await _legs(unit, ledger_hold_leg, ledger_hold_leg.c.hold_id, held)
    return tuple(_batch(row, tuple(legs.get(row.batch_id, ()))) for row in rows)


async def _legs(unit: Unit, table: Any, batch_id: Any, ids: list[UUID]) -> dict[UUID, list[ChainLeg]]:  # noqa: ANN401 (columns)
    found: dict[UUID, list[ChainLeg]] = {}
    if not ids:
        return found
    on_account = and_(
        ledger_account.c.merchant_id == table.c.merchant_id, ledger_account.c.account_id == table.c.account_id
    )
    statement = (
        select(batch_id.label("of_batch"), ledger_account.c.path, table.c.amount_minor, table.c.currency)
        .select_from(table.join(ledger_account, on_account))
        .where(table.c.merchant_id == unit.merchant_id, batch_id.in_(ids))
        .order_by(batch_id, table.c.leg_no)
    )
    for row in await unit.all(statement):
        found.setdefault(row.of_batch, []).append(ChainLeg(row.path, row.amount_minor, row.currency))
    return found


def _batch(row: Row[Any], legs: tuple[ChainLeg, ...]) -> ChainBatch:
    return ChainBatch(
        sequence=row.sequence,
        batch_id=row.batch_id,
        key=row.idempotency_key,
        phase=row.phase,
        resolves_id=row.resolves_id,
        kind=row.kind,
        subject_kind=row.subject_kind,
        subject_id=row.subject_id,
        legs=legs,
        event_at=moment_text(row.event_at),
        recorded_at=moment_text(row.recorded_at),
        expires_at=None if row.expires_at is None else moment_text(row.expires_at),
        payload_hash=row.payload_hash.hex(),
        prev_hash=row.prev_hash.hex(),
        hash=row.hash.hex(),
    )
