"""What must hold between commissions, their journal and the books (reference: I4 and I7 of the ledger's rules)."""

from __future__ import annotations

from typing import Final

from hutong.db.checks import Breach, breaches, over_whole_tables
from hutong.db.unit import Unit

#: Put before a rule: postings on parties' accounts, with what their batch is.
PARTY_POSTINGS: Final = (
    "WITH party_posting AS (SELECT b.subject_id, b.kind, a.path, p.currency, p.amount_minor FROM posting p "
    "JOIN ledger_batch b ON b.merchant_id = :m AND b.batch_id = p.batch_id "
    "JOIN ledger_account a ON a.merchant_id = :m AND a.account_id = p.account_id "
    "WHERE p.merchant_id = :m AND a.path LIKE 'payable:party:%') "
)

#: Rule -> query of what breaks it; merchant in ``:m``.
RULES: Final[dict[str, str]] = {
    # What sale and refunds of an order put on a party's account is what its commissions are worth now; nothing is owed
    # without them.
    "ledger.commission_is_booked": (
        "SELECT coalesce(c.order_id, b.subject_id), 'party ' || coalesce(c.party_id::text, substr(b.path, 15)) "
        "|| ' commissions ' || coalesce(c.worth, 0) || ', books ' || coalesce(b.owed, 0) "
        "FROM (SELECT order_id, party_id, currency, sum(amount_minor - reversed_minor) AS worth FROM commission "
        "WHERE merchant_id = :m GROUP BY order_id, party_id, currency) c "
        "FULL JOIN (SELECT subject_id, path, currency, -sum(amount_minor) AS owed FROM party_posting "
        "WHERE kind IN ('sale', 'refund') GROUP BY subject_id, path, currency) b "
        "ON b.subject_id = c.order_id AND b.path = 'payable:party:' || c.party_id AND b.currency = c.currency "
        "WHERE coalesce(c.worth, 0) <> coalesce(b.owed, 0)"
    ),
    # What was paid to a party, by wallet or outside, less what was taken back, is what its commissions say.
    "ledger.settlement_is_booked": (
        "SELECT coalesce(c.party, b.party), 'commissions ' || coalesce(c.paid, 0) || ', books ' || coalesce(b.paid, 0) "
        "FROM (SELECT party_id::text AS party, currency, sum(settled_minor) AS paid FROM commission "
        "WHERE merchant_id = :m GROUP BY party_id, currency) c "
        "FULL JOIN (SELECT substr(path, 15) AS party, currency, sum(amount_minor) AS paid "
        "FROM party_posting WHERE kind IN ('share', 'take_back', 'payout', 'payout_undo') GROUP BY path, currency) b "
        "ON b.party = c.party AND b.currency = c.currency WHERE coalesce(c.paid, 0) <> coalesce(b.paid, 0)"
    ),
    "ledger.settled_is_fold": (
        "SELECT c.commission_id, 'settled ' || c.settled_minor || ', journal ' || coalesce(j.moved, 0) "
        "FROM commission c LEFT JOIN (SELECT commission_id, sum(amount_minor) AS moved FROM commission_move "
        "WHERE merchant_id = :m GROUP BY commission_id) j USING (commission_id) "
        "WHERE c.merchant_id = :m AND c.settled_minor <> coalesce(j.moved, 0)"
    ),
    # A payment outside the wallet settled commissions of its whole sum; undone, it took all of that back, and no more.
    "ledger.payout_is_its_moves": (
        "SELECT p.outside_payment_id, 'paid ' || p.amount_minor || ', settled ' || coalesce(j.paid, 0) || ', undone ' "
        "|| coalesce(j.undone, 0) FROM outside_payment p LEFT JOIN outside_payment_undo u ON u.merchant_id = :m "
        "AND u.outside_payment_id = p.outside_payment_id LEFT JOIN (SELECT reference, "
        "sum(amount_minor) FILTER (WHERE kind = 'outside') AS paid, "
        "-sum(amount_minor) FILTER (WHERE kind = 'undone') AS undone FROM commission_move "
        "WHERE merchant_id = :m AND kind IN ('outside', 'undone') GROUP BY reference) j "
        "ON j.reference = p.outside_payment_id::text WHERE p.merchant_id = :m "
        "AND (coalesce(j.paid, 0) <> p.amount_minor OR coalesce(j.undone, 0) "
        "<> CASE WHEN u.outside_payment_id IS NULL THEN 0 ELSE p.amount_minor END)"
    ),
    # An order's commissions stay within its price less the wallet's fee and what went back; each may be one unit of
    # rounding above its part.
    "ledger.split_within_sale": (
        "SELECT c.order_id, 'commissions ' || c.worth || ' of ' || c.kept || ', fee ' || coalesce(f.fee, 0) "
        "FROM (SELECT order_id, sum(amount_minor - reversed_minor) AS worth, count(*) AS many, "
        "max(gross_minor - refunded_minor) AS kept FROM commission WHERE merchant_id = :m GROUP BY order_id) c "
        "LEFT JOIN (SELECT b.subject_id, sum(p.amount_minor) AS fee FROM posting p "
        "JOIN ledger_batch b ON b.merchant_id = :m AND b.batch_id = p.batch_id AND b.kind IN ('sale', 'refund') "
        "JOIN ledger_account a ON a.merchant_id = :m AND a.account_id = p.account_id "
        "WHERE p.merchant_id = :m AND a.path = 'expense:wallet_fee' GROUP BY b.subject_id) f "
        "ON f.subject_id = c.order_id WHERE c.worth > c.kept - coalesce(f.fee, 0) + c.many"
    ),
    # A refund claws back in proportion: each commission is what cumulative rounding leaves of it.
    "ledger.commission_is_in_proportion": (
        "SELECT commission_id, 'reversed ' || reversed_minor || ' of ' || amount_minor || ' at ' || refunded_minor "
        "|| '/' || gross_minor FROM commission WHERE merchant_id = :m AND gross_minor > 0 "
        "AND reversed_minor <> div(2 * amount_minor::numeric * refunded_minor + gross_minor, 2 * gross_minor)"
    ),
    "ledger.commission_state_is_its_sums": (
        "SELECT commission_id, state || ', ' || reversed_minor || ' of ' || amount_minor || ' reversed' "
        "FROM commission WHERE merchant_id = :m AND amount_minor > 0 "
        "AND (state = 'reversed') <> (reversed_minor = amount_minor)"
    ),
    "ledger.statement_is_of_its_party": (
        "SELECT l.statement_id, 'of ' || coalesce(max(s.party_id::text || ' in ' || s.currency), 'nobody') || ', ' "
        "|| count(*) || ' lines of ' || coalesce(min(a.path || ' in ' || p.currency), 'nothing') "
        "FROM statement_line l LEFT JOIN statement s ON s.merchant_id = :m AND s.statement_id = l.statement_id "
        "LEFT JOIN posting p ON p.merchant_id = :m AND p.batch_id = l.batch_id AND p.leg_no = l.leg_no "
        "LEFT JOIN ledger_account a ON a.merchant_id = :m AND a.account_id = p.account_id WHERE l.merchant_id = :m "
        "AND (a.path, p.currency) IS DISTINCT FROM ('payable:party:' || s.party_id, s.currency) "
        "GROUP BY l.statement_id"
    ),
    # A statement is drawn at an end of the chain (before the first batch: zeros) that has all its lines behind it.
    "ledger.statement_is_sealed": (
        "SELECT s.statement_id, 'drawn at ' || coalesce(e.sequence::text, 'no end of the chain') || ', last line ' "
        "|| coalesce(l.last, 0) FROM statement s "
        "LEFT JOIN (SELECT sequence, hash FROM ledger_batch WHERE merchant_id = :m "
        "UNION ALL SELECT 0, decode(repeat('00', 32), 'hex')) e ON e.hash = s.chain_hash "
        "LEFT JOIN (SELECT l.statement_id, max(b.sequence) AS last FROM statement_line l JOIN ledger_batch b "
        "ON b.merchant_id = :m AND b.batch_id = l.batch_id WHERE l.merchant_id = :m GROUP BY l.statement_id) l "
        "ON l.statement_id = s.statement_id "
        "WHERE s.merchant_id = :m AND (e.sequence IS NULL OR e.sequence < l.last)"
    ),
    "ledger.commission_levels": (
        "SELECT c.order_id, 'level ' || c.level FROM commission c WHERE c.merchant_id = :m AND c.level NOT IN (1, 2)"
    ),
}


@over_whole_tables
async def check(unit: Unit) -> list[Breach]:
    """Every broken invariant of the splits."""
    return [breach for rule, sql in RULES.items() for breach in await breaches(unit, rule, PARTY_POSTINGS + sql)]
