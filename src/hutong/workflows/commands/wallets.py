"""Which of a merchant's wallet accounts can take a payment where the buyer stands, the fitting one first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import msgspec

from hutong.core.errors import ErrorText, HutongError
from hutong.db.unit import Unit
from hutong.merchants.connections import ConnectionView, list_connections
from hutong.payments.health import healths
from hutong.platforms.contract import Connector
from hutong.platforms.payments import PayMethod
from hutong.workflows.runtime import Runtime

DESKTOP: Final = "desktop"
#: Settings of a connection: under which app of the platform its visitors are known, in pages and in a mini-program.
IDENTITY_SCOPE: Final = "identity_scope"
MINI_SCOPE: Final = "mini_scope"


class NoWallet(HutongError):
    """The merchant has connected no wallet that can take this payment."""

    code = "no_wallet"
    status = 409
    zh = ErrorText("商家还没有接通可用的收款方式。", "没有连接微信支付等钱包。", "请联系商家，或稍后再试。")
    en = ErrorText("The shop has no wallet connected.", "No wallet can take this payment.", "Tell the shop.")


class WalletAccount(msgspec.Struct, frozen=True, kw_only=True):
    """One of the merchant's accounts at a wallet."""

    connection: ConnectionView
    connector: Connector
    is_down: bool = False  # it failed lately and stands back for a while
    is_troubled: bool = False  # it failed since its last success

    @property
    def scope(self) -> str:
        """Which app of the platform knows visitors by the ids that this account learns."""
        return str(self.connection.settings.get(IDENTITY_SCOPE, ""))

    def scope_in(self, method: PayMethod) -> str:
        """The same for buyers who pay in this way: a mini-program may be an app of its own."""
        if method is PayMethod.MINI and self.connector.mini_identity_fields:
            return str(self.connection.settings.get(MINI_SCOPE, ""))
        return self.scope

    def takes(self, method: PayMethod) -> bool:
        """Whether buyers can pay here in this way. Of an account connected long ago nobody noted its mini-program."""
        has_no_mini = self.connector.mini_identity_fields and self.connection.settings.get(MINI_SCOPE) == ""
        return method in self.connector.pay_methods and not (method is PayMethod.MINI and has_no_mini)


class WalletChoice(msgspec.Struct, frozen=True, kw_only=True):
    """A wallet the buyer can pay with here. ``is_default``: no need to ask, the page goes straight to it."""

    platform: str
    title: str  # Simplified Chinese; pages label the platform themselves
    method: PayMethod
    connection_id: UUID
    is_default: bool


def method_in(connector: Connector, container: str) -> PayMethod | None:
    """How the buyer reaches this wallet from where the page is open; None where he cannot."""
    if connector.payments is None or container in connector.shut_containers:
        return None
    if container in connector.home_containers:
        ways: tuple[PayMethod, ...] = (PayMethod.JSAPI, PayMethod.H5)
    elif container == DESKTOP:
        ways = (PayMethod.NATIVE, PayMethod.PAGE)
    else:
        ways = (PayMethod.H5,)
    return next((way for way in ways if way in connector.pay_methods), None)


async def wallet_accounts(runtime: Runtime, unit: Unit) -> list[WalletAccount]:
    """Accounts that take money, in the merchant's order; paused ones are left out, failing ones stand back."""
    health, now = await healths(unit), unit.now()
    found = []
    for view in await list_connections(unit):
        connector = runtime.registry.get(view.platform)
        if connector.payments is None or not view.is_active:
            continue
        known = health.get(view.connection_id)
        found.append(
            WalletAccount(
                connection=view,
                connector=connector,
                is_down=known is not None and known.is_down(now),
                is_troubled=known is not None,
            )
        )
    # A smaller number comes first; accounts of one number in the order in which they were connected.
    found.sort(key=lambda one: (one.is_down, one.connection.priority))
    return found


async def wallet_choices(runtime: Runtime, merchant_id: UUID, container: str) -> list[WalletChoice]:
    """One entry for each wallet that opens in this container; the container's own wallet first."""
    async with runtime.unit(merchant_id, "wallets.choices") as unit:
        return choices_among(await wallet_accounts(runtime, unit), container)


def choices_among(accounts: Sequence[WalletAccount], container: str) -> list[WalletChoice]:
    """:func:`wallet_choices` of accounts at hand: the first account of each wallet stands for it."""
    firsts = {account.connector.name: account for account in reversed(accounts)}
    open_here = [
        (account, method)
        for account in accounts
        if firsts[account.connector.name] is account and (method := method_in(account.connector, container)) is not None
    ]
    open_here.sort(key=lambda pair: container not in pair[0].connector.home_containers)
    return [
        WalletChoice(
            platform=account.connector.name,
            title=account.connector.title_zh,
            method=method,
            connection_id=account.connection.connection_id,
            is_default=container in account.connector.home_containers or len(open_here) == 1,
        )
        for account, method in open_here
    ]
