"""What must hold for webhooks: what happened is on its way to everybody who asked for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from sqlalchemy import ARRAY, Text, and_, cast, exists, literal, or_, select, values
from sqlalchemy.sql.expression import column

from hutong.core.ids import first_id
from hutong.db.checks import Breach, breaches, over_whole_tables
from hutong.db.tables import outbox, undelivered
from hutong.db.unit import Unit
from hutong.webhooks.models import webhook_attempt, webhook_delivery, webhook_endpoint
from hutong.webhooks.public import PUBLIC, patterns_of
from hutong.webhooks.states import DeliveryState, EndpointState

#: A younger event may still be on its way from the outbox.
SETTLED_AFTER: Final = timedelta(hours=1)
#: Events told while an endpoint was being made or changed may or may not be for it.
SUBSCRIBED_FOR: Final = timedelta(minutes=1)
#: Beyond this nobody looks: events are forgotten after 90 days, and the check reads what is left of them.
LOOKED_BACK: Final = timedelta(days=80)


@over_whole_tables
async def check(unit: Unit) -> list[Breach]:
    """Deliveries of one merchant that are missing or cannot be true."""
    return [
        *await _everything_is_queued(unit),
        *await _states_are_their_times(unit),
        *await _attempts_are_counted(unit),
    ]


async def _everything_is_queued(unit: Unit) -> list[Breach]:
    """Each public event has a delivery for each active endpoint that hears it, and heard it already then."""
    told = outbox.c
    endpoint = webhook_endpoint.c
    active = (endpoint.merchant_id == unit.merchant_id, endpoint.state == EndpointState.ACTIVE.value)
    if await unit.one(select(endpoint.endpoint_id).where(*active).limit(1)) is None:
        return []
    rows = [(name, list(patterns_of(public.name))) for public in PUBLIC for name in public.stored_names]
    public = values(column("name", Text), column("patterns", ARRAY(Text)), name="public").data(rows)
    now = unit.now()
    queued = exists().where(
        webhook_delivery.c.merchant_id == unit.merchant_id,
        webhook_delivery.c.endpoint_id == endpoint.endpoint_id,
        webhook_delivery.c.event_id == told.event_id,
    )
    on_its_way = exists().where(undelivered.c.merchant_id == unit.merchant_id, undelivered.c.event_id == told.event_id)
    statement = (
        select(told.event_id, told.name + literal(" has no delivery to ") + cast(endpoint.endpoint_id, Text))
        .select_from(
            outbox.join(public, public.c.name == told.name).join(
                webhook_endpoint, endpoint.event_types.op("&&")(public.c.patterns)
            )
        )
        .where(
            told.merchant_id == unit.merchant_id,
            *active,
            told.event_id >= first_id(now - LOOKED_BACK),
            told.occurred_at < now - SETTLED_AFTER,
            told.occurred_at > endpoint.subscribed_at + SUBSCRIBED_FOR,
            ~queued,
            ~on_its_way,
        )
    )
    return await breaches(unit, "webhooks.event_is_queued", statement)


async def _states_are_their_times(unit: Unit) -> list[Breach]:
    """What waits has a next try, what ended has an end."""
    row = webhook_delivery.c
    waits = row.state == DeliveryState.WAITING.value
    wrong = or_(
        and_(waits, or_(row.next_try_at.is_(None), row.ended_at.is_not(None))),
        and_(~waits, or_(row.next_try_at.is_not(None), row.ended_at.is_(None))),
    )
    statement = select(row.event_id, row.state).where(row.merchant_id == unit.merchant_id, wrong)
    return await breaches(unit, "webhooks.state_is_its_times", statement)


async def _attempts_are_counted(unit: Unit) -> list[Breach]:
    """What arrived has an attempt that says so."""
    row, attempt = webhook_delivery.c, webhook_attempt.c
    arrived = exists().where(
        attempt.merchant_id == unit.merchant_id,
        attempt.endpoint_id == row.endpoint_id,
        attempt.event_id == row.event_id,
        attempt.status.between(200, 299),
    )
    detail = cast(row.attempts_count, Text) + literal(" attempts, none of which arrived")
    statement = select(row.event_id, detail).where(
        row.merchant_id == unit.merchant_id, row.state == DeliveryState.DELIVERED.value, ~arrived
    )
    return await breaches(unit, "webhooks.arrival_has_attempt", statement)
