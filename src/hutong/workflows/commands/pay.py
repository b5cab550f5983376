"""The buyer presses "pay": the order is placed, and a wallet opens its order for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Final
from uuid import UUID

import msgspec

from hutong.core.errors import ErrorText, HutongError, InvalidInput, PlatformFailure, PlatformUnknown
from hutong.db.unit import Unit
from hutong.merchants.days import today_here
from hutong.merchants.tickets import Severity, TicketKind, open_ticket
from hutong.payments.checkouts import CheckoutView, hold_checkouts, payer_of
from hutong.payments.health import record_failure, record_success
from hutong.payments.service import (
    AttemptView,
    NewAttempt,
    PaymentOpened,
    attempts_of,
    get_attempt,
    mark_opened,
    mark_unclear,
    open_attempt,
    open_attempts,
    refuse_attempt,
)
from hutong.payments.states import UNPAID, UNSETTLED, AttemptState
from hutong.platforms.contract import ErrorWord
from hutong.platforms.payments import CreatePayment, PaymentCreated, PayMethod
from hutong.platforms.refusals import PlatformRefused
from hutong.shops.stock import OutOfStock
from hutong.workflows.commands.detour import other_app
from hutong.workflows.commands.freeze import can_share, freeze, is_frozen
from hutong.workflows.commands.order import CheckoutOver, get_payable, order_at_desk, orders_at_desk, payable
from hutong.workflows.commands.settle import first_query_key, try_to_close
from hutong.workflows.commands.switch import (
    EarlierPaymentUnclear,
    SwitchedTooOften,
    ask_how_it_ended,
    end_earlier,
    ended_before,
)
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
#: In a rush buyers wait this much longer for their wallet's page, so that many share a transaction.
PRESSES_PAUSE_S: Final = 0.04
#: Ways to pay that need the buyer's id at the wallet.
PAYER_METHODS: Final = (PayMethod.JSAPI, PayMethod.MINI)
#: An attempt in these states takes no money any more.
ENDED: Final = (AttemptState.CLOSED, AttemptState.REFUSED)
#: Refusals that another account may not meet, and those of them that do not pass by themselves.
LASTING_WORDS: Final = frozenset({ErrorWord.NOT_PERMITTED, ErrorWord.BAD_SIGNATURE})
ACCOUNT_WORDS: Final = LASTING_WORDS | {ErrorWord.THROTTLED, ErrorWord.UNAVAILABLE}


class PayerUnknown(HutongError):
    """The account that takes the payment now knows buyers by other ids than the one at hand."""

    code = "payer_unknown"
    status = 409
    zh = ErrorText("需要重新确认是谁在付款。", "收款账户刚刚换了一个。", "请刷新页面后再付款。")
    en = ErrorText("Who pays has to be confirmed again.", "Another account takes the money now.", "Reload and pay.")

    def __init__(self, connection_id: UUID | None = None) -> None:
        self.connection_id = connection_id  # the account that has to learn who pays
        super().__init__()


class EndedBefore(Exception):
    """The wallet's order of an attempt ended unpaid before it was asked for again."""

    def __init__(self, refusal: PlatformFailure) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


async def pay(
    runtime: Runtime,
    merchant_id: UUID,
    checkout_id: UUID,
    *,
    platform: str | None,
    method: PayMethod,
    client_ip: str,
    connection_id: UUID | None = None,
) -> PaymentCreated:
    """Order, reservation, payment and attempt in one transaction, then the wallet's order.

    Without a ``platform`` the merchant's first wallet that knows the method takes it; with a ``connection_id`` that
    account alone. Pressing again finds the same order and attempt: the wallet is asked with the same number. What
    another wallet or account was asked before is ended there first; an account that refuses for reasons of its own
    leaves the payment to the wallet's next one.

    Raises:
        OutOfStock, CheckoutOver, NoWallet, PayerUnknown, AlreadyPaid, EarlierPaymentUnclear, SwitchedTooOften.
        PlatformUnknown: the wallet did not answer; the attempt is followed up by itself.
        PlatformFailure: the wallet refused.
        InvalidInput: the account cannot be paid in this way: it was not asked.
    """
    tried: set[UUID] = set()
    trouble: HutongError | None = None
    for _ in range(ROUNDS_MAX):
        press = Press(
            checkout_id=checkout_id,
            platform=platform,
            method=method,
            connection_id=connection_id,
            tried=frozenset(tried),
        )
        preparing = runtime.gatherings.of("pay", partial(prepare, runtime), PRESSES_PAUSE_S)
        step = await preparing.submit(merchant_id, press)
        if step is None:
            other = await other_app(runtime, merchant_id, checkout_id, platform, method, tried)
            trouble = trouble or NoWallet()
            raise trouble if other is None else PayerUnknown(other) from trouble
        platform = step.account.connector.name  # another account may take over, never another wallet by itself
        if step.earlier:
            try:
                await end_earlier(runtime, merchant_id, step.earlier)
            except EarlierPaymentUnclear as unclear:
                raise (trouble if isinstance(trouble, PlatformUnknown) else unclear) from None
            continue
        try:
            return await open_at_wallet(runtime, merchant_id, step, client_ip)
        except EndedBefore as ended:  # unpaid, or the command has said so: the next round opens another one
            trouble = ended.refusal
        except (PlatformUnknown, PlatformFailure) as problem:
            if not await blame_account(runtime, merchant_id, step.account, problem):
                raise
            trouble = problem
            tried.add(step.account.connection.connection_id)
    raise trouble or NoWallet()


class Press(msgspec.Struct, frozen=True, kw_only=True):
    """A buyer presses "pay"; ``tried`` are the accounts that have refused him already."""

    checkout_id: UUID
    platform: str | None
    method: PayMethod
    connection_id: UUID | None = None
    tried: frozenset[UUID]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What to do next for a payment: end what is earlier, else open this attempt at this account."""

    account: WalletAccount
    attempt: AttemptView | None
    earlier: tuple[AttemptView, ...]
    title: str
    payer_id: str | None
    return_url: str
    is_shared: bool  # its money is frozen, so that it can be shared


async def prepare(runtime: Runtime, merchant_id: UUID, presses: Sequence[Press]) -> list[Step | Exception | None]:
    """The next step of each buyer, in one transaction for all who pressed at the same time.

    Those who buy goods and press for the first time are served together, the others one by one. None where no
    account is left.
    """
    steps: dict[int, Step | Exception | None] = {}
    firsts: dict[UUID, tuple[int, CheckoutView, list[WalletAccount]]] = {}
    again: list[int] = []
    async with runtime.unit(merchant_id, "checkout.pay") as unit:
        views = await hold_checkouts(unit, list({press.checkout_id for press in presses}))
        accounts = await wallet_accounts(runtime, unit)
        for number, press in enumerate(presses):
            try:
                view = payable(views, press.checkout_id)
                usable = _usable(accounts, press, view)
            except HutongError as problem:
                steps[number] = problem
                continue
            if not usable:
                steps[number] = None
            elif view.payment_id is None and view.goods.sku_id is not None and view.checkout_id not in firsts:
                firsts[view.checkout_id] = (number, view, usable)
            else:
                again.append(number)
        steps |= await _begin(runtime, unit, presses, list(firsts.values()))
        for number in again:
            try:
                async with unit.savepoint():
                    steps[number] = await _go_on(runtime, unit, presses[number], accounts)
            except HutongError as problem:
                steps[number] = problem
    return [steps[number] for number in range(len(presses))]


async def _begin(
    runtime: Runtime,
    unit: Unit,
    presses: Sequence[Press],
    firsts: Sequence[tuple[int, CheckoutView, list[WalletAccount]]],
) -> dict[int, Step | Exception | None]:
    """Order, reservation, payment and attempt of buyers who press for the first time."""
    if not firsts:
        return {}
    opened = await orders_at_desk(unit, [view for _, view, _ in firsts])
    served = [(*first, payment) for first, payment in zip(firsts, opened, strict=True) if payment is not None]
    wanted = [_new_attempt(payment, usable[0], presses[number].method) for number, _, usable, payment in served]
    attempts = await open_attempts(unit, wanted) if wanted else []
    connectors = {usable[0].connector.name: usable[0].connector for _, _, usable, _ in served}
    sharing = {name: await can_share(unit, connector) for name, connector in connectors.items()}
    steps: dict[int, Step | Exception | None] = {number: OutOfStock() for number, _, _ in firsts}
    for (number, view, usable, _), attempt in zip(served, attempts, strict=True):
        _schedule(unit, attempt)
        account = usable[0]
        is_shared = sharing[account.connector.name] and await freeze(unit, account.connector, attempt)
        steps[number] = await _step(runtime, unit, presses[number], view, account, attempt=attempt, is_shared=is_shared)
    return steps


async def _go_on(runtime: Runtime, unit: Unit, press: Press, accounts: Sequence[WalletAccount]) -> Step | None:
    """The next step of a buyer who pressed before, or who pays an amount: a shop code has limits of its own."""
    view = await get_payable(unit, press.checkout_id)
    usable = _usable(accounts, press, view)
    if not usable:
        return None
    payment_id = view.payment_id or await order_at_desk(unit, view)
    attempts = await attempts_of(unit, payment_id)
    account, attempt = _choose(usable, attempts, press.method)
    if attempt is None and len(attempts) >= ATTEMPTS_PER_PAYMENT_MAX:
        raise SwitchedTooOften  # before the last one is ended: it can still be paid
    earlier = tuple(one for one in attempts if one.state in UNSETTLED and one != attempt)
    is_shared = False
    if not earlier and attempt is None:
        attempt = await _open(unit, payment_id, account, press.method)
        is_shared = await freeze(unit, account.connector, attempt)
    elif attempt is not None:
        is_shared = await is_frozen(unit, account.connector, attempt)
    return await _step(runtime, unit, press, view, account, attempt=attempt, earlier=earlier, is_shared=is_shared)


async def _step(
    runtime: Runtime,
    unit: Unit,
    press: Press,
    view: CheckoutView,
    account: WalletAccount,
    *,
    attempt: AttemptView | None,
    is_shared: bool,
    earlier: tuple[AttemptView, ...] = (),
) -> Step:
    payer_id = None
    if press.method in PAYER_METHODS and view.payer_kind == account.connector.identity_kind:
        payer_id = await payer_of(unit, runtime.vault, view)
    return Step(
        account=account,
        attempt=attempt,
        earlier=earlier,
        title=view.goods.title,
        payer_id=payer_id,
        return_url=f"{runtime.public_url}/c/{view.checkout_id}",
        is_shared=is_shared,
    )


def _usable(accounts: Sequence[WalletAccount], press: Press, view: CheckoutView) -> list[WalletAccount]:
    """The accounts that can take this payment in this way.

    Raises:
        PayerUnknown: only such as know the buyer by another id.
    """
    found = [
        account
        for account in accounts
        if press.platform in (None, account.connector.name)
        and press.connection_id in (None, account.connection.connection_id)
        and account.takes(press.method)
        and account.connection.connection_id not in press.tried
    ]
    if press.method not in PAYER_METHODS or view.payer_kind is None:
        return found
    knowing = [account for account in found if view.payer_scope in ("", account.scope_in(press.method))]
    if found and not knowing and not press.tried:
        raise PayerUnknown(found[0].connection.connection_id)
    return knowing


def _choose(
    accounts: list[WalletAccount], attempts: list[AttemptView], method: PayMethod
) -> tuple[WalletAccount, AttemptView | None]:
    """The account to use, with the attempt that is open there: one that works keeps what it has begun."""
    for account in accounts:
        for attempt in attempts:
            same = attempt.connection_id == account.connection.connection_id and attempt.method == method.value
            same = same and attempt.combined_try_id is None  # a part is paid with its siblings or after their close
            if same and attempt.state in UNPAID and not (account.is_down and len(accounts) > 1):
                return account, attempt
    return accounts[0], None


async def _open(unit: Unit, payment_id: UUID, account: WalletAccount, method: PayMethod) -> AttemptView:
    connection = account.connection
    attempt = await open_attempt(unit, payment_id, connection.connection_id, connection.platform, method.value)
    _schedule(unit, attempt)
    return attempt


def _new_attempt(payment: PaymentOpened, account: WalletAccount, method: PayMethod) -> NewAttempt:
    connection = account.connection
    return NewAttempt(
        payment=payment, connection_id=connection.connection_id, platform=connection.platform, method=method.value
    )


def _schedule(unit: Unit, attempt: AttemptView) -> None:
    key = first_query_key(attempt.attempt_id)
    unit.schedule(QUERY_ATTEMPT, AttemptKey(attempt.attempt_id), delay=QUERY_FIRST, dedupe_key=key)
    schedule_close(unit, attempt)


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
    except (PlatformUnknown, PlatformFailure, InvalidInput) as problem:
        if isinstance(problem, PlatformFailure) and ended_before(problem):
            await ask_how_it_ended(runtime, merchant_id, attempt)
            raise EndedBefore(problem) from None
        await tell_problem(runtime, merchant_id, attempt, problem)
        raise
    opening = runtime.gatherings.of("opened", partial(tell_opened, runtime), PRESSES_PAUSE_S)
    state = AttemptState.OPEN
    if not await opening.submit(merchant_id, attempt.attempt_id):
        async with runtime.unit(merchant_id, "attempt.read") as unit:
            state = (await get_attempt(unit, attempt.attempt_id)).state
    if step.account.is_troubled:
        async with runtime.unit(merchant_id, "wallet.well") as unit:
            await record_success(unit, attempt.connection_id)
    if state in ENDED:  # another wallet took over while this one was opening: nobody may pay here any more
        await try_to_close(runtime, merchant_id, attempt)
        raise CheckoutOver
    return created


async def tell_opened(runtime: Runtime, merchant_id: UUID, attempt_ids: Sequence[UUID]) -> list[bool | Exception]:
    """Write down which attempts wallets opened; whether each had not gone on meanwhile."""
    async with runtime.unit(merchant_id, "attempt.opened") as unit:
        moved = await mark_opened(unit, attempt_ids)
    return [attempt_id in moved for attempt_id in attempt_ids]


async def tell_problem(
    runtime: Runtime, merchant_id: UUID, attempt: AttemptView, problem: PlatformUnknown | PlatformFailure | InvalidInput
) -> None:
    """Write down how a wallet failed to open or charge: refused (by the connector already), or unclear."""
    async with runtime.unit(merchant_id, "attempt.problem") as unit:
        if not isinstance(problem, PlatformUnknown):
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
                dedupe_key=f"{connection.connection_id.hex}:{await today_here(unit):%Y%m%d}",
            )
    return True
