"""Refunds: asked for here, sent with one number for ever, followed until the wallet says how they ended."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

import msgspec

from hutong.core.errors import PlatformFailure, PlatformUnknown
from hutong.core.money import Money
from hutong.db.jobs import Postpone
from hutong.db.unit import Unit
from hutong.merchants.actors import Actor, write_down
from hutong.merchants.tickets import Severity, TicketKind, open_ticket
from hutong.payments.refunds import (
    RefundKey,
    RefundView,
    count_try,
    finish_refund,
    get_refund,
    mark_refund,
    request_refund,
    stop_refund,
)
from hutong.payments.states import RefundEvent, RefundState
from hutong.platforms.contract import ErrorWord
from hutong.platforms.payments import RefundReport, RefundStatus, RequestRefund
from hutong.platforms.refusals import PlatformRefused
from hutong.shops.orders import get_order
from hutong.workflows.commands.mismatch import Claim, foreign_refund, tell_mismatch
from hutong.workflows.commands.take_back import take_back_first
from hutong.workflows.jobs import (
    QUERY_REFUND,
    REFUND_QUERY_GAPS,
    REFUND_SEND_GAPS,
    REFUND_WAITING_TRIES,
)
from hutong.workflows.runtime import OpenedAccount, Runtime

#: Refusals that say for good that this refund cannot be: nothing went back, and asking again would not help.
FINAL_WORDS: Final = frozenset({ErrorWord.INVALID_REQUEST})
UNSENT: Final = (RefundState.CREATED, RefundState.UNKNOWN)


async def refund_in(unit: Unit, order_id: UUID, amount_minor: int | None, reason: str, actor: Actor) -> UUID:
    """Ask for money of an order back; ``None`` means all that is left. The id of the refund.

    Raises:
        Forbidden, RefundNotPossible, RefundTooLarge, NotFound.
    """
    actor.require_refunds()
    order = await get_order(unit, order_id)
    left = order.paid_minor - order.refunded_minor
    amount = Money(left if amount_minor is None else amount_minor, order.currency)
    refund_id = await request_refund(unit, order_id, amount, reason, actor.name)
    await write_down(unit, actor, "refund.request", f"refund:{refund_id}")
    return refund_id


async def refund_order(
    runtime: Runtime, merchant_id: UUID, order_id: UUID, amount_minor: int | None, reason: str, actor: Actor
) -> UUID:
    """:func:`refund_in` in a transaction of its own."""
    async with runtime.unit(merchant_id, "refund.request") as unit:
        return await refund_in(unit, order_id, amount_minor, reason, actor)


async def apply_refund_report(unit: Unit, opened: OpenedAccount, refund: RefundView, report: RefundReport) -> bool:
    """Take the wallet's word for a refund.

    False: it is about another sum, or somebody else's. Then the wallet is not asked any more and nothing is sent
    again: the refund stands as sent, and a person decides.
    """
    field = foreign_refund(opened, refund, report)
    if field is not None:
        await tell_foreign_refund(unit, opened, None, report, field)
        await mark_refund(unit, refund.refund_id, RefundEvent.SEND)
        return False
    if report.status is RefundStatus.SUCCEEDED:
        await finish_refund(unit, refund, report.refund_id, report.refunded_at or unit.now())
    elif report.status is RefundStatus.PENDING:
        known = {} if report.refund_id is None else {"platform_refund_id": report.refund_id}
        if await mark_refund(unit, refund.refund_id, RefundEvent.SEND, tries_count=0, **known):
            unit.schedule(QUERY_REFUND, RefundKey(refund.refund_id), delay=REFUND_QUERY_GAPS[0])
    elif report.status in (RefundStatus.ABNORMAL, RefundStatus.CLOSED):
        event = RefundEvent.STALL if report.status is RefundStatus.ABNORMAL else RefundEvent.FAIL
        await _stop(unit, refund, event, report.raw_status)
    return True


async def tell_foreign_refund(
    unit: Unit, opened: OpenedAccount, notice_id: str | None, report: RefundReport, field: str
) -> None:
    """A ticket and a suspense entry for what a wallet says of a refund and does not fit."""
    claim = Claim(opened=opened, notice_id=notice_id, number=report.out_refund_no, field=field, amount=report.amount)
    await tell_mismatch(unit, claim)


async def _stop(unit: Unit, refund: RefundView, event: RefundEvent, problem: str) -> None:
    if await stop_refund(unit, refund, event, problem):
        kind = TicketKind.REFUND_ABNORMAL if event is RefundEvent.STALL else TicketKind.REFUND_FAILED
        await _tell(unit, refund, kind, problem)


async def _tell(unit: Unit, refund: RefundView, kind: TicketKind, problem: str) -> None:
    await open_ticket(
        unit,
        kind,
        Severity.URGENT,
        subject=("order", str(refund.order_id)),
        details={
            "platform": refund.platform,
            "amount_minor": refund.amount.amount_minor,
            "currency": refund.amount.currency,
            "problem": problem,
            "refund_id": str(refund.refund_id),
        },
        dedupe_key=refund.refund_id.hex,
    )


async def send_refund(runtime: Runtime, merchant_id: UUID, payload: bytes) -> None:
    """Send a refund; after no answer the wallet is asked by its number, and the same number is sent again.

    So it can never be paid twice. What the wallet does not take now (no balance, no permission) is sent again later.
    """
    refund_id = msgspec.json.decode(payload, type=RefundKey).refund_id
    async with runtime.unit(merchant_id, "refund.read") as unit:
        refund = await get_refund(unit, refund_id)
    if refund.state not in UNSENT:
        return
    await take_back_first(runtime, merchant_id, refund)
    opened = await runtime.open_account(merchant_id, refund.connection_id)
    try:
        report = await _sent(runtime, opened, refund)
    except PlatformUnknown as unclear:
        async with runtime.unit(merchant_id, "refund.unclear") as unit:
            await mark_refund(unit, refund_id, RefundEvent.UNCLEAR)
            gap = await _wait(unit, refund, unclear.code)
    except PlatformFailure as refusal:
        async with runtime.unit(merchant_id, "refund.refused") as unit:
            gap = await _refused(unit, refund, refusal)
    else:
        async with runtime.unit(merchant_id, "refund.report") as unit:
            await apply_refund_report(unit, opened, refund, report)
        return
    if gap is not None:
        raise Postpone(gap)


async def _sent(runtime: Runtime, opened: OpenedAccount, refund: RefundView) -> RefundReport:
    """The wallet's word for a refund: of its query, where it may have been taken already, else of the request."""
    payments = opened.connector.payments
    assert payments is not None, "a refund belongs to an attempt, which needs payments"
    if refund.state is RefundState.UNKNOWN:
        report = await payments.query_refund(opened.account, refund.out_refund_no, refund.out_trade_no)
        if report.status is not RefundStatus.NOT_FOUND:
            return report
    return await payments.refund(
        opened.account,
        RequestRefund(
            out_trade_no=refund.out_trade_no,
            out_refund_no=refund.out_refund_no,
            amount=refund.amount,
            paid_amount=refund.paid_amount,
            reason=refund.reason,
            notify_url=runtime.callback_url(refund.platform, refund.connection_id),
        ),
    )


async def _refused(unit: Unit, refund: RefundView, refusal: PlatformFailure) -> timedelta | None:
    """The wallet did not take a refund: over for good, or when to send it again."""
    problem = str(refusal.details.get("platform_code", refusal.code))
    if isinstance(refusal, PlatformRefused) and refusal.word in FINAL_WORDS:
        await _stop(unit, refund, RefundEvent.FAIL, problem)
        return None
    if isinstance(refusal, PlatformRefused) and refusal.word is ErrorWord.ALREADY_DONE:
        await mark_refund(unit, refund.refund_id, RefundEvent.UNCLEAR)  # next time it is asked for, not sent
    return await _wait(unit, refund, problem)


async def _wait(unit: Unit, refund: RefundView, problem: str) -> timedelta | None:
    """When to send a refund again. A person is told early; after the last time it stays as it is, in sight."""
    tries = await count_try(unit, refund.refund_id, problem)
    if tries == REFUND_WAITING_TRIES:
        await _tell(unit, refund, TicketKind.REFUND_WAITING, problem)
    if tries <= len(REFUND_SEND_GAPS):
        return REFUND_SEND_GAPS[tries - 1]
    await _tell(unit, refund, TicketKind.REFUND_ABNORMAL, problem)
    return None


async def query_refund(runtime: Runtime, merchant_id: UUID, payload: bytes) -> None:
    """Ask what became of a refund until it ended."""
    refund_id = msgspec.json.decode(payload, type=RefundKey).refund_id
    async with runtime.unit(merchant_id, "refund.read") as unit:
        refund = await get_refund(unit, refund_id)
    if refund.state is not RefundState.SENT:
        return
    opened = await runtime.open_account(merchant_id, refund.connection_id)
    assert opened.connector.payments is not None, "a refund belongs to an attempt, which needs payments"
    payments, account = opened.connector.payments, opened.account
    try:
        report = await payments.query_refund(account, refund.out_refund_no, refund.out_trade_no)
    except (PlatformUnknown, PlatformFailure):
        report = None
    async with runtime.unit(merchant_id, "refund.report") as unit:
        if report is not None:
            if not await apply_refund_report(unit, opened, refund, report):
                return
            refund = await get_refund(unit, refund_id)
        if refund.state is not RefundState.SENT:
            return
        tries = await count_try(unit, refund_id)
        if tries > len(REFUND_QUERY_GAPS):  # nobody asks any more: a person does
            await _tell(unit, refund, TicketKind.REFUND_ABNORMAL, RefundState.SENT.value)
            return
    raise Postpone(REFUND_QUERY_GAPS[tries - 1])
