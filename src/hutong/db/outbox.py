"""The outbox from the other side: which events wait to be handed over, many at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hutong.db.tables import outbox, undelivered
from hutong.db.unit import Unit

#: Merchants whose events are looked for at once.
MERCHANTS_PER_LOOK_MAX: Final = 200


async def merchants_waiting(connection: AsyncConnection) -> list[UUID]:
    """Merchants with events that wait, by the system role; at most MERCHANTS_PER_LOOK_MAX of them."""
    statement = select(undelivered.c.merchant_id).distinct().limit(MERCHANTS_PER_LOOK_MAX)
    return list((await connection.scalars(statement)).all())


async def take_waiting(unit: Unit, limit: int) -> Sequence[Row[Any]]:
    """The oldest events that wait and nobody else holds, until the transaction ends."""
    chosen = (
        select(undelivered.c.event_id)
        .where(undelivered.c.merchant_id == unit.merchant_id)
        .order_by(undelivered.c.event_id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("chosen")
    )
    statement = (
        select(outbox.c.event_id, outbox.c.name, outbox.c.version, outbox.c.body)
        .join(chosen, chosen.c.event_id == outbox.c.event_id)
        .where(outbox.c.merchant_id == unit.merchant_id)
        .order_by(outbox.c.event_id)
    )
    return await unit.all(statement)


async def mark_delivered(unit: Unit, event_ids: Sequence[UUID]) -> None:
    """These events were handed over, or have a job of their own that will."""
    await unit.run(
        delete(undelivered).where(
            undelivered.c.merchant_id == unit.merchant_id, undelivered.c.event_id.in_(list(event_ids))
        )
    )
