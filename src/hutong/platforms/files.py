"""What a connector says of the order files that merchants download from its platform."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Protocol

import msgspec


class FileLine(msgspec.Struct, frozen=True, kw_only=True):
    """One accepted row of an order file: a line of an order, or an order as a whole (``line_key`` empty).

    ``amount`` is what is owed for the line and decides where a unit price is finer than a minor unit. All money
    is exact decimal, major units. ``list_total`` is quantity × unit price as the file has it, before discounts.
    """

    row_no: int
    order_no: str
    line_key: str
    status: str  # a ShopOrderStatus value
    raw_status: str
    created_at: datetime | None  # None: this row does not say, another row of the order does
    title: str = ""
    seller_code: str = ""
    variant: str = ""
    quantity: int = 0
    unit_price: Decimal = Decimal(0)
    amount: Decimal = Decimal(0)
    list_total: Decimal = Decimal(0)
    order_total: Decimal | None = None  # order-level sums, never added up over lines
    order_paid: Decimal | None = None
    line_paid: Decimal | None = None  # what was paid for this line; may be added up
    freight: Decimal | None = None  # order-level even where it stands on a line: the largest counts, once
    refunded: Decimal | None = None  # of the line on a line, of the order on an order's row
    is_refund: bool = False  # a cancellation or return document of its own
    paid_at: datetime | None = None
    shipped_at: datetime | None = None
    completed_at: datetime | None = None
    buyer_ref: str = ""
    country: str = ""
    remarks: tuple[str, ...] = ()  # what buyer and seller wrote, and coupons; read for words of links, kept nowhere


class RowRefused(msgspec.Struct, frozen=True, kw_only=True):
    """A row that was not taken. ``reason`` is a key of ``tables.reasons``; ``values`` fill its text.

    ``list_total`` still says quantity × unit price where both could be read: sums over all rows need it. ``is_whole``:
    it is the order's sum, which counts only where no row of its lines does; ``order_no`` where that could be read.
    """

    row_no: int
    reason: str
    values: Mapping[str, str] = msgspec.field(default_factory=dict)
    list_total: Decimal = Decimal(0)
    order_no: str = ""
    is_whole: bool = False


class FileContext(msgspec.Struct, frozen=True, kw_only=True):
    """What a file does not say of itself: its currency, the zone of its clock, the order of day and month."""

    currency: str
    zone: tzinfo
    day_first: bool = False


class OrderFiles(Protocol):
    """Capability: read the platform's export files. Pure: rows in, records out."""

    def recognises(self, header: Sequence[str]) -> bool:
        """Whether this (normalised) row is a header of one of the platform's order files."""
        ...

    def bare_columns(self, row: Sequence[str]) -> Sequence[str] | None:
        """The header of a file that has none, where its first row (raw cells) tells; mostly None."""
        ...

    def unused(self, header: Sequence[str]) -> Sequence[str]:
        """Columns that are not read, so that the merchant can be told."""
        ...

    def lacking(self, header: Sequence[str]) -> Sequence[str]:
        """Columns that are not there, though without them orders stay pending: the merchant is told."""
        ...

    def read(
        self, header: Sequence[str], rows: Iterator[tuple[int, Sequence[str]]], context: FileContext
    ) -> Iterator[FileLine | RowRefused]:
        """One result for each row, in order; columns are found by name and alias, never by position."""
        ...
