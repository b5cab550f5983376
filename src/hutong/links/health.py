"""Whether the pages that links lead to answer: which to look at, what came of it, and when a person is told.

A link has one state for all of its pages (its own, those of its rules, the one of its end): that of the page that is
broken, as long as one is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Row, Table, and_, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from hutong.db.unit import Unit
from hutong.links.guard_models import link_health
from hutong.links.guard_states import LinkState
from hutong.links.models import link, link_rules
from hutong.links.rules.pages import pages_of
from hutong.links.rules.service import read_rules
from hutong.merchants.tickets import Severity, TicketKind, close_tickets, open_ticket

#: The job that looks at a merchant's destinations, a round at a time.
CHECK_DESTINATIONS: Final = "links.check_destinations"
#: One destination is looked at once in so long.
LOOK_GAP: Final = timedelta(hours=12)
ROUND_LINKS_MAX: Final = 100
#: Of one host in a round, so that a shop with ten thousand pages on one platform keeps no other host waiting.
HOST_LINKS_MAX: Final = 6
#: Looks in a row after which a destination is broken rather than slow for once.
BROKEN_AFTER: Final = 2
HEALTH_READ_MAX: Final = 200
#: Pages of one link that are looked at, its own and that of its end first; fewer than may be asked of one host at once.
PAGES_LOOKED_MAX: Final = 5
#: How an address stands in rules as they are kept, and that of the end.
_ADDRESS: Final = '%url":%'
_OVER: Final = '%"over_url":%'


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
    """A link whose pages are to be looked at."""

    link_id: UUID
    code: str
    title: str
    urls: tuple[str, ...]


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """How a link's pages fare. ``broken_since_at``: no look since then has found it well. ``url``: the page."""

    outcome: Outcome
    url: str = ""
    status: int
    trouble: str
    failures: int
    broken_since_at: datetime | None
    checked_at: datetime


async def due_links(unit: Unit) -> tuple[Due, ...]:
    """Links to pages that were not looked at for LOOK_GAP or since they were changed, those that wait longest first,
    and few of each host.

    Our own desk is no page. A link that is over has the page of its end alone.
    """
    rules = func.encode(link_rules.c.body, "escape")
    is_on = or_(link.c.expires_at.is_(None), link.c.expires_at > unit.now())
    waited = (link_health.c.checked_at.nulls_first(), link.c.link_id)
    of_host = func.row_number().over(partition_by=func.split_part(link.c.url, "/", 3), order_by=waited)
    waiting = (
        select(
            link.c.link_id,
            link.c.code,
            link.c.title,
            link.c.url,
            link_rules.c.body,
            is_on.label("is_on"),
            link_health.c.checked_at,
            of_host.label("of_host"),
        )
        .outerjoin(link_health, _of(link_health))
        .outerjoin(link_rules, _of(link_rules))
        .where(
            link.c.merchant_id == unit.merchant_id,
            or_(
                and_(is_on, or_(link.c.url.is_not(None), rules.like(_ADDRESS))),
                rules.like(_OVER),
            ),
            link.c.state == LinkState.ACTIVE.value,
            or_(
                link_health.c.checked_at.is_(None),
                link_health.c.checked_at <= unit.now() - LOOK_GAP,
                link_health.c.checked_at < link.c.changed_at,
            ),
        )
        .subquery()
    )
    few = select(waiting).where(waiting.c.of_host <= HOST_LINKS_MAX)
    few = few.order_by(waiting.c.checked_at.nulls_first(), waiting.c.link_id).limit(ROUND_LINKS_MAX)
    rows = await unit.all(few)
    return tuple(
        Due(link_id=row.link_id, code=row.code, title=row.title, urls=pages) for row in rows if (pages := _pages(row))
    )


def _of(table: Table) -> ColumnElement[bool]:
    return and_(table.c.merchant_id == link.c.merchant_id, table.c.link_id == link.c.link_id)


def _pages(row: Row[Any]) -> tuple[str, ...]:
    rules = None if row.body is None else read_rules(row.body)
    pages = pages_of(row.url, rules) if row.is_on else (rules.over_url,) if rules and rules.over_url else ()
    return pages[:PAGES_LOOKED_MAX]


async def record_looks(unit: Unit, due: Due, looks: Mapping[str, Look]) -> None:
    """Keep what the looks at a link's pages said, each of which there is one: of the page that is broken, or was.

    The second in a row that finds it broken tells a person, one that finds it well takes that back, and one that says
    nothing changes neither.
    """
    held = select(link_health).where(
        link_health.c.merchant_id == unit.merchant_id, link_health.c.link_id == due.link_id
    )
    before = await unit.one(held.with_for_update())
    url = _told_page(due, looks, before)
    look = looks[url]
    is_same = before is not None and before.url == url
    failures, since_at = (before.failures, before.broken_since_at) if before is not None and is_same else (0, None)
    if look.outcome is Outcome.OK:
        failures, since_at = 0, None
    elif look.outcome is Outcome.BROKEN:
        failures, since_at = failures + 1, since_at or unit.now()
    values = {
        "url": url,
        "outcome": look.outcome.value,
        "answer": look.status,
        "trouble": look.trouble,
        "failures": failures,
        "broken_since_at": since_at,
        "checked_at": unit.now(),
    }
    statement = insert(link_health).values(merchant_id=unit.merchant_id, link_id=due.link_id, **values)
    await unit.run(statement.on_conflict_do_update(index_elements=["merchant_id", "link_id"], set_=values))
    is_left = before is not None and before.failures > 0 and before.url not in due.urls
    if look.outcome is Outcome.OK or (is_left and look.outcome is not Outcome.BROKEN):
        await close_tickets(unit, TicketKind.LINK_BROKEN, due.code)
    elif failures >= BROKEN_AFTER and since_at is not None and look.outcome is Outcome.BROKEN:
        await open_ticket(
            unit,
            TicketKind.LINK_BROKEN,
            Severity.NORMAL,
            subject=("link", due.code),
            details={"title": due.title, "trouble": look.trouble, "status": look.status, "url": url},
            dedupe_key=f"{due.link_id.hex}:{since_at:%Y%m%dT%H%M%S}",
        )


def _told_page(due: Due, looks: Mapping[str, Look], before: Row[Any] | None) -> str:
    """The page that was broken, while it is not well; else one that is broken now; else the first."""
    held = before.url if before is not None and before.failures and before.url in due.urls else None
    broken = [url for url in due.urls if looks[url].outcome is Outcome.BROKEN]
    if held is not None and (held in broken or not broken):
        return str(held)
    return (broken or due.urls)[0]


async def health_of(unit: Unit, link_ids: Collection[UUID]) -> dict[UUID, Health]:
    """How the pages of these links fare; one that was never looked at is left out."""
    if not link_ids:
        return {}
    statement = (
        select(link_health, link.c.url.label("own_url"), link_rules.c.body)
        .join(link, _of(link_health))
        .outerjoin(link_rules, _of(link_rules))
        .where(link_health.c.merchant_id == unit.merchant_id, link_health.c.link_id.in_(link_ids))
    )
    return {
        row.link_id: Health(
            outcome=Outcome(row.outcome),
            url=row.url,
            status=row.answer,
            trouble=row.trouble,
            failures=row.failures,
            broken_since_at=row.broken_since_at,
            checked_at=row.checked_at,
        )
        for row in await unit.all(statement.limit(HEALTH_READ_MAX))
        if row.url in pages_of(row.own_url, None if row.body is None else read_rules(row.body))
    }
