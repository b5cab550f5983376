"""The unit of work: one transaction of one merchant, with the events it tells and the jobs it leaves behind."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, TypeVar
from uuid import UUID

import asyncpg
import msgspec
from sqlalchemy import CursorResult, Executable, Row, SelectBase, Table, insert, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from hutong.core.clock import Clock
from hutong.core.events import Event
from hutong.core.ids import new_id, new_ids
from hutong.core.states import TransitionTable
from hutong.db.fixed import Fixed
from hutong.db.queue import enqueue
from hutong.db.tables import inbox

#: Events or jobs of one transaction; more is a loop gone wrong or an import that should batch.
RECORDS_MAX: Final = 50_000
#: A job that hands one event over, for those that a batch could not.
DELIVER: Final = "deliver_event"


def _told(first: int) -> str:
    """Events into the outbox, their columns given as the parameters from ``first`` on."""
    names = ("event_id", "name", "version", "body", "occurred_at")
    kinds = ("uuid", "text", "smallint", "bytea", "timestamptz")
    given = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(kinds, first))
    return (
        f"told AS (INSERT INTO outbox (merchant_id, {', '.join(names)}) SELECT $1, * FROM unnest({given}) "  # noqa: S608
        "RETURNING event_id) INSERT INTO undelivered (merchant_id, event_id) SELECT $1, event_id FROM told"
    )


# Columns travel as arrays: one statement of one text, however many rows; nothing to compile anew.
_LEAVE: Final = (
    "INSERT INTO job (merchant_id, job_id, kind, payload, state, dedupe_key, due_at, created_at) "
    "SELECT $1, * FROM unnest($2::uuid[], $3::text[], $4::bytea[], $5::text[], $6::text[], $7::timestamptz[], "
    "$8::timestamptz[]) ON CONFLICT DO NOTHING RETURNING job_id, state"
)
_DROP: Final = (
    "UPDATE job SET state = 'dropped', finished_at = $2 FROM unnest($3::text[], $4::text[]) AS given(kind, key) "
    "WHERE merchant_id = $1 AND job.kind = given.kind AND dedupe_key = given.key AND state = 'waiting' "
    "AND finished_at IS NULL"
)
_TELL: Final = f"WITH {_told(2)}"
#: Both at once: whoever waits for the commit, as a wallet does, waits for one trip less.
_DROP_AND_TELL: Final = f"WITH dropped AS ({_DROP}), {_told(5)}"
_TAKE: Final = (
    "INSERT INTO inbox (merchant_id, handler, event_id, taken_at) "
    "SELECT $1, handler, event_id, $2 FROM unnest($3::text[], $4::uuid[]) AS given (handler, event_id) "
    "ON CONFLICT DO NOTHING RETURNING handler, event_id"
)

StateT = TypeVar("StateT", bound=StrEnum)
EventT = TypeVar("EventT", bound=StrEnum)


class Line(asyncpg.Record):  # type: ignore[misc] # asyncpg ships no types
    """A row of plain SQL, read by attribute as SQLAlchemy's are."""

    # The driver's own lookup: a function of ours around it took a thirtieth of the hub's time in `make bench-payments`.
    __getattr__ = asyncpg.Record.__getitem__


class EventKey(msgspec.Struct, frozen=True):
    """Payload of a delivery job."""

    event_id: UUID


class Unit:
    """What services work with. Commit and rollback belong to ``Database.unit``."""

    def __init__(self, connection: AsyncConnection, driver: Any, merchant_id: UUID, clock: Clock) -> None:  # noqa: ANN401
        self.connection = connection
        self.driver = driver  # asyncpg's connection, inside the transaction
        self.merchant_id = merchant_id
        self.clock = clock
        self._events: list[tuple[UUID, str, int, bytes, datetime]] = []
        self._jobs: list[tuple[UUID, str, bytes, str, str | None, datetime, datetime]] = []
        self._dropped: list[tuple[str, str]] = []
        self._savepoints_count = 0
        self.wrote = False  # whether this transaction has anything to commit
        self.told = False  # whether it told events

    def now(self) -> datetime:
        """The present moment by the hub's clock."""
        return self.clock.now()

    def new_id(self) -> UUID:
        """A fresh time-ordered id."""
        return new_id(self.clock.now())

    def new_ids(self, count: int) -> list[UUID]:
        """So many of them."""
        return new_ids(self.clock.now(), count)

    async def run(self, statement: Executable, values: Any = None) -> CursorResult[Any]:  # noqa: ANN401
        """Execute a statement."""
        self._watch(statement)
        result: CursorResult[Any] = await self.connection.execute(statement, values)
        return result

    def _watch(self, statement: Executable) -> None:
        """Plain SQL counts as a write: nobody has read it."""
        self.wrote = self.wrote or not isinstance(statement, SelectBase)

    async def one(self, statement: Executable, values: Any = None) -> Row[Any] | None:  # noqa: ANN401
        """The first row, or None."""
        self._watch(statement)
        return (await self.connection.execute(statement, values)).first()

    async def all(self, statement: Executable, values: Any = None) -> Sequence[Row[Any]]:  # noqa: ANN401
        """All rows; the statement carries its own limit."""
        self._watch(statement)
        return (await self.connection.execute(statement, values)).all()

    async def scalar(self, statement: Executable, values: Any = None) -> Any:  # noqa: ANN401
        """The first column of the first row, or None."""
        self._watch(statement)
        return (await self.connection.execute(statement, values)).scalar()

    async def fetch(self, sql: str, *values: Any) -> list[Any]:  # noqa: ANN401
        """Plain SQL of a hot path with ``$1`` parameters, straight to the driver: nothing is built or compiled.

        Rows are read by attribute. It counts as a write: nobody has read the text.

        Raises:
            RuntimeError: the transaction is over.
        """
        self.wrote = True
        return await self._send(sql, values)

    async def ask(self, fixed: Fixed, **values: Any) -> list[Any]:  # noqa: ANN401
        """:meth:`all` for a statement of a hot path, with its parameters by name.

        Raises:
            RuntimeError: the transaction is over.
        """
        self.wrote = self.wrote or fixed.writes
        return await self._send(*fixed.bind({"merchant_id": self.merchant_id, **values}))

    async def _send(self, sql: str, values: Sequence[Any]) -> list[Any]:
        if not self.driver.is_in_transaction():  # each statement would stand alone
            raise RuntimeError("the transaction has ended under the unit of work")
        rows: list[Any] = await self.driver.fetch(sql, *values, record_class=Line)
        return rows

    async def insert(self, table: Table, **values: Any) -> None:  # noqa: ANN401
        """Insert one row of this merchant."""
        await self.run(insert(table).values(merchant_id=self.merchant_id, **values))

    async def insert_once(self, table: Table, **values: Any) -> bool:  # noqa: ANN401
        """Insert one row of this merchant unless its key exists; tells whether it was inserted."""
        statement = upsert(table).values(merchant_id=self.merchant_id, **values).on_conflict_do_nothing()
        return (await self.run(statement)).rowcount == 1

    async def transition(
        self,
        table: Table,
        key: Mapping[str, Any],
        states: TransitionTable[StateT, EventT],
        event: EventT,
        **values: Any,  # noqa: ANN401
    ) -> bool:
        """Compare-and-set of a row's ``state`` by its transition table.

        False when the row is in no state that allows ``event``: a late or duplicate fact, or somebody was faster.
        The event must lead to one state, whichever it starts from; otherwise call once for each source.
        """
        by_target: dict[StateT, list[StateT]] = {}
        for source in states.sources(event):
            by_target.setdefault(states.next(source, event), []).append(source)
        for target, sources in by_target.items():
            statement = (
                update(table)
                .where(table.c.merchant_id == self.merchant_id, table.c.state.in_([s.value for s in sources]))
                .where(*(table.c[name] == value for name, value in key.items()))
                .values(state=target.value, **values)
            )
            if (await self.run(statement)).rowcount:
                return True
        return False

    async def take(self, handler: str, event_id: UUID) -> bool:
        """Mark an event as taken by a handler; False when it was taken before."""
        return await self.insert_once(inbox, handler=handler, event_id=event_id, taken_at=self.now())

    async def take_all(self, pairs: Sequence[tuple[str, UUID]]) -> set[tuple[str, UUID]]:
        """:meth:`take` for many pairs of handler and event: those that were not taken before."""
        if not pairs:
            return set()
        rows = await self.fetch(_TAKE, self.merchant_id, self.now(), *map(list, zip(*pairs, strict=True)))
        return {(row.handler, row.event_id) for row in rows}

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """What fails inside leaves nothing behind, events and jobs included; the transaction lives on."""
        events, jobs, dropped = len(self._events), len(self._jobs), len(self._dropped)
        self._savepoints_count += 1
        name = f"unit_{self._savepoints_count}"
        await self.driver.execute(f"SAVEPOINT {name}")
        try:
            yield
        except BaseException:
            del self._events[events:]
            del self._jobs[jobs:]
            del self._dropped[dropped:]
            if self.driver.is_in_transaction():
                await self.driver.execute(f"ROLLBACK TO SAVEPOINT {name}; RELEASE SAVEPOINT {name}")
            raise
        else:
            await self.driver.execute(f"RELEASE SAVEPOINT {name}")
        finally:
            self._savepoints_count -= 1

    def emit(self, event: Event) -> UUID:
        """Tell a fact: stored with this transaction, delivered to every handler after it."""
        event_id = self.new_id()
        self._events.append((event_id, event.name, event.version, event.encode(), self.now()))
        return event_id

    def schedule(
        self,
        kind: str,
        payload: msgspec.Struct,
        *,
        delay: timedelta = timedelta(0),
        dedupe_key: str | None = None,
    ) -> None:
        """Leave a job behind, due after ``delay``. An open job of the same kind and key is not doubled."""
        now = self.now()
        state = "waiting" if delay > timedelta(0) else "queued"
        self._jobs.append((self.new_id(), kind, msgspec.json.encode(payload), state, dedupe_key, now + delay, now))

    def drop_jobs(self, waiting: Sequence[tuple[str, str]]) -> None:
        """Jobs that wait, by kind and key, have nothing to do any more; one that runs already finds that out itself.

        Those are meant that were left by earlier transactions: it is done before this one leaves its own.
        """
        self._dropped.extend(waiting)

    async def flush(self) -> None:
        """Write events and jobs; called once, just before the commit."""
        if max(len(self._events), len(self._jobs), len(self._dropped)) > RECORDS_MAX:
            raise RuntimeError("one transaction leaves more records than its limit")
        events, dropped = _columns(self._events), _columns(self._dropped)
        if events and dropped:
            await self.fetch(_DROP_AND_TELL, self.merchant_id, self.now(), *dropped, *events)
        elif events:
            await self.fetch(_TELL, self.merchant_id, *events)
        elif dropped:
            await self.fetch(_DROP, self.merchant_id, self.now(), *dropped)
        self.told = bool(events)
        if self._jobs:
            rows = await self.fetch(_LEAVE, self.merchant_id, *_columns(self._jobs))
            keys = [(self.merchant_id, row.job_id) for row in rows if row.state == "queued"]
            await enqueue(self.driver, keys)


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    """Rows as the columns of one statement; none where there are no rows."""
    return [list(column) for column in zip(*rows, strict=True)]
