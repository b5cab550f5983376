"""From rows of files to orders: rows of one order are folded into one, and its sums are counted once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

import msgspec

from hutong.core.money import minor_half_up
from hutong.platforms.files import FileLine
from hutong.platforms.shops import ShopOrderStatus
from hutong.shops.states import RANK, SOLD, OrderState

TITLE_CHARS_MAX: Final = 500
TEXT_CHARS_MAX: Final = 200
#: States in which the buyer's money has come in.
PAID: Final = frozenset({OrderState.PAID, OrderState.PARTLY_SHIPPED, OrderState.SHIPPED, OrderState.COMPLETED})


class FileOrderLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line to be written."""

    line_key: str
    seller_code: str
    title: str
    variant: str
    quantity: int
    unit_price: Decimal  # major units, as in the file
    amount_minor: int
    refunded_minor: int


class FileOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order as the files tell it.

    ``has_own_row``: the order's own row was among them, so that its sums are the platform's word and not ours.
    ``placed_at`` is None where no row said it. ``is_refund``: a cancellation document; its sums are negative, and
    ``refunded_minor`` is what it gives back. ``is_refund_cut``: the files tell a larger refund than what was paid; no
    more than that went back.
    """

    order_no: str
    state: OrderState
    raw_status: str
    is_refund: bool
    has_own_row: bool
    currency: str
    total_minor: int
    freight_minor: int
    paid_minor: int
    refunded_minor: int
    placed_at: datetime | None
    paid_at: datetime | None
    modified_at: datetime | None
    buyer_ref: str
    lines: tuple[FileOrderLine, ...]
    customer_id: UUID | None = None
    is_refund_cut: bool = False

    @property
    def counts_as_sale(self) -> bool:
        """Whether figures know it: an order that is paid, be it with nothing, or a document that gives back."""
        return self.state in SOLD


def fold(rows: Sequence[FileLine], currency: str) -> FileOrder:
    """One order from all its rows, in the order in which they were read."""
    own = [row for row in rows if not row.line_key]
    parts = [row for row in rows if row.line_key]
    lines = _lines(parts, currency)
    freight = _minor(_most(row.freight for row in rows), currency)
    total = _total(own, parts, lines, freight, currency)
    is_refund = any(row.is_refund for row in rows) or total < 0
    status = _status_of_own(own) if own else _status_of_lines(parts)
    paid, refunded = _money(own, parts, status, total, currency)
    told = refunded
    if is_refund:
        state, paid, refunded = OrderState.REFUNDED, 0, max(-total, 0)
    else:
        state, paid, refunded = _state(status, paid, refunded)
    voice = own or parts
    return FileOrder(
        order_no=rows[0].order_no,
        state=state,
        raw_status=_last(row.raw_status for row in voice)[:TEXT_CHARS_MAX],
        is_refund=is_refund,
        has_own_row=bool(own),
        currency=currency,
        total_minor=total,
        freight_minor=freight,
        paid_minor=paid,
        refunded_minor=refunded,
        placed_at=min((row.created_at for row in rows if row.created_at), default=None),
        paid_at=min((row.paid_at for row in rows if row.paid_at), default=None),
        modified_at=max((at for row in rows for at in _times(row)), default=None),
        buyer_ref=_last(row.buyer_ref for row in rows),
        lines=lines,
        is_refund_cut=not is_refund and state in SOLD and told > paid,
    )


def _lines(parts: Sequence[FileLine], currency: str) -> tuple[FileOrderLine, ...]:
    """One line for each key; what came later of the same key counts, and refunds only grow."""
    found: dict[str, FileOrderLine] = {}
    for row in parts:
        before = found.get(row.line_key)
        amount_minor = _minor(row.amount, currency)
        refunded = min(_minor(row.refunded, currency), max(amount_minor, 0))  # more than that is the order's
        found[row.line_key] = FileOrderLine(
            line_key=row.line_key,
            seller_code=row.seller_code[:TEXT_CHARS_MAX],
            title=(row.title or row.seller_code)[:TITLE_CHARS_MAX],
            variant=row.variant[:TEXT_CHARS_MAX],
            quantity=row.quantity,
            unit_price=row.unit_price,
            amount_minor=amount_minor,
            refunded_minor=max(refunded, before.refunded_minor) if before else refunded,
        )
    return tuple(found.values())


def _total(
    own: Sequence[FileLine],
    parts: Sequence[FileLine],
    lines: Sequence[FileOrderLine],
    freight_minor: int,
    currency: str,
) -> int:
    """The platform's sum where a row has it, once; else the lines and the freight."""
    for rows in (own, parts):
        if (told := _most(row.order_total for row in rows)) is not None:
            return _minor(told, currency)
    return sum(line.amount_minor for line in lines) + freight_minor


def _money(
    own: Sequence[FileLine], parts: Sequence[FileLine], status: ShopOrderStatus, total: int, currency: str
) -> tuple[int, int]:
    """What was paid and what went back, in minor units.

    A file that does not say what was paid: what is owed, once it is paid; money that went back had come in.
    """
    told = _most(row.order_paid for row in own or parts)
    line_sums = {row.line_key: row.line_paid for row in parts}
    if told is None and line_sums and all(paid is not None for paid in line_sums.values()):
        told = sum((paid for paid in line_sums.values() if paid is not None), Decimal(0))
    refunded = max(_most(row.refunded for row in own) or Decimal(0), _refunded_by_lines(parts))
    owed = total if status.value in PAID or refunded > 0 else 0
    paid = owed if told is None else max(_minor(told, currency), 0)
    return paid, _minor(refunded, currency)


def _refunded_by_lines(parts: Sequence[FileLine]) -> Decimal:
    """What the lines give back. The same sum on all, larger than one of them, is the order's and counts once."""
    by_line = {row.line_key: (row.refunded or Decimal(0), row.amount) for row in parts}
    refunds = [refund for refund, _ in by_line.values()]
    least = min((amount for _, amount in by_line.values()), default=Decimal(0))
    if len(refunds) > 1 and len(set(refunds)) == 1 and refunds[0] > max(least, Decimal(0)):
        return refunds[0]
    return sum(refunds, Decimal(0))


def _state(status: ShopOrderStatus, paid_minor: int, refunded_minor: int) -> tuple[OrderState, int, int]:
    """Our state, what was paid, what went back: closed after payment means that all of its money went back."""
    refunded_minor = max(min(refunded_minor, paid_minor), 0)
    if status is ShopOrderStatus.CLOSED:
        return (OrderState.REFUNDED, paid_minor, paid_minor) if paid_minor > 0 else (OrderState.CLOSED, 0, 0)
    if status in (ShopOrderStatus.PENDING, ShopOrderStatus.UNPAID):
        return OrderState(status.value), 0, 0
    if paid_minor > 0 and refunded_minor == paid_minor:
        return OrderState.REFUNDED, paid_minor, refunded_minor
    return OrderState(status.value), paid_minor, refunded_minor


def _status_of_own(own: Sequence[FileLine]) -> ShopOrderStatus:
    """The furthest state that the order's own rows tell."""
    return max((ShopOrderStatus(row.status) for row in own), key=_rank)


def _status_of_lines(parts: Sequence[FileLine]) -> ShopOrderStatus:
    """The state of an order of which only lines are known. A refunded line is closed while the order lives."""
    known = {ShopOrderStatus(row.status) for row in parts} - {ShopOrderStatus.PENDING}
    if not known:
        return ShopOrderStatus.PENDING
    open_ = known - {ShopOrderStatus.CLOSED}
    if not open_:
        return ShopOrderStatus.CLOSED
    if ShopOrderStatus.PAID in open_ and open_ & {ShopOrderStatus.SHIPPED, ShopOrderStatus.COMPLETED}:
        return ShopOrderStatus.PARTLY_SHIPPED
    return min(open_, key=_rank)


def _rank(status: ShopOrderStatus) -> int:
    return RANK[OrderState(status.value)]


def _times(row: FileLine) -> Iterable[datetime]:
    return (at for at in (row.created_at, row.paid_at, row.shipped_at, row.completed_at) if at)


def _most(values: Iterable[Decimal | None]) -> Decimal | None:
    return max((value for value in values if value is not None), default=None)


def _last(values: Iterable[str]) -> str:
    found = ""
    for value in values:
        found = value or found
    return found


def _minor(value: Decimal | None, currency: str) -> int:
    return 0 if value is None else minor_half_up(value, currency)
