"""What shops say happened."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar
from uuid import UUID

import msgspec

from hutong.core.events import Event


class OrderLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line as events carry it."""

    line_key: str
    sku_id: UUID | None
    title: str
    quantity: int
    amount_minor: int


class OrderPlaced(Event, frozen=True, kw_only=True):
    """An order came to be, paid or not."""

    name: ClassVar[str] = "shops.order_placed"

    order_id: UUID
    source: str
    order_no: str
    total_minor: int
    currency: str


class OrderPaid(Event, frozen=True, kw_only=True):
    """An order is paid for, at our checkout or at the platform that sold it."""

    name: ClassVar[str] = "shops.order_paid"

    order_id: UUID
    source: str
    order_no: str
    connection_id: UUID | None  # the wallet's for our own checkout, else the shop's
    platform: str  # of that connection
    channel_id: UUID | None
    link_id: UUID | None
    click_id: UUID | None
    container: str
    customer_id: UUID | None
    gross_minor: int
    currency: str
    paid_at: datetime
    lines: tuple[OrderLine, ...]


class OrderRefunded(Event, frozen=True, kw_only=True):
    """Money of an order went back. ``refunded_minor`` is the new total that went back."""

    name: ClassVar[str] = "shops.order_refunded"

    order_id: UUID
    source: str
    customer_id: UUID | None
    amount_minor: int
    refunded_minor: int
    gross_minor: int
    currency: str
    refunded_at: datetime


class OrderClosed(Event, frozen=True, kw_only=True):
    """An order ended unpaid; its stock is free again."""

    name: ClassVar[str] = "shops.order_closed"

    order_id: UUID
    source: str


class OrderShort(Event, frozen=True, kw_only=True):
    """A platform sold what is not there. The order stands; somebody must act."""

    name: ClassVar[str] = "shops.order_short"

    order_id: UUID
    source: str
    order_no: str
    seller_code: str
    missing_quantity: int


class StockChanged(Event, frozen=True, kw_only=True):
    """What can be sold of a SKU changed."""

    name: ClassVar[str] = "shops.stock_changed"

    sku_id: UUID


class OrderShipped(Event, frozen=True, kw_only=True):
    """A parcel of the order left."""

    name: ClassVar[str] = "shops.order_shipped"

    order_id: UUID
    source: str
    carrier_code: str
    tracking_no: str


class OrdersImported(Event, frozen=True, kw_only=True):
    """Orders came in from files, many at once: one event for all of them."""

    name: ClassVar[str] = "shops.orders_imported"

    import_id: UUID
    source: str
    orders_new: int
    orders_changed: int


EVENTS: list[type[Event]] = [
    OrderPlaced,
    OrderPaid,
    OrderRefunded,
    OrderClosed,
    OrderShort,
    StockChanged,
    OrderShipped,
    OrdersImported,
]
