"""``hutong doctor``: do the laws hold on the live data?"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any, Final

import click

from hutong.app import open_runtime
from hutong.cli.doctor_words import MEANINGS
from hutong.cli.output import print_json, progress
from hutong.config import load_settings
from hutong.db.checks import Breach
from hutong.db.house import open_house
from hutong.db.walls import breaches_of_walls
from hutong.merchants.service import all_merchants
from hutong.workflows.commands.examine import examine, waiting_count

#: Every rule is asked; a test holds their words against the rules of all rooms.
RULES_COUNT: Final = len(MEANINGS)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(as_json: bool) -> None:
    """Check the invariants of money, stock, orders, figures and tenancy; exit code 1 on any break. 体检

    Tenancy: row-level security, policy and roles of every table. The rules between domains (orders against payments,
    books, figures) are asked of merchants whose events have all been worked; ``waiting`` counts those that have not.
    Where there is no home or database yet it says so and makes none. 目录或数据库不存在时只提示，不新建
    """
    settings = load_settings(os.environ)

    async def work() -> dict[str, Any]:
        breaches: list[dict[str, str]] = []
        waiting = 0
        with open_house(settings.home, settings.database_url, attach=True, must_exist=True) as house:
            async with open_runtime(settings, house, "", to_examine=True) as runtime:
                async with runtime.database.plain("system") as connection:
                    merchants = await all_merchants(connection)
                    breaches += [_told("", breach) for breach in await breaches_of_walls(connection)]
                for merchant in merchants:
                    if not as_json:
                        progress(f"{merchant.name} {merchant.merchant_id}")
                    found = await examine(runtime, merchant.merchant_id)
                    breaches += [_told(str(merchant.merchant_id), breach) for breach in found]
                    async with runtime.unit(merchant.merchant_id, "doctor") as unit:
                        waiting += await waiting_count(unit)
        return {"merchants": len(merchants), "checks": RULES_COUNT, "waiting": waiting, "breaches": breaches}

    told = asyncio.run(work())
    if as_json:
        print_json(told)
    else:
        tell_breaches(told["breaches"])
        if told["waiting"]:
            click.echo(
                f"{told['waiting']} 个事件还在途中，跨域规则未检查，请在服务运行片刻后再试 "
                "events are under way: rules between domains were not asked; run the hub a moment, ask again"
            )
        click.echo(
            f"商户 merchants {told['merchants']} · 规则 rules {told['checks']} · 问题 breaches {len(told['breaches'])}"
        )
    if told["breaches"]:
        sys.exit(1)


def tell_breaches(breaches: list[dict[str, str]]) -> None:
    """What each broken rule demands, in both languages, and below it what breaks it."""
    by_rule: dict[str, list[dict[str, str]]] = {}
    for breach in breaches:
        by_rule.setdefault(breach["rule"], []).append(breach)
    for rule, its in by_rule.items():
        click.echo(f"✗ {rule}  应当 {MEANINGS[rule].zh} must hold: {MEANINGS[rule].en}")
        for breach in its:
            click.echo("  " + "  ".join(filter(None, (breach["merchant"], breach["subject"], breach["detail"]))))


def _told(merchant: str, breach: Breach) -> dict[str, str]:
    return {"merchant": merchant, "rule": breach.rule, "subject": breach.subject, "detail": breach.detail}
