"""Balances of any past moment: by when things happened, and by what the books knew."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func, select, text

from hutong.core.money import Money
from hutong.db.unit import Unit
from hutong.ledger.models import account_snapshot, ledger_account, ledger_mark
from hutong.ledger.snapshots import last_mark

#: Whole days, then whole hours, then the batches of the hour, then what came after the last mark. Batches are chosen by
#: one of time and sequence, then sieved by the other, then come their postings; `OFFSET 0` keeps the planner to it, who
#: would else walk along all of the past or along a hot account.
_BY_EVENT: Final = text(
    "SELECT coalesce((SELECT sum(f.moved_minor) FROM account_flow f WHERE f.merchant_id = :m "
    "AND f.account_id = :account AND f.span = 'day' AND f.start_at < :day), 0) "
    "+ coalesce((SELECT sum(f.moved_minor) FROM account_flow f WHERE f.merchant_id = :m "
    "AND f.account_id = :account AND f.span = 'hour' AND f.start_at >= :day AND f.start_at < :hour), 0) "
    "+ coalesce((SELECT sum(leg.minor) FROM (SELECT b.batch_id, b.sequence FROM ledger_batch b "
    "WHERE b.merchant_id = :m AND b.event_at >= :hour AND b.event_at <= :at OFFSET 0) chosen "
    "CROSS JOIN LATERAL (SELECT sum(p.amount_minor) minor FROM posting p WHERE p.merchant_id = :m "
    "AND p.batch_id = chosen.batch_id AND p.account_id = :account) leg WHERE chosen.sequence <= :mark), 0) "
    "+ coalesce((SELECT sum(leg.minor) FROM (SELECT b.batch_id, b.event_at FROM ledger_batch b "
    "WHERE b.merchant_id = :m AND b.sequence > :mark OFFSET 0) chosen "
    "CROSS JOIN LATERAL (SELECT sum(p.amount_minor) minor FROM posting p WHERE p.merchant_id = :m "
    "AND p.batch_id = chosen.batch_id AND p.account_id = :account) leg WHERE chosen.event_at <= :at), 0)"
)
_TAIL: Final = text(
    "SELECT sum(leg.minor) FROM (SELECT b.batch_id FROM ledger_batch b WHERE b.merchant_id = :m "
    "AND b.sequence > :mark AND b.sequence <= :next AND b.recorded_at <= :at OFFSET 0) chosen "
    "CROSS JOIN LATERAL (SELECT sum(p.amount_minor) minor FROM posting p WHERE p.merchant_id = :m "
    "AND p.batch_id = chosen.batch_id AND p.account_id = :account) leg"
)
#: Beyond any sequence: there is no later mark.
SEQUENCE_MAX: Final = 2**63 - 1


async def balance_at(unit: Unit, path: str, currency: str, at: datetime) -> Money:
    """An account's balance by everything that had happened up to and including ``at``, also if it was told later.

    Debit positive. An account that does not exist has a balance of zero.
    """
    account_id = await _account(unit, path, currency)
    if account_id is None:
        return Money(0, currency)
    hour = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    moments = {"day": hour.replace(hour=0), "hour": hour, "at": at}
    found = await unit.scalar(
        _BY_EVENT, {"m": unit.merchant_id, "account": account_id, "mark": await last_mark(unit), **moments}
    )
    return Money(int(found or 0), currency)


async def balance_known_at(unit: Unit, path: str, currency: str, at: datetime) -> Money:
    """An account's balance as the books showed it at ``at``: what was recorded up to and including that moment.

    Debit positive. An account that does not exist has a balance of zero.
    """
    account_id = await _account(unit, path, currency)
    if account_id is None:
        return Money(0, currency)
    mine = ledger_mark.c.merchant_id == unit.merchant_id
    known = select(func.max(ledger_mark.c.sequence)).where(mine, ledger_mark.c.recorded_at <= at)
    mark = int(await unit.scalar(known) or 0)
    following = select(func.min(ledger_mark.c.sequence)).where(mine, ledger_mark.c.sequence > mark)
    values = {"m": unit.merchant_id, "account": account_id, "at": at, "mark": mark}
    tail = await unit.scalar(_TAIL, {**values, "next": await unit.scalar(following) or SEQUENCE_MAX})
    snapshot = await unit.scalar(
        select(account_snapshot.c.balance_minor)
        .where(account_snapshot.c.merchant_id == unit.merchant_id, account_snapshot.c.account_id == account_id)
        .where(account_snapshot.c.sequence <= mark)
        .order_by(account_snapshot.c.sequence.desc())
        .limit(1)
    )
    return Money(int(snapshot or 0) + int(tail or 0), currency)


async def _account(unit: Unit, path: str, currency: str) -> UUID | None:
    found: UUID | None = await unit.scalar(
        select(ledger_account.c.account_id).where(
            ledger_account.c.merchant_id == unit.merchant_id,
            ledger_account.c.path == path,
            ledger_account.c.currency == currency,
        )
    )
    return found
