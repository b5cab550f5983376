"""What must hold for links: orders of alliances say what their lines say."""

from __future__ import annotations

from sqlalchemy import BigInteger, Text, cast, func, literal, or_, select

from hutong.db.checks import Breach, breaches, over_whole_tables
from hutong.db.unit import Unit
from hutong.links.promotions.models import promoted_line, promoted_order
from hutong.links.promotions.sales import SOLD


@over_whole_tables
async def check(unit: Unit) -> list[Breach]:
    """Orders of one merchant that say something else than their lines.

    A difference of two sets: it stays one pass over each also where the planner has no statistics yet.
    """
    order, line = promoted_order.c, promoted_line.c
    sold = line.status.in_(sorted(status.value for status in SOLD))
    of_orders = select(order.source, order.order_no, order.paid_minor, order.is_sold).where(
        order.merchant_id == unit.merchant_id, or_(order.is_named, order.is_sold, order.paid_minor != 0)
    )
    of_lines = (
        select(
            line.source,
            line.order_no,
            cast(func.coalesce(func.sum(line.paid_minor).filter(sold), 0), BigInteger),
            func.bool_or(sold),
        )
        .where(line.merchant_id == unit.merchant_id)
        .group_by(line.source, line.order_no)
    )
    lost = of_orders.except_(of_lines).subquery()
    subject = lost.c.source + ":" + lost.c.order_no
    detail = literal("says ") + cast(lost.c.paid_minor, Text) + ", its paid lines something else"
    # law: allow tenant-in-statement because both sides of the difference name it
    return await breaches(unit, "links.promoted_order_of_lines", select(subject, detail))
