"""Payments and attempts: what an order owes, and each wallet's try to take it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, func, select, update

from hutong.core.errors import NotFound
from hutong.core.money import Money
from hutong.db.bulk import insert_rows, transition_rows
from hutong.db.fixed import Fixed, among, mine
from hutong.db.unit import Unit
from hutong.payments.captures import Arrival, take_arrivals
from hutong.payments.checkouts import expire_checkout
from hutong.payments.combined import CombinedTry, settle_combined
from hutong.payments.events import AttemptUnclear, PaymentCaptured, PaymentClosed, SurplusCaptured
from hutong.payments.models import attempt, payment
from hutong.payments.refunds import AUTOMATIC, open_refund
from hutong.payments.states import (
    ATTEMPT,
    PAYMENT,
    UNENDED,
    UNPAID,
    AttemptEvent,
    AttemptState,
    PaymentEvent,
    PaymentState,
)

#: How long a wallet order stays payable.
PAYMENT_LIFE: Final = timedelta(minutes=30)
#: While a buyer waits on the page, his wallet is asked at most this often.
LOOK_GAP: Final = timedelta(seconds=10)
REFUSAL_CHARS_MAX: Final = 64


class AttemptView(msgspec.Struct, frozen=True, kw_only=True):
    """One wallet's try."""

    attempt_id: UUID
    payment_id: UUID
    order_id: UUID
    connection_id: UUID
    platform: str
    method: str
    out_trade_no: str
    state: AttemptState
    amount: Money
    expires_at: datetime
    payment_expires_at: datetime
    queries_count: int
    transaction_id: str | None
    paid_at: datetime | None = None
    combined_try_id: UUID | None = None
    told_by_id: UUID | None = None

    @property
    def asked_at_id(self) -> UUID:
        """The connection at which the wallet is asked about it, and by which it tells of it."""
        return self.told_by_id or self.connection_id


class Capture(msgspec.Struct, frozen=True):
    """That the wallet took the money of an attempt, under a number of its own."""

    view: AttemptView
    transaction_id: str
    paid_at: datetime


class PaymentOpened(msgspec.Struct, frozen=True, kw_only=True):
    """What an order owes, just written down."""

    payment_id: UUID
    order_id: UUID
    amount: Money
    expires_at: datetime


async def open_payments(unit: Unit, owed: Sequence[tuple[UUID, Money]]) -> list[PaymentOpened]:
    """What orders owe, (order, amount) each, once per order."""
    now = unit.now()
    opened = [
        PaymentOpened(payment_id=unit.new_id(), order_id=order_id, amount=amount, expires_at=now + PAYMENT_LIFE)
        for order_id, amount in owed
    ]
    columns: dict[str, list[Any]] = {
        "payment_id": [one.payment_id for one in opened],
        "order_id": [one.order_id for one in opened],
        "state": [PaymentState.OPEN.value] * len(opened),
        "amount_minor": [one.amount.amount_minor for one in opened],
        "currency": [one.amount.currency for one in opened],
        "created_at": [now] * len(opened),
        "expires_at": [one.expires_at for one in opened],
    }
    await insert_rows(unit, payment, columns)
    return opened


async def open_payment(unit: Unit, order_id: UUID, amount: Money) -> UUID:
    """What an order owes, once per order."""
    return (await open_payments(unit, [(order_id, amount)]))[0].payment_id


class NewAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """A wallet's try to be, at most as long as its payment; a part of a combined one ends with that."""

    payment: PaymentOpened
    connection_id: UUID
    platform: str
    method: str
    life: timedelta = PAYMENT_LIFE
    combined: CombinedTry | None = None


async def open_attempts(unit: Unit, wanted: Sequence[NewAttempt]) -> list[AttemptView]:
    """Wallets' tries, as they are written down. The number of each is ours: 32 hex digits, what every wallet takes."""
    now = unit.now()
    views = []
    for new in wanted:
        attempt_id = unit.new_id()
        views.append(
            AttemptView(
                attempt_id=attempt_id,
                payment_id=new.payment.payment_id,
                order_id=new.payment.order_id,
                connection_id=new.connection_id,
                platform=new.platform,
                method=new.method,
                out_trade_no=attempt_id.hex,
                state=AttemptState.CREATED,
                amount=new.payment.amount,
                expires_at=_expiry(new, now),
                payment_expires_at=new.payment.expires_at,
                queries_count=0,
                transaction_id=None,
                combined_try_id=None if new.combined is None else new.combined.try_id,
                told_by_id=None if new.combined is None else new.combined.connection_id,
            )
        )
    columns: dict[str, list[Any]] = {
        "attempt_id": [view.attempt_id for view in views],
        "payment_id": [view.payment_id for view in views],
        "connection_id": [view.connection_id for view in views],
        "platform": [view.platform for view in views],
        "method": [view.method for view in views],
        "out_trade_no": [view.out_trade_no for view in views],
        "state": [view.state.value for view in views],
        "amount_minor": [view.amount.amount_minor for view in views],
        "currency": [view.amount.currency for view in views],
        "created_at": [now] * len(views),
        "expires_at": [view.expires_at for view in views],
        "combined_try_id": [view.combined_try_id for view in views],
        "told_by_id": [view.told_by_id for view in views],
    }
    await insert_rows(unit, attempt, columns)
    return views


def _expiry(new: NewAttempt, now: datetime) -> datetime:
    return min(new.payment.expires_at, now + new.life) if new.combined is None else new.combined.expires_at


async def open_attempt(
    unit: Unit,
    payment_id: UUID,
    connection_id: UUID,
    platform: str,
    method: str,
    *,
    life: timedelta = PAYMENT_LIFE,
) -> AttemptView:
    """A wallet's try for a payment that was opened before."""
    row = await unit.one(
        select(payment).where(payment.c.merchant_id == unit.merchant_id, payment.c.payment_id == payment_id)
    )
    if row is None:
        raise NotFound(what="payment", key=str(payment_id))
    opened = PaymentOpened(
        payment_id=payment_id,
        order_id=row.order_id,
        amount=Money(row.amount_minor, row.currency),
        expires_at=row.expires_at,
    )
    new = NewAttempt(payment=opened, connection_id=connection_id, platform=platform, method=method, life=life)
    return (await open_attempts(unit, [new]))[0]


async def mark_opened(unit: Unit, attempt_ids: Sequence[UUID]) -> set[UUID]:
    """The wallets opened these; those that had not gone on meanwhile."""
    columns: dict[str, list[Any]] = {"attempt_id": list(attempt_ids)}
    rows = await transition_rows(unit, attempt, "attempt_id", columns, ATTEMPT, AttemptEvent.OPENED)
    return {row.attempt_id for row in rows}


def attempts_with_payments() -> Any:  # noqa: ANN401 (a select with a typed row would need generated types)
    """Attempts with what :func:`attempt_of` needs of their payments."""
    return select(attempt, payment.c.order_id, payment.c.expires_at.label("payment_expires_at")).join(
        payment, (payment.c.merchant_id == attempt.c.merchant_id) & (payment.c.payment_id == attempt.c.payment_id)
    )


_STILL_OPEN: Final = Fixed(
    select(attempt.c.payment_id)
    .distinct()
    .where(mine(attempt.c.merchant_id), among(attempt.c.payment_id, "payment_ids"), among(attempt.c.state, "states"))
)
_BY_NUMBERS: Final = Fixed(
    attempts_with_payments().where(mine(attempt.c.merchant_id), among(attempt.c.out_trade_no, "numbers"))
)


def attempt_of(row: Row[Any]) -> AttemptView:
    """A row of :func:`attempts_with_payments`."""
    return AttemptView(
        attempt_id=row.attempt_id,
        payment_id=row.payment_id,
        order_id=row.order_id,
        connection_id=row.connection_id,
        platform=row.platform,
        method=row.method,
        out_trade_no=row.out_trade_no,
        state=AttemptState(row.state),
        amount=Money(row.amount_minor, row.currency),
        expires_at=row.expires_at,
        payment_expires_at=row.payment_expires_at,
        queries_count=row.queries_count,
        transaction_id=row.transaction_id,
        paid_at=row.paid_at,
        combined_try_id=row.combined_try_id,
        told_by_id=row.told_by_id,
    )


async def get_attempt(unit: Unit, attempt_id: UUID, *, lock: bool = False) -> AttemptView:
    """One attempt; ``lock``: it stays so until the end of the transaction.

    Raises:
        NotFound: not this merchant's.
    """
    here = (attempt.c.merchant_id == unit.merchant_id) & (attempt.c.attempt_id == attempt_id)
    statement = attempts_with_payments().where(here)
    row = await unit.one(statement.with_for_update(of=attempt) if lock else statement)
    if row is None:
        raise NotFound(what="attempt", key=str(attempt_id))
    return attempt_of(row)


async def find_attempts(unit: Unit, out_trade_nos: Sequence[str]) -> dict[str, AttemptView]:
    """The attempts with our numbers; what we never gave out is missing."""
    return {row.out_trade_no: attempt_of(row) for row in await unit.ask(_BY_NUMBERS, numbers=list(out_trade_nos))}


async def captured_attempt(unit: Unit, order_id: UUID) -> AttemptView | None:
    """The attempt whose money an order keeps; None while it is unpaid, or paid elsewhere."""
    row = await unit.one(
        attempts_with_payments().where(
            payment.c.merchant_id == unit.merchant_id,
            payment.c.order_id == order_id,
            attempt.c.attempt_id == payment.c.captured_attempt_id,
        )
    )
    return None if row is None else attempt_of(row)


async def attempts_of(unit: Unit, payment_id: UUID) -> list[AttemptView]:
    """All attempts of a payment, oldest first."""
    rows = await unit.all(
        attempts_with_payments()
        .where(attempt.c.merchant_id == unit.merchant_id, attempt.c.payment_id == payment_id)
        .order_by(attempt.c.attempt_id)
    )
    return [attempt_of(row) for row in rows]


async def still_open(unit: Unit, payment_ids: Collection[UUID]) -> list[UUID]:
    """Which of these payments have an attempt that has not come to its end at the wallet."""
    rows = await unit.ask(_STILL_OPEN, payment_ids=list(payment_ids), states=[state.value for state in UNENDED])
    return [row.payment_id for row in rows]


async def payment_state(unit: Unit, payment_id: UUID) -> PaymentState:
    """Where a payment stands."""
    state = await unit.scalar(
        select(payment.c.state).where(payment.c.merchant_id == unit.merchant_id, payment.c.payment_id == payment_id)
    )
    if state is None:
        raise NotFound(what="payment", key=str(payment_id))
    return PaymentState(state)


async def mark_attempt(unit: Unit, attempt_id: UUID, event: AttemptEvent) -> bool:
    """Move an attempt that money has not touched."""
    return await unit.transition(attempt, {"attempt_id": attempt_id}, ATTEMPT, event)


async def refuse_attempt(unit: Unit, attempt_id: UUID, refusal: str) -> bool:
    """The wallet said no, with a code of its own; nothing was taken."""
    return await unit.transition(
        attempt, {"attempt_id": attempt_id}, ATTEMPT, AttemptEvent.REFUSE, refusal=refusal[:REFUSAL_CHARS_MAX]
    )


async def mark_unclear(unit: Unit, view: AttemptView) -> bool:
    """The wallet was asked and nothing clear was heard."""
    moved = await unit.transition(attempt, {"attempt_id": view.attempt_id}, ATTEMPT, AttemptEvent.UNCLEAR)
    if moved:
        unit.emit(
            AttemptUnclear(
                payment_id=view.payment_id,
                order_id=view.order_id,
                attempt_id=view.attempt_id,
                connection_id=view.connection_id,
                platform=view.platform,
                out_trade_no=view.out_trade_no,
                amount_minor=view.amount.amount_minor,
                currency=view.amount.currency,
            )
        )
    return moved


async def count_query(unit: Unit, attempt_id: UUID) -> None:
    """One more time the wallet was asked."""
    await unit.run(
        update(attempt)
        .where(attempt.c.merchant_id == unit.merchant_id, attempt.c.attempt_id == attempt_id)
        .values(queries_count=attempt.c.queries_count + 1, asked_at=unit.now())
    )


async def take_look(unit: Unit, payment_id: UUID) -> list[UUID]:
    """Attempts to ask the wallet about because somebody waits for the answer; each at most every LOOK_GAP."""
    due = (
        (attempt.c.merchant_id == unit.merchant_id)
        & (attempt.c.payment_id == payment_id)
        & attempt.c.state.in_([state.value for state in UNPAID])
        & (func.coalesce(attempt.c.asked_at, attempt.c.created_at) < unit.now() - LOOK_GAP)
    )
    if not await unit.all(select(attempt.c.attempt_id).where(due)):  # mostly so: a page asks each second
        return []
    rows = await unit.all(update(attempt).where(due).values(asked_at=unit.now()).returning(attempt.c.attempt_id))
    return [row.attempt_id for row in rows]


async def count_close(unit: Unit, payment_id: UUID) -> int:
    """One more try to close a payment at its wallets did not end it; how many there were."""
    count: int = await unit.scalar(
        update(payment)
        .where(payment.c.merchant_id == unit.merchant_id, payment.c.payment_id == payment_id)
        .values(closes_count=payment.c.closes_count + 1)
        .returning(payment.c.closes_count)
    )
    return count


async def capture(
    unit: Unit,
    view: AttemptView,
    transaction_id: str,
    paid_at: datetime,
    event: AttemptEvent = AttemptEvent.PAID,
) -> bool:
    """The wallet says that this attempt is paid; True when that was news.

    The first capture pays the payment. Any other (a second wallet, or money after the close) is a surplus: it
    gets exactly one automatic refund and a ticket, in this same transaction. ``event`` is STAYED where the wallet
    was asked to undo a charge and did not.
    """
    return bool(await capture_many(unit, [Capture(view, transaction_id, paid_at)], event))


async def capture_many(
    unit: Unit, captures: Sequence[Capture], event: AttemptEvent = AttemptEvent.PAID
) -> list[AttemptView]:
    """:func:`capture` for many attempts with a handful of statements; those of them that were news."""
    by_id = {one.view.attempt_id: one for one in captures}
    arrivals = [
        Arrival(attempt_id=attempt_id, transaction_id=one.transaction_id, paid_at=one.paid_at)
        for attempt_id, one in by_id.items()
    ]
    taken = await take_arrivals(unit, arrivals, event)
    fresh = [one for attempt_id, one in by_id.items() if attempt_id in taken]
    for one in fresh:
        if taken[one.view.attempt_id]:
            _tell_captured(unit, one)
        else:
            await _return_surplus(unit, one)
    await settle_combined(unit, {tried for one in fresh if (tried := one.view.combined_try_id) is not None})
    return [one.view for one in fresh]


def _tell_captured(unit: Unit, one: Capture) -> None:
    view = one.view
    unit.emit(
        PaymentCaptured(
            payment_id=view.payment_id,
            order_id=view.order_id,
            attempt_id=view.attempt_id,
            connection_id=view.connection_id,
            platform=view.platform,
            amount_minor=view.amount.amount_minor,
            currency=view.amount.currency,
            paid_at=one.paid_at,
        )
    )


async def _return_surplus(unit: Unit, one: Capture) -> None:
    view = one.view
    refund_id = await open_refund(
        unit, view.payment_id, view.attempt_id, view.amount, reason="多付款自动退回", cause=AUTOMATIC
    )
    unit.emit(
        SurplusCaptured(
            payment_id=view.payment_id,
            order_id=view.order_id,
            attempt_id=view.attempt_id,
            refund_id=refund_id,
            connection_id=view.connection_id,
            platform=view.platform,
            amount_minor=view.amount.amount_minor,
            currency=view.amount.currency,
            captured_at=one.paid_at,
        )
    )


async def close_payment(unit: Unit, payment_id: UUID) -> bool:
    """Close a payment all of whose attempts are closed at their wallets; False when it was paid meanwhile."""
    closed = await unit.transition(payment, {"payment_id": payment_id}, PAYMENT, PaymentEvent.CLOSE)
    if closed:
        of_it = (payment.c.merchant_id == unit.merchant_id) & (payment.c.payment_id == payment_id)
        order_id = await unit.scalar(select(payment.c.order_id).where(of_it))
        await expire_checkout(unit, payment_id)
        unit.emit(PaymentClosed(payment_id=payment_id, order_id=order_id))
    return closed
