"""What we know ourselves of the numbers in a wallet's bill, and of a day that it should tell of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, Select, and_, literal, select

from hutong.core.ids import first_id
from hutong.core.money import Money
from hutong.db.unit import Unit
from hutong.payments.bill_matching import Ours, Standing
from hutong.payments.bill_models import bill_row
from hutong.payments.models import attempt, payment, refund
from hutong.payments.refunds import REQUESTED
from hutong.payments.states import AttemptState, RefundState
from hutong.platforms.bills import BillKind, day_bounds

#: An attempt is paid within days of its making, a refund done within weeks: older ids need not be looked at.
ATTEMPT_AGE_MAX: Final = timedelta(days=40)
REFUND_AGE_MAX: Final = timedelta(days=90)
#: Of one day and account that no bill tells of. More is no list for a person; the count says so.
MISSING_MAX: Final = 20_000
_STANDINGS: Final[dict[str, Standing]] = {
    AttemptState.PAID.value: Standing.DONE,
    AttemptState.REVERSED.value: Standing.UNDONE,
    AttemptState.REVERSING.value: Standing.UNDONE,
    RefundState.SUCCEEDED.value: Standing.DONE,
    RefundState.CREATED.value: Standing.MOVING,
    RefundState.UNKNOWN.value: Standing.MOVING,
    RefundState.SENT.value: Standing.MOVING,
    RefundState.ABNORMAL.value: Standing.MOVING,
}


def is_money(state: AttemptState) -> bool:
    """Whether money moved for an attempt in this state, as far as we know."""
    return _STANDINGS.get(state.value, Standing.NEVER) is not Standing.NEVER


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt or a refund, as far as a bill can speak of it. ``is_kept``: not surplus that goes back by itself."""

    kind: BillKind
    number: str
    subject_id: UUID
    payment_id: UUID
    order_id: UUID
    wallet_no: str
    amount: Money
    standing: Standing
    is_kept: bool
    is_part: bool = False

    def ours(self, fee: Money | None) -> Ours:
        """As it is held against a row."""
        return Ours(
            payment_id=self.payment_id, amount=self.amount, standing=self.standing, fee=fee, is_part=self.is_part
        )


async def trades_numbered(unit: Unit, platform: str, numbers: Sequence[str]) -> dict[str, Record]:
    """The attempts at a wallet with these numbers of ours, by whichever connection.

    One account may be connected more than once (for its official account and its mini-program): its one bill tells of
    all of them, and our numbers are our own at every account.
    """
    here = (attempt.c.platform == platform) & attempt.c.out_trade_no.in_(numbers)
    rows = await unit.all(_trades(unit).where(here).limit(len(numbers)))
    return {row.number: _trade(row) for row in rows}


async def refunds_numbered(unit: Unit, platform: str, numbers: Sequence[str]) -> dict[str, Record]:
    """The refunds at a wallet with these numbers of ours, by whichever connection."""
    here = (attempt.c.platform == platform) & refund.c.out_refund_no.in_(numbers)
    rows = await unit.all(_refunds(unit).where(here).limit(len(numbers)))
    return {row.number: _refund(row) for row in rows}


async def took_money(unit: Unit, connection_id: UUID, day: date) -> bool:
    """Whether a wallet account took or gave back anything on a day, as far as we know."""
    for statement in (_trades_of(unit, connection_id, day), _refunds_of(unit, connection_id, day)):
        if await unit.one(statement.limit(1)) is not None:
            return True
    return False


async def in_no_bill(unit: Unit, connection_id: UUID, day: date) -> list[Record]:
    """What a wallet account took and gave back on a day, and no row of any of its bills tells of."""
    trades = _trades_of(unit, connection_id, day).where(
        ~_told(unit, connection_id, BillKind.TRADE, attempt.c.out_trade_no, attempt)
    )
    refunds = _refunds_of(unit, connection_id, day).where(
        ~_told(unit, connection_id, BillKind.REFUND, refund.c.out_refund_no, refund)
    )
    found = [_trade(row) for row in await unit.all(trades.order_by(attempt.c.attempt_id).limit(MISSING_MAX))]
    return found + [_refund(row) for row in await unit.all(refunds.order_by(refund.c.refund_id).limit(MISSING_MAX))]


def _trades_of(unit: Unit, connection_id: UUID, day: date) -> Select[Any]:
    since, until = day_bounds(day)
    return _trades(unit).where(
        attempt.c.connection_id == connection_id,
        attempt.c.attempt_id.between(first_id(since - ATTEMPT_AGE_MAX), first_id(until)),
        attempt.c.state == AttemptState.PAID.value,
        attempt.c.paid_at >= since,
        attempt.c.paid_at < until,
    )


def _refunds_of(unit: Unit, connection_id: UUID, day: date) -> Select[Any]:
    since, until = day_bounds(day)
    return _refunds(unit).where(
        attempt.c.connection_id == connection_id,
        refund.c.refund_id.between(first_id(since - REFUND_AGE_MAX), first_id(until)),
        refund.c.state == RefundState.SUCCEEDED.value,
        refund.c.finished_at >= since,
        refund.c.finished_at < until,
    )


def _told(unit: Unit, connection_id: UUID, kind: BillKind, number: Any, outer: Any) -> Any:  # noqa: ANN401 (SQL)
    return (
        select(literal(1))
        .where(
            bill_row.c.merchant_id == unit.merchant_id,
            bill_row.c.connection_id == connection_id,
            bill_row.c.kind == kind.value,
            bill_row.c.number == number,
        )
        .correlate(outer)
        .exists()
    )


def _trades(unit: Unit) -> Select[Any]:
    on_payment = and_(payment.c.merchant_id == attempt.c.merchant_id, payment.c.payment_id == attempt.c.payment_id)
    return (
        select(
            attempt.c.out_trade_no.label("number"),
            attempt.c.attempt_id,
            attempt.c.payment_id,
            attempt.c.transaction_id,
            attempt.c.amount_minor,
            attempt.c.currency,
            attempt.c.state,
            payment.c.order_id,
            payment.c.captured_attempt_id,
        )
        .join(payment, on_payment)
        .where(attempt.c.merchant_id == unit.merchant_id)
    )


def _refunds(unit: Unit) -> Select[Any]:
    on_attempt = and_(attempt.c.merchant_id == refund.c.merchant_id, attempt.c.attempt_id == refund.c.attempt_id)
    on_payment = and_(payment.c.merchant_id == refund.c.merchant_id, payment.c.payment_id == refund.c.payment_id)
    return (
        select(
            refund.c.out_refund_no.label("number"),
            refund.c.refund_id,
            refund.c.payment_id,
            refund.c.platform_refund_id,
            refund.c.amount_minor,
            refund.c.currency,
            refund.c.state,
            refund.c.cause,
            payment.c.order_id,
            attempt.c.amount_minor.label("paid_minor"),
        )
        .join(attempt, on_attempt)
        .join(payment, on_payment)
        .where(refund.c.merchant_id == unit.merchant_id)
    )


def _trade(row: Row[Any]) -> Record:
    return Record(
        kind=BillKind.TRADE,
        number=row.number,
        subject_id=row.attempt_id,
        payment_id=row.payment_id,
        order_id=row.order_id,
        wallet_no=row.transaction_id or "",
        amount=Money(row.amount_minor, row.currency),
        standing=_STANDINGS.get(row.state, Standing.NEVER),
        is_kept=row.attempt_id == row.captured_attempt_id,
    )


def _refund(row: Row[Any]) -> Record:
    return Record(
        kind=BillKind.REFUND,
        number=row.number,
        subject_id=row.refund_id,
        payment_id=row.payment_id,
        order_id=row.order_id,
        wallet_no=row.platform_refund_id or "",
        amount=Money(row.amount_minor, row.currency),
        standing=_STANDINGS.get(row.state, Standing.NEVER),
        is_kept=row.cause == REQUESTED,
        is_part=row.amount_minor < row.paid_minor,
    )
