"""Who pays is known to one app of the wallet, and another app's account takes over: the buyer is asked once more.

Silently, by the wallet's own sign-in. What comes back counts only in the browser that was sent there: the state is made
of a mark that only this browser has, so that an address that is passed on names nobody.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from hutong.payments.checkouts import CheckoutView, get_checkout
from hutong.platforms.payments import PayMethod
from hutong.workflows.commands.wallets import WalletAccount, wallet_accounts
from hutong.workflows.runtime import Runtime

#: Letters and digits of a state; wallets carry a hundred at least.
STATE_CHARS: Final = 48


def state_of(key: bytes, checkout_id: UUID, connection_id: UUID, asking: str) -> str:
    """What goes to the wallet and comes back: the checkout, the account and the browser that was sent."""
    told = b"identify:" + checkout_id.bytes + connection_id.bytes + asking.encode()
    return hmac.new(key, told, hashlib.sha256).hexdigest()[:STATE_CHARS]


def identifying(accounts: Sequence[WalletAccount], container: str) -> list[WalletAccount]:
    """The accounts whose wallet's own app this container is and can tell who the visitor is."""
    return [
        account
        for account in accounts
        if container in account.connector.home_containers and account.connector.identity is not None
    ]


def knows(account: WalletAccount, view: CheckoutView) -> bool:
    """Whether the visitor's id at hand is one that this account can use."""
    return view.payer_kind == account.connector.identity_kind and view.payer_scope in ("", account.scope)


def account_to_ask(accounts: Sequence[WalletAccount], container: str, view: CheckoutView) -> WalletAccount | None:
    """The account whose app has to learn who pays; None where one that works knows it already, or none can."""
    able = identifying(accounts, container)
    working = [account for account in able if not account.is_down] or able
    if not working or any(knows(account, view) for account in working):
        return None
    return working[0]


async def other_app(
    runtime: Runtime,
    merchant_id: UUID,
    checkout_id: UUID,
    platform: str | None,
    method: PayMethod,
    tried: Collection[UUID],
) -> UUID | None:
    """The account that could take over from those that refused, once its app has learned who pays; in pages only."""
    if method is not PayMethod.JSAPI or not tried:
        return None
    async with runtime.unit(merchant_id, "checkout.other_app") as unit:
        view = await get_checkout(unit, checkout_id)
        accounts = await wallet_accounts(runtime, unit)
    left = [
        account.connection.connection_id
        for account in accounts
        if platform in (None, account.connector.name)
        and account.connector.identity is not None
        and account.takes(method)
        and account.connection.connection_id not in tried
        and not knows(account, view)
    ]
    return left[0] if left and view.payer_kind is not None else None
