"""``hutong serve``: the hub, until Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import logging
import os
import socket
import sys
from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

import click
import msgspec
import uvloop

from hutong.app import Hub, install_crash_points, open_runtime
from hutong.cli.output import progress
from hutong.cli.processes import PortTaken
from hutong.config import Settings, load_settings
from hutong.db.home import refuse_held
from hutong.db.house import House, open_house
from hutong.db.refusals import DatabaseEnded
from hutong.merchants.actors import HOME
from hutong.merchants.keys import create_key
from hutong.merchants.service import all_merchants
from hutong.merchants.staff import merchant_of_login
from hutong.merchants.staffing import renew_password, staff_of_login
from hutong.workflows.commands.open_shop import open_shop, renew_sandbox_connections
from hutong.workflows.runtime import Runtime

FIRST_SHOP: Final = "我的小店"
FIRST_LOGIN: Final = "owner"
#: Objects made and not yet freed before the youngest are searched for cycles; Python's own 700 took a twentieth of the
#: hub's time in ``make bench-payments``.
GARBAGE_YOUNG_MAX: Final = 10_000
#: How soon the hub notices that its database has gone for good.
DATABASE_LOOK_S: Final = 1.0


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=None, help="Port; 0 takes a free one. 端口")
@click.option("--lifeline", is_flag=True, hidden=True, help="Stop when standard input ends.")
@click.option(
    "--fresh-login",
    is_flag=True,
    hidden=True,
    help="On a demo home: a new random password for its owner, and an API key.",
)
def serve(port: int | None, lifeline: bool, fresh_login: bool) -> None:
    """Run the hub: links, pages, API, callbacks, jobs. 启动服务

    Prints one line ``ready {json}`` with url, api and, in a fresh home, the login that was made.
    """
    settings = load_settings(os.environ)
    if port is not None:
        settings = msgspec.structs.replace(settings, port=port)
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for talkative in ("aiohttp", "httpx", "alembic"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    if settings.crash_points:
        install_crash_points(settings.crash_points)
    refuse_held(settings.home)  # before its port: another port would be of no help
    if settings.port:
        refuse_taken_port(settings.host, settings.port)
    with (
        held_port(settings.host, settings.port),
        open_house(settings.home, settings.database_url, attach=False) as house,
    ):
        uvloop.run(_serve(settings, house, lifeline=lifeline, fresh_login=fresh_login))


def refuse_taken_port(host: str, port: int) -> None:
    """Look before anything is opened: the server itself would share the port with another hub.

    Raises:
        PortTaken: somebody listens there.
    """
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a hub that just ended leaves no trace
            probe.bind((host, port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(port=port) from error


@contextlib.contextmanager
def held_port(host: str, port: int) -> Iterator[None]:
    """No other hub of this machine begins at the port meanwhile: it is bound only when the database has started, and
    two that have looked before would share it. The mark is a name in Linux' abstract space and ends with the process.

    Raises:
        PortTaken: another hub is about to serve there.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as mark:
        if port and sys.platform == "linux":
            try:
                mark.bind(f"\0hutong {host}:{port}")
            except OSError as error:
                raise PortTaken(port=port) from error
        yield


def free_port(host: str) -> int:
    """A port that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


async def _serve(settings: Settings, house: House, *, lifeline: bool, fresh_login: bool) -> None:
    port = settings.port or free_port(settings.host)
    url = f"http://{settings.host}:{port}"
    async with open_runtime(settings, house, settings.public_url or url) as runtime:
        login = await first_shop(runtime)
        if login is None and settings.sandbox_url is not None:
            await renew_sandbox_connections(runtime)
        if house.home.is_demo and fresh_login:
            login = login or await renew_login(runtime)
            login["api_key"] = await demo_key(runtime, UUID(login["merchant"]))
        hub = Hub(runtime, settings, port)
        ready = asyncio.Event()
        running = asyncio.create_task(hub.run(ready))
        if lifeline:
            asyncio.get_running_loop().add_reader(sys.stdin.fileno(), _end_with_parent, hub)
        await ready.wait()
        await _until_listening(settings.host, port, running)
        clicks = {"recovered": hub.clicks_recovered, "lost": hub.clicks_lost}
        line = {"url": url, "api": f"{url}/api/v1", "login": login, "clicks": clicks}
        click.echo(f"ready {msgspec.json.encode(line).decode()}")
        sys.stdout.flush()
        gc.freeze()  # what was loaded stays for good: collections need not walk through it again and again
        gc.set_threshold(GARBAGE_YOUNG_MAX)  # nearly everything goes by its count of references
        watching = asyncio.create_task(_watch_database(house, hub), name="database")
        await running
        watching.cancel()
        _refuse_ended(house)


async def _watch_database(house: House, hub: Hub) -> None:
    """A hub without its database is of no use to anybody: it ends, so that whoever keeps it running starts both."""
    while house.server is not None and not house.server.has_ended():  # noqa: ASYNC110 (a process is no event)
        await asyncio.sleep(DATABASE_LOOK_S)
    if house.server is not None:
        hub.stop()


def _refuse_ended(house: House) -> None:
    """Raises DatabaseEnded where that is why the hub stopped."""
    if house.server is not None and house.server.has_ended():
        raise DatabaseEnded(log=str(house.server.cluster.log_file))


def _end_with_parent(hub: Hub) -> None:
    if not os.read(sys.stdin.fileno(), 4096):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        hub.stop()


async def _until_listening(host: str, port: int, running: asyncio.Task[None]) -> None:
    for _ in range(500):
        if running.done():
            return
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError:
            await asyncio.sleep(0.02)
        else:
            writer.close()
            return
    progress("the port does not answer yet")


async def renew_login(runtime: Runtime) -> dict[str, Any]:
    """A new random password for the first merchant's owner (demo homes only)."""
    async with runtime.database.plain("app") as connection:
        merchant_id = await merchant_of_login(connection, FIRST_LOGIN)
    assert merchant_id is not None, "a demo home has its first shop"
    async with runtime.unit(merchant_id, "login.renew") as unit:
        renewed = await renew_password(unit, HOME, await staff_of_login(unit, FIRST_LOGIN))
    return {"merchant": str(merchant_id), "login": FIRST_LOGIN, "password": renewed.password}


async def demo_key(runtime: Runtime, merchant_id: UUID) -> str:
    """An API key for the play on a demo home, so that story and demo need no second command."""
    async with runtime.unit(merchant_id, "key.demo") as unit:
        return (await create_key(unit, "demo", ["*"]))[1]


async def first_shop(runtime: Runtime) -> dict[str, Any] | None:
    """In a fresh home: a merchant and its owner, whose random password is told this once."""
    async with runtime.database.plain("system") as connection:
        if await all_merchants(connection):
            return None
    opened = await open_shop(runtime, FIRST_SHOP, FIRST_LOGIN)
    return {"merchant": str(opened.merchant_id), "login": opened.login, "password": opened.password}
