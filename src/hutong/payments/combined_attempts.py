"""The attempts of combined payments: what their payments owe, what was tried before, and all parts of one try."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select, update

from hutong.core.money import Money
from hutong.db.unit import Unit
from hutong.payments.combined import CombinedTry, settle_combined
from hutong.payments.models import attempt, payment
from hutong.payments.service import (
    AttemptView,
    NewAttempt,
    PaymentOpened,
    attempt_of,
    attempts_with_payments,
    mark_unclear,
    open_attempts,
    refuse_attempt,
)


async def payments_owed(unit: Unit, payment_ids: Sequence[UUID]) -> dict[UUID, PaymentOpened]:
    """What these payments owe, by id."""
    rows = await unit.all(
        select(payment).where(payment.c.merchant_id == unit.merchant_id, payment.c.payment_id.in_(list(payment_ids)))
    )
    return {
        row.payment_id: PaymentOpened(
            payment_id=row.payment_id,
            order_id=row.order_id,
            amount=Money(row.amount_minor, row.currency),
            expires_at=row.expires_at,
        )
        for row in rows
    }


async def attempts_of_many(unit: Unit, payment_ids: Sequence[UUID]) -> list[AttemptView]:
    """All attempts of these payments, oldest first."""
    rows = await unit.all(
        attempts_with_payments()
        .where(attempt.c.merchant_id == unit.merchant_id, attempt.c.payment_id.in_(list(payment_ids)))
        .order_by(attempt.c.attempt_id)
    )
    return [attempt_of(row) for row in rows]


async def attempts_of_try(unit: Unit, try_id: UUID, *, lock: bool = False) -> list[AttemptView]:
    """All parts of a try, oldest first; ``lock`` holds them, as a capture would, until the transaction ends."""
    statement = (
        attempts_with_payments()
        .where(attempt.c.merchant_id == unit.merchant_id, attempt.c.combined_try_id == try_id)
        .order_by(attempt.c.attempt_id)
    )
    rows = await unit.all(statement.with_for_update(of=attempt) if lock else statement)
    return [attempt_of(row) for row in rows]


async def open_parts(
    unit: Unit, made: CombinedTry, platform: str, method: str, parts: Sequence[tuple[PaymentOpened, UUID]]
) -> list[AttemptView]:
    """The attempts of a try, (payment, connection that gets its money) each; in their order."""
    wanted = [
        NewAttempt(payment=owed, connection_id=connection_id, platform=platform, method=method, combined=made)
        for owed, connection_id in parts
    ]
    attempts = await open_attempts(unit, wanted)
    await settle_combined(unit, [made.try_id])
    return attempts


async def refuse_try(unit: Unit, try_id: UUID, refusal: str) -> None:
    """The wallet said no to all of it; nothing was taken, and no part stands in the way of another try."""
    for part in await attempts_of_try(unit, try_id, lock=True):
        await refuse_attempt(unit, part.attempt_id, refusal)
    await settle_combined(unit, [try_id])


async def mark_try_unclear(unit: Unit, try_id: UUID) -> None:
    """The wallet was asked to open it and nothing clear was heard."""
    for part in await attempts_of_try(unit, try_id, lock=True):
        await mark_unclear(unit, part)
    await settle_combined(unit, [try_id])


async def count_try_query(unit: Unit, try_id: UUID) -> None:
    """One more time the wallet was asked about all parts of a try."""
    await unit.run(
        update(attempt)
        .where(attempt.c.merchant_id == unit.merchant_id, attempt.c.combined_try_id == try_id)
        .values(queries_count=attempt.c.queries_count + 1, asked_at=unit.now())
    )
