"""What must hold of money in suspense, for the doctor."""

from __future__ import annotations

from typing import Final

#: Rule → query of what breaks it. Merchant in ``:m``.
RULES: Final[dict[str, str]] = {
    "payments.open_suspense_has_ticket": (
        "SELECT s.suspense_id, s.state || ', ticket ' || coalesce(t.state, 'missing') FROM suspense s "
        "LEFT JOIN ticket t ON t.merchant_id = s.merchant_id AND t.ticket_id = s.ticket_id WHERE s.merchant_id = :m "
        "AND coalesce(t.state, 'missing') <> CASE WHEN s.state = 'open' THEN 'open' ELSE 'resolved' END"
    ),
    # Nobody asks by himself about such a try. What came without a sum that can be has a ticket, and nothing to decide.
    "payments.mismatched_try_is_a_case": (
        "SELECT a.attempt_id, a.out_trade_no || ' waits for a decision that nobody can take' FROM attempt a "
        "LEFT JOIN (SELECT DISTINCT attempt_id FROM suspense WHERE merchant_id = :m AND state = 'open') s "
        "USING (attempt_id) LEFT JOIN (SELECT DISTINCT details ->> 'out_trade_no' AS out_trade_no FROM ticket "
        "WHERE merchant_id = :m AND kind = 'notice_mismatched' AND details -> 'suspense_id' IS NULL) t "
        "USING (out_trade_no) WHERE a.merchant_id = :m AND a.state = 'mismatched' AND s.attempt_id IS NULL "
        "AND t.out_trade_no IS NULL"
    ),
    "payments.decision_says_who": (
        "SELECT suspense_id, state || ' by ' || coalesce(nullif(actor, ''), 'nobody') FROM suspense "
        "WHERE merchant_id = :m AND state <> 'open' "
        "AND (actor = '' OR reason = '' OR decided_at IS NULL OR is_proved IS NULL)"
    ),
    # A refund that the wallet refused for good belongs to no decision any more; another one may follow it.
    "payments.sent_back_is_its_refund": (
        "SELECT coalesce(s.suspense_id, r.refund_id), coalesce(s.state, 'no decision') || ' ' "
        "|| coalesce(s.amount_minor::text, '-') || ' / refund ' || coalesce(r.state, 'missing') || ' ' "
        "|| coalesce(r.amount_minor::text, '-') FROM (SELECT * FROM suspense WHERE merchant_id = :m "
        "AND state IN ('returning', 'returned')) s FULL JOIN (SELECT * FROM refund WHERE merchant_id = :m "
        "AND cause = 'sent_back' AND state <> 'failed') r USING (refund_id) WHERE s.suspense_id IS NULL "
        "OR r.state IS NULL OR (s.amount_minor, s.currency) <> (r.amount_minor, r.currency) "
        "OR (s.state = 'returned') <> (r.state = 'succeeded')"
    ),
    "payments.taken_is_captured": (
        "SELECT s.suspense_id, 'taken ' || s.amount_minor || ' / captured ' || coalesce(p.amount_minor::text, '-') "
        "FROM suspense s LEFT JOIN payment p ON p.merchant_id = s.merchant_id "
        "AND p.captured_attempt_id = s.attempt_id WHERE s.merchant_id = :m AND s.state = 'taken' "
        "AND (p.amount_minor, p.currency) IS DISTINCT FROM (s.amount_minor, s.currency)"
    ),
}
