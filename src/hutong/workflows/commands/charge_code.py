"""The buyer shows a payment code (付款码) and the shop scans it: charged at once, followed, undone if nobody paid.

The code itself is neither stored nor logged: a charge that was lost before it was sent is simply not there, and a
charge without an answer is asked for by its number, and reversed when its short time is over.
"""

from __future__ import annotations

import contextlib
from collections.abc import Container, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

import msgspec

from hutong.core.errors import ErrorText, HutongError, PlatformFailure, PlatformUnknown
from hutong.core.money import Money
from hutong.db.jobs import Postpone
from hutong.db.unit import Unit
from hutong.payments.checkouts import get_checkout, give_up_checkout
from hutong.payments.health import record_success
from hutong.payments.service import AttemptView, attempts_of, get_attempt, open_attempt, refuse_attempt
from hutong.payments.states import UNENDED, UNPAID, UNSETTLED, AttemptState, CheckoutState
from hutong.platforms.codes import ChargeCode
from hutong.platforms.payments import PayMethod, TradeReport
from hutong.workflows.commands.freeze import freeze
from hutong.workflows.commands.order import get_payable, order_at_desk
from hutong.workflows.commands.pay import (
    ATTEMPTS_PER_PAYMENT_MAX,
    DESCRIPTION_CHARS_MAX,
    ROUNDS_MAX,
    blame_account,
    schedule_close,
    tell_problem,
)
from hutong.workflows.commands.settle import (
    apply_trade_report,
    ask_wallet,
    close_due_payment,
    settle_again,
    try_to_close,
    undo_charge,
)
from hutong.workflows.commands.switch import end_earlier
from hutong.workflows.commands.wallets import WalletAccount, wallet_accounts
from hutong.workflows.jobs import CODE_QUERY_GAP, FOLLOW_CHARGE, AttemptKey, PaymentKey
from hutong.workflows.runtime import OpenedAccount, Runtime

#: How long the buyer may type his password before the charge is undone; the wallets advise about as much.
CODE_LIFE: Final = timedelta(seconds=45)


class CodeUnknown(HutongError):
    """No connected wallet takes this payment code."""

    code = "code_unknown"
    status = 400
    zh = ErrorText(
        "认不出这个付款码。", "不是已接通钱包的付款码，或没有扫完整。", "请顾客打开微信或支付宝的付款码，再扫一次。"
    )
    en = ErrorText(
        "This payment code is not known.",
        "It belongs to no connected wallet, or it was not read whole.",
        "Ask the buyer for the payment code of a connected wallet and scan it again.",
    )


class ChargeRunning(HutongError):
    """An earlier charge of this sale has no end yet."""

    code = "charge_running"
    status = 409
    zh = ErrorText("上一次扫码收款还没有结果。", "顾客可能正在输入密码。", "请稍等片刻；没有付成会自动撤销，再扫一次。")
    en = ErrorText(
        "The last charge has no result yet.",
        "The buyer may be typing a password.",
        "Wait a moment: unpaid charges are undone by themselves, then scan again.",
    )


class CodesUsedUp(HutongError):
    """Too many codes were refused at this sale."""

    code = "codes_used_up"
    status = 409
    zh = ErrorText("这一笔试过的付款码太多了。", "每一笔能试的付款码有上限。", "请取消这笔，重新输入金额再收。")
    en = ErrorText(
        "Too many codes were tried at this sale.",
        "The number of codes for one sale has a limit.",
        "Give this sale up, type the amount again and scan.",
    )


class ChargeState(StrEnum):
    """Where a sale at the counter stands."""

    READY = "ready"  # nothing was taken: scan a code
    WAITING = "waiting"  # of a scanned code: the buyer types a password, or the wallet has not answered
    PAID = "paid"
    OVER = "over"  # the sale was closed unpaid


class ChargeView(msgspec.Struct, frozen=True, kw_only=True):
    """A sale at the counter as the till sees it."""

    checkout_id: UUID
    state: ChargeState
    amount: Money
    order_id: UUID | None
    payment_id: UUID | None
    platform: str  # of the last charge; empty before the first
    codes_count: int  # charges of scanned codes that were begun, whatever became of them


async def charge_code(
    runtime: Runtime, merchant_id: UUID, checkout_id: UUID, auth_code: str, *, client_ip: str = ""
) -> ChargeView:
    """Charge the code for what a checkout owes; the wallet is told by the code itself.

    An account that refuses for reasons of its own has taken nothing and leaves the code to the wallet's next account;
    after silence no other one is asked, because the money may have moved.

    Raises:
        CodeUnknown, ChargeRunning, CodesUsedUp, CheckoutOver, OutOfStock, AlreadyPaid, EarlierPaymentUnclear.
        PlatformFailure: the wallet refused the code; nothing was taken, another one can be scanned.
    """
    refused: dict[UUID, Refusal] = {}
    for _ in range(ROUNDS_MAX):
        turn = await _next_turn(runtime, merchant_id, checkout_id, auth_code, refused)
        if turn.attempt is None:
            if any(one.method == PayMethod.CODE.value for one in turn.earlier):
                raise ChargeRunning
            await end_earlier(runtime, merchant_id, turn.earlier)
            continue
        account, attempt = turn.account, turn.attempt
        opened = await runtime.open_account(merchant_id, attempt.connection_id)
        try:
            report = await _charge(runtime, opened, turn, attempt, auth_code, client_ip)
        except PlatformUnknown as problem:
            await tell_problem(runtime, merchant_id, attempt, problem)
            await blame_account(runtime, merchant_id, account, problem)
        except PlatformFailure as problem:
            if not await blame_account(runtime, merchant_id, account, problem):
                await tell_problem(runtime, merchant_id, attempt, problem)
                raise
            refused[account.connection.connection_id] = Refusal(attempt, problem)
            continue
        else:
            async with runtime.unit(merchant_id, "charge.report") as unit:
                await apply_trade_report(unit, opened, attempt, report)
                if account.is_troubled:
                    await record_success(unit, attempt.connection_id)
        return await follow_charge(runtime, merchant_id, checkout_id)
    if not refused:
        raise ChargeRunning
    last = next(reversed(refused.values()))
    await tell_problem(runtime, merchant_id, last.attempt, last.problem)
    raise last.problem


class Refusal(NamedTuple):
    """A charge that its account refused for reasons of its own."""

    attempt: AttemptView
    problem: PlatformFailure


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """What to do next for a scanned code: end what is earlier, else charge this attempt at this account."""

    account: WalletAccount
    attempt: AttemptView | None
    earlier: tuple[AttemptView, ...]
    title: str
    is_shared: bool  # its money is frozen, so that it can be shared


async def _next_turn(
    runtime: Runtime, merchant_id: UUID, checkout_id: UUID, auth_code: str, refused: dict[UUID, Refusal]
) -> Turn:
    """Write down the last refusal and open the next charge in one transaction: no till sees the sale as undone between.

    Raises:
        PlatformFailure: no account of the wallet is left; the last one's refusal.
    """
    async with runtime.unit(merchant_id, "charge.open") as unit:
        view = await get_payable(unit, checkout_id)
        last = next(reversed(refused.values()), None)
        if last is not None:
            code = str(last.problem.details.get("platform_code", last.problem.code))
            await refuse_attempt(unit, last.attempt.attempt_id, code)
        account = _taker(await wallet_accounts(runtime, unit), auth_code, refused)
        if account is not None:
            payment_id = view.payment_id or await order_at_desk(unit, view)
            earlier = tuple(one for one in await attempts_of(unit, payment_id) if one.state in UNSETTLED)
            attempt = None if earlier else await _attempt(unit, payment_id, account)
            is_shared = attempt is not None and await freeze(unit, account.connector, attempt)
            return Turn(account=account, attempt=attempt, earlier=earlier, title=view.goods.title, is_shared=is_shared)
        if last is None:
            raise CodeUnknown
    raise last.problem


async def _charge(
    runtime: Runtime, opened: OpenedAccount, turn: Turn, attempt: AttemptView, auth_code: str, client_ip: str
) -> TradeReport:
    assert opened.connector.codes is not None, "the taker has codes"
    command = ChargeCode(
        out_trade_no=attempt.out_trade_no,
        amount=attempt.amount,
        description=turn.title[:DESCRIPTION_CHARS_MAX],
        auth_code=auth_code,
        expires_at=attempt.expires_at,
        notify_url=runtime.callback_url(attempt.platform, attempt.connection_id),
        client_ip=client_ip or None,
        attach=attempt.payment_id.hex,
        shared=turn.is_shared,
    )
    return await opened.connector.codes.charge(opened.account, command)


async def wallet_of_code(runtime: Runtime, merchant_id: UUID, auth_code: str) -> str:
    """Whose payment code it is, by the wallets' published prefixes; nothing is charged.

    Raises:
        CodeUnknown: no connected wallet takes it.
    """
    async with runtime.unit(merchant_id, "charge.wallet") as unit:
        account = _taker(await wallet_accounts(runtime, unit), auth_code)
    if account is None:
        raise CodeUnknown
    return account.connector.name


def _taker(
    accounts: Sequence[WalletAccount], auth_code: str, tried: Container[UUID] = frozenset()
) -> WalletAccount | None:
    """The first account of the code's wallet that was not tried yet."""
    for account in accounts:
        codes = account.connector.codes
        if codes is not None and codes.takes(auth_code) and account.connection.connection_id not in tried:
            return account
    return None


async def _attempt(unit: Unit, payment_id: UUID, account: WalletAccount) -> AttemptView:
    if len(await attempts_of(unit, payment_id)) >= ATTEMPTS_PER_PAYMENT_MAX:
        raise CodesUsedUp
    attempt = await open_attempt(
        unit,
        payment_id,
        account.connection.connection_id,
        account.connection.platform,
        PayMethod.CODE.value,
        life=CODE_LIFE,
    )
    unit.schedule(FOLLOW_CHARGE, AttemptKey(attempt.attempt_id), delay=CODE_QUERY_GAP)
    schedule_close(unit, attempt)
    return attempt


async def follow_charge(runtime: Runtime, merchant_id: UUID, checkout_id: UUID) -> ChargeView:
    """Where a sale at the counter stands; the jobs ask the wallet meanwhile, so that this only reads.

    Of one moment: a checkout read before the money came and its attempts read after it would look like a charge undone.
    """
    async with runtime.unit(merchant_id, "charge.read", snapshot=True) as unit:
        view = await get_checkout(unit, checkout_id)
        attempts = [] if view.payment_id is None else await attempts_of(unit, view.payment_id)
    state = ChargeState.READY
    if view.state is CheckoutState.PAID:
        state = ChargeState.PAID
    elif view.state is CheckoutState.EXPIRED:
        state = ChargeState.OVER
    elif any(_runs(attempt) for attempt in attempts):
        state = ChargeState.WAITING
    return ChargeView(
        checkout_id=checkout_id,
        state=state,
        amount=view.goods.amount,
        order_id=view.order_id,
        payment_id=view.payment_id,
        platform=attempts[-1].platform if attempts else "",
        codes_count=sum(attempt.method == PayMethod.CODE.value for attempt in attempts),
    )


async def cancel_charge(runtime: Runtime, merchant_id: UUID, checkout_id: UUID) -> ChargeView:
    """The buyer changed his mind: undo what runs. When the money came meanwhile the answer says PAID."""
    async with runtime.unit(merchant_id, "charge.read") as unit:
        view = await get_checkout(unit, checkout_id)
        attempts = [] if view.payment_id is None else await attempts_of(unit, view.payment_id)
    for attempt in attempts:
        if _runs(attempt):
            await try_to_close(runtime, merchant_id, attempt)
    return await follow_charge(runtime, merchant_id, checkout_id)


async def leave_sale(runtime: Runtime, merchant_id: UUID, checkout_id: UUID) -> ChargeView:
    """The sale is given up: OVER says that nobody can pay it any more, at the QR neither; money that came first, PAID.

    Where a wallet does not say clearly that its order is over, the sale stays as it is and the payment's job closes it.
    """
    async with runtime.unit(merchant_id, "checkout.give_up") as unit:
        view = await give_up_checkout(unit, checkout_id)
    if view.payment_id is not None:
        try:
            await close_due_payment(runtime, merchant_id, msgspec.json.encode(PaymentKey(view.payment_id)))
        except Postpone:
            async with runtime.unit(merchant_id, "payment.close") as unit:
                await settle_again(unit, view.payment_id)
    return await follow_charge(runtime, merchant_id, checkout_id)


def _runs(attempt: AttemptView) -> bool:
    """A charge without an end. What a buyer began at the QR keeps nobody from scanning: it is closed first then."""
    return attempt.method == PayMethod.CODE.value and attempt.state in UNSETTLED


async def follow_due_charge(runtime: Runtime, merchant_id: UUID, payload: bytes) -> None:
    """Ask the wallet until the charge ended; undo it when its time is over. The payment's close takes over at last."""
    attempt_id = msgspec.json.decode(payload, type=AttemptKey).attempt_id
    async with runtime.unit(merchant_id, "attempt.read") as unit:
        attempt = await get_attempt(unit, attempt_id)
    is_late = attempt.expires_at <= runtime.clock.now()
    with contextlib.suppress(PlatformUnknown, PlatformFailure):
        if attempt.state is AttemptState.REVERSING or (attempt.state in UNPAID and is_late):
            await undo_charge(runtime, merchant_id, attempt)
        elif attempt.state in UNPAID:
            await ask_wallet(runtime, merchant_id, attempt)
    async with runtime.unit(merchant_id, "attempt.read") as unit:
        attempt = await get_attempt(unit, attempt_id)
    if attempt.state in UNENDED and runtime.clock.now() < attempt.payment_expires_at:
        raise Postpone(CODE_QUERY_GAP)
