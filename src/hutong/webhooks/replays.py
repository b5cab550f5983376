"""Sending again by hand: one message, or all that did not arrive since a moment."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import ARRAY, Uuid, any_, func, literal, select, update

from hutong.core.errors import NotFound
from hutong.core.ids import first_id
from hutong.db.unit import Unit
from hutong.merchants.actors import Actor, write_down
from hutong.webhooks.models import webhook_delivery
from hutong.webhooks.public import TEST_TYPE, heard_by
from hutong.webhooks.service import require_active
from hutong.webhooks.states import DELIVERY, DeliveryEvent, DeliveryState

#: Ids begin to rise here.
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: Messages of one replay; whoever has more asks again.
REPLAYED_MAX: Final = 1_000

#: Events that happened while nothing was kept for the endpoint.
_FETCH: Final = (
    "INSERT INTO webhook_delivery (merchant_id, endpoint_id, event_id, event_type, state, created_at, next_try_at) "
    "SELECT $1, $2::uuid, o.event_id, given.event_type, 'waiting', $3::timestamptz, $3::timestamptz FROM outbox o "
    "JOIN unnest($5::text[], $6::text[]) AS given(name, event_type) ON given.name = o.name "
    "WHERE o.merchant_id = $1 AND o.event_id >= $4 AND NOT EXISTS (SELECT FROM webhook_delivery d "
    "WHERE d.merchant_id = $1 AND d.endpoint_id = $2 AND d.event_id = o.event_id) "
    "ORDER BY o.event_id LIMIT $7 ON CONFLICT DO NOTHING RETURNING event_id"
)


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """How much goes out again. ``more``: there was more than goes at once; ask again."""

    failed_count: int  # had used up its tries
    missed_count: int  # happened while the endpoint was disabled or did not exist
    more: bool


async def replay_one(unit: Unit, actor: Actor, endpoint_id: UUID, event_id: UUID) -> None:
    """Send one message again, with the same id, whether it arrived or not; one that waits leaves now.

    Raises:
        NotFound: no such message. EndpointDisabled: nothing is sent to its endpoint.
    """
    await require_active(unit, endpoint_id)
    key = {"endpoint_id": endpoint_id, "event_id": event_id}
    now = unit.now()
    fresh = _afresh(now)
    if not await unit.transition(webhook_delivery, key, DELIVERY, DeliveryEvent.REPLAY, **fresh, by_hand=True):
        here = (
            webhook_delivery.c.merchant_id == unit.merchant_id,
            webhook_delivery.c.endpoint_id == endpoint_id,
            webhook_delivery.c.event_id == event_id,
        )
        if await unit.one(select(webhook_delivery.c.state).where(*here)) is None:
            raise NotFound(what="webhook message", key=str(event_id))
        # One that is under way just now leaves once more where this send does not arrive.
        sooner = func.least(webhook_delivery.c.next_try_at, now)
        waits = webhook_delivery.c.state == DeliveryState.WAITING.value
        await unit.run(update(webhook_delivery).where(*here, waits).values(next_try_at=sooner, by_hand=True))
    await write_down(unit, actor, "webhook.replay", f"webhook:{endpoint_id}:{event_id}")


async def replay_since(unit: Unit, actor: Actor, endpoint_id: UUID, since: datetime) -> Replayed:
    """Send again what was given up since a moment, and what happened since then and was never put on its way.

    Events are kept for 90 days (``db/housekeeping.py``); of older ones nothing can be told any more.

    Raises:
        NotFound: no such endpoint. EndpointDisabled: nothing is sent to it.
    """
    endpoint = await require_active(unit, endpoint_id)
    now, first = unit.now(), first_id(max(since, EPOCH))
    failed = await unit.all(
        select(webhook_delivery.c.event_id)
        .where(
            webhook_delivery.c.merchant_id == unit.merchant_id,
            webhook_delivery.c.endpoint_id == endpoint_id,
            webhook_delivery.c.state == DeliveryState.FAILED.value,
            webhook_delivery.c.event_type != TEST_TYPE,
            webhook_delivery.c.event_id >= first,
        )
        .order_by(webhook_delivery.c.event_id)
        .limit(REPLAYED_MAX)
        .with_for_update()
    )
    every = any_(literal([row.event_id for row in failed], ARRAY(Uuid)))
    key = {"endpoint_id": endpoint_id, "event_id": every}
    await unit.transition(webhook_delivery, key, DELIVERY, DeliveryEvent.REPLAY, **_afresh(now))
    pairs = [(name, public.name) for public in heard_by(endpoint.event_types) for name in public.stored_names]
    names, types = ([pair[side] for pair in pairs] for side in (0, 1))
    missed = await unit.fetch(_FETCH, unit.merchant_id, endpoint_id, now, first, names, types, REPLAYED_MAX)
    await write_down(unit, actor, "webhook.replay", f"webhook:{endpoint_id}")
    return Replayed(
        failed_count=len(failed),
        missed_count=len(missed),
        more=REPLAYED_MAX in (len(failed), len(missed)),
    )


def _afresh(now: datetime) -> dict[str, Any]:
    """A new schedule that begins at once."""
    return {"tries_count": 0, "next_try_at": now, "ended_at": None}
