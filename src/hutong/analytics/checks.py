"""What must hold for facts."""

from __future__ import annotations

from sqlalchemy import Text, and_, cast, distinct, func, literal, or_, select

from hutong.analytics.models import sale_fact, sale_line_fact
from hutong.db.checks import Breach, breaches, over_whole_tables
from hutong.db.unit import Unit


@over_whole_tables
async def check(unit: Unit) -> list[Breach]:
    """Facts of one merchant that cannot be true."""
    return [*await _refunds_within_sales(unit), *await _lines_have_their_sale(unit), *await _clicks_fit(unit)]


async def _refunds_within_sales(unit: Unit) -> list[Breach]:
    """No sale gives back more than it took; a return document takes nothing."""
    fact = sale_fact.c
    wrong = or_(
        fact.refunded_minor < 0,
        and_(~fact.is_refund, fact.refunded_minor > fact.gross_minor),
        and_(fact.is_refund, fact.gross_minor != 0),
    )
    detail = cast(fact.refunded_minor, Text) + " of " + cast(fact.gross_minor, Text)
    statement = select(fact.order_id, detail).where(fact.merchant_id == unit.merchant_id, wrong)
    return await breaches(unit, "analytics.refund_within_sale", statement)


async def _lines_have_their_sale(unit: Unit) -> list[Breach]:
    """Every line belongs to a sale, with its currency and time.

    A difference of two sets: it stays one pass over each also where the planner has no statistics yet.
    """
    line, fact = sale_line_fact.c, sale_fact.c
    of_lines = select(line.order_id, line.currency, line.paid_at).where(line.merchant_id == unit.merchant_id)
    of_sales = select(fact.order_id, fact.currency, fact.paid_at).where(fact.merchant_id == unit.merchant_id)
    lost = of_lines.except_(of_sales).subquery()
    detail = literal("lines without a sale, or of another currency or time")
    # law: allow tenant-in-statement because both sides of the difference name it
    return await breaches(unit, "analytics.line_of_sale", select(lost.c.order_id, detail))


async def _clicks_fit(unit: Unit) -> list[Breach]:
    """A click stands for one visit through one link: its sales name the same channel and link."""
    fact = sale_fact.c
    statement = (
        select(fact.click_id, literal("sales of one click name two links or channels"))
        .where(fact.merchant_id == unit.merchant_id, fact.click_id.is_not(None))
        .group_by(fact.click_id)
        .having(or_(func.count(distinct(fact.channel_id)) > 1, func.count(distinct(fact.link_id)) > 1))
    )
    return await breaches(unit, "analytics.click_of_one_link", statement)
