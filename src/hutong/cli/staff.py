"""``hutong staff``: who may sign in."""

from __future__ import annotations

import asyncio
import os
import secrets

import click

from hutong.app import open_runtime
from hutong.cli.output import print_json
from hutong.config import load_settings
from hutong.core.errors import NotFound
from hutong.db.house import open_house
from hutong.merchants.staff import merchant_of_login, set_password
from hutong.workflows.commands.open_shop import PASSWORD_BYTES


@click.group()
def staff() -> None:
    """Who may sign in to the console. 员工账号"""


@staff.command("reset-password")
@click.argument("login")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def reset_password(login: str, as_json: bool) -> None:
    """Give LOGIN a new random password, shown this once; its sessions end. 重设密码

    For whoever holds the home: also when the first password was lost. The hub may be running.
    """
    settings = load_settings(os.environ)
    password = secrets.token_urlsafe(PASSWORD_BYTES)

    async def work() -> dict[str, str]:
        with open_house(settings.home, settings.database_url, attach=True, must_exist=True) as house:
            async with open_runtime(settings, house, "") as runtime:
                async with runtime.database.plain("app") as connection:
                    merchant_id = await merchant_of_login(connection, login)
                if merchant_id is None:
                    raise NotFound(what="login", key=login)
                async with runtime.unit(merchant_id, "staff.password") as unit:
                    await set_password(unit, login, password)
        return {"merchant": str(merchant_id), "login": login, "password": password}

    told = asyncio.run(work())
    if as_json:
        print_json(told)
    else:
        click.echo(f"login {told['login']} {told['password']}")
