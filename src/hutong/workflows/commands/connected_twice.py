"""An account of an alliance is connected once."""

from __future__ import annotations

from collections.abc import Mapping

from hutong.core.errors import Conflict, ErrorText
from hutong.db.unit import Unit
from hutong.merchants.connections import Mode, hold_connections, list_connections, open_credentials
from hutong.platforms.contract import Connector
from hutong.workflows.runtime import Runtime


class AccountThere(Conflict):
    """The same account of an alliance is connected already."""

    code = "account_there"
    zh = ErrorText(
        "这个账号已经连接过了：{title}。",
        "同一个联盟账号连接两次，会对同样的链接和订单各问两遍。",
        "要换密钥，请打开已有的那个账号修改；要停用，请在那里停用。",
    )
    en = ErrorText(
        "This account is connected already: {title}.",
        "An alliance's account that is connected twice is asked twice about the same links and orders.",
        "Open the account that is there to change its keys or to switch it off.",
    )


async def refuse_twice(
    runtime: Runtime, unit: Unit, connector: Connector, mode: Mode, credentials: Mapping[str, str]
) -> None:
    """An alliance tells an account's orders to each connection of it: connected twice, it would be asked twice.

    Raises:
        AccountThere: the same account is connected already.
    """
    if connector.jump_links is None:
        return
    await hold_connections(unit)
    own = {name: credentials.get(name, "") for name in connector.account_fields}
    for view in await list_connections(unit, connector.name):
        known = await open_credentials(unit, runtime.vault, view.connection_id)
        if view.mode is mode and {name: known.get(name, "").strip() for name in own} == own:
            raise AccountThere(title=view.title)
