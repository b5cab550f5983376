"""The bills of the wallets, day by day: waited for, written down row by row, and held against what we know."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import delete, select, update

from hutong.core.errors import NotFound
from hutong.db.bulk import insert_rows
from hutong.db.unit import Unit
from hutong.payments.bill_days import hold_with_day_before, told_later
from hutong.payments.bill_differences import Found, end_what_came_late, end_what_is_gone, note, open_count
from hutong.payments.bill_matching import OF_ROWS, Ours, Verdict, judge
from hutong.payments.bill_models import bill, bill_row
from hutong.payments.bill_records import Record, in_no_bill
from hutong.payments.bill_states import BILL, BillEvent, BillState
from hutong.payments.events import BillRead
from hutong.platforms.bills import Bill, BillKind, BillRow, BillStatus

CURRENCY: Final = "CNY"
PROBLEM_CHARS_MAX: Final = 100
#: States after which nothing more is waited for.
ENDED: Final = (BillState.READ.value, BillState.EMPTY.value, BillState.MISSING.value)
ONE_DAY: Final = timedelta(days=1)
#: What a reading adds up, as the columns are called.
SUMS: Final = ("rows_count", "matched_count", "traded_minor", "refunded_minor", "fees_minor")


# Each number is looked for by itself: while a first large bill is written the planner takes the table for empty, and
# would read all that was written of the account so far for each piece of it.
_TOLD: Final = (
    "SELECT given.kind, given.number FROM unnest($3::text[], $4::text[]) AS given(kind, number) CROSS JOIN LATERAL "
    "(SELECT 1 FROM bill_row r WHERE r.merchant_id = $1 AND r.connection_id = $2 AND r.number = given.number "
    "AND r.kind = given.kind AND r.day <= $5 AND r.is_final LIMIT 1) found"
)


class BillKey(msgspec.Struct, frozen=True):
    """Which bill."""

    connection_id: UUID
    day: date


class BillTask(BillKey, frozen=True):
    """Payload of a reading. ``follows``: the next day's bill is waited for as well; not where one day is read again.

    It says nothing else: every reading doubts what only the bill knows.
    """

    follows: bool = True


class BillView(msgspec.Struct, frozen=True, kw_only=True):
    """Where a bill stands. ``problem``: code of the error with which the last try ended, where it did."""

    platform: str
    state: BillState
    tries_count: int
    problem: str = ""

    @property
    def is_in_trouble(self) -> bool:
        """Whether a reading that succeeds now ends a trouble of the account."""
        return self.state is BillState.MISSING or bool(self.problem)


class Reading(msgspec.Struct, kw_only=True):
    """The sums of one reading while it goes on. All that it finds carries the one moment ``at``.

    ``before``: the account's day before this one. ``told_later``: what later bills told, too, of what this day's bill
    told until now.
    """

    at: datetime
    before: date | None = None
    told_later: set[tuple[date, str, str]] = msgspec.field(default_factory=set)
    rows_count: int = 0
    matched_count: int = 0
    traded_minor: int = 0
    refunded_minor: int = 0
    fees_minor: int = 0

    def add(self, row: BillRow, verdict: Verdict) -> None:
        """Count a row in."""
        self.rows_count += 1
        self.matched_count += verdict is Verdict.MATCHED
        self.fees_minor += row.fee.amount_minor
        if row.kind is BillKind.TRADE:
            self.traded_minor += row.amount.amount_minor
        else:
            self.refunded_minor += row.amount.amount_minor


async def expect(unit: Unit, key: BillKey, platform: str) -> bool:
    """Wait for a bill from now on; False when it was waited for before."""
    return await unit.insert_once(
        bill,
        connection_id=key.connection_id,
        day=key.day,
        platform=platform,
        state=BillState.EXPECTED.value,
        currency=CURRENCY,
        created_at=unit.now(),
    )


async def get_bill(unit: Unit, key: BillKey) -> BillView:
    """Where a bill stands.

    Raises:
        NotFound: it was never waited for.
    """
    row = await unit.one(select(bill).where(*_is(unit, key)))
    if row is None:
        raise NotFound(what="bill", key=f"{key.connection_id}/{key.day}")
    return BillView(
        platform=row.platform,
        state=BillState(row.state),
        tries_count=row.tries_count,
        problem=row.problem or "",
    )


async def count_try(unit: Unit, key: BillKey, problem: str | None) -> int:
    """One more try brought no bill that could be used; how many there were."""
    count: int = await unit.scalar(
        update(bill)
        .where(*_is(unit, key))
        .values(tries_count=bill.c.tries_count + 1, problem=problem and problem[:PROBLEM_CHARS_MAX])
        .returning(bill.c.tries_count)
    )
    return count


async def give_up(unit: Unit, key: BillKey) -> bool:
    """Wait no longer; False when it came meanwhile."""
    return await unit.transition(bill, _row_key(key), BILL, BillEvent.GIVE_UP)


async def is_last(unit: Unit, key: BillKey) -> bool:
    """Whether no later bill of the account is waited for."""
    later = select(bill.c.day).where(
        bill.c.merchant_id == unit.merchant_id, bill.c.connection_id == key.connection_id, bill.c.day > key.day
    )
    return await unit.one(later.limit(1)) is None


async def begin_reading(unit: Unit, key: BillKey) -> Reading:
    """A day is read, perhaps again: its rows are written anew.

    Readings of a day and of its neighbours come one after the other: what is missing in one is looked for in the next,
    and of two that did not see each other neither would tell it.
    """
    before = await hold_with_day_before(unit, key.connection_id, key.day)
    shared = await told_later(unit, key.connection_id, key.day)
    await unit.run(
        delete(bill_row).where(
            bill_row.c.merchant_id == unit.merchant_id,
            bill_row.c.connection_id == key.connection_id,
            bill_row.c.day == key.day,
        )
    )
    return Reading(at=unit.now(), before=before, told_later=shared)


async def told_before(unit: Unit, key: BillKey, rows: Sequence[BillRow]) -> set[tuple[str, str]]:
    """Kind and number of those of these rows that a bill of the account tells already: this one, or an earlier day's.

    Days count, and not which was read first: a number that stands in two bills is odd in the later one, always. A row
    that is not final has told nothing yet.
    """
    given = [[row.kind.value for row in rows], [row.own_no for row in rows]]
    found = await unit.fetch(_TOLD, unit.merchant_id, key.connection_id, *given, key.day)
    return {(row.kind, row.number) for row in found}


async def write_piece(
    unit: Unit, key: BillKey, rows: Sequence[BillRow], ours: dict[tuple[str, str], Ours], reading: Reading
) -> None:
    """Judge and write some rows of a bill, and note what differs."""
    told = await told_before(unit, key, rows)
    verdicts: list[Verdict] = []
    found: list[Found] = []
    for row in rows:
        mine = ours.get((row.kind.value, row.own_no))
        verdict = judge(row, mine, is_repeated=(row.kind.value, row.own_no) in told)
        if row.is_final:
            told.add((row.kind.value, row.own_no))
        verdicts.append(verdict)
        reading.add(row, verdict)
        if verdict is not Verdict.MATCHED:
            found.append(_found(row, mine, verdict))
    columns: dict[str, list[Any]] = {
        "connection_id": [key.connection_id] * len(rows),
        "day": [key.day] * len(rows),
        "row_no": [row.row_no for row in rows],
        "kind": [row.kind.value for row in rows],
        "number": [row.own_no for row in rows],
        "trade_no": [row.trade_no for row in rows],
        "wallet_no": [row.wallet_no for row in rows],
        "amount_minor": [row.amount.amount_minor for row in rows],
        "fee_minor": [row.fee.amount_minor for row in rows],
        "currency": [row.amount.currency for row in rows],
        "raw_state": [row.raw_state for row in rows],
        "is_final": [row.is_final for row in rows],
        "verdict": [verdict.value for verdict in verdicts],
        "happened_at": [row.happened_at for row in rows],
    }
    await insert_rows(unit, bill_row, columns)
    await note(unit, key.connection_id, key.day, found, reading.at)


async def finish_reading(unit: Unit, key: BillKey, told: Bill, reading: Reading) -> list[date]:
    """After the last row: the day's state and sums, what came late, what is missing; the days whose differences moved.

    What we took on a day and its bill does not tell is looked for in the next day's bill before it is called missing.
    """
    now = reading.at
    event = BillEvent.FIND_EMPTY if told.status is BillStatus.EMPTY else BillEvent.READ
    values = {name: getattr(reading, name) for name in SUMS}
    await unit.transition(bill, _row_key(key), BILL, event, read_at=now, digest=told.digest, problem=None, **values)
    await end_what_is_gone(unit, key.connection_id, key.day, OF_ROWS, now)
    days = set(await end_what_came_late(unit, key.connection_id, now))
    for day in (reading.before, key.day):
        if day is not None:
            await declare_missing(unit, BillKey(key.connection_id, day), now)
            days.add(day)
    view = await get_bill(unit, key)
    unit.emit(
        BillRead(
            connection_id=key.connection_id,
            platform=view.platform,
            day=key.day,
            rows_count=reading.rows_count,
            matched_count=reading.matched_count,
            differences_count=await open_count(unit, key.connection_id, key.day),
        )
    )
    return sorted(days, reverse=True)


async def odd_by_now(unit: Unit, key: BillKey, reading: Reading) -> list[date]:
    """Days whose bills tell something that this one tells for the first time now, or no more: to be read again."""
    after = await told_later(unit, key.connection_id, key.day)
    return sorted({day for day, _, _ in after ^ reading.told_later})


async def declare_missing(unit: Unit, key: BillKey, now: datetime) -> None:
    """Note what we took on a day and no bill tells, once its own and the next bill are in (or given up).

    The next bill is that of the next day, except where that one is waited for by nobody: what no wallet keeps.
    """
    this, following = await _states(unit, key)
    if this not in (BillState.READ.value, BillState.EMPTY.value):
        return
    missing = await in_no_bill(unit, key.connection_id, key.day)
    is_certain = following in ENDED
    awaited = 0 if is_certain else len(missing)
    await unit.run(update(bill).where(*_is(unit, key)).values(awaited_count=awaited))
    if is_certain:
        await note(unit, key.connection_id, key.day, [_missing(record) for record in missing], now)
        await end_what_is_gone(unit, key.connection_id, key.day, (Verdict.MISSING,), now)


def _found(row: BillRow, mine: Ours | None, verdict: Verdict) -> Found:
    is_fee = verdict is Verdict.FEE
    ours = None if mine is None else mine.fee if is_fee else mine.amount
    return Found(
        kind=verdict,
        row_kind=row.kind.value,
        number=row.own_no,
        wallet_no=row.wallet_no,
        payment_id=None if mine is None else mine.payment_id,
        ours_minor=None if ours is None or verdict is Verdict.UNKNOWN else ours.amount_minor,
        bill_minor=(row.fee if is_fee else row.amount).amount_minor,
        currency=row.amount.currency,
    )


def _missing(record: Record) -> Found:
    return Found(
        kind=Verdict.MISSING,
        row_kind=record.kind.value,
        number=record.number,
        wallet_no=record.wallet_no,
        payment_id=record.payment_id,
        ours_minor=record.amount.amount_minor,
        bill_minor=None,
        currency=record.amount.currency,
    )


async def _states(unit: Unit, key: BillKey) -> tuple[str | None, str | None]:
    """States of a day's bill and of the next one for which the account waits, or did."""
    statement = select(bill.c.day, bill.c.state).where(
        bill.c.merchant_id == unit.merchant_id, bill.c.connection_id == key.connection_id, bill.c.day >= key.day
    )
    rows = await unit.all(statement.order_by(bill.c.day).limit(2))
    if not rows or rows[0].day != key.day:
        return None, None
    return rows[0].state, rows[1].state if len(rows) > 1 else None


def _row_key(key: BillKey) -> dict[str, Any]:
    return {"connection_id": key.connection_id, "day": key.day}


def _is(unit: Unit, key: BillKey) -> tuple[Any, ...]:
    return (
        bill.c.merchant_id == unit.merchant_id,
        bill.c.connection_id == key.connection_id,
        bill.c.day == key.day,
    )
