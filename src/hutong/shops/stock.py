"""Stock: an append-only journal and its counters. Rows are locked in SKU order, so sales never wait in a circle."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import select, update

from hutong.core.errors import ErrorText, HutongError, InvalidInput
from hutong.db.unit import Unit
from hutong.shops.events import StockChanged
from hutong.shops.models import stock, stock_move

QUANTITY_MAX: Final = 10_000_000


class MoveKind(StrEnum):
    """Why stock moved."""

    RECEIVE = "receive"  # counted in by a person
    RESERVE = "reserve"  # an order waits for its payment
    RELEASE = "release"  # it was not paid
    SELL = "sell"  # sold from a reservation
    SELL_DIRECT = "sell_direct"  # sold by a platform
    PUT_BACK = "put_back"  # refunded before it was shipped


class OutOfStock(HutongError):
    """Less is available than was asked for."""

    code = "out_of_stock"
    status = 409
    zh = ErrorText("库存不足。", "可售数量少于购买数量。", "请减少数量，或稍后再来看看。")
    en = ErrorText("Out of stock.", "Less is available than was asked for.", "Take fewer, or come back later.")


class Quantity(msgspec.Struct, frozen=True, kw_only=True):
    """So many of a SKU."""

    sku_id: UUID
    quantity: int


def _in_sku_order(quantities: Sequence[Quantity]) -> list[Quantity]:
    """One entry for each SKU, summed first: two lines of the same SKU must not pass the check one by one."""
    sums: dict[UUID, int] = {}
    for item in quantities:
        if not 0 < item.quantity <= QUANTITY_MAX:
            raise InvalidInput(field="quantity", problem=str(item.quantity))
        sums[item.sku_id] = sums.get(item.sku_id, 0) + item.quantity
    return [Quantity(sku_id=sku_id, quantity=sums[sku_id]) for sku_id in sorted(sums)]


async def _move(unit: Unit, kind: MoveKind, sku_id: UUID, subject: str, on_hand: int, reserved: int) -> bool:
    """Write the journal; False when this very move was made before."""
    fresh = await unit.insert_once(
        stock_move,
        move_id=unit.new_id(),
        sku_id=sku_id,
        kind=kind.value,
        on_hand_delta=on_hand,
        reserved_delta=reserved,
        subject=subject,
        moved_at=unit.now(),
    )
    if fresh and on_hand != reserved:
        unit.emit(StockChanged(sku_id=sku_id))
    return fresh


async def _count(unit: Unit, sku_id: UUID, on_hand: int, reserved: int, *, at_least: int = 0) -> bool:
    """Move the counters, guarded: False when less than ``at_least`` is available."""
    done = await unit.run(
        update(stock)
        .where(
            stock.c.merchant_id == unit.merchant_id,
            stock.c.sku_id == sku_id,
            stock.c.on_hand - stock.c.reserved >= at_least,
        )
        .values(on_hand=stock.c.on_hand + on_hand, reserved=stock.c.reserved + reserved, changed_at=unit.now())
    )
    return done.rowcount == 1


async def receive(unit: Unit, sku_id: UUID, quantity: int, subject: str) -> None:
    """Goods came in."""
    for item in _in_sku_order([Quantity(sku_id=sku_id, quantity=quantity)]):
        if await _move(unit, MoveKind.RECEIVE, item.sku_id, subject, item.quantity, 0):
            await _count(unit, item.sku_id, item.quantity, 0)


async def reserve(unit: Unit, quantities: Sequence[Quantity], subject: str) -> None:
    """Hold goods for an order that is not paid yet.

    Raises:
        OutOfStock: nothing is held then.
    """
    for item in _in_sku_order(quantities):
        if await _move(unit, MoveKind.RESERVE, item.sku_id, subject, 0, item.quantity):
            held = await _count(unit, item.sku_id, 0, item.quantity, at_least=item.quantity)
            if not held:
                raise OutOfStock


async def release(unit: Unit, quantities: Sequence[Quantity], subject: str) -> None:
    """Let go of what :func:`reserve` held."""
    for item in _in_sku_order(quantities):
        if await _move(unit, MoveKind.RELEASE, item.sku_id, subject, 0, -item.quantity):
            await _count(unit, item.sku_id, 0, -item.quantity)


async def sell_reserved(unit: Unit, quantities: Sequence[Quantity], subject: str) -> None:
    """What was held is sold; what can be sold stays the same."""
    for item in _in_sku_order(quantities):
        if await _move(unit, MoveKind.SELL, item.sku_id, subject, -item.quantity, -item.quantity):
            await _count(unit, item.sku_id, -item.quantity, -item.quantity)


async def sell_direct(unit: Unit, quantities: Sequence[Quantity], subject: str) -> dict[UUID, int]:
    """A platform sold these; what is missing, by SKU. A platform's order cannot be refused, only flagged."""
    missing: dict[UUID, int] = {}
    for item in _in_sku_order(quantities):
        available = await unit.scalar(
            select(stock.c.on_hand - stock.c.reserved)
            .where(stock.c.merchant_id == unit.merchant_id, stock.c.sku_id == item.sku_id)
            .with_for_update()
        )
        taken = min(item.quantity, int(available or 0))
        fresh = await _move(unit, MoveKind.SELL_DIRECT, item.sku_id, subject, -taken, 0)
        if fresh:
            await _count(unit, item.sku_id, -taken, 0)
            if taken < item.quantity:
                missing[item.sku_id] = item.quantity - taken
    return missing


async def put_back(unit: Unit, subject: str) -> None:
    """Undo what an order took, SKU by SKU as the journal tells (a shortage took less than was ordered)."""
    sold = await unit.all(
        select(stock_move.c.sku_id, stock_move.c.on_hand_delta)
        .where(
            stock_move.c.merchant_id == unit.merchant_id,
            stock_move.c.subject == subject,
            stock_move.c.kind.in_([MoveKind.SELL.value, MoveKind.SELL_DIRECT.value]),
            stock_move.c.on_hand_delta < 0,
        )
        .order_by(stock_move.c.sku_id)
    )
    for row in sold:
        if await _move(unit, MoveKind.PUT_BACK, row.sku_id, subject, -row.on_hand_delta, 0):
            await _count(unit, row.sku_id, -row.on_hand_delta, 0)


async def available(unit: Unit, sku_id: UUID) -> int:
    """What can be sold now."""
    figure = await unit.scalar(
        select(stock.c.on_hand - stock.c.reserved).where(
            stock.c.merchant_id == unit.merchant_id, stock.c.sku_id == sku_id
        )
    )
    return int(figure or 0)
