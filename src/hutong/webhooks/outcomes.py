"""What came of sends, and what follows for the messages and their endpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, cast
from uuid import UUID

import msgspec
from sqlalchemy import ARRAY, Row, Uuid, any_, literal, select, update

from hutong.db.bulk import insert_rows
from hutong.db.unit import Unit
from hutong.transport.outward import Told
from hutong.webhooks.deliveries import Claimed
from hutong.webhooks.models import webhook_attempt, webhook_delivery, webhook_endpoint
from hutong.webhooks.public import TEST_TYPE
from hutong.webhooks.schedule import (
    APART_MAX,
    ATTEMPTS_MAX,
    AWAY,
    CLAIM,
    CLOSE_AFTER,
    SLOW_MS,
    TELL_AFTER,
    TRIES_MAX,
    rest_after,
    wait_after,
)
from hutong.webhooks.service import close_endpoint
from hutong.webhooks.states import DELIVERY, DeliveryEvent, DisabledBecause
from hutong.webhooks.troubles import tell_disabled, tell_failed, tell_failing

#: The answer that says: never again.
GONE: Final = 410
OK_FIRST: Final = 200
OK_LAST: Final = 299

#: A send that is over, whatever came of it.
_COUNT: Final = (
    "UPDATE webhook_delivery SET attempts_count = attempts_count + 1, tries_count = tries_count + 1 "
    "WHERE merchant_id = $1 AND endpoint_id = $2 AND event_id = ANY($3::uuid[]) "
    "RETURNING event_id, attempts_count, tries_count"
)
#: An endpoint is back: what waits for it leaves now, and gets the try back that it would have cost.
_LEAVE_NOW: Final = (
    "UPDATE webhook_delivery SET next_try_at = $3, tries_count = greatest(tries_count - 1, 0) "
    "WHERE merchant_id = $1 AND endpoint_id = $2 AND state = 'waiting' AND next_try_at > $4 AND attempts_count < $5"
)


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """One send that is over. ``told`` is None where there was nothing to send: the event is forgotten."""

    claimed: Claimed
    told: Told | None

    @property
    def arrived(self) -> bool:
        """Whether it was taken."""
        return self.told is not None and OK_FIRST <= self.told.status <= OK_LAST

    @property
    def says_never(self) -> bool:
        """Whether the endpoint wants nothing any more. Of a message that only tries it out that is not believed."""
        return self._is_event and self.told is not None and self.told.status == GONE

    @property
    def is_tried_again(self) -> bool:
        """Whether it goes on by its schedule."""
        return self._is_event and self.told is not None and not self.arrived and not self.says_never

    @property
    def slow(self) -> bool:
        """Whether the answer, or its absence, took long."""
        return self.told is not None and self.told.duration_ms >= SLOW_MS

    @property
    def _is_event(self) -> bool:
        return self.claimed.event_type != TEST_TYPE


async def record(unit: Unit, endpoint_id: UUID, sent: Sequence[Sent]) -> None:
    """Write down what came of sends to one endpoint that were under way together, and let follow what must."""
    here = (webhook_endpoint.c.merchant_id == unit.merchant_id, webhook_endpoint.c.endpoint_id == endpoint_id)
    endpoint = await unit.one(select(webhook_endpoint).where(*here).with_for_update())
    if endpoint is None:
        return
    tries = await _keep_attempts(unit, endpoint_id, [one for one in sent if one.told is not None])
    arrived = [one.claimed.event_id for one in sent if one.arrived]
    if arrived:
        await _end(unit, endpoint_id, any_(literal(arrived, ARRAY(Uuid))), DeliveryEvent.ARRIVE)
    used_up = [one for one in sent if not one.arrived and await _was_last(unit, endpoint_id, one, tries)]
    since_at = _failing_since(unit, endpoint, sent)
    await _keep_health(unit, endpoint_id, sent, since_at)
    if arrived:
        await _is_back(unit, endpoint)
    if any(one.says_never for one in sent):
        await _leave(unit, endpoint, DisabledBecause.GONE)
    elif since_at is not None and unit.now() - since_at >= CLOSE_AFTER:
        await _leave(unit, endpoint, DisabledBecause.FAILING)
    else:
        for one in used_up:
            await tell_failed(unit, endpoint, one.claimed.event_id, one.claimed.event_type)
        if since_at is not None and unit.now() - since_at >= TELL_AFTER:
            await tell_failing(unit, endpoint, since_at)


async def _keep_attempts(unit: Unit, endpoint_id: UUID, sent: Sequence[Sent]) -> dict[UUID, int]:
    """Count and keep the sends; how many tries of its schedule each message has had."""
    told = {one.claimed.event_id: one.told for one in sent if one.told is not None}
    counted = await unit.fetch(_COUNT, unit.merchant_id, endpoint_id, list(told))
    kept = [(row.event_id, row.attempts_count, told[row.event_id]) for row in counted]
    columns: dict[str, list[Any]] = {
        "endpoint_id": [endpoint_id] * len(kept),
        "event_id": [event_id for event_id, _, _ in kept],
        "attempt_no": [attempt_no for _, attempt_no, _ in kept],
        "status": [one.status for _, _, one in kept],
        "trouble": ["" if one.trouble is None else one.trouble.value for _, _, one in kept],
        "answer": [one.answer for _, _, one in kept],
        "duration_ms": [one.duration_ms for _, _, one in kept],
        "attempted_at": [unit.now()] * len(kept),
    }
    await insert_rows(unit, webhook_attempt, columns)
    return {row.event_id: row.tries_count for row in counted}


async def _was_last(unit: Unit, endpoint_id: UUID, sent: Sent, tries: Mapping[UUID, int]) -> bool:
    """Let what did not arrive wait for its next try, or give it up; whether it had used up its schedule."""
    event_id = sent.claimed.event_id
    gap = wait_after(tries.get(event_id, TRIES_MAX)) if sent.is_tried_again else None
    if gap is not None:
        await _wait(unit, endpoint_id, sent.claimed, unit.now() + gap)
        return False
    return await _end(unit, endpoint_id, event_id, DeliveryEvent.GIVE_UP) and sent.is_tried_again


def _failing_since(unit: Unit, endpoint: Row[Any], sent: Sequence[Sent]) -> datetime | None:
    """Since when the endpoint takes nothing, after a round in which it took nothing; otherwise None.

    Where nothing was sent for longer than any schedule waits (the hub was off, or nothing happened), it begins now.
    """
    if any(one.arrived for one in sent) or not any(one.is_tried_again for one in sent):
        return None
    now, since_at, served_at = unit.now(), endpoint.failing_since_at, endpoint.served_at
    if since_at is None or served_at is None or now - served_at > APART_MAX:
        return now
    return cast("datetime", since_at)


async def _keep_health(unit: Unit, endpoint_id: UUID, sent: Sequence[Sent], since_at: datetime | None) -> None:
    now = unit.now()
    changes: dict[str, Any] = {"served_at": now}
    if any(one.told is not None for one in sent):
        changes["is_slow"] = any(one.slow for one in sent)
    if any(one.arrived for one in sent):
        changes |= {"last_success_at": now, "failing_since_at": None, "rests_until_at": None}
    elif since_at is not None:
        changes |= {"failing_since_at": since_at, "rests_until_at": now + rest_after(now - since_at)}
    await unit.run(
        update(webhook_endpoint)
        .where(webhook_endpoint.c.merchant_id == unit.merchant_id, webhook_endpoint.c.endpoint_id == endpoint_id)
        .values(**changes)
    )


async def _is_back(unit: Unit, endpoint: Row[Any]) -> None:
    """After an absence all that waits leaves."""
    now = unit.now()
    if endpoint.failing_since_at is not None and now - endpoint.failing_since_at >= AWAY:
        await unit.fetch(_LEAVE_NOW, unit.merchant_id, endpoint.endpoint_id, now, now + CLAIM, ATTEMPTS_MAX)


async def _leave(unit: Unit, endpoint: Row[Any], because: DisabledBecause) -> None:
    if await close_endpoint(unit, endpoint.endpoint_id, because):
        await tell_disabled(unit, endpoint, because)


async def _wait(unit: Unit, endpoint_id: UUID, claimed: Claimed, next_try_at: datetime) -> None:
    await unit.run(
        update(webhook_delivery)
        .where(
            webhook_delivery.c.merchant_id == unit.merchant_id,
            webhook_delivery.c.endpoint_id == endpoint_id,
            webhook_delivery.c.event_id == claimed.event_id,
            webhook_delivery.c.state.in_([state.value for state in DELIVERY.sources(DeliveryEvent.GIVE_UP)]),
            webhook_delivery.c.next_try_at == claimed.until_at,  # nobody has taken it since
        )
        .values(next_try_at=next_try_at, by_hand=False)
    )


async def _end(unit: Unit, endpoint_id: UUID, event_id: Any, event: DeliveryEvent) -> bool:  # noqa: ANN401 (one or any)
    key = {"endpoint_id": endpoint_id, "event_id": event_id}
    ended = {"next_try_at": None, "ended_at": unit.now(), "by_hand": False}
    return await unit.transition(webhook_delivery, key, DELIVERY, event, **ended)
