"""Reads for tickets, connections and staff."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, func, select

from hutong.db.unit import Unit
from hutong.merchants.models import api_key, connection, merchant, staff, ticket

PAGE_ROWS_MAX: Final = 200
#: A severity of ``tickets``; what needs somebody now stands first.
URGENT: Final = "urgent"
ROWS_MAX: Final = 200


class TicketRow(msgspec.Struct, frozen=True, kw_only=True):
    """Something a person has to look at; ``details`` fill the texts of its kind and hold no personal data."""

    ticket_id: UUID
    kind: str
    severity: str
    subject_kind: str
    subject_id: str
    details: dict[str, Any]
    state: str
    opened_at: datetime
    resolved_at: datetime | None


class TicketSlice(msgspec.Struct, frozen=True, kw_only=True):
    """A page of tickets and how many there are in all."""

    rows: tuple[TicketRow, ...]
    total: int


class ConnectionRow(msgspec.Struct, frozen=True, kw_only=True):
    """An authorised account on a platform, without its credentials."""

    connection_id: UUID
    platform: str
    mode: str
    title: str
    created_at: datetime


class KeyRow(msgspec.Struct, frozen=True, kw_only=True):
    """An API key, by name; the key itself is not kept."""

    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    revoked_at: datetime | None


class MerchantRow(msgspec.Struct, frozen=True, kw_only=True):
    """The merchant himself."""

    name: str
    currency: str
    timezone: str


async def this_merchant(unit: Unit) -> MerchantRow:
    """The merchant of this unit."""
    row = await unit.one(select(merchant).where(merchant.c.merchant_id == unit.merchant_id))
    assert row is not None, "a unit belongs to a merchant that exists"
    return MerchantRow(name=row.name, currency=row.currency, timezone=row.timezone)


async def open_ticket_count(unit: Unit) -> int:
    """How many tickets wait."""
    statement = select(func.count()).select_from(ticket)
    return int(
        await unit.scalar(statement.where(ticket.c.merchant_id == unit.merchant_id, ticket.c.state == "open")) or 0
    )


async def tickets_page(unit: Unit, *, state: str, limit: int, offset: int) -> TicketSlice:
    """Tickets of a state: the urgent ones first, each kind of urgency with the newest first."""
    conditions = (ticket.c.merchant_id == unit.merchant_id, ticket.c.state == state)
    total = await unit.scalar(select(func.count()).select_from(ticket).where(*conditions))
    statement = (
        select(ticket)
        .where(*conditions)
        .order_by(ticket.c.severity != URGENT, ticket.c.opened_at.desc(), ticket.c.ticket_id.desc())
        .limit(min(limit, PAGE_ROWS_MAX))
        .offset(offset)
    )
    return TicketSlice(rows=tuple(_ticket(row) for row in await unit.all(statement)), total=int(total or 0))


async def tickets_about(unit: Unit, subject_kind: str, subject_id: str) -> tuple[TicketRow, ...]:
    """Tickets about one thing, the newest first."""
    statement = (
        select(ticket)
        .where(ticket.c.merchant_id == unit.merchant_id)
        .where(ticket.c.subject_kind == subject_kind, ticket.c.subject_id == subject_id)
        .order_by(ticket.c.opened_at.desc(), ticket.c.ticket_id.desc())
        .limit(PAGE_ROWS_MAX)
    )
    return tuple(_ticket(row) for row in await unit.all(statement))


async def one_ticket(unit: Unit, ticket_id: UUID) -> TicketRow | None:
    """One ticket of this merchant, or None."""
    row = await unit.one(
        select(ticket).where(ticket.c.merchant_id == unit.merchant_id, ticket.c.ticket_id == ticket_id)
    )
    return None if row is None else _ticket(row)


def _ticket(row: Row[Any]) -> TicketRow:
    return TicketRow(
        ticket_id=row.ticket_id,
        kind=row.kind,
        severity=row.severity,
        subject_kind=row.subject_kind,
        subject_id=row.subject_id,
        details=dict(row.details),
        state=row.state,
        opened_at=row.opened_at,
        resolved_at=row.resolved_at,
    )


async def connections(unit: Unit) -> tuple[ConnectionRow, ...]:
    """All connections of the merchant."""
    statement = select(connection).where(connection.c.merchant_id == unit.merchant_id)
    return tuple(
        ConnectionRow(
            connection_id=row.connection_id,
            platform=row.platform,
            mode=row.mode,
            title=row.title,
            created_at=row.created_at,
        )
        for row in await unit.all(statement.order_by(connection.c.platform, connection.c.created_at).limit(ROWS_MAX))
    )


async def staff_names(unit: Unit) -> dict[str, str]:
    """Names of people by how they are written down where they did something (see ``actors``)."""
    statement = select(staff.c.staff_id, staff.c.name).where(staff.c.merchant_id == unit.merchant_id).limit(ROWS_MAX)
    return {f"staff:{row.staff_id}": row.name for row in await unit.all(statement)}


async def api_keys(unit: Unit) -> tuple[KeyRow, ...]:
    """All API keys, the newest first."""
    statement = select(api_key).where(api_key.c.merchant_id == unit.merchant_id)
    return tuple(
        KeyRow(name=row.name, scopes=tuple(row.scopes), created_at=row.created_at, revoked_at=row.revoked_at)
        for row in await unit.all(statement.order_by(api_key.c.created_at.desc()).limit(ROWS_MAX))
    )
