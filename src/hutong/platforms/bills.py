"""What a wallet gives whose bill (对账单) of a day can be read: row by row, and what it states as its sums."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone
from enum import StrEnum
from typing import Final, Protocol

import msgspec

from hutong.core.money import Money
from hutong.platforms.account import Account

#: A bill's day is a day in China, wherever the shop is.
BILL_ZONE: Final = timezone(timedelta(hours=8))


class BillKind(StrEnum):
    """What a row is about. Its fee stands in the row itself, so that a fee is no row of its own."""

    TRADE = "trade"
    REFUND = "refund"
    REVERSAL = "reversal"  # a charge that was undone; stands under the number of the trade


class BillRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a bill. ``own_no`` is our number of the trade or of the refund, ``wallet_no`` the wallet's.

    ``amount`` is never negative. ``fee`` is what the wallet took for it; below zero where it gave a fee back.
    ``is_final``: the wallet has done it; a refund that is still on its way stands in a bill, too.
    """

    row_no: int
    kind: BillKind
    own_no: str
    trade_no: str  # our number of the trade, also in a refund's row
    wallet_no: str
    amount: Money
    fee: Money
    happened_at: datetime
    raw_state: str
    is_final: bool = True


class BillTotals(msgspec.Struct, frozen=True, kw_only=True):
    """What the bill states of itself; the rows have been held against it when the last of them was given."""

    rows_count: int
    traded: Money
    refunded: Money
    fees: Money | None = None  # None: the bill does not state them


class BillStatus(StrEnum):
    """Whether there is a bill. EMPTY: the wallet says that nothing happened that day; NOT_READY: ask again later."""

    READY = "ready"
    EMPTY = "empty"
    NOT_READY = "not_ready"


Pieces = Callable[[], AsyncIterator[Sequence[BillRow]]]


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    """The bill of one account and one day.

    A READY one was checked as a whole (its digest where the wallet gives one, its size, that it ends as it must) before
    any row of it is read. ``pieces`` reads it from its beginning, some rows at a time, as often as it is called.

    Raises, while it is read:
        BillRefused: a row cannot be understood, or the rows do not add up to what the bill states.
    """

    day: date
    status: BillStatus
    digest: bytes = b""  # SHA-256 of the file as it was unpacked
    totals: BillTotals | None = None
    pieces: Pieces | None = None

    async def rows(self) -> AsyncIterator[BillRow]:
        """Every row, one at a time."""
        if self.pieces is not None:
            async for piece in self.pieces():
                for row in piece:
                    yield row


class Bills(Protocol):
    """Capability: read the wallet's bill of a day that has ended."""

    @property
    def ready_time(self) -> time:
        """From when on, the next day in China, the wallet's documents say that a bill is there."""
        ...

    @property
    def kept_days(self) -> int:
        """How many days back a bill can be asked for."""
        ...

    async def fetch(self, account: Account, day: date) -> Bill:
        """The bill of a day. A day that has not ended in China is NOT_READY.

        Raises:
            BillRefused: there is a file, and it is not what it must be.
            PlatformUnknown, PlatformFailure: ask again later.
        """
        ...


def due_at(day: date, ready: time) -> datetime:
    """When the bill of a day is said to be there (UTC)."""
    return datetime.combine(day + timedelta(days=1), ready, BILL_ZONE).astimezone(UTC)


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """``[since, until)`` of a bill's day (UTC)."""
    since = datetime.combine(day, time(), BILL_ZONE).astimezone(UTC)
    return since, since + timedelta(days=1)


def bill_day(moment: datetime) -> date:
    """The bill's day in which a moment lies."""
    return moment.astimezone(BILL_ZONE).date()
