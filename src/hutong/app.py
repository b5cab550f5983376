"""Puts one process together: database, clock, vault, connectors, edge, web, worker."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server.embed import Server

from hutong.config import Settings
from hutong.core.crashpoints import install
from hutong.crypto.digests import hmac_sha256
from hutong.db.clock import OffsetClock, SystemClock
from hutong.db.engine import Database
from hutong.db.house import DATABASE_NAME, House
from hutong.db.housekeeping import Housekeeper
from hutong.db.jobs import Ticker, Worker
from hutong.db.keystore import DatabaseKeyStore, confirm_keyring
from hutong.db.reaching import connect, refuse_empty
from hutong.db.roles import DatabaseAddress, ensure_roles
from hutong.db.vault import Vault
from hutong.db.walls import refuse_open_walls
from hutong.edge.connections import BACKLOG, allow_connections
from hutong.edge.front import LinkFront
from hutong.edge.journal import ClickJournal
from hutong.edge.proxies import BehindProxies
from hutong.edge.sink import ClickSink
from hutong.edge.table import LinkTable
from hutong.ledger.books import Books
from hutong.links.jumps.book import FILE_NAME as JUMPS_FILE
from hutong.links.jumps.book import JumpBook
from hutong.links.jumps.choices import ChoiceFeed
from hutong.links.jumps.learning import JumpFeed
from hutong.links.jumps.ways import Ways
from hutong.links.walls.watch import WallWatch
from hutong.merchants.service import all_merchants
from hutong.migrations import HEAD
from hutong.platforms.registry import Registry
from hutong.transport.client import HttpPool
from hutong.transport.outward import OutwardSender
from hutong.web.app import build_doors
from hutong.web.buyer.notices import Notices
from hutong.webhooks.courier import Courier
from hutong.webhooks.forgetting import forget_deliveries
from hutong.workflows.commands.begin_bills import begin_bills
from hutong.workflows.commands.check_destinations import plan_checks
from hutong.workflows.commands.crown_winners import crown_winners
from hutong.workflows.commands.watch_certificates import watch_certificates
from hutong.workflows.delivery import job_handlers, report_failed_job, report_lost_clicks
from hutong.workflows.dispatcher import Dispatcher
from hutong.workflows.runtime import Runtime
from hutong.workflows.sandbox_time import SandboxTime

log = logging.getLogger("hutong")
#: Granian's logger (named for its Rust half) writes to standard output, where our ``ready`` line and JSON belong.
SERVER_LOGGER: Final = "_granian"
#: Said at each start of the embedded form. The risk is ours to judge, not the merchant's.
SERVER_NOTICE: Final = "Embedded server is experimental!"

READY_POLL_S: Final = 0.02
STOP_TIMEOUT_S: Final = 10


@asynccontextmanager
async def open_runtime(
    settings: Settings, house: House, public_url: str, *, to_examine: bool = False
) -> AsyncIterator[Runtime]:
    """Everything that commands need, on an open home; the schema is brought up to date where we may.

    ``to_examine``: for the doctor, who tells what stands open between merchants and is not stopped by it, and sets no
    database up where there is none.

    Raises:
        WallsDown: merchants' rows are not kept apart.
        DatabaseEmpty: with ``to_examine``, where the external database is none of ours.
    """
    if house.address is not None:
        address = house.address
        await (await connect(address.url)).close()  # what keeps it away is told here, in plain words
    else:
        assert house.admin_url is not None, "a house is either attached or ours to set up"
        if to_examine and house.server is None:
            await refuse_empty(house.admin_url)
        address = await ensure_roles(house.admin_url, _database_name(settings), login=house.login)
        await bring_up_to_date(address)
    if house.server is not None:
        address = await address.nearest(house.server.cluster.socket)
    clock = SystemClock() if settings.sandbox_url is None else OffsetClock()
    database = Database(address, clock)
    books = Books(database)
    keyring = house.home.keyring()
    outward = OutwardSender(trial=settings.sandbox_url is not None)
    try:
        await confirm_keyring(database, keyring)
        if not to_examine:
            async with database.plain("system") as connection:
                await refuse_open_walls(connection)
        async with HttpPool() as http:
            runtime = Runtime(
                database=database,
                books=books,
                clock=clock,
                vault=Vault(keyring, DatabaseKeyStore(database), clock),
                registry=Registry.from_entry_points(),
                http=http,
                public_url=public_url,
                link_key=hmac_sha256(keyring.current.key, b"hutong link tokens"),
                sandbox_url=settings.sandbox_url,
                agent_rate_bps=settings.agent_rate_bps,
                ways=Ways(JumpBook(settings.home / JUMPS_FILE)),
                outward=outward,
            )
            yield runtime
            with contextlib.suppress(TimeoutError):  # what was left to be done at once; else it is done after the start
                await asyncio.wait_for(runtime.gatherings.rest(), STOP_TIMEOUT_S)
    finally:
        await outward.close()
        await books.close()
        await database.close()


async def merchant_ids(database: Database) -> list[UUID]:
    """Every merchant of this hub."""
    async with database.plain("system") as connection:
        return [merchant.merchant_id for merchant in await all_merchants(connection)]


def housekeeper_of(runtime: Runtime) -> Housekeeper:
    """Who sweeps behind every merchant of this hub and looks after what runs out."""
    everybody = partial(merchant_ids, runtime.database)
    chores = [partial(chore, runtime) for chore in (watch_certificates, plan_checks, crown_winners)]
    return Housekeeper(runtime.database, everybody, {"webhook_delivery": forget_deliveries}, chores)


async def bring_up_to_date(address: DatabaseAddress) -> None:
    """Migrate unless the schema is the newest; then Alembic, half a second of imports, is not loaded at all."""
    dsn, server_settings = address.url_for("owner")
    connection = await connect(dsn, server_settings=server_settings)
    try:
        known = await connection.fetchval("SELECT to_regclass('public.alembic_version') IS NOT NULL")
        version = await connection.fetchval("SELECT version_num FROM alembic_version") if known else None
    finally:
        await connection.close()
    if version != HEAD:
        runner = import_module("hutong.migrations.runner")
        await runner.migrate(address)


def _database_name(settings: Settings) -> str:
    """The database's name: from an external URL's path, else our own."""
    if settings.database_url is None:
        return DATABASE_NAME
    return DatabaseAddress(settings.database_url).url.rsplit("/", 1)[-1].split("?", 1)[0] or DATABASE_NAME


class Hub:
    """All roles in one process: links, pages, API, callbacks, jobs."""

    def __init__(self, runtime: Runtime, settings: Settings, port: int) -> None:
        self._runtime = runtime
        self._stop = asyncio.Event()
        self._journal = ClickJournal(settings.home / "clicks.journal")
        self.clicks_lost = self._journal.untold()
        self._table = LinkTable(runtime.database, runtime.clock)
        self._sink = ClickSink(runtime.database, self._journal)
        self.clicks_recovered = self._sink.recovered
        front = LinkFront(
            build_doors(runtime),
            self._table,
            self._sink,
            runtime.ways,
            runtime.clock,
            runtime.link_key,
            self._table.guards,
            notices=Notices().answer,
            public_url=runtime.public_url,
            places=self._table.places,
        )
        self._jump_feed = JumpFeed(runtime.database, runtime.clock, runtime.ways.ranking)
        self._choice_feed = ChoiceFeed(runtime.database, runtime.clock, runtime.ways.choices)
        self._walls = WallWatch(runtime.database, runtime.clock, runtime.ways)
        self._server: Any = Server(
            BehindProxies(front, settings.trusted_proxies),
            address=settings.host,
            port=port,
            interface=Interfaces.ASGINL,
            http=HTTPModes.http1,
            backlog=BACKLOG,
            backpressure=allow_connections(),
            log_level=LogLevels.warning,
            log_dictconfig={"loggers": {SERVER_LOGGER: {"handlers": [], "propagate": True}}},
        )
        logging.getLogger(SERVER_LOGGER).addFilter(lambda record: record.getMessage() != SERVER_NOTICE)
        self._worker = Worker(
            runtime.database, runtime.clock, job_handlers(runtime), partial(report_failed_job, runtime)
        )
        self._ticker = Ticker(runtime.database, runtime.clock)
        self._dispatcher = Dispatcher(runtime)
        self._courier = Courier(runtime.database, runtime.clock, runtime.vault, runtime.outward)
        self._housekeeper = housekeeper_of(runtime)
        self._time = SandboxTime.of(runtime)

    async def run(self, on_ready: asyncio.Event) -> None:
        """Serve until :meth:`stop` or a signal; in-flight clicks are stored and running jobs finished first."""
        if self.clicks_lost:
            log.warning("%d clicks were answered and could not be kept", self.clicks_lost)
            await report_lost_clicks(self._runtime, self.clicks_lost)
            self._journal.mark_told(self.clicks_lost)
        if self.clicks_recovered:
            log.info("%d clicks of the last process are stored now", self.clicks_recovered)
        if self._time is not None:
            await self._time.catch_up()
        await begin_bills(self._runtime)
        await self._table.refresh()
        tasks = [
            asyncio.create_task(self._table.follow(self._stop), name="links"),
            asyncio.create_task(self._runtime.ways.book.follow(self._stop), name="jumps"),
            asyncio.create_task(self._jump_feed.follow(self._stop), name="arrivals"),
            asyncio.create_task(self._choice_feed.follow(self._stop), name="choices"),
            asyncio.create_task(self._walls.follow(self._stop), name="walls"),
            asyncio.create_task(self._sink.run(self._stop), name="clicks"),
            asyncio.create_task(self._ticker.run(self._stop), name="ticker"),
            asyncio.create_task(self._dispatcher.run(self._stop), name="dispatcher"),
            asyncio.create_task(self._courier.run(self._stop), name="courier"),
            asyncio.create_task(self._housekeeper.run(self._stop), name="housekeeper"),
            asyncio.create_task(self._worker.run(), name="worker"),
            asyncio.create_task(self._server.serve(), name="web"),
        ]
        if self._time is not None:
            tasks.append(asyncio.create_task(self._time.follow(self._stop), name="sandbox time"))
        loop = asyncio.get_running_loop()
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(name, self.stop)
        waiting = asyncio.create_task(self._stop.wait())
        on_ready.set()
        done, _ = await asyncio.wait([waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
        self.stop()
        self._worker.stop()
        with contextlib.suppress(Exception):
            self._server.stop()
        await asyncio.wait(tasks, timeout=STOP_TIMEOUT_S)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._journal.close()
        for task in done - {waiting}:
            if task.exception() is not None:
                raise RuntimeError(f"the hub's part {task.get_name()} ended") from task.exception()

    def stop(self) -> None:
        """Ask for the end."""
        self._stop.set()


def install_crash_points(setting: str) -> None:
    """For the crash proof only: ``record:FILE`` notes every point that is reached, ``kill:NUMBER`` dies at one."""
    mode, _, value = setting.partition(":")
    if mode == "record":
        file = Path(value)

        def record(point: str) -> None:
            with file.open("a", encoding="utf-8") as out:
                out.write(f"{point}\n")

        install(record)
    elif mode == "kill":
        left = int(value)

        def kill(_point: str) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        install(kill)
