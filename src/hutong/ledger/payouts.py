"""Paying commissions: what the wallet shared, what was paid outside it, what was taken back, and debts that are netted.

The books follow each payment: what a party is owed goes down, and so does the wallet that shared, or the account of
payments outside it. Every change of what is settled is a row of the journal ``commission_move``, once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Row, and_, func, select, update

from hutong.core.errors import Conflict, InvalidInput, NotFound
from hutong.core.money import Money, allocate
from hutong.db.unit import Unit
from hutong.ledger.accounts import CLEARING_OUTSIDE, party_path, wallet_path
from hutong.ledger.batches import Batch, Leg
from hutong.ledger.commission_queries import is_outside, owed_minor
from hutong.ledger.commission_states import COMMISSION, CommissionEvent, CommissionState
from hutong.ledger.commissions import mark_settled
from hutong.ledger.parties import get_party
from hutong.ledger.payout_queries import (
    ROWS_MAX,
    MoveKind,
    PayoutMethod,
    due_outside_minor,
    is_relied_on,
    one_outside_payment,
    parts_of,
)
from hutong.ledger.posting import lock_chain
from hutong.ledger.refusals import OutsidePaymentTooLarge, PayoutRelied, PayoutUndone
from hutong.ledger.service import post
from hutong.ledger.split_events import CommissionSettled
from hutong.ledger.split_models import commission, commission_move, outside_payment, outside_payment_undo
from hutong.merchants.actors import Actor, write_down

SHARE: Final = "share"
TAKE_BACK: Final = "take_back"
PAYOUT: Final = "payout"
PAYOUT_UNDO: Final = "payout_undo"
#: What the batches are about: not the order's own figures, which stay sale and refunds.
SETTLEMENT: Final = "settlement"
REFERENCE_CHARS_MAX: Final = 100
NOTE_CHARS_MAX: Final = 200
REASON_CHARS_MAX: Final = 200
#: Whoever records a payment may have a clock that is a little ahead.
CLOCKS_APART_MAX: Final = timedelta(minutes=5)


class OutsideReason(StrEnum):
    """Why the wallet does not carry what is due. Where the wallet itself refused, its own code stands instead."""

    NOT_FROZEN = "not_frozen"  # the order was opened without asking the wallet to freeze its money
    NO_RECEIVER = "no_receiver"  # the party has no account at this wallet
    RATIO = "ratio"  # beyond the part of an order that the wallet carries
    REQUESTS = "requests"  # beyond the number of requests or receivers that it takes
    WINDOW_OVER = "window_over"  # the freeze ended by itself
    FINISHED = "finished"  # the order was unfrozen before
    TAKEN_BACK = "taken_back"
    PAYOUT_UNDONE = "payout_undone"  # it had been paid outside, and that was undone


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
    await lock_chain(unit)  # what then stands outside or was shared is written in the same transaction
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
    await lock_chain(unit)  # before the commissions, as everybody who records a payment does
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
    await lock_chain(unit)  # before the commissions, as everybody who records a payment does
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


async def record_outside_payment(
    unit: Unit,
    actor: Actor,
    *,
    party_id: UUID,
    amount: Money,
    paid_by: str,
    paid_at: datetime,
    reference: str,
    method: str = "",
    note: str = "",
    payment_id: UUID | None = None,
) -> UUID:
    """The merchant paid a party outside the wallet: who paid, when, how, and under which reference. Oldest sales first.

    ``payment_id``: of a form that may be sent twice; the second one has no effect.

    Raises:
        Forbidden: the role or key does not allow it.
        NotFound: no such party.
        OutsidePaymentTooLarge: more than is payable there.
        Conflict: this reference of the party is recorded already, or the id was used for something else.
        PayoutUndone: the payment of this id was undone.
    """
    actor.require_payouts()
    await lock_chain(unit)  # two who record at once must see each other
    await get_party(unit, party_id)
    told = {"paid_by": paid_by.strip(), "reference": reference.strip(), "method": method, "note": note.strip()}
    _refuse_unless_fit(unit, amount, paid_at, told)
    payment_id = payment_id or unit.new_id()
    known = await one_outside_payment(unit, payment_id)
    if known is not None:
        facts = {"party_id": party_id, "amount": amount, "paid_at": paid_at, **told}
        if any(getattr(known, name) != value for name, value in facts.items()):
            raise Conflict(what="reference")
        if known.undone_at is not None:
            raise PayoutUndone
        return payment_id
    due_minor = await due_outside_minor(unit, party_id, amount.currency)
    if amount.amount_minor > due_minor:
        raise OutsidePaymentTooLarge(amount_minor=amount.amount_minor, due_minor=due_minor)
    fresh = await unit.insert_once(
        outside_payment,
        outside_payment_id=payment_id,
        party_id=party_id,
        amount_minor=amount.amount_minor,
        currency=amount.currency,
        paid_at=paid_at,
        recorded_at=unit.now(),
        undone_before=await _undone_before(unit, party_id, told["reference"]),
        **told,
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
    if left_minor:  # more commissions than one payment may reach
        raise OutsidePaymentTooLarge(amount_minor=amount.amount_minor, due_minor=amount.amount_minor - left_minor)
    await _post_outside(unit, f"payout:{payment_id}", PAYOUT, party_id, amount, paid_at)
    await write_down(unit, actor, "payout.record", f"outside_payment:{payment_id}")
    return payment_id


async def undo_outside_payment(unit: Unit, actor: Actor, payment_id: UUID, reason: str) -> None:
    """A payment was recorded by mistake: a reversing posting, once; what it settled is payable again.

    Raises:
        Forbidden: the role or key does not allow it.
        NotFound: no such payment.
        InvalidInput: no reason, or too long a one.
        PayoutUndone: it was undone before.
        PayoutRelied: what it settled was set off or taken back since.
    """
    actor.require_payouts()
    await lock_chain(unit)  # whoever pays, nets or takes back in between is seen
    payment = await one_outside_payment(unit, payment_id)
    if payment is None:
        raise NotFound(what="payout", key=str(payment_id))
    if not 0 < len(reason.strip()) <= REASON_CHARS_MAX:
        raise InvalidInput(field="reason", problem=f"1–{REASON_CHARS_MAX}")
    undo = {"outside_payment_id": payment_id, "reason": reason.strip()}
    if not await unit.insert_once(outside_payment_undo, **undo, undone_by=actor.name, undone_at=unit.now()):
        raise PayoutUndone
    parts = await parts_of(unit, payment_id)
    rows = await _rows(unit, payment.party_id, payment.amount.currency, commission.c.commission_id.in_(parts))
    if await is_relied_on(unit, payment):
        raise PayoutRelied
    for row in rows:
        await _move(unit, row, MoveKind.UNDONE, -parts[row.commission_id], str(payment_id))
    await _post_outside(unit, f"payout_undo:{payment_id}", PAYOUT_UNDO, payment.party_id, -payment.amount, unit.now())
    await write_down(unit, actor, "payout.undo", f"outside_payment:{payment_id}")


async def stand_outside(unit: Unit, commission_ids: Iterable[UUID], reason: str) -> None:
    """What is still due of these commissions is not carried by the wallet, and why."""
    await lock_chain(unit)  # the same transaction may go on to record what was shared
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
    elif kind is MoveKind.UNDONE and changed.owed_minor > 0 and changed.state == CommissionState.SETTLED.value:
        key, reason = {"commission_id": row.commission_id}, OutsideReason.PAYOUT_UNDONE.value
        await unit.transition(commission, key, COMMISSION, CommissionEvent.REOPEN, outside_reason=reason)
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


async def _post_outside(unit: Unit, key: str, kind: str, party_id: UUID, amount: Money, event_at: datetime) -> None:
    """The party is owed less by ``amount`` (below zero: more), and the account of payments outside pays it."""
    await post(
        unit,
        Batch(
            idempotency_key=key,
            kind=kind,
            subject_kind="party",
            subject_id=party_id,
            event_at=event_at,
            legs=(Leg(party_path(party_id), amount), Leg(CLEARING_OUTSIDE, -amount)),
        ),
    )


def _refuse_unless_fit(unit: Unit, amount: Money, paid_at: datetime, told: Mapping[str, str]) -> None:
    """Stop what nobody can mean: no reference, nothing paid, a time to come."""
    for field in ("reference", "paid_by"):
        if not 0 < len(told[field]) <= REFERENCE_CHARS_MAX:
            raise InvalidInput(field="reference, paid_by", problem=f"1–{REFERENCE_CHARS_MAX}")
    if told["method"] and told["method"] not in set(PayoutMethod):
        raise InvalidInput(field="method", problem=", ".join(PayoutMethod))
    if len(told["note"]) > NOTE_CHARS_MAX:
        raise InvalidInput(field="note", problem=f"0–{NOTE_CHARS_MAX}")
    if paid_at.tzinfo is None or amount.amount_minor <= 0:
        raise InvalidInput(field="paid_at, amount", problem="> 0")
    if paid_at > unit.now() + CLOCKS_APART_MAX:
        raise InvalidInput(field="paid_at", problem="≤ now")


async def _undone_before(unit: Unit, party_id: UUID, reference: str) -> int:
    """How often this reference of the party was recorded and undone."""
    undone = and_(
        outside_payment_undo.c.merchant_id == outside_payment.c.merchant_id,
        outside_payment_undo.c.outside_payment_id == outside_payment.c.outside_payment_id,
    )
    statement = (
        select(func.count())
        .select_from(outside_payment.join(outside_payment_undo, undone))
        .where(outside_payment.c.merchant_id == unit.merchant_id, outside_payment.c.party_id == party_id)
        .where(outside_payment.c.reference == reference)
    )
    return int(await unit.scalar(statement) or 0)
