"""What must hold for customers."""

from __future__ import annotations

from sqlalchemy import Text, and_, cast, func, literal, or_, select

from hutong.customers.models import customer, customer_order, customer_total, identity
from hutong.db.checks import Breach, breaches, over_whole_tables
from hutong.db.unit import Unit


@over_whole_tables
async def check(unit: Unit) -> list[Breach]:
    """Every broken invariant of one merchant's customers."""
    return [*await _identities_lead_somewhere(unit), *await _totals_are_folds(unit), *await _refunds_fit(unit)]


async def _identities_lead_somewhere(unit: Unit) -> list[Breach]:
    """Every identity leads to a customer, and every customer has an identity."""
    named = select(identity.c.customer_id).where(identity.c.merchant_id == unit.merchant_id)
    people = select(customer.c.customer_id).where(customer.c.merchant_id == unit.merchant_id)
    lost, nameless = named.except_(people).subquery(), people.except_(named).subquery()
    rule = "customers.identity_leads_to_one"
    # law: allow tenant-in-statement because both sides of the differences name it
    no_customer = select(lost.c.customer_id, literal("an identity without a customer"))
    # law: allow tenant-in-statement because both sides of the differences name it
    no_identity = select(nameless.c.customer_id, literal("a customer without identity"))
    return [*await breaches(unit, rule, no_customer), *await breaches(unit, rule, no_identity)]


async def _totals_are_folds(unit: Unit) -> list[Breach]:
    """Totals are the sums of the journal of orders."""
    order = customer_order.c
    fold = (
        select(
            order.customer_id,
            order.currency,
            func.count().filter(~order.is_refund).label("orders_count"),
            func.sum(order.amount_minor).label("spent_minor"),
            func.sum(order.refunded_minor).label("refunded_minor"),
        )
        .where(order.merchant_id == unit.merchant_id)
        .group_by(order.customer_id, order.currency)
        .subquery()
    )
    kept = select(customer_total).where(customer_total.c.merchant_id == unit.merchant_id).subquery()
    same = and_(kept.c.customer_id == fold.c.customer_id, kept.c.currency == fold.c.currency)
    figures = ("orders_count", "spent_minor", "refunded_minor")
    statement = (
        select(func.coalesce(kept.c.customer_id, fold.c.customer_id), literal("totals differ from the orders"))
        .select_from(kept.join(fold, same, full=True))
        .where(or_(*(kept.c[name].is_distinct_from(fold.c[name]) for name in figures)))
    )
    return await breaches(unit, "customers.total_is_fold", statement)


async def _refunds_fit(unit: Unit) -> list[Breach]:
    """No order gave back more than it took."""
    order = customer_order.c
    wrong = or_(order.refunded_minor < 0, and_(~order.is_refund, order.refunded_minor > order.amount_minor))
    detail = cast(order.refunded_minor, Text) + " of " + cast(order.amount_minor, Text)
    statement = select(order.order_id, detail).where(order.merchant_id == unit.merchant_id, wrong)
    return await breaches(unit, "customers.refund_within_order", statement)
