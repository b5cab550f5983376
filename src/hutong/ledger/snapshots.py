"""Marks in the chain: balances as they stood after every so many batches, and what moved by day and hour.

Behind the last mark everything is added up already; a past balance reads a few rows there and adds at most
``MARK_BATCHES`` batches by itself, however long the books are. Late postings land in the day and hour of their event.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import func, select, text

from hutong.db.unit import Unit
from hutong.ledger import jobs
from hutong.ledger.models import ledger_batch, ledger_chain, ledger_mark

_SNAPSHOT: Final = text(
    "INSERT INTO account_snapshot (merchant_id, account_id, sequence, balance_minor, postings_count) "
    "SELECT :m, moved.account_id, :mark, coalesce(last.balance_minor, 0) + moved.total, "
    "coalesce(last.postings_count, 0) + moved.legs "
    "FROM (SELECT p.account_id, sum(p.amount_minor) total, count(*) legs "
    "FROM ledger_batch b JOIN posting p USING (merchant_id, batch_id) "
    "WHERE b.merchant_id = :m AND b.sequence > :after AND b.sequence <= :mark GROUP BY p.account_id) moved "
    "LEFT JOIN LATERAL (SELECT s.balance_minor, s.postings_count FROM account_snapshot s "
    "WHERE s.merchant_id = :m AND s.account_id = moved.account_id ORDER BY s.sequence DESC LIMIT 1) last ON true"
)
_FLOW: Final = text(
    "INSERT INTO account_flow (merchant_id, account_id, span, start_at, moved_minor, postings_count) "
    "SELECT :m, p.account_id, spans.span, date_trunc(spans.span, b.event_at, 'UTC'), sum(p.amount_minor), count(*) "
    "FROM ledger_batch b JOIN posting p USING (merchant_id, batch_id) "
    "CROSS JOIN (VALUES ('day'), ('hour')) spans (span) "
    "WHERE b.merchant_id = :m AND b.sequence > :after AND b.sequence <= :mark "
    "GROUP BY p.account_id, spans.span, date_trunc(spans.span, b.event_at, 'UTC') "
    "ON CONFLICT (merchant_id, account_id, span, start_at) DO UPDATE SET "
    "moved_minor = account_flow.moved_minor + excluded.moved_minor, "
    "postings_count = account_flow.postings_count + excluded.postings_count"
)


async def last_mark(unit: Unit) -> int:
    """The sequence up to which snapshots go; 0 before the first mark."""
    mine = ledger_mark.c.merchant_id == unit.merchant_id
    return int(await unit.scalar(select(func.max(ledger_mark.c.sequence)).where(mine)) or 0)


async def make_mark(unit: Unit) -> bool:
    """Make the next mark; False when the chain has not grown that far, or somebody else made it.

    No lock: the end of the chain, as committed, names batches that are all committed and never change.
    """
    after = await last_mark(unit)
    mark = after + jobs.MARK_BATCHES
    reached = await unit.scalar(
        select(ledger_chain.c.batches_count).where(ledger_chain.c.merchant_id == unit.merchant_id)
    )
    if reached is None or reached < mark:
        return False
    recorded_at = await unit.scalar(
        select(ledger_batch.c.recorded_at).where(
            ledger_batch.c.merchant_id == unit.merchant_id, ledger_batch.c.sequence == mark
        )
    )
    if not await unit.insert_once(ledger_mark, sequence=mark, recorded_at=recorded_at):
        return False
    values = {"m": unit.merchant_id, "after": after, "mark": mark}
    await unit.run(_SNAPSHOT, values)
    await unit.run(_FLOW, values)
    return True
