"""Another wallet, or another account, is to take a payment: what was opened before is ended at its wallet first."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from hutong.core.errors import ErrorText, HutongError, PlatformFailure, PlatformUnknown
from hutong.payments.service import AttemptView, get_attempt, mark_unclear
from hutong.payments.states import UNSETTLED, AttemptState
from hutong.platforms.contract import ErrorWord
from hutong.platforms.refusals import PlatformRefused
from hutong.workflows.commands.settle import ask_wallet, try_to_close
from hutong.workflows.jobs import QUERY_ATTEMPT, QUERY_FIRST, AttemptKey
from hutong.workflows.runtime import Runtime

#: How long a buyer waits for his first wallet's word, and the pauses between asking it.
SWITCH_WAIT_S: Final = 8.0
SWITCH_PAUSES_S: Final = (0.0, 0.5, 1.0, 2.0)


class AlreadyPaid(HutongError):
    """The buyer wants another wallet, and the first one has taken the money."""

    code = "already_paid"
    status = 409
    zh = ErrorText("这笔订单已经付过了。", "之前打开的钱包已付款成功。", "不用再付；刷新页面即可看到结果。")
    en = ErrorText(
        "This order is paid already.",
        "The wallet that was opened before has taken the money.",
        "Do not pay again: reload the page to see it.",
    )


class SwitchedTooOften(HutongError):
    """A payment has had as many attempts as it may; the last one stays as it is."""

    code = "switched_too_often"
    status = 409
    zh = ErrorText(
        "换付款方式的次数太多了。", "这笔订单已经用完了可以换的次数。", "请用上一次打开的付款方式付款，或者重新下单。"
    )
    en = ErrorText(
        "The way to pay was changed too often.",
        "This order has used up its changes.",
        "Pay by the way that was opened last, or order again.",
    )


class EarlierPaymentUnclear(HutongError):
    """Another wallet may not take the payment yet: the first one has not said what became of it."""

    code = "earlier_payment_unclear"
    status = 409
    zh = ErrorText(
        "上一次付款还没有结果，暂时不能换一种方式。",
        "之前打开的钱包没有明确答复，可能已经付款。",
        "系统正在查询，请稍等几秒再试；没有重复扣款的风险。",
    )
    en = ErrorText(
        "The last payment has no result yet, so another wallet cannot take over now.",
        "The wallet that was opened before gave no clear answer; it may have taken the money.",
        "It is being asked: try again in a few seconds. Nothing is charged twice.",
    )


async def end_earlier(runtime: Runtime, merchant_id: UUID, attempts: Sequence[AttemptView]) -> None:
    """End these attempts at their wallets, within :data:`SWITCH_WAIT_S`.

    Raises:
        AlreadyPaid: one of them turned out to be paid.
        EarlierPaymentUnclear: a wallet did not say clearly that it is over.
    """
    try:
        async with asyncio.timeout(SWITCH_WAIT_S):
            for attempt in attempts:
                await _end(runtime, merchant_id, attempt)
    except TimeoutError as error:
        raise EarlierPaymentUnclear from error


def ended_before(problem: Exception) -> bool:
    """Whether a wallet refuses because its order has ended already: it does not say how."""
    return isinstance(problem, PlatformRefused) and problem.word is ErrorWord.ALREADY_DONE


async def ask_how_it_ended(runtime: Runtime, merchant_id: UUID, attempt: AttemptView) -> None:
    """A wallet did not open an attempt because its order has ended: it is asked how, and the answer applied.

    Returns where it ended unpaid: another one can be opened. What stays unclear goes on being asked about.

    Raises:
        AlreadyPaid: it was paid.
        EarlierPaymentUnclear: the wallet did not say clearly how it ended.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SWITCH_WAIT_S):
            for pause_s in SWITCH_PAUSES_S:
                await asyncio.sleep(pause_s)
                with contextlib.suppress(PlatformUnknown, PlatformFailure):
                    await ask_wallet(runtime, merchant_id, attempt)
                async with runtime.unit(merchant_id, "attempt.read") as unit:
                    state = (await get_attempt(unit, attempt.attempt_id)).state
                if state is AttemptState.PAID:
                    raise AlreadyPaid
                if state not in UNSETTLED:
                    return
                if state is AttemptState.MISMATCHED:
                    break
    async with runtime.unit(merchant_id, "attempt.unclear") as unit:
        await mark_unclear(unit, attempt)
        unit.schedule(QUERY_ATTEMPT, AttemptKey(attempt.attempt_id), delay=QUERY_FIRST, dedupe_key=_key(attempt))
    raise EarlierPaymentUnclear


def _key(attempt: AttemptView) -> str:
    return f"ended:{attempt.attempt_id.hex}"


async def _end(runtime: Runtime, merchant_id: UUID, attempt: AttemptView) -> None:
    if attempt.state is AttemptState.MISMATCHED:  # money may have come: a person looks at it
        raise EarlierPaymentUnclear
    for pause_s in SWITCH_PAUSES_S:
        await asyncio.sleep(pause_s)
        state = await try_to_close(runtime, merchant_id, attempt)
        if state is AttemptState.PAID:
            raise AlreadyPaid
        if state not in UNSETTLED:
            return
    raise EarlierPaymentUnclear
