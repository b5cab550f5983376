"""What payments mean for orders: paid, closed, refunded; and what orders mean for the desk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from hutong.core.errors import NotFound
from hutong.core.money import Money
from hutong.customers.service import Sighting, remember_many
from hutong.db.unit import Unit
from hutong.merchants.tickets import Severity, TicketKind, open_ticket
from hutong.payments.checkouts import CheckoutView, checkouts_of_orders, payer_of
from hutong.payments.events import (
    PaymentCaptured,
    PaymentClosed,
    PaymentRefunded,
    SurplusCaptured,
)
from hutong.payments.service import still_open
from hutong.shops.events import OrderShort, StockChanged
from hutong.shops.orders import PaidOrder, close_order, mark_paid, record_refund
from hutong.workflows.jobs import CLOSE_PAYMENT, PUSH_STOCK, PaymentKey, SkuKey
from hutong.workflows.runtime import Runtime


async def pay_orders(runtime: Runtime, unit: Unit, events: Sequence[PaymentCaptured]) -> None:
    """The orders are paid, their goods are sold, and their buyers are remembered.

    What else was opened for them at a wallet, and left there, is closed: nobody shall be able to pay twice.
    """
    checkouts = await checkouts_of_orders(unit, [event.order_id for event in events])
    missing = [event.order_id for event in events if event.order_id not in checkouts]
    if missing:
        raise NotFound(what="checkout", key=str(missing[0]))
    customers = await _customers_of(runtime, unit, events, checkouts)
    paid = [
        PaidOrder(
            order_id=event.order_id,
            amount=Money(event.amount_minor, event.currency),
            customer_id=customers.get(event.order_id),
            connection_id=event.connection_id,
            platform=event.platform,
            paid_at=event.paid_at,
        )
        for event in events
    ]
    await mark_paid(unit, paid)
    for payment_id in await still_open(unit, [event.payment_id for event in events]):
        unit.schedule(CLOSE_PAYMENT, PaymentKey(payment_id), dedupe_key=f"rest:{payment_id.hex}")


async def _customers_of(
    runtime: Runtime, unit: Unit, events: Sequence[PaymentCaptured], checkouts: Mapping[UUID, CheckoutView]
) -> dict[UUID, UUID]:
    """Who bought, by order, where the wallet told the buyer's id."""
    payers: dict[str, dict[UUID, Sighting]] = {}
    for event in events:
        checkout = checkouts[event.order_id]
        payer = await payer_of(unit, runtime.vault, checkout)
        if payer is not None and checkout.payer_kind is not None:
            seen = Sighting(value=payer, seen_at=event.paid_at)
            payers.setdefault(checkout.payer_kind, {})[event.order_id] = seen
    found: dict[UUID, UUID] = {}
    for kind, sightings in payers.items():
        by_value = await remember_many(unit, runtime.vault, kind, list(sightings.values()))
        found.update({order_id: by_value[seen.value] for order_id, seen in sightings.items()})
    return found


async def close_unpaid_order(_runtime: Runtime, unit: Unit, event: PaymentClosed) -> None:
    """Nobody paid: the goods are free again."""
    await close_order(unit, event.order_id)


async def refund_order(_runtime: Runtime, unit: Unit, event: PaymentRefunded) -> None:
    """Money went back: the order knows, and unshipped goods return."""
    await record_refund(unit, event.order_id, Money(event.amount_minor, event.currency), event.refunded_at)


async def push_stock(runtime: Runtime, unit: Unit, events: Sequence[StockChanged]) -> None:
    """Every shop that lists a SKU gets the new figure: at once after a quiet time, at most every PUSH_GAP in a rush.

    Pushes of the same SKU that wait are one.
    """
    for sku_id in sorted({event.sku_id for event in events}):
        unit.schedule(PUSH_STOCK, SkuKey(sku_id), dedupe_key=sku_id.hex, delay=runtime.pushes.wait(sku_id, unit.now()))


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
