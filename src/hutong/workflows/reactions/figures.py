"""What sales and refunds mean for figures and customers."""

from __future__ import annotations

from collections.abc import Sequence

from hutong.analytics import service as analytics
from hutong.core.money import Money
from hutong.customers import service as customers
from hutong.db.unit import Unit
from hutong.shops.events import OrderPaid, OrderRefunded
from hutong.workflows.runtime import Runtime


async def count_sales(_runtime: Runtime, unit: Unit, events: Sequence[OrderPaid]) -> None:
    """The sales join the figures, each tied to the channel, link and click it came from."""
    await analytics.record_sales_many(unit, [_sale(event) for event in events])


def _sale(event: OrderPaid) -> analytics.Sale:
    lines = tuple(
        analytics.SaleLine(sku_id=line.sku_id, title=line.title, quantity=line.quantity, amount_minor=line.amount_minor)
        for line in event.lines
    )
    return analytics.Sale(
        order_id=event.order_id,
        source=event.source,
        channel_id=event.channel_id,
        link_id=event.link_id,
        click_id=event.click_id,
        container=event.container,
        customer_id=event.customer_id,
        gross=Money(event.gross_minor, event.currency),
        paid_at=event.paid_at,
        lines=lines,
    )


async def count_refund(_runtime: Runtime, unit: Unit, event: OrderRefunded) -> None:
    """And leaves them again, as far as its money went back."""
    await analytics.record_refund(unit, event.order_id, Money(event.refunded_minor, event.currency))


async def credit_customers(_runtime: Runtime, unit: Unit, events: Sequence[OrderPaid]) -> None:
    """The customers bought."""
    orders = [
        customers.CustomerOrder(
            order_id=event.order_id,
            customer_id=event.customer_id,
            amount=Money(event.gross_minor, event.currency),
            at=event.paid_at,
        )
        for event in events
        if event.customer_id is not None
    ]
    await customers.record_orders_many(unit, orders)


async def debit_customer(_runtime: Runtime, unit: Unit, event: OrderRefunded) -> None:
    """The customer's money went back."""
    if event.customer_id is not None:
        total = Money(event.refunded_minor, event.currency)
        await customers.record_refund(unit, event.customer_id, order_id=event.order_id, refunded_total=total)
