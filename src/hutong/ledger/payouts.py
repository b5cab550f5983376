"""Paying commissions: what the wallet shared, what was paid outside it, what was taken back, and debts that are netted.

The books follow each payment: what a party is owed goes down, and so does the wallet that shared, or the account of
payments outside it. Every change of what is settled is a row of the journal ``commission_move``, once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Row, func, select, update

from hutong.core.errors import Conflict, InvalidInput
from hutong.core.money import Money, allocate
from hutong.db.unit import Unit
from hutong.ledger.accounts import CLEARING_OUTSIDE, party_path, wallet_path
from hutong.ledger.batches import Batch, Leg
from hutong.ledger.commission_queries import is_outside, owed_minor
from hutong.ledger.commission_states import CommissionState
from hutong.ledger.commissions import mark_settled
from hutong.ledger.parties import get_party
from hutong.ledger.posting import lock_chain
from hutong.ledger.refusals import OutsidePaymentTooLarge
from hutong.ledger.service import post
from hutong.ledger.split_events import CommissionSettled
from hutong.ledger.split_models import commission, commission_move, outside_payment
from hutong.merchants.actors import Actor, write_down

SHARE: Final = "share"
TAKE_BACK: Final = "take_back"
PAYOUT: Final = "payout"
#: What the batches are about: not the order's own figures, which stay sale and refunds.
SETTLEMENT: Final = "settlement"
REFERENCE_CHARS_MAX: Final = 100
PAGE_ROWS_MAX: Final = 200
#: Commissions of one party that one payment may reach.
ROWS_MAX: Final = 5_000


class MoveKind(StrEnum):
    """How what is settled of a commission changed."""

    SHARED = "shared"
    OUTSIDE = "outside"
    TAKEN_BACK = "taken_back"
    NETTED = "netted"


class OutsideReason(StrEnum):
    """Why the wallet does not carry what is due. Where the wallet itself refused, its own code stands instead."""

    NOT_FROZEN = "not_frozen"  # the order was opened without asking the wallet to freeze its money
    NO_RECEIVER = "no_receiver"  # the party has no account at this wallet
    RATIO = "ratio"  # beyond the part of an order that the wallet carries
    REQUESTS = "requests"  # beyond the number of requests or receivers that it takes
    WINDOW_OVER = "window_over"  # the freeze ended by itself
    FINISHED = "finished"  # the order was unfrozen before
    TAKEN_BACK = "taken_back"


class OutsidePayment(msgspec.Struct, frozen=True, kw_only=True):
    """A payment outside the wallet, as it was written down."""

    outside_payment_id: UUID
    party_id: UUID
    amount: Money
    paid_by: str
    reference: str
    paid_at: datetime


async def net_debts(unit: Unit, party_id: UUID, currency: str, against: ColumnElement[bool]) -> int:
    """Set what a party owes back off against commissions that are due; how much. Both sides keep their line."""
    debts = [[row, -row.owed_minor] for row in await _rows(unit, party_id, currency, owed_minor() < 0)]
    if not debts:
        return 0
    netted_minor = 0
    for row in await _rows(unit, party_id, currency, against):
        left_minor = row.owed_minor
        for debt in debts:
            part_minor = min(left_minor, debt[1])
            if part_minor <= 0:
                continue
            reference = str(unit.new_id())  # ties the two sides together
            await _move(unit, row, MoveKind.NETTED, part_minor, reference)
            await _move(unit, debt[0], MoveKind.NETTED, -part_minor, reference)
            debt[1] -= part_minor
            left_minor -= part_minor
            netted_minor += part_minor
    return netted_minor


async def net_order_debts(unit: Unit, party_id: UUID, currency: str, order_id: UUID) -> int:
    """Set a party's debts off against what one order is about to pay it through the wallet."""
    due = (commission.c.order_id == order_id) & (commission.c.state == CommissionState.CONFIRMED.value)
    return await net_debts(unit, party_id, currency, due & commission.c.outside_reason.is_(None))


class Paid(msgspec.Struct, frozen=True, kw_only=True):
    """Money of an order that a wallet moved between the merchant and a party, under the wallet request's number."""

    number: str
    party_id: UUID
    order_id: UUID
    connection_id: UUID
    platform: str
    amount: Money


async def record_shared(unit: Unit, paid: Paid) -> None:
    """The wallet paid a party's part of an order. What refunds clawed back since the request becomes a debt."""
    rows = await _rows(unit, paid.party_id, paid.amount.currency, commission.c.order_id == paid.order_id)
    left_minor = paid.amount.amount_minor
    parts: dict[UUID, int] = {}
    for row in rows:
        parts[row.commission_id] = min(left_minor, max(0, row.owed_minor))
        left_minor -= parts[row.commission_id]
    for row in rows:
        more_minor = min(left_minor, row.amount_minor - row.settled_minor - parts[row.commission_id])
        parts[row.commission_id] += more_minor
        left_minor -= more_minor
    for row in rows:
        if parts[row.commission_id]:
            await _move(unit, row, MoveKind.SHARED, parts[row.commission_id], paid.number)
    other = wallet_path(paid.platform, paid.connection_id)
    await _post(unit, f"share:{paid.number}:{paid.party_id}", SHARE, paid, other, paid.amount)


async def record_taken_back(unit: Unit, paid: Paid) -> None:
    """The wallet took a share back: what was overpaid first, then in proportion to what was paid."""
    rows = await _rows(unit, paid.party_id, paid.amount.currency, commission.c.order_id == paid.order_id)
    left_minor = paid.amount.amount_minor
    parts: dict[UUID, int] = {}
    for row in rows:
        parts[row.commission_id] = min(left_minor, row.settled_minor, max(0, -row.owed_minor))
        left_minor -= parts[row.commission_id]
    weights = [row.settled_minor - parts[row.commission_id] for row in rows]
    if left_minor and any(weights):
        for row, more_minor in zip(rows, allocate(min(left_minor, sum(weights)), weights), strict=True):
            parts[row.commission_id] += more_minor
    for row in rows:
        if parts[row.commission_id]:
            await _move(unit, row, MoveKind.TAKEN_BACK, -parts[row.commission_id], paid.number)
    other = wallet_path(paid.platform, paid.connection_id)
    await _post(unit, f"take_back:{paid.number}", TAKE_BACK, paid, other, -paid.amount)


async def due_outside_minor(unit: Unit, party_id: UUID, currency: str) -> int:
    """What is payable to a party outside the wallet, after what it owes back."""
    statement = select(func.coalesce(func.sum(owed_minor()), 0)).where(
        commission.c.merchant_id == unit.merchant_id,
        commission.c.party_id == party_id,
        commission.c.currency == currency,
    )
    outside = int(await unit.scalar(statement.where(is_outside())) or 0)
    debts = int(await unit.scalar(statement.where(owed_minor() < 0)) or 0)
    return max(0, outside + debts)


async def record_outside_payment(
    unit: Unit, actor: Actor, *, party_id: UUID, amount: Money, paid_by: str, paid_at: datetime, reference: str
) -> UUID:
    """The merchant paid a party outside the wallet: who paid, when, and under which reference. Oldest sales first.

    Raises:
        Forbidden: the role or key does not allow it.
        NotFound: no such party.
        OutsidePaymentTooLarge: more than is payable there.
        Conflict: this reference of the party is recorded already.
    """
    actor.require_payouts()
    await lock_chain(unit)  # two who record at once must see each other
    await get_party(unit, party_id)
    if not 0 < len(reference.strip()) <= REFERENCE_CHARS_MAX or not 0 < len(paid_by.strip()) <= REFERENCE_CHARS_MAX:
        raise InvalidInput(field="reference, paid_by", problem=f"1–{REFERENCE_CHARS_MAX}")
    if paid_at.tzinfo is None or amount.amount_minor <= 0:
        raise InvalidInput(field="paid_at, amount", problem="> 0")
    due_minor = await due_outside_minor(unit, party_id, amount.currency)
    if amount.amount_minor > due_minor:
        raise OutsidePaymentTooLarge(amount_minor=amount.amount_minor, due_minor=due_minor)
    payment_id = unit.new_id()
    fresh = await unit.insert_once(
        outside_payment,
        outside_payment_id=payment_id,
        party_id=party_id,
        amount_minor=amount.amount_minor,
        currency=amount.currency,
        paid_by=paid_by.strip(),
        reference=reference.strip(),
        paid_at=paid_at,
        recorded_at=unit.now(),
    )
    if not fresh:
        raise Conflict(what="reference")
    await net_debts(unit, party_id, amount.currency, is_outside())
    left_minor = amount.amount_minor
    for row in await _rows(unit, party_id, amount.currency, is_outside()):
        part_minor = min(left_minor, row.owed_minor)
        if part_minor > 0:
            await _move(unit, row, MoveKind.OUTSIDE, part_minor, str(payment_id))
            left_minor -= part_minor
    legs = (Leg(party_path(party_id), amount), Leg(CLEARING_OUTSIDE, -amount))
    await post(
        unit,
        Batch(
            idempotency_key=f"payout:{payment_id}",
            kind=PAYOUT,
            subject_kind="party",
            subject_id=party_id,
            event_at=paid_at,
            legs=legs,
        ),
    )
    await write_down(unit, actor, "payout.record", f"outside_payment:{payment_id}")
    return payment_id


async def outside_payments(
    unit: Unit, party_id: UUID | None = None, *, limit: int, offset: int = 0
) -> tuple[OutsidePayment, ...]:
    """What was paid outside the wallet, the latest first; of one party or of all."""
    conditions = [outside_payment.c.merchant_id == unit.merchant_id]
    if party_id is not None:
        conditions.append(outside_payment.c.party_id == party_id)
    page = (
        select(outside_payment)
        .where(*conditions)
        .order_by(outside_payment.c.paid_at.desc(), outside_payment.c.outside_payment_id.desc())
        .limit(min(limit, PAGE_ROWS_MAX))
        .offset(offset)
    )
    return tuple(
        OutsidePayment(
            outside_payment_id=row.outside_payment_id,
            party_id=row.party_id,
            amount=Money(row.amount_minor, row.currency),
            paid_by=row.paid_by,
            reference=row.reference,
            paid_at=row.paid_at,
        )
        for row in await unit.all(page)
    )


async def stand_outside(unit: Unit, commission_ids: Iterable[UUID], reason: str) -> None:
    """What is still due of these commissions is not carried by the wallet, and why."""
    await unit.run(
        update(commission)
        .where(commission.c.merchant_id == unit.merchant_id, commission.c.commission_id.in_(list(commission_ids)))
        .where(commission.c.state == CommissionState.CONFIRMED.value, commission.c.outside_reason.is_(None))
        .values(outside_reason=reason)
    )


async def _rows(unit: Unit, party_id: UUID, currency: str, condition: ColumnElement[bool]) -> Sequence[Row[Any]]:
    """Commissions of a party, locked, the oldest sale first."""
    statement = (
        select(commission, owed_minor().label("owed_minor"))
        .where(commission.c.merchant_id == unit.merchant_id, commission.c.party_id == party_id)
        .where(commission.c.currency == currency, condition)
        .order_by(commission.c.paid_at, commission.c.commission_id)
        .limit(ROWS_MAX)
        .with_for_update()
    )
    return await unit.all(statement)


async def _move(unit: Unit, row: Row[Any], kind: MoveKind, amount_minor: int, reference: str) -> None:
    """Change what is settled of a commission, with its line in the journal, its event and its state."""
    await unit.insert(
        commission_move,
        move_id=unit.new_id(),
        commission_id=row.commission_id,
        kind=kind.value,
        amount_minor=amount_minor,
        reference=reference,
        moved_at=unit.now(),
    )
    changed = await unit.one(
        update(commission)
        .where(commission.c.merchant_id == unit.merchant_id, commission.c.commission_id == row.commission_id)
        .values(settled_minor=commission.c.settled_minor + amount_minor)
        .returning(commission, owed_minor().label("owed_minor"))
    )
    assert changed is not None, "the row is locked"
    if changed.owed_minor <= 0 and changed.state == CommissionState.CONFIRMED.value:
        await mark_settled(unit, row.commission_id)
    unit.emit(
        CommissionSettled(
            commission_id=row.commission_id,
            order_id=row.order_id,
            party_id=row.party_id,
            how=kind.value,
            amount_minor=amount_minor,
            currency=row.currency,
            settled_at=unit.now(),
        )
    )


async def _post(unit: Unit, key: str, kind: str, paid: Paid, other: str, amount: Money) -> None:
    """The party is owed less by ``amount`` (below zero: more), and the other account pays it."""
    await post(
        unit,
        Batch(
            idempotency_key=key,
            kind=kind,
            subject_kind=SETTLEMENT,
            subject_id=paid.order_id,
            event_at=unit.now(),
            legs=(Leg(party_path(paid.party_id), amount), Leg(other, -amount)),
        ),
    )
