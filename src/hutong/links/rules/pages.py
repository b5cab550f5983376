"""Every page that a link may lead to: its own, those of its rules and variants, and where it leads when it is over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from sqlalchemy import select

from hutong.db.unit import Unit
from hutong.links.hosts import host_states, leads_on
from hutong.links.models import link_rules
from hutong.links.rules.model import Rules
from hutong.links.rules.service import read_rules

LINKS_READ_MAX: Final = 200


def pages_of(url: str | None, rules: Rules | None) -> tuple[str, ...]:
    """The pages, each once, the link's own first. A variant without weight is one, too: it may get some any moment."""
    if rules is None:
        return () if url is None else (url,)
    led = (page for rule in rules.rules for page in (rule.url, *(variant.url for variant in rule.variants)))
    return tuple(dict.fromkeys(page for page in (url, rules.over_url, *led) if page is not None))


async def pages_of_links(unit: Unit, urls: Mapping[UUID, str | None]) -> dict[UUID, tuple[str, ...]]:
    """The pages of these links (LINKS_READ_MAX at most), by the address that each has by itself."""
    mine = link_rules.c.merchant_id == unit.merchant_id
    statement = select(link_rules.c.link_id, link_rules.c.body).where(mine, link_rules.c.link_id.in_(urls))
    rules = {row.link_id: read_rules(row.body) for row in await unit.all(statement.limit(LINKS_READ_MAX))}
    return {link_id: pages_of(url, rules.get(link_id)) for link_id, url in urls.items()}


async def asks_first(unit: Unit, link_id: UUID, url: str | None) -> bool:
    """Whether a page of the link is on a host that nobody has proven: some visitor sees its name first."""
    states = await host_states(unit)
    return not all(leads_on(page, states) for page in (await pages_of_links(unit, {link_id: url}))[link_id])
