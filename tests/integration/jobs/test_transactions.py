"""A unit of work is one transaction, whatever happens in it: an error, a cancelled task, a server that goes away."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest

from hutong.db.engine import POOL_OVERFLOW_MAX, POOL_SIZE, Uncommitted
from hutong.shops.events import StockChanged

EVENT = StockChanged(sku_id=uuid4())
#: Ends every connection of the app in this database; how many there were.
CUT = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
    "WHERE datname = current_database() AND application_name = 'hutong app'"
)


async def told(floor) -> int:
    async with floor.database.plain("system") as connection:
        return int((await connection.exec_driver_sql("SELECT count(*) FROM outbox")).scalar())


def test_what_raises_leaves_nothing_and_the_connection_serves_again(run_floor):
    async def work(floor):
        for _ in range(POOL_SIZE + POOL_OVERFLOW_MAX + 1):
            with suppress(ZeroDivisionError):
                async with floor.database.unit(floor.merchant_id, "test") as unit:
                    unit.emit(EVENT)
                    await unit.flush()
                    raise ZeroDivisionError
        assert await told(floor) == 0
        async with floor.database.unit(floor.merchant_id, "test") as unit:
            unit.emit(EVENT)
        assert await told(floor) == 1

    run_floor(work)


def test_a_swallowed_error_of_the_database_is_not_called_committed(run_floor):
    async def work(floor):
        async def swallow() -> None:
            async with floor.database.unit(floor.merchant_id, "test") as unit:
                await unit.fetch("INSERT INTO inbox VALUES ($1, 'x', $2, now())", floor.merchant_id, uuid4())
                with suppress(asyncpg.PostgresError):
                    await unit.fetch("SELECT 1 / 0")

        with pytest.raises(Uncommitted):
            await swallow()
        async with floor.database.plain("system") as connection:
            assert (await connection.exec_driver_sql("SELECT count(*) FROM inbox")).scalar() == 0

    run_floor(work)


def test_a_savepoint_takes_back_its_own_and_savepoints_stand_in_each_other(run_floor):
    async def work(floor):
        async with floor.database.unit(floor.merchant_id, "test") as unit:
            unit.emit(EVENT)
            async with unit.savepoint():
                unit.emit(EVENT)
                with suppress(asyncpg.PostgresError):
                    async with unit.savepoint():
                        unit.emit(EVENT)
                        await unit.fetch("SELECT 1 / 0")
            with suppress(ZeroDivisionError):
                async with unit.savepoint():
                    unit.emit(EVENT)
                    raise ZeroDivisionError
        assert await told(floor) == 2

    run_floor(work)


def test_a_cancelled_task_rolls_back_and_returns_a_sound_connection(run_floor):
    async def work(floor):
        async def slow() -> None:
            async with floor.database.unit(floor.merchant_id, "test") as unit:
                unit.emit(EVENT)
                await unit.flush()
                await unit.fetch("SELECT pg_sleep(30)")

        for _ in range(POOL_SIZE + POOL_OVERFLOW_MAX + 1):
            task = asyncio.create_task(slow())
            await asyncio.sleep(0.02)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        async with floor.database.unit(floor.merchant_id, "test") as unit:
            unit.emit(EVENT)
        assert await told(floor) == 1
        async with floor.database.plain("system") as connection:
            open_ones = (
                "SELECT count(*) FROM pg_locks WHERE relation = 'outbox'::regclass AND mode = 'RowExclusiveLock'"
            )
            assert (await connection.exec_driver_sql(open_ones)).scalar() == 0

    run_floor(work)


def test_connections_that_the_server_closed_are_replaced(run_floor):
    async def work(floor):
        async def hold() -> None:
            async with floor.database.unit(floor.merchant_id, "test"):
                await asyncio.sleep(0.05)

        admin = await asyncpg.connect(floor.database.address.url)
        # The end may have been read from the line, be under way, or not have come yet: waits of every length.
        for wait_ms in range(10):
            await asyncio.gather(*(hold() for _ in range(5)))
            assert await admin.fetchval(CUT) == 5
            await asyncio.sleep(wait_ms / 4000)
        await asyncio.gather(*(hold() for _ in range(5)))
        await admin.close()

    run_floor(work)


def test_a_farewell_that_was_half_read_is_a_closed_connection(run_floor, monkeypatch):
    """The driver calls it an internal error; nothing was sent, so another connection does the work."""

    async def work(floor):
        async with floor.database.unit(floor.merchant_id, "test"):
            pass
        said = []
        whole = asyncpg.Connection.execute

        async def execute(self, query, *args, **kwargs):
            if not said:
                said.append(query)
                raise asyncpg.InternalClientError("cannot switch to state 15; another operation (2) is in progress")
            return await whole(self, query, *args, **kwargs)

        monkeypatch.setattr(asyncpg.Connection, "execute", execute)
        async with floor.database.unit(floor.merchant_id, "test") as unit:
            unit.emit(EVENT)
        monkeypatch.undo()
        assert len(said) == 1
        assert await told(floor) == 1

    run_floor(work)


def test_a_snapshot_sees_one_moment(run_floor):
    async def work(floor):
        async def seen(*, snapshot):
            async with floor.database.unit(floor.merchant_id, "test", snapshot=snapshot) as unit:
                before = (await unit.fetch("SELECT count(*) FROM outbox"))[0][0]
                async with floor.database.unit(floor.merchant_id, "test") as other:
                    other.emit(EVENT)
                return (await unit.fetch("SELECT count(*) FROM outbox"))[0][0] - before

        assert (await seen(snapshot=True), await seen(snapshot=False)) == (0, 1)

    run_floor(work)


def test_one_merchants_setting_does_not_outlive_its_transaction(run_floor):
    async def work(floor):
        async with floor.database.unit(floor.merchant_id, "test") as unit:
            unit.emit(EVENT)
        other = uuid4()
        for _ in range(POOL_SIZE):
            async with floor.database.unit(other, "test") as unit:
                assert await unit.fetch("SELECT 1 FROM outbox") == []
        async with floor.database.plain("app") as connection:
            assert (await connection.exec_driver_sql("SELECT count(*) FROM outbox")).scalar() == 0

    run_floor(work)


def test_jobs_that_wait_are_dropped_by_kind_and_key(run_floor):
    async def work(floor):
        hour = timedelta(hours=1)
        for kind, key in (("a", "1"), ("a", "2"), ("b", "1")):
            await floor.schedule(kind, dedupe_key=key, delay=hour)
        await floor.schedule("a", dedupe_key="3")  # due: it may run already, and finds out itself
        async with floor.database.unit(floor.merchant_id, "test") as unit:
            unit.drop_jobs([("a", "1"), ("b", "1"), ("b", "2"), ("a", "3")])
        found = sorted(await floor.rows("kind, state, coalesce(dedupe_key, '')"))
        assert found == [("a", "dropped", "1"), ("a", "queued", "3"), ("a", "waiting", "2"), ("b", "dropped", "1")]

    run_floor(work)
