"""``hutong key``: API keys."""

from __future__ import annotations

import asyncio
import os
from uuid import UUID

import click

from hutong.app import open_runtime
from hutong.cli.output import print_json
from hutong.config import load_settings
from hutong.core.errors import InvalidInput, NotFound
from hutong.db.house import open_house
from hutong.merchants.keys import SCOPES, create_key
from hutong.merchants.service import all_merchants
from hutong.workflows.runtime import Runtime


@click.group()
def key() -> None:
    """API keys. API 密钥"""


@key.command("create")
@click.option("--merchant", required=True, help="Merchant's id or name. 商户编号或名称")
@click.option("--scopes", required=True, help=f"Comma-separated: {', '.join(SCOPES)}. 权限")
@click.option("--name", default="cli", show_default=True, help="What the key is for. 用途")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def create(merchant: str, scopes: str, name: str, as_json: bool) -> None:
    """Make a key; it is shown this once."""
    settings = load_settings(os.environ)

    async def work() -> dict[str, str]:
        with open_house(settings.home, settings.database_url, attach=True, must_exist=True) as house:
            async with open_runtime(settings, house, "") as runtime:
                merchant_id = await find_merchant(runtime, merchant)
                async with runtime.unit(merchant_id, "key.create") as unit:
                    key_id, secret = await create_key(unit, name, [part.strip() for part in scopes.split(",")])
        return {"key_id": str(key_id), "merchant": str(merchant_id), "key": secret}

    made = asyncio.run(work())
    if as_json:
        print_json(made)
    else:
        click.echo(made["key"])


async def find_merchant(runtime: Runtime, wanted: str) -> UUID:
    """A merchant by id or by its one name.

    Raises:
        NotFound: none; InvalidInput: several of that name.
    """
    async with runtime.database.plain("system") as connection:
        merchants = await all_merchants(connection)
    found = [view for view in merchants if wanted in (str(view.merchant_id), view.name)]
    if not found:
        raise NotFound(what="merchant", key=wanted)
    if len(found) > 1:
        raise InvalidInput(field="--merchant", problem=", ".join(str(view.merchant_id) for view in found))
    return found[0].merchant_id
