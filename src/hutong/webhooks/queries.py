"""Reads for pages and the API: what is on its way, and what was answered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Row, Select, func, select

from hutong.core.errors import NotFound
from hutong.db.unit import Unit
from hutong.webhooks.models import webhook_attempt, webhook_delivery
from hutong.webhooks.states import DeliveryState

DELIVERIES_PER_PAGE_MAX: Final = 200
#: Of one message; a replay adds up to ten more.
ATTEMPTS_SHOWN_MAX: Final = 50


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One send. ``status`` 0: no answer, and ``trouble`` says why."""

    attempt_no: int
    attempted_at: datetime
    status: int
    trouble: str
    duration_ms: int
    answer: str


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """A message and where it stands; ``attempts`` newest first."""

    event_id: UUID
    event_type: str
    state: DeliveryState
    attempts_count: int
    created_at: datetime
    next_try_at: datetime | None
    ended_at: datetime | None
    attempts: tuple[Attempt, ...]


class DeliveriesPage(msgspec.Struct, frozen=True, kw_only=True):
    """Messages to one endpoint, newest first, of how many."""

    rows: tuple[Delivery, ...]
    total: int


async def deliveries_page(
    unit: Unit, endpoint_id: UUID, *, state: DeliveryState | None, limit: int, offset: int
) -> DeliveriesPage:
    """Messages to one endpoint with all their attempts."""
    here = [webhook_delivery.c.merchant_id == unit.merchant_id, webhook_delivery.c.endpoint_id == endpoint_id]
    if state is not None:
        here.append(webhook_delivery.c.state == state.value)
    total = await unit.scalar(select(func.count()).select_from(webhook_delivery).where(*here))
    rows = await unit.all(
        select(webhook_delivery)
        .where(*here)
        .order_by(webhook_delivery.c.event_id.desc())
        .limit(min(limit, DELIVERIES_PER_PAGE_MAX))
        .offset(offset)
    )
    attempts = await _attempts(unit, endpoint_id, [row.event_id for row in rows])
    return DeliveriesPage(rows=tuple(_delivery(row, attempts) for row in rows), total=int(total or 0))


async def one_delivery(unit: Unit, endpoint_id: UUID, event_id: UUID) -> Delivery:
    """One message.

    Raises:
        NotFound: there is none.
    """
    row = await unit.one(
        select(webhook_delivery).where(
            webhook_delivery.c.merchant_id == unit.merchant_id,
            webhook_delivery.c.endpoint_id == endpoint_id,
            webhook_delivery.c.event_id == event_id,
        )
    )
    if row is None:
        raise NotFound(what="webhook message", key=str(event_id))
    return _delivery(row, await _attempts(unit, endpoint_id, [event_id]))


async def counts_by_state(unit: Unit) -> dict[UUID, dict[DeliveryState, int]]:
    """How many messages of each endpoint stand where."""
    row = webhook_delivery.c
    found: dict[UUID, dict[DeliveryState, int]] = {}
    for one in await unit.all(_counted(unit, row.endpoint_id, row.state)):
        found.setdefault(one.endpoint_id, {})[DeliveryState(one.state)] = one.rows
    return found


async def counts_of(unit: Unit, endpoint_id: UUID) -> dict[DeliveryState, int]:
    """How many messages of one endpoint stand where; those of others are not looked at."""
    row = webhook_delivery.c
    rows = await unit.all(_counted(unit, row.state).where(row.endpoint_id == endpoint_id))
    return {DeliveryState(one.state): one.rows for one in rows}


def _counted(unit: Unit, *by: ColumnElement[Any]) -> Select[Any]:
    return (
        select(*by, func.count().label("rows")).where(webhook_delivery.c.merchant_id == unit.merchant_id).group_by(*by)
    )


def _delivery(row: Row[Any], attempts: dict[UUID, list[Attempt]]) -> Delivery:
    return Delivery(
        event_id=row.event_id,
        event_type=row.event_type,
        state=DeliveryState(row.state),
        attempts_count=row.attempts_count,
        created_at=row.created_at,
        next_try_at=row.next_try_at,
        ended_at=row.ended_at,
        attempts=tuple(attempts.get(row.event_id, ())),
    )


async def _attempts(unit: Unit, endpoint_id: UUID, event_ids: Sequence[UUID]) -> dict[UUID, list[Attempt]]:
    rows = await unit.all(
        select(webhook_attempt)
        .where(
            webhook_attempt.c.merchant_id == unit.merchant_id,
            webhook_attempt.c.endpoint_id == endpoint_id,
            webhook_attempt.c.event_id.in_(event_ids),
        )
        .order_by(webhook_attempt.c.event_id, webhook_attempt.c.attempt_no.desc())
        .limit(ATTEMPTS_SHOWN_MAX * max(len(event_ids), 1))
    )
    found: dict[UUID, list[Attempt]] = {}
    for row in rows:
        attempt = Attempt(
            attempt_no=row.attempt_no,
            attempted_at=row.attempted_at,
            status=row.status,
            trouble=row.trouble,
            duration_ms=row.duration_ms,
            answer=row.answer,
        )
        found.setdefault(row.event_id, []).append(attempt)
    return found
