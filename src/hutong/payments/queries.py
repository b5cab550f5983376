"""Reads for the payments pages: payments with their attempts and refunds, one page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, case, func, literal, or_, select

from hutong.core.errors import NotFound
from hutong.core.money import Money
from hutong.db.unit import Unit
from hutong.payments.models import attempt, payment, refund
from hutong.payments.refunds import AUTOMATIC, REFUNDS_PER_PAYMENT_MAX, REQUESTED
from hutong.payments.states import AttemptState, PaymentState, RefundState

PAGE_ROWS_MAX: Final = 200
#: Attempts or refunds shown with one page of payments.
PARTS_MAX: Final = 2000
CURRENCIES_MAX: Final = 50
NUMBER_CHARS_MAX: Final = 64
#: Orders that a number may mean in one search.
ORDERS_MAX: Final = 200
#: Not a state of a payment: a wallet has been asked for something and has not said clearly what became of it.
CHECKING: Final = "checking"
_UNCLEAR: Final = (
    AttemptState.CREATED.value,
    AttemptState.UNKNOWN.value,
    AttemptState.REVERSING.value,
    AttemptState.MISMATCHED.value,
)
#: The states a list can be narrowed to; refunds of a part and of the whole stand together.
REFUNDED: Final = "refunded"
LIST_STATES: Final = (
    PaymentState.OPEN.value,
    CHECKING,
    PaymentState.PAID.value,
    REFUNDED,
    PaymentState.CLOSED.value,
)
_REFUNDED_STATES: Final = (PaymentState.PARTLY_REFUNDED.value, PaymentState.REFUNDED.value)


class AttemptRow(msgspec.Struct, frozen=True, kw_only=True):
    """One wallet's try."""

    attempt_id: UUID
    connection_id: UUID
    platform: str
    method: str
    out_trade_no: str
    transaction_id: str | None
    state: str
    amount: Money
    refusal: str
    queries_count: int
    created_at: datetime
    expires_at: datetime
    paid_at: datetime | None
    combined_try_id: UUID | None = None

    @property
    def is_unclear(self) -> bool:
        """Whether the wallet has not said clearly what became of it."""
        return self.state in _UNCLEAR


class RefundRow(msgspec.Struct, frozen=True, kw_only=True):
    """Money on its way back, or back."""

    refund_id: UUID
    payment_id: UUID
    order_id: UUID
    platform: str
    out_refund_no: str
    state: str
    cause: str
    reason: str
    actor: str
    problem: str
    amount: Money
    created_at: datetime
    finished_at: datetime | None

    @property
    def takes_from_capture(self) -> bool:
        """Whether it lessens what can still be refunded: surplus goes back on its own account, failed ones do not."""
        return self.cause == REQUESTED and self.state != RefundState.FAILED.value


class PaymentRow(msgspec.Struct, frozen=True, kw_only=True):
    """What an order owes and what became of it."""

    payment_id: UUID
    order_id: UUID
    state: str
    amount: Money
    refunded: Money
    created_at: datetime
    expires_at: datetime
    paid_at: datetime | None
    captured_attempt_id: UUID | None
    attempts: tuple[AttemptRow, ...]
    refunds: tuple[RefundRow, ...]

    @property
    def shown_state(self) -> str:
        """The state, or ``checking`` while an open payment waits for a wallet's clear word."""
        is_checking = self.state == PaymentState.OPEN.value and any(part.is_unclear for part in self.attempts)
        return CHECKING if is_checking else self.state

    @property
    def left(self) -> Money:
        """What was captured and is neither back nor on its way back."""
        if self.captured_attempt_id is None:
            return Money(0, self.amount.currency)
        taken = sum(part.amount.amount_minor for part in self.refunds if part.takes_from_capture)
        return Money(self.amount.amount_minor - taken, self.amount.currency)

    @property
    def is_refundable(self) -> bool:
        """Whether another refund may be asked for."""
        asked = sum(part.takes_from_capture for part in self.refunds)
        return self.left.amount_minor > 0 and asked < REFUNDS_PER_PAYMENT_MAX

    @property
    def surplus(self) -> Money:
        """What came in beyond the one capture and goes back by itself."""
        extra = sum(part.amount.amount_minor for part in self.refunds if part.cause == AUTOMATIC)
        return Money(extra, self.amount.currency)


class PaymentFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What a list of payments is narrowed to. ``since``/``until``: when the payment was opened.

    ``number``: one of the payment's own numbers (ours, the wallet's, a refund's); ``order_ids``: orders that the same
    number means elsewhere.
    """

    state: str = ""
    platform: str = ""
    since: datetime | None = None
    until: datetime | None = None
    number: str = ""
    order_ids: tuple[UUID, ...] = ()


class PaymentSums(msgspec.Struct, frozen=True, kw_only=True):
    """Payments of a list in one currency: how many, what was taken, what went back."""

    count: int
    taken: Money
    refunded: Money


class PaymentSlice(msgspec.Struct, frozen=True, kw_only=True):
    """A page of payments, how many there are in all, and their sums."""

    rows: tuple[PaymentRow, ...]
    total: int
    sums: tuple[PaymentSums, ...]


class RefundSlice(msgspec.Struct, frozen=True, kw_only=True):
    """A page of refunds and how many there are in all."""

    rows: tuple[RefundRow, ...]
    total: int


async def payments_page(unit: Unit, wanted: PaymentFilter | None = None, *, limit: int, offset: int) -> PaymentSlice:
    """Payments, the newest first."""
    conditions = _conditions(unit, wanted or PaymentFilter())
    taken = case((payment.c.captured_attempt_id.is_not(None), payment.c.amount_minor), else_=0)
    sums = await unit.all(
        select(
            payment.c.currency,
            func.count().label("payments_count"),
            func.sum(taken).label("taken_minor"),
            func.sum(payment.c.refunded_minor).label("refunded_minor"),
        )
        .where(*conditions)
        .group_by(payment.c.currency)
        .order_by(func.count().desc(), payment.c.currency)
        .limit(CURRENCIES_MAX)
    )
    statement = (
        select(payment)
        .where(*conditions)
        .order_by(payment.c.created_at.desc(), payment.c.payment_id.desc())
        .limit(min(limit, PAGE_ROWS_MAX))
        .offset(offset)
    )
    return PaymentSlice(
        rows=await _with_parts(unit, await unit.all(statement)),
        total=sum(row.payments_count for row in sums),
        sums=tuple(
            PaymentSums(
                count=row.payments_count,
                taken=Money(int(row.taken_minor), row.currency),
                refunded=Money(int(row.refunded_minor), row.currency),
            )
            for row in sums
        ),
    )


async def payment_counts(unit: Unit) -> dict[str, int]:
    """How many payments are in each state of the list; those being checked stand apart from the open ones."""
    shown = case(
        (payment.c.state.in_(_REFUNDED_STATES), REFUNDED),
        ((payment.c.state == PaymentState.OPEN.value) & _is_checking(), CHECKING),
        else_=payment.c.state,
    ).label("shown")
    statement = (
        select(shown, func.count().label("payments_count"))
        .where(payment.c.merchant_id == unit.merchant_id)
        .group_by(shown)
        .limit(len(LIST_STATES) + len(PaymentState))
    )
    return {row.shown: row.payments_count for row in await unit.all(statement)}


async def payment_platforms(unit: Unit) -> tuple[str, ...]:
    """The wallets that were ever asked, for the filter."""
    statement = select(attempt.c.platform).where(attempt.c.merchant_id == unit.merchant_id).distinct()
    return tuple(row.platform for row in await unit.all(statement.order_by(attempt.c.platform).limit(PAGE_ROWS_MAX)))


async def one_payment(unit: Unit, payment_id: UUID) -> PaymentRow:
    """One payment with all its parts.

    Raises:
        NotFound: no such payment of this merchant.
    """
    statement = select(payment).where(payment.c.merchant_id == unit.merchant_id, payment.c.payment_id == payment_id)
    rows = await _with_parts(unit, await unit.all(statement.limit(1)))
    if not rows:
        raise NotFound(what="payment", key=str(payment_id))
    return rows[0]


async def refunds_page(unit: Unit, states: Sequence[str] = (), *, limit: int, offset: int) -> RefundSlice:
    """Refunds in some states (in any, without), those that need a person first, then the newest."""
    conditions: list[Any] = [refund.c.merchant_id == unit.merchant_id]
    if states:
        conditions.append(refund.c.state.in_(states))
    total = await unit.scalar(select(func.count()).select_from(refund).where(*conditions))
    needs_somebody = case((refund.c.state == RefundState.ABNORMAL.value, 0), else_=1)
    statement = (
        _refunds()
        .where(*conditions)
        .order_by(needs_somebody, refund.c.created_at.desc(), refund.c.refund_id.desc())
        .limit(min(limit, PAGE_ROWS_MAX))
        .offset(offset)
    )
    return RefundSlice(rows=tuple(_refund(row) for row in await unit.all(statement)), total=int(total or 0))


async def refund_counts(unit: Unit) -> dict[str, int]:
    """How many refunds are in each state."""
    statement = (
        select(refund.c.state, func.count().label("refunds_count"))
        .where(refund.c.merchant_id == unit.merchant_id)
        .group_by(refund.c.state)
        .limit(len(RefundState))
    )
    return {row.state: row.refunds_count for row in await unit.all(statement)}


async def payment_of_order(unit: Unit, order_id: UUID) -> PaymentRow | None:
    """The payment of one order, or None where it was not taken by us."""
    statement = select(payment).where(payment.c.merchant_id == unit.merchant_id, payment.c.order_id == order_id)
    rows = await _with_parts(unit, await unit.all(statement.limit(1)))
    return rows[0] if rows else None


async def _with_parts(unit: Unit, payments: Sequence[Row[Any]]) -> tuple[PaymentRow, ...]:
    ids = [row.payment_id for row in payments]
    if not ids:
        return ()
    attempts = await unit.all(
        select(attempt)
        .where(attempt.c.merchant_id == unit.merchant_id, attempt.c.payment_id.in_(ids))
        .order_by(attempt.c.created_at)
        .limit(PARTS_MAX)
    )
    refunds = await unit.all(
        _refunds()
        .where(refund.c.merchant_id == unit.merchant_id, refund.c.payment_id.in_(ids))
        .order_by(refund.c.created_at)
        .limit(PARTS_MAX)
    )
    return tuple(
        PaymentRow(
            payment_id=row.payment_id,
            order_id=row.order_id,
            state=row.state,
            amount=Money(row.amount_minor, row.currency),
            refunded=Money(row.refunded_minor, row.currency),
            created_at=row.created_at,
            expires_at=row.expires_at,
            paid_at=row.paid_at,
            captured_attempt_id=row.captured_attempt_id,
            attempts=tuple(_attempt(part) for part in attempts if part.payment_id == row.payment_id),
            refunds=tuple(_refund(part) for part in refunds if part.payment_id == row.payment_id),
        )
        for row in payments
    )


def _conditions(unit: Unit, wanted: PaymentFilter) -> list[Any]:
    conditions: list[Any] = [payment.c.merchant_id == unit.merchant_id]
    if wanted.state == CHECKING:
        conditions += [payment.c.state == PaymentState.OPEN.value, _is_checking()]
    elif wanted.state == REFUNDED:
        conditions.append(payment.c.state.in_(_REFUNDED_STATES))
    elif wanted.state == PaymentState.OPEN.value:
        conditions += [payment.c.state == wanted.state, ~_is_checking()]
    elif wanted.state:
        conditions.append(payment.c.state == wanted.state)
    if wanted.platform:
        conditions.append(_has_attempt(attempt.c.platform == wanted.platform))
    if wanted.since is not None:
        conditions.append(payment.c.created_at >= wanted.since)
    if wanted.until is not None:
        conditions.append(payment.c.created_at < wanted.until)
    if wanted.number:
        conditions.append(_means(unit, wanted.number[:NUMBER_CHARS_MAX], wanted.order_ids[:ORDERS_MAX]))
    return conditions


def _means(unit: Unit, number: str, order_ids: Sequence[UUID]) -> Any:  # noqa: ANN401 (an SQL condition)
    """Whether a number is one of a payment's. Whole numbers only: nobody remembers the half of one."""
    of_refunds = select(refund.c.payment_id).where(
        refund.c.merchant_id == unit.merchant_id, refund.c.out_refund_no == number
    )
    own = (attempt.c.out_trade_no == number) | (attempt.c.transaction_id == number)
    return or_(_has_attempt(own), payment.c.payment_id.in_(of_refunds), payment.c.order_id.in_(order_ids))


def _has_attempt(condition: Any) -> Any:  # noqa: ANN401 (an SQL condition)
    here = (attempt.c.merchant_id == payment.c.merchant_id) & (attempt.c.payment_id == payment.c.payment_id)
    return select(literal(1)).where(here, condition).correlate(payment).exists()


def _is_checking() -> Any:  # noqa: ANN401 (an SQL condition)
    return _has_attempt(attempt.c.state.in_(_UNCLEAR))


def _refunds() -> Any:  # noqa: ANN401 (a select with a typed row would need generated types)
    on_attempt = (attempt.c.merchant_id == refund.c.merchant_id) & (attempt.c.attempt_id == refund.c.attempt_id)
    on_payment = (payment.c.merchant_id == refund.c.merchant_id) & (payment.c.payment_id == refund.c.payment_id)
    return select(refund, attempt.c.platform, payment.c.order_id).join(attempt, on_attempt).join(payment, on_payment)


def _attempt(row: Row[Any]) -> AttemptRow:
    return AttemptRow(
        attempt_id=row.attempt_id,
        connection_id=row.connection_id,
        platform=row.platform,
        method=row.method,
        out_trade_no=row.out_trade_no,
        transaction_id=row.transaction_id,
        state=row.state,
        amount=Money(row.amount_minor, row.currency),
        refusal=row.refusal or "",
        queries_count=row.queries_count,
        created_at=row.created_at,
        expires_at=row.expires_at,
        paid_at=row.paid_at,
        combined_try_id=row.combined_try_id,
    )


def _refund(row: Row[Any]) -> RefundRow:
    return RefundRow(
        refund_id=row.refund_id,
        payment_id=row.payment_id,
        order_id=row.order_id,
        platform=row.platform,
        out_refund_no=row.out_refund_no,
        state=row.state,
        cause=row.cause,
        reason=row.reason,
        actor=row.actor,
        problem=row.problem or "",
        amount=Money(row.amount_minor, row.currency),
        created_at=row.created_at,
        finished_at=row.finished_at,
    )
