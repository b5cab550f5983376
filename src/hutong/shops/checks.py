"""What must hold of orders and stock, for the doctor."""

from __future__ import annotations

from typing import Final

from hutong.db.checks import Breach, breaches
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
}


async def check(unit: Unit) -> list[Breach]:
    """Every broken invariant of one merchant's orders and stock."""
    return [breach for rule, sql in RULES.items() for breach in await breaches(unit, rule, sql)]
