"""``hutong doctor``: do the laws hold on the live data?"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

import click

from hutong.app import open_runtime
from hutong.cli.output import print_json, progress
from hutong.config import load_settings
from hutong.db.house import open_house
from hutong.merchants.service import all_merchants
from hutong.workflows.commands.examine import CHECKS, examine


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(as_json: bool) -> None:
    """Check the invariants of money, stock, orders and tenancy; exit code 1 on any break. 体检"""
    settings = load_settings(os.environ)

    async def work() -> dict[str, Any]:
        breaches: list[dict[str, str]] = []
        with open_house(settings.home, settings.database_url, attach=True) as house:
            async with open_runtime(settings, house, "") as runtime:
                async with runtime.database.plain("system") as connection:
                    merchants = await all_merchants(connection)
                for merchant in merchants:
                    if not as_json:
                        progress(f"{merchant.name} {merchant.merchant_id}")
                    found = await examine(runtime, merchant.merchant_id)
                    breaches += [
                        {
                            "merchant": str(merchant.merchant_id),
                            "rule": breach.rule,
                            "subject": breach.subject,
                            "detail": breach.detail,
                        }
                        for breach in found
                    ]
        return {"merchants": len(merchants), "checks": len(CHECKS), "breaches": breaches}

    told = asyncio.run(work())
    if as_json:
        print_json(told)
    else:
        for breach in told["breaches"]:
            click.echo(f"✗ {breach['rule']}  {breach['subject']}  {breach['detail']}")
        click.echo(f"商户 {told['merchants']} · 检查 {told['checks']} · 问题 {len(told['breaches'])}")
    if told["breaches"]:
        sys.exit(1)
