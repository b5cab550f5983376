"""Stock: an append-only journal and its counters. Rows are locked in SKU order, so sales never wait in a circle."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import select

from hutong.core.errors import ErrorText, HutongError, InvalidInput
from hutong.db.bulk import insert_rows
from hutong.db.fixed import Fixed, among, mine
from hutong.db.unit import Unit
from hutong.shops.events import StockChanged
from hutong.shops.models import stock, stock_move

QUANTITY_MAX: Final = 10_000_000

_HOLD: Final = Fixed(
    select(stock.c.sku_id, (stock.c.on_hand - stock.c.reserved).label("available"))
    .where(mine(stock.c.merchant_id), among(stock.c.sku_id, "sku_ids"))
    .order_by(stock.c.sku_id)
    .with_for_update()
)
_COUNT: Final = (
    "UPDATE stock SET on_hand = stock.on_hand + given.on_hand, reserved = stock.reserved + given.reserved, "
    "changed_at = $2 FROM unnest($3::uuid[], $4::integer[], $5::integer[]) AS given(sku_id, on_hand, reserved) "
    "WHERE stock.merchant_id = $1 AND stock.sku_id = given.sku_id"
)


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


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the journal: why, for whom, and by how much the counters go up or down."""

    kind: MoveKind
    sku_id: UUID
    subject: str
    on_hand: int
    reserved: int


async def _write(unit: Unit, moves: Sequence[Move]) -> set[tuple[UUID, str]]:
    """Write the journal; which moves, by SKU and subject, were not made before. Tells what can be sold anew, once."""
    now = unit.now()
    columns: dict[str, list[Any]] = {
        "move_id": unit.new_ids(len(moves)),
        "sku_id": [move.sku_id for move in moves],
        "kind": [move.kind.value for move in moves],
        "on_hand_delta": [move.on_hand for move in moves],
        "reserved_delta": [move.reserved for move in moves],
        "subject": [move.subject for move in moves],
        "moved_at": [now] * len(moves),
    }
    rows = await insert_rows(unit, stock_move, columns, once=True, returning=("sku_id", "subject"))
    fresh = {(row.sku_id, row.subject) for row in rows}
    changed = {m.sku_id for m in moves if m.on_hand != m.reserved and (m.sku_id, m.subject) in fresh}
    for sku_id in sorted(changed):
        unit.emit(StockChanged(sku_id=sku_id))
    return fresh


async def _move(unit: Unit, kind: MoveKind, sku_id: UUID, subject: str, on_hand: int, reserved: int) -> bool:
    """Write one move; False when this very move was made before."""
    move = Move(kind=kind, sku_id=sku_id, subject=subject, on_hand=on_hand, reserved=reserved)
    return bool(await _write(unit, [move]))


async def _count(unit: Unit, sku_id: UUID, on_hand: int, reserved: int) -> None:
    """Move the counters of a SKU."""
    await _count_many(unit, {sku_id: (on_hand, reserved)})


async def _count_many(unit: Unit, deltas: Mapping[UUID, tuple[int, int]]) -> None:
    """Move the counters, (on hand, reserved) by SKU; the caller holds the rows or has a single one."""
    sku_ids = sorted(deltas)
    on_hand, reserved = ([deltas[sku_id][side] for sku_id in sku_ids] for side in (0, 1))
    await unit.fetch(_COUNT, unit.merchant_id, unit.now(), sku_ids, on_hand, reserved)


async def _hold_rows(unit: Unit, sku_ids: Iterable[UUID]) -> dict[UUID, int]:
    """Lock the counters in SKU order; what can be sold of each."""
    return {row.sku_id: int(row.available) for row in await unit.ask(_HOLD, sku_ids=sorted(set(sku_ids)))}


async def receive(unit: Unit, sku_id: UUID, quantity: int, subject: str) -> None:
    """Goods came in."""
    for item in _in_sku_order([Quantity(sku_id=sku_id, quantity=quantity)]):
        if await _move(unit, MoveKind.RECEIVE, item.sku_id, subject, item.quantity, 0):
            await _count(unit, item.sku_id, item.quantity, 0)


async def reserve_many(unit: Unit, wanted: Mapping[str, Sequence[Quantity]]) -> set[str]:
    """Hold goods for orders that are not paid yet, by their subject, first come first served; who got nothing."""
    by_subject = {subject: _in_sku_order(quantities) for subject, quantities in wanted.items()}
    left = await _hold_rows(unit, (item.sku_id for items in by_subject.values() for item in items))
    refused: set[str] = set()
    moves: list[Move] = []
    for subject, items in by_subject.items():
        if any(left.get(item.sku_id, 0) < item.quantity for item in items):
            refused.add(subject)
            continue
        for item in items:
            left[item.sku_id] -= item.quantity
            moves.append(_reservation(MoveKind.RESERVE, item, subject))
    await _apply(unit, moves)
    return refused


def _reservation(kind: MoveKind, item: Quantity, subject: str) -> Move:
    """What a step in a reservation's life moves."""
    on_hand, reserved = {MoveKind.RESERVE: (0, 1), MoveKind.RELEASE: (0, -1), MoveKind.SELL: (-1, -1)}[kind]
    return Move(
        kind=kind,
        sku_id=item.sku_id,
        subject=subject,
        on_hand=on_hand * item.quantity,
        reserved=reserved * item.quantity,
    )


async def _apply(unit: Unit, moves: Sequence[Move]) -> None:
    """Write moves whose rows are held, and count those that are new."""
    if not moves:
        return
    fresh = await _write(unit, moves)
    deltas: dict[UUID, tuple[int, int]] = {}
    for move in moves:
        if (move.sku_id, move.subject) in fresh:
            on_hand, reserved = deltas.get(move.sku_id, (0, 0))
            deltas[move.sku_id] = (on_hand + move.on_hand, reserved + move.reserved)
    if deltas:
        await _count_many(unit, deltas)


async def release(unit: Unit, quantities: Sequence[Quantity], subject: str) -> None:
    """Let go of what :func:`reserve_many` held."""
    await _end_reservations(unit, MoveKind.RELEASE, {subject: quantities})


async def sell_reserved(unit: Unit, sold: Mapping[str, Sequence[Quantity]]) -> None:
    """What was held is sold, for many orders by their subject; what can be sold stays the same."""
    await _end_reservations(unit, MoveKind.SELL, sold)


async def _end_reservations(unit: Unit, kind: MoveKind, ended: Mapping[str, Sequence[Quantity]]) -> None:
    moves = [
        _reservation(kind, item, subject) for subject, quantities in ended.items() for item in _in_sku_order(quantities)
    ]
    await _hold_rows(unit, (move.sku_id for move in moves))
    await _apply(unit, moves)


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
