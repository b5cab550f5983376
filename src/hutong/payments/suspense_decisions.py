"""What can be decided on money in suspense, and what each decision does to the try and the payment it came by."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Table, literal, select, update

from hutong.core.errors import Conflict
from hutong.db.unit import Unit
from hutong.payments.models import attempt, payment, refund
from hutong.payments.refunds import AUTOMATIC, SENT_BACK, open_refund
from hutong.payments.service import AttemptView, capture, get_attempt
from hutong.payments.states import ATTEMPT, AttemptEvent, AttemptState, PaymentState, SuspenseState
from hutong.payments.suspense import Decision, SuspenseView
from hutong.payments.suspense_models import suspense

#: What of a try's number does not fit, and yet the money under it is at our own account.
AT_OUR_ACCOUNT: Final = frozenset({"amount", "currency", "out_trade_no"})


class Refusal(StrEnum):
    """Why a decision cannot hold."""

    NOT_OURS = "not_ours"  # the number is that of no try at this account
    FOREIGN = "foreign"  # it belongs to another app or merchant number
    OTHER_ORDER = "other_order"  # it carries another order's mark
    OTHER_TRANSACTION = "other_transaction"  # the wallet's number is another one than that of the try
    CURRENCY = "currency"
    ORDER_PAID = "order_paid"
    ORDER_CLOSED = "order_closed"
    KEPT = "kept"  # the try's money is what the order was paid with
    SENT_BEFORE = "sent_before"  # it was to go back before
    GOES_BACK = "goes_back"  # the order was paid otherwise, so that it goes back by itself
    NOT_THERE = "not_there"  # the wallet, asked again, does not have it


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How the try and the payment of a sum in suspense stand."""

    attempt_state: AttemptState
    is_captured: bool
    is_surplus: bool  # it goes back by itself
    is_decided: bool  # another sum told of the try was found there, and decided on
    payment_state: PaymentState
    expires_at: datetime

    @property
    def is_accounted_for(self) -> bool:
        """Whether the money that came by the try is in the books already."""
        is_paid = self.attempt_state is AttemptState.PAID
        return is_paid and (self.is_captured or self.is_surplus or self.is_decided)


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What the wallet said when it was asked again. ``is_there``: exactly this money lies at our account."""

    is_there: bool
    transaction_id: str = ""
    paid_at: datetime | None = None


async def standing_of(unit: Unit, view: SuspenseView, *, lock: bool = False) -> Standing | None:
    """Where try and payment stand; None where the number is none of ours. ``lock``: they stay so."""
    if view.attempt_id is None:
        return None
    mine = (attempt.c.merchant_id == unit.merchant_id) & (attempt.c.attempt_id == view.attempt_id)
    its = select(attempt.c.state, attempt.c.payment_id).where(mine)
    tried = await unit.one(its.with_for_update() if lock else its)
    assert tried is not None, "tries are never deleted"
    owed = select(payment.c.state, payment.c.captured_attempt_id, payment.c.expires_at).where(
        payment.c.merchant_id == unit.merchant_id, payment.c.payment_id == tried.payment_id
    )
    row = await unit.one(owed.with_for_update() if lock else owed)
    assert row is not None, "a try belongs to a payment"
    return Standing(
        attempt_state=AttemptState(tried.state),
        is_captured=row.captured_attempt_id == view.attempt_id,
        is_surplus=await _exists(unit, refund, refund.c.attempt_id == view.attempt_id, refund.c.cause == AUTOMATIC),
        is_decided=await _exists(
            unit,
            suspense,
            suspense.c.attempt_id == view.attempt_id,
            suspense.c.suspense_id != view.suspense_id,
            suspense.c.state != SuspenseState.OPEN.value,
            suspense.c.is_proved,
        ),
        payment_state=PaymentState(row.state),
        expires_at=row.expires_at,
    )


async def _exists(unit: Unit, table: Table, *conditions: ColumnElement[bool]) -> bool:
    found = select(literal(1)).select_from(table).where(table.c.merchant_id == unit.merchant_id, *conditions)
    return await unit.one(found.limit(1)) is not None


def refusals(view: SuspenseView, standing: Standing | None) -> dict[Decision, Refusal | None]:
    """Each decision, with what speaks against it; None: it can be taken, if the wallet says that the money is there."""
    return {
        Decision.TAKE: _against_taking(view, standing),
        Decision.SEND_BACK: _against_sending(view, standing),
        Decision.WRITE_OFF: None,
    }


def _foreign(view: SuspenseView, standing: Standing | None) -> Refusal | None:
    if standing is None:
        return Refusal.NOT_OURS
    if view.field == "transaction_id":
        return Refusal.OTHER_TRANSACTION
    return None if view.field in AT_OUR_ACCOUNT else Refusal.FOREIGN


def _against_taking(view: SuspenseView, standing: Standing | None) -> Refusal | None:
    foreign = _foreign(view, standing)
    if foreign is not None or standing is None:
        return foreign
    if view.field == "out_trade_no":
        return Refusal.OTHER_ORDER
    if view.expected is None or view.expected.currency != view.amount.currency:
        return Refusal.CURRENCY
    if standing.payment_state is PaymentState.CLOSED:
        return Refusal.ORDER_CLOSED
    if standing.payment_state is not PaymentState.OPEN:
        return Refusal.ORDER_PAID
    return Refusal.SENT_BEFORE if standing.attempt_state is AttemptState.PAID else None


def _against_sending(view: SuspenseView, standing: Standing | None) -> Refusal | None:
    foreign = _foreign(view, standing)
    if foreign is not None or standing is None:
        return foreign
    if standing.is_captured:
        return Refusal.KEPT
    return Refusal.GOES_BACK if standing.is_surplus else None


async def take_as_payment(unit: Unit, view: SuspenseView, seen: Seen) -> AttemptView:
    """The sum that came is what the order was paid with: from now on payment and try say so.

    Raises:
        Conflict: the try went on meanwhile.
    """
    tried = await _adopt(unit, view)
    here = (payment.c.merchant_id == unit.merchant_id) & (payment.c.payment_id == tried.payment_id)
    await unit.run(
        update(payment)
        .where(here, payment.c.state == PaymentState.OPEN.value)
        .values(amount_minor=view.amount.amount_minor)
    )
    if not await capture(unit, tried, seen.transaction_id, seen.paid_at or unit.now()):
        raise Conflict(what="attempt")
    return tried


async def keep_apart(unit: Unit, view: SuspenseView, seen: Seen) -> AttemptView:
    """The wallet has the sum and no order keeps it: the try is paid, its payment is not.

    Raises:
        Conflict: the try went on meanwhile.
    """
    tried = await _adopt(unit, view)
    if tried.state is AttemptState.PAID:  # a refund of it failed before
        return tried
    moved = await unit.transition(
        attempt,
        {"attempt_id": tried.attempt_id},
        ATTEMPT,
        AttemptEvent.PAID,
        transaction_id=seen.transaction_id,
        paid_at=seen.paid_at or unit.now(),
    )
    if not moved:
        raise Conflict(what="attempt")
    return tried


async def send_back(unit: Unit, view: SuspenseView, seen: Seen, *, reason: str, actor: str) -> UUID:
    """Open the one refund of exactly what came."""
    tried = await keep_apart(unit, view, seen)
    return await open_refund(
        unit, tried.payment_id, tried.attempt_id, view.amount, reason=reason, cause=SENT_BACK, actor=actor
    )


async def dismiss(unit: Unit, view: SuspenseView) -> None:
    """The wallet does not have the sum: the try ends unpaid, where it waited for no other decision."""
    others = (
        suspense.c.attempt_id == view.attempt_id,
        suspense.c.suspense_id != view.suspense_id,
        suspense.c.state == SuspenseState.OPEN.value,
    )
    if view.attempt_id is not None and not await _exists(unit, suspense, *others):
        await unit.transition(attempt, {"attempt_id": view.attempt_id}, ATTEMPT, AttemptEvent.DISMISS)


async def _adopt(unit: Unit, view: SuspenseView) -> AttemptView:
    """From now on the try says what was really paid, so that whatever tells of it again fits and changes nothing."""
    assert view.attempt_id is not None, "the caller has looked"
    tried = await get_attempt(unit, view.attempt_id)
    if tried.state is AttemptState.PAID and tried.amount != view.amount:
        raise Conflict(what="attempt")
    here = (attempt.c.merchant_id == unit.merchant_id) & (attempt.c.attempt_id == view.attempt_id)
    await unit.run(
        update(attempt).where(here).values(amount_minor=view.amount.amount_minor, currency=view.amount.currency)
    )
    return msgspec.structs.replace(tried, amount=view.amount)
