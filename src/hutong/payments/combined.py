"""Combined payments: several payments that a buyer makes with one tap, or not at all.

Each part is an ordinary payment with an ordinary attempt, so that capture, refund, books and bills know nothing of
this. What binds them is kept here: which payments belong together, and at which account they are tried. Where a
combined payment stands follows from its attempts; whoever changes one of them calls :func:`settle_combined` at the end
of his transaction, after every other lock.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import reduce
from operator import add
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, func, select

from hutong.core.errors import NotFound
from hutong.core.money import Money
from hutong.db.bulk import insert_rows
from hutong.db.unit import Unit
from hutong.payments.combined_models import combined_part, combined_payment, combined_try
from hutong.payments.combined_states import COMBINED, LEADS_TO, CombinedState, state_of
from hutong.payments.models import attempt
from hutong.payments.states import AttemptState

#: A service provider combines so many at most; what an account of a wallet takes may be less.
PARTS_MIN: Final = 2
PARTS_MAX: Final = 50


class CombinedView(msgspec.Struct, frozen=True, kw_only=True):
    """What is paid with one tap."""

    combined_id: UUID
    state: CombinedState
    platform: str
    method: str
    parts_count: int
    amount: Money
    created_at: datetime


class CombinedTry(msgspec.Struct, frozen=True, kw_only=True):
    """One account's try. Its number at the wallet is ours: 32 hex digits, as of an attempt."""

    try_id: UUID
    combined_id: UUID
    connection_id: UUID
    expires_at: datetime

    @property
    def number(self) -> str:
        """Under which number the wallet knows it."""
        return self.try_id.hex


def _view(row: Row[Any]) -> CombinedView:
    return CombinedView(
        combined_id=row.combined_id,
        state=CombinedState(row.state),
        platform=row.platform,
        method=row.method,
        parts_count=row.parts_count,
        amount=Money(row.amount_minor, row.currency),
        created_at=row.created_at,
    )


def _try(row: Row[Any]) -> CombinedTry:
    return CombinedTry(
        try_id=row.try_id, combined_id=row.combined_id, connection_id=row.connection_id, expires_at=row.expires_at
    )


async def find_combined(unit: Unit, payment_ids: Collection[UUID], platform: str, method: str) -> CombinedView | None:
    """The combined payment of exactly these payments by this wallet and way, or None.

    Whoever opens one holds the checkouts of its parts: two who want the same find the same.
    """
    here = (combined_part.c.merchant_id == combined_payment.c.merchant_id) & (
        combined_part.c.combined_id == combined_payment.c.combined_id
    )
    meant = (
        select(func.count())
        .where(here, combined_part.c.payment_id.in_(list(payment_ids)))
        .correlate(combined_payment)
        .scalar_subquery()
    )
    any_part = select(combined_part.c.combined_id).where(
        combined_part.c.merchant_id == unit.merchant_id, combined_part.c.payment_id.in_(list(payment_ids))
    )
    row = await unit.one(
        select(combined_payment)
        .where(
            combined_payment.c.merchant_id == unit.merchant_id,
            combined_payment.c.combined_id.in_(any_part),
            combined_payment.c.platform == platform,
            combined_payment.c.method == method,
            combined_payment.c.parts_count == len(payment_ids),
            meant == len(payment_ids),
        )
        .order_by(combined_payment.c.created_at.desc())
        .limit(1)
    )
    return None if row is None else _view(row)


async def payments_in_order(unit: Unit, combined_id: UUID) -> list[UUID]:
    """The payments of a combined payment as they were first asked for: every try names them so."""
    rows = await unit.all(
        select(combined_part.c.payment_id)
        .where(combined_part.c.merchant_id == unit.merchant_id, combined_part.c.combined_id == combined_id)
        .order_by(combined_part.c.part_no)
    )
    return [row.payment_id for row in rows]


async def get_combined(unit: Unit, combined_id: UUID) -> CombinedView:
    """One combined payment.

    Raises:
        NotFound: not this merchant's.
    """
    row = await unit.one(
        select(combined_payment).where(
            combined_payment.c.merchant_id == unit.merchant_id, combined_payment.c.combined_id == combined_id
        )
    )
    if row is None:
        raise NotFound(what="combined payment", key=str(combined_id))
    return _view(row)


async def open_combined(unit: Unit, owed: Mapping[UUID, Money], platform: str, method: str) -> CombinedView:
    """These payments, each with what it owes, are to be paid with one tap; of one currency all of them."""
    amount = reduce(add, owed.values())
    view = CombinedView(
        combined_id=unit.new_id(),
        state=CombinedState.OPEN,
        platform=platform,
        method=method,
        parts_count=len(owed),
        amount=amount,
        created_at=unit.now(),
    )
    await unit.insert(
        combined_payment,
        combined_id=view.combined_id,
        state=view.state.value,
        platform=platform,
        method=method,
        parts_count=view.parts_count,
        amount_minor=amount.amount_minor,
        currency=amount.currency,
        created_at=view.created_at,
    )
    columns: dict[str, list[Any]] = {
        "combined_id": [view.combined_id] * len(owed),
        "part_no": list(range(1, len(owed) + 1)),
        "payment_id": list(owed),
        "amount_minor": [one.amount_minor for one in owed.values()],
    }
    await insert_rows(unit, combined_part, columns)
    return view


async def open_try(unit: Unit, combined_id: UUID, connection_id: UUID, expires_at: datetime) -> CombinedTry:
    """An account is to take them; its attempts are opened in the same transaction."""
    made = CombinedTry(
        try_id=unit.new_id(), combined_id=combined_id, connection_id=connection_id, expires_at=expires_at
    )
    await unit.insert(
        combined_try,
        try_id=made.try_id,
        combined_id=combined_id,
        connection_id=connection_id,
        created_at=unit.now(),
        expires_at=expires_at,
    )
    return made


async def get_try(unit: Unit, try_id: UUID) -> CombinedTry:
    """One try.

    Raises:
        NotFound: not this merchant's.
    """
    row = await unit.one(
        select(combined_try).where(combined_try.c.merchant_id == unit.merchant_id, combined_try.c.try_id == try_id)
    )
    if row is None:
        raise NotFound(what="attempt", key=str(try_id))
    return _try(row)


async def settle_combined(unit: Unit, try_ids: Collection[UUID]) -> None:
    """Let the combined payments of these tries stand where their attempts stand. The last lock of a transaction.

    Two who change parts of one at the same moment wait for each other here, and the later sees what both changed.
    """
    if not try_ids:
        return
    touched = select(combined_try.c.combined_id).where(
        combined_try.c.merchant_id == unit.merchant_id, combined_try.c.try_id.in_(list(try_ids))
    )
    held = await unit.all(
        select(combined_payment)
        .where(combined_payment.c.merchant_id == unit.merchant_id, combined_payment.c.combined_id.in_(touched))
        .order_by(combined_payment.c.combined_id)
        .with_for_update()
    )
    here = (attempt.c.merchant_id == combined_try.c.merchant_id) & (attempt.c.combined_try_id == combined_try.c.try_id)
    rows = await unit.all(
        select(combined_try.c.combined_id, attempt.c.payment_id, attempt.c.state)
        .join(attempt, here)
        .where(
            combined_try.c.merchant_id == unit.merchant_id,
            combined_try.c.combined_id.in_([row.combined_id for row in held]),
        )
    )
    for row in held:
        attempts = [(one.payment_id, AttemptState(one.state)) for one in rows if one.combined_id == row.combined_id]
        state = state_of(row.parts_count, attempts)
        if state.value != row.state:
            await unit.transition(combined_payment, {"combined_id": row.combined_id}, COMBINED, LEADS_TO[state])


async def settle_combined_of(unit: Unit, attempt_id: UUID) -> None:
    """:func:`settle_combined` after a change of one attempt, if it is a part at all."""
    try_id = await unit.scalar(
        select(attempt.c.combined_try_id).where(
            attempt.c.merchant_id == unit.merchant_id, attempt.c.attempt_id == attempt_id
        )
    )
    await settle_combined(unit, [] if try_id is None else [try_id])
