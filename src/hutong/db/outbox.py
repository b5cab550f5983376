"""The outbox from the other side: which events wait to be handed over, many at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from hutong.db.engine import Database
from hutong.db.unit import Unit

#: Merchants whose events are looked for at once.
MERCHANTS_PER_LOOK_MAX: Final = 200
_WAITING: Final = "SELECT DISTINCT merchant_id FROM undelivered LIMIT $1"
_TAKE_WAITING: Final = (
    "WITH chosen AS (SELECT event_id FROM undelivered WHERE merchant_id = $1 ORDER BY event_id LIMIT $2 "
    "FOR UPDATE SKIP LOCKED) "
    "SELECT event_id, name, version, body FROM outbox JOIN chosen USING (event_id) WHERE merchant_id = $1 "
    "ORDER BY event_id"
)
_MARK_DELIVERED: Final = "DELETE FROM undelivered WHERE merchant_id = $1 AND event_id = ANY($2::uuid[])"


async def merchants_waiting(database: Database) -> list[UUID]:
    """Merchants with events that wait, by the system role; at most MERCHANTS_PER_LOOK_MAX of them."""
    return [row["merchant_id"] for row in await database.glance("system", _WAITING, MERCHANTS_PER_LOOK_MAX)]


async def take_waiting(unit: Unit, limit: int) -> list[Any]:
    """The oldest events that wait and nobody else holds, until the transaction ends."""
    return await unit.fetch(_TAKE_WAITING, unit.merchant_id, limit)


async def mark_delivered(unit: Unit, event_ids: Sequence[UUID]) -> None:
    """These events were handed over, or have a job of their own that will."""
    await unit.fetch(_MARK_DELIVERED, unit.merchant_id, list(event_ids))
