"""Old deliveries go when their events do: what nobody could replay any more need not be kept."""

from __future__ import annotations

from typing import Final

from hutong.core.ids import first_id
from hutong.db.housekeeping import EVENTS_KEPT, ROWS_PER_ROUND
from hutong.db.unit import Unit

#: What still waits is kept, also where it waits for an endpoint that is disabled.
_FORGET: Final = (
    "WITH old AS (SELECT endpoint_id, event_id FROM webhook_delivery WHERE merchant_id = $1 AND event_id < $2 "
    "AND state <> 'waiting' AND ended_at < $3 LIMIT $4), "
    "attempts AS (DELETE FROM webhook_attempt WHERE merchant_id = $1 "
    "AND (endpoint_id, event_id) IN (SELECT endpoint_id, event_id FROM old)) "
    "DELETE FROM webhook_delivery WHERE merchant_id = $1 "
    "AND (endpoint_id, event_id) IN (SELECT endpoint_id, event_id FROM old) RETURNING 1"
)


async def forget_deliveries(unit: Unit) -> int:
    """Forget some deliveries that ended long ago, with their attempts; how many."""
    before = unit.now() - EVENTS_KEPT
    return len(await unit.fetch(_FORGET, unit.merchant_id, first_id(before), before, ROWS_PER_ROUND))
