"""Clicks on their way to the database: written to the journal at once, stored in batches a moment later."""

from __future__ import annotations

import asyncio
import logging
from typing import Final
from uuid import UUID

from sqlalchemy import text

from hutong.core.crashpoints import reach
from hutong.db.engine import Database
from hutong.db.rounds import repeat
from hutong.edge.journal import Click, ClickJournal

log = logging.getLogger("hutong.edge")

FLUSH_S: Final = 0.1
FLUSH_ROWS_MAX: Final = 5_000

_INSERT: Final = text(
    "INSERT INTO click (merchant_id, click_id, link_id, channel_id, container, os, language, referrer, address_hash, "
    "is_bot, clicked_at, machine) SELECT * FROM unnest(CAST(:merchant_id AS uuid[]), CAST(:click_id AS uuid[]), "
    "CAST(:link_id AS uuid[]), CAST(:channel_id AS uuid[]), CAST(:container AS text[]), CAST(:os AS text[]), "
    "CAST(:language AS text[]), CAST(:referrer AS text[]), CAST(:address_hash AS bytea[]), "
    "CAST(:is_bot AS boolean[]), CAST(:clicked_at AS timestamptz[]), CAST(:machine AS text[])) "
    # A kill between the commit and the journal's mark brings the same clicks once more.
    "ON CONFLICT DO NOTHING"
)


#: Which of the link's rules led a click; most links have none.
_CHOSEN: Final = text(
    "INSERT INTO click_choice (merchant_id, click_id, link_id, choice) SELECT * FROM unnest("
    "CAST(:merchant_id AS uuid[]), CAST(:click_id AS uuid[]), CAST(:link_id AS uuid[]), CAST(:choice AS text[])) "
    "ON CONFLICT DO NOTHING"
)
_PEOPLE: Final = text(
    "SELECT count(*) FROM click WHERE merchant_id = :merchant_id AND link_id = :link_id AND NOT is_bot "
    "AND click_id <> ALL(CAST(:waiting AS uuid[]))"
)
_COLUMNS: Final = tuple(name for name in Click.__struct_fields__ if name != "choice")
_CHOSEN_COLUMNS: Final = ("merchant_id", "click_id", "link_id", "choice")


class ClickSink:
    """Stores clicks within a tenth of a second of the 302."""

    def __init__(self, database: Database, journal: ClickJournal) -> None:
        self._database = database
        self._journal = journal
        self._waiting = journal.waiting()
        self._flushing = asyncio.Lock()
        self._people: dict[UUID, int] = {}  # of links that have a maximum
        self.recovered = len(self._waiting)  # clicks that an earlier process had not stored; the first flush does

    def add(self, click: Click) -> None:
        """Take a click; call it before the answer leaves."""
        if self._journal.keep(click):
            self._waiting.append(click)
        if not click.is_bot and click.link_id in self._people:
            self._people[click.link_id] += 1

    async def people(self, merchant_id: UUID, link_id: UUID) -> int:
        """Clicks of people on a link so far. Asked of the database once in a process's life, then counted here, so that
        nobody comes in between the count and the click that follows it without waiting. Fails as the database fails.
        """
        if link_id not in self._people:
            async with self._flushing:  # what waits stays where it is meanwhile
                if link_id not in self._people:
                    waiting = [click.click_id for click in self._waiting if click.link_id == link_id]
                    given = {"merchant_id": merchant_id, "link_id": link_id, "waiting": waiting}
                    async with self._database.plain("system") as connection:
                        stored = int((await connection.execute(_PEOPLE, given)).scalar_one())
                    own = sum(click.link_id == link_id and not click.is_bot for click in self._waiting)
                    self._people[link_id] = stored + own
        return self._people[link_id]

    async def flush(self) -> int:
        """Store what waits; the number stored. Fails as the database fails; the clicks then wait on."""
        async with self._flushing:
            batch = self._waiting[:FLUSH_ROWS_MAX]
            if not batch:
                return 0
            chosen = [click for click in batch if click.choice]
            async with self._database.plain("ingest") as connection:
                await connection.execute(_INSERT, _columns(batch, _COLUMNS))
                if chosen:
                    await connection.execute(_CHOSEN, _columns(chosen, _CHOSEN_COLUMNS))
                reach("commit:clicks:before")
            reach("commit:clicks:after")
            del self._waiting[: len(batch)]
            self._journal.mark_stored(len(batch))
            return len(batch)

    async def drain(self) -> None:
        """Store everything, at the end."""
        while await self.flush():
            pass

    async def run(self, stop: asyncio.Event) -> None:
        """Flush until ``stop``, then once more."""
        waiting = "%d clicks wait for the database"
        await repeat(self._flush_full, stop, FLUSH_S, log, waiting, lambda: len(self._waiting))
        await self.drain()

    async def _flush_full(self) -> None:
        while await self.flush() == FLUSH_ROWS_MAX:
            pass


def _columns(clicks: list[Click], names: tuple[str, ...]) -> dict[str, list[object]]:
    return {name: [getattr(click, name) for click in clicks] for name in names}
