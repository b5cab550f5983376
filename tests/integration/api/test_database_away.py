"""A database that is away for a moment: the health check says so, and loops that ask it say it in one line."""

from __future__ import annotations

import asyncio
import logging
import socket

import asyncpg
import msgspec
import pytest
from sqlalchemy.exc import DBAPIError

from hutong.db.engine import Database
from hutong.db.jobs import Ticker
from hutong.db.outages import is_away, log_trouble
from hutong.db.roles import DatabaseAddress
from hutong.edge.table import LinkTable
from hutong.web.app import healthz
from hutong.workflows.dispatcher import Dispatcher

LINES_WITHIN_S = 20


async def health(runtime):
    answer = await healthz.fn(runtime)
    return answer.status_code or 200, answer.content


def test_the_health_check_tells_that_the_database_is_away(calling):
    async def work(caller):
        with socket.socket() as nobody:  # taken, and nobody listens
            nobody.bind(("127.0.0.1", 0))
            address = DatabaseAddress(f"postgresql://nobody@127.0.0.1:{nobody.getsockname()[1]}/none")
            away = msgspec.structs.replace(caller.runtime, database=Database(address, caller.room.clock))
            assert await health(away) == (503, {"status": "database_away"})
        assert await health(caller.runtime) == (200, {"status": "ok"})

    calling(work)


def test_a_line_that_was_cut_while_it_lay_in_the_pool_is_no_outage(calling):
    async def work(caller):
        database = caller.runtime.database
        assert (await health(caller.runtime))[0] == 200
        async with database.plain("app") as connection:
            raw = (await connection.get_raw_connection()).driver_connection
        raw.terminate()  # it went back to the pool, and the next one gets it
        assert await health(caller.runtime) == (200, {"status": "ok"})

    calling(work)


@pytest.fixture
def heard(caplog):
    """What our loggers say; Litestar puts its own handlers in the place of the root's."""
    ours = logging.getLogger("hutong")
    ours.addHandler(caplog.handler)
    yield caplog
    ours.removeHandler(caplog.handler)


def test_loops_say_in_one_line_that_the_database_is_away(calling, heard):
    async def work(caller):
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            address = DatabaseAddress(f"postgresql://nobody@127.0.0.1:{nobody.getsockname()[1]}/none")
            away = Database(address, caller.room.clock)
            runtime = msgspec.structs.replace(caller.runtime, database=away)
            stop = asyncio.Event()
            loops = [
                asyncio.create_task(loop)
                for loop in (
                    Dispatcher(runtime).run(stop),
                    Ticker(away, caller.room.clock).run(stop),
                    LinkTable(away, caller.room.clock).follow(stop),
                )
            ]
            async with asyncio.timeout(LINES_WITHIN_S):
                while len({record.name for record in told()}) < len(loops):  # noqa: ASYNC110 (a log is no event)
                    await asyncio.sleep(0.02)
            stop.set()
            await asyncio.gather(*loops)

    def told():
        return [record for record in heard.records if "the database is away" in record.getMessage()]

    calling(work)
    assert {(record.levelname, record.exc_info) for record in told()} == {("WARNING", None)}


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(),
        asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
        asyncpg.CannotConnectNowError("the database system is in recovery mode"),
        asyncpg.InterfaceError("connection is closed"),
    ],
)
def test_what_a_lost_line_looks_like(error):
    wrapped = DBAPIError("SELECT 1", {}, error)
    wrapped.__cause__ = error
    assert is_away(error)
    assert is_away(wrapped)


@pytest.mark.parametrize(
    "error",
    [
        KeyError("x"),
        FileNotFoundError(),
        asyncpg.UniqueViolationError("twice"),
        asyncpg.InterfaceError("cannot perform operation: another operation is in progress"),
    ],
)
def test_anything_else_keeps_its_traceback(error, caplog):
    log_trouble(logging.getLogger("hutong"), error, "%s broke", "it")
    [record] = caplog.records
    assert (record.levelname, record.getMessage(), record.exc_info[1]) == ("ERROR", "it broke", error)
