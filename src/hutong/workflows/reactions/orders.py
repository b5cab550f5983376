"""What payments mean for orders: paid, closed, refunded; and what orders mean for the desk."""

from __future__ import annotations

from hutong.core.errors import NotFound
from hutong.core.money import Money
from hutong.customers.service import remember
from hutong.db.unit import Unit
from hutong.merchants.tickets import Severity, TicketKind, open_ticket
from hutong.payments.checkouts import checkout_of_order, payer_of
from hutong.payments.events import (
    NoticeMismatched,
    PaymentCaptured,
    PaymentClosed,
    PaymentRefunded,
    SurplusCaptured,
)
from hutong.shops.events import OrderShort, StockChanged
from hutong.shops.orders import close_order, mark_paid, record_refund
from hutong.workflows.jobs import PUSH_STOCK, SkuKey
from hutong.workflows.runtime import Runtime


async def pay_order(runtime: Runtime, unit: Unit, event: PaymentCaptured) -> None:
    """The order is paid, its goods are sold, and its buyer is remembered."""
    checkout = await checkout_of_order(unit, event.order_id)
    if checkout is None:
        raise NotFound(what="checkout", key=str(event.order_id))
    customer_id = None
    payer = await payer_of(unit, runtime.vault, checkout)
    if payer is not None and checkout.payer_kind is not None:
        customer_id = await remember(unit, runtime.vault, checkout.payer_kind, payer, event.paid_at)
    await mark_paid(
        unit,
        event.order_id,
        amount=Money(event.amount_minor, event.currency),
        customer_id=customer_id,
        connection_id=event.connection_id,
        platform=event.platform,
        paid_at=event.paid_at,
    )


async def close_unpaid_order(_runtime: Runtime, unit: Unit, event: PaymentClosed) -> None:
    """Nobody paid: the goods are free again."""
    await close_order(unit, event.order_id)


async def refund_order(_runtime: Runtime, unit: Unit, event: PaymentRefunded) -> None:
    """Money went back: the order knows, and unshipped goods return."""
    await record_refund(unit, event.order_id, Money(event.amount_minor, event.currency), event.refunded_at)


async def push_stock(_runtime: Runtime, unit: Unit, event: StockChanged) -> None:
    """Every shop that lists the SKU gets the new figure; waiting pushes of the same SKU are one."""
    unit.schedule(PUSH_STOCK, SkuKey(event.sku_id), dedupe_key=event.sku_id.hex)


async def report_short(_runtime: Runtime, unit: Unit, event: OrderShort) -> None:
    """A person must find the missing goods or talk to the buyer."""
    await open_ticket(
        unit,
        TicketKind.STOCK_SHORT,
        Severity.URGENT,
        subject=("order", str(event.order_id)),
        details={
            "source": event.source,
            "order_no": event.order_no,
            "seller_code": event.seller_code,
            "missing_quantity": event.missing_quantity,
        },
        dedupe_key=f"{event.order_id.hex}:{event.seller_code}",
    )


async def report_surplus(_runtime: Runtime, unit: Unit, event: SurplusCaptured) -> None:
    """Somebody paid twice or too late; the money goes back by itself, and a person can see it."""
    await open_ticket(
        unit,
        TicketKind.SURPLUS_CAPTURED,
        Severity.NORMAL,
        subject=("order", str(event.order_id)),
        details={"platform": event.platform, "amount_minor": event.amount_minor, "currency": event.currency},
        dedupe_key=event.attempt_id.hex,
    )


async def report_mismatch(_runtime: Runtime, unit: Unit, event: NoticeMismatched) -> None:
    """A signed notice that fits nothing: nothing is paid by it, a person decides."""
    await open_ticket(
        unit,
        TicketKind.NOTICE_MISMATCHED,
        Severity.URGENT,
        subject=("notice", event.notice_id),
        details={
            "platform": event.platform,
            "field": event.field,
            "out_trade_no": event.out_trade_no,
            "amount_minor": event.amount_minor,
            "currency": event.currency,
        },
        dedupe_key=f"{event.connection_id.hex}:{event.notice_id}",
    )
