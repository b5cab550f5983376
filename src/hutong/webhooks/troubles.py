"""What a person is told of endpoints; each trouble once."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row

from hutong.db.unit import Unit
from hutong.merchants.days import today_here
from hutong.merchants.tickets import Severity, TicketKind, open_ticket
from hutong.webhooks.states import DisabledBecause

SUBJECT: Final = "webhook"


async def tell_failing(unit: Unit, endpoint: Row[Any], since_at: datetime) -> None:
    """Nothing has arrived since a while ago; it is tried on."""
    await _tell(unit, endpoint, TicketKind.WEBHOOK_FAILING, Severity.NORMAL, since_at.isoformat(), {})


async def tell_disabled(unit: Unit, endpoint: Row[Any], because: DisabledBecause) -> None:
    """Nothing is sent any more."""
    details = {"because": because.value}
    await _tell(unit, endpoint, TicketKind.WEBHOOK_DISABLED, Severity.URGENT, unit.now().isoformat(), details)


async def tell_failed(unit: Unit, endpoint: Row[Any], event_id: UUID, event_type: str) -> None:
    """One message was not taken, however often it was sent; others arrived. Told once a day for each endpoint."""
    details = {"event_id": str(event_id), "event_type": event_type}
    day = (await today_here(unit)).isoformat()
    await _tell(unit, endpoint, TicketKind.WEBHOOK_FAILED, Severity.NORMAL, day, details)


async def _tell(
    unit: Unit, endpoint: Row[Any], kind: TicketKind, severity: Severity, once_for: str, details: dict[str, str]
) -> None:
    await open_ticket(
        unit,
        kind,
        severity,
        subject=(SUBJECT, str(endpoint.endpoint_id)),
        details={"title": endpoint.title, **details},
        dedupe_key=f"{endpoint.endpoint_id.hex}:{once_for}",
    )
