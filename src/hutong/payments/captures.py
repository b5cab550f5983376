"""Money that came: attempt, payment and checkout change their states together, in one statement for many buyers.

A wallet waits for its acknowledgement until the commit, and each trip to the database is a part of its wait.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from hutong.core.states import EventT, StateT, TransitionTable
from hutong.db.unit import Unit
from hutong.payments.states import ATTEMPT, CHECKOUT, PAYMENT, AttemptEvent, CheckoutEvent, PaymentEvent

# Rows are locked table by table, each in the order of its keys, as everybody takes them: two batches wait for each
# other instead of locking each other up. Of two attempts of one payment in the same batch the first one given pays.
_CAPTURE: Final = """
WITH given AS (
    SELECT * FROM unnest($2::uuid[], $3::text[], $4::timestamptz[]) WITH ORDINALITY
        AS given (attempt_id, transaction_id, paid_at, no)
), held AS (
    SELECT attempt_id FROM attempt WHERE merchant_id = $1 AND attempt_id = ANY($2::uuid[])
    ORDER BY attempt_id FOR UPDATE
), moved AS (
    UPDATE attempt SET state = $5, transaction_id = given.transaction_id, paid_at = given.paid_at FROM given
    WHERE attempt.merchant_id = $1 AND attempt.attempt_id = given.attempt_id AND attempt.state = ANY($6::text[])
      AND attempt.attempt_id IN (SELECT attempt_id FROM held)
    RETURNING attempt.attempt_id, attempt.payment_id, given.paid_at, given.no
), firsts AS (
    SELECT DISTINCT ON (payment_id) payment_id, attempt_id, paid_at FROM moved ORDER BY payment_id, no
), owed AS (
    SELECT payment_id FROM payment WHERE merchant_id = $1 AND payment_id IN (SELECT payment_id FROM firsts)
    ORDER BY payment_id FOR UPDATE
), paid AS (
    UPDATE payment SET state = $7, paid_at = firsts.paid_at, captured_attempt_id = firsts.attempt_id FROM firsts
    WHERE payment.merchant_id = $1 AND payment.payment_id = firsts.payment_id AND payment.state = ANY($8::text[])
      AND payment.payment_id IN (SELECT payment_id FROM owed)
    RETURNING payment.payment_id, payment.captured_attempt_id
), desks AS (
    SELECT checkout_id FROM checkout WHERE merchant_id = $1 AND payment_id IN (SELECT payment_id FROM paid)
    ORDER BY checkout_id FOR UPDATE
), settled AS (
    UPDATE checkout SET state = $9 FROM desks
    WHERE checkout.merchant_id = $1 AND checkout.checkout_id = desks.checkout_id AND checkout.state = ANY($10::text[])
)
SELECT moved.attempt_id, paid.captured_attempt_id IS NOT DISTINCT FROM moved.attempt_id AS is_first
  FROM moved LEFT JOIN paid ON paid.payment_id = moved.payment_id
"""


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """What a wallet says of an attempt that was paid."""

    attempt_id: UUID
    transaction_id: str
    paid_at: datetime


async def take_arrivals(unit: Unit, arrivals: Sequence[Arrival], event: AttemptEvent) -> dict[UUID, bool]:
    """Change what may still change; each attempt for which that was news, and whether it has paid its payment.

    False for a surplus: the payment was paid by another attempt, or closed. Each attempt is given once.
    """
    rows = await unit.fetch(
        _CAPTURE,
        unit.merchant_id,
        [one.attempt_id for one in arrivals],
        [one.transaction_id for one in arrivals],
        [one.paid_at for one in arrivals],
        *_step(ATTEMPT, event),
        *_step(PAYMENT, PaymentEvent.CAPTURE),
        *_step(CHECKOUT, CheckoutEvent.SETTLE),
    )
    return {row.attempt_id: row.is_first for row in rows}


def _step(states: TransitionTable[StateT, EventT], event: EventT) -> tuple[str, list[str]]:
    """Where an event leads, by its table, and from which states."""
    sources = states.sources(event)
    (target,) = {states.next(source, event) for source in sources}
    return target.value, [source.value for source in sources]
