"""The doctor's rounds: every domain's invariants, and those that hold between domains."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

from hutong.analytics import checks as analytics
from hutong.customers import checks as customers
from hutong.db.checks import Breach, breaches
from hutong.db.unit import Unit
from hutong.ledger import checks as ledger
from hutong.ledger import split_checks as splits
from hutong.payments import checks as payments
from hutong.shops import checks as shops
from hutong.workflows.runtime import Runtime

#: Between domains. What is still on its way (an open job of the merchant) is no breach yet, so these are asked only
#: of a merchant with no open delivery. Rule → query of what breaks it; merchant in ``:m``.
RULES: Final[dict[str, str]] = {
    "all.paid_order_is_booked": (
        "SELECT o.order_id, 'paid ' || o.paid_minor FROM sales_order o WHERE o.merchant_id = :m AND o.paid_minor > 0 "
        "AND o.origin <> 'file' AND NOT EXISTS (SELECT 1 FROM ledger_batch b WHERE b.merchant_id = :m "
        "AND b.idempotency_key = 'sale:' || o.order_id)"
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
    "all.paid_order_is_counted": (
        "SELECT o.order_id, o.source FROM sales_order o WHERE o.merchant_id = :m AND o.paid_minor > 0 "
        "AND NOT EXISTS (SELECT 1 FROM sale_fact f WHERE f.merchant_id = :m AND f.order_id = o.order_id)"
    ),
}
OPEN_DELIVERIES: Final = (
    "SELECT job_id, kind FROM job WHERE merchant_id = :m AND finished_at IS NULL AND kind = 'deliver_event' "
    "UNION ALL SELECT event_id, 'undelivered' FROM undelivered WHERE merchant_id = :m"
)


async def between(unit: Unit) -> list[Breach]:
    """Broken invariants between domains."""
    if await breaches(unit, "open", OPEN_DELIVERIES):
        return []
    return [breach for rule, sql in RULES.items() for breach in await breaches(unit, rule, sql)]


async def no_failed_jobs(unit: Unit) -> list[Breach]:
    """Jobs that used up their attempts."""
    return await breaches(
        unit,
        "jobs.none_failed",
        "SELECT job_id, kind || ': ' || coalesce(last_error, '') FROM job WHERE merchant_id = :m AND state = 'failed'",
    )


CHECKS: Final[tuple[Callable[[Unit], Awaitable[list[Breach]]], ...]] = (
    ledger.check,
    splits.check,
    shops.check,
    payments.check,
    customers.check,
    analytics.check,
    between,
    no_failed_jobs,
)


async def examine(runtime: Runtime, merchant_id: UUID) -> list[Breach]:
    """Everything that is wrong with one merchant's data."""
    found: list[Breach] = []
    for check in CHECKS:
        async with runtime.unit(merchant_id, "doctor") as unit:
            found += await check(unit)
    return found
