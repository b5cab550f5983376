"""From a click to the cash desk: start a checkout, and learn who stands at it."""

from __future__ import annotations

import hmac
from typing import Final
from uuid import UUID

from hutong.core.errors import Conflict
from hutong.db.unit import Unit
from hutong.links.attribution.service import bring, know_person
from hutong.links.service import LinkView, get_link
from hutong.merchants.directory import CHECKOUT, register
from hutong.payments.checkouts import Goods, Visit, get_checkout, know_payer, open_checkout
from hutong.payments.queries import PaymentRow, one_payment
from hutong.payments.shop_codes import mark_code_payer
from hutong.payments.states import CheckoutState, PaymentState
from hutong.shops.catalogue import get_sku
from hutong.workflows.commands.detour import account_to_ask, identifying, state_of
from hutong.workflows.commands.settle import look_again
from hutong.workflows.commands.tie_orders import person_mark
from hutong.workflows.commands.wallets import WalletAccount, wallet_accounts
from hutong.workflows.runtime import Runtime

#: Purpose of the blind index that tells one payer's visits to a shop code apart from another's.
PAYER_MARK: Final = "shop_code.payer"


async def start_checkout(
    runtime: Runtime,
    merchant_id: UUID,
    link_id: UUID,
    click_id: UUID,
    container: str,
    *,
    parent_id: UUID | None = None,
    sku_id: UUID | None = None,
) -> UUID:
    """A checkout for this click; the same click finds the same one again. ``parent_id``: whose address was passed on.

    ``sku_id``: what a rule of the link sells instead of the link's own.

    Raises:
        NotFound: the link does not exist or leads elsewhere.
        Conflict: the link is switched off or over.
    """
    async with runtime.unit(merchant_id, "checkout.start") as unit:
        link = await get_link(unit, link_id)
        sku_id = _sold_by(link, unit, sku_id)
        sku = await get_sku(unit, sku_id)
        goods = Goods(sku_id=sku_id, title=sku.title, quantity=1, amount=sku.price)
        visit = Visit(channel_id=link.channel_id, link_id=link_id, click_id=click_id, container=container)
        checkout_id = await open_checkout(unit, goods, visit)
        await register(unit, CHECKOUT, checkout_id.hex, checkout_id)
        if parent_id is not None:
            await bring(unit, click_id, parent_id)
    return checkout_id


def _sold_by(link: LinkView, unit: Unit, chosen: UUID | None) -> UUID:
    over = link.expires_at is not None and link.expires_at <= unit.now()
    sku_id = chosen or link.sku_id
    if sku_id is None or link.state != "active" or over:
        raise Conflict(what="link")
    return sku_id


async def learn_payer(
    runtime: Runtime, merchant_id: UUID, checkout_id: UUID, container: str, code: str, *, state: str, asking: str
) -> bool:
    """Exchange the platform's one-time code for the visitor's id and keep it with the checkout.

    False, and nothing is exchanged, where the state is not what the browser with the mark ``asking`` was sent with.
    """
    async with runtime.unit(merchant_id, "checkout.wallet") as unit:
        view = await get_checkout(unit, checkout_id)
        accounts = identifying(await wallet_accounts(runtime, unit), container)
    account = next((one for one in accounts if _is_of(runtime, checkout_id, one, state, asking)), None)
    if account is None or account.connector.identity is None:
        return False
    opened = await runtime.open_account(merchant_id, account.connection.connection_id)
    visitor_id = await account.connector.identity.visitor_id(opened.account, code)
    kind = account.connector.identity_kind
    mark = await runtime.vault.blind_index(merchant_id, PAYER_MARK, f"{kind}:{visitor_id}".encode())
    person = await person_mark(runtime, merchant_id, kind, visitor_id)
    async with runtime.unit(merchant_id, "checkout.payer") as unit:
        await know_payer(unit, runtime.vault, checkout_id, kind, visitor_id, account.scope)
        if view.click_id is not None:
            await know_person(unit, view.click_id, person)
        if view.goods.sku_id is None:
            await mark_code_payer(unit, checkout_id, mark)
    return True


def _is_of(runtime: Runtime, checkout_id: UUID, account: WalletAccount, state: str, asking: str) -> bool:
    wanted = state_of(runtime.link_key, checkout_id, account.connection.connection_id, asking)
    return bool(asking) and state.isascii() and hmac.compare_digest(wanted, state)


async def identify_url(
    runtime: Runtime,
    merchant_id: UUID,
    checkout_id: UUID,
    container: str,
    return_url: str,
    *,
    asking: str,
    connection_id: UUID | None = None,
) -> str | None:
    """Where to send the browser with the mark ``asking`` to learn who it is; None when that is known or cannot be.

    ``connection_id``: the account that has to know him now, whoever knew him before.
    """
    async with runtime.unit(merchant_id, "checkout.wallet") as unit:
        view = await get_checkout(unit, checkout_id)
        accounts = await wallet_accounts(runtime, unit)
    account = account_to_ask(accounts, container, view)
    if connection_id is not None:
        able = identifying(accounts, container)
        account = next((one for one in able if one.connection.connection_id == connection_id), None)
    if account is None or account.connector.identity is None:
        return None
    opened = await runtime.open_account(merchant_id, account.connection.connection_id)
    state = state_of(runtime.link_key, checkout_id, account.connection.connection_id, asking)
    return account.connector.identity.authorise_url(opened.account, return_url, state)


async def watch_checkout(runtime: Runtime, merchant_id: UUID, checkout_id: UUID) -> CheckoutState:
    """Where a checkout stands, for the page that waits; the wallet is asked soon when it has been silent."""
    async with runtime.unit(merchant_id, "checkout.watch") as unit:
        view = await get_checkout(unit, checkout_id)
        if view.state is CheckoutState.PAYING and view.payment_id is not None:
            await look_again(unit, view.payment_id)
    return view.state


async def watch_payment(runtime: Runtime, merchant_id: UUID, payment_id: UUID) -> PaymentRow:
    """One payment, for a server that waits for it; as :func:`watch_checkout`.

    Raises:
        NotFound: not this merchant's.
    """
    async with runtime.unit(merchant_id, "payment.watch") as unit:
        row = await one_payment(unit, payment_id)
        if row.state == PaymentState.OPEN.value:
            await look_again(unit, payment_id)
    return row
