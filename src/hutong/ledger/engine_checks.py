"""What must hold of reserves, snapshots and callers' accounts, for the doctor.

Guards need no rule: the database refuses to break one.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import case, func, literal, select

from hutong.db.checks import Breach, breaches
from hutong.db.unit import Unit
from hutong.ledger.accounts import ROOTS
from hutong.ledger.models import ledger_account

#: Rule → query of what breaks it. Merchant in ``:m``.
RULES: Final[dict[str, str]] = {
    # As many ends in the chain as the state says: none, or one of its kind (the table itself refuses a second).
    "ledger.hold_ends_once": (
        "SELECT h.hold_id, h.state || ' / ' || coalesce(b.phase, 'no end') FROM ledger_hold h "
        "LEFT JOIN ledger_batch b ON b.merchant_id = h.merchant_id AND b.resolves_id = h.hold_id "
        "WHERE h.merchant_id = :m AND coalesce(b.phase, 'pending') "
        "<> CASE h.state WHEN 'posted' THEN 'settled' ELSE h.state END"
    ),
    "ledger.hold_in_chain": (
        "SELECT coalesce(h.hold_id, b.batch_id), 'not in the chain, or no hold' FROM "
        "(SELECT * FROM ledger_hold WHERE merchant_id = :m) h FULL JOIN "
        "(SELECT * FROM ledger_batch WHERE merchant_id = :m AND (phase = 'held' OR resolves_id IS NOT NULL)) b "
        "ON h.hold_id = coalesce(b.resolves_id, b.batch_id) WHERE h.hold_id IS NULL OR b.batch_id IS NULL"
    ),
    "ledger.pending_is_fold": (
        "SELECT b.account_id, b.pending_debit_minor || ', ' || b.pending_credit_minor || ' kept, held ' "
        "|| coalesce(f.debit, 0) || ', ' || coalesce(f.credit, 0) FROM account_balance b LEFT JOIN "
        "(SELECT l.account_id, coalesce(sum(l.amount_minor) FILTER (WHERE l.amount_minor > 0), 0) debit, "
        "coalesce(sum(l.amount_minor) FILTER (WHERE l.amount_minor < 0), 0) credit "
        "FROM ledger_hold h JOIN ledger_hold_leg l USING (merchant_id, hold_id) "
        "WHERE h.merchant_id = :m AND h.state = 'pending' GROUP BY l.account_id) f ON f.account_id = b.account_id "
        "WHERE b.merchant_id = :m AND (b.pending_debit_minor <> coalesce(f.debit, 0) "
        "OR b.pending_credit_minor <> coalesce(f.credit, 0))"
    ),
    "ledger.settled_within_hold": (
        "SELECT s.hold_id, s.posted || ' posted, ' || coalesce(h.held, 0) || ' held' FROM "
        "(SELECT b.resolves_id hold_id, p.account_id, sign(p.amount_minor) side, sum(p.amount_minor) posted "
        "FROM ledger_batch b JOIN posting p USING (merchant_id, batch_id) "
        "WHERE b.merchant_id = :m AND b.resolves_id IS NOT NULL GROUP BY 1, 2, 3) s LEFT JOIN "
        "(SELECT hold_id, account_id, sign(amount_minor) side, sum(amount_minor) held FROM ledger_hold_leg "
        "WHERE merchant_id = :m GROUP BY 1, 2, 3) h USING (hold_id, account_id, side) "
        "WHERE abs(s.posted) > abs(coalesce(h.held, 0))"
    ),
    # The chain looks for the legs of a reserve here and for all others there; so each must stand in its place.
    "ledger.leg_in_place": (
        "SELECT p.batch_id, 'the legs of a reserve are posted' FROM posting p JOIN ledger_batch b "
        "USING (merchant_id, batch_id) WHERE p.merchant_id = :m AND b.phase = 'held' UNION "
        "SELECT l.hold_id, 'reserved legs that no reserve has' FROM ledger_hold_leg l LEFT JOIN ledger_batch b "
        "ON b.merchant_id = l.merchant_id AND b.batch_id = l.hold_id AND b.phase = 'held' "
        "WHERE l.merchant_id = :m AND b.batch_id IS NULL"
    ),
    # Callers of the API post to accounts of their own, and nobody else does: no figure of the hub hangs on theirs.
    # Differences of sets: they stay one pass also where the planner has no statistics yet.
    "ledger.external_apart": (
        "SELECT x.batch_id, 'callers'' accounts in a batch of the hub''s own' FROM (SELECT p.batch_id FROM posting p "
        "WHERE p.merchant_id = :m AND p.account_id = ANY(ARRAY(SELECT a.account_id FROM ledger_account a "
        "WHERE a.merchant_id = :m AND a.kind = 'external')) EXCEPT SELECT b.batch_id FROM ledger_batch b "
        "WHERE b.merchant_id = :m AND b.kind = 'external') x UNION ALL "
        "SELECT y.batch_id, 'accounts of the hub''s own in a caller''s batch' FROM (SELECT p.batch_id FROM posting p "
        "WHERE p.merchant_id = :m AND p.account_id = ANY(ARRAY(SELECT a.account_id FROM ledger_account a "
        "WHERE a.merchant_id = :m AND a.kind <> 'external')) INTERSECT SELECT b.batch_id FROM ledger_batch b "
        "WHERE b.merchant_id = :m AND b.kind = 'external') y"
    ),
    # The seal of a day moves the end's time on to the end of the day. Ends older than this column say 'epoch'.
    "ledger.end_has_last_time": (
        "SELECT c.merchant_id, 'the end says ' || c.recorded_at || ', the last batch or seal ' || l.moment "
        "FROM ledger_chain c CROSS JOIN (SELECT greatest((SELECT b.recorded_at FROM ledger_batch b "
        "WHERE b.merchant_id = :m ORDER BY b.sequence DESC LIMIT 1), "
        "(SELECT max(d.ends_at) FROM ledger_day d WHERE d.merchant_id = :m)) AS moment) l "
        "WHERE c.merchant_id = :m AND c.recorded_at <> l.moment AND c.recorded_at <> 'epoch'"
    ),
    "ledger.mark_in_chain": (
        "SELECT k.sequence, 'no such batch, or of another moment' FROM ledger_mark k LEFT JOIN ledger_batch b "
        "USING (merchant_id, sequence) WHERE k.merchant_id = :m AND b.recorded_at IS DISTINCT FROM k.recorded_at"
    ),
    "ledger.snapshot_is_fold": (
        "SELECT coalesce(s.account_id, r.account_id), coalesce(s.balance_minor::text, 'none') || ' kept, postings ' "
        "|| coalesce(r.total::text, 'none') FROM (SELECT * FROM account_snapshot WHERE merchant_id = :m) s FULL JOIN "
        "(SELECT account_id, mark, sum(total) OVER w total, sum(legs) OVER w legs FROM "
        "(SELECT p.account_id, (SELECT min(k.sequence) FROM ledger_mark k WHERE k.merchant_id = :m "
        "AND k.sequence >= b.sequence) mark, sum(p.amount_minor) total, count(*) legs "
        "FROM ledger_batch b JOIN posting p USING (merchant_id, batch_id) "
        "WHERE b.merchant_id = :m GROUP BY 1, 2) moved "
        "WHERE mark IS NOT NULL WINDOW w AS (PARTITION BY account_id ORDER BY mark)) r "
        "ON r.account_id = s.account_id AND r.mark = s.sequence "
        "WHERE s.balance_minor IS DISTINCT FROM r.total OR s.postings_count IS DISTINCT FROM r.legs"
    ),
    "ledger.flow_is_fold": (
        "SELECT coalesce(f.account_id, r.account_id), coalesce(f.moved_minor::text, 'none') || ' kept, postings ' "
        "|| coalesce(r.total::text, 'none') FROM (SELECT * FROM account_flow WHERE merchant_id = :m) f FULL JOIN "
        "(SELECT p.account_id, spans.span, date_trunc(spans.span, b.event_at, 'UTC') start_at, "
        "sum(p.amount_minor) total, count(*) legs FROM ledger_batch b JOIN posting p USING (merchant_id, batch_id) "
        "CROSS JOIN (VALUES ('day'), ('hour')) spans (span) WHERE b.merchant_id = :m AND b.sequence <= "
        "(SELECT max(k.sequence) FROM ledger_mark k WHERE k.merchant_id = :m) GROUP BY 1, 2, 3) r "
        "USING (account_id, span, start_at) "
        "WHERE f.moved_minor IS DISTINCT FROM r.total OR f.postings_count IS DISTINCT FROM r.legs"
    ),
}


async def engine_holds(unit: Unit) -> list[Breach]:
    """Every broken invariant of reserves, snapshots and accounts."""
    found = [breach for rule, sql in RULES.items() for breach in await breaches(unit, rule, sql)]
    return [*found, *await _kinds_are_of_the_paths(unit)]


async def _kinds_are_of_the_paths(unit: Unit) -> list[Breach]:
    """Each account is of the kind that the first word of its path names."""
    account = ledger_account.c
    named = case({word: kind.value for word, kind in ROOTS.items()}, value=func.split_part(account.path, ":", 1))
    detail = account.path + literal(" is kept as ") + account.kind
    statement = select(account.account_id, detail).where(
        account.merchant_id == unit.merchant_id, account.kind.is_distinct_from(named)
    )
    return await breaches(unit, "ledger.account_is_of_its_kind", statement)
