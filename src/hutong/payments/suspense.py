"""Money in suspense: a sum that a wallet spoke of and that fits no payment, told once, decided on once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, Select, or_, select, update

from hutong.core.errors import InvalidInput, NotFound
from hutong.core.money import Money
from hutong.db.unit import Unit
from hutong.merchants.tickets import reopen_ticket
from hutong.payments.events import SuspenseDecided, SuspenseReturned
from hutong.payments.models import payment
from hutong.payments.states import SUSPENSE, SuspenseEvent, SuspenseState
from hutong.payments.suspense_models import suspense

REASON_CHARS_MAX: Final = 500
#: Sums told of one number at one account.
ROUNDS_MAX: Final = 100


class Decision(StrEnum):
    """What a person can do with it."""

    TAKE = "take"  # as the payment of its order
    SEND_BACK = "send_back"  # through the wallet, to whoever paid
    WRITE_OFF = "write_off"  # to an account of its own, with a reason


_EVENTS: Final = {
    Decision.TAKE: SuspenseEvent.TAKE,
    Decision.SEND_BACK: SuspenseEvent.SEND_BACK,
    Decision.WRITE_OFF: SuspenseEvent.WRITE_OFF,
}


class SuspenseView(msgspec.Struct, frozen=True, kw_only=True):
    """A sum in suspense. ``expected``: what was asked for under its number; None where the number is none of ours."""

    suspense_id: UUID
    ticket_id: UUID
    connection_id: UUID
    platform: str
    number: str
    transaction_id: str
    round_no: int
    field: str
    attempt_id: UUID | None
    payment_id: UUID | None
    order_id: UUID | None
    amount: Money
    expected: Money | None
    state: SuspenseState
    is_proved: bool | None
    actor: str
    reason: str
    refund_id: UUID | None
    opened_at: datetime
    decided_at: datetime | None
    ended_at: datetime | None

    @property
    def decision(self) -> Decision | None:
        """What was decided, or None."""
        return {
            SuspenseState.TAKEN: Decision.TAKE,
            SuspenseState.RETURNING: Decision.SEND_BACK,
            SuspenseState.RETURNED: Decision.SEND_BACK,
            SuspenseState.WRITTEN_OFF: Decision.WRITE_OFF,
        }.get(self.state)

    @property
    def never_came(self) -> bool:
        """Whether it was written off because the wallet did not have it."""
        return self.state is SuspenseState.WRITTEN_OFF and not self.is_proved


async def add_suspense(unit: Unit, view: SuspenseView) -> bool:
    """Write a sum down; False where it is known already."""
    return await unit.insert_once(
        suspense,
        suspense_id=view.suspense_id,
        ticket_id=view.ticket_id,
        connection_id=view.connection_id,
        platform=view.platform,
        number=view.number,
        transaction_id=view.transaction_id,
        round_no=view.round_no,
        field=view.field,
        attempt_id=view.attempt_id,
        payment_id=view.payment_id,
        order_id=view.order_id,
        amount_minor=view.amount.amount_minor,
        currency=view.amount.currency,
        expected_minor=None if view.expected is None else view.expected.amount_minor,
        expected_currency=None if view.expected is None else view.expected.currency,
        state=view.state.value,
        opened_at=view.opened_at,
    )


async def point_to_ticket(unit: Unit, suspense_id: UUID, ticket_id: UUID) -> None:
    """The ticket that was there before is this sum's."""
    here = (suspense.c.merchant_id == unit.merchant_id) & (suspense.c.suspense_id == suspense_id)
    await unit.run(update(suspense).where(here).values(ticket_id=ticket_id))


async def same_money(
    unit: Unit, connection_id: UUID, number: str, amount: Money, transaction_id: str
) -> SuspenseView | None:
    """The last time this money was told of, whatever was decided since; before that, what nobody has decided on.

    A wallet takes one order's money once: the same sum under the same number is the same money, unless the wallet's
    own numbers say otherwise.
    """
    statement = _all(unit).where(
        suspense.c.connection_id == connection_id,
        suspense.c.number == number,
        suspense.c.amount_minor == amount.amount_minor,
        suspense.c.currency == amount.currency,
    )
    if transaction_id:
        statement = statement.where(or_(suspense.c.transaction_id == transaction_id, suspense.c.transaction_id == ""))
    is_open = suspense.c.state == SuspenseState.OPEN.value
    row = await unit.one(statement.order_by(is_open.desc(), suspense.c.round_no.desc()).limit(1))
    return None if row is None else _view(row)


async def get_suspense(unit: Unit, suspense_id: UUID, *, lock: bool = False) -> SuspenseView:
    """One sum, as it stands now; ``lock``: nobody else decides until the end of the transaction.

    Raises:
        NotFound: not this merchant's.
    """
    statement = _all(unit).where(suspense.c.suspense_id == suspense_id)
    row = await unit.one(statement.with_for_update() if lock else statement)
    if row is None:
        raise NotFound(what="suspense", key=str(suspense_id))
    return _view(row)


async def suspense_of_ticket(unit: Unit, ticket_id: UUID) -> SuspenseView | None:
    """The sum that a ticket is about; None where it is about something else."""
    row = await unit.one(_all(unit).where(suspense.c.ticket_id == ticket_id))
    return None if row is None else _view(row)


async def paid_otherwise(unit: Unit, orders: Mapping[UUID, UUID]) -> frozenset[UUID]:
    """Of tickets, each with its order, those whose order was paid, though not with the sum that the ticket is about."""
    if not orders:
        return frozenset()
    captured = select(payment.c.order_id).where(
        payment.c.merchant_id == unit.merchant_id,
        payment.c.order_id.in_(orders.values()),
        payment.c.captured_attempt_id.is_not(None),
    )
    taken = select(suspense.c.ticket_id).where(
        suspense.c.merchant_id == unit.merchant_id,
        suspense.c.ticket_id.in_(orders),
        suspense.c.state == SuspenseState.TAKEN.value,
    )
    paid = {row.order_id for row in await unit.all(captured)}
    own = {row.ticket_id for row in await unit.all(taken)}
    return frozenset(ticket_id for ticket_id, order_id in orders.items() if order_id in paid and ticket_id not in own)


async def end_suspense(
    unit: Unit,
    view: SuspenseView,
    decision: Decision,
    *,
    is_proved: bool,
    actor: str,
    reason: str,
    refund_id: UUID | None = None,
) -> bool:
    """Write a decision down and tell it; False where somebody decided before."""
    now = unit.now()
    ended = {} if decision is Decision.SEND_BACK else {"ended_at": now}
    moved = await unit.transition(
        suspense,
        {"suspense_id": view.suspense_id},
        SUSPENSE,
        _EVENTS[decision],
        is_proved=is_proved,
        actor=actor,
        reason=reason,
        refund_id=refund_id,
        decided_at=now,
        **ended,
    )
    if moved:
        unit.emit(
            SuspenseDecided(
                suspense_id=view.suspense_id,
                connection_id=view.connection_id,
                platform=view.platform,
                out_trade_no=view.number,
                attempt_id=view.attempt_id,
                payment_id=view.payment_id,
                order_id=view.order_id,
                refund_id=refund_id,
                decision=decision.value,
                is_proved=is_proved,
                amount_minor=view.amount.amount_minor,
                currency=view.amount.currency,
                decided_at=now,
            )
        )
    return moved


async def suspense_returned(unit: Unit, refund_id: UUID, returned_at: datetime) -> None:
    """The refund of a sum in suspense reached its end: now it is out of suspense."""
    view = await _of_refund(unit, refund_id)
    key = {"suspense_id": view.suspense_id}
    if await unit.transition(suspense, key, SUSPENSE, SuspenseEvent.RETURN, ended_at=unit.now()):
        assert view.attempt_id is not None, "what goes back through a wallet came by a try of ours"
        unit.emit(
            SuspenseReturned(
                suspense_id=view.suspense_id,
                refund_id=refund_id,
                attempt_id=view.attempt_id,
                order_id=view.order_id,
                connection_id=view.connection_id,
                platform=view.platform,
                amount_minor=view.amount.amount_minor,
                currency=view.amount.currency,
                returned_at=returned_at,
            )
        )


async def suspense_stayed(unit: Unit, refund_id: UUID) -> None:
    """The wallet refused the refund for good, nothing went back: the sum is on the desk again."""
    view = await _of_refund(unit, refund_id)
    if await unit.transition(suspense, {"suspense_id": view.suspense_id}, SUSPENSE, SuspenseEvent.FAIL):
        await reopen_ticket(unit, view.ticket_id)


def read_reason(text: str) -> str:
    """Why somebody decides so: needed, for whoever reads the books later.

    Raises:
        InvalidInput: none, or too long a one.
    """
    text = text.strip()
    if not 0 < len(text) <= REASON_CHARS_MAX:
        raise InvalidInput(field="reason", problem=f"1..{REASON_CHARS_MAX}")
    return text


async def _of_refund(unit: Unit, refund_id: UUID) -> SuspenseView:
    row = await unit.one(_all(unit).where(suspense.c.refund_id == refund_id))
    if row is None:
        raise NotFound(what="suspense", key=str(refund_id))
    return _view(row)


def _all(unit: Unit) -> Select[Any]:
    return select(suspense).where(suspense.c.merchant_id == unit.merchant_id)


def _view(row: Row[Any]) -> SuspenseView:
    return SuspenseView(
        suspense_id=row.suspense_id,
        ticket_id=row.ticket_id,
        connection_id=row.connection_id,
        platform=row.platform,
        number=row.number,
        transaction_id=row.transaction_id,
        round_no=row.round_no,
        field=row.field,
        attempt_id=row.attempt_id,
        payment_id=row.payment_id,
        order_id=row.order_id,
        amount=Money(row.amount_minor, row.currency),
        expected=None if row.expected_minor is None else Money(row.expected_minor, row.expected_currency),
        state=SuspenseState(row.state),
        is_proved=row.is_proved,
        actor=row.actor,
        reason=row.reason,
        refund_id=row.refund_id,
        opened_at=row.opened_at,
        decided_at=row.decided_at,
        ended_at=row.ended_at,
    )
