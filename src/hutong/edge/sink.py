"""Clicks on their way to the database: appended in memory, stored in batches, counted when they cannot be."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import text

from hutong.core.crashpoints import reach
from hutong.db.engine import Database
from hutong.edge.counter import ClickCounter

log = logging.getLogger("hutong.edge")

FLUSH_S: Final = 0.1
FLUSH_ROWS_MAX: Final = 5_000
#: Clicks that wait while the database is away; beyond it they are counted as lost, never dropped silently.
WAITING_MAX: Final = 200_000

_INSERT: Final = text(
    "INSERT INTO click (merchant_id, click_id, link_id, channel_id, container, os, language, referrer, address_hash, "
    "is_bot, clicked_at) SELECT * FROM unnest(CAST(:merchant_id AS uuid[]), CAST(:click_id AS uuid[]), "
    "CAST(:link_id AS uuid[]), CAST(:channel_id AS uuid[]), CAST(:container AS text[]), CAST(:os AS text[]), "
    "CAST(:language AS text[]), CAST(:referrer AS text[]), CAST(:address_hash AS bytea[]), "
    "CAST(:is_bot AS boolean[]), CAST(:clicked_at AS timestamptz[]))"
)


class Click(msgspec.Struct, frozen=True, kw_only=True):
    """One click, as it is kept."""

    merchant_id: UUID
    click_id: UUID
    link_id: UUID
    channel_id: UUID
    container: str
    os: str
    language: str
    referrer: str
    address_hash: bytes
    is_bot: bool
    clicked_at: datetime


class ClickSink:
    """Stores clicks within a tenth of a second of the 302."""

    def __init__(self, database: Database, counter: ClickCounter) -> None:
        self._database = database
        self._counter = counter
        self._waiting: list[Click] = []
        self._flushing = asyncio.Lock()

    def add(self, click: Click) -> None:
        """Take a click; call it before the answer leaves."""
        self._counter.answer()
        if len(self._waiting) < WAITING_MAX:
            self._waiting.append(click)

    async def flush(self) -> int:
        """Store what waits; the number stored. Fails as the database fails; the clicks then wait on."""
        async with self._flushing:
            batch = self._waiting[:FLUSH_ROWS_MAX]
            if not batch:
                return 0
            columns = {name: [getattr(click, name) for click in batch] for name in Click.__struct_fields__}
            async with self._database.plain("ingest") as connection:
                await connection.execute(_INSERT, columns)
                reach("commit:clicks:before")
            reach("commit:clicks:after")
            del self._waiting[: len(batch)]
            self._counter.store(len(batch))
            return len(batch)

    async def drain(self) -> None:
        """Store everything, at the end."""
        while await self.flush():
            pass

    async def run(self, stop: asyncio.Event) -> None:
        """Flush until ``stop``, then once more."""
        while not stop.is_set():
            try:
                while await self.flush() == FLUSH_ROWS_MAX:
                    pass
            except Exception:
                log.exception("%d clicks wait for the database", len(self._waiting))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), FLUSH_S)
        await self.drain()
