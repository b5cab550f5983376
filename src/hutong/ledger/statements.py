"""Settlement statements: what a party earned and gave back in a period, each posting on one statement."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import and_, func, insert, literal, select

from hutong.core.errors import NotFound
from hutong.core.money import Money
from hutong.db.unit import Unit
from hutong.ledger.accounts import party_path
from hutong.ledger.errors import StatementRefused
from hutong.ledger.events import StatementDrawn
from hutong.ledger.joins import ON_ACCOUNT, ON_BATCH, ON_LINE
from hutong.ledger.models import ledger_account, ledger_batch, party, posting, statement, statement_line
from hutong.ledger.posting import lock_chain
from hutong.ledger.sales import REFUND, SALE

#: Batches that make or undo an earning; a payout settles it and is not one.
EARNING_KINDS: Final = (SALE, REFUND)


LINES_PAGE_ROWS_MAX: Final = 500


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """A drawn statement. ``net_minor`` = ``earned_minor`` − ``reversed_minor``."""

    statement_id: UUID
    party_id: UUID
    period_start_at: datetime
    period_end_at: datetime
    currency: str
    earned_minor: int
    reversed_minor: int
    net_minor: int
    lines_count: int
    chain_hash: bytes
    created_at: datetime


class StatementLine(msgspec.Struct, frozen=True, kw_only=True):
    """A posting on a statement: ``earned`` is negative where a refund took it back."""

    batch_id: UUID
    sequence: int
    kind: str
    subject_kind: str
    subject_id: UUID
    event_at: datetime
    earned: Money


async def draw_statement(
    unit: Unit, party_id: UUID, start: datetime, end: datetime, currency: str = "CNY"
) -> Statement:
    """Draw the statement of ``[start, end)``; drawing the same one again gives the same figures.

    A posting that was recorded after the statement of its own period (it came late, or the period had not ended)
    stands on the next one, never on none and never on two.

    Raises:
        NotFound: no such party.
        StatementRefused: the period is empty, has not begun, or overlaps another statement's.
    """
    if start.tzinfo is None or end.tzinfo is None or start >= end:
        raise StatementRefused(problem="start, end")
    if start >= unit.now():  # what was posted so far would stand on it, and never on the paper of its own time
        raise StatementRefused(problem=f"{start} – {end}")
    chain_end = await lock_chain(unit)  # no posting is in flight now, and nobody draws at the same time
    drawn = await _drawn(unit, party_id, start, end, currency)
    if drawn is not None:
        return drawn
    statement_id = unit.new_id()
    await _take_lines(unit, statement_id, party_id, start, end, currency)
    earned, returned, lines = await fold_lines(unit, statement_id)
    result = Statement(
        statement_id=statement_id,
        party_id=party_id,
        period_start_at=start,
        period_end_at=end,
        currency=currency,
        earned_minor=earned,
        reversed_minor=returned,
        net_minor=earned - returned,
        lines_count=lines,
        chain_hash=chain_end.hash,
        created_at=unit.now(),
    )
    await unit.insert(statement, **msgspec.structs.asdict(result))
    unit.emit(
        StatementDrawn(
            statement_id=statement_id,
            party_id=party_id,
            period_start_at=start,
            period_end_at=end,
            currency=currency,
            earned_minor=earned,
            reversed_minor=returned,
            net_minor=earned - returned,
            lines_count=lines,
        )
    )
    return result


async def statement_lines(unit: Unit, statement_id: UUID, *, limit: int, offset: int = 0) -> tuple[StatementLine, ...]:
    """A page of a statement's lines, in the order they were posted."""
    lines = (
        select(ledger_batch, posting.c.amount_minor, posting.c.currency)
        .select_from(statement_line.join(posting, ON_LINE).join(ledger_batch, ON_BATCH))
        .where(statement_line.c.merchant_id == unit.merchant_id, statement_line.c.statement_id == statement_id)
        .order_by(ledger_batch.c.sequence, statement_line.c.leg_no)
        .limit(min(limit, LINES_PAGE_ROWS_MAX))
        .offset(offset)
    )
    return tuple(
        StatementLine(
            batch_id=row.batch_id,
            sequence=row.sequence,
            kind=row.kind,
            subject_kind=row.subject_kind,
            subject_id=row.subject_id,
            event_at=row.event_at,
            earned=Money(-row.amount_minor, row.currency),
        )
        for row in await unit.all(lines)
    )


async def _drawn(unit: Unit, party_id: UUID, start: datetime, end: datetime, currency: str) -> Statement | None:
    """The statement of exactly this period; another one that overlaps it is refused."""
    known = await unit.scalar(
        select(func.count()).where(party.c.merchant_id == unit.merchant_id, party.c.party_id == party_id)
    )
    if not known:
        raise NotFound(what="party", key=str(party_id))
    overlapping = await unit.one(
        select(*statement.c)
        .where(statement.c.merchant_id == unit.merchant_id, statement.c.party_id == party_id)
        .where(statement.c.currency == currency)
        .where(statement.c.period_start_at < end, statement.c.period_end_at > start)
        .order_by(statement.c.period_start_at)
        .limit(1)
    )
    if overlapping is None:
        return None
    if (overlapping.period_start_at, overlapping.period_end_at) != (start, end):
        raise StatementRefused(problem=f"{overlapping.period_start_at} – {overlapping.period_end_at}")
    fields = {field: getattr(overlapping, field) for field in Statement.__struct_fields__}
    return Statement(**fields)


async def _take_lines(
    unit: Unit, statement_id: UUID, party_id: UUID, start: datetime, end: datetime, currency: str
) -> None:
    """Put the party's postings of the period, and late ones of periods that are closed, on this statement."""
    merchant_id = unit.merchant_id
    closed = (
        select(literal(1))
        .where(statement.c.merchant_id == merchant_id, statement.c.party_id == party_id)
        .where(statement.c.currency == currency, statement.c.period_end_at <= start)
        .where(ledger_batch.c.event_at >= statement.c.period_start_at)
        .where(ledger_batch.c.event_at < statement.c.period_end_at)
        .exists()
    )
    taken = (
        select(literal(1))
        .where(statement_line.c.merchant_id == posting.c.merchant_id)
        .where(statement_line.c.batch_id == posting.c.batch_id, statement_line.c.leg_no == posting.c.leg_no)
        .exists()
    )
    chosen = (
        select(
            posting.c.merchant_id,
            literal(statement_id, statement_line.c.statement_id.type),
            posting.c.batch_id,
            posting.c.leg_no,
        )
        .join(ledger_account, ON_ACCOUNT)
        .join(ledger_batch, ON_BATCH)
        .where(posting.c.merchant_id == merchant_id)
        .where(ledger_account.c.path == party_path(party_id), ledger_account.c.currency == currency)
        .where(ledger_batch.c.kind.in_(EARNING_KINDS))
        .where(and_(ledger_batch.c.event_at >= start, ledger_batch.c.event_at < end) | closed)
        .where(~taken)
    )
    await unit.run(insert(statement_line).from_select(["merchant_id", "statement_id", "batch_id", "leg_no"], chosen))


async def fold_lines(unit: Unit, statement_id: UUID) -> tuple[int, int, int]:
    """Earned, given back and number of lines of a statement. What is owed stands on the credit side (negative)."""
    amount = posting.c.amount_minor
    row = await unit.one(
        select(
            func.coalesce(func.sum(-amount).filter(amount < 0), 0).label("earned_minor"),
            func.coalesce(func.sum(amount).filter(amount > 0), 0).label("reversed_minor"),
            func.count().label("lines_count"),
        )
        .select_from(statement_line)
        .join(posting, ON_LINE)
        .where(statement_line.c.merchant_id == unit.merchant_id, statement_line.c.statement_id == statement_id)
    )
    assert row is not None
    return int(row.earned_minor), int(row.reversed_minor), int(row.lines_count)
