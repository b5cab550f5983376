"""``hutong link``: the switches, for whoever runs the hub."""

from __future__ import annotations

import asyncio
import os

import click

from hutong.app import open_runtime
from hutong.cli.keys import find_merchant
from hutong.cli.output import print_json
from hutong.config import load_settings
from hutong.db.house import open_house
from hutong.links.switches import switch_all, switch_link
from hutong.merchants.actors import HOME
from hutong.workflows.sandbox_time import SandboxTime


@click.group("link")
def link_group() -> None:
    """Links of merchants. 链接"""


@link_group.command("off")
@click.option("--merchant", required=True, help="Merchant's id or name. 商户编号或名称")
@click.option("--code", default="", help="One link; without it all of the merchant's. 链接码")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def off(merchant: str, code: str, as_json: bool) -> None:
    """Switch one link off, or all of a merchant at once. 停用链接

    Visitors get a friendly page within a second. The hub may be running; the deed is in the merchant's audit.
    """
    _switch(merchant, code, on=False, as_json=as_json)


@link_group.command("on")
@click.option("--merchant", required=True, help="Merchant's id or name. 商户编号或名称")
@click.option("--code", default="", help="One link; without it the switch of all. 链接码")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def on(merchant: str, code: str, as_json: bool) -> None:
    """Switch one link on again, or all of a merchant that are not off by themselves. 恢复链接"""
    _switch(merchant, code, on=True, as_json=as_json)


def _switch(merchant: str, code: str, *, on: bool, as_json: bool) -> None:
    settings = load_settings(os.environ)

    async def work() -> bool:
        with open_house(settings.home, settings.database_url, attach=True, must_exist=True) as house:
            async with open_runtime(settings, house, "") as runtime:
                time = SandboxTime.of(runtime)
                if time is not None:  # the hub follows what changed by its own clock
                    await time.catch_up()
                merchant_id = await find_merchant(runtime, merchant)
                async with runtime.unit(merchant_id, "link.switch") as unit:
                    return await (switch_link(unit, HOME, code, on=on) if code else switch_all(unit, HOME, on=on))

    changed = asyncio.run(work())
    if as_json:
        print_json({"merchant": merchant, "code": code, "on": on, "changed": changed})
    else:
        state = "on 已启用" if on else "off 已停用"
        click.echo(f"{code or 'all links 全部链接'}: {state}{'' if changed else ' (as before 原本如此)'}")
