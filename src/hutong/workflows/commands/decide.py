"""A person decides on money in suspense: take it as the payment, send it back, or write it off.

The wallet is asked first, outside of any transaction: what is decided holds only for money that is certainly there, or
certainly not. Then everything is looked at once more under the locks of its rows, and decided once.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final
from uuid import UUID

import msgspec

from hutong.core.errors import ErrorText, HutongError, NotFound, PlatformFailure, PlatformUnknown
from hutong.db.unit import Unit
from hutong.merchants.actors import Actor, write_down
from hutong.merchants.tickets import end_ticket
from hutong.payments.combined import settle_combined_of
from hutong.payments.combined_attempts import count_try_query
from hutong.payments.service import AttemptView, attempts_of, count_query, get_attempt
from hutong.payments.states import UNENDED, UNSETTLED, AttemptState, PaymentState, SuspenseState
from hutong.payments.suspense import Decision, SuspenseView, end_suspense, get_suspense, read_reason, suspense_of_ticket
from hutong.payments.suspense_decisions import (
    Refusal,
    Seen,
    Standing,
    dismiss,
    keep_apart,
    refusals,
    send_back,
    standing_of,
    take_as_payment,
)
from hutong.platforms.payments import TradeReport, TradeStatus
from hutong.workflows.commands.combined_wallet import query_combined_order
from hutong.workflows.commands.frozen import leave_unshared
from hutong.workflows.commands.mismatch import PAID, foreign_owner
from hutong.workflows.commands.read_bill import read_again_for
from hutong.workflows.commands.settle import apply_combined, apply_trade_report, forget_schedules, try_to_close
from hutong.workflows.jobs import CLOSE_PAYMENT, PaymentKey
from hutong.workflows.runtime import OpenedAccount, Runtime

#: How long after its expiry a payment whose money went elsewhere is closed.
CLOSE_GRACE: Final = timedelta(seconds=30)
#: The wallet's word that no money comes under a number.
_NEVER: Final = frozenset({TradeStatus.CLOSED, TradeStatus.NOT_FOUND})


class DecisionRefused(HutongError):
    """This cannot be done with this money."""

    code = "decision_refused"
    status = 409
    zh = ErrorText(
        "这笔钱不能这样处理（{reason}）。",
        "只有钱包里确实有、又属于这笔订单的钱才能收下；只有本账户确实收到的钱才能原路退回。",
        "请选择这条待办列出的其他办法。",
    )
    en = ErrorText(
        "This money cannot be dealt with so ({reason}).",
        "Only money that is there and belongs to this order can be taken; only what this account has can go back.",
        "Choose among the decisions that the ticket offers.",
    )


class AlreadyDecided(HutongError):
    """Somebody has decided on this money."""

    code = "already_decided"
    status = 409
    zh = ErrorText("这笔钱已经决定过了。", "每笔待查款项只能决定一次。", "刷新页面，看是谁在什么时候怎么决定的。")
    en = ErrorText(
        "This money was decided on already.", "It is decided on once.", "Reload to see who decided what, and when."
    )


class MoneyUnclear(HutongError):
    """The wallet does not say for certain what became of the money, so nothing can be decided."""

    code = "money_unclear"
    status = 409
    zh = ErrorText(
        "钱包现在说不准这笔钱到了没有，还不能决定。",
        "钱包没有回应，或者这笔单还可能付款；现在决定，钱可能会来两次。",
        "过几分钟再试；什么都没有改动。",
    )
    en = ErrorText(
        "The wallet does not say for certain whether the money came, so nothing can be decided now.",
        "It does not answer, or the order can still be paid: deciding now could make the money come twice.",
        "Try again in some minutes; nothing was changed.",
    )


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A sum in suspense, and what speaks against each decision."""

    view: SuspenseView
    refusals: Mapping[Decision, Refusal | None]
    standing: Standing | None

    @property
    def offers(self) -> Mapping[Decision, Refusal | None]:
        """What can be decided now: nothing any more once it was."""
        return self.refusals if self.view.state is SuspenseState.OPEN else {}


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """How a sum in suspense stands after a decision. ``refund_id``: what follows the money on its way back."""

    ticket_id: UUID
    suspense_id: UUID
    decision: Decision
    state: str
    is_proved: bool
    refund_id: UUID | None


async def read_case(unit: Unit, ticket_id: UUID) -> Case | None:
    """What a ticket says of money in suspense; None where it is about something else."""
    view = await suspense_of_ticket(unit, ticket_id)
    if view is None:
        return None
    standing = await standing_of(unit, view)
    return Case(view=view, refusals=refusals(view, standing), standing=standing)


async def decide(
    runtime: Runtime, merchant_id: UUID, ticket_id: UUID, decision: Decision, reason: str, actor: Actor
) -> Decided:
    """:func:`review` and :func:`decide_in`, in transactions of their own."""
    seen = await review(runtime, merchant_id, ticket_id, decision, actor)
    async with runtime.unit(merchant_id, "suspense.decide") as unit:
        return await decide_in(unit, ticket_id, decision, reason, actor, seen)


async def review(runtime: Runtime, merchant_id: UUID, ticket_id: UUID, decision: Decision, actor: Actor) -> Seen | None:
    """Ask the wallet what became of the money, and end there what could still be paid; None: it is decided already.

    Raises:
        Forbidden: a role is needed. NotFound: no money in suspense belongs to this ticket.
        DecisionRefused: this cannot be done with this money; the wallet was not asked.
        MoneyUnclear: the wallet gave no clear answer.
    """
    actor.require_refunds()
    async with runtime.unit(merchant_id, "suspense.read") as unit:
        case = await _case(unit, ticket_id)
    if case.view.state is not SuspenseState.OPEN:
        return None
    _refuse(case.refusals[decision])
    if case.view.attempt_id is None:
        return Seen(is_there=False)
    seen = await _ask(runtime, merchant_id, case.view, case.view.attempt_id, decision)
    if decision is Decision.TAKE and seen.is_there:
        await _end_others(runtime, merchant_id, case.view)
    return seen


async def decide_in(
    unit: Unit, ticket_id: UUID, decision: Decision, reason: str, actor: Actor, seen: Seen | None
) -> Decided:
    """Decide, once: everything is looked at again under the locks of its rows.

    Raises:
        Forbidden, NotFound, InvalidInput (no reason), AlreadyDecided, DecisionRefused, MoneyUnclear.
    """
    actor.require_refunds()
    reason = read_reason(reason)
    found = await suspense_of_ticket(unit, ticket_id)
    if found is None:
        raise NotFound(what="suspense", key=str(ticket_id))
    view = await get_suspense(unit, found.suspense_id, lock=True)
    if view.state is not SuspenseState.OPEN or seen is None:
        raise AlreadyDecided
    standing = await standing_of(unit, view, lock=True)
    _refuse(refusals(view, standing)[decision])
    if standing is not None and standing.is_accounted_for:  # a wallet takes the money of one order once
        seen = msgspec.structs.replace(seen, is_there=False)
    if decision is not Decision.WRITE_OFF and not seen.is_there:
        raise DecisionRefused(reason=Refusal.NOT_THERE.value)
    if standing is not None and standing.attempt_state in UNENDED:
        raise MoneyUnclear
    refund_id = await _carry_out(unit, view, decision, seen, reason=reason, actor=actor)
    if view.attempt_id is not None:
        await settle_combined_of(unit, view.attempt_id)
    if not await end_suspense(
        unit, view, decision, is_proved=seen.is_there, actor=actor.name, reason=reason, refund_id=refund_id
    ):
        raise AlreadyDecided
    await end_ticket(unit, ticket_id, note=reason, actor=actor.name)
    await write_down(unit, actor, f"suspense.{decision.value}", f"suspense:{view.suspense_id}")
    await read_again_for(unit, view.connection_id, view.number)
    if standing is not None and decision is not Decision.TAKE and view.payment_id is not None:
        _close_later(unit, view.payment_id, standing)
    return _decided(await get_suspense(unit, view.suspense_id), decision)


async def _carry_out(
    unit: Unit, view: SuspenseView, decision: Decision, seen: Seen, *, reason: str, actor: Actor
) -> UUID | None:
    if decision is Decision.TAKE:
        forget_schedules(unit, [await take_as_payment(unit, view, seen)])
    elif decision is Decision.SEND_BACK:
        return await send_back(unit, view, seen, reason=reason, actor=actor.name)
    elif seen.is_there:
        await leave_unshared(unit, (await keep_apart(unit, view, seen)).attempt_id)
    else:
        await dismiss(unit, view)
    return None


def _close_later(unit: Unit, payment_id: UUID, standing: Standing) -> None:
    """The order is still unpaid: it closes when its time is over, as it would have."""
    if standing.payment_state is PaymentState.OPEN:
        delay = max(standing.expires_at - unit.now() + CLOSE_GRACE, timedelta(0))
        unit.schedule(CLOSE_PAYMENT, PaymentKey(payment_id), delay=delay, dedupe_key=f"decided:{payment_id.hex}")


async def _case(unit: Unit, ticket_id: UUID) -> Case:
    case = await read_case(unit, ticket_id)
    if case is None:
        raise NotFound(what="suspense", key=str(ticket_id))
    return case


def _refuse(refusal: Refusal | None) -> None:
    if refusal is not None:
        raise DecisionRefused(reason=refusal.value)


async def _ask(runtime: Runtime, merchant_id: UUID, view: SuspenseView, attempt_id: UUID, decision: Decision) -> Seen:
    async with runtime.unit(merchant_id, "suspense.attempt") as unit:
        attempt = await get_attempt(unit, attempt_id)
    if attempt.state is AttemptState.REVERSING:  # what a wallet says of it now is stale
        raise MoneyUnclear
    opened = await runtime.open_account(merchant_id, attempt.asked_at_id)
    report = await _query(runtime, merchant_id, opened, attempt)
    if report.status in PAID:
        return _seen(opened, view, attempt, report, decision)
    if report.status not in _NEVER or attempt.state in UNENDED:
        await try_to_close(runtime, merchant_id, attempt)
        report = await _query(runtime, merchant_id, opened, attempt)
        if report.status in PAID:
            return _seen(opened, view, attempt, report, decision)
    if report.status not in _NEVER:
        raise MoneyUnclear
    return Seen(is_there=False)


async def _query(runtime: Runtime, merchant_id: UUID, opened: OpenedAccount, attempt: AttemptView) -> TradeReport:
    """The wallet's word, applied as ever: it may say that all is well by now."""
    if attempt.combined_try_id is not None:  # a wallet tells of a part only beside its siblings
        return await _query_part(runtime, merchant_id, attempt, attempt.combined_try_id)
    assert opened.connector.payments is not None, "an attempt is only opened where payments exist"
    try:
        report = await opened.connector.payments.query(opened.account, attempt.out_trade_no)
    except (PlatformUnknown, PlatformFailure) as silence:
        raise MoneyUnclear from silence
    async with runtime.unit(merchant_id, "suspense.report") as unit:
        await apply_trade_report(unit, opened, attempt, report)
        await count_query(unit, attempt.attempt_id)
    return report


async def _query_part(runtime: Runtime, merchant_id: UUID, attempt: AttemptView, try_id: UUID) -> TradeReport:
    try:
        told = await query_combined_order(runtime, merchant_id, try_id)
    except (PlatformUnknown, PlatformFailure) as silence:
        raise MoneyUnclear from silence
    async with runtime.unit(merchant_id, "suspense.report") as unit:
        await apply_combined(unit, told)
        await count_try_query(unit, try_id)
    for report in told.reports:
        if report.out_trade_no == attempt.out_trade_no:
            return report
    raise MoneyUnclear


def _seen(
    opened: OpenedAccount, view: SuspenseView, attempt: AttemptView, report: TradeReport, decision: Decision
) -> Seen:
    """Whether exactly this money lies at our account. What went back by other hands does not, all of it or a part.

    A refund of ours that the wallet refused does not prove that it is there still: it is sent back once more, but
    never kept.
    """
    is_ours = attempt.state is AttemptState.PAID and decision is Decision.SEND_BACK
    is_gone = report.is_all_back or (report.status is TradeStatus.REFUNDED and not is_ours)
    numbers = {view.transaction_id, report.transaction_id or ""} - {""}
    is_there = (
        not is_gone
        and foreign_owner(opened, report.owner) is None
        and report.amount == view.amount
        and len(numbers) <= 1
    )
    return Seen(is_there=is_there, transaction_id=report.transaction_id or "", paid_at=report.paid_at)


async def _end_others(runtime: Runtime, merchant_id: UUID, view: SuspenseView) -> None:
    """No other try may take money for an order that is about to be paid."""
    assert view.payment_id is not None, "only what came by a try of ours is there"
    async with runtime.unit(merchant_id, "suspense.others") as unit:
        others = [part for part in await attempts_of(unit, view.payment_id) if part.attempt_id != view.attempt_id]
    for other in others:
        if other.state in UNSETTLED and await try_to_close(runtime, merchant_id, other) in UNENDED:
            raise MoneyUnclear


def _decided(view: SuspenseView, decision: Decision) -> Decided:
    return Decided(
        ticket_id=view.ticket_id,
        suspense_id=view.suspense_id,
        decision=decision,
        state=view.state.value,
        is_proved=bool(view.is_proved),
        refund_id=view.refund_id,
    )
