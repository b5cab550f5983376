"""What came of sends, and what follows for the messages and their endpoint."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import ARRAY, Row, Uuid, any_, literal, select, update

from hutong.db.bulk import insert_rows
from hutong.db.unit import Unit
from hutong.transport.outward import Told
from hutong.webhooks.deliveries import Claimed
from hutong.webhooks.models import webhook_attempt, webhook_delivery, webhook_endpoint
from hutong.webhooks.public import TEST_TYPE
from hutong.webhooks.schedule import ATTEMPTS_MAX, AWAY, CLAIM, TELL_AFTER, wait_after
from hutong.webhooks.service import close_endpoint
from hutong.webhooks.states import DELIVERY, DeliveryEvent, DisabledBecause
from hutong.webhooks.troubles import tell_disabled, tell_failed, tell_failing

#: The answer that says: never again.
GONE: Final = 410
OK_FIRST: Final = 200
OK_LAST: Final = 299

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


async def record(unit: Unit, endpoint_id: UUID, sent: Sequence[Sent]) -> None:
    """Write down what came of sends to one endpoint that were under way together, and let follow what must."""
    here = (webhook_endpoint.c.merchant_id == unit.merchant_id, webhook_endpoint.c.endpoint_id == endpoint_id)
    endpoint = await unit.one(select(webhook_endpoint).where(*here).with_for_update())
    if endpoint is None:
        return
    await _keep_attempts(unit, endpoint_id, sent)
    arrived = [one.claimed.event_id for one in sent if one.arrived]
    if arrived:
        await _arrived(unit, endpoint, arrived)
    for one in sent:
        if not one.arrived:
            await _not_arrived(unit, endpoint, one, others_did=bool(arrived))


async def _keep_attempts(unit: Unit, endpoint_id: UUID, sent: Sequence[Sent]) -> None:
    kept = [(one.claimed, one.told) for one in sent if one.told is not None]
    columns: dict[str, list[Any]] = {
        "endpoint_id": [endpoint_id] * len(kept),
        "event_id": [claimed.event_id for claimed, _ in kept],
        "attempt_no": [claimed.attempt_no for claimed, _ in kept],
        "status": [told.status for _, told in kept],
        "trouble": ["" if told.trouble is None else told.trouble.value for _, told in kept],
        "answer": [told.answer for _, told in kept],
        "duration_ms": [told.duration_ms for _, told in kept],
        "attempted_at": [unit.now()] * len(kept),
    }
    await insert_rows(unit, webhook_attempt, columns, once=True)


async def _arrived(unit: Unit, endpoint: Row[Any], event_ids: Sequence[UUID]) -> None:
    now = unit.now()
    every = any_(literal(list(event_ids), ARRAY(Uuid)))
    await _end(unit, endpoint.endpoint_id, every, DeliveryEvent.ARRIVE)
    await _change(unit, endpoint, last_success_at=now, failing_since_at=None)
    if endpoint.failing_since_at is not None and now - endpoint.failing_since_at >= AWAY:
        await unit.fetch(_LEAVE_NOW, unit.merchant_id, endpoint.endpoint_id, now, now + CLAIM, ATTEMPTS_MAX)


async def _not_arrived(unit: Unit, endpoint: Row[Any], sent: Sent, *, others_did: bool) -> None:
    claimed, told = sent.claimed, sent.told
    if told is None or claimed.event_type == TEST_TYPE:
        await _end(unit, endpoint.endpoint_id, claimed.event_id, DeliveryEvent.GIVE_UP)
    elif told.status == GONE:
        await _end(unit, endpoint.endpoint_id, claimed.event_id, DeliveryEvent.GIVE_UP)
        await _leave(unit, endpoint, DisabledBecause.GONE)
    else:
        gap = wait_after(claimed.tries_count)
        if gap is not None:
            await _wait(unit, endpoint.endpoint_id, claimed, unit.now() + gap)
        else:
            await _give_up(unit, endpoint, claimed, others_did=others_did)
        if not others_did:
            await _is_failing(unit, endpoint)


async def _give_up(unit: Unit, endpoint: Row[Any], claimed: Claimed, *, others_did: bool) -> None:
    """A person is told; an endpoint that took nothing since the first try of this message is left alone."""
    if not await _end(unit, endpoint.endpoint_id, claimed.event_id, DeliveryEvent.GIVE_UP):
        return
    last_at = endpoint.last_success_at
    if others_did or (last_at is not None and last_at >= claimed.tried_since_at):
        await tell_failed(unit, endpoint, claimed.event_id, claimed.event_type)
    else:
        await _leave(unit, endpoint, DisabledBecause.FAILING)


async def _leave(unit: Unit, endpoint: Row[Any], because: DisabledBecause) -> None:
    if await close_endpoint(unit, endpoint.endpoint_id, because):
        await tell_disabled(unit, endpoint, because)


async def _is_failing(unit: Unit, endpoint: Row[Any]) -> None:
    now = unit.now()
    if endpoint.failing_since_at is None:
        await _change(unit, endpoint, failing_since_at=now)
    elif now - endpoint.failing_since_at >= TELL_AFTER:
        await tell_failing(unit, endpoint)


async def _change(unit: Unit, endpoint: Row[Any], **values: datetime | None) -> None:
    await unit.run(
        update(webhook_endpoint)
        .where(
            webhook_endpoint.c.merchant_id == unit.merchant_id,
            webhook_endpoint.c.endpoint_id == endpoint.endpoint_id,
        )
        .values(**values)
    )


async def _wait(unit: Unit, endpoint_id: UUID, claimed: Claimed, next_try_at: datetime) -> None:
    await unit.run(
        update(webhook_delivery)
        .where(
            webhook_delivery.c.merchant_id == unit.merchant_id,
            webhook_delivery.c.endpoint_id == endpoint_id,
            webhook_delivery.c.event_id == claimed.event_id,
            webhook_delivery.c.state.in_([state.value for state in DELIVERY.sources(DeliveryEvent.GIVE_UP)]),
            webhook_delivery.c.attempts_count == claimed.attempt_no,  # nobody has taken it since
        )
        .values(next_try_at=next_try_at)
    )


async def _end(unit: Unit, endpoint_id: UUID, event_id: Any, event: DeliveryEvent) -> bool:  # noqa: ANN401 (one or any)
    key = {"endpoint_id": endpoint_id, "event_id": event_id}
    return await unit.transition(webhook_delivery, key, DELIVERY, event, next_try_at=None, ended_at=unit.now())
