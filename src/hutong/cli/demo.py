"""``hutong demo``: hub, sandbox and a simulated trading day."""

from __future__ import annotations

import os
import secrets
import signal
import threading
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Final

import click
import httpx
import msgspec

from hutong.cli.output import progress
from hutong.cli.processes import Part, PartEnded, PortTaken
from hutong.cli.serve import refuse_taken_port
from hutong.cli.story import hub_and_sandbox
from hutong.cli.story_steps import Api, Sandbox
from hutong.cli.trading_day import TradingDay
from hutong.config import load_settings
from hutong.core.errors import HutongError
from hutong.db.home import Home, lock_home

SEED_MAX: Final = 2**31
LOOPBACK: Final = "127.0.0.1"
#: How soon the demo notices that hub or sandbox is gone.
LOOK_S: Final = 1.0


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=None, help="Port; 0 takes a free one. 端口")
@click.option("--seed", type=int, default=None, help="Seed of the sandbox and the day; any by default. 随机种子")
@click.option("--still", is_flag=True, help="Stop trading after the first hour (for screenshots).")
def demo(port: int | None, seed: int | None, still: bool) -> None:
    """Hub and sandbox with a day's trade to look at; Ctrl-C ends both. 演示

    Its home is marked as a demo's; a home with real data is refused.
    """
    # A sandbox with the seed of an earlier day would send the notices of that day again, and the hub knows them.
    seed = secrets.randbelow(SEED_MAX) if seed is None else seed
    home = _demo_home()
    with lock_home(home):  # said before anything else of a demo that is running there already
        Home.open(home, demo=True)
    progress(f"演示数据目录 {home}")
    wanted = port if port is not None else load_settings(os.environ).port
    stop = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()
        raise KeyboardInterrupt

    # Said for both: a shell starts background jobs with Ctrl-C ignored, and Python would leave it so.
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    hub_port = _free_or(wanted)
    with hub_and_sandbox(home, seed, hub_port=hub_port) as (hub, sandbox):
        _print_ready(hub, sandbox)
        ended: list[str] = []
        parts = {"hutong": hub, "hutong-sandbox": sandbox}
        threading.Thread(target=_watch, args=(parts, stop, ended), daemon=True).start()
        try:
            _trade(hub, sandbox, seed, still=still)
            while not stop.wait(3600):
                pass
        except KeyboardInterrupt:
            progress("演示结束")
        except (HutongError, httpx.HTTPError):
            ended.extend(_gone(parts))
            if not ended:
                raise
        if ended:
            raise PartEnded(part=ended[0])


def _gone(parts: Mapping[str, Part]) -> list[str]:
    """Names of the parts that run no more."""
    return [name for name, part in parts.items() if part.process.poll() is not None]


def _watch(parts: Mapping[str, Part], stop: threading.Event, ended: list[str]) -> None:
    """Wake the demo when one of its parts ends by itself: there would be nothing to look at any more."""
    while not stop.wait(LOOK_S):
        ended.extend(_gone(parts))
        if ended:
            os.kill(os.getpid(), signal.SIGTERM)
            return


def _demo_home() -> Path:
    """``HUTONG_HOME`` when set, else the default home's neighbour: real data is never near."""
    if os.environ.get("HUTONG_HOME"):
        return Path(os.environ["HUTONG_HOME"]).expanduser().absolute()
    home = load_settings(os.environ).home
    return home.with_name(f"{home.name}-demo")


def _free_or(port: int) -> int:
    """The wanted port when it is free, else 0 for any."""
    try:
        refuse_taken_port(LOOPBACK, port)
    except PortTaken:
        progress(f"端口 {port} 被占用，改用其他端口")
        return 0
    return port


def _print_ready(hub: Part, sandbox: Part) -> None:
    line = {
        "url": hub.told["url"],
        "api": hub.told["api"],
        "login": hub.told["login"],
        "sandbox": sandbox.told["control"],
        "platforms": sandbox.told["platforms"],
    }
    click.echo(f"ready {msgspec.json.encode(line).decode()}")


def _trade(hub: Part, sandbox: Part, seed: int, *, still: bool) -> None:
    api = Api(hub.told["api"], hub.told["login"]["api_key"])
    control = Sandbox(sandbox.told["control"])
    try:
        day = TradingDay(api, control, seed)
        day.open_shop()
        day.open_hours()
        progress("第一批交易已完成，打开上面的网址看看；之后每隔几秒有新的访客")
        if not still:
            day.later()
    finally:
        api.close()
        control.close()
