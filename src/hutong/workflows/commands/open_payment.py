"""A merchant's own app or mini-program takes a payment: its server lays the goods on a desk and has a wallet opened."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from hutong.core.errors import InvalidInput, NotFound
from hutong.core.money import SUM_MINOR_MAX, Money
from hutong.db.unit import Unit
from hutong.links.queries import channels_by_id
from hutong.links.service import get_link
from hutong.merchants.directory import CHECKOUT, register
from hutong.payments.checkouts import Goods, Visit, get_checkout, know_payer, open_checkout
from hutong.payments.service import attempts_of, payment_state
from hutong.payments.states import CheckoutState
from hutong.platforms.payments import PaymentCreated, PayMethod
from hutong.shops.catalogue import get_sku
from hutong.workflows.commands.order import CheckoutOver
from hutong.workflows.commands.pay import PAYER_METHODS, pay
from hutong.workflows.commands.switch import AlreadyPaid
from hutong.workflows.commands.wallets import NoWallet, WalletAccount, wallet_accounts
from hutong.workflows.runtime import Runtime

#: Where a buyer stands who is in no app that we know from pages: an app of the merchant's own, or before its screen.
OWN_APP: Final = "own_app"
_OVER: Final = (CheckoutState.PAID, CheckoutState.EXPIRED)


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be paid, at which wallet and by whom: pieces of a SKU, or an amount with a title.

    ``payer_id`` is the buyer's id in the app that pays, ``login_code`` the one-time code for which the wallet tells it.
    """

    platform: str
    method: PayMethod
    sku_id: UUID | None = None
    quantity: int = 1
    amount: Money | None = None
    title: str = ""
    payer_id: str = ""
    login_code: str = ""
    connection_id: UUID | None = None
    link_id: UUID | None = None
    channel_id: UUID | None = None

    def __repr__(self) -> str:
        return f"Wanted({self.platform}, {self.method})"


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """A payment that was asked for, and what the app invokes the wallet with; nothing once the payment has ended."""

    payment_id: UUID
    order_id: UUID
    state: str
    platform: str
    method: str
    out_trade_no: str
    amount: Money
    expires_at: datetime
    created: PaymentCreated | None


async def lay_out(runtime: Runtime, unit: Unit, wanted: Wanted) -> UUID:
    """The goods on a desk; nothing is ordered and no wallet asked before :func:`open_payment`.

    Raises:
        InvalidInput: not exactly one of SKU and amount, too much of it, or nobody who pays.
        NotFound: no such SKU, link or channel.
        NoWallet: no account takes payments in this way.
    """
    _check_payer(wanted)
    goods = await goods_of(unit, wanted)
    account = _taker(await wallet_accounts(runtime, unit), wanted)
    checkout_id = await lay_goods(unit, wanted, goods, account)
    if wanted.payer_id:
        await _know(runtime, unit, checkout_id, account, wanted, wanted.payer_id)
    return checkout_id


async def lay_goods(unit: Unit, wanted: Wanted, goods: Goods, account: WalletAccount) -> UUID:
    """These goods on a desk before this account. Raises NotFound or InvalidInput for the link or channel."""
    checkout_id = await open_checkout(unit, goods, await _visit(unit, wanted, account))
    await register(unit, CHECKOUT, checkout_id.hex, checkout_id)
    return checkout_id


def _check_payer(wanted: Wanted) -> None:
    needs = wanted.method in PAYER_METHODS
    if bool(wanted.payer_id) + bool(wanted.login_code) != int(needs):
        raise InvalidInput(field="payer_id", problem=f"{wanted.method}: {'payer_id | login_code' if needs else '—'}")


async def goods_of(unit: Unit, wanted: Wanted) -> Goods:
    """What is to be paid. Raises InvalidInput or NotFound where that is not clear."""
    if (wanted.sku_id is None) == (wanted.amount is None):
        raise InvalidInput(field="sku_id", problem="sku_id | amount_fen")
    if wanted.sku_id is None:
        assert wanted.amount is not None, "one of the two is there"
        if not wanted.title.strip() or wanted.quantity != 1:
            raise InvalidInput(field="title", problem="amount_fen + title")
        return Goods(sku_id=None, title=wanted.title.strip(), quantity=1, amount=wanted.amount)
    sku = await get_sku(unit, wanted.sku_id)
    if sku.price.amount_minor * wanted.quantity > SUM_MINOR_MAX:
        raise InvalidInput(field="quantity", problem=f"≤ {SUM_MINOR_MAX // max(sku.price.amount_minor, 1)}")
    title = wanted.title.strip() or sku.title
    return Goods(sku_id=sku.sku_id, title=title, quantity=wanted.quantity, amount=sku.price.times(wanted.quantity))


def _taker(accounts: Sequence[WalletAccount], wanted: Wanted) -> WalletAccount:
    """The first account that can take it."""
    for account in accounts:
        is_meant = wanted.connection_id in (None, account.connection.connection_id)
        if is_meant and account.connector.name == wanted.platform and account.takes(wanted.method):
            return account
    raise NoWallet


async def _visit(unit: Unit, wanted: Wanted, account: WalletAccount) -> Visit:
    """Where the buyer stands and what brought him: a link tells its channel."""
    home = next(iter(account.connector.home_containers), OWN_APP)
    container = {PayMethod.JSAPI: home, PayMethod.MINI: f"{home}_mini"}.get(wanted.method, OWN_APP)
    channel_id = wanted.channel_id
    if wanted.link_id is not None:
        channel_id = (await get_link(unit, wanted.link_id)).channel_id
    if wanted.channel_id is not None and not await channels_by_id(unit, [wanted.channel_id]):
        raise NotFound(what="channel", key=str(wanted.channel_id))
    if wanted.channel_id not in (None, channel_id):
        raise InvalidInput(field="channel_id", problem="link_id | channel_id")
    return Visit(channel_id=channel_id, link_id=wanted.link_id, container=container)


async def _know(
    runtime: Runtime, unit: Unit, checkout_id: UUID, account: WalletAccount, wanted: Wanted, payer_id: str
) -> None:
    kind, scope = account.connector.identity_kind, account.scope_in(wanted.method)
    await know_payer(unit, runtime.vault, checkout_id, kind, payer_id, scope)


async def open_payment(runtime: Runtime, merchant_id: UUID, checkout_id: UUID, wanted: Wanted) -> Opened:
    """Order, reservation, payment, attempt and the wallet's order, as when a buyer presses "pay" on a page.

    Asked again it finds the same order, with fresh parameters; once the payment has ended it only says so.

    Raises:
        OutOfStock, NoWallet, PayerUnknown, EarlierPaymentUnclear, CheckoutOver (it ended before anything was ordered).
        PlatformUnknown: the wallet did not answer; asking again is safe, and the attempt is followed up by itself.
        PlatformFailure: the wallet refused the order, or the login code.
        InvalidInput: the account lacks what this way to pay needs.
    """
    await _learn_payer(runtime, merchant_id, checkout_id, wanted)
    created, over = None, None
    try:
        created = await pay(
            runtime,
            merchant_id,
            checkout_id,
            platform=wanted.platform,
            method=wanted.method,
            client_ip="",
            connection_id=wanted.connection_id,
        )
    except (CheckoutOver, AlreadyPaid) as problem:
        over = problem
    async with runtime.unit(merchant_id, "payment.opened", snapshot=True) as unit:
        view = await get_checkout(unit, checkout_id)
        if over is not None and (view.state not in _OVER or view.payment_id is None):
            raise over
        assert view.payment_id is not None, "it was ordered"
        attempt = (await attempts_of(unit, view.payment_id))[-1]
        state = await payment_state(unit, view.payment_id)
    return Opened(
        payment_id=attempt.payment_id,
        order_id=attempt.order_id,
        state=state.value,
        platform=attempt.platform,
        method=attempt.method,
        out_trade_no=attempt.out_trade_no,
        amount=attempt.amount,
        expires_at=attempt.expires_at,
        created=created,
    )


async def _learn_payer(runtime: Runtime, merchant_id: UUID, checkout_id: UUID, wanted: Wanted) -> None:
    """Exchange the login code, which serves once: asked again, the buyer is known already."""
    if not wanted.login_code:
        return
    async with runtime.unit(merchant_id, "payment.payer") as unit:
        if (await get_checkout(unit, checkout_id)).payer_kind is not None:
            return
        account = _taker(await wallet_accounts(runtime, unit), wanted)
    identity = account.connector.identity
    if identity is None:
        raise InvalidInput(field="login_code", problem="payer_id")
    opened = await runtime.open_account(merchant_id, account.connection.connection_id)
    exchange = identity.mini_visitor_id if wanted.method is PayMethod.MINI else identity.visitor_id
    payer_id = await exchange(opened.account, wanted.login_code)
    async with runtime.unit(merchant_id, "payment.payer") as unit:
        await _know(runtime, unit, checkout_id, account, wanted, payer_id)
