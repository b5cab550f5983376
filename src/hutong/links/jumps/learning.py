"""Keeps the ranking up to date with what visitors' pages told, here and on every other process of the hub.

One address teaches a way no more than ``VISITOR_TRIES_MAX`` tries a day: a few of those that are remembered, so that
nobody turns the order of a cell around by himself. Where nobody knows the visitors' addresses (they all come by a proxy
that was not declared), each click counts.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select

from hutong.core.clock import Clock
from hutong.db.engine import Database
from hutong.db.rounds import repeat
from hutong.links.jumps.ranking import Ranking, Way
from hutong.links.jumps.tries import Outcome
from hutong.links.models import jump_try

log = logging.getLogger("hutong.links")

REFRESH_S: Final = 1.0
#: What is read at the start: enough that every way that is used has its memory full.
TRIES_READ_MAX: Final = 20_000
#: A transaction that wrote its time early may commit late; the feed looks this far back again.
OVERLAP: Final = timedelta(seconds=10)
#: Tries of one way that count of one address and day: a household's, or a shop's. Twenty are remembered.
VISITOR_TRIES_MAX: Final = 3
#: Rows of the overlap that are known already, and ways that visitors have tried.
KNOWN_MAX: Final = 50_000


class JumpFeed:
    """Reads attempts of all merchants in the order of their time."""

    def __init__(self, database: Database, clock: Clock, ranking: Ranking) -> None:
        self._database = database
        self._clock = clock
        self._ranking = ranking
        self._known: OrderedDict[tuple[UUID, UUID, str, str], None] = OrderedDict()
        self._taught: OrderedDict[tuple[bytes, Way], int] = OrderedDict()  # how often, by whom
        self._seen_until: datetime | None = None

    async def refresh(self) -> int:
        """Learn what was told since the last time; how many attempts that were."""
        started_at = self._clock.now()
        # law: allow tenant-in-statement because walls are the apps' and not a merchant's: read by the system role
        statement = select(jump_try).order_by(jump_try.c.tried_at.desc()).limit(TRIES_READ_MAX)
        if self._seen_until is not None:
            statement = statement.where(jump_try.c.tried_at >= self._seen_until - OVERLAP)
        async with self._database.plain("system") as connection:
            rows = (await connection.execute(statement)).all()
        count = 0
        for row in reversed(rows):
            key = (row.merchant_id, row.click_id, row.form, row.outcome)
            if key in self._known:
                continue
            self._known[key] = None
            way = Way(row.container, row.os, row.destination, row.form)
            if not self._may_teach(row.visitor, way):
                continue
            self._ranking.learn(way, left=row.outcome == Outcome.LEFT.value)
            count += 1
        for memory in (self._known, self._taught):
            while len(memory) > KNOWN_MAX:
                memory.popitem(last=False)
        self._seen_until = started_at
        return count

    def _may_teach(self, visitor: bytes | None, way: Way) -> bool:
        """Whether one more try of this visitor counts; his mark is another one the next day."""
        if visitor is None:
            return True
        times = self._taught.pop((visitor, way), 0) + 1
        self._taught[visitor, way] = times
        return times <= VISITOR_TRIES_MAX

    async def follow(self, stop: asyncio.Event) -> None:
        """Refresh until ``stop``."""
        trouble = "attempts to jump could not be read; the order stays as it was"
        await repeat(self.refresh, stop, REFRESH_S, log, trouble)
