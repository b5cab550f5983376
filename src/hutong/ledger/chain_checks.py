"""The chain, link by link: content, order, times, and the seals of days over it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

from sqlalchemy import Row, func, select, text

from hutong.db.checks import Breach
from hutong.db.unit import Unit
from hutong.ledger.batches import CHAIN_START, Link, form_of, payload_hash
from hutong.ledger.models import ledger_batch, ledger_chain, ledger_day
from hutong.ledger.roots import ROOT_START, root_after

#: Legs of the chain that are in memory at once.
CHAIN_PIECE_ROWS: Final = 5_000
#: Sealed days that are examined: a century.
DAYS_MAX: Final = 36_600

Legs = list[tuple[str, int, str]]

_CHAIN: Final = """
    SELECT b.*, h.expires_at, l.path, l.amount_minor, l.currency AS leg_currency
    FROM ledger_batch b
    LEFT JOIN ledger_hold h ON h.merchant_id = b.merchant_id AND h.hold_id = b.batch_id
    LEFT JOIN (
        SELECT p.batch_id, p.leg_no, a.path, p.amount_minor, p.currency, false AS is_held
        FROM posting p JOIN ledger_account a USING (merchant_id, account_id) WHERE p.merchant_id = :m
        UNION ALL
        SELECT r.hold_id, r.leg_no, a.path, r.amount_minor, r.currency, true
        FROM ledger_hold_leg r JOIN ledger_account a USING (merchant_id, account_id) WHERE r.merchant_id = :m
    ) l ON l.batch_id = b.batch_id AND l.is_held = (b.phase = 'held')
    WHERE b.merchant_id = :m
    ORDER BY b.sequence, l.leg_no
"""


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
    """All batches in chain order, each with its legs as they were hashed, posted or reserved."""
    batch: Row[Any] | None = None
    legs: Legs = []
    async for row in _links(unit):
        if batch is not None and row.batch_id != batch.batch_id:
            yield batch, legs
            legs = []
        batch = row
        if row.path is not None:
            legs.append((row.path, row.amount_minor, row.leg_currency))
    if batch is not None:
        yield batch, legs


async def _links(unit: Unit) -> AsyncIterator[Row[Any]]:
    """A row for each leg of each batch, in chain order: one reading of the tables, handed over in pieces.

    Pages of a keyset would join the tables anew for each page, which costs the square of the books.
    """
    await unit.scalar(select(func.set_config("cursor_tuple_fraction", "1", True)))  # all of it will be read
    name = f"chain_{unit.new_id().hex}"  # whoever stops at a break leaves it open until the end of the transaction
    await unit.run(text(f"DECLARE {name} NO SCROLL CURSOR FOR {_CHAIN}"), {"m": unit.merchant_id})
    while rows := await unit.all(text(f"FETCH {CHAIN_PIECE_ROWS} FROM {name}")):  # ends where nothing is left
        for row in rows:
            yield row
    await unit.run(text(f"CLOSE {name}"))
