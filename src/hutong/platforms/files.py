"""What a connector says of the order files that merchants download from its platform."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol

import msgspec


class FileLine(msgspec.Struct, frozen=True, kw_only=True):
    """One accepted row of an order file: a line of an order, or an order as a whole (``line_key`` empty).

    ``amount`` decides where a unit price is finer than a minor unit. All money is exact decimal, major units.
    """

    row_no: int
    order_no: str
    line_key: str
    status: str  # a ShopOrderStatus value
    raw_status: str
    created_at: datetime
    title: str = ""
    seller_code: str = ""
    variant: str = ""
    quantity: int = 0
    unit_price: Decimal = Decimal(0)
    amount: Decimal = Decimal(0)
    order_total: Decimal | None = None  # order-level sums, never added up over lines
    order_paid: Decimal | None = None
    freight: Decimal | None = None
    refunded: Decimal | None = None
    is_refund: bool = False  # a cancellation or return document of its own
    paid_at: datetime | None = None
    buyer_ref: str = ""
    country: str = ""


class RowRefused(msgspec.Struct, frozen=True, kw_only=True):
    """A row that was not taken. ``reason`` is a key of the catalogues; ``values`` fill it."""

    row_no: int
    reason: str
    values: Mapping[str, str] = msgspec.field(default_factory=dict)


class OrderFiles(Protocol):
    """Capability: read the platform's export files. Pure: rows in, records out."""

    def recognises(self, header: Sequence[str]) -> bool:
        """Whether this (normalised) row is a header of one of the platform's order files."""
        ...

    def read(self, header: Sequence[str], rows: Iterator[tuple[int, Sequence[str]]]) -> Iterator[FileLine | RowRefused]:
        """One result for each row, in order; columns are found by name and alias, never by position."""
        ...
