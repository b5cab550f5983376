"""Reads of the books: balances, the journal page by page, statements, and what one order brought."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, and_, func, select

from hutong.core.money import Money
from hutong.db.unit import Unit
from hutong.ledger.joins import ON_ACCOUNT, ON_BATCH
from hutong.ledger.models import (
    account_balance,
    ledger_account,
    ledger_batch,
    ledger_hold_leg,
    party,
    posting,
    statement,
)
from hutong.ledger.states import Phase

PAGE_ROWS_MAX: Final = 200
ACCOUNTS_MAX: Final = 1000
PARTIES_MAX: Final = 1000
STATEMENTS_MAX: Final = 100
#: Legs of a page of batches: PAGE_ROWS_MAX batches of the largest size.
LEGS_MAX: Final = PAGE_ROWS_MAX * 200


class BalanceRow(msgspec.Struct, frozen=True, kw_only=True):
    """An account and its balance; debit positive."""

    path: str
    kind: str
    balance: Money


class LegRow(msgspec.Struct, frozen=True, kw_only=True):
    """One posting; debit positive."""

    path: str
    amount: Money


class BatchRow(msgspec.Struct, frozen=True, kw_only=True):
    """A batch with its postings."""

    batch_id: UUID
    sequence: int
    kind: str
    subject_kind: str
    subject_id: UUID
    event_at: datetime
    legs: tuple[LegRow, ...]
    #: ``posted``, or the part it plays in a reserve (``states.Phase``); the legs of a ``held`` one do not count.
    phase: str = Phase.POSTED


class BatchSlice(msgspec.Struct, frozen=True, kw_only=True):
    """A page of batches and how many there are in all."""

    rows: tuple[BatchRow, ...]
    total: int


class StatementRow(msgspec.Struct, frozen=True, kw_only=True):
    """A drawn statement with its party's name."""

    statement_id: UUID
    party_name: str
    period_start_at: datetime
    period_end_at: datetime
    earned: Money
    reversed: Money
    net: Money


async def balances(unit: Unit) -> tuple[BalanceRow, ...]:
    """Every account with its balance, by path."""
    statement_ = (
        select(ledger_account, account_balance.c.balance_minor)
        .join(
            account_balance,
            and_(
                account_balance.c.merchant_id == ledger_account.c.merchant_id,
                account_balance.c.account_id == ledger_account.c.account_id,
            ),
        )
        .where(ledger_account.c.merchant_id == unit.merchant_id)
        .order_by(ledger_account.c.path, ledger_account.c.currency)
        .limit(ACCOUNTS_MAX)
    )
    return tuple(
        BalanceRow(path=row.path, kind=row.kind, balance=Money(row.balance_minor, row.currency))
        for row in await unit.all(statement_)
    )


async def book_sums(unit: Unit) -> tuple[Money, ...]:
    """The sum of all balances in each currency; sound books show zeros."""
    statement_ = (
        select(ledger_account.c.currency, func.sum(account_balance.c.balance_minor).label("sum_minor"))
        .join(
            account_balance,
            and_(
                account_balance.c.merchant_id == ledger_account.c.merchant_id,
                account_balance.c.account_id == ledger_account.c.account_id,
            ),
        )
        .where(ledger_account.c.merchant_id == unit.merchant_id)
        .group_by(ledger_account.c.currency)
        .order_by(ledger_account.c.currency)
    )
    return tuple(Money(int(row.sum_minor), row.currency) for row in await unit.all(statement_))


async def batches_page(unit: Unit, *, limit: int, offset: int) -> BatchSlice:
    """The journal, the latest batch first."""
    mine = ledger_batch.c.merchant_id == unit.merchant_id
    total = await unit.scalar(select(func.count()).select_from(ledger_batch).where(mine))
    page = select(ledger_batch).where(mine).order_by(ledger_batch.c.sequence.desc())
    rows = await unit.all(page.limit(min(limit, PAGE_ROWS_MAX)).offset(offset))
    legs = await _legs(unit, [row.batch_id for row in rows])
    legs |= await _held_legs(unit, [row.batch_id for row in rows if row.phase == Phase.HELD])
    return BatchSlice(
        rows=tuple(
            BatchRow(
                batch_id=row.batch_id,
                sequence=row.sequence,
                kind=row.kind,
                subject_kind=row.subject_kind,
                subject_id=row.subject_id,
                event_at=row.event_at,
                legs=legs.get(row.batch_id, ()),
                phase=row.phase,
            )
            for row in rows
        ),
        total=int(total or 0),
    )


async def order_effects(unit: Unit, order_id: UUID) -> tuple[LegRow, ...]:
    """What the batches about one order add up to on each account."""
    summed = func.sum(posting.c.amount_minor).label("sum_minor")
    statement_ = (
        select(ledger_account.c.path, posting.c.currency, summed)
        .select_from(posting.join(ledger_batch, ON_BATCH).join(ledger_account, ON_ACCOUNT))
        .where(
            ledger_batch.c.merchant_id == unit.merchant_id,
            ledger_batch.c.subject_kind == "order",
            ledger_batch.c.subject_id == order_id,
        )
        .group_by(ledger_account.c.path, posting.c.currency)
        .order_by(ledger_account.c.path)
        .limit(ACCOUNTS_MAX)
    )
    return tuple(
        LegRow(path=row.path, amount=Money(int(row.sum_minor), row.currency)) for row in await unit.all(statement_)
    )


async def statements(unit: Unit) -> tuple[StatementRow, ...]:
    """The latest statements."""
    statement_ = (
        select(statement, party.c.name)
        .join(party, and_(party.c.merchant_id == statement.c.merchant_id, party.c.party_id == statement.c.party_id))
        .where(statement.c.merchant_id == unit.merchant_id)
        .order_by(statement.c.period_end_at.desc(), party.c.name)
        .limit(STATEMENTS_MAX)
    )
    return tuple(_statement(row) for row in await unit.all(statement_))


async def party_names(unit: Unit) -> dict[UUID, str]:
    """Names of the parties by id."""
    rows = await unit.all(select(party).where(party.c.merchant_id == unit.merchant_id).limit(PARTIES_MAX))
    return {row.party_id: row.name for row in rows}


def _statement(row: Row[Any]) -> StatementRow:
    return StatementRow(
        statement_id=row.statement_id,
        party_name=row.name,
        period_start_at=row.period_start_at,
        period_end_at=row.period_end_at,
        earned=Money(row.earned_minor, row.currency),
        reversed=Money(row.reversed_minor, row.currency),
        net=Money(row.net_minor, row.currency),
    )


async def _legs(unit: Unit, batch_ids: list[UUID]) -> dict[UUID, tuple[LegRow, ...]]:
    if not batch_ids:
        return {}
    statement_ = (
        select(posting, ledger_account.c.path)
        .select_from(posting.join(ledger_account, ON_ACCOUNT))
        .where(posting.c.merchant_id == unit.merchant_id, posting.c.batch_id.in_(batch_ids))
        .order_by(posting.c.batch_id, posting.c.leg_no)
        .limit(LEGS_MAX)
    )
    return _by_batch([(row.batch_id, row) for row in await unit.all(statement_)])


async def _held_legs(unit: Unit, hold_ids: list[UUID]) -> dict[UUID, tuple[LegRow, ...]]:
    if not hold_ids:
        return {}
    on_account = and_(
        ledger_account.c.merchant_id == ledger_hold_leg.c.merchant_id,
        ledger_account.c.account_id == ledger_hold_leg.c.account_id,
    )
    statement_ = (
        select(ledger_hold_leg, ledger_account.c.path)
        .select_from(ledger_hold_leg.join(ledger_account, on_account))
        .where(ledger_hold_leg.c.merchant_id == unit.merchant_id, ledger_hold_leg.c.hold_id.in_(hold_ids))
        .order_by(ledger_hold_leg.c.hold_id, ledger_hold_leg.c.leg_no)
        .limit(LEGS_MAX)
    )
    return _by_batch([(row.hold_id, row) for row in await unit.all(statement_)])


def _by_batch(rows: list[tuple[UUID, Row[Any]]]) -> dict[UUID, tuple[LegRow, ...]]:
    found: dict[UUID, tuple[LegRow, ...]] = {}
    for batch_id, row in rows:
        leg = LegRow(path=row.path, amount=Money(row.amount_minor, row.currency))
        found[batch_id] = (*found.get(batch_id, ()), leg)
    return found
