"""Jobs on a real queue: by the hub's clock, again after failures, never stuck, never doubled while open."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import asyncpg
import msgspec
import pytest

from hutong.db.jobs import ATTEMPTS_MAX, Postpone, Ticker

pytestmark = pytest.mark.slow


class Empty(msgspec.Struct):
    """A payload."""


def test_a_job_waits_for_its_time_by_the_hubs_clock(run_floor):
    async def work(floor):
        ran = []

        async def note(_merchant, payload):
            ran.append(payload)

        floor.handlers["note"] = note
        await floor.schedule("note", "later", delay=timedelta(hours=5))
        async with floor.working():
            await asyncio.sleep(1)
            assert ran == []
            floor.clock.advance(timedelta(hours=5))
            await floor.until(floor_done(floor))
        assert len(ran) == 1

    run_floor(work)


def floor_done(floor, state: str = "done"):
    async def look():
        return [row[0] for row in await floor.rows()] == [state] * len(await floor.rows())

    return look


def test_a_failure_is_tried_again_and_at_last_told(run_floor):
    async def work(floor):
        async def fail(_merchant, _payload):
            raise ValueError("no luck")

        floor.handlers["fail"] = fail
        await floor.schedule("fail")
        async with floor.working():
            for attempt in range(1, ATTEMPTS_MAX):

                async def tried(attempt=attempt):
                    return (await floor.rows())[0] == ("waiting", attempt)

                await floor.until(tried)
                floor.clock.advance(timedelta(hours=1))
            await floor.until(floor_done(floor, "failed"))
        assert floor.gave_up == ["fail: ValueError: no luck"]

    run_floor(work)


def test_a_failure_that_quotes_what_no_database_holds_ends_like_any_other(run_floor):
    async def work(floor):
        async def fail(_merchant, _payload):
            raise ValueError("\0x")

        floor.handlers["fail"] = fail
        await floor.schedule("fail")
        async with floor.working():

            async def tried():
                return (await floor.rows())[0] == ("waiting", 1)

            await floor.until(tried)
        assert await floor.rows("last_error") == [(r"ValueError: \0x",)]

    run_floor(work)


def test_a_postponed_job_has_not_failed(run_floor):
    async def work(floor):
        looks = []

        async def look(_merchant, _payload):
            looks.append(1)
            if len(looks) < 4:
                raise Postpone(timedelta(minutes=1))

        floor.handlers["look"] = look
        await floor.schedule("look")
        async with floor.working():
            for count in range(1, 4):

                async def looked(count=count):
                    return len(looks) == count and (await floor.rows())[0] == ("waiting", 0)

                await floor.until(looked)
                floor.clock.advance(timedelta(minutes=1))
            await floor.until(floor_done(floor))
        assert await floor.rows("attempts, last_error") == [(1, None)]

    run_floor(work)


def test_an_open_job_of_the_same_key_is_not_doubled(run_floor):
    async def work(floor):
        ran = []

        async def note(_merchant, payload):
            ran.append(payload)

        floor.handlers["note"] = note
        for text in ("a", "b", "c"):
            await floor.schedule("note", text, dedupe_key="one")
        assert len(await floor.rows()) == 1
        async with floor.working():
            await floor.until(floor_done(floor))
            await floor.schedule("note", "d", dedupe_key="one")
            await floor.until(floor_done(floor))
        assert len(ran) == 2

    run_floor(work)


def test_a_rolled_back_transaction_leaves_no_job(run_floor):
    async def work(floor):
        async def break_off():
            async with floor.database.unit(floor.merchant_id, "test") as unit:
                unit.schedule("note", Empty())
                await unit.flush()
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await break_off()
        assert await floor.rows() == []
        async with floor.database.plain("system") as connection:
            assert (await connection.exec_driver_sql("SELECT count(*) FROM queue")).scalar() == 0

    run_floor(work)


def test_a_job_whose_end_could_not_be_written_is_not_stuck(run_floor, monkeypatch):
    """As on a full disk: the effect is done, its mark is refused, the mark of the failure too."""
    monkeypatch.setattr("hutong.db.jobs.RELEASE_S", 0.3)

    async def work(floor):
        ran = []

        async def note(_merchant, _payload):
            ran.append(1)

        floor.handlers["note"] = note
        owner = await floor.database.connect_raw("owner")
        await owner.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION USING ERRCODE = 'disk_full', MESSAGE = 'disk full'; END $$"
        )
        await owner.execute(
            "CREATE TRIGGER no_room BEFORE UPDATE ON job FOR EACH ROW WHEN (NEW.state IN ('done', 'waiting')) "
            "EXECUTE FUNCTION refuse()"
        )
        await floor.schedule("note")
        async with floor.working():

            async def tried_twice():
                return len(ran) >= 2

            await floor.until(tried_twice)
            assert (await floor.rows("state"))[0] == ("running",)
            await owner.execute("DROP TRIGGER no_room ON job")
            await floor.until(floor_done(floor))
        await owner.close()
        async with floor.database.plain("system") as connection:
            assert (await connection.exec_driver_sql("SELECT count(*) FROM queue")).scalar() == 0

    run_floor(work)


def test_a_worker_whose_connection_broke_takes_another(run_floor):
    async def work(floor):
        ran = []

        async def note(_merchant, payload):
            ran.append(payload)

        floor.handlers["note"] = note
        async with floor.working():
            await floor.schedule("note", "before")
            await floor.until(floor_done(floor))
            admin = await asyncpg.connect(floor.database.address.url)
            cut = await admin.fetchval(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND application_name = 'hutong app'"
            )
            await admin.close()
            assert cut >= 1
            await floor.schedule("note", "after")  # the pool's connection is gone, too: it is replaced at its next use
            await floor.until(floor_done(floor))
        assert len(ran) == 2

    run_floor(work)


def test_the_ticker_releases_nothing_when_nothing_is_held(run_floor):
    async def work(floor):
        assert await Ticker(floor.database, floor.clock).release_held() == 0

    run_floor(work)
