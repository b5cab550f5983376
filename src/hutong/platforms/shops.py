"""What a shop connector takes and gives."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

import msgspec

from hutong.core.money import Money
from hutong.platforms.account import Account


class ShopOrderStatus(StrEnum):
    """A platform's order in our words. An unknown platform status is PENDING and moves nothing."""

    PENDING = "pending"
    UNPAID = "unpaid"
    PAID = "paid"  # to ship
    PARTLY_SHIPPED = "partly_shipped"
    SHIPPED = "shipped"
    COMPLETED = "completed"
    CLOSED = "closed"


class Receiver(msgspec.Struct, frozen=True, kw_only=True):
    """Where the parcel goes, as far as the platform shows it (often masked). Personal data: sealed at rest."""

    name: str = ""
    phone: str = ""
    address: str = ""


class ShopOrderLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line (sub-order) of a platform's order. ``amount`` is what the buyer owes for the line after discounts."""

    line_id: str
    title: str
    quantity: int
    unit_price: Money
    amount: Money
    listing_id: str = ""
    platform_sku_id: str = ""
    seller_code: str = ""
    refund_status: str = ""


class ShopOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A platform's order. ``modified_at`` orders versions: an older one never moves the state back."""

    platform_order_id: str
    status: ShopOrderStatus
    raw_status: str
    total: Money
    freight: Money
    created_at: datetime
    modified_at: datetime
    lines: tuple[ShopOrderLine, ...]
    paid: Money | None = None
    paid_at: datetime | None = None
    buyer_ref: str = ""  # the platform's stable, non-personal id of the buyer
    receiver: Receiver | None = None
    remarks: tuple[str, ...] = ()  # what buyer and seller wrote; read for words of links, kept nowhere


class OrderPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of changed orders; ``next_cursor`` is None on the last page of the window."""

    orders: tuple[ShopOrder, ...]
    next_cursor: str | None


class Shipment(msgspec.Struct, frozen=True, kw_only=True):
    """A parcel handed to a carrier; ``carrier_code`` in the platform's own code list."""

    platform_order_id: str
    carrier_code: str
    tracking_no: str
    line_ids: tuple[str, ...] = ()  # empty: the whole order


class Orders(Protocol):
    """Capability: read changed orders and ship them."""

    @property
    def window_max(self) -> timedelta:
        """The longest window one query may span; longer ones are cut by the caller."""
        ...

    async def changed(self, account: Account, start: datetime, end: datetime, cursor: str | None) -> OrderPage:
        """Orders modified in ``[start, end)``; the connector pages in the direction the platform needs."""
        ...

    async def one(self, account: Account, platform_order_id: str) -> ShopOrder:
        """The full present state of one order."""
        ...

    async def ship(self, account: Account, shipment: Shipment) -> None:
        """Tell the platform that a parcel left; telling it twice is not an error."""
        ...


class StockTarget(msgspec.Struct, frozen=True, kw_only=True):
    """A SKU as listed on the platform."""

    listing_id: str
    platform_sku_id: str
    seller_code: str = ""


class Stock(Protocol):
    """Capability: publish stock as an absolute figure."""

    async def find(self, account: Account, seller_code: str) -> tuple[StockTarget, ...]:
        """Listings that carry the seller's SKU code."""
        ...

    async def read(self, account: Account, target: StockTarget) -> int:
        """The figure the platform shows now."""
        ...

    async def write(self, account: Account, target: StockTarget, quantity: int) -> None:
        """Set the figure; absolute, so repeating is safe."""
        ...
