"""``hutong story``: one sale from link to statement against a fresh home and sandbox, then exit."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import click

from hutong.cli.buyers import StepFailed
from hutong.cli.output import print_json, progress
from hutong.cli.processes import SANDBOX_PORTS, Part, held_ports, starting
from hutong.cli.story_steps import TAOBAO_PIECES, Api, Sandbox, Story, StoryPlan
from hutong.core.money import BPS_WHOLE
from hutong.db.home import Home

#: The whole price: the merchant then still owes the wallet its fee.
COMMISSION_BPS_MAX: Final = BPS_WHOLE
PRICE_FEN_MAX: Final = 100_000_000
STOCK_MAX: Final = 1_000_000


@contextmanager
def story_home() -> Iterator[Path]:
    """``HUTONG_HOME`` where that is new or empty, for whoever wants to look afterwards; else a directory that is gone
    afterwards: the figures are a whole hub's, and a hub with a past has others.
    """
    named = os.environ.get("HUTONG_HOME")
    if named and _is_new(Path(named)):
        Home.open(Path(named), demo=True)
        yield Path(named)
        return
    if named:
        progress(f"{named} 已有数据，改用临时目录 has a past; the story is told in a directory of its own")
    home = Path(tempfile.mkdtemp(prefix="hutong-story-"))
    try:
        Home.open(home, demo=True)
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _is_new(home: Path) -> bool:
    return not home.exists() or (home.is_dir() and not any(home.iterdir()))


@contextmanager
def hub_and_sandbox(home: Path, seed: int, *, hub_port: int = 0) -> Iterator[tuple[Part, Part]]:
    """A hub on a demo home, connected to a fresh sandbox. Both start at the same time; the hub waits for the other."""
    with ExitStack() as stack:
        control_port = stack.enter_context(held_ports(SANDBOX_PORTS))
        environment = {"HUTONG_HOME": str(home), "HUTONG_SANDBOX_URL": f"http://127.0.0.1:{control_port}"}
        arguments = ["serve", "--port", str(control_port), "--seed", str(seed)]
        sandbox = stack.enter_context(starting("hutong-sandbox", arguments, {}))
        arguments = ["serve", "--port", str(hub_port), "--fresh-login"]
        hub = stack.enter_context(starting("hutong", arguments, environment))
        told = sandbox.wait_ready()
        yield Part(process=hub.process, told=hub.wait_ready()), Part(process=sandbox.process, told=told)


@click.command()
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of the sandbox. 随机种子")
@click.option("--price-fen", type=click.IntRange(1, PRICE_FEN_MAX), default=5900, show_default=True, help="单价（分）")
@click.option(
    "--commission-bps",
    type=click.IntRange(0, COMMISSION_BPS_MAX),
    default=1000,
    show_default=True,
    help="佣金（万分之）",
)
@click.option(
    "--stock", type=click.IntRange(1 + TAOBAO_PIECES, STOCK_MAX), default=10, show_default=True, help="期初库存"
)
@click.option("--json", "as_json", is_flag=True, help="One JSON line, nothing else on standard output.")
def story(seed: int, price_fen: int, commission_bps: int, stock: int, as_json: bool) -> None:
    """One sale across the walls, over HTTP only, with figures that must add up. 一笔生意的完整故事

    In a directory of its own; in HUTONG_HOME where that is new or empty. 使用独立的目录，不会动已有的数据。

    Any price from 1 fen on, any commission from nothing to the whole price, any stock from 3 pieces on (one is sold in
    WeChat, two on Taobao). 单价至少 1 分，佣金 0–10000，库存至少 3 件。
    """
    started = time.monotonic()
    plan = StoryPlan(price_fen=price_fen, commission_bps=commission_bps, stock=stock, seed=seed)
    with story_home() as home, hub_and_sandbox(home, seed) as (hub, sandbox):
        figures = tell(plan, hub, sandbox)
    figures["seconds"] = round(time.monotonic() - started, 2)
    if not as_json:
        click.echo(json.dumps(figures, ensure_ascii=False, indent=2), err=True)
    print_json(figures)
    check(plan, figures)


def tell(plan: StoryPlan, hub: Part, sandbox: Part) -> dict[str, Any]:
    """Run the story against a running hub and sandbox."""
    login = hub.told["login"]
    api = Api(hub.told["api"], login["api_key"])
    control = Sandbox(sandbox.told["control"])
    try:
        return Story(plan, api, control).tell()
    finally:
        api.close()
        control.close()


def check(plan: StoryPlan, figures: dict[str, Any]) -> None:
    """What must hold for any plan.

    Raises:
        StepFailed: a figure is not what it must be.
    """
    left = plan.stock - TAOBAO_PIECES
    expected: dict[str, Any] = {
        "clicks": 2,
        "clicks_by_container": {"wechat": 1, "desktop": 1},
        "clicks_converted": 1,
        "orders": 2,
        "payments": 1,
        "refunds": 1,
        "stock": left,
        "stock_on_taobao": left,
        "books_sum_fen": 0,
        "tickets": 0,
        "customers": 1,
        "net_fen": TAOBAO_PIECES * plan.price_fen,
        "books_agree": True,
    }
    wrong = {name: figures[name] for name, value in expected.items() if figures[name] != value}
    if wrong or figures["postings"] < 8:
        raise StepFailed(step="figures", problem=json.dumps(wrong, ensure_ascii=False))
