"""Commissions that are due leave through the wallet: receivers first, then the requests, at last the unfreezing.

One job for an order, run again until it is over. Numbers are written down before they are sent and stay the same; what
the wallet did not answer is asked for before it is sent again. What it may not carry stands outside, with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row

from hutong.core.errors import PlatformFailure
from hutong.core.money import BPS_WHOLE, Money
from hutong.db.jobs import Postpone
from hutong.db.unit import Unit
from hutong.ledger.commission_states import CommissionState, ShareEvent, ShareState, SharingEvent, SharingState
from hutong.ledger.commissions import OrderKey, commission_rows, due_at_of
from hutong.ledger.payouts import OutsideReason, Paid, net_order_debts, record_shared, stand_outside
from hutong.ledger.receivers import KnownReceiver, is_added, mark_added, open_receiver, receivers_of
from hutong.ledger.sharing import (
    LineView,
    PlannedLine,
    RequestView,
    SharingView,
    add_request,
    end_request,
    end_sharing,
    mark_sent,
    requests_of,
    sharing_of,
    tell_line,
)
from hutong.payments.service import captured_attempt
from hutong.platforms.sharing import (
    ReceiverKind,
    ShareLine,
    ShareLineReport,
    ShareOut,
    ShareReport,
    ShareStatus,
)
from hutong.workflows.commands.frozen import LOOK_GAP, Frozen, end_freeze, final_code, last_word, wait_for_the_wallet
from hutong.workflows.runtime import Runtime

DESCRIPTION: Final = "推广分成"


async def share_out(runtime: Runtime, merchant_id: UUID, payload: bytes) -> None:
    """Bring an order's commissions as far as they can go now."""
    order_id = msgspec.json.decode(payload, type=OrderKey).order_id
    async with runtime.unit(merchant_id, "share.read") as unit:
        attempt = await captured_attempt(unit, order_id)
        if attempt is None:
            return
        due_at = await due_at_of(unit, order_id)
        if due_at is not None:
            raise Postpone(max(due_at - unit.now(), LOOK_GAP))
        sharing = await sharing_of(unit, attempt.attempt_id)
        if sharing is None or sharing.state is not SharingState.OPENED:
            await _stand_outside(unit, order_id, _why_not(sharing))
            return
    opened = await runtime.open_account(merchant_id, attempt.connection_id)
    frozen = Frozen(sharing=sharing, attempt=attempt, opened=opened)
    await wait_for_the_wallet(runtime, frozen)
    await _plan(runtime, merchant_id, frozen)
    async with runtime.unit(merchant_id, "share.requests") as unit:
        requests = [request for request in await requests_of(unit, order_id) if request.state is ShareState.WAITING]
    for request in requests:
        await _carry(runtime, merchant_id, frozen, request)
    await _finish(runtime, merchant_id, frozen)


def _why_not(sharing: SharingView | None) -> OutsideReason:
    if sharing is None:
        return OutsideReason.NOT_FROZEN
    return OutsideReason.WINDOW_OVER if sharing.state is SharingState.LAPSED else OutsideReason.FINISHED


def _is_over(runtime: Runtime, frozen: Frozen) -> bool:
    """Whether the freeze ended by itself."""
    assert frozen.attempt.paid_at is not None, "a captured attempt was paid"
    return runtime.clock.now() >= frozen.attempt.paid_at + timedelta(days=frozen.wallet.limits.window_days)


async def _plan(runtime: Runtime, merchant_id: UUID, frozen: Frozen) -> None:
    """Write the requests down, once for an order; before that every receiver is made known to the wallet."""
    order_id = frozen.sharing.order_id
    async with runtime.unit(merchant_id, "share.receivers") as unit:
        if await requests_of(unit, order_id):
            return
        if _is_over(runtime, frozen):
            await end_sharing(unit, frozen.sharing.attempt_id, SharingEvent.LAPSE)
            await _stand_outside(unit, order_id, OutsideReason.WINDOW_OVER)
            return
        parties = {row.party_id for row in await _waiting(unit, order_id)}
        known = await receivers_of(unit, runtime.vault, parties, frozen.sharing.platform)
        fresh = [one for one in known.values() if not await is_added(unit, frozen.sharing.connection_id, one)]
    for receiver in fresh:
        if not await _add(runtime, merchant_id, frozen, receiver):
            del known[receiver.party_id]
    async with runtime.unit(merchant_id, "share.plan") as unit:
        locked = await sharing_of(unit, frozen.sharing.attempt_id, lock=True)
        if locked is None or locked.state is not SharingState.OPENED or await requests_of(unit, order_id):
            return
        for lines in await _fit(unit, frozen, known):
            await add_request(unit, frozen.sharing, lines)


async def _add(runtime: Runtime, merchant_id: UUID, frozen: Frozen, known: KnownReceiver) -> bool:
    """Make a receiver known; a wallet that refuses leaves the party's money outside, with its own code."""
    receivers = frozen.opened.connector.share_receivers
    refused: str | None = None
    if receivers is not None:
        try:
            await receivers.add(frozen.opened.account, known.receiver)
        except PlatformFailure as refusal:
            refused = final_code(refusal)
    async with runtime.unit(merchant_id, "share.receiver") as unit:
        if refused is None:
            await mark_added(unit, frozen.sharing.connection_id, known)
        else:
            await _stand_outside(unit, frozen.sharing.order_id, refused, known.party_id)
    return refused is None


async def _fit(unit: Unit, frozen: Frozen, known: dict[UUID, KnownReceiver]) -> list[list[PlannedLine]]:
    """What of the due commissions goes into which request, within the wallet's limits; the rest stands outside."""
    order_id = frozen.sharing.order_id
    for party_id in sorted({row.party_id for row in await _waiting(unit, order_id)}):
        if party_id not in known:
            await _stand_outside(unit, order_id, OutsideReason.NO_RECEIVER, party_id)
        else:
            await net_order_debts(unit, party_id, frozen.attempt.amount.currency, order_id)
    limits = frozen.wallet.limits
    ratio_bps = int(frozen.opened.connection.settings.get("share_ratio_bps", limits.ratio_bps_max))
    left_minor = frozen.attempt.amount.amount_minor * ratio_bps // BPS_WHOLE
    lines: list[PlannedLine] = []
    owed: dict[UUID, int] = {}
    for row in await _waiting(unit, order_id):
        owed[row.party_id] = owed.get(row.party_id, 0) + _owed_minor(row)
    for party_id, owed_minor in owed.items():
        part_minor = min(left_minor, owed_minor)
        left_minor -= part_minor
        if part_minor:
            lines.append(_line_of(known[party_id], Money(part_minor, frozen.attempt.amount.currency), frozen))
    requests = _grouped(lines, known, limits.receivers_per_request_max)
    return requests[: limits.requests_per_order_max - 1]  # one number is the unfreezing's


def _line_of(known: KnownReceiver, amount: Money, frozen: Frozen) -> PlannedLine:
    is_merchant = known.receiver.kind is ReceiverKind.MERCHANT
    return PlannedLine(
        party_id=known.party_id,
        amount=amount,
        receiver=known.sealed,
        takes_back=is_merchant or frozen.wallet.limits.takes_back_from_persons,
    )


def _grouped(
    lines: Sequence[PlannedLine], known: dict[UUID, KnownReceiver], receivers_max: int
) -> list[list[PlannedLine]]:
    """Lines in as few requests as the wallet's limit allows; parties that share an account go into different ones."""
    requests: list[list[PlannedLine]] = []
    accounts: list[set[str]] = []
    for line in lines:
        account_ref = known[line.party_id].receiver.account_ref
        for request, taken in zip(requests, accounts, strict=True):
            if len(request) < receivers_max and account_ref not in taken:
                request.append(line)
                taken.add(account_ref)
                break
        else:
            requests.append([line])
            accounts.append({account_ref})
    return requests


async def _carry(runtime: Runtime, merchant_id: UUID, frozen: Frozen, request: RequestView) -> None:
    """Send one request, or ask what became of it; the job comes back until every line is decided."""
    async with runtime.unit(merchant_id, "share.send") as unit:
        receivers = {line.party_id: await open_receiver(unit, runtime.vault, line.receiver) for line in request.lines}
        await mark_sent(unit, request.out_share_no)
    command = ShareOut(
        out_trade_no=frozen.sharing.out_trade_no,
        transaction_id=frozen.attempt.transaction_id or "",
        out_share_no=request.out_share_no,
        lines=tuple(
            ShareLine(receiver=receivers[line.party_id], amount=line.amount, description=DESCRIPTION)
            for line in request.lines
        ),
        finish=False,
    )
    try:
        report = await _ask(frozen, command, is_sent=request.is_sent)
    except PlatformFailure as refusal:
        reason = last_word(runtime, frozen, refusal)
        async with runtime.unit(merchant_id, "share.refused") as unit:
            await _refuse(unit, frozen, request, reason)
        return
    told = {line.account_ref: line for line in report.lines}
    async with runtime.unit(merchant_id, "share.report") as unit:
        undecided = 0
        for line in request.lines:
            undecided += await _apply(unit, frozen, line, told.get(receivers[line.party_id].account_ref))
        if not undecided:
            await end_request(unit, request.out_share_no, ShareEvent.SUCCEED)
    if undecided:
        raise Postpone(LOOK_GAP)


async def _ask(frozen: Frozen, command: ShareOut, *, is_sent: bool) -> ShareReport:
    """A request that may have reached the wallet is asked for first; one that it does not know is sent again."""
    if is_sent:
        report = await frozen.wallet.query(frozen.opened.account, command)
        if report.status is not ShareStatus.NOT_FOUND:
            return report
    return await frozen.wallet.share(frozen.opened.account, command)


async def _apply(unit: Unit, frozen: Frozen, line: LineView, told: ShareLineReport | None) -> bool:
    """Take the wallet's word for one party's line; whether it is still undecided."""
    if line.state is not ShareState.WAITING:
        return False
    if told is None or told.status not in (ShareStatus.SUCCEEDED, ShareStatus.FAILED):
        return True
    if told.status is ShareStatus.FAILED:
        reason = told.reason or told.status.value
        await tell_line(unit, line, ShareEvent.FAIL, reason)
        await _stand_outside(unit, frozen.sharing.order_id, reason, line.party_id)
    elif await tell_line(unit, line, ShareEvent.SUCCEED):
        await record_shared(
            unit,
            Paid(
                number=line.out_share_no,
                party_id=line.party_id,
                order_id=frozen.sharing.order_id,
                connection_id=frozen.sharing.connection_id,
                platform=frozen.sharing.platform,
                amount=line.amount,
            ),
        )
    return False


async def _refuse(unit: Unit, frozen: Frozen, request: RequestView, reason: str) -> None:
    """The wallet took nothing of a request: what is due stands outside, with its code."""
    await end_request(unit, request.out_share_no, ShareEvent.FAIL)
    for line in request.lines:
        await tell_line(unit, line, ShareEvent.FAIL, reason)
        await _stand_outside(unit, frozen.sharing.order_id, reason, line.party_id)


async def _finish(runtime: Runtime, merchant_id: UUID, frozen: Frozen) -> None:
    """What was not shared is the merchant's; nothing is shared afterwards, so what is still due stands outside."""
    async with runtime.unit(merchant_id, "share.finishing") as unit:
        sharing = await sharing_of(unit, frozen.sharing.attempt_id)
    if sharing is None or sharing.state is not SharingState.OPENED:
        return
    event = await end_freeze(runtime, frozen)
    async with runtime.unit(merchant_id, "share.finished") as unit:
        await end_sharing(unit, sharing.attempt_id, event)
        await _stand_outside(unit, sharing.order_id, OutsideReason.RATIO)


async def _waiting(unit: Unit, order_id: UUID) -> list[Row[Any]]:
    """Commissions of an order that are due, owed, and not outside."""
    return [
        row
        for row in await commission_rows(unit, order_id)
        if row.state == CommissionState.CONFIRMED.value and row.outside_reason is None and _owed_minor(row) > 0
    ]


def _owed_minor(row: Row[Any]) -> int:
    return int(row.amount_minor - row.reversed_minor - row.settled_minor)


async def _stand_outside(unit: Unit, order_id: UUID, reason: str, party_id: UUID | None = None) -> None:
    """What is still due of an order, or of one party of it, is not carried by the wallet."""
    rows = [row for row in await _waiting(unit, order_id) if party_id in (None, row.party_id)]
    await stand_outside(unit, [row.commission_id for row in rows], reason)
