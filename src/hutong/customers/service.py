"""What the traffic pool can do: remember people, count their orders."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from hutong.core.money import Money
from hutong.customers.events import CustomerSeen, CustomersSeen
from hutong.customers.identities import Sighting, find_or_make
from hutong.customers.totals import CustomerOrder, add_orders, refund_order
from hutong.db.unit import Unit
from hutong.db.vault import Vault

__all__ = [
    "CustomerOrder",
    "Sighting",
    "record_order",
    "record_orders_many",
    "record_refund",
    "remember",
    "remember_many",
]


async def remember(unit: Unit, vault: Vault, kind: str, value: str, seen_at: datetime, *, name: str = "") -> UUID:
    """The customer behind an identity, made on the first sight; also when many ask at the same time.

    Args:
        unit: the transaction.
        vault: seals the value and makes its blind index.
        kind: what the value is: ``wechat_openid``, ``taobao_buyer``, ``generic``.
        value: the platform's id of the person, in one spelling.
        seen_at: when the person was seen.
        name: as the platform shows it; only its masked form is kept.
    """
    found = await find_or_make(unit, vault, kind, [Sighting(value=value, seen_at=seen_at, name=name)])
    for customer_id in found.fresh:
        unit.emit(CustomerSeen(customer_id=customer_id, identity_kind=kind, seen_at=seen_at))
    return found.by_value[value]


async def remember_many(unit: Unit, vault: Vault, kind: str, sightings: Sequence[Sighting]) -> dict[str, UUID]:
    """Customers by value for many identities of one kind, with a handful of statements; one event for the new ones."""
    if not sightings:
        return {}
    found = await find_or_make(unit, vault, kind, sightings)
    if found.fresh:
        unit.emit(CustomersSeen(customers_count=len(found.fresh), identity_kind=kind))
    return found.by_value


async def record_order(unit: Unit, customer_id: UUID, *, order_id: UUID, amount: Money, at: datetime) -> bool:
    """Count a paid order once; False when it was counted before."""
    order = CustomerOrder(order_id=order_id, customer_id=customer_id, amount=amount, at=at)
    return await add_orders(unit, [order]) == 1


async def record_orders_many(unit: Unit, orders: Sequence[CustomerOrder]) -> int:
    """Count many paid orders, each once; how many were new."""
    return await add_orders(unit, orders)


async def record_refund(unit: Unit, customer_id: UUID, *, order_id: UUID, refunded_total: Money) -> bool:
    """Take over what of an order went back in all (not only this time); False when as much was known before.

    Raises:
        NotFound: the order has not been counted yet; the caller tries again later.
    """
    return await refund_order(unit, customer_id, order_id, refunded_total)
