"""The doctor's rounds: every domain's invariants, and those that hold between domains."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from sqlalchemy import text

from hutong.analytics import checks as analytics
from hutong.customers import checks as customers
from hutong.db.checks import Breach, Check, breaches, over_whole_tables
from hutong.db.unit import Unit
from hutong.ledger import checks as ledger
from hutong.ledger import split_checks as splits
from hutong.links import checks as links
from hutong.payments import checks as payments
from hutong.shops import checks as shops
from hutong.webhooks import checks as webhooks
from hutong.workflows.reactions.catalogue import REACTIONS
from hutong.workflows.runtime import Runtime

#: Between domains. What is still on its way (an open job of the merchant) is no breach yet, so these are asked only
#: of a merchant with no open delivery. Rule → query of what breaks it; merchant in ``:m``.
RULES: Final[dict[str, str]] = {
    "all.paid_order_is_booked": (
        "SELECT o.order_id, 'paid ' || o.paid_minor FROM sales_order o WHERE o.merchant_id = :m AND o.paid_minor > 0 "
        "AND o.origin <> 'file' AND NOT EXISTS (SELECT 1 FROM ledger_batch b WHERE b.merchant_id = :m "
        "AND b.idempotency_key = 'sale:' || o.order_id)"
    ),
    # Each order is booked whole, for what it was paid, and so is what went back. Files book nothing; an order that one
    # told before its shop was connected, paid by then, stays a file's.
    "all.books_are_the_orders": (
        "SELECT o.order_id, 'paid ' || o.paid_minor || ' / ' || coalesce(b.sold, 0) || ', refunded ' "
        "|| o.refunded_minor || ' / ' || coalesce(b.back, 0) || ', ' || o.currency || ' / ' "
        "|| coalesce(b.currency, '-') "
        "FROM sales_order o LEFT JOIN (SELECT b.subject_id, p.currency, "
        "coalesce(-sum(p.amount_minor) FILTER (WHERE b.kind = 'sale'), 0) AS sold, "
        "coalesce(sum(p.amount_minor) FILTER (WHERE b.kind = 'refund'), 0) AS back FROM posting p "
        "JOIN ledger_batch b ON b.merchant_id = :m AND b.batch_id = p.batch_id "
        "JOIN ledger_account a ON a.merchant_id = :m AND a.account_id = p.account_id AND a.path = 'revenue:sales' "
        "WHERE p.merchant_id = :m AND b.subject_kind = 'order' AND b.kind IN ('sale', 'refund') "
        "GROUP BY b.subject_id, p.currency) b ON b.subject_id = o.order_id "
        "WHERE o.merchant_id = :m AND o.origin <> 'file' AND NOT o.is_refund "
        "AND (o.paid_minor, o.refunded_minor, o.currency) "
        "IS DISTINCT FROM (coalesce(b.sold, 0), coalesce(b.back, 0), coalesce(b.currency, o.currency))"
    ),
    "all.captured_payment_has_paid_order": (
        "SELECT p.payment_id, p.state || ' / ' || o.state FROM payment p JOIN sales_order o "
        "USING (merchant_id, order_id) WHERE p.merchant_id = :m AND p.captured_attempt_id IS NOT NULL "
        "AND o.state IN ('unpaid', 'pending', 'closed')"
    ),
    "all.refund_reached_order": (
        "SELECT p.payment_id, p.refunded_minor || ' / ' || o.refunded_minor FROM payment p JOIN sales_order o "
        "USING (merchant_id, order_id) WHERE p.merchant_id = :m AND p.refunded_minor <> o.refunded_minor"
    ),
    "all.order_is_what_was_captured": (
        "SELECT o.order_id, 'order ' || o.paid_minor || ' / captured ' || coalesce(p.amount_minor, 0) "
        "FROM sales_order o LEFT JOIN payment p ON p.merchant_id = o.merchant_id AND p.order_id = o.order_id "
        "AND p.captured_attempt_id IS NOT NULL WHERE o.merchant_id = :m AND o.origin = 'checkout' "
        "AND o.state NOT IN ('unpaid', 'pending', 'closed') "
        "AND (o.paid_minor <> coalesce(p.amount_minor, 0) OR o.currency <> p.currency)"
    ),
    # Each sum that a wallet spoke of stands in suspense from then on, until the decision on it has taken it out, once.
    "all.suspense_is_booked": (
        "SELECT s.suspense_id, s.state || ' ' || s.amount_minor || ' / claimed ' || coalesce(b.came, 0) "
        "|| ', cleared ' || coalesce(b.gone, 0) FROM suspense s "
        "LEFT JOIN (SELECT split_part(b.idempotency_key, ':', 2) AS id, "
        "sum(p.amount_minor) FILTER (WHERE b.kind = 'suspense') AS came, "
        "-sum(p.amount_minor) FILTER (WHERE b.kind = 'suspense_cleared') AS gone FROM posting p "
        "JOIN ledger_batch b ON b.merchant_id = :m AND b.batch_id = p.batch_id "
        "JOIN ledger_account a ON a.merchant_id = :m AND a.account_id = p.account_id AND a.path = 'suspense:claimed' "
        "WHERE p.merchant_id = :m GROUP BY 1) b ON b.id = s.suspense_id::text WHERE s.merchant_id = :m "
        "AND (coalesce(b.came, 0), coalesce(b.gone, 0)) <> (s.amount_minor, "
        "CASE WHEN s.state IN ('open', 'returning') THEN 0 ELSE s.amount_minor END)"
    ),
    "all.paid_order_is_counted": (
        "SELECT coalesce(o.order_id, f.order_id), coalesce(o.state, 'no such paid order') "
        "FROM (SELECT order_id, state FROM sales_order WHERE merchant_id = :m "
        "AND state NOT IN ('pending', 'unpaid', 'closed')) o "
        "FULL JOIN (SELECT order_id FROM sale_fact WHERE merchant_id = :m) f USING (order_id) "
        "WHERE o.order_id IS NULL OR f.order_id IS NULL"
    ),
    "all.figures_are_the_orders": (
        "SELECT o.order_id, string_agg(d.name || ' ' || coalesce(d.orders, '-') || ' / ' || coalesce(d.figures, '-'), "
        "', ') FROM sales_order o JOIN sale_fact f USING (merchant_id, order_id) CROSS JOIN LATERAL (VALUES "
        "('paid', o.paid_minor::text, f.gross_minor::text), ('refunded', o.refunded_minor::text, "
        "f.refunded_minor::text), ('currency', o.currency, f.currency), ('source', o.source, f.source), "
        "('a refund', o.is_refund::text, f.is_refund::text), ('customer', o.customer_id::text, f.customer_id::text), "
        "('channel', o.channel_id::text, f.channel_id::text), ('link', o.link_id::text, f.link_id::text), "
        "('click', o.click_id::text, f.click_id::text), ('paid at', CASE WHEN o.origin <> 'file' THEN o.paid_at::text "
        "ELSE f.paid_at::text END, f.paid_at::text)) d (name, orders, figures) "
        "WHERE o.merchant_id = :m AND (f.gross_minor <> o.paid_minor OR f.refunded_minor <> o.refunded_minor "
        "OR f.currency <> o.currency OR f.is_refund <> o.is_refund OR f.source <> o.source "
        "OR f.customer_id IS DISTINCT FROM o.customer_id "
        "OR f.channel_id IS DISTINCT FROM o.channel_id OR f.link_id IS DISTINCT FROM o.link_id "
        "OR f.click_id IS DISTINCT FROM o.click_id OR (o.origin <> 'file' AND f.paid_at <> o.paid_at)) "
        "AND d.orders IS DISTINCT FROM d.figures GROUP BY o.order_id"
    ),
    # By goods too, but for files: their codes are looked up on each import, and goods come to be known between two.
    "all.figures_have_the_lines": (
        "SELECT order_id, 'lines, pieces, sum ' || coalesce(nullif(concat_ws(', ', l.n, l.pieces, l.sum), ''), '-') "
        "|| ' / ' || coalesce(nullif(concat_ws(', ', f.n, f.pieces, f.sum), ''), '-') "
        "|| ' of ' || coalesce(nullif(goods, ''), 'no known goods') FROM (SELECT order_id, "
        "CASE WHEN o.origin = 'file' THEN '' ELSE coalesce(l.sku_id::text, '') END AS goods, count(*) AS n, "
        "sum(l.quantity) AS pieces, sum(l.amount_minor) AS sum FROM order_line l JOIN sales_order o "
        "USING (merchant_id, order_id) WHERE o.merchant_id = :m AND o.state NOT IN ('pending', 'unpaid', 'closed') "
        "GROUP BY 1, 2) l FULL JOIN (SELECT f.order_id, "
        "CASE WHEN o.origin = 'file' THEN '' ELSE coalesce(f.sku_id::text, '') END AS goods, count(*) AS n, "
        "sum(f.quantity) AS pieces, sum(f.amount_minor) AS sum FROM sale_line_fact f LEFT JOIN sales_order o "
        "ON o.merchant_id = :m AND o.order_id = f.order_id WHERE f.merchant_id = :m GROUP BY 1, 2) f "
        "USING (order_id, goods) WHERE (l.n, l.pieces, l.sum) IS DISTINCT FROM (f.n, f.pieces, f.sum)"
    ),
    "all.customers_orders_are_the_orders": (
        "SELECT coalesce(o.order_id, c.order_id), 'paid ' || coalesce(o.paid_minor::text, '-') || ' / ' "
        "|| coalesce(c.amount_minor::text, '-') || ', refunded ' || coalesce(o.refunded_minor::text, '-') || ' / ' "
        "|| coalesce(c.refunded_minor::text, '-') FROM (SELECT * FROM sales_order WHERE merchant_id = :m "
        "AND state NOT IN ('pending', 'unpaid', 'closed') AND customer_id IS NOT NULL) o "
        "FULL JOIN (SELECT * FROM customer_order WHERE merchant_id = :m) c USING (order_id) "
        "WHERE (o.customer_id, o.paid_minor, o.refunded_minor, o.currency) "
        "IS DISTINCT FROM (c.customer_id, c.amount_minor, c.refunded_minor, c.currency)"
    ),
}
OPEN_DELIVERIES: Final = (
    "SELECT (SELECT count(*) FROM job WHERE merchant_id = :m AND finished_at IS NULL AND kind = 'deliver_event') "
    "+ (SELECT count(*) FROM undelivered JOIN outbox USING (merchant_id, event_id) WHERE merchant_id = :m "
    "AND name = ANY(CAST(:names AS text[])))"
)


async def waiting_count(unit: Unit) -> int:
    """Events of the merchant that a reaction has still to work; others change nothing."""
    names = sorted({reaction.event.name for reaction in REACTIONS})
    return int(await unit.scalar(text(OPEN_DELIVERIES), {"m": unit.merchant_id, "names": names}) or 0)


@over_whole_tables
async def between(unit: Unit) -> list[Breach]:
    """Broken invariants between domains; none are looked for while events are under way."""
    if await waiting_count(unit):
        return []
    return [breach for rule, sql in RULES.items() for breach in await breaches(unit, rule, sql)]


@over_whole_tables
async def no_failed_jobs(unit: Unit) -> list[Breach]:
    """Jobs that used up their attempts."""
    return await breaches(
        unit,
        "jobs.none_failed",
        "SELECT job_id, kind || ': ' || coalesce(last_error, '') FROM job WHERE merchant_id = :m AND state = 'failed'",
    )


CHECKS: Final[tuple[Check, ...]] = (
    ledger.check,
    splits.check,
    shops.check,
    payments.check,
    customers.check,
    analytics.check,
    links.check,
    webhooks.check,
    between,
    no_failed_jobs,
)


async def examine(runtime: Runtime, merchant_id: UUID) -> list[Breach]:
    """Everything that is wrong with one merchant's data, also while trade goes on."""
    found: list[Breach] = []
    for check in CHECKS:
        async with runtime.database.unit(merchant_id, "doctor", snapshot=True) as unit:
            found += await check(unit)
    return found
