"""What must hold of payments, for the doctor."""

from __future__ import annotations

from typing import Final

from hutong.db.checks import Breach, breaches, over_whole_tables
from hutong.db.unit import Unit
from hutong.payments import suspense_checks as suspense

#: What came in and stays on no order, by attempt: sent back by itself, or as a person decided on it. So is a sum that a
#: person sent back, which the wallet refused to do, and that was gone when it was asked again.
_SET_APART: Final = (
    "SELECT attempt_id, count(*) AS back FROM (SELECT attempt_id FROM refund WHERE merchant_id = :m "
    "AND cause = 'automatic' UNION ALL SELECT attempt_id FROM suspense WHERE merchant_id = :m AND is_proved "
    "AND state <> 'taken' UNION ALL (SELECT attempt_id FROM refund WHERE merchant_id = :m AND cause = 'sent_back' "
    "EXCEPT SELECT attempt_id FROM suspense WHERE merchant_id = :m AND is_proved AND state <> 'taken')) u "
    "GROUP BY attempt_id"
)
#: Rule → query of what breaks it. Merchant in ``:m``.
RULES: Final[dict[str, str]] = {
    "payments.one_capture_stays": (
        "SELECT p.payment_id, count(*) || ' captures, ' || coalesce(sum(b.back), 0) || ' set apart' FROM payment p "  # noqa: S608
        "JOIN attempt a ON a.merchant_id = p.merchant_id AND a.payment_id = p.payment_id AND a.state = 'paid' "
        "LEFT JOIN (" + _SET_APART + ") b ON b.attempt_id = a.attempt_id "
        "WHERE p.merchant_id = :m GROUP BY p.payment_id, p.captured_attempt_id "
        "HAVING count(*) - coalesce(sum(b.back), 0) > (CASE WHEN p.captured_attempt_id IS NULL THEN 0 ELSE 1 END)"
    ),
    "payments.surplus_goes_back_once": (
        "SELECT a.attempt_id, coalesce(b.back, 0) || ' automatic refunds or decisions' FROM attempt a "  # noqa: S608
        "JOIN payment p ON p.merchant_id = a.merchant_id AND p.payment_id = a.payment_id "
        "LEFT JOIN (" + _SET_APART + ") b ON b.attempt_id = a.attempt_id "
        "WHERE a.merchant_id = :m AND a.state = 'paid' "
        "AND coalesce(b.back, 0) <> (CASE WHEN a.attempt_id = p.captured_attempt_id THEN 0 ELSE 1 END)"
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
    "payments.state_is_its_sums": (
        "SELECT payment_id, state || ', ' || refunded_minor || ' of ' || amount_minor || ' went back' FROM payment "
        "WHERE merchant_id = :m AND CASE WHEN state IN ('open', 'closed') THEN refunded_minor <> 0 "
        "ELSE state <> CASE WHEN refunded_minor = 0 THEN 'paid' WHEN refunded_minor = amount_minor THEN 'refunded' "
        "ELSE 'partly_refunded' END END"
    ),
    # A paid attempt never leaves its state, and every wallet is asked for all that is owed.
    "payments.capture_is_its_attempt": (
        "SELECT p.payment_id, 'owes ' || p.amount_minor || ' ' || p.currency || ' / attempt ' "
        "|| coalesce(a.state || ' ' || a.amount_minor || ' ' || a.currency, 'missing') FROM payment p "
        "LEFT JOIN attempt a ON a.merchant_id = p.merchant_id AND a.attempt_id = p.captured_attempt_id "
        "WHERE p.merchant_id = :m AND p.captured_attempt_id IS NOT NULL "
        "AND (a.payment_id, a.state, a.amount_minor, a.currency) "
        "IS DISTINCT FROM (p.payment_id, 'paid', p.amount_minor, p.currency)"
    ),
    "payments.bill_is_its_rows": (
        "SELECT b.connection_id || '/' || b.day, b.rows_count || ' rows, ' || b.matched_count || ' agree, ' "
        "|| b.traded_minor || ' taken / ' || count(r.row_no) || ', ' || count(*) FILTER (WHERE r.verdict = 'matched') "
        "|| ', ' || coalesce(sum(r.amount_minor) FILTER (WHERE r.kind = 'trade'), 0) FROM bill b "
        "LEFT JOIN bill_row r USING (merchant_id, connection_id, day) WHERE b.merchant_id = :m "
        "GROUP BY b.connection_id, b.day, b.rows_count, b.matched_count, b.traded_minor, b.fees_minor "
        "HAVING (b.rows_count, b.matched_count, b.traded_minor, b.fees_minor) IS DISTINCT FROM (count(r.row_no), "
        "count(*) FILTER (WHERE r.verdict = 'matched'), "
        "coalesce(sum(r.amount_minor) FILTER (WHERE r.kind = 'trade'), 0), coalesce(sum(r.fee_minor), 0))"
    ),
    "payments.odd_row_has_difference": (
        "SELECT r.connection_id || '/' || r.day || ' ' || r.number, r.verdict FROM bill_row r "
        "LEFT JOIN bill_difference d ON d.merchant_id = r.merchant_id AND d.connection_id = r.connection_id "
        "AND d.day = r.day AND d.kind = r.verdict AND d.row_kind = r.kind AND d.number = r.number "
        "WHERE r.merchant_id = :m AND r.verdict <> 'matched' AND d.difference_id IS NULL"
    ),
    # What a bill does not tell is looked for in the next one, and said when that one is in, or given up.
    "payments.bill_wait_ends": (
        "SELECT connection_id || '/' || day, awaited_count || ' wait, the next bill is ' || following FROM "
        "(SELECT connection_id, day, awaited_count, lead(state) OVER (PARTITION BY connection_id ORDER BY day) "
        "AS following FROM bill WHERE merchant_id = :m) b WHERE awaited_count > 0 AND following <> 'expected'"
    ),
    "payments.expected_bill_has_job": (
        "SELECT b.connection_id || '/' || b.day, 'nothing asks for it' FROM bill b LEFT JOIN (SELECT DISTINCT "
        "convert_from(payload, 'UTF8')::jsonb ->> 'connection_id' AS connection_id, "
        "convert_from(payload, 'UTF8')::jsonb ->> 'day' AS day FROM job "
        "WHERE merchant_id = :m AND kind = 'payments.read_bill' AND finished_at IS NULL) j "
        "ON j.connection_id = b.connection_id::text AND j.day = b.day::text "
        "WHERE b.merchant_id = :m AND b.state = 'expected' AND j.day IS NULL"
    ),
    # It is opened with its first attempt and the job that closes it: without both, its goods stay reserved for ever.
    "payments.open_payment_ends": (
        "SELECT p.payment_id, 'no attempt, and nothing closes it' FROM payment p WHERE p.merchant_id = :m "
        "AND p.state = 'open' AND NOT EXISTS (SELECT FROM attempt a WHERE a.merchant_id = p.merchant_id "
        "AND a.payment_id = p.payment_id) AND p.payment_id::text NOT IN (SELECT "
        "convert_from(payload, 'UTF8')::jsonb ->> 'payment_id' FROM job "
        "WHERE merchant_id = :m AND kind = 'payments.close_payment' AND finished_at IS NULL)"
    ),
    "payments.refund_is_of_a_paid_attempt": (
        "SELECT r.refund_id, 'attempt ' || coalesce(a.state, 'missing') FROM refund r "
        "LEFT JOIN attempt a ON a.merchant_id = r.merchant_id AND a.attempt_id = r.attempt_id "
        "WHERE r.merchant_id = :m "
        "AND (a.payment_id, a.state, a.currency) IS DISTINCT FROM (r.payment_id, 'paid', r.currency)"
    ),
    "payments.combined_is_its_parts": (
        "SELECT c.combined_id, c.parts_count || ' parts, ' || c.amount_minor || ' ' || c.currency || ' / ' "
        "|| count(p.payment_id) || ', ' || coalesce(sum(part.amount_minor), 0) FROM combined_payment c "
        "LEFT JOIN combined_part part USING (merchant_id, combined_id) LEFT JOIN payment p "
        "ON p.merchant_id = part.merchant_id AND p.payment_id = part.payment_id AND p.currency = c.currency "
        "WHERE c.merchant_id = :m GROUP BY c.combined_id, c.parts_count, c.amount_minor, c.currency "
        "HAVING (c.parts_count, c.amount_minor) "
        "IS DISTINCT FROM (count(p.payment_id), coalesce(sum(part.amount_minor), 0))"
    ),
    "payments.combined_state_is_its_tries": (
        "SELECT c.combined_id, c.state || ' / ' || coalesce(s.paid, 0) || ' of ' || c.parts_count || ' paid' "
        "FROM combined_payment c LEFT JOIN (SELECT t.combined_id, count(DISTINCT a.payment_id) "
        "FILTER (WHERE a.state = 'paid') AS paid, bool_or(a.state IN ('created', 'open', 'unknown', 'reversing', "
        "'mismatched')) AS live FROM combined_try t JOIN attempt a ON a.merchant_id = t.merchant_id "
        "AND a.combined_try_id = t.try_id WHERE t.merchant_id = :m GROUP BY t.combined_id) s USING (combined_id) "
        "WHERE c.merchant_id = :m AND c.state <> CASE WHEN coalesce(s.paid, 0) >= c.parts_count THEN 'paid' "
        "WHEN s.paid > 0 THEN 'partly_paid' WHEN s.live THEN 'open' ELSE 'closed' END"
    ),
    # One tap pays all or nothing: every part is in each try, and asked about where that try was opened.
    "payments.combined_try_is_whole": (
        "SELECT t.try_id, count(DISTINCT a.payment_id) || ' of ' || c.parts_count || ' parts' FROM combined_try t "
        "JOIN combined_payment c USING (merchant_id, combined_id) "
        "LEFT JOIN combined_part part USING (merchant_id, combined_id) LEFT JOIN attempt a "
        "ON a.merchant_id = part.merchant_id AND a.combined_try_id = t.try_id AND a.payment_id = part.payment_id "
        "AND a.told_by_id = t.connection_id AND a.platform = c.platform WHERE t.merchant_id = :m "
        "GROUP BY t.try_id, c.parts_count HAVING count(a.attempt_id) <> c.parts_count"
    ),
}


@over_whole_tables
async def check(unit: Unit) -> list[Breach]:
    """Every broken invariant of one merchant's payments."""
    rules = RULES | suspense.RULES
    return [breach for rule, sql in rules.items() for breach in await breaches(unit, rule, sql)]
