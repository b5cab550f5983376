"""What is told to the merchant's own systems."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from hutong.core.events import Event
from hutong.db.unit import Unit
from hutong.webhooks import deliveries
from hutong.workflows.runtime import Runtime


async def tell(_runtime: Runtime, unit: Unit, told: Sequence[tuple[UUID, Event]]) -> None:
    """The events are on their way to every endpoint that hears them."""
    await deliveries.queue(unit, told)
