"""What a wallet says of an order, applied; asking the wallet; closing at the wallet before closing here."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import msgspec

from hutong.db.jobs import Postpone
from hutong.db.unit import Unit
from hutong.payments.service import (
    AttemptView,
    attempts_of,
    capture,
    close_payment,
    count_query,
    get_attempt,
    mark_attempt,
    payment_state,
)
from hutong.payments.states import AttemptEvent, AttemptState, PaymentState
from hutong.platforms.payments import PayMethod, TradeReport, TradeStatus
from hutong.workflows.jobs import CODE_QUERY_GAP, QUERY_GAPS, AttemptKey, PaymentKey
from hutong.workflows.runtime import Runtime

#: States in which the wallet may still take money.
LIVE: Final = (AttemptState.CREATED, AttemptState.OPEN, AttemptState.UNKNOWN)
#: States that have to come to an end at the wallet before the payment can be closed.
UNSETTLED: Final = (*LIVE, AttemptState.REVERSING)
_UNHEARD: Final = (AttemptState.CREATED, AttemptState.UNKNOWN)
_PAID: Final = (TradeStatus.PAID, TradeStatus.REFUNDED)


async def apply_trade_report(unit: Unit, attempt: AttemptView, report: TradeReport) -> None:
    """Take the wallet's word for an attempt. Unknown words and late news change nothing.

    ``attempt`` is as it was before the wallet was asked. While a charge is being undone, nobody can tell whether
    PAID was said before or after; so it counts only when it was asked for after the end of the reversal.
    """
    if report.status in _PAID:
        event = AttemptEvent.STAYED if attempt.state is AttemptState.REVERSED else AttemptEvent.PAID
        await capture(unit, attempt, report.transaction_id or "", report.paid_at or unit.now(), event)
    elif report.status is TradeStatus.CLOSED:
        await mark_attempt(unit, attempt.attempt_id, AttemptEvent.CLOSE)
    elif report.status is TradeStatus.PENDING and attempt.state in _UNHEARD:
        await mark_attempt(unit, attempt.attempt_id, AttemptEvent.OPENED)


async def query_attempt(runtime: Runtime, merchant_id: UUID, payload: bytes) -> None:
    """Ask the wallet what became of an attempt, again and again until it ended or its close is due."""
    key = msgspec.json.decode(payload, type=AttemptKey)
    async with runtime.unit(merchant_id, "attempt.read") as unit:
        attempt = await get_attempt(unit, key.attempt_id)
    if attempt.state is AttemptState.REVERSING:
        raise Postpone(CODE_QUERY_GAP)
    if attempt.state is AttemptState.REVERSED:  # a notice says paid: is it older than the reversal, or was that undone?
        await ask_wallet(runtime, merchant_id, attempt)
        return
    if attempt.state not in LIVE or attempt.expires_at <= runtime.clock.now():
        return
    await ask_wallet(runtime, merchant_id, attempt)
    async with runtime.unit(merchant_id, "attempt.queried") as unit:
        await count_query(unit, attempt.attempt_id)
        attempt = await get_attempt(unit, key.attempt_id)
    if attempt.state in LIVE and attempt.queries_count <= len(QUERY_GAPS):
        raise Postpone(QUERY_GAPS[attempt.queries_count - 1])


async def ask_wallet(runtime: Runtime, merchant_id: UUID, attempt: AttemptView) -> None:
    """Query one attempt at its wallet and apply the answer."""
    opened = await runtime.open_account(merchant_id, attempt.connection_id)
    assert opened.connector.payments is not None, "an attempt is only opened where payments exist"
    report = await opened.connector.payments.query(opened.account, attempt.out_trade_no)
    async with runtime.unit(merchant_id, "attempt.report") as unit:
        await apply_trade_report(unit, attempt, report)


async def close_due_payment(runtime: Runtime, merchant_id: UUID, payload: bytes) -> None:
    """The time to pay is over: close every live attempt at its wallet, then the payment here.

    Money that arrives in between is a capture like any other, or a surplus that goes back.
    """
    payment_id = msgspec.json.decode(payload, type=PaymentKey).payment_id
    async with runtime.unit(merchant_id, "payment.read") as unit:
        if await payment_state(unit, payment_id) is not PaymentState.OPEN:
            return
        attempts = await attempts_of(unit, payment_id)
    for attempt in attempts:
        if attempt.state in UNSETTLED:
            await close_at_wallet(runtime, merchant_id, attempt)
    async with runtime.unit(merchant_id, "payment.close") as unit:
        attempts = await attempts_of(unit, payment_id)
        if any(attempt.state in UNSETTLED for attempt in attempts):
            raise Postpone(QUERY_GAPS[0])
        await close_payment(unit, payment_id, attempts[0].order_id)


async def close_at_wallet(runtime: Runtime, merchant_id: UUID, attempt: AttemptView) -> None:
    """End an attempt at its wallet; money that came first counts."""
    if attempt.method == PayMethod.CODE.value:
        await undo_charge(runtime, merchant_id, attempt)
        return
    opened = await runtime.open_account(merchant_id, attempt.connection_id)
    assert opened.connector.payments is not None, "an attempt is only opened where payments exist"
    report = await opened.connector.payments.close(opened.account, attempt.out_trade_no)
    async with runtime.unit(merchant_id, "attempt.closed") as unit:
        await apply_trade_report(unit, attempt, report)
        if report.status is TradeStatus.NOT_FOUND:
            await mark_attempt(unit, attempt.attempt_id, AttemptEvent.CLOSE)


async def undo_charge(runtime: Runtime, merchant_id: UUID, attempt: AttemptView) -> None:
    """Reverse the charge of a payment code, unless its money is captured.

    First the attempt says that it is being undone, so that a notice of the payment, which may be older than the
    reversal, is not taken for money that stays.
    """
    if attempt.state in LIVE:
        async with runtime.unit(merchant_id, "charge.reverse") as unit:
            if not await mark_attempt(unit, attempt.attempt_id, AttemptEvent.REVERSE):
                return
    opened = await runtime.open_account(merchant_id, attempt.connection_id)
    assert opened.connector.codes is not None, "a charge is only made where codes are taken"
    report = await opened.connector.codes.reverse(opened.account, attempt.out_trade_no)
    async with runtime.unit(merchant_id, "charge.reversed") as unit:
        if report.status in _PAID:
            paid_at = report.paid_at or unit.now()
            await capture(unit, attempt, report.transaction_id or "", paid_at, AttemptEvent.STAYED)
        elif report.status in (TradeStatus.CLOSED, TradeStatus.NOT_FOUND):
            await mark_attempt(unit, attempt.attempt_id, AttemptEvent.REVERSED)
        else:
            raise Postpone(CODE_QUERY_GAP)
