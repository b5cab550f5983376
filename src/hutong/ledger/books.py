"""The flusher: callers await ``post()``; those who come together are written by one transaction for each merchant.

A flush is one statement (``ledger_flush``), linked to where the chain is believed to end. It assumes that every key is
new and that no account is guarded; the database refuses the whole of it where that is wrong, and then the same slips
go the long way: look under the chain's lock, answer each by itself, write the rest.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
import msgspec
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from hutong.core.crashpoints import reach
from hutong.core.ids import new_id, new_ids
from hutong.db.disk import Disk
from hutong.db.engine import Database
from hutong.db.lines import Lines
from hutong.db.outages import log_trouble
from hutong.ledger.batches import Batch, PostResult
from hutong.ledger.errors import PostingUnclear
from hutong.ledger.jobs import BooksKey, chores_between
from hutong.ledger.posting import batches_posted, open_accounts, write_drafts
from hutong.ledger.sheets import Draft, Sheet, make_sheet
from hutong.ledger.store import Told, flush_sheet
from hutong.ledger.tills import Slip, Till

log = logging.getLogger("hutong.books")

#: Connections of the flusher: merchants that are written at the same time.
LINES_MAX: Final = 4
#: Merchants whose chain ends and account ids are remembered.
TILLS_MAX: Final = 1_000
#: Tries of a flush whose fate is unclear (the database was away), 0.1 s, 0.2 s, … apart.
TRIES_MAX: Final = 6
PAUSE_FIRST_S: Final = 0.1

#: The line was cut or never opened: the batches may stand in the books or not.
UNCLEAR: Final = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.DeadlockDetectedError,
    DBAPIError,
    PoolTimeout,
)


class Books:
    """Posts batches of any merchant in transactions of its own, durably before it answers.

    Whoever needs a batch in one transaction with other rows posts by :func:`hutong.ledger.service.post`; both ways may
    be used at the same time, also from several processes.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lines = Lines(database, "app", LINES_MAX)
        self._disk = Disk(database)
        self._tills: dict[UUID, Till] = {}
        self._flights: set[asyncio.Task[None]] = set()

    async def post(self, merchant_id: UUID, batch: Batch) -> PostResult:
        """Post one batch, once. A caller that is cancelled does not know; the same key again tells.

        Raises:
            MalformedBatch, UnbalancedBatch: the batch must not stand in the books.
            BatchKeyReused: the key serves other content.
            AccountOverdrawn: a guarded account would leave its side.
            AccountBeyondBooks: an account would leave what the books can hold.
            BooksBusy: too many wait for this merchant's books.
            PostingUnclear: the database did not answer; post again with the same key.
        """
        batch.verify()
        digest = batch.payload_hash()
        loop = asyncio.get_running_loop()
        slip = Slip(batch, digest, loop.create_future())
        till = self._till(merchant_id)
        till.put(slip)
        self._call(till)
        return await slip.answer

    async def close(self) -> None:
        """Write what waits, then close the lines. Nobody may post any more."""
        while self._flights or any(not till.is_idle() for till in self._tills.values()):
            await asyncio.sleep(0)
            if self._flights:
                await asyncio.wait(self._flights)
        await self._lines.close()
        await self._disk.close()

    def _till(self, merchant_id: UUID) -> Till:
        till = self._tills.get(merchant_id)
        if till is None:
            if len(self._tills) >= TILLS_MAX:
                self._tills = {key: kept for key, kept in self._tills.items() if not kept.is_idle()}
            till = self._tills[merchant_id] = Till(merchant_id)
        return till

    def _call(self, till: Till) -> None:
        """Start flushes at the end of this turn of the loop, so that those who wake together are written together."""
        if not till.is_called:
            till.is_called = True
            asyncio.get_running_loop().call_soon(self._start, till)

    def _start(self, till: Till) -> None:
        till.is_called = False
        while till.may_fly():
            slips = till.take()
            if not slips:
                continue
            till.flights_count += 1
            flight = asyncio.get_running_loop().create_task(self._fly(till, slips))
            self._flights.add(flight)
            flight.add_done_callback(self._flights.discard)

    async def _fly(self, till: Till, slips: list[Slip]) -> None:
        """One flush, from slips to answers, whatever happens on the way."""
        try:
            if not await self._write_at_once(till, slips):
                await self._write_slowly(till, slips)
        except BaseException as error:  # a caller must never wait for ever
            till.lose()
            for slip in slips:
                till.tell(slip, PostingUnclear(key=slip.batch.idempotency_key))
            if not isinstance(error, Exception):
                raise
            log_trouble(log, error, "a flush broke")
        finally:
            till.flights_count -= 1
            if till.has_waiting():
                self._call(till)

    async def _write_at_once(self, till: Till, slips: list[Slip]) -> bool:
        """Write by one statement, or tell that the slips have to go the long way."""
        missing = till.missing(slips) if till.end is not None else set()
        if missing:
            async with self._database.unit(till.merchant_id, "books.accounts") as unit:
                till.remember(await open_accounts(unit, missing))
        if till.end is None or till.missing(slips):
            return False
        now = self._database.clock.now()
        sheet = make_sheet(_drafts(slips, now), till.end, now, till.accounts)
        if not till.guarded.isdisjoint(sheet.accounts):
            return False
        told = _told(sheet, till.end.batches_count)
        till.end, losses_count = sheet.end, till.losses_count  # the next one is laid out behind it meanwhile
        self._call(till)
        async with till.turn:
            if till.losses_count != losses_count or not await self._send(till, sheet, told):
                till.lose()
                return False
        if not await self._on_disk(till):
            return False
        for slip in slips:
            till.tell(slip, PostResult(posted=True, batch_id=slip.batch_id))
        return True

    async def _on_disk(self, till: Till) -> bool:
        """Wait until what was committed is on disk; the next flush may start meanwhile. False: nobody knows."""
        till.flights_count -= 1
        self._call(till)
        try:
            await self._disk.wait()
        except (asyncpg.PostgresError, *UNCLEAR):
            return False
        finally:
            till.flights_count += 1
        self._database.events_told.set()
        return True

    async def _send(self, till: Till, sheet: Sheet, told: Told) -> bool:
        """Send a sheet; whether it was written."""
        try:
            async with self._lines.take() as raw:
                reach("commit:books.flush:before")
                await flush_sheet(raw, till.merchant_id, sheet, told)
        except (asyncpg.PostgresError, *UNCLEAR):
            return False
        reach("commit:books.flush:after")
        return True

    async def _write_slowly(self, till: Till, slips: list[Slip]) -> None:
        """Look under the lock of the chain, write those who may, and answer each."""
        till.looking_count += 1
        try:
            answers = await self._answers(till, slips)
        finally:
            till.looking_count -= 1
        for slip, answer in zip(slips, answers, strict=True):
            till.tell(slip, answer)

    async def _answers(self, till: Till, slips: list[Slip]) -> list[PostResult | Exception]:
        """The answer to each slip: tried again while the database is away, each by itself where one breaks them all."""
        for attempt in range(TRIES_MAX):
            try:
                return await self._look_and_write(till, slips)
            except UNCLEAR as error:
                log.warning("books of %s: %s, try %d", till.merchant_id, type(error).__name__, attempt + 1)
                await asyncio.sleep(PAUSE_FIRST_S * 2**attempt)
            except Exception as error:  # noqa: BLE001 (whatever one batch broke is its own caller's)
                if len(slips) == 1:
                    return [error]
                return [answer for slip in slips for answer in await self._answers(till, [slip])]
        return [PostingUnclear(key=slip.batch.idempotency_key) for slip in slips]

    async def _look_and_write(self, till: Till, slips: list[Slip]) -> list[PostResult | Exception]:
        async with self._database.unit(till.merchant_id, "books.look") as unit:
            written = await write_drafts(unit, _drafts(slips, unit.now()), apart=True)
            if written.fresh:
                unit.emit(batches_posted(written.first_sequence, len(written.fresh)))
        till.found(written.end)
        till.remember(written.accounts)
        till.guarded.difference_update(written.accounts.values())
        till.guarded.update(written.guarded)
        return list(written.answers)


def _drafts(slips: Sequence[Slip], now: datetime) -> list[Draft]:
    """Drafts of the slips; each keeps the id of its first try."""
    new = [slip for slip in slips if slip.batch_id is None]
    for slip, batch_id in zip(new, new_ids(now, len(new)), strict=True):
        slip.batch_id = batch_id
    return [Draft(slip.batch_id, slip.batch, slip.digest) for slip in slips if slip.batch_id is not None]


def _told(sheet: Sheet, before_count: int) -> Told:
    """One event for the whole flush, and the chores that the growth of the chain brings.

    The chores wait for the ticker, who enqueues what is due: a flush is spared the queue's own statements.
    """
    now = sheet.end.recorded_at
    jobs = [
        (new_id(now), chore.kind, msgspec.json.encode(BooksKey()), chore.kind, now + chore.delay)
        for chore in chores_between(before_count, sheet.end.batches_count)
    ]
    return Told(new_id(now), batches_posted(sheet.first_sequence, sheet.end.batches_count - before_count), jobs)
