"""The buyer presses "pay": the order is placed, and a wallet opens its order for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from hutong.core.errors import ErrorText, HutongError, PlatformFailure, PlatformUnknown
from hutong.db.unit import Unit
from hutong.payments.checkouts import CheckoutView, begin_paying, get_checkout, payer_of
from hutong.payments.service import AttemptView, attempts_of, get_attempt, mark_attempt, open_attempt, open_payment
from hutong.payments.states import AttemptEvent, AttemptState, CheckoutState
from hutong.platforms.payments import CreatePayment, PaymentCreated, PayMethod
from hutong.shops.catalogue import get_sku
from hutong.shops.orders import NewOrder, place_order
from hutong.workflows.commands.wallets import NoWallet, WalletAccount, wallet_accounts
from hutong.workflows.jobs import CLOSE_PAYMENT, QUERY_ATTEMPT, QUERY_FIRST, AttemptKey, PaymentKey
from hutong.workflows.runtime import Runtime

DESCRIPTION_CHARS_MAX: Final = 40
#: Attempts of one payment: switching to and fro between wallets must end somewhere.
ATTEMPTS_PER_PAYMENT_MAX: Final = 20
#: How long after its expiry a payment is closed at the wallet.
CLOSE_GRACE: Final = timedelta(seconds=30)
REUSABLE: Final = (AttemptState.CREATED, AttemptState.OPEN, AttemptState.UNKNOWN)


class CheckoutOver(HutongError):
    """The checkout is paid or expired."""

    code = "checkout_over"
    status = 409
    zh = ErrorText("这次结账已结束。", "订单已支付，或页面停留太久已过期。", "请重新打开链接下单。")
    en = ErrorText("This checkout is over.", "It is paid, or it has expired.", "Open the link again.")


async def pay(
    runtime: Runtime,
    merchant_id: UUID,
    checkout_id: UUID,
    *,
    platform: str | None,
    method: PayMethod,
    client_ip: str,
) -> PaymentCreated:
    """Order, reservation, payment and attempt in one transaction, then the wallet's order.

    Without a ``platform`` the merchant's first wallet that knows the method takes it. Pressing again finds the same
    order and attempt: the wallet is asked with the same number.

    Raises:
        OutOfStock, CheckoutOver, NoWallet.
        PlatformUnknown: the wallet did not answer; the attempt is followed up by itself.
        PlatformFailure: the wallet refused.
    """
    async with runtime.unit(merchant_id, "checkout.pay") as unit:
        view = await get_payable(unit, checkout_id)
        account = _takes(await wallet_accounts(runtime, unit), platform, method)
        payment_id = view.payment_id or await order_at_desk(unit, view)
        attempt = await _attempt(unit, payment_id, account, method)
        payer_id = None
        if view.payer_kind == account.connector.identity_kind:
            payer_id = await payer_of(unit, runtime.vault, view)
    return await open_at_wallet(runtime, merchant_id, attempt, view.goods.title, payer_id, client_ip)


def _takes(accounts: list[WalletAccount], platform: str | None, method: PayMethod) -> WalletAccount:
    for account in accounts:
        if platform in (None, account.connector.name) and method in account.connector.pay_methods:
            return account
    raise NoWallet


async def get_payable(unit: Unit, checkout_id: UUID) -> CheckoutView:
    """A checkout, held against a second tap until the transaction ends.

    Raises:
        CheckoutOver: it is paid or expired.
    """
    view = await get_checkout(unit, checkout_id, lock=True)
    if view.state not in (CheckoutState.OPEN, CheckoutState.PAYING):
        raise CheckoutOver
    return view


async def order_at_desk(unit: Unit, view: CheckoutView) -> UUID:
    """The order of a checkout, its goods reserved; the id of the payment it owes.

    Raises:
        OutOfStock: less is available.
    """
    seller_code, unit_price = "", view.goods.amount
    if view.goods.sku_id is not None:
        sku = await get_sku(unit, view.goods.sku_id)
        seller_code, unit_price = sku.seller_code, sku.price
    order_id = await place_order(
        unit,
        NewOrder(
            sku_id=view.goods.sku_id,
            seller_code=seller_code,
            title=view.goods.title,
            quantity=view.goods.quantity,
            unit_price=unit_price,
            channel_id=view.channel_id,
            link_id=view.link_id,
            click_id=view.click_id,
            container=view.container,
        ),
    )
    payment_id = await open_payment(unit, order_id, view.goods.amount)
    await begin_paying(unit, view.checkout_id, order_id, payment_id)
    return payment_id


async def _attempt(unit: Unit, payment_id: UUID, account: WalletAccount, method: PayMethod) -> AttemptView:
    connection = account.connection
    earlier = await attempts_of(unit, payment_id)
    for attempt in earlier:
        same = attempt.connection_id == connection.connection_id and attempt.method == method.value
        if same and attempt.state in REUSABLE:
            return attempt
    if len(earlier) >= ATTEMPTS_PER_PAYMENT_MAX:
        raise CheckoutOver
    attempt_id = await open_attempt(unit, payment_id, connection.connection_id, connection.platform, method.value)
    attempt = await get_attempt(unit, attempt_id)
    unit.schedule(QUERY_ATTEMPT, AttemptKey(attempt_id), delay=QUERY_FIRST)
    schedule_close(unit, attempt)
    return attempt


def schedule_close(unit: Unit, attempt: AttemptView) -> None:
    """However it goes on, the payment of this attempt is closed when its time is over."""
    until = attempt.payment_expires_at - unit.now() + CLOSE_GRACE
    unit.schedule(CLOSE_PAYMENT, PaymentKey(attempt.payment_id), delay=until, dedupe_key=attempt.payment_id.hex)


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
        await mark(runtime, merchant_id, attempt, AttemptEvent.UNCLEAR)
        raise
    except PlatformFailure:
        await mark(runtime, merchant_id, attempt, AttemptEvent.REFUSE)
        raise
    await mark(runtime, merchant_id, attempt, AttemptEvent.OPENED)
    return created


async def mark(runtime: Runtime, merchant_id: UUID, attempt: AttemptView, event: AttemptEvent) -> None:
    """Move an attempt that money has not touched, in a transaction of its own."""
    async with runtime.unit(merchant_id, f"attempt.{event.value}") as unit:
        await mark_attempt(unit, attempt.attempt_id, event)
