"""Whether the pages that links lead to answer: which to look at, what came of it, and when a person is told."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import and_, or_, select
from sqlalchemy.dialects.postgresql import insert

from hutong.db.unit import Unit
from hutong.links.guard_models import link_health
from hutong.links.guard_states import LinkState
from hutong.links.models import link
from hutong.merchants.tickets import Severity, TicketKind, close_tickets, open_ticket

#: The job that looks at a merchant's destinations, a round at a time.
CHECK_DESTINATIONS: Final = "links.check_destinations"
#: One destination is looked at once in so long.
LOOK_GAP: Final = timedelta(hours=12)
ROUND_LINKS_MAX: Final = 100
#: Looks in a row after which a destination is broken rather than slow for once.
BROKEN_AFTER: Final = 2
HEALTH_READ_MAX: Final = 200


class Outcome(StrEnum):
    """What a look says."""

    OK = "ok"
    BROKEN = "broken"
    UNCLEAR = "unclear"  # a platform shows its page to no program, or our own line is down


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one look. ``status`` 0: no answer."""

    outcome: Outcome
    status: int = 0
    trouble: str = ""


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A link whose destination is to be looked at."""

    link_id: UUID
    code: str
    title: str
    url: str


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """How a link's destination fares. ``broken_since_at``: no look since then has found it well."""

    outcome: Outcome
    status: int
    trouble: str
    failures: int
    broken_since_at: datetime | None
    checked_at: datetime


async def due_links(unit: Unit) -> tuple[Due, ...]:
    """Links to pages that were not looked at for LOOK_GAP, those that wait longest first; our own desk is none."""
    seen = and_(
        link_health.c.merchant_id == link.c.merchant_id,
        link_health.c.link_id == link.c.link_id,
        link_health.c.url == link.c.url,
    )
    statement = (
        select(link.c.link_id, link.c.code, link.c.title, link.c.url)
        .outerjoin(link_health, seen)
        .where(
            link.c.merchant_id == unit.merchant_id,
            link.c.url.is_not(None),
            link.c.state == LinkState.ACTIVE.value,
            or_(link.c.expires_at.is_(None), link.c.expires_at > unit.now()),
            or_(link_health.c.checked_at.is_(None), link_health.c.checked_at <= unit.now() - LOOK_GAP),
        )
        .order_by(link_health.c.checked_at.nulls_first(), link.c.link_id)
        .limit(ROUND_LINKS_MAX)
    )
    rows = await unit.all(statement)
    return tuple(Due(link_id=row.link_id, code=row.code, title=row.title, url=row.url) for row in rows)


async def record_look(unit: Unit, due: Due, look: Look) -> None:
    """Keep what a look said; the second in a row that finds it broken tells a person, one that finds it well takes that
    back, and one that says nothing changes neither.
    """
    held = select(link_health).where(
        link_health.c.merchant_id == unit.merchant_id,
        link_health.c.link_id == due.link_id,
        link_health.c.url == due.url,
    )
    before = await unit.one(held.with_for_update())
    failures, since_at = (0, None) if before is None else (before.failures, before.broken_since_at)
    if look.outcome is Outcome.OK:
        failures, since_at = 0, None
    elif look.outcome is Outcome.BROKEN:
        failures, since_at = failures + 1, since_at or unit.now()
    values = {
        "url": due.url,
        "outcome": look.outcome.value,
        "answer": look.status,
        "trouble": look.trouble,
        "failures": failures,
        "broken_since_at": since_at,
        "checked_at": unit.now(),
    }
    statement = insert(link_health).values(merchant_id=unit.merchant_id, link_id=due.link_id, **values)
    await unit.run(statement.on_conflict_do_update(index_elements=["merchant_id", "link_id"], set_=values))
    if look.outcome is Outcome.OK:
        await close_tickets(unit, TicketKind.LINK_BROKEN, due.code)
    elif failures >= BROKEN_AFTER and since_at is not None and look.outcome is Outcome.BROKEN:
        await open_ticket(
            unit,
            TicketKind.LINK_BROKEN,
            Severity.NORMAL,
            subject=("link", due.code),
            details={"title": due.title, "trouble": look.trouble, "status": look.status},
            dedupe_key=f"{due.link_id.hex}:{since_at:%Y%m%dT%H%M%S}",
        )


async def health_of(unit: Unit, link_ids: Collection[UUID]) -> dict[UUID, Health]:
    """How the destinations of these links fare; one that was never looked at is left out."""
    if not link_ids:
        return {}
    mine = and_(link.c.merchant_id == link_health.c.merchant_id, link.c.link_id == link_health.c.link_id)
    statement = (
        select(link_health)
        .join(link, and_(mine, link.c.url == link_health.c.url))
        .where(link_health.c.merchant_id == unit.merchant_id, link_health.c.link_id.in_(link_ids))
    )
    return {
        row.link_id: Health(
            outcome=Outcome(row.outcome),
            status=row.answer,
            trouble=row.trouble,
            failures=row.failures,
            broken_since_at=row.broken_since_at,
            checked_at=row.checked_at,
        )
        for row in await unit.all(statement.limit(HEALTH_READ_MAX))
    }
