"""Addresses that alliances made for the pages of links, in memory; followed by the same feed as the links."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from hutong.links.promotions.models import promoted_place
from hutong.links.promotions.places import Outcome, Place, place_of

LOAD_ROWS: Final = 10_000


class Places:
    """By link and page; of several accounts the oldest one's address is used."""

    def __init__(self) -> None:
        self._places: dict[tuple[UUID, str], dict[UUID, Place]] = {}

    def find(self, link_id: UUID, page_url: str) -> Place | None:
        """The address that stands for a page of a link; most have none."""
        found = self._places.get((link_id, page_url))
        return None if found is None else found[min(found)]

    async def load(self, connection: AsyncConnection, since: datetime | None) -> None:
        """Read what changed since then, or all that is used."""
        # law: allow tenant-in-statement because the edge answers for all merchants: read by the system role's policy
        statement = select(promoted_place).order_by(promoted_place.c.changed_at)
        if since is None:
            statement = statement.where(promoted_place.c.outcome == Outcome.MADE.value)
        else:
            statement = statement.where(promoted_place.c.changed_at >= since)
        result = await connection.stream(statement)
        async for rows in result.partitions(LOAD_ROWS):
            for row in rows:
                self._keep((row.link_id, row.page_url), row.connection_id, place_of(row))

    def _keep(self, page: tuple[UUID, str], connection_id: UUID, place: Place | None) -> None:
        if place is not None:
            self._places.setdefault(page, {})[connection_id] = place
            return
        known = self._places.get(page, {})
        known.pop(connection_id, None)
        if not known:
            self._places.pop(page, None)
