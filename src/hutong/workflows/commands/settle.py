"""What a wallet says of an order, applied; asking the wallet; closing at the wallet before closing here."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

import msgspec

from hutong.core.errors import PlatformFailure, PlatformUnknown
from hutong.db.jobs import Postpone
from hutong.db.unit import Unit
from hutong.merchants.actors import Actor, write_down
from hutong.merchants.tickets import Severity, TicketKind, open_ticket
from hutong.payments.combined import settle_combined, settle_combined_of
from hutong.payments.combined_attempts import attempts_of_try, count_try_query
from hutong.payments.service import (
    AttemptView,
    Capture,
    attempts_of,
    capture,
    capture_many,
    close_payment,
    count_close,
    count_query,
    get_attempt,
    mark_attempt,
    payment_state,
    take_look,
)
from hutong.payments.states import ASKABLE, UNENDED, UNPAID, UNSETTLED, AttemptEvent, AttemptState
from hutong.platforms.contract import ErrorWord
from hutong.platforms.payments import PayMethod, TradeReport, TradeStatus
from hutong.platforms.refusals import PlatformRefused
from hutong.workflows.commands.combined_wallet import CombinedTold, close_combined, query_combined_order
from hutong.workflows.commands.mismatch import PAID, Claim, at_receiver, foreign_trade, tell_mismatch
from hutong.workflows.jobs import (
    CHECK_AFTER_EXPIRY,
    CHECK_CLOSED,
    CHECK_GAP,
    CHECK_GIVE_UP,
    CLOSE_GAPS,
    CLOSE_PAYMENT,
    CODE_QUERY_GAP,
    LOOK_AT_ATTEMPT,
    QUERY_ATTEMPT,
    UNCLEAR_CLOSES,
    AttemptKey,
    ClosedKey,
    PaymentKey,
    TryKey,
    closed_gap,
    query_gap,
)
from hutong.workflows.runtime import OpenedAccount, Runtime

_UNHEARD: Final = (AttemptState.CREATED, AttemptState.UNKNOWN)


async def apply_trade_report(unit: Unit, opened: OpenedAccount, attempt: AttemptView, report: TradeReport) -> None:
    """Take the wallet's word for an attempt. Unknown words and late news change nothing, foreign ones pay nothing.

    ``attempt`` is as it was before the wallet was asked. While a charge is being undone, nobody can tell whether
    PAID was said before or after; so it counts only when it was asked for after the end of the reversal. That the
    money came and all of it went back is what the reversal of a paid charge looks like.
    """
    undone = attempt.state is AttemptState.REVERSED
    if undone and report.is_all_back:
        return
    if not await _fits(unit, opened, attempt, report, undone=undone):
        return
    if report.status in PAID:
        event = AttemptEvent.STAYED if undone else AttemptEvent.PAID
        await capture(unit, attempt, report.transaction_id or "", report.paid_at or unit.now(), event)
    elif report.status is TradeStatus.CLOSED:
        await mark_attempt(unit, attempt.attempt_id, AttemptEvent.CLOSE)
    elif report.status is TradeStatus.PENDING and attempt.state in _UNHEARD:
        await mark_attempt(unit, attempt.attempt_id, AttemptEvent.OPENED)


async def _fits(unit: Unit, opened: OpenedAccount, attempt: AttemptView, report: TradeReport, *, undone: bool) -> bool:
    """Whether an answer is about this attempt and its sum. Else a person is told, and where it says paid, decides."""
    field = foreign_trade(opened, attempt, report)
    if field is None:
        return True
    claim = Claim(
        opened=at_receiver(opened, attempt),
        notice_id=None,
        number=attempt.out_trade_no,
        field=field,
        amount=report.amount,
        transaction_id=report.transaction_id or "",
        order_id=attempt.order_id,
        is_gone=report.status is TradeStatus.REFUNDED,
    )
    await get_attempt(unit, attempt.attempt_id, lock=True)  # nobody decides on its money meanwhile
    if await tell_mismatch(unit, claim) and report.status in PAID:
        event = AttemptEvent.STAYED_MISMATCHED if undone else AttemptEvent.MISMATCH
        await mark_attempt(unit, attempt.attempt_id, event)
    return False


async def apply_combined(unit: Unit, told: CombinedTold, *, closing: bool = False) -> None:
    """Take the wallet's word for every part of a combined order, as :func:`apply_trade_report` does for one.

    The parts are held first, as they stand now; their captures come together and last. ``closing``: what the wallet
    does not know is closed.
    """
    parts = {part.out_trade_no: part for part in await attempts_of_try(unit, told.try_id, lock=True)}
    captures: list[Capture] = []
    for report in told.reports:
        part = parts.get(report.out_trade_no)
        if part is None or not await _fits(unit, told.opened, part, report, undone=False):
            continue
        if report.status in PAID:
            captures.append(Capture(part, report.transaction_id or "", report.paid_at or unit.now()))
        elif report.status is TradeStatus.CLOSED or (closing and report.status is TradeStatus.NOT_FOUND):
            await mark_attempt(unit, part.attempt_id, AttemptEvent.CLOSE)
        elif report.status is TradeStatus.PENDING and part.state in _UNHEARD:
            await mark_attempt(unit, part.attempt_id, AttemptEvent.OPENED)
    if captures:
        await capture_many(unit, captures)
    await settle_combined(unit, [told.try_id])


def forget_schedules(unit: Unit, captured: Sequence[AttemptView]) -> None:
    """Nobody needs to ask about these attempts any more, nor to close their payments."""
    queries = [(QUERY_ATTEMPT, first_query_key(view.attempt_id)) for view in captured]
    closes = [(CLOSE_PAYMENT, view.payment_id.hex) for view in captured]
    unit.drop_jobs([*queries, *closes])


def first_query_key(attempt_id: UUID) -> str:
    """Under which key the first question about an attempt waits."""
    return f"first:{attempt_id.hex}"


async def query_attempt(runtime: Runtime, merchant_id: UUID, payload: bytes) -> None:
    """Ask the wallet what became of an attempt, again and again until it ended or its close is due.

    A wallet that does not answer has been asked all the same: the schedule goes on, and ends with the close.
    """
    key = msgspec.json.decode(payload, type=AttemptKey)
    async with runtime.unit(merchant_id, "attempt.read") as unit:
        attempt = await get_attempt(unit, key.attempt_id)
    if attempt.state is AttemptState.REVERSING:
        raise Postpone(CODE_QUERY_GAP)
    if attempt.state is AttemptState.REVERSED:  # a notice says paid: is it older than the reversal, or was that undone?
        await ask_wallet(runtime, merchant_id, attempt)
        return
    if attempt.state not in UNPAID or attempt.expires_at <= runtime.clock.now():
        return
    try:
        await ask_wallet(runtime, merchant_id, attempt)
    except (PlatformUnknown, PlatformFailure):
        async with runtime.unit(merchant_id, "attempt.unanswered") as unit:
            await count_query(unit, attempt.attempt_id)
    async with runtime.unit(merchant_id, "attempt.read") as unit:
        attempt = await get_attempt(unit, key.attempt_id)
    if attempt.state in UNPAID:
        raise Postpone(query_gap(attempt.queries_count))


async def query_combined(runtime: Runtime, merchant_id: UUID, payload: bytes) -> None:
    """:func:`query_attempt` for all parts of a try at once, as long as one of them may still be paid."""
    try_id = msgspec.json.decode(payload, type=TryKey).try_id
    async with runtime.unit(merchant_id, "attempt.read") as unit:
        parts = [part for part in await attempts_of_try(unit, try_id) if part.state in UNPAID]
    if not parts or parts[0].expires_at <= runtime.clock.now():
        return
    try:
        await ask_wallet(runtime, merchant_id, parts[0])
    except (PlatformUnknown, PlatformFailure):
        async with runtime.unit(merchant_id, "attempt.unanswered") as unit:
            await count_try_query(unit, try_id)
    async with runtime.unit(merchant_id, "attempt.read") as unit:
        parts = [part for part in await attempts_of_try(unit, try_id) if part.state in UNPAID]
    if parts:
        raise Postpone(query_gap(parts[0].queries_count))


async def ask_wallet(runtime: Runtime, merchant_id: UUID, attempt: AttemptView) -> None:
    """Query one attempt at its wallet, with all others of its combined order, and apply the answer."""
    if attempt.combined_try_id is not None:
        told = await query_combined_order(runtime, merchant_id, attempt.combined_try_id)
        async with runtime.unit(merchant_id, "combined.report") as unit:
            await apply_combined(unit, told)
            await count_try_query(unit, told.try_id)
        return
    opened = await runtime.open_account(merchant_id, attempt.connection_id)
    assert opened.connector.payments is not None, "an attempt is only opened where payments exist"
    report = await opened.connector.payments.query(opened.account, attempt.out_trade_no)
    async with runtime.unit(merchant_id, "attempt.report") as unit:
        await apply_trade_report(unit, opened, attempt, report)
        await count_query(unit, attempt.attempt_id)


async def look_again(unit: Unit, payment_id: UUID) -> None:
    """Somebody waits for the result: ask the wallet soon, unless that was done just now."""
    for attempt_id in await take_look(unit, payment_id):
        unit.schedule(LOOK_AT_ATTEMPT, AttemptKey(attempt_id), dedupe_key=attempt_id.hex)


async def look_at_attempt(runtime: Runtime, merchant_id: UUID, payload: bytes) -> None:
    """Ask the wallet once; the schedule goes on beside it."""
    attempt_id = msgspec.json.decode(payload, type=AttemptKey).attempt_id
    async with runtime.unit(merchant_id, "attempt.read") as unit:
        attempt = await get_attempt(unit, attempt_id)
    if attempt.state in UNPAID:
        with contextlib.suppress(PlatformUnknown, PlatformFailure):
            await ask_wallet(runtime, merchant_id, attempt)


async def check_paid(runtime: Runtime, merchant_id: UUID, payload: bytes) -> None:
    """Ask the wallet about an attempt of which its bill says that it was paid, whatever its state is here."""
    attempt_id = msgspec.json.decode(payload, type=AttemptKey).attempt_id
    async with runtime.unit(merchant_id, "attempt.read") as unit:
        attempt = await get_attempt(unit, attempt_id)
    if attempt.state is not AttemptState.PAID:
        await ask_wallet(runtime, merchant_id, attempt)


async def close_due_payment(runtime: Runtime, merchant_id: UUID, payload: bytes) -> None:
    """The time to pay is over, or it is paid: close every open attempt at its wallet, then an unpaid payment here.

    Money that arrives in between is a capture like any other, or a surplus that goes back. What stays unclear is
    asked about at growing gaps; a person is told early, and again when nobody asks any more. Where a wallet says that
    another sum was paid, a person has been told of that: neither is it closed as unpaid, nor asked about for ever.
    """
    payment_id = msgspec.json.decode(payload, type=PaymentKey).payment_id
    async with runtime.unit(merchant_id, "payment.read") as unit:
        attempts = await attempts_of(unit, payment_id)
    for attempt in attempts:
        if attempt.state in UNENDED:
            await try_to_close(runtime, merchant_id, attempt)
    async with runtime.unit(merchant_id, "payment.close") as unit:
        attempts = await attempts_of(unit, payment_id)
        unended = [attempt for attempt in attempts if attempt.state in UNENDED]
        if not unended:
            if not any(attempt.state in UNSETTLED for attempt in attempts):
                await close_payment(unit, payment_id)
            return
        gap = await _count_close(unit, unended[0])
    if gap is not None:
        raise Postpone(gap)


async def _count_close(unit: Unit, attempt: AttemptView) -> timedelta | None:
    """One try more that ended nothing; when the next one is, or None after the last."""
    tries = await count_close(unit, attempt.payment_id)
    is_last = tries > len(CLOSE_GAPS)
    if tries == UNCLEAR_CLOSES or is_last:
        await _tell_unclear(unit, attempt, f"{attempt.payment_id.hex}:{tries}")
    return None if is_last else CLOSE_GAPS[tries - 1]


async def _tell_unclear(unit: Unit, attempt: AttemptView, dedupe_key: str) -> None:
    await open_ticket(
        unit,
        TicketKind.PAYMENT_UNCLEAR,
        Severity.URGENT,
        subject=("order", str(attempt.order_id)),
        details={
            "platform": attempt.platform,
            "out_trade_no": attempt.out_trade_no,
            "amount_minor": attempt.amount.amount_minor,
            "currency": attempt.amount.currency,
            "payment_id": str(attempt.payment_id),
        },
        dedupe_key=dedupe_key,
    )


async def settle_again(unit: Unit, payment_id: UUID) -> None:
    """A person wants an open payment closed, or an unclear one asked about once more, now.

    Raises:
        NotFound: not this merchant's.
    """
    await payment_state(unit, payment_id)
    unit.schedule(CLOSE_PAYMENT, PaymentKey(payment_id), dedupe_key=f"again:{payment_id.hex}")


async def close_by_hand(unit: Unit, payment_id: UUID, actor: Actor) -> None:
    """:func:`settle_again`; and what a wallet says of another sum pays nothing, as a person has decided.

    Raises:
        NotFound: not this merchant's. Forbidden: a role is needed to decide that.
    """
    await settle_again(unit, payment_id)
    for attempt in await attempts_of(unit, payment_id):
        if attempt.state is AttemptState.MISMATCHED:
            actor.require_refunds()
            await mark_attempt(unit, attempt.attempt_id, AttemptEvent.DISMISS)
            await settle_combined_of(unit, attempt.attempt_id)
            await write_down(unit, actor, "payment.dismiss", f"payment:{payment_id}")


async def try_to_close(runtime: Runtime, merchant_id: UUID, attempt: AttemptView) -> AttemptState:
    """Close at the wallet where it can be done now; how the attempt stands then."""
    with contextlib.suppress(PlatformUnknown, PlatformFailure):  # unclear: the state says so
        await close_at_wallet(runtime, merchant_id, attempt)
    async with runtime.unit(merchant_id, "attempt.read") as unit:
        return (await get_attempt(unit, attempt.attempt_id)).state


async def close_at_wallet(runtime: Runtime, merchant_id: UUID, attempt: AttemptView) -> None:
    """End an attempt at its wallet; money that came first counts."""
    if attempt.method == PayMethod.CODE.value:
        await undo_charge(runtime, merchant_id, attempt)
        return
    if attempt.combined_try_id is not None:
        told = await close_combined(runtime, merchant_id, attempt.combined_try_id)
        async with runtime.unit(merchant_id, "combined.closed") as unit:
            await apply_combined(unit, told, closing=True)
            if not any(report.status in PAID for report in told.reports):
                look_later(unit, attempt, 0, closed_gap(0))
        return
    opened = await runtime.open_account(merchant_id, attempt.connection_id)
    assert opened.connector.payments is not None, "an attempt is only opened where payments exist"
    ended_before = False
    try:
        report = await opened.connector.payments.close(opened.account, attempt.out_trade_no)
    except PlatformRefused as refusal:
        if refusal.word is not ErrorWord.ALREADY_DONE:
            raise
        ended_before = True  # it does not say how: that it does not know the order would be no answer
        report = await opened.connector.payments.query(opened.account, attempt.out_trade_no)
    async with runtime.unit(merchant_id, "attempt.closed") as unit:
        await apply_trade_report(unit, opened, attempt, report)
        if report.status is TradeStatus.NOT_FOUND and not ended_before:
            await mark_attempt(unit, attempt.attempt_id, AttemptEvent.CLOSE)
        if report.status not in PAID:
            look_later(unit, attempt, 0, closed_gap(0))


def look_later(unit: Unit, attempt: AttemptView, looks_count: int, delay: timedelta) -> None:
    """Look at a closed attempt (again)."""
    key = ClosedKey(attempt.attempt_id, looks_count)
    unit.schedule(CHECK_CLOSED, key, delay=delay, dedupe_key=attempt.out_trade_no)


async def check_closed(runtime: Runtime, merchant_id: UUID, payload: bytes) -> None:
    """Whether an attempt that was closed stayed unpaid: at growing gaps while it could be paid, and once after that.

    A wallet that does not know the order yet (it begins when the buyer brings it there) can still be paid until then.
    """
    key = msgspec.json.decode(payload, type=ClosedKey)
    async with runtime.unit(merchant_id, "attempt.read") as unit:
        attempt = await get_attempt(unit, key.attempt_id)
    if attempt.state is not AttemptState.CLOSED:
        return
    was_heard = True
    try:
        await ask_wallet(runtime, merchant_id, attempt)
    except (PlatformUnknown, PlatformFailure):
        was_heard = False
    now, looks_count = runtime.clock.now(), key.looks_count + 1
    until_end = attempt.expires_at + CHECK_AFTER_EXPIRY - now
    async with runtime.unit(merchant_id, "attempt.checked") as unit:
        attempt = await get_attempt(unit, key.attempt_id)
        if attempt.state is not AttemptState.CLOSED:
            return
        if until_end > timedelta(0):
            look_later(unit, attempt, looks_count, min(closed_gap(looks_count), until_end))
        elif not was_heard and now < attempt.expires_at + CHECK_GIVE_UP:
            look_later(unit, attempt, looks_count, CHECK_GAP)
        elif not was_heard:
            await _tell_unclear(unit, attempt, f"{attempt.attempt_id.hex}:closed")


async def undo_charge(runtime: Runtime, merchant_id: UUID, attempt: AttemptView) -> None:
    """Reverse the charge of a payment code, unless its money is captured.

    First the attempt says that it is being undone, so that a notice of the payment, which may be older than the
    reversal, is not taken for money that stays.
    """
    if attempt.state in ASKABLE:
        async with runtime.unit(merchant_id, "charge.reverse") as unit:
            if not await mark_attempt(unit, attempt.attempt_id, AttemptEvent.REVERSE):
                return
    opened = await runtime.open_account(merchant_id, attempt.connection_id)
    assert opened.connector.codes is not None, "a charge is only made where codes are taken"
    report = await opened.connector.codes.reverse(opened.account, attempt.out_trade_no)
    async with runtime.unit(merchant_id, "charge.reversed") as unit:
        if not await _fits(unit, opened, attempt, report, undone=True):
            return
        if report.status in PAID:
            paid_at = report.paid_at or unit.now()
            await capture(unit, attempt, report.transaction_id or "", paid_at, AttemptEvent.STAYED)
        elif report.status in (TradeStatus.CLOSED, TradeStatus.NOT_FOUND):
            await mark_attempt(unit, attempt.attempt_id, AttemptEvent.REVERSED)
        # Anything else is unclear: the attempt stays REVERSING, and whoever follows it undoes it again.
