"""What a statement is sealed with: the root of the day that covers all its lines, and how that is checked."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import ColumnElement, Row, func, select

from hutong.core.errors import InvalidInput
from hutong.db.unit import Unit
from hutong.ledger.batches import CHAIN_START, Link, form_of, payload_hash
from hutong.ledger.joins import ON_ACCOUNT, ON_BATCH, ON_LINE
from hutong.ledger.models import ledger_account, ledger_batch, ledger_day, posting, statement_line
from hutong.ledger.queries import ChainEnd, StatementRow, chain_end, one_statement
from hutong.ledger.roots import ROOT_START, SealedDay, root_after, sealed_day
from hutong.ledger.statements import fold_lines
from hutong.merchants.service import get_merchant

#: Batches of a statement that are hashed at once.
BATCHES_AT_ONCE: Final = 500
#: Batches that a statement can have lines in.
BATCHES_MAX: Final = 1_000_000
#: Legs of so many batches.
LEGS_AT_ONCE_MAX: Final = BATCHES_AT_ONCE * 200
ROOT_BYTES: Final = 32


class StatementSeal(msgspec.Struct, frozen=True, kw_only=True):
    """``day`` is the first sealed day, not before the period's last one, whose root covers every line.

    None where there is none yet: then the chain's end stands for it, which covers the lines as well but is nothing
    that anybody promised to keep.
    """

    period_last_day: date
    last_line_sequence: int
    day: SealedDay | None
    chain: ChainEnd


class StatementCheck(msgspec.Struct, frozen=True, kw_only=True):
    """What was found. ``root_matches`` is None where no root was given, ``day_holds`` where no day is sealed.

    ``totals_hold``: the lines add up to what the statement says. ``lines_hold``: every batch with a line on it is,
    leg by leg, what was hashed into the chain. ``day_holds``: the root is over the day before it and over the chain
    as it stands. What lies between them, batch by batch, is examined by ``hutong doctor``.
    """

    statement_id: UUID
    totals_hold: bool
    lines_hold: bool
    day_holds: bool | None
    root_matches: bool | None
    seal: StatementSeal

    @property
    def is_sound(self) -> bool:
        """Whether nothing that could be checked is wrong."""
        return self.totals_hold and self.lines_hold and self.day_holds is not False and self.root_matches is not False


def root_of_text(text: str) -> bytes | None:
    """A root as it was read off a paper, blanks and case aside; None for nothing.

    Raises:
        InvalidInput: it is not one.
    """
    cleaned = "".join(text.split()).lower()
    if not cleaned:
        return None
    try:
        root = bytes.fromhex(cleaned)
    except ValueError:
        root = b""
    if len(root) != ROOT_BYTES:
        raise InvalidInput(field="root", problem=text[: 2 * ROOT_BYTES])
    return root


async def seal_of(unit: Unit, drawn: StatementRow) -> StatementSeal:
    """The seal of a statement, as far as there is one yet."""
    zone = ZoneInfo((await get_merchant(unit)).timezone)
    last_day = _last_day(drawn.period_end_at, zone)
    last_line = await unit.scalar(
        select(func.max(ledger_batch.c.sequence))
        .select_from(statement_line.join(posting, ON_LINE).join(ledger_batch, ON_BATCH))
        .where(_is_of(unit, drawn.statement_id))
    )
    row = await unit.one(
        select(ledger_day)
        .where(ledger_day.c.merchant_id == unit.merchant_id, ledger_day.c.day >= last_day)
        .where(ledger_day.c.last_sequence >= int(last_line or 0))
        .order_by(ledger_day.c.day)
        .limit(1)
    )
    return StatementSeal(
        period_last_day=last_day,
        last_line_sequence=int(last_line or 0),
        day=None if row is None else sealed_day(row),
        chain=await chain_end(unit),
    )


async def check_statement(unit: Unit, statement_id: UUID, root: bytes | None = None) -> StatementCheck:
    """Hold a statement against the books, and a root from a paper against the one that is kept.

    Raises:
        NotFound: no such statement.
    """
    drawn = await one_statement(unit, statement_id)
    seal = await seal_of(unit, drawn)
    kept = None if seal.day is None else seal.day.root
    return StatementCheck(
        statement_id=statement_id,
        totals_hold=await _totals_hold(unit, drawn),
        lines_hold=await _lines_hold(unit, statement_id),
        day_holds=None if seal.day is None else await _day_holds(unit, seal.day),
        root_matches=None if root is None else root == kept,
        seal=seal,
    )


def _last_day(end_at: datetime, zone: ZoneInfo) -> date:
    return (end_at - timedelta(microseconds=1)).astimezone(zone).date()


def _is_of(unit: Unit, statement_id: UUID) -> ColumnElement[bool]:
    return (statement_line.c.merchant_id == unit.merchant_id) & (statement_line.c.statement_id == statement_id)


async def _totals_hold(unit: Unit, drawn: StatementRow) -> bool:
    told = (drawn.earned.amount_minor, drawn.reversed.amount_minor, drawn.lines_count)
    return await fold_lines(unit, drawn.statement_id) == told and drawn.earned - drawn.reversed == drawn.net


async def _lines_hold(unit: Unit, statement_id: UUID) -> bool:
    """Whether each batch that has a line on the statement is what was hashed, and stands where it stood."""
    found = await unit.all(
        select(statement_line.c.batch_id).distinct().where(_is_of(unit, statement_id)).limit(BATCHES_MAX)
    )
    batch_ids = [row.batch_id for row in found]
    for start in range(0, len(batch_ids), BATCHES_AT_ONCE):
        some = batch_ids[start : start + BATCHES_AT_ONCE]
        rows = await unit.all(
            select(ledger_batch)
            .where(ledger_batch.c.merchant_id == unit.merchant_id, ledger_batch.c.batch_id.in_(some))
            .limit(BATCHES_AT_ONCE)
        )
        legs = await _legs(unit, some)
        if len(rows) != len(some) or not all(_is_as_hashed(row, legs.get(row.batch_id, [])) for row in rows):
            return False
    return True


def _is_as_hashed(row: Row[Any], legs: list[tuple[str, int, str]]) -> bool:
    form = form_of(row.phase, row.resolves_id)
    link = Link(
        sequence=row.sequence,
        batch_id=row.batch_id,
        idempotency_key=row.idempotency_key,
        payload_hash=row.payload_hash,
        event_at=row.event_at,
        recorded_at=row.recorded_at,
    )
    same = payload_hash(row.kind, row.subject_kind, row.subject_id, legs, *form) == row.payload_hash
    return bool(same and link.after(row.prev_hash) == row.hash)


async def _legs(unit: Unit, batch_ids: list[UUID]) -> dict[UUID, list[tuple[str, int, str]]]:
    found: dict[UUID, list[tuple[str, int, str]]] = {}
    if not batch_ids:
        return found
    rows = await unit.all(
        select(posting.c.batch_id, ledger_account.c.path, posting.c.amount_minor, posting.c.currency)
        .select_from(posting.join(ledger_account, ON_ACCOUNT))
        .where(posting.c.merchant_id == unit.merchant_id, posting.c.batch_id.in_(batch_ids))
        .order_by(posting.c.batch_id, posting.c.leg_no)
        .limit(LEGS_AT_ONCE_MAX)
    )
    for row in rows:
        found.setdefault(row.batch_id, []).append((row.path, row.amount_minor, row.currency))
    return found


async def _day_holds(unit: Unit, sealed: SealedDay) -> bool:
    """Whether a day's root is over the root before it and over the chain as it stands now."""
    before: bytes | None = await unit.scalar(
        select(ledger_day.c.root)
        .where(ledger_day.c.merchant_id == unit.merchant_id, ledger_day.c.day < sealed.day)
        .order_by(ledger_day.c.day.desc())
        .limit(1)
    )
    chain_hash: bytes | None = CHAIN_START
    if sealed.last_sequence:
        chain_hash = await unit.scalar(
            select(ledger_batch.c.hash).where(
                ledger_batch.c.merchant_id == unit.merchant_id, ledger_batch.c.sequence == sealed.last_sequence
            )
        )
    root: bytes = root_after(before or ROOT_START, sealed.day, sealed.zone, sealed.last_sequence, sealed.chain_hash)
    same: bool = root == sealed.root and chain_hash == sealed.chain_hash
    return same
