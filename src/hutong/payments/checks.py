"""What must hold of payments, for the doctor."""

from __future__ import annotations

from typing import Final

from hutong.db.checks import Breach, breaches, over_whole_tables
from hutong.db.unit import Unit

#: Rule → query of what breaks it. Merchant in ``:m``.
RULES: Final[dict[str, str]] = {
    "payments.one_capture_stays": (
        "SELECT p.payment_id, count(*) || ' captures, ' || count(r.refund_id) || ' automatic refunds' FROM payment p "
        "JOIN attempt a ON a.merchant_id = p.merchant_id AND a.payment_id = p.payment_id AND a.state = 'paid' "
        "LEFT JOIN refund r ON r.merchant_id = a.merchant_id AND r.attempt_id = a.attempt_id AND r.cause = 'automatic' "
        "WHERE p.merchant_id = :m GROUP BY p.payment_id, p.captured_attempt_id "
        "HAVING count(*) - count(r.refund_id) > (CASE WHEN p.captured_attempt_id IS NULL THEN 0 ELSE 1 END)"
    ),
    "payments.surplus_goes_back_once": (
        "SELECT a.attempt_id, count(r.refund_id) || ' automatic refunds' FROM attempt a "
        "JOIN payment p ON p.merchant_id = a.merchant_id AND p.payment_id = a.payment_id "
        "LEFT JOIN refund r ON r.merchant_id = a.merchant_id AND r.attempt_id = a.attempt_id AND r.cause = 'automatic' "
        "WHERE a.merchant_id = :m AND a.state = 'paid' GROUP BY a.attempt_id, p.captured_attempt_id "
        "HAVING count(r.refund_id) <> (CASE WHEN a.attempt_id = p.captured_attempt_id THEN 0 ELSE 1 END)"
    ),
    "payments.refunds_within_capture": (
        "SELECT p.payment_id, sum(r.amount_minor) || ' > ' || p.amount_minor FROM payment p JOIN refund r "
        "USING (merchant_id, payment_id) WHERE p.merchant_id = :m AND r.cause = 'requested' AND r.state <> 'failed' "
        "GROUP BY p.payment_id, p.amount_minor HAVING sum(r.amount_minor) > p.amount_minor"
    ),
    "payments.refunded_is_fold": (
        "SELECT p.payment_id, p.refunded_minor || ' / ' || coalesce(sum(r.amount_minor), 0) FROM payment p "
        "LEFT JOIN refund r ON r.merchant_id = p.merchant_id AND r.payment_id = p.payment_id "
        "AND r.cause = 'requested' AND r.state = 'succeeded' WHERE p.merchant_id = :m "
        "GROUP BY p.payment_id, p.refunded_minor HAVING p.refunded_minor <> coalesce(sum(r.amount_minor), 0)"
    ),
    "payments.paid_has_capture": (
        "SELECT payment_id, state FROM payment WHERE merchant_id = :m "
        "AND (state IN ('paid', 'partly_refunded', 'refunded')) <> (captured_attempt_id IS NOT NULL)"
    ),
}


@over_whole_tables
async def check(unit: Unit) -> list[Breach]:
    """Every broken invariant of one merchant's payments."""
    return [breach for rule, sql in RULES.items() for breach in await breaches(unit, rule, sql)]
