"""Events on their way to endpoints: queued beside the outbox, and claimed for one send."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, select

from hutong.core.events import Event
from hutong.db.tables import outbox
from hutong.db.unit import Unit
from hutong.events import CATALOGUE
from hutong.webhooks.models import webhook_delivery, webhook_endpoint
from hutong.webhooks.public import BY_EVENT, TEST_TYPE, message_of, patterns_of, test_message
from hutong.webhooks.schedule import CLAIM
from hutong.webhooks.service import require_active
from hutong.webhooks.states import DeliveryState, EndpointState

log = logging.getLogger("hutong.webhooks")

# The key of a delivery makes it one, however often its event comes by: no other mark is kept. An endpoint hears what
# one of its patterns names (`patterns_of`): three for each event, given as three lists.
_QUEUE: Final = (
    "INSERT INTO webhook_delivery (merchant_id, endpoint_id, event_id, event_type, state, created_at, next_try_at) "
    "SELECT $1, e.endpoint_id, given.event_id, given.itself, 'waiting', $2::timestamptz, $2::timestamptz "
    "FROM webhook_endpoint e CROSS JOIN unnest($3::uuid[], $4::text[], $5::text[], $6::text[]) "
    "AS given(event_id, everything, in_group, itself) WHERE e.merchant_id = $1 AND e.state = 'active' "
    "AND e.event_types && ARRAY[given.everything, given.in_group, given.itself] "
    "ON CONFLICT DO NOTHING RETURNING event_id"
)


def _claim(which: str, order: str) -> str:
    """Take some messages for the time of a claim. Nothing is counted here: a send that never ends costs no try."""
    return (
        "WITH chosen AS (SELECT event_id FROM webhook_delivery WHERE merchant_id = $1 AND endpoint_id = $2 "  # noqa: S608
        f"AND state = 'waiting' AND {which} AND next_try_at <= $3 ORDER BY {order} LIMIT $5 FOR UPDATE SKIP LOCKED) "
        "UPDATE webhook_delivery d SET next_try_at = $4 FROM chosen "
        "WHERE d.merchant_id = $1 AND d.endpoint_id = $2 AND d.event_id = chosen.event_id "
        "RETURNING d.event_id, d.event_type, d.created_at"
    )


#: What somebody asked for goes before all others.
_BY_HAND: Final = _claim("by_hand", "next_try_at, event_id")
_OLDEST: Final = _claim("true", "next_try_at, event_id")
#: An endpoint that fails is asked with what became due last: one message that nobody takes does not hold up the rest,
#: and of a long line only few have spent tries when it answers again.
_NEWEST: Final = _claim("true", "next_try_at DESC, event_id DESC")


class Claimed(msgspec.Struct, frozen=True, kw_only=True):
    """One message that is ours to send until a moment. ``body`` is None where its event was forgotten meanwhile."""

    event_id: UUID
    event_type: str
    until_at: datetime
    body: bytes | None


class Sending(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be sent to an endpoint, and with which sealed secrets."""

    endpoint_id: UUID
    url: str
    sealed_secrets: tuple[bytes, ...]
    claimed: tuple[Claimed, ...]


async def queue(unit: Unit, told: Sequence[tuple[UUID, Event]]) -> int:
    """Put events on their way to every endpoint that hears them, in one statement; how many deliveries were new."""
    heard = [(event_id, *patterns_of(BY_EVENT[event.name].name)) for event_id, event in told if event.name in BY_EVENT]
    if not heard:
        return 0
    columns = [list(column) for column in zip(*heard, strict=True)]
    return len(await unit.fetch(_QUEUE, unit.merchant_id, unit.now(), *columns))


async def queue_test(unit: Unit, endpoint_id: UUID) -> UUID:
    """A message that only tries the endpoint out, once.

    Raises:
        NotFound. EndpointDisabled: nothing is sent to it.
    """
    await require_active(unit, endpoint_id)
    event_id, now = unit.new_id(), unit.now()
    await unit.insert(
        webhook_delivery,
        endpoint_id=endpoint_id,
        event_id=event_id,
        event_type=TEST_TYPE,
        state=DeliveryState.WAITING.value,
        by_hand=True,
        created_at=now,
        next_try_at=now,
    )
    return event_id


async def claim(unit: Unit, endpoint_id: UUID, limit: int) -> Sending | None:
    """Take the messages of an endpoint that are due, for one send each; None where there is nothing to send.

    Nobody else sends them for the time of a claim; whoever dies with them leaves them to be sent again.
    """
    here = (webhook_endpoint.c.merchant_id == unit.merchant_id, webhook_endpoint.c.endpoint_id == endpoint_id)
    row = await unit.one(select(webhook_endpoint).where(*here))
    if row is None or row.state != EndpointState.ACTIVE.value:
        return None
    now = unit.now()
    for chosen in (_BY_HAND, _OLDEST if row.failing_since_at is None else _NEWEST):
        found = await unit.fetch(chosen, unit.merchant_id, endpoint_id, now, now + CLAIM, limit)
        if found:
            break
    else:
        return None
    bodies = await _bodies(unit, [one.event_id for one in found])
    unreadable = {event_id for event_id, body in bodies.items() if body is None}
    claimed = tuple(
        Claimed(
            event_id=one.event_id,
            event_type=one.event_type,
            until_at=now + CLAIM,
            body=test_message(
                event_id=one.event_id, endpoint_id=endpoint_id, sent_at=one.created_at, merchant_id=unit.merchant_id
            )
            if one.event_type == TEST_TYPE
            else bodies.get(one.event_id),
        )
        for one in sorted(found, key=lambda one: one.event_id)
        if one.event_id not in unreadable  # its claim ends by itself, and it waits for a newer process
    )
    return Sending(endpoint_id=endpoint_id, url=row.url, sealed_secrets=_secrets(row, now), claimed=claimed)


async def _bodies(unit: Unit, event_ids: Sequence[UUID]) -> dict[UUID, bytes | None]:
    """The messages of stored events; None for one that this version cannot read. What is forgotten is left out."""
    rows = await unit.all(
        select(outbox).where(outbox.c.merchant_id == unit.merchant_id, outbox.c.event_id.in_(event_ids))
    )
    found: dict[UUID, bytes | None] = {}
    for row in rows:
        try:
            event = CATALOGUE.decode(row.name, row.version, row.body)
            found[row.event_id] = message_of(
                BY_EVENT[event.name],
                event,
                event_id=row.event_id,
                occurred_at=row.occurred_at,
                merchant_id=unit.merchant_id,
            )
        except (KeyError, UnicodeDecodeError, RecursionError, msgspec.MsgspecError) as error:
            log.warning("the event %s, version %s, cannot be told (%s)", row.name, row.version, type(error).__name__)
            found[row.event_id] = None
    return found


def _secrets(endpoint: Row[Any], now: datetime) -> tuple[bytes, ...]:
    """The newest first; the old one while it is valid."""
    until_at = endpoint.old_secret_until_at
    if endpoint.old_secret is None or until_at is None or until_at <= now:
        return (endpoint.secret,)
    return (endpoint.secret, endpoint.old_secret)
