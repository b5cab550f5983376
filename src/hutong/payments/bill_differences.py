"""Differences between a bill and what we know: noted once, confirmed by each reading, ended by a bill or a person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import func, literal, select

from hutong.core.errors import Conflict, InvalidInput, NotFound
from hutong.db.bulk import insert_rows, transition_rows
from hutong.db.unit import Unit
from hutong.payments.bill_days import DAYS_MAX, hold_days
from hutong.payments.bill_matching import Verdict
from hutong.payments.bill_models import bill_difference, bill_row
from hutong.payments.bill_states import DIFFERENCE, DifferenceEvent, DifferenceState

NOTE_CHARS_MAX: Final = 500
#: Differences that one reading ends or opens again.
MOVED_MAX: Final = 100_000
_CONFIRM: Final = (
    "UPDATE bill_difference d SET confirmed_at = $4, ours_minor = g.ours_minor, bill_minor = g.bill_minor "
    "FROM unnest($5::text[], $6::text[], $7::text[], $8::bigint[], $9::bigint[]) "
    "AS g(kind, row_kind, number, ours_minor, bill_minor) WHERE d.merchant_id = $1 AND d.connection_id = $2 "
    "AND d.day = $3 AND d.kind = g.kind AND d.row_kind = g.row_kind AND d.number = g.number"
)


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A difference, as a reading finds it."""

    kind: Verdict
    row_kind: str
    number: str
    wallet_no: str
    payment_id: UUID | None
    ours_minor: int | None
    bill_minor: int | None
    currency: str


async def note(unit: Unit, connection_id: UUID, day: date, found: Sequence[Found], now: datetime) -> None:
    """Write these down as they are now; those that are there already are confirmed and keep their state."""
    if not found:
        return
    columns: dict[str, list[Any]] = {
        "difference_id": [unit.new_id() for _ in found],
        "connection_id": [connection_id] * len(found),
        "day": [day] * len(found),
        "kind": [one.kind.value for one in found],
        "row_kind": [one.row_kind for one in found],
        "number": [one.number for one in found],
        "wallet_no": [one.wallet_no for one in found],
        "payment_id": [one.payment_id for one in found],
        "ours_minor": [one.ours_minor for one in found],
        "bill_minor": [one.bill_minor for one in found],
        "currency": [one.currency for one in found],
        "state": [DifferenceState.OPEN.value] * len(found),
        "opened_at": [now] * len(found),
        "confirmed_at": [now] * len(found),
    }
    await insert_rows(unit, bill_difference, columns, once=True)
    given = [columns[name] for name in ("kind", "row_kind", "number", "ours_minor", "bill_minor")]
    await unit.fetch(_CONFIRM, unit.merchant_id, connection_id, day, now, *given)


async def end_what_is_gone(unit: Unit, connection_id: UUID, day: date, kinds: Sequence[Verdict], now: datetime) -> None:
    """After a day was looked at: what was not found any more is explained, what was found again is open again."""
    here = (
        (bill_difference.c.connection_id == connection_id)
        & (bill_difference.c.day == day)
        & bill_difference.c.kind.in_([kind.value for kind in kinds])
    )
    gone = here & (bill_difference.c.state == DifferenceState.OPEN.value) & (bill_difference.c.confirmed_at < now)
    await _move(unit, gone, DifferenceEvent.EXPLAIN, now)
    back = here & (bill_difference.c.state == DifferenceState.EXPLAINED.value) & (bill_difference.c.confirmed_at == now)
    await _move(unit, back, DifferenceEvent.REOPEN, None)


async def end_what_came_late(unit: Unit, connection_id: UUID, now: datetime) -> list[date]:
    """What was missing and stands in a bill by now is explained; the days of these, held from now on."""
    told = select(literal(1)).where(
        bill_row.c.merchant_id == bill_difference.c.merchant_id,
        bill_row.c.connection_id == bill_difference.c.connection_id,
        bill_row.c.kind == bill_difference.c.row_kind,
        bill_row.c.number == bill_difference.c.number,
    )
    late = (
        (bill_difference.c.connection_id == connection_id)
        & (bill_difference.c.state == DifferenceState.OPEN.value)
        & (bill_difference.c.kind == Verdict.MISSING.value)
        & told.correlate(bill_difference).exists()
    )
    late &= bill_difference.c.merchant_id == unit.merchant_id
    statement = select(bill_difference.c.day).where(late).distinct().order_by(bill_difference.c.day)
    days = [row.day for row in await unit.all(statement.limit(DAYS_MAX))]
    await hold_days(unit, connection_id, days)
    return await _move(unit, late & bill_difference.c.day.in_(days), DifferenceEvent.EXPLAIN, now)


async def open_count(unit: Unit, connection_id: UUID, day: date) -> int:
    """How many of a day nobody has dealt with."""
    return int(
        await unit.scalar(
            select(func.count()).where(
                bill_difference.c.merchant_id == unit.merchant_id,
                bill_difference.c.connection_id == connection_id,
                bill_difference.c.day == day,
                bill_difference.c.state == DifferenceState.OPEN.value,
            )
        )
        or 0
    )


async def days_that_differ(unit: Unit, connection_id: UUID, number: str) -> list[date]:
    """The days whose bills tell something else of this number, as far as nobody has dealt with it."""
    statement = select(bill_difference.c.day).where(
        bill_difference.c.merchant_id == unit.merchant_id,
        bill_difference.c.connection_id == connection_id,
        bill_difference.c.number == number,
        bill_difference.c.state == DifferenceState.OPEN.value,
    )
    return [row.day for row in await unit.all(statement.distinct().order_by(bill_difference.c.day).limit(DAYS_MAX))]


async def settle(unit: Unit, difference_id: UUID, *, text: str, actor: str) -> tuple[UUID, date]:
    """A member of staff has dealt with a difference, and says how; its account and day.

    Raises:
        NotFound: not this merchant's. InvalidInput: no note, or too long a one. Conflict: it is not open.
    """
    text = _note(text)
    row = await unit.one(
        select(bill_difference.c.connection_id, bill_difference.c.day).where(
            bill_difference.c.merchant_id == unit.merchant_id, bill_difference.c.difference_id == difference_id
        )
    )
    if row is None:
        raise NotFound(what="difference", key=str(difference_id))
    await hold_days(unit, row.connection_id, [row.day])
    key = {"difference_id": difference_id}
    values = {"note": text, "actor": actor, "ended_at": unit.now()}
    if not await unit.transition(bill_difference, key, DIFFERENCE, DifferenceEvent.SETTLE, **values):
        raise Conflict(what="difference")
    return row.connection_id, row.day


async def settle_kind(unit: Unit, connection_id: UUID, day: date, kind: Verdict, *, text: str, actor: str) -> int:
    """All open differences of one kind on one account's day have one reason, for example another rate; how many.

    Raises:
        InvalidInput: no note, or too long a one.
    """
    text = _note(text)
    await hold_days(unit, connection_id, [day])
    statement = select(bill_difference.c.difference_id).where(
        bill_difference.c.merchant_id == unit.merchant_id,
        bill_difference.c.connection_id == connection_id,
        bill_difference.c.day == day,
        bill_difference.c.kind == kind.value,
        bill_difference.c.state == DifferenceState.OPEN.value,
    )
    ids = [row.difference_id for row in await unit.all(statement.limit(MOVED_MAX))]
    columns: dict[str, list[Any]] = {
        "difference_id": ids,
        "note": [text] * len(ids),
        "actor": [actor] * len(ids),
        "ended_at": [unit.now()] * len(ids),
    }
    rows = await transition_rows(unit, bill_difference, "difference_id", columns, DIFFERENCE, DifferenceEvent.SETTLE)
    return len(rows)


def _note(text: str) -> str:
    text = text.strip()
    if not 0 < len(text) <= NOTE_CHARS_MAX:
        raise InvalidInput(field="note", problem=f"1..{NOTE_CHARS_MAX}")
    return text


async def _move(unit: Unit, which: Any, event: DifferenceEvent, ended_at: datetime | None) -> list[date]:  # noqa: ANN401
    statement = select(bill_difference.c.difference_id, bill_difference.c.day).where(
        bill_difference.c.merchant_id == unit.merchant_id, which
    )
    rows = await unit.all(statement.limit(MOVED_MAX))
    ids = [row.difference_id for row in rows]
    columns: dict[str, list[Any]] = {"difference_id": ids, "ended_at": [ended_at] * len(ids)}
    await transition_rows(unit, bill_difference, "difference_id", columns, DIFFERENCE, event)
    return sorted({row.day for row in rows})
