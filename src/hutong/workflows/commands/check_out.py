"""From a click to the wallet: start a checkout, learn the payer, place the order and open the wallet's order."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from hutong.core.errors import Conflict, ErrorText, HutongError, PlatformFailure, PlatformUnknown
from hutong.db.unit import Unit
from hutong.links.service import LinkView, get_link
from hutong.merchants.connections import ConnectionView, list_connections
from hutong.merchants.directory import CHECKOUT, register
from hutong.payments.checkouts import (
    CheckoutView,
    Goods,
    Visit,
    begin_paying,
    get_checkout,
    know_payer,
    open_checkout,
    payer_of,
)
from hutong.payments.service import AttemptView, attempts_of, get_attempt, mark_attempt, open_attempt, open_payment
from hutong.payments.states import AttemptEvent, AttemptState, CheckoutState
from hutong.platforms.contract import Connector
from hutong.platforms.payments import CreatePayment, PaymentCreated, PayMethod
from hutong.shops.catalogue import get_sku
from hutong.shops.orders import NewOrder, place_order
from hutong.workflows.jobs import CLOSE_PAYMENT, QUERY_ATTEMPT, QUERY_FIRST, AttemptKey, PaymentKey
from hutong.workflows.runtime import Runtime

WECHAT_PAY: Final = "wechatpay"
WECHAT_OPENID: Final = "wechat_openid"
DESCRIPTION_CHARS_MAX: Final = 40
#: Attempts of one payment: switching to and fro between wallets must end somewhere.
ATTEMPTS_PER_PAYMENT_MAX: Final = 20
#: How long after its expiry a payment is closed at the wallet.
CLOSE_GRACE: Final = timedelta(seconds=30)
REUSABLE: Final = (AttemptState.CREATED, AttemptState.OPEN, AttemptState.UNKNOWN)


class NoWallet(HutongError):
    """The merchant has connected no wallet that can take this payment."""

    code = "no_wallet"
    status = 409
    zh = ErrorText("商家还没有接通可用的收款方式。", "没有连接微信支付等钱包。", "请联系商家，或稍后再试。")
    en = ErrorText("The shop has no wallet connected.", "No wallet can take this payment.", "Tell the shop.")


class CheckoutOver(HutongError):
    """The checkout is paid or expired."""

    code = "checkout_over"
    status = 409
    zh = ErrorText("这次结账已结束。", "订单已支付，或页面停留太久已过期。", "请重新打开链接下单。")
    en = ErrorText("This checkout is over.", "It is paid, or it has expired.", "Open the link again.")


async def start_checkout(runtime: Runtime, merchant_id: UUID, link_id: UUID, click_id: UUID, container: str) -> UUID:
    """A checkout for this click; the same click finds the same one again.

    Raises:
        NotFound: the link does not exist or leads elsewhere.
        Conflict: the link is switched off or over.
    """
    async with runtime.unit(merchant_id, "checkout.start") as unit:
        link = await get_link(unit, link_id)
        sku_id = _sold_by(link, unit)
        sku = await get_sku(unit, sku_id)
        goods = Goods(sku_id=sku_id, title=sku.title, quantity=1, amount=sku.price)
        visit = Visit(channel_id=link.channel_id, link_id=link_id, click_id=click_id, container=container)
        checkout_id = await open_checkout(unit, goods, visit)
        await register(unit, CHECKOUT, checkout_id.hex, checkout_id)
    return checkout_id


def _sold_by(link: LinkView, unit: Unit) -> UUID:
    over = link.expires_at is not None and link.expires_at <= unit.now()
    if link.sku_id is None or link.state != "active" or over:
        raise Conflict(what="link")
    return link.sku_id


async def wallet_of(runtime: Runtime, unit: Unit) -> tuple[ConnectionView, Connector]:
    """The connection that takes the money. One wallet for now; several with failover come with Money I.

    Raises:
        NoWallet: none is connected.
    """
    for view in await list_connections(unit, WECHAT_PAY):
        return view, runtime.registry.get(view.platform)
    raise NoWallet


async def learn_payer(runtime: Runtime, merchant_id: UUID, checkout_id: UUID, code: str) -> None:
    """Exchange the platform's one-time code for the visitor's id and keep it with the checkout."""
    async with runtime.unit(merchant_id, "checkout.wallet") as unit:
        view = await get_checkout(unit, checkout_id)
        wallet, connector = await wallet_of(runtime, unit)
    if view.payer_kind is not None or connector.identity is None:
        return
    opened = await runtime.open_account(merchant_id, wallet.connection_id)
    visitor_id = await connector.identity.visitor_id(opened.account, code)
    async with runtime.unit(merchant_id, "checkout.payer") as unit:
        await know_payer(unit, runtime.vault, checkout_id, WECHAT_OPENID, visitor_id)


async def identify_url(runtime: Runtime, merchant_id: UUID, checkout_id: UUID, return_url: str) -> str | None:
    """Where to send the browser to learn who it is; None when that is known or cannot be known."""
    async with runtime.unit(merchant_id, "checkout.wallet") as unit:
        view = await get_checkout(unit, checkout_id)
        if view.payer_kind is not None:
            return None
        wallet, connector = await wallet_of(runtime, unit)
    if connector.identity is None:
        return None
    opened = await runtime.open_account(merchant_id, wallet.connection_id)
    return connector.identity.authorise_url(opened.account, return_url, checkout_id.hex)


async def pay(
    runtime: Runtime, merchant_id: UUID, checkout_id: UUID, method: PayMethod, client_ip: str
) -> PaymentCreated:
    """The buyer presses "pay": order, reservation, payment and attempt in one transaction, then the wallet's order.

    Pressing again finds the same order and attempt: the wallet is asked with the same number.

    Raises:
        OutOfStock, CheckoutOver, NoWallet.
        PlatformUnknown: the wallet did not answer; the attempt is followed up by itself.
        PlatformFailure: the wallet refused.
    """
    async with runtime.unit(merchant_id, "checkout.pay") as unit:
        view = await get_checkout(unit, checkout_id, lock=True)
        if view.state not in (CheckoutState.OPEN, CheckoutState.PAYING):
            raise CheckoutOver
        wallet, _ = await wallet_of(runtime, unit)
        payment_id = view.payment_id or await _order(unit, view)
        attempt = await _attempt(unit, payment_id, wallet, method)
        payer_id = await payer_of(unit, runtime.vault, view)
    return await open_at_wallet(runtime, merchant_id, attempt, view.goods.title, payer_id, client_ip)


async def _order(unit: Unit, view: CheckoutView) -> UUID:
    sku = await get_sku(unit, view.goods.sku_id)
    order_id = await place_order(
        unit,
        NewOrder(
            sku_id=sku.sku_id,
            seller_code=sku.seller_code,
            title=view.goods.title,
            quantity=view.goods.quantity,
            unit_price=sku.price,
            channel_id=view.channel_id,
            link_id=view.link_id,
            click_id=view.click_id,
            container=view.container,
        ),
    )
    payment_id = await open_payment(unit, order_id, view.goods.amount)
    await begin_paying(unit, view.checkout_id, order_id, payment_id)
    return payment_id


async def _attempt(unit: Unit, payment_id: UUID, wallet: ConnectionView, method: PayMethod) -> AttemptView:
    earlier = await attempts_of(unit, payment_id)
    for attempt in earlier:
        same = attempt.connection_id == wallet.connection_id and attempt.method == method.value
        if same and attempt.state in REUSABLE:
            return attempt
    if len(earlier) >= ATTEMPTS_PER_PAYMENT_MAX:
        raise CheckoutOver
    attempt_id = await open_attempt(unit, payment_id, wallet.connection_id, wallet.platform, method.value)
    attempt = await get_attempt(unit, attempt_id)
    unit.schedule(QUERY_ATTEMPT, AttemptKey(attempt_id), delay=QUERY_FIRST)
    until = attempt.expires_at - unit.now() + CLOSE_GRACE
    unit.schedule(CLOSE_PAYMENT, PaymentKey(payment_id), delay=until, dedupe_key=payment_id.hex)
    return attempt


async def open_at_wallet(
    runtime: Runtime, merchant_id: UUID, attempt: AttemptView, title: str, payer_id: str | None, client_ip: str
) -> PaymentCreated:
    """Ask the wallet to open its order. No answer is UNKNOWN, never failure: the query schedule finds out."""
    opened = await runtime.open_account(merchant_id, attempt.connection_id)
    if opened.connector.payments is None:
        raise NoWallet
    command = CreatePayment(
        out_trade_no=attempt.out_trade_no,
        amount=attempt.amount,
        description=title[:DESCRIPTION_CHARS_MAX],
        method=PayMethod(attempt.method),
        notify_url=runtime.callback_url(attempt.platform, attempt.connection_id),
        expires_at=attempt.expires_at,
        payer_id=payer_id,
        client_ip=client_ip,
        attach=attempt.payment_id.hex,
    )
    try:
        created = await opened.connector.payments.create(opened.account, command)
    except PlatformUnknown:
        await _mark(runtime, merchant_id, attempt, AttemptEvent.UNCLEAR)
        raise
    except PlatformFailure:
        await _mark(runtime, merchant_id, attempt, AttemptEvent.REFUSE)
        raise
    await _mark(runtime, merchant_id, attempt, AttemptEvent.OPENED)
    return created


async def _mark(runtime: Runtime, merchant_id: UUID, attempt: AttemptView, event: AttemptEvent) -> None:
    async with runtime.unit(merchant_id, f"attempt.{event.value}") as unit:
        await mark_attempt(unit, attempt.attempt_id, event)
