"""Reads of the books: balances, the journal page by page, statements, and what one order brought."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, and_, func, literal, select

from hutong.core.errors import NotFound
from hutong.core.money import Money
from hutong.db.unit import Unit
from hutong.ledger.account_queries import ACCOUNTS_MAX, balances
from hutong.ledger.accounts import PARTY_PREFIX
from hutong.ledger.joins import ON_ACCOUNT, ON_BATCH
from hutong.ledger.models import (
    account_balance,
    ledger_account,
    ledger_batch,
    ledger_chain,
    ledger_hold_leg,
    party,
    posting,
    statement,
)
from hutong.ledger.states import Phase

#: The last place that a chain can have: what the database holds.
SEQUENCE_MAX: Final = 2**63 - 1
PAGE_ROWS_MAX: Final = 200
PARTIES_MAX: Final = 1000
#: Legs of a page of batches: PAGE_ROWS_MAX batches of the largest size.
LEGS_MAX: Final = PAGE_ROWS_MAX * 200


class LegRow(msgspec.Struct, frozen=True, kw_only=True):
    """One posting; debit positive."""

    path: str
    amount: Money


class BatchRow(msgspec.Struct, frozen=True, kw_only=True):
    """A batch with its postings. ``recorded_at``: when the books learned of what happened at ``event_at``."""

    batch_id: UUID
    sequence: int
    kind: str
    subject_kind: str
    subject_id: UUID
    event_at: datetime
    recorded_at: datetime
    hash: bytes
    legs: tuple[LegRow, ...]
    #: ``posted``, or the part it plays in a reserve (``states.Phase``); the legs of a ``held`` one do not count.
    phase: str = Phase.POSTED

    @property
    def postings(self) -> tuple[LegRow, ...]:
        """The legs that count: none of a reserve's."""
        return () if self.phase == Phase.HELD else self.legs

    @property
    def effects(self) -> tuple[LegRow, ...]:
        """What the batch did to each account in all; accounts that it only passed through are left out."""
        sums: dict[tuple[str, str], Money] = {}
        for leg in self.legs:
            key = (leg.path, leg.amount.currency)
            sums[key] = sums.get(key, Money(0, leg.amount.currency)) + leg.amount
        return tuple(LegRow(path=path, amount=amount) for (path, _), amount in sums.items() if amount.amount_minor)

    @property
    def debits(self) -> tuple[Money, ...]:
        """The sum of the debit side, which is that of the credit side, in each currency."""
        sums: dict[str, Money] = {}
        for leg in self.legs:
            if leg.amount.amount_minor > 0:
                sums[leg.amount.currency] = sums.get(leg.amount.currency, Money(0, leg.amount.currency)) + leg.amount
        return tuple(sums.values())


class ChainEnd(msgspec.Struct, frozen=True, kw_only=True):
    """Where the hash chain ends: every batch before it is covered by this hash."""

    batches_count: int
    hash: bytes


class JournalFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What the journal is narrowed to. ``account``: a path, or the first words of one; by the time of the event."""

    kind: str = ""
    account: str = ""
    since: datetime | None = None
    until: datetime | None = None
    sequence: int | None = None
    subject_ids: tuple[UUID, ...] | None = None


class BatchSlice(msgspec.Struct, frozen=True, kw_only=True):
    """A page of batches and how many there are in all."""

    rows: tuple[BatchRow, ...]
    total: int


class StatementRow(msgspec.Struct, frozen=True, kw_only=True):
    """A drawn statement with its party's name."""

    statement_id: UUID
    party_id: UUID
    party_name: str
    period_start_at: datetime
    period_end_at: datetime
    earned: Money
    reversed: Money
    net: Money
    lines_count: int
    created_at: datetime

    @property
    def is_early(self) -> bool:
        """Whether it was drawn before its period was over: what came after it stands on a later one."""
        return self.created_at < self.period_end_at


class StatementSlice(msgspec.Struct, frozen=True, kw_only=True):
    """A page of statements and how many there are in all."""

    rows: tuple[StatementRow, ...]
    total: int


class PartyRow(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who earns shares, and what he is owed (one amount for each currency)."""

    party_id: UUID
    name: str
    kind: str
    owed: tuple[Money, ...]


async def chain_end(unit: Unit) -> ChainEnd:
    """The end of the hash chain; no batch and no hash in empty books."""
    row = await unit.one(select(ledger_chain).where(ledger_chain.c.merchant_id == unit.merchant_id))
    return ChainEnd(batches_count=0 if row is None else row.batches_count, hash=b"" if row is None else row.hash)


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


async def batches_page(unit: Unit, wanted: JournalFilter | None = None, *, limit: int, offset: int) -> BatchSlice:
    """The journal, the latest batch first."""
    conditions = _conditions(unit, wanted or JournalFilter())
    total = await unit.scalar(select(func.count()).select_from(ledger_batch).where(*conditions))
    page = select(ledger_batch).where(*conditions).order_by(ledger_batch.c.sequence.desc())
    rows = await unit.all(page.limit(min(limit, PAGE_ROWS_MAX)).offset(offset))
    return BatchSlice(rows=await _batches(unit, rows), total=int(total or 0))


async def one_batch(unit: Unit, sequence: int) -> BatchRow:
    """A batch by its place in the chain.

    Raises:
        NotFound: the chain is not that long.
    """
    known = abs(sequence) <= SEQUENCE_MAX
    found = await batches_page(unit, JournalFilter(sequence=sequence), limit=1, offset=0) if known else None
    if found is None or not found.rows:
        raise NotFound(what="batch", key=str(sequence))
    return found.rows[0]


async def batches_about(unit: Unit, subject_kind: str, subject_id: UUID) -> tuple[BatchRow, ...]:
    """Everything booked about one subject, the oldest first."""
    statement_ = (
        select(ledger_batch)
        .where(ledger_batch.c.merchant_id == unit.merchant_id)
        .where(ledger_batch.c.subject_kind == subject_kind, ledger_batch.c.subject_id == subject_id)
        .order_by(ledger_batch.c.sequence)
        .limit(PAGE_ROWS_MAX)
    )
    return await _batches(unit, await unit.all(statement_))


async def journal_kinds(unit: Unit) -> tuple[str, ...]:
    """The kinds of batches there are, for the filter."""
    statement_ = select(ledger_batch.c.kind).where(ledger_batch.c.merchant_id == unit.merchant_id).distinct()
    rows = await unit.all(statement_.order_by(ledger_batch.c.kind).limit(PAGE_ROWS_MAX))
    return tuple(row.kind for row in rows)


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


async def statements_page(unit: Unit, party_id: UUID | None = None, *, limit: int, offset: int) -> StatementSlice:
    """Statements (of one party), the latest period first."""
    conditions = [statement.c.merchant_id == unit.merchant_id]
    if party_id is not None:
        conditions.append(statement.c.party_id == party_id)
    total = await unit.scalar(select(func.count()).select_from(statement).where(*conditions))
    statement_ = _statements().where(*conditions).limit(min(limit, PAGE_ROWS_MAX)).offset(offset)
    return StatementSlice(rows=tuple(_statement(row) for row in await unit.all(statement_)), total=int(total or 0))


async def one_statement(unit: Unit, statement_id: UUID) -> StatementRow:
    """A statement by its id.

    Raises:
        NotFound: no such statement of this merchant.
    """
    row = await unit.one(
        _statements().where(statement.c.merchant_id == unit.merchant_id, statement.c.statement_id == statement_id)
    )
    if row is None:
        raise NotFound(what="statement", key=str(statement_id))
    return _statement(row)


async def parties(unit: Unit) -> tuple[PartyRow, ...]:
    """Everybody who earns shares, with what is owed to them now, by name."""
    owed: dict[str, tuple[Money, ...]] = {}
    for row in await balances(unit):
        if row.path.startswith(PARTY_PREFIX):
            key = row.path.removeprefix(PARTY_PREFIX)
            owed[key] = (*owed.get(key, ()), -row.balance)
    statement_ = select(party).where(party.c.merchant_id == unit.merchant_id).order_by(party.c.name, party.c.party_id)
    return tuple(
        PartyRow(party_id=row.party_id, name=row.name, kind=row.kind, owed=owed.get(str(row.party_id), ()))
        for row in await unit.all(statement_.limit(PARTIES_MAX))
    )


async def party_names(unit: Unit) -> dict[UUID, str]:
    """Names of the parties by id."""
    rows = await unit.all(select(party).where(party.c.merchant_id == unit.merchant_id).limit(PARTIES_MAX))
    return {row.party_id: row.name for row in rows}


def _statements() -> Any:  # noqa: ANN401 (a select with a typed row would need generated types)
    return (
        select(statement, party.c.name)
        .join(party, and_(party.c.merchant_id == statement.c.merchant_id, party.c.party_id == statement.c.party_id))
        .order_by(statement.c.period_end_at.desc(), party.c.name, statement.c.statement_id)
    )


def _statement(row: Row[Any]) -> StatementRow:
    return StatementRow(
        statement_id=row.statement_id,
        party_id=row.party_id,
        party_name=row.name,
        period_start_at=row.period_start_at,
        period_end_at=row.period_end_at,
        earned=Money(row.earned_minor, row.currency),
        reversed=Money(row.reversed_minor, row.currency),
        net=Money(row.net_minor, row.currency),
        lines_count=row.lines_count,
        created_at=row.created_at,
    )


def _conditions(unit: Unit, wanted: JournalFilter) -> list[Any]:
    conditions: list[Any] = [ledger_batch.c.merchant_id == unit.merchant_id]
    if wanted.kind:
        conditions.append(ledger_batch.c.kind == wanted.kind)
    if wanted.since is not None:
        conditions.append(ledger_batch.c.event_at >= wanted.since)
    if wanted.until is not None:
        conditions.append(ledger_batch.c.event_at < wanted.until)
    if wanted.sequence is not None:
        conditions.append(ledger_batch.c.sequence == wanted.sequence)
    if wanted.subject_ids is not None:
        conditions.append(ledger_batch.c.subject_id.in_(wanted.subject_ids))
    if wanted.account:
        conditions.append(_touches(wanted.account))
    return conditions


def _touches(account: str) -> Any:  # noqa: ANN401 (an SQL condition)
    """Whether a batch has a leg on an account, or on one below it."""
    below = ledger_account.c.path.startswith(f"{account}:", autoescape=True)
    return (
        select(literal(1))
        .select_from(posting.join(ledger_account, ON_ACCOUNT))
        .where(posting.c.merchant_id == ledger_batch.c.merchant_id, posting.c.batch_id == ledger_batch.c.batch_id)
        .where((ledger_account.c.path == account) | below)
        .correlate(ledger_batch)
        .exists()
    )


async def _batches(unit: Unit, rows: Sequence[Row[Any]]) -> tuple[BatchRow, ...]:
    """Batches with their legs."""
    legs = await _legs(unit, [row.batch_id for row in rows])
    legs |= await _held_legs(unit, [row.batch_id for row in rows if row.phase == Phase.HELD])
    return tuple(
        BatchRow(
            batch_id=row.batch_id,
            sequence=row.sequence,
            kind=row.kind,
            subject_kind=row.subject_kind,
            subject_id=row.subject_id,
            event_at=row.event_at,
            recorded_at=row.recorded_at,
            hash=row.hash,
            legs=legs.get(row.batch_id, ()),
            phase=row.phase,
        )
        for row in rows
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
