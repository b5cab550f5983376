"""The buyer presses "pay": the order is placed, and a wallet opens its order for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

import msgspec

from hutong.core.errors import ErrorText, HutongError, PlatformFailure, PlatformUnknown
from hutong.db.unit import Unit
from hutong.merchants.tickets import Severity, TicketKind, open_ticket
from hutong.payments.checkouts import CheckoutView, begin_paying, get_checkout, payer_of
from hutong.payments.health import record_failure, record_success
from hutong.payments.service import (
    AttemptView,
    attempts_of,
    get_attempt,
    mark_attempt,
    mark_unclear,
    open_attempt,
    open_payment,
    refuse_attempt,
)
from hutong.payments.shop_codes import count_code_use
from hutong.payments.states import UNPAID, UNSETTLED, AttemptEvent, AttemptState, CheckoutState
from hutong.platforms.contract import ErrorWord
from hutong.platforms.payments import CreatePayment, PaymentCreated, PayMethod
from hutong.platforms.refusals import PlatformRefused
from hutong.shops.catalogue import get_sku
from hutong.shops.orders import NewOrder, place_order
from hutong.workflows.commands.freeze import freeze, is_frozen
from hutong.workflows.commands.settle import try_to_close
from hutong.workflows.commands.switch import EarlierPaymentUnclear, end_earlier
from hutong.workflows.commands.wallets import NoWallet, WalletAccount, wallet_accounts
from hutong.workflows.jobs import CLOSE_PAYMENT, QUERY_ATTEMPT, QUERY_FIRST, AttemptKey, PaymentKey
from hutong.workflows.runtime import Runtime

DESCRIPTION_CHARS_MAX: Final = 40
#: Attempts of one payment: switching to and fro between wallets must end somewhere.
ATTEMPTS_PER_PAYMENT_MAX: Final = 20
#: Rounds of one press of "pay": each ends something earlier or tries the wallet's next account.
ROUNDS_MAX: Final = 6
#: How long after its expiry a payment is closed at the wallet.
CLOSE_GRACE: Final = timedelta(seconds=30)
#: Ways to pay that need the buyer's id at the wallet.
PAYER_METHODS: Final = (PayMethod.JSAPI, PayMethod.MINI)
#: An attempt in these states takes no money any more.
ENDED: Final = (AttemptState.CLOSED, AttemptState.REFUSED)
#: Refusals that another account may not meet, and those of them that do not pass by themselves.
LASTING_WORDS: Final = frozenset({ErrorWord.NOT_PERMITTED, ErrorWord.BAD_SIGNATURE})
ACCOUNT_WORDS: Final = LASTING_WORDS | {ErrorWord.THROTTLED, ErrorWord.UNAVAILABLE}


class CheckoutOver(HutongError):
    """The checkout is paid or expired."""

    code = "checkout_over"
    status = 409
    zh = ErrorText("这次结账已结束。", "订单已支付，或页面停留太久已过期。", "请重新打开链接下单。")
    en = ErrorText("This checkout is over.", "It is paid, or it has expired.", "Open the link again.")


class PayerUnknown(HutongError):
    """The account that takes the payment now knows buyers by other ids than the one at hand."""

    code = "payer_unknown"
    status = 409
    zh = ErrorText("需要重新确认是谁在付款。", "收款账户刚刚换了一个。", "请刷新页面后再付款。")
    en = ErrorText("Who pays has to be confirmed again.", "Another account takes the money now.", "Reload and pay.")


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
    order and attempt: the wallet is asked with the same number. What another wallet or account was asked before is
    ended there first; an account that refuses for reasons of its own leaves the payment to the wallet's next one.

    Raises:
        OutOfStock, CheckoutOver, NoWallet, PayerUnknown, AlreadyPaid, EarlierPaymentUnclear.
        PlatformUnknown: the wallet did not answer; the attempt is followed up by itself.
        PlatformFailure: the wallet refused.
    """
    tried: set[UUID] = set()
    trouble: HutongError = NoWallet()
    for _ in range(ROUNDS_MAX):
        step = await _prepare(runtime, merchant_id, checkout_id, platform, method, tried)
        if step is None:
            raise trouble
        platform = step.account.connector.name  # another account may take over, never another wallet by itself
        if step.earlier:
            try:
                await end_earlier(runtime, merchant_id, step.earlier)
            except EarlierPaymentUnclear as unclear:
                raise (trouble if isinstance(trouble, PlatformUnknown) else unclear) from None
            continue
        try:
            return await open_at_wallet(runtime, merchant_id, step, client_ip)
        except (PlatformUnknown, PlatformFailure) as problem:
            if not await blame_account(runtime, merchant_id, step.account, problem):
                raise
            trouble = problem
            tried.add(step.account.connection.connection_id)
    raise trouble


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What to do next for a payment: end what is earlier, else open this attempt at this account."""

    account: WalletAccount
    attempt: AttemptView | None
    earlier: tuple[AttemptView, ...]
    title: str
    payer_id: str | None
    return_url: str
    is_shared: bool  # its money is frozen, so that it can be shared


async def _prepare(
    runtime: Runtime, merchant_id: UUID, checkout_id: UUID, platform: str | None, method: PayMethod, tried: set[UUID]
) -> Step | None:
    """The next step; None when no account is left."""
    async with runtime.unit(merchant_id, "checkout.pay") as unit:
        view = await get_payable(unit, checkout_id)
        accounts = [
            account
            for account in await wallet_accounts(runtime, unit)
            if platform in (None, account.connector.name)
            and method in account.connector.pay_methods
            and account.connection.connection_id not in tried
        ]
        if method in PAYER_METHODS and view.payer_kind is not None:
            knowing = [account for account in accounts if view.payer_scope in ("", account.scope)]
            if accounts and not knowing and not tried:
                raise PayerUnknown
            accounts = knowing
        if not accounts:
            return None
        payment_id = view.payment_id or await order_at_desk(unit, view)
        attempts = await attempts_of(unit, payment_id)
        account, attempt = _choose(accounts, attempts, method)
        earlier = tuple(one for one in attempts if one.state in UNSETTLED and one != attempt)
        is_shared = False
        if not earlier and attempt is None:
            attempt = await _open(unit, payment_id, account, method, len(attempts))
            is_shared = await freeze(unit, account.connector, attempt)
        elif attempt is not None:
            is_shared = await is_frozen(unit, account.connector, attempt)
        payer_id = None
        if method in PAYER_METHODS and view.payer_kind == account.connector.identity_kind:
            payer_id = await payer_of(unit, runtime.vault, view)
    return Step(
        account=account,
        attempt=attempt,
        earlier=earlier,
        title=view.goods.title,
        payer_id=payer_id,
        return_url=f"{runtime.public_url}/c/{checkout_id}",
        is_shared=is_shared,
    )


def _choose(
    accounts: list[WalletAccount], attempts: list[AttemptView], method: PayMethod
) -> tuple[WalletAccount, AttemptView | None]:
    """The account to use, with the attempt that is open there: one that works keeps what it has begun."""
    for account in accounts:
        for attempt in attempts:
            same = attempt.connection_id == account.connection.connection_id and attempt.method == method.value
            if same and attempt.state in UNPAID and not (account.is_down and len(accounts) > 1):
                return account, attempt
    return accounts[0], None


async def _open(
    unit: Unit, payment_id: UUID, account: WalletAccount, method: PayMethod, attempts_count: int
) -> AttemptView:
    if attempts_count >= ATTEMPTS_PER_PAYMENT_MAX:
        raise CheckoutOver
    connection = account.connection
    attempt_id = await open_attempt(unit, payment_id, connection.connection_id, connection.platform, method.value)
    attempt = await get_attempt(unit, attempt_id)
    unit.schedule(QUERY_ATTEMPT, AttemptKey(attempt_id), delay=QUERY_FIRST)
    schedule_close(unit, attempt)
    return attempt


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
        BuyerDayFull, CodeDayFull, PaymentTooLarge, ShopCodePaused: a shop code takes no more.
    """
    seller_code, unit_price = "", view.goods.amount
    if view.goods.sku_id is None:
        await count_code_use(unit, view.checkout_id)
    else:
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


def schedule_close(unit: Unit, attempt: AttemptView) -> None:
    """However it goes on, the payment of this attempt is closed when its time is over."""
    until = attempt.payment_expires_at - unit.now() + CLOSE_GRACE
    unit.schedule(CLOSE_PAYMENT, PaymentKey(attempt.payment_id), delay=until, dedupe_key=attempt.payment_id.hex)


async def open_at_wallet(runtime: Runtime, merchant_id: UUID, step: Step, client_ip: str) -> PaymentCreated:
    """Ask the wallet to open its order. No answer is UNKNOWN, never failure: the query schedule finds out."""
    attempt = step.attempt
    assert attempt is not None, "nothing earlier stands in the way"
    opened = await runtime.open_account(merchant_id, attempt.connection_id)
    assert opened.connector.payments is not None, "wallet accounts have payments"
    command = CreatePayment(
        out_trade_no=attempt.out_trade_no,
        amount=attempt.amount,
        description=step.title[:DESCRIPTION_CHARS_MAX],
        method=PayMethod(attempt.method),
        notify_url=runtime.callback_url(attempt.platform, attempt.connection_id),
        expires_at=attempt.expires_at,
        payer_id=step.payer_id,
        client_ip=client_ip,
        attach=attempt.payment_id.hex,
        shared=step.is_shared,
        return_url=step.return_url,
    )
    try:
        created = await opened.connector.payments.create(opened.account, command)
    except (PlatformUnknown, PlatformFailure) as problem:
        await tell_problem(runtime, merchant_id, attempt, problem)
        raise
    async with runtime.unit(merchant_id, "attempt.opened") as unit:
        opened_now = await mark_attempt(unit, attempt.attempt_id, AttemptEvent.OPENED)
        state = AttemptState.OPEN if opened_now else (await get_attempt(unit, attempt.attempt_id)).state
        if step.account.is_troubled:
            await record_success(unit, attempt.connection_id)
    if state in ENDED:  # another wallet took over while this one was opening: nobody may pay here any more
        await try_to_close(runtime, merchant_id, attempt)
        raise CheckoutOver
    return created


async def tell_problem(
    runtime: Runtime, merchant_id: UUID, attempt: AttemptView, problem: PlatformUnknown | PlatformFailure
) -> None:
    """Write down how a wallet failed to open or charge: refused, or unclear."""
    async with runtime.unit(merchant_id, "attempt.problem") as unit:
        if isinstance(problem, PlatformFailure):
            await refuse_attempt(unit, attempt.attempt_id, str(problem.details.get("platform_code", problem.code)))
        else:
            await mark_unclear(unit, attempt)


async def blame_account(
    runtime: Runtime, merchant_id: UUID, account: WalletAccount, problem: PlatformUnknown | PlatformFailure
) -> bool:
    """Whether the failure is the account's own, not the request's: then its health knows, and at last a person."""
    word = problem.word if isinstance(problem, PlatformRefused) else ErrorWord.UNAVAILABLE
    if word not in ACCOUNT_WORDS:
        return False
    connection = account.connection
    async with runtime.unit(merchant_id, "wallet.failed") as unit:
        at_once = word in LASTING_WORDS
        if await record_failure(unit, connection.connection_id, word.value, at_once=at_once):
            await open_ticket(
                unit,
                TicketKind.WALLET_DOWN,
                Severity.URGENT,
                subject=("connection", str(connection.connection_id)),
                details={"platform": connection.platform, "title": connection.title, "word": word.value},
                dedupe_key=f"{connection.connection_id.hex}:{unit.now():%Y%m%d}",
            )
    return True
