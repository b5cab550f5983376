"""The days of one wallet account beside each other, and the one order in which they are held.

What is missing in one day's bill is looked for in the next one's, so that a reading changes the day before, too.
Whoever changes a day or its differences holds it first, and of several the later ones first: readings go back to what
is late, so that they wait for each other and never in a circle.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import func, select

from hutong.db.unit import Unit
from hutong.payments.bill_models import bill
from hutong.payments.bill_states import BillState

#: Days of one account that one transaction looks at: what the longest memory of a wallet holds.
DAYS_MAX: Final = 400
#: Rows of later bills that tell the same as one bill; more are all of them.
SHARED_MAX: Final = 100_000
_HOLD: Final = (
    "SELECT day FROM bill WHERE merchant_id = $1 AND connection_id = $2 AND day = ANY($3::date[]) "
    "ORDER BY day DESC FOR UPDATE"
)
# Each number is looked for by itself, as in a large bill's reading.
_SHARED: Final = (
    "SELECT later.day, o.kind, o.number FROM bill_row o CROSS JOIN LATERAL (SELECT r.day FROM bill_row r "
    "WHERE r.merchant_id = $1 AND r.connection_id = $2 AND r.number = o.number AND r.kind = o.kind AND r.day > $3 "
    "LIMIT 10) later WHERE o.merchant_id = $1 AND o.connection_id = $2 AND o.day = $3 AND o.is_final LIMIT $4"
)


async def hold_days(unit: Unit, connection_id: UUID, days: Sequence[date]) -> None:
    """Nobody else changes these days until the end of this transaction."""
    if days:
        await unit.fetch(_HOLD, unit.merchant_id, connection_id, list(days))


async def hold_with_day_before(unit: Unit, connection_id: UUID, day: date) -> date | None:
    """Hold a day and the one before it for which the account waits, or did: its missing rows are looked for here.

    Tells that day. Readings of neighbours both want the earlier one, so that the second sees what the first found. The
    day itself is held before its neighbour is looked for: who begins with an earlier day meanwhile waits, or was seen.
    """
    await hold_days(unit, connection_id, [day])
    before: date | None = await unit.scalar(
        select(func.max(bill.c.day)).where(
            bill.c.merchant_id == unit.merchant_id, bill.c.connection_id == connection_id, bill.c.day < day
        )
    )
    if before is not None:
        await hold_days(unit, connection_id, [before])
    return before


async def missing_days(unit: Unit, connection_id: UUID, since: date) -> list[date]:
    """Days from one on whose bill was given up."""
    statement = select(bill.c.day).where(
        bill.c.merchant_id == unit.merchant_id,
        bill.c.connection_id == connection_id,
        bill.c.day >= since,
        bill.c.state == BillState.MISSING.value,
    )
    return [row.day for row in await unit.all(statement.order_by(bill.c.day).limit(DAYS_MAX))]


async def told_later(unit: Unit, connection_id: UUID, day: date) -> set[tuple[date, str, str]]:
    """Day, kind and number of rows in later bills that a row of this day's bill tells, too."""
    last = await unit.scalar(
        select(func.max(bill.c.day)).where(
            bill.c.merchant_id == unit.merchant_id, bill.c.connection_id == connection_id, bill.c.rows_count > 0
        )
    )
    if last is None or last <= day:  # as a rule: the newest bill is the one that is read
        return set()
    rows = await unit.fetch(_SHARED, unit.merchant_id, connection_id, day, SHARED_MAX)
    return {(row.day, row.kind, row.number) for row in rows}
