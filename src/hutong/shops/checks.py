"""What must hold of orders and stock, for the doctor."""

from __future__ import annotations

from typing import Final

from hutong.db.checks import Breach, breaches, over_whole_tables
from hutong.db.unit import Unit

#: Rule → query of what breaks it. Merchant in ``:m``.
RULES: Final[dict[str, str]] = {
    "shops.stock_is_fold": (
        "SELECT s.sku_id, 'on hand ' || s.on_hand || ' / ' || coalesce(m.on_hand, 0) || ', reserved ' || s.reserved "
        "|| ' / ' || coalesce(m.reserved, 0) FROM stock s LEFT JOIN (SELECT sku_id, sum(on_hand_delta) AS on_hand, "
        "sum(reserved_delta) AS reserved FROM stock_move WHERE merchant_id = :m GROUP BY sku_id) m USING (sku_id) "
        "WHERE s.merchant_id = :m AND (s.on_hand <> coalesce(m.on_hand, 0) OR s.reserved <> coalesce(m.reserved, 0))"
    ),
    "shops.stock_not_oversold": (
        "SELECT sku_id, on_hand || ' < ' || reserved FROM stock "
        "WHERE merchant_id = :m AND (reserved < 0 OR on_hand < reserved)"
    ),
    "shops.refund_within_paid": (
        "SELECT order_id, refunded_minor || ' > ' || paid_minor FROM sales_order "
        "WHERE merchant_id = :m AND NOT is_refund AND refunded_minor > paid_minor"
    ),
    # Files tell states and sums side by side, and may tell a time of payment of what was closed unpaid; such an order
    # keeps it where its shop is connected later.
    "shops.state_is_its_sums": (
        "SELECT order_id, state || ', paid ' || paid_minor || coalesce(' at ' || paid_at, '') || ', refunded ' "
        "|| refunded_minor FROM sales_order WHERE merchant_id = :m AND origin <> 'file' AND NOT is_refund "
        "AND ((state = 'refunded') <> (paid_minor > 0 AND refunded_minor >= paid_minor) "
        "OR CASE WHEN state IN ('pending', 'unpaid', 'closed') THEN paid_minor <> 0 OR refunded_minor <> 0 "
        "OR (origin = 'checkout' AND paid_at IS NOT NULL) ELSE paid_at IS NULL END)"
    ),
    "shops.reservation_has_unpaid_order": (
        "SELECT m.subject, 'held: ' || sum(m.reserved_delta) FROM stock_move m JOIN sales_order o "
        "ON o.merchant_id = m.merchant_id AND m.subject = 'order:' || o.order_id "
        "WHERE m.merchant_id = :m AND o.state NOT IN ('unpaid', 'pending') GROUP BY m.subject "
        "HAVING sum(m.reserved_delta) <> 0"
    ),
    "shops.short_order_is_flagged": (
        "SELECT o.order_id, 'short ' || sum(l.short_quantity) FROM sales_order o JOIN order_line l "
        "USING (merchant_id, order_id) WHERE o.merchant_id = :m AND l.short_quantity > 0 AND NOT o.is_short "
        "GROUP BY o.order_id"
    ),
    "shops.flagged_order_is_short": (
        "SELECT o.order_id, 'no line is short' FROM sales_order o LEFT JOIN order_line l "
        "ON l.merchant_id = o.merchant_id AND l.order_id = o.order_id AND l.short_quantity > 0 "
        "WHERE o.merchant_id = :m AND o.is_short AND l.order_id IS NULL"
    ),
    # Only files tell what single lines gave back; a checkout's refunds are its order's. Their sum may be more or less
    # than the order's, whose own row may tell another figure.
    "shops.line_refund_fits": (
        "SELECT o.order_id, 'line ' || l.line_key || ' gave back ' || l.refunded_minor FROM sales_order o "
        "JOIN order_line l USING (merchant_id, order_id) WHERE o.merchant_id = :m "
        "AND (l.refunded_minor < 0 OR (o.origin = 'checkout' AND l.refunded_minor <> 0))"
    ),
    # Our own checkout knows its lines. Platforms and files have sums of their own: discounts, freight, rounded prices.
    "shops.total_is_lines": (
        "SELECT o.order_id, 'total ' || o.total_minor || ' / lines ' || coalesce(sum(l.amount_minor), 0) "
        "FROM sales_order o LEFT JOIN order_line l USING (merchant_id, order_id) "
        "WHERE o.merchant_id = :m AND o.origin = 'checkout' GROUP BY o.order_id, o.total_minor, o.freight_minor "
        "HAVING o.total_minor <> o.freight_minor + coalesce(sum(l.amount_minor), 0)"
    ),
    "shops.line_is_price_times_pieces": (
        "SELECT o.order_id, l.quantity || ' × ' || l.unit_price || ' / ' || l.amount_minor FROM sales_order o "
        "JOIN order_line l USING (merchant_id, order_id) WHERE o.merchant_id = :m AND o.origin = 'checkout' "
        "AND l.amount_minor <> l.quantity * l.unit_price * CASE WHEN o.currency IN ('JPY', 'KRW') THEN 1 ELSE 100 END"
    ),
    # A file's orders never touched stock. What was short was not taken; what came back is another move.
    "shops.journal_is_lines": (
        "SELECT coalesce(l.subject, m.subject), 'sold ' || coalesce(l.pieces, 0) || ' / journal ' "
        "|| coalesce(m.pieces, 0) FROM (SELECT 'order:' || o.order_id AS subject, l.sku_id, "
        "sum(l.quantity - l.short_quantity) AS pieces FROM sales_order o JOIN order_line l "
        "USING (merchant_id, order_id) WHERE o.merchant_id = :m AND o.origin <> 'file' AND NOT o.is_refund "
        "AND o.state NOT IN ('pending', 'unpaid', 'closed') AND l.sku_id IS NOT NULL AND l.quantity > 0 "
        "GROUP BY 1, 2) l FULL JOIN (SELECT m.subject, m.sku_id, -sum(m.on_hand_delta) AS pieces FROM stock_move m "
        "WHERE m.merchant_id = :m AND m.kind IN ('sell', 'sell_direct') AND NOT EXISTS (SELECT 1 FROM sales_order o "
        "WHERE o.merchant_id = :m AND o.origin = 'file' AND m.subject = 'order:' || o.order_id) GROUP BY 1, 2) m "
        "ON m.subject = l.subject AND m.sku_id = l.sku_id WHERE coalesce(l.pieces, 0) <> coalesce(m.pieces, 0)"
    ),
}


@over_whole_tables
async def check(unit: Unit) -> list[Breach]:
    """Every broken invariant of one merchant's orders and stock."""
    return [breach for rule, sql in RULES.items() for breach in await breaches(unit, rule, sql)]
