"""Orders that platforms tell us: one row per platform order number, merged monotonically, shortages in sight."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, select, update

from hutong.core.money import Money
from hutong.db.unit import Unit
from hutong.platforms.shops import ShopOrder, ShopOrderStatus
from hutong.shops.catalogue import skus_by_code
from hutong.shops.events import OrderPlaced, OrderShort
from hutong.shops.models import order_line, sales_order
from hutong.shops.orders import (
    close_order,
    get_order,
    lines_of,
    quantities_of,
    record_refund,
    subject_of,
    tell_paid,
)
from hutong.shops.states import ORDER, RANK, REACHED_BY, SOLD, OrderState
from hutong.shops.stock import sell_direct

#: The shop of an order that a file told before its shop was connected; platforms number orders over all their shops.
SHOP_UNKNOWN: Final = ""
#: Platform states that mean the buyer has paid.
PAID_STATES: Final = frozenset(
    {ShopOrderStatus.PAID, ShopOrderStatus.PARTLY_SHIPPED, ShopOrderStatus.SHIPPED, ShopOrderStatus.COMPLETED}
)


class ShopRef(msgspec.Struct, frozen=True, kw_only=True):
    """Whose order it is."""

    connection_id: UUID
    platform: str
    shop_ref: str


async def merge_order(unit: Unit, shop: ShopRef, told: ShopOrder, receiver: bytes | None, origin: str) -> bool:
    """Take a platform's word for an order; True when it changed anything. Older words and unknown states do not."""
    known = await unit.one(
        select(sales_order)
        .where(
            sales_order.c.merchant_id == unit.merchant_id,
            sales_order.c.source == shop.platform,
            sales_order.c.shop_ref.in_([shop.shop_ref, SHOP_UNKNOWN]),
            sales_order.c.order_no == told.platform_order_id,
        )
        .order_by(sales_order.c.shop_ref.desc())
        .limit(1)
        .with_for_update()
    )
    if known is not None and known.shop_ref != shop.shop_ref:
        await _adopt(unit, shop, known, origin)
    if known is None:
        order_id = await _write_down(unit, shop, told, receiver, origin)
        if order_id is None:  # somebody else wrote it down at the same time; theirs is merged by the next pull
            return False
        known = await get_order(unit, order_id)
    elif told.modified_at < known.modified_at:
        return False
    return await _advance(unit, shop, told, known)


async def _adopt(unit: Unit, shop: ShopRef, known: Row[Any], origin: str) -> None:
    """An order that came from a file before its shop was connected: from now on it is the shop's.

    One that was paid by then stays history: its goods and its money never were in our stock and books.
    """
    values: dict[str, Any] = {"shop_ref": shop.shop_ref}
    if OrderState(known.state) not in SOLD:
        values |= {"connection_id": shop.connection_id, "origin": origin}
    await unit.run(
        update(sales_order)
        .where(sales_order.c.merchant_id == unit.merchant_id, sales_order.c.order_id == known.order_id)
        .values(values)
    )


async def _write_down(unit: Unit, shop: ShopRef, told: ShopOrder, receiver: bytes | None, origin: str) -> UUID | None:
    order_id = unit.new_id()
    state = OrderState.PENDING if told.status is ShopOrderStatus.PENDING else OrderState.UNPAID
    fresh = await unit.insert_once(
        sales_order,
        order_id=order_id,
        source=shop.platform,
        shop_ref=shop.shop_ref,
        order_no=told.platform_order_id,
        connection_id=shop.connection_id,
        state=state.value,
        raw_status=told.raw_status,
        currency=told.total.currency,
        total_minor=told.total.amount_minor,
        freight_minor=told.freight.amount_minor,
        receiver=receiver,
        origin=origin,
        placed_at=told.created_at,
        modified_at=told.modified_at,
        created_at=unit.now(),
    )
    if not fresh:
        return None
    codes = await skus_by_code(unit, sorted({line.seller_code for line in told.lines if line.seller_code}))
    for line in told.lines:
        await unit.insert(
            order_line,
            order_id=order_id,
            line_key=line.line_id,
            sku_id=codes.get(line.seller_code),
            seller_code=line.seller_code,
            title=line.title,
            quantity=line.quantity,
            unit_price=Decimal(line.unit_price.decimal_text()),
            amount_minor=line.amount.amount_minor,
        )
    unit.emit(
        OrderPlaced(
            order_id=order_id,
            source=shop.platform,
            order_no=told.platform_order_id,
            total_minor=told.total.amount_minor,
            currency=told.total.currency,
        )
    )
    return order_id


async def _advance(unit: Unit, shop: ShopRef, told: ShopOrder, known: Row[Any]) -> bool:
    """Bring our order to where the platform says it is; never back."""
    await _note(unit, known.order_id, told)
    if told.status is ShopOrderStatus.PENDING:
        return False
    changed = False
    if told.status in PAID_STATES and RANK[OrderState(known.state)] < RANK[OrderState.PAID]:
        await _pay(unit, shop, told, known.order_id)
        changed = True
    if told.status is ShopOrderStatus.CLOSED:
        return await _close(unit, told, known)
    target = OrderState(told.status.value)
    present = OrderState((await get_order(unit, known.order_id)).state)
    if RANK[target] > RANK[present]:
        changed = await unit.transition(sales_order, {"order_id": known.order_id}, ORDER, REACHED_BY[target])
    return changed


async def _note(unit: Unit, order_id: UUID, told: ShopOrder) -> None:
    await unit.run(
        update(sales_order)
        .where(sales_order.c.merchant_id == unit.merchant_id, sales_order.c.order_id == order_id)
        .values(raw_status=told.raw_status, modified_at=told.modified_at)
    )


async def _pay(unit: Unit, shop: ShopRef, told: ShopOrder, order_id: UUID) -> None:
    """The platform took the buyer's money: the goods are sold, or short."""
    paid = told.paid or told.total
    paid_at = told.paid_at or told.modified_at
    await unit.transition(
        sales_order,
        {"order_id": order_id},
        ORDER,
        REACHED_BY[OrderState.PAID],
        paid_minor=paid.amount_minor,
        paid_at=paid_at,
    )
    lines = await lines_of(unit, order_id)
    missing = await sell_direct(unit, quantities_of(lines), subject_of(order_id))
    for line in lines:
        lacking = min(missing.get(line.sku_id, 0), line.quantity)
        if lacking:
            missing[line.sku_id] -= lacking
            await _flag_short(unit, shop, told, order_id, line, lacking)
    row = await get_order(unit, order_id)
    await tell_paid(unit, row, lines, connection_id=shop.connection_id, platform=shop.platform, paid_at=paid_at)


async def _flag_short(unit: Unit, shop: ShopRef, told: ShopOrder, order_id: UUID, line: Row[Any], lacking: int) -> None:
    await unit.run(
        update(order_line)
        .where(
            order_line.c.merchant_id == unit.merchant_id,
            order_line.c.order_id == order_id,
            order_line.c.line_key == line.line_key,
        )
        .values(short_quantity=lacking)
    )
    await unit.run(
        update(sales_order)
        .where(sales_order.c.merchant_id == unit.merchant_id, sales_order.c.order_id == order_id)
        .values(is_short=True)
    )
    unit.emit(
        OrderShort(
            order_id=order_id,
            source=shop.platform,
            order_no=told.platform_order_id,
            seller_code=line.seller_code,
            missing_quantity=lacking,
        )
    )


async def _close(unit: Unit, told: ShopOrder, known: Row[Any]) -> bool:
    """Closed unpaid ends the order; closed after payment means that all of its money went back."""
    left = known.paid_minor - known.refunded_minor
    if left > 0:
        await record_refund(unit, known.order_id, Money(left, known.currency), told.modified_at)
        return True
    return await close_order(unit, known.order_id)
