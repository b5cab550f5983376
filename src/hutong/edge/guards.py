"""What holds for many links at once, in memory: merchants whose links are all off, and whose host is whose."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hutong.links.guard_models import own_host
from hutong.links.guard_states import HostState
from hutong.links.switches import merchants_off

#: Hosts are read again at the latest after so many looks, whatever the look says: a transaction that wrote its time
#: early may commit late.
LOOKS_BETWEEN_MAX: Final = 20
HOSTS_READ_MAX: Final = 200_000


class Guards:
    """Loaded with the links. Switches are read each time: those that are off are few."""

    def __init__(self) -> None:
        self.off: frozenset[UUID] = frozenset()
        self._states: Mapping[tuple[UUID, str], HostState] = {}
        self._owners: Mapping[str, UUID] = {}
        self._seen: tuple[int, int, datetime | None] | None = None
        self._looks = 0

    def is_verified(self, merchant_id: UUID, host: str) -> bool:
        """Whether a host was proven to be this merchant's."""
        return self._states.get((merchant_id, host)) is HostState.VERIFIED

    def owner_of(self, host: str) -> UUID | None:
        """Whose a proven host is."""
        return self._owners.get(host)

    async def load(self, connection: AsyncConnection) -> None:
        """Read what changed, by the system role."""
        self.off = await merchants_off(connection)
        # law: allow tenant-in-statement because the edge answers for all merchants: read by the system role's policy
        look = select(
            func.count(),
            func.count().filter(own_host.c.state == HostState.VERIFIED.value),
            func.max(own_host.c.changed_at),
        ).select_from(own_host)
        seen = tuple((await connection.execute(look)).one())
        self._looks += 1
        if seen == self._seen and self._looks < LOOKS_BETWEEN_MAX:
            return
        # law: allow tenant-in-statement because the edge answers for all merchants: read by the system role's policy
        statement = select(own_host.c.merchant_id, own_host.c.host, own_host.c.state).limit(HOSTS_READ_MAX)
        rows = (await connection.execute(statement)).all()
        self._states = {(row.merchant_id, row.host): HostState(row.state) for row in rows}
        self._owners = {row.host: row.merchant_id for row in rows if row.state == HostState.VERIFIED.value}
        self._seen, self._looks = seen, 0
