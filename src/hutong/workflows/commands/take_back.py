"""Before a refund is sent, the wallet takes the refund's part of each share back from whom it was shared with.

A refund never waits long for it: what cannot be taken back, or not in time, becomes a debt of the party.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

import msgspec

from hutong.core.errors import PlatformFailure, PlatformUnknown
from hutong.core.money import Money, round_half_up
from hutong.db.jobs import Postpone
from hutong.db.unit import Unit
from hutong.ledger.commission_states import ShareEvent, ShareState
from hutong.ledger.commissions import commission_rows
from hutong.ledger.payouts import Paid, record_taken_back
from hutong.ledger.receivers import open_receiver
from hutong.ledger.sharing import (
    LineView,
    TakeBackView,
    add_take_back,
    line_of,
    requests_of,
    take_backs_of,
    tell_take_back,
)
from hutong.payments.refunds import REQUESTED, RefundKey, RefundView, asked_until, get_refund
from hutong.platforms.contract import ErrorWord
from hutong.platforms.refusals import PlatformRefused
from hutong.platforms.sharing import ShareStatus, TakeBack, TakeBackReport
from hutong.workflows.jobs import TAKE_BACK
from hutong.workflows.runtime import Runtime

#: How long a refund waits for shares to come back, and how often they are asked for meanwhile.
WAIT_MAX: Final = timedelta(minutes=2)
LOOK_GAP: Final = timedelta(seconds=10)
#: After that they are followed on their own.
FOLLOW_GAP: Final = timedelta(minutes=10)
PASSING_WORDS: Final = frozenset({ErrorWord.THROTTLED, ErrorWord.UNAVAILABLE, ErrorWord.UNKNOWN})


async def take_back_first(runtime: Runtime, merchant_id: UUID, refund: RefundView) -> None:
    """Take back what a refund claws back; returns when the refund may be sent, postpones it a little otherwise."""
    if refund.cause != REQUESTED:
        return
    async with runtime.unit(merchant_id, "take_back.plan") as unit:
        await _plan(unit, refund)
        wanted = await _open(unit, refund.refund_id)
    if not wanted:
        return
    if await _ask_all(runtime, merchant_id, refund, wanted):
        return
    async with runtime.unit(merchant_id, "take_back.wait") as unit:
        if unit.now() < wanted[0].created_at + WAIT_MAX:
            raise Postpone(LOOK_GAP)
        unit.schedule(TAKE_BACK, RefundKey(refund.refund_id), delay=FOLLOW_GAP, dedupe_key=refund.refund_id.hex)


async def follow_take_backs(runtime: Runtime, merchant_id: UUID, payload: bytes) -> None:
    """Ask again for shares that were not back when their refund was sent."""
    refund_id = msgspec.json.decode(payload, type=RefundKey).refund_id
    async with runtime.unit(merchant_id, "take_back.read") as unit:
        refund = await get_refund(unit, refund_id)
        wanted = await _open(unit, refund_id)
    if not await _ask_all(runtime, merchant_id, refund, wanted):
        raise Postpone(FOLLOW_GAP)


async def _open(unit: Unit, refund_id: UUID) -> list[TakeBackView]:
    return [one for one in await take_backs_of(unit, refund_id=refund_id) if one.state is ShareState.WAITING]


async def _plan(unit: Unit, refund: RefundView) -> None:
    """Write down what comes back of each line: what the party holds beyond its part of what will be left."""
    lines = [
        line
        for request in await requests_of(unit, refund.order_id)
        for line in request.lines
        if line.state is ShareState.SUCCEEDED and line.takes_back
    ]
    if not lines or await take_backs_of(unit, refund_id=refund.refund_id):
        return
    asked_minor = await asked_until(unit, refund)
    excess = await _excess(unit, refund, asked_minor)
    back: dict[tuple[str, UUID], int] = {}
    for one in await take_backs_of(unit, order_id=refund.order_id):
        if one.state is not ShareState.FAILED:
            key = (one.out_share_no, one.party_id)
            back[key] = back.get(key, 0) + one.amount.amount_minor
            if one.state is ShareState.WAITING:
                excess[one.party_id] = excess.get(one.party_id, 0) - one.amount.amount_minor
    for line in lines:
        left_minor = line.amount.amount_minor - back.get((line.out_share_no, line.party_id), 0)
        part_minor = min(left_minor, excess.get(line.party_id, 0))
        if part_minor > 0:
            excess[line.party_id] -= part_minor
            amount = Money(part_minor, line.amount.currency)
            await add_take_back(unit, line, refund.refund_id, refund.order_id, amount)


async def _excess(unit: Unit, refund: RefundView, asked_minor: int) -> dict[UUID, int]:
    """By party: what is settled of the order beyond what it may keep once all refunds so far are through."""
    found: dict[UUID, int] = {}
    for row in await commission_rows(unit, refund.order_id):
        clawed_minor = round_half_up(row.amount_minor * asked_minor, refund.paid_amount.amount_minor)
        beyond_minor = row.settled_minor - (row.amount_minor - clawed_minor)
        found[row.party_id] = found.get(row.party_id, 0) + beyond_minor
    return found


async def _ask_all(runtime: Runtime, merchant_id: UUID, refund: RefundView, wanted: list[TakeBackView]) -> bool:
    """Ask for each return, by its own number for ever; whether the wallet has decided on all."""
    decided = True
    for one in wanted:
        async with runtime.unit(merchant_id, "take_back.line") as unit:
            line = await line_of(unit, one.out_share_no, one.party_id)
        report = await _ask(runtime, merchant_id, refund, one, line)
        decided = await _apply(runtime, merchant_id, refund, one, report) and decided
    return decided


async def _ask(
    runtime: Runtime, merchant_id: UUID, refund: RefundView, one: TakeBackView, line: LineView
) -> TakeBackReport:
    """The wallet's word; silence and passing refusals are pending."""
    opened = await runtime.open_account(merchant_id, refund.connection_id)
    assert opened.connector.sharing is not None, "what was shared can be asked back"
    async with runtime.unit(merchant_id, "take_back.receiver") as unit:
        receiver = await open_receiver(unit, runtime.vault, line.receiver)
    command = TakeBack(
        out_trade_no=refund.out_trade_no,
        out_share_no=one.out_share_no,
        out_return_no=one.out_return_no,
        receiver=receiver,
        amount=one.amount,
        reason=refund.reason,
    )
    status, reason = ShareStatus.PENDING, ""
    try:
        return await opened.connector.sharing.take_back(opened.account, command)
    except PlatformUnknown as unclear:
        reason = unclear.code
    except PlatformFailure as refusal:
        passes = isinstance(refusal, PlatformRefused) and refusal.word in PASSING_WORDS
        status = ShareStatus.PENDING if passes else ShareStatus.FAILED
        reason = str(refusal.details.get("platform_code", refusal.code))
    return TakeBackReport(out_return_no=one.out_return_no, status=status, raw_status=reason, reason=reason)


async def _apply(
    runtime: Runtime, merchant_id: UUID, refund: RefundView, one: TakeBackView, report: TakeBackReport
) -> bool:
    """Take the wallet's word for a return; whether it is decided."""
    async with runtime.unit(merchant_id, "take_back.report") as unit:
        if report.status is ShareStatus.FAILED:
            await tell_take_back(unit, one.out_return_no, ShareEvent.FAIL, report.reason or report.raw_status)
            return True
        if report.status is not ShareStatus.SUCCEEDED:
            return False
        if await tell_take_back(unit, one.out_return_no, ShareEvent.SUCCEED):
            await record_taken_back(
                unit,
                Paid(
                    number=one.out_return_no,
                    party_id=one.party_id,
                    order_id=one.order_id,
                    connection_id=refund.connection_id,
                    platform=refund.platform,
                    amount=one.amount,
                ),
            )
    return True
