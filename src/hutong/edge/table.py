"""All active links in memory, followed by a change feed; what is not there is asked for once and remembered."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, Select, and_, select

from hutong.core.clock import Clock
from hutong.db.engine import Database
from hutong.db.rounds import repeat
from hutong.edge.guards import Guards
from hutong.edge.places import Places
from hutong.links.destinations import Target, target_and_host
from hutong.links.lock_models import link_lock
from hutong.links.models import link, link_rules
from hutong.links.rules.compiled import Compiled, compile_rules
from hutong.links.rules.service import read_rules

log = logging.getLogger("hutong.edge")

#: Edits and kill switches are seen within a second.
REFRESH_S: Final = 0.5
#: A transaction that wrote its time early may commit late; the feed looks this far back again.
OVERLAP: Final = timedelta(seconds=10)
LOAD_ROWS: Final = 50_000
CODE_CHARS_MAX: Final = 64
#: Scanners ask for codes that do not exist; this many are remembered, for a moment.
MISSES_MAX: Final = 10_000
MISS_LIFE: Final = timedelta(seconds=2)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A link, ready to answer with."""

    merchant_id: UUID
    link_id: UUID
    channel_id: UUID
    code: str
    url: str | None  # None: our own landing page
    target: Target | None  # what the url names; None also for one that is allowed no more
    share_code: str = ""
    active: bool
    expires_at: datetime | None
    own_host: str | None = None  # the host of a url that leads to no known platform
    rules: Compiled | None = None  # most links have none
    lock_id: UUID | None = None  # of its password; most links have none


def _links() -> Select[Any]:
    own = and_(link_rules.c.merchant_id == link.c.merchant_id, link_rules.c.link_id == link.c.link_id)
    lock = and_(link_lock.c.merchant_id == link.c.merchant_id, link_lock.c.link_id == link.c.link_id)
    rooms = link.outerjoin(link_rules, own).outerjoin(link_lock, lock)
    # law: allow tenant-in-statement because the edge answers for all merchants: read by the system role's policy
    return select(link, link_rules.c.body, link_lock.c.lock_id).select_from(rooms)


def _compiled(row: Row[Any]) -> Compiled | None:
    return None if row.body is None else compile_rules(read_rules(row.body), row.url, row.sku_id)


class LinkTable:
    """Code → entry."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._entries: dict[str, Entry] = {}
        self._misses: OrderedDict[str, datetime] = OrderedDict()
        self._seen_until: datetime | None = None
        self.guards = Guards()
        self.places = Places()

    def __len__(self) -> int:
        return len(self._entries)

    async def find(self, code: str) -> Entry | None:
        """The entry of a code; the database is asked at most once in a while for an unknown one."""
        entry = self._entries.get(code)
        if entry is not None or len(code) > CODE_CHARS_MAX or "\0" in code:  # PostgreSQL's text holds no NUL
            return entry
        now = self._clock.now()
        missed_at = self._misses.get(code)
        if missed_at is not None and now - missed_at < MISS_LIFE:
            return None
        async with self._database.plain("system") as connection:
            row = (await connection.execute(_links().where(link.c.code == code).limit(1))).first()
        if row is None:
            self._misses[code] = now
            self._misses.move_to_end(code)
            if len(self._misses) > MISSES_MAX:
                self._misses.popitem(last=False)
            return None
        self._keep(row)
        return self._entries[code]

    def _keep(self, row: Row[Any]) -> None:
        self._misses.pop(row.code, None)
        target, own_host = target_and_host(row.url)
        self._entries[row.code] = Entry(
            merchant_id=row.merchant_id,
            link_id=row.link_id,
            channel_id=row.channel_id,
            code=row.code,
            url=row.url,
            target=target,
            share_code=row.share_code or "",
            active=row.state == "active",
            expires_at=row.expires_at,
            own_host=own_host,
            rules=_compiled(row),
            lock_id=row.lock_id,
        )

    async def refresh(self) -> int:
        """Load what changed since the last time; the number of links read."""
        since = self._seen_until
        started_at = self._clock.now()
        statement = _links().order_by(link.c.changed_at, link.c.link_id)
        if since is not None:
            statement = statement.where(link.c.changed_at >= since - OVERLAP)
        count = 0
        async with self._database.plain("system") as connection:
            await self.guards.load(connection)
            await self.places.load(connection, None if since is None else since - OVERLAP)
            result = await connection.stream(statement)
            async for rows in result.partitions(LOAD_ROWS):
                for row in rows:
                    self._keep(row)
                count += len(rows)
        self._seen_until = started_at
        return count

    async def follow(self, stop: asyncio.Event) -> None:
        """Refresh until ``stop``."""
        trouble = "the link table could not be refreshed; the old one goes on answering"
        await repeat(self.refresh, stop, REFRESH_S, log, trouble)
