"""Orders: our own from the checkout, and everybody else's as the platforms tell them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, select, update

from hutong.core.errors import NotFound
from hutong.core.ids import new_code
from hutong.core.money import Money
from hutong.db.bulk import insert_rows, transition_rows
from hutong.db.fixed import Fixed, among, mine
from hutong.db.unit import Unit
from hutong.merchants.days import today_here
from hutong.shops.events import OrderClosed, OrderLine, OrderPaid, OrderPlaced, OrderRefunded
from hutong.shops.models import order_line, sales_order
from hutong.shops.states import ORDER, OrderEvent, OrderState
from hutong.shops.stock import OutOfStock, Quantity, put_back, release, reserve_many, sell_reserved

OWN: Final = "own"
#: After the day, so many letters: 32^8 numbers a day, short enough to read to a buyer on the phone.
ORDER_CODE_CHARS: Final = 8
#: States in which nothing has left the house yet.
UNSHIPPED: Final = (OrderState.PAID.value,)

_LINES: Final = Fixed(
    select(*order_line.c)
    .where(mine(order_line.c.merchant_id), among(order_line.c.order_id, "order_ids"))
    .order_by(order_line.c.order_id, order_line.c.line_key)
)


class NewOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order at our own checkout. Without a SKU it is an amount: nothing is reserved."""

    sku_id: UUID | None
    seller_code: str
    title: str
    quantity: int
    unit_price: Money
    channel_id: UUID | None
    link_id: UUID | None
    click_id: UUID | None
    container: str


def subject_of(order_id: UUID) -> str:
    """How the stock journal names an order."""
    return f"order:{order_id}"


async def place_order(unit: Unit, new: NewOrder) -> UUID:
    """Write an unpaid order down and hold its goods.

    Raises:
        OutOfStock: less is available.
    """
    order_id = (await place_orders(unit, [new]))[0]
    if order_id is None:
        raise OutOfStock
    return order_id


async def place_orders(unit: Unit, wanted: Sequence[NewOrder]) -> list[UUID | None]:
    """:func:`place_order` for many with a handful of statements; None where less is available."""
    placed = list(zip(unit.new_ids(len(wanted)), wanted, strict=True))
    held = {
        subject_of(order_id): [Quantity(sku_id=new.sku_id, quantity=new.quantity)]
        for order_id, new in placed
        if new.sku_id is not None
    }
    refused = await reserve_many(unit, held) if held else set()
    taken = [(order_id, new) for order_id, new in placed if subject_of(order_id) not in refused]
    if taken:
        await _write_orders(unit, taken)
    return [None if subject_of(order_id) in refused else order_id for order_id, _ in placed]


async def _write_orders(unit: Unit, placed: Sequence[tuple[UUID, NewOrder]]) -> None:
    now, count, today = unit.now(), len(placed), await today_here(unit)
    totals = [new.unit_price.times(new.quantity) for _, new in placed]
    numbers = [f"{today:%y%m%d}{new_code(ORDER_CODE_CHARS).upper()}" for _ in placed]
    orders: dict[str, list[Any]] = {
        "order_id": [order_id for order_id, _ in placed],
        "source": [OWN] * count,
        "order_no": numbers,
        "state": [OrderState.UNPAID.value] * count,
        "currency": [total.currency for total in totals],
        "total_minor": [total.amount_minor for total in totals],
        "channel_id": [new.channel_id for _, new in placed],
        "link_id": [new.link_id for _, new in placed],
        "click_id": [new.click_id for _, new in placed],
        "container": [new.container for _, new in placed],
        "origin": ["checkout"] * count,
        "placed_at": [now] * count,
        "modified_at": [now] * count,
        "created_at": [now] * count,
    }
    lines: dict[str, list[Any]] = {
        "order_id": [order_id for order_id, _ in placed],
        "line_key": ["1"] * count,
        "sku_id": [new.sku_id for _, new in placed],
        "seller_code": [new.seller_code for _, new in placed],
        "title": [new.title for _, new in placed],
        "quantity": [new.quantity for _, new in placed],
        "unit_price": [Decimal(new.unit_price.decimal_text()) for _, new in placed],
        "amount_minor": [total.amount_minor for total in totals],
    }
    await insert_rows(unit, sales_order, orders)
    await insert_rows(unit, order_line, lines)
    for (order_id, _), number, total in zip(placed, numbers, totals, strict=True):
        unit.emit(
            OrderPlaced(
                order_id=order_id,
                source=OWN,
                order_no=number,
                total_minor=total.amount_minor,
                currency=total.currency,
            )
        )


async def get_order(unit: Unit, order_id: UUID, *, lock: bool = False) -> Row[Any]:
    """The row of an order.

    Raises:
        NotFound: not this merchant's.
    """
    statement = select(sales_order).where(
        sales_order.c.merchant_id == unit.merchant_id, sales_order.c.order_id == order_id
    )
    row = await unit.one(statement.with_for_update() if lock else statement)
    if row is None:
        raise NotFound(what="order", key=str(order_id))
    return row


async def lines_of(unit: Unit, order_id: UUID) -> Sequence[Row[Any]]:
    """The lines of an order."""
    return await unit.all(
        select(order_line)
        .where(order_line.c.merchant_id == unit.merchant_id, order_line.c.order_id == order_id)
        .order_by(order_line.c.line_key)
    )


async def _lines_of_many(unit: Unit, order_ids: Sequence[UUID]) -> list[Row[Any]]:
    """The lines of many orders, by order and line."""
    return await unit.ask(_LINES, order_ids=list(order_ids)) if order_ids else []


def quantities_of(lines: Sequence[Row[Any]]) -> list[Quantity]:
    """What of an order's lines we count ourselves."""
    return [Quantity(sku_id=row.sku_id, quantity=row.quantity) for row in lines if row.sku_id and row.quantity > 0]


async def tell_paid(
    unit: Unit,
    row: Row[Any],
    lines: Sequence[Row[Any]],
    *,
    connection_id: UUID | None,
    platform: str,
    paid_at: datetime,
) -> None:
    """Tell that an order is paid, with all that reactions need."""
    unit.emit(
        OrderPaid(
            order_id=row.order_id,
            source=row.source,
            order_no=row.order_no,
            connection_id=connection_id,
            platform=platform,
            channel_id=row.channel_id,
            link_id=row.link_id,
            click_id=row.click_id,
            container=row.container,
            customer_id=row.customer_id,
            gross_minor=row.paid_minor,
            currency=row.currency,
            paid_at=paid_at,
            lines=tuple(
                OrderLine(
                    line_key=line.line_key,
                    sku_id=line.sku_id,
                    title=line.title,
                    quantity=line.quantity,
                    amount_minor=line.amount_minor,
                )
                for line in lines
            ),
        )
    )


class PaidOrder(msgspec.Struct, frozen=True, kw_only=True):
    """That one of our own orders was paid, by whom, and through which wallet."""

    order_id: UUID
    amount: Money
    customer_id: UUID | None
    connection_id: UUID
    platform: str
    paid_at: datetime


async def mark_paid(unit: Unit, paid: Sequence[PaidOrder]) -> None:
    """Our own orders are paid: their goods are sold. Those that were paid before are left alone.

    An order of an amount without goods is complete: nothing is left to ship.
    """
    by_id = {one.order_id: one for one in paid}
    columns: dict[str, list[Any]] = {
        "order_id": list(by_id),
        "paid_minor": [one.amount.amount_minor for one in by_id.values()],
        "customer_id": [one.customer_id for one in by_id.values()],
        "paid_at": [one.paid_at for one in by_id.values()],
        "modified_at": [unit.now()] * len(by_id),
    }
    rows = await transition_rows(unit, sales_order, "order_id", columns, ORDER, OrderEvent.PAY, whole=True)
    lines: dict[UUID, list[Row[Any]]] = {row.order_id: [] for row in rows}
    for line in await _lines_of_many(unit, list(lines)):
        lines[line.order_id].append(line)
    await sell_reserved(unit, {subject_of(order_id): quantities_of(lines[order_id]) for order_id in lines})
    for row in rows:
        one = by_id[row.order_id]
        await tell_paid(
            unit,
            row,
            lines[row.order_id],
            connection_id=one.connection_id,
            platform=one.platform,
            paid_at=one.paid_at,
        )
    handed_over = [order_id for order_id, its in lines.items() if not quantities_of(its)]  # amounts without goods
    done: dict[str, list[Any]] = {"order_id": handed_over, "modified_at": [unit.now()] * len(handed_over)}
    await transition_rows(unit, sales_order, "order_id", done, ORDER, OrderEvent.COMPLETE)


async def close_order(unit: Unit, order_id: UUID) -> bool:
    """An unpaid order ends; its goods are free again."""
    moved = await unit.transition(sales_order, {"order_id": order_id}, ORDER, OrderEvent.CLOSE, modified_at=unit.now())
    if moved:
        row = await get_order(unit, order_id)
        if row.source == OWN:  # only our own checkout holds goods for unpaid orders; platforms hold theirs
            await release(unit, quantities_of(await lines_of(unit, order_id)), subject_of(order_id))
        unit.emit(OrderClosed(order_id=order_id, source=row.source))
    return moved


async def record_refund(unit: Unit, order_id: UUID, amount: Money, refunded_at: datetime) -> None:
    """Money of an order went back; unshipped goods of a fully refunded order come back to the shelf.

    Raises:
        NotFound: the payment has not reached the order yet; the caller tries again later.
    """
    row = await get_order(unit, order_id, lock=True)
    total = row.refunded_minor + amount.amount_minor
    if total > row.paid_minor:
        raise NotFound(what="payment of order", key=str(order_id))
    await unit.run(
        update(sales_order)
        .where(sales_order.c.merchant_id == unit.merchant_id, sales_order.c.order_id == order_id)
        .values(refunded_minor=total, modified_at=unit.now())
    )
    if total >= row.paid_minor:
        await unit.transition(sales_order, {"order_id": order_id}, ORDER, OrderEvent.REFUND)
        if row.state in UNSHIPPED:
            await put_back(unit, subject_of(order_id))
    unit.emit(
        OrderRefunded(
            order_id=order_id,
            source=row.source,
            customer_id=row.customer_id,
            amount_minor=amount.amount_minor,
            refunded_minor=total,
            gross_minor=row.paid_minor,
            currency=row.currency,
            refunded_at=refunded_at,
        )
    )
