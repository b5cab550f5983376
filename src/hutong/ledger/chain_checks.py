"""The chain, link by link: content, order, times, and the seals of days over it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Table, and_, func, select, true

from hutong.db.checks import Breach
from hutong.db.unit import Unit
from hutong.ledger.batches import CHAIN_START, LEGS_MAX, Link, form_of, payload_hash
from hutong.ledger.models import (
    ledger_account,
    ledger_batch,
    ledger_chain,
    ledger_day,
    ledger_hold,
    ledger_hold_leg,
    posting,
)
from hutong.ledger.roots import ROOT_START, root_after

#: Batches of the chain that are in memory at once.
CHAIN_PAGE_ROWS: Final = 2_000
#: Sealed days that are examined: a century.
DAYS_MAX: Final = 36_600

Legs = list[tuple[str, int, str]]


async def chain_holds(unit: Unit) -> list[Breach]:
    """Every batch follows the one before it, and its content is what was hashed. The first break is reported."""
    prev_hash, count, recorded_at = CHAIN_START, 0, None
    async for row, legs in _chain(unit):
        count += 1
        link = Link(
            sequence=row.sequence,
            batch_id=row.batch_id,
            idempotency_key=row.idempotency_key,
            payload_hash=row.payload_hash,
            event_at=row.event_at,
            recorded_at=row.recorded_at,
            expires_at=row.expires_at,
        )
        form = form_of(row.phase, row.resolves_id)
        if row.sequence != count:
            return [Breach("ledger.chain_holds", str(row.batch_id), f"number {count} is missing")]
        if payload_hash(row.kind, row.subject_kind, row.subject_id, legs, *form) != row.payload_hash:
            return [Breach("ledger.chain_holds", str(row.batch_id), "the content is not what was posted")]
        if row.prev_hash != prev_hash or link.after(prev_hash) != row.hash:
            return [Breach("ledger.chain_holds", str(row.batch_id), "the link is broken")]
        if recorded_at is not None and row.recorded_at < recorded_at:
            return [Breach("ledger.chain_holds", str(row.batch_id), "it was recorded before the one before it")]
        prev_hash, recorded_at = row.hash, row.recorded_at
    end = await unit.one(select(ledger_chain).where(ledger_chain.c.merchant_id == unit.merchant_id))
    kept = (0, CHAIN_START) if end is None else (end.batches_count, end.hash)
    if kept != (count, prev_hash):
        return [
            Breach("ledger.chain_holds", str(unit.merchant_id), f"the end says {kept[0]} batches, there are {count}")
        ]
    return []


async def days_hold(unit: Unit) -> list[Breach]:
    """Each sealed day follows the one before it; its root is over the chain as it is. The first break is reported."""
    days = await unit.all(
        select(ledger_day)
        .where(ledger_day.c.merchant_id == unit.merchant_id)
        .order_by(ledger_day.c.day)
        .limit(DAYS_MAX)
    )
    before: Row[Any] | None = None
    for row in days:
        problem = await _day_problem(unit, row, before)
        if problem:
            return [Breach("ledger.day_holds", row.day.isoformat(), problem)]
        before = row
    return []


async def _day_problem(unit: Unit, row: Row[Any], before: Row[Any] | None) -> str | None:
    if before is not None and ((row.day - before.day).days != 1 or row.ends_at <= before.ends_at):
        return "a day is missing"
    root = ROOT_START if before is None else before.root
    if root_after(root, row.day, row.zone, row.last_sequence, row.chain_hash) != row.root:
        return "the root is not that of the day"
    mine = ledger_batch.c.merchant_id == unit.merchant_id
    chain_hash = CHAIN_START
    if row.last_sequence:
        chain_hash = await unit.scalar(
            select(ledger_batch.c.hash).where(mine, ledger_batch.c.sequence == row.last_sequence)
        )
    if chain_hash != row.chain_hash:
        return "the chain has another hash there"
    after = before.last_sequence if before is not None else 0
    inside = select(func.count()).where(
        mine,
        ledger_batch.c.sequence.between(after + 1, row.last_sequence),
        ledger_batch.c.recorded_at >= row.ends_at,
    )
    following = select(ledger_batch.c.recorded_at).where(mine, ledger_batch.c.sequence == row.last_sequence + 1)
    next_at = await unit.scalar(following)
    if await unit.scalar(inside) or (next_at is not None and next_at < row.ends_at):
        return "it does not end where the day ends"
    return None


async def _chain(unit: Unit) -> AsyncIterator[tuple[Row[Any], Legs]]:
    """All batches in chain order with their legs, a page at a time."""
    after: int | None = None
    on_hold = and_(
        ledger_hold.c.merchant_id == ledger_batch.c.merchant_id, ledger_hold.c.hold_id == ledger_batch.c.batch_id
    )
    while True:  # ends at the first page that is not full
        beyond = true() if after is None else ledger_batch.c.sequence > after
        rows = await unit.all(
            select(ledger_batch, ledger_hold.c.expires_at)
            .join(ledger_hold, on_hold, isouter=True)
            .where(ledger_batch.c.merchant_id == unit.merchant_id, beyond)
            .order_by(ledger_batch.c.sequence)
            .limit(CHAIN_PAGE_ROWS)
        )
        legs = await _legs(unit, rows, posting, posting.c.batch_id)
        if any(row.phase == "held" for row in rows):
            legs |= await _legs(unit, rows, ledger_hold_leg, ledger_hold_leg.c.hold_id)
        for row in rows:
            yield row, legs.get(row.batch_id, [])
        if len(rows) < CHAIN_PAGE_ROWS:
            return
        after = rows[-1].sequence


async def _legs(
    unit: Unit, batches: Sequence[Row[Any]], table: Table, batch_id: ColumnElement[UUID]
) -> dict[UUID, Legs]:
    """Legs of a page of batches as they were hashed, posted or reserved."""
    found: dict[UUID, Legs] = {}
    if not batches:
        return found
    of_batch = and_(ledger_batch.c.merchant_id == table.c.merchant_id, ledger_batch.c.batch_id == batch_id)
    of_account = and_(
        ledger_account.c.merchant_id == table.c.merchant_id, ledger_account.c.account_id == table.c.account_id
    )
    statement = (
        select(batch_id.label("batch_id"), ledger_account.c.path, table.c.amount_minor, table.c.currency)
        .select_from(table.join(ledger_batch, of_batch).join(ledger_account, of_account))
        .where(table.c.merchant_id == unit.merchant_id)
        .where(ledger_batch.c.sequence.between(batches[0].sequence, batches[-1].sequence))
        .order_by(batch_id, table.c.leg_no)
        .limit(CHAIN_PAGE_ROWS * LEGS_MAX)
    )
    for row in await unit.all(statement):
        found.setdefault(row.batch_id, []).append((row.path, row.amount_minor, row.currency))
    return found
