"""What the pages about own hosts and the safety of links show."""

from __future__ import annotations

from uuid import UUID

from hutong.db.unit import Unit
from hutong.links.health import health_of
from hutong.links.hosts import OwnHost
from hutong.links.reports import reports_of
from hutong.links.rules.pages import asks_first
from hutong.links.switches import is_all_off
from hutong.web.console.views import LinkGuardView, View


class HostsView(View, frozen=True, kw_only=True):
    """The page of own hosts."""

    hosts: tuple[OwnHost, ...]
    is_off: bool
    public_url: str


async def link_guard(unit: Unit, link_id: UUID, url: str | None) -> LinkGuardView:
    """All of that for one link."""
    return LinkGuardView(
        is_all_off=await is_all_off(unit),
        asks_first=await asks_first(unit, link_id, url),
        health=(await health_of(unit, [link_id])).get(link_id),
        reports=await reports_of(unit, link_id),
    )
