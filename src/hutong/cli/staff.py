"""``hutong staff``: who may sign in."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from uuid import UUID

import click

from hutong.app import open_runtime
from hutong.cli.keys import find_merchant
from hutong.cli.output import print_json
from hutong.config import load_settings
from hutong.core.errors import NotFound
from hutong.db.house import open_house
from hutong.merchants.actors import HOME
from hutong.merchants.staff import Role, merchant_of_login
from hutong.merchants.staffing import NewMember, hire, renew_password, staff_of_login
from hutong.workflows.runtime import Runtime


@click.group()
def staff() -> None:
    """Who may sign in to the console. 员工账号"""


@staff.command("add")
@click.argument("login")
@click.option("--name", required=True, help="How colleagues call the person. 姓名")
@click.option(
    "--role", required=True, type=click.Choice([role.value for role in Role]), help="What the person may do. 角色"
)
@click.option("--merchant", required=True, help="Merchant's id or name. 商户编号或名称")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def add(login: str, name: str, role: str, merchant: str, as_json: bool) -> None:
    """Let somebody sign in as LOGIN, with a random password that is shown this once. 新增员工

    owner: everything. manager: everything but staff. cashier: orders, and taking money at the counter. clerk: orders,
    no money. The hub may be running.
    """

    async def work(runtime: Runtime) -> tuple[UUID, NewMember]:
        merchant_id = await find_merchant(runtime, merchant)
        async with runtime.unit(merchant_id, "staff.add") as unit:
            return merchant_id, await hire(unit, HOME, login=login, name=name, role=Role(role))

    _tell(*_at_home(work), as_json=as_json)


@staff.command("reset-password")
@click.argument("login")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def reset_password(login: str, as_json: bool) -> None:
    """Give LOGIN a new random password, shown this once; its sessions end. 重设密码

    For whoever holds the home: also when the first password was lost. The hub may be running.
    """

    async def work(runtime: Runtime) -> tuple[UUID, NewMember]:
        async with runtime.database.plain("app") as connection:
            merchant_id = await merchant_of_login(connection, login)
        if merchant_id is None:
            raise NotFound(what="login", key=login)
        async with runtime.unit(merchant_id, "staff.password") as unit:
            return merchant_id, await renew_password(unit, HOME, await staff_of_login(unit, login))

    _tell(*_at_home(work), as_json=as_json)


def _at_home(work: Callable[[Runtime], Awaitable[tuple[UUID, NewMember]]]) -> tuple[UUID, NewMember]:
    """Do something in the home's database, whether its hub runs or not."""
    settings = load_settings(os.environ)

    async def run() -> tuple[UUID, NewMember]:
        with open_house(settings.home, settings.database_url, attach=True, must_exist=True) as house:
            async with open_runtime(settings, house, "") as runtime:
                return await work(runtime)

    return asyncio.run(run())


def _tell(merchant_id: UUID, made: NewMember, *, as_json: bool) -> None:
    if as_json:
        print_json({"merchant": str(merchant_id), "login": made.login, "password": made.password})
    else:
        click.echo(f"login {made.login} {made.password}")
