"""What the floor's own tables may forget: work that is done, events that were handed over long ago, old answers.

Money, orders, clicks and raw callbacks are not the floor's to forget.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from hutong.core.ids import first_id
from hutong.db.engine import Database
from hutong.db.outages import log_trouble
from hutong.db.rounds import repeat
from hutong.db.unit import Unit

log = logging.getLogger("hutong.housekeeping")

#: Jobs that ended. A ticket about one that failed says what it was.
JOBS_KEPT: Final = timedelta(days=30)
#: Events that were handed over, with the marks of their handlers: as long as anybody could want to hear one again.
EVENTS_KEPT: Final = timedelta(days=90)
#: Answers to requests with an Idempotency-Key; who repeats one later than this did not mean the same request.
ANSWERS_KEPT: Final = timedelta(days=30)
#: The queue's own journal, which nobody reads but a developer.
QUEUE_LOG_KEPT: Final = timedelta(days=2)
#: One transaction holds its rows for a moment only.
ROWS_PER_ROUND: Final = 5_000
#: Rounds of one sweep and table: what is left goes with the next sweep.
ROUNDS_MAX: Final = 400
#: By the hub's own clock, which a sandbox may move by days at once; it is looked at every few seconds.
FIRST_SWEEP: Final = timedelta(minutes=10)
SWEEP_GAP: Final = timedelta(hours=6)
LOOK_S: Final = 5.0

_JOBS: Final = (
    "DELETE FROM job WHERE merchant_id = $1 AND job_id IN (SELECT job_id FROM job WHERE merchant_id = $1 "
    "AND job_id < $2 AND finished_at < $3 ORDER BY job_id LIMIT $4) RETURNING 1"
)
#: A job that hands one event over forgets its key when it starts; its payload still names the event.
_EVENTS: Final = (
    "DELETE FROM outbox WHERE merchant_id = $1 AND event_id IN (SELECT o.event_id FROM outbox o "
    "WHERE o.merchant_id = $1 AND o.event_id < $2 AND o.occurred_at < $3 "
    "AND NOT EXISTS (SELECT FROM undelivered u WHERE u.merchant_id = $1 AND u.event_id = o.event_id) "
    "AND NOT EXISTS (SELECT FROM job j WHERE j.merchant_id = $1 AND j.kind = 'deliver_event' "
    "AND j.finished_at IS NULL AND position(o.event_id::text IN convert_from(j.payload, 'UTF8')) > 0) "
    "ORDER BY o.event_id LIMIT $4) RETURNING 1"
)
# A mark goes after its event, never before: the event would take effect a second time.
_MARKS: Final = (
    "DELETE FROM inbox WHERE merchant_id = $1 AND (handler, event_id) IN (SELECT i.handler, i.event_id FROM inbox i "
    "WHERE i.merchant_id = $1 AND i.event_id < $2 AND i.taken_at < $3 AND NOT EXISTS (SELECT FROM outbox o "
    "WHERE o.merchant_id = $1 AND o.event_id = i.event_id) LIMIT $4) RETURNING 1"
)
_ANSWERS: Final = (
    "DELETE FROM idempotency WHERE merchant_id = $1 AND key IN (SELECT key FROM idempotency WHERE merchant_id = $1 "
    "AND created_at < $2 LIMIT $3) RETURNING 1"
)
_QUEUE_LOG: Final = (
    # law: allow clock-passed-in because the queue's library dates its log by the database's clock
    "WITH gone AS (DELETE FROM queue_log WHERE created < now() - $1::interval RETURNING 1) "
    "SELECT count(*) AS rows FROM gone"
)


#: Forgets some old rows of a table of a room above; how many.
Forget = Callable[[Unit], Awaitable[int]]
#: What a room above looks after for each merchant now and then; doing it again must be harmless.
Chore = Callable[[UUID], Awaitable[None]]


async def sweep(database: Database, merchant_id: UUID, further: Mapping[str, Forget] | None = None) -> dict[str, int]:
    """Forget what is old of one merchant; rows by table. ``further``: tables of rooms above, which know what is old."""

    async def jobs(unit: Unit) -> int:
        return await _by_id(unit, _JOBS, JOBS_KEPT)

    async def events(unit: Unit) -> int:
        return await _by_id(unit, _EVENTS, EVENTS_KEPT)

    async def marks(unit: Unit) -> int:
        return await _by_id(unit, _MARKS, EVENTS_KEPT)

    async def answers(unit: Unit) -> int:
        return len(await unit.fetch(_ANSWERS, unit.merchant_id, unit.now() - ANSWERS_KEPT, ROWS_PER_ROUND))

    own: dict[str, Forget] = {"job": jobs, "outbox": events, "inbox": marks, "idempotency": answers}
    rounds = {**own, **(further or {})}
    return {table: await _all_rounds(database, merchant_id, work) for table, work in rounds.items()}


async def sweep_queue_log(database: Database) -> int:
    """Forget the queue's journal, by the database's own clock, which wrote it."""
    return int((await database.glance("system", _QUEUE_LOG, QUEUE_LOG_KEPT))[0]["rows"])


async def _by_id(unit: Unit, sql: str, kept: timedelta) -> int:
    """Ids rise with time: the key itself finds the old rows, and the newer ones are not read."""
    before = unit.now() - kept
    return len(await unit.fetch(sql, unit.merchant_id, first_id(before), before, ROWS_PER_ROUND))


async def _all_rounds(database: Database, merchant_id: UUID, work: Callable[[Unit], Awaitable[int]]) -> int:
    total = 0
    for _ in range(ROUNDS_MAX):
        async with database.unit(merchant_id, "housekeeping", "owner") as unit:
            rows = await work(unit)
        total += rows
        if rows < ROWS_PER_ROUND:
            break
    return total


class Housekeeper:
    """Sweeps behind every merchant now and then, until it is told to stop."""

    def __init__(
        self,
        database: Database,
        merchants: Callable[[], Awaitable[Sequence[UUID]]],
        further: Mapping[str, Forget] | None = None,
        chores: Sequence[Chore] = (),
    ) -> None:
        self._database = database
        self._merchants = merchants
        self._further = further
        self._chores = chores
        self._due_at: datetime | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Sweep until ``stop``; what cannot be swept now is swept next time."""
        self._due_at = self._database.clock.now() + FIRST_SWEEP
        await repeat(self.look, stop, LOOK_S, log, "old rows could not be swept")

    async def look(self) -> bool:
        """A round where one is due; whether it was."""
        now = self._database.clock.now()
        if self._due_at is not None and now < self._due_at:
            return False
        self._due_at = now + SWEEP_GAP
        await self.round()
        return True

    async def round(self) -> None:
        """Everybody, once."""
        for merchant_id in await self._merchants():
            for chore in self._chores:
                try:
                    await chore(merchant_id)
                except Exception as error:  # noqa: BLE001 (told; one merchant's trouble keeps nobody else waiting)
                    log_trouble(log, error, "a chore could not be done")
            gone = await sweep(self._database, merchant_id, self._further)
            if any(gone.values()):
                log.info("forgot %s", gone)
        await sweep_queue_log(self._database)
