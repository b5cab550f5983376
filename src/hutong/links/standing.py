"""Where a link stands now, as visitors find it: of its own switch, its merchant's, its times and its clicks."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import and_, func, select

from hutong.db.unit import Unit
from hutong.links.guard_states import LinkState
from hutong.links.models import click, link, link_rules
from hutong.links.rules.service import read_rules
from hutong.links.switches import is_all_off

#: Links that are looked at together; a page of them is shorter.
LINKS_MAX: Final = 1_000


class Standing(StrEnum):
    """What visitors find. ``early``: its beginning is to come. ``used_up``: as often clicked by people as it may be.

    ``off``: by its own switch; ``all_off``: by the one for all links of the merchant.
    """

    ACTIVE = "active"
    EARLY = "early"
    EXPIRED = "expired"
    USED_UP = "used_up"
    OFF = "off"
    ALL_OFF = "all_off"


#: A link is over: visitors are led to where its rules say then, or told so.
OVER: Final = frozenset({Standing.EXPIRED, Standing.USED_UP})


def standing_of(
    *,
    state: str,
    is_all_off: bool,
    starts_at: datetime | None,
    expires_at: datetime | None,
    clicks_max: int,
    people: int,
    now: datetime,
) -> Standing:
    """Where a link stands; what is checked first, the edge checks first. ``clicks_max`` 0: no limit.

    ``people``: clicks that no machine made.
    """
    if state != LinkState.ACTIVE.value:
        return Standing.OFF
    if is_all_off:
        return Standing.ALL_OFF
    if starts_at is not None and now < starts_at:
        return Standing.EARLY
    if expires_at is not None and expires_at <= now:
        return Standing.EXPIRED
    return Standing.USED_UP if clicks_max and people >= clicks_max else Standing.ACTIVE


async def standings(
    unit: Unit, link_ids: Collection[UUID], people: Mapping[UUID, int] | None = None
) -> dict[UUID, Standing]:
    """Where these links of the merchant stand. ``people``: their clicks, where the caller has counted them."""
    if not link_ids:
        return {}
    own = and_(link_rules.c.merchant_id == link.c.merchant_id, link_rules.c.link_id == link.c.link_id)
    rows = await unit.all(
        select(link.c.link_id, link.c.state, link.c.expires_at, link_rules.c.body)
        .select_from(link.outerjoin(link_rules, own))
        .where(link.c.merchant_id == unit.merchant_id, link.c.link_id.in_(link_ids))
        .limit(LINKS_MAX)
    )
    rules = {row.link_id: read_rules(row.body) for row in rows if row.body is not None}
    if people is None:
        people = await people_of(unit, [link_id for link_id, known in rules.items() if known.clicks_max])
    off = await is_all_off(unit)
    return {
        row.link_id: standing_of(
            state=row.state,
            is_all_off=off,
            starts_at=known.starts_at if (known := rules.get(row.link_id)) else None,
            expires_at=row.expires_at,
            clicks_max=known.clicks_max if known else 0,
            people=people.get(row.link_id, 0),
            now=unit.now(),
        )
        for row in rows
    }


async def people_of(unit: Unit, link_ids: Collection[UUID]) -> dict[UUID, int]:
    """Clicks on links that no machine made; a link without one is left out."""
    if not link_ids:
        return {}
    rows = await unit.all(
        select(click.c.link_id, func.count().label("clicks"))
        .where(click.c.merchant_id == unit.merchant_id, click.c.link_id.in_(link_ids), ~click.c.is_bot)
        .group_by(click.c.link_id)
        .limit(LINKS_MAX)
    )
    return {row.link_id: row.clicks for row in rows}
