"""Running jobs: a ticker enqueues what is due by the hub's clock, a worker runs it, failures are tried again."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Final
from uuid import UUID

from pgqueuer import QueueManager
from pgqueuer.models import Job
from sqlalchemy import text, update

from hutong.core.clock import Clock
from hutong.core.crashpoints import reach
from hutong.core.errors import HutongError
from hutong.db.engine import Database
from hutong.db.outages import log_trouble
from hutong.db.queue import ENTRYPOINT, QUEUE_SETTINGS, enqueue, queries, unpack
from hutong.db.rounds import repeat
from hutong.db.tables import job

log = logging.getLogger("hutong.jobs")

TICK_S: Final = 0.4
DUE_BATCH_ROWS: Final = 500
#: Half of what the pool holds: a job may need a second connection (the vault's keys) while its first is in use.
CONCURRENT_JOBS_MAX: Final = 12
BATCH_JOBS: Final = 6
#: A job whose worker died is taken again after this long without a heartbeat.
HEARTBEAT_S: Final = 3
#: A queue entry is held when not even a job's end could be written (disk full, database away); it is tried again.
RELEASE_S: Final = 5.0
HELD_BATCH_ROWS: Final = 500
#: After the queue's own connection broke, the worker takes a new one.
RECONNECT_S: Final = 1.0
#: Retries: 2 s, 4 s, 8 s, … at most an hour apart; about 13 hours in all.
ATTEMPTS_MAX: Final = 24
BACKOFF_FIRST_S: Final = 2
BACKOFF_MAX_S: Final = 3600
ERROR_TEXT_CHARS_MAX: Final = 2000

JobHandler = Callable[[UUID, bytes], Awaitable[None]]
FailedHook = Callable[[UUID, UUID, str, str], Awaitable[None]]

_CLAIM: Final = text(
    # law: allow state-compare-and-set because a dead worker's running job is claimed again; finished_at guards the end
    "UPDATE job SET state = 'running', attempts = attempts + 1, dedupe_key = NULL "
    "WHERE merchant_id = :merchant_id AND job_id = :job_id AND finished_at IS NULL RETURNING kind, payload, attempts"
)
_BEGIN: Final = text("SELECT 1")
_DUE: Final = text(
    "UPDATE job SET state = 'queued' WHERE (merchant_id, job_id) IN ("
    "SELECT merchant_id, job_id FROM job WHERE state = 'waiting' AND due_at <= :now "
    "ORDER BY due_at LIMIT :rows FOR UPDATE SKIP LOCKED) RETURNING merchant_id, job_id"
)


class Postpone(Exception):
    """Raised by a handler that has to look again later; does not count as a failure."""

    def __init__(self, delay: timedelta) -> None:
        super().__init__(f"again in {delay}")
        self.delay = delay


def backoff(attempts: int) -> timedelta:
    """How long to wait after the n-th failed attempt."""
    return timedelta(seconds=min(BACKOFF_MAX_S, BACKOFF_FIRST_S * 2 ** min(attempts - 1, 20)))


def told_of(error: Exception) -> str:
    """What an error says, in characters that PostgreSQL holds: neither U+0000 nor half of a surrogate pair.

    An error often quotes what broke it; were its text refused, the job would have no end and no count.
    """
    text = f"{type(error).__name__}: {error}".encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
    return text[:ERROR_TEXT_CHARS_MAX]


class Ticker:
    """Moves jobs whose time has come into the queue."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._release_at_s = 0.0  # of the monotonic clock: at once

    async def tick(self) -> int:
        """Enqueue what is due now; the number of jobs."""
        async with self._database.plain("system") as connection:
            rows = (await connection.execute(_DUE, {"now": self._clock.now(), "rows": DUE_BATCH_ROWS})).all()
            raw = (await connection.get_raw_connection()).driver_connection
            await enqueue(raw, [(row.merchant_id, row.job_id) for row in rows])
            if rows:
                reach("commit:tick:before")
        if rows:
            reach("commit:tick:after")
        return len(rows)

    async def release_held(self) -> int:
        """Give entries back to the queue whose job has no end; the number of entries."""
        async with self._database.plain("system") as connection:
            raw = (await connection.get_raw_connection()).driver_connection
            await connection.execute(_BEGIN)  # the queue's statements join this transaction
            held = [entry.id for entry in await queries(raw).list_failed_jobs(HELD_BATCH_ROWS)]
            if held:
                await queries(raw).requeue_jobs(held)
        return len(held)

    async def run(self, stop: asyncio.Event) -> None:
        """Tick until ``stop``; a database that is away for a moment is tried again at the next tick."""
        await repeat(self._round, stop, TICK_S, log, "the ticker could not look for due jobs")

    async def _round(self) -> None:
        while await self.tick() == DUE_BATCH_ROWS:
            pass
        if time.monotonic() >= self._release_at_s:
            self._release_at_s = time.monotonic() + RELEASE_S
            await self.release_held()


class Worker:
    """Runs queued jobs. A handler's effects are idempotent: it may run again after a crash."""

    def __init__(
        self, database: Database, clock: Clock, handlers: Mapping[str, JobHandler], on_failed: FailedHook
    ) -> None:
        self._database = database
        self._clock = clock
        self._handlers = dict(handlers)
        self._on_failed = on_failed
        self._manager: QueueManager | None = None
        self._stopping = False

    async def run(self) -> None:
        """Work until ``stop``; a broken connection is replaced."""
        while not self._stopping:
            try:
                await self._run_once()
            except Exception as error:  # noqa: BLE001 (told, and tried again)
                log_trouble(log, error, "the worker lost its connection and takes another one")
                await asyncio.sleep(RECONNECT_S)

    async def _run_once(self) -> None:
        connection = await self._database.connect_raw("app")
        try:
            held = queries(connection)
            self._manager = QueueManager(held, channel=QUEUE_SETTINGS.channel)
            self._manager.entrypoint(ENTRYPOINT, on_failure="hold")(self._work)
            if self._stopping:  # asked to stop while the connection was being made
                return
            await self._manager.run(
                dequeue_timeout=timedelta(seconds=1),
                batch_size=BATCH_JOBS,
                max_concurrent_tasks=CONCURRENT_JOBS_MAX,
                heartbeat_timeout=timedelta(seconds=HEARTBEAT_S),
            )
        finally:
            await connection.close()

    def stop(self) -> None:
        """Finish what runs and return from :meth:`run`."""
        self._stopping = True
        if self._manager is not None:
            self._manager.shutdown.set()

    async def _work(self, queued: Job) -> None:
        merchant_id, job_id = unpack(queued.payload or b"")
        async with self._database.unit(merchant_id, "job.claim") as unit:
            claimed = await unit.one(_CLAIM, {"merchant_id": merchant_id, "job_id": job_id})
        if claimed is None:
            return
        try:
            await self._handlers[claimed.kind](merchant_id, claimed.payload)
        except Postpone as later:
            await self._again(merchant_id, job_id, later.delay, attempts=claimed.attempts - 1, error=None)
        except Exception as error:  # noqa: BLE001 (whatever broke, the job is tried again and at last shown)
            await self._failed(merchant_id, job_id, claimed.kind, claimed.attempts, error)
        else:
            async with self._database.unit(merchant_id, "job.done") as unit:
                await unit.run(
                    update(job)
                    .where(job.c.merchant_id == merchant_id, job.c.job_id == job_id, job.c.state == "running")
                    .values(state="done", finished_at=unit.now(), last_error=None)
                )

    async def _failed(self, merchant_id: UUID, job_id: UUID, kind: str, attempts: int, error: Exception) -> None:
        told = told_of(error)
        if isinstance(error, HutongError):
            log.warning("job %s %s failed (attempt %d): %s", kind, job_id, attempts, told)
        else:
            log.error("job %s %s failed (attempt %d)", kind, job_id, attempts, exc_info=error)
        if attempts < ATTEMPTS_MAX:
            await self._again(merchant_id, job_id, backoff(attempts), attempts=attempts, error=told)
            return
        async with self._database.unit(merchant_id, "job.failed") as unit:
            await unit.run(
                update(job)
                .where(job.c.merchant_id == merchant_id, job.c.job_id == job_id, job.c.state == "running")
                .values(state="failed", finished_at=unit.now(), last_error=told)
            )
        await self._on_failed(merchant_id, job_id, kind, told)

    async def _again(
        self, merchant_id: UUID, job_id: UUID, delay: timedelta, *, attempts: int, error: str | None
    ) -> None:
        async with self._database.unit(merchant_id, "job.again") as unit:
            await unit.run(
                update(job)
                .where(job.c.merchant_id == merchant_id, job.c.job_id == job_id, job.c.state == "running")
                .values(state="waiting", due_at=unit.now() + delay, attempts=attempts, last_error=error)
            )
