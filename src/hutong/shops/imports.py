"""Orders out of files, written many at a time: each once, merged forwards only, never touching stock.

An import is history: goods of these orders left long ago or are counted where the platform is connected. An order
that came another way (checkout, pull) is left as it is; its connection knows better than a file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import func, select, text, update

from hutong.core.errors import CurrencyMismatch
from hutong.db.bulk import insert_rows, rows_of, slices
from hutong.db.unit import Unit
from hutong.shops.file_orders import FileOrder, FileOrderLine
from hutong.shops.import_lines import add_lines, insert_lines, sku_ids_of
from hutong.shops.models import import_run, order_line, sales_order
from hutong.shops.states import ORDER, RANK, SOLD, OrderState

FROM_FILE: Final = "file"
#: What an import may change of an order that it finds.
STEP_FIELDS: Final = (
    "state", "raw_status", "total_minor", "freight_minor", "paid_minor", "refunded_minor", "customer_id",
    "modified_at", "paid_at",
)  # fmt: skip
#: Two imports of one merchant wait for each other; the second then finds what the first wrote.
ONE_AT_A_TIME: Final = text("SELECT pg_advisory_xact_lock(hashtextextended('shops.import:' || :merchant_id, 0))")

#: The planner knows nothing of rows that this transaction has just written: taking the merchant's orders for a handful,
#: it would walk all of them again for each order of a batch. Without nested loops a batch costs one pass at most.
ONE_PASS_A_BATCH: Final = text("SELECT set_config('enable_nestloop', 'off', true)")


class Shop(msgspec.Struct, frozen=True, kw_only=True):
    """Where the files come from."""

    platform: str
    shop_ref: str = ""


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """An order that is written down already."""

    order_id: UUID
    is_from_file: bool
    state: OrderState
    raw_status: str
    currency: str
    total_minor: int
    freight_minor: int
    paid_minor: int
    refunded_minor: int
    customer_id: UUID | None
    modified_at: datetime
    paid_at: datetime | None


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an order. ``new_lines`` were not known before; ``paid_minor`` and so on are what stands now."""

    order_id: UUID
    order: FileOrder
    is_new: bool
    new_lines: tuple[FileOrderLine, ...]
    sku_ids: Mapping[str, UUID]  # by the seller's code
    paid_minor: int
    refunded_minor: int
    refund_rose: bool
    changed: bool


async def begin_import(unit: Unit) -> None:
    """Wait for another import of this merchant to end, and fit the transaction for writing many rows."""
    await unit.run(ONE_AT_A_TIME, {"merchant_id": str(unit.merchant_id)})
    await unit.run(ONE_PASS_A_BATCH)


async def known_orders(unit: Unit, shop: Shop, order_nos: Sequence[str]) -> dict[str, Known]:
    """Orders of a shop by their numbers, as far as they are known; locked until the end of the transaction."""
    found: dict[str, Known] = {}
    # Platforms number orders over all their shops: one that was told before its shop was known is the same.
    wanted = [sales_order.c.shop_ref.in_([shop.shop_ref, ""])] if shop.shop_ref else []
    for piece in slices({"order_no": sorted(order_nos)}):
        given = rows_of(sales_order, piece)
        statement = (
            select(sales_order)
            .join(given, sales_order.c.order_no == given.c.order_no)
            .where(
                sales_order.c.merchant_id == unit.merchant_id,
                sales_order.c.source == shop.platform,
                *wanted,
            )
            .order_by(sales_order.c.order_no, sales_order.c.shop_ref)  # where there are both, the shop's own
            .with_for_update(of=sales_order)
        )
        for row in await unit.all(statement):
            found[row.order_no] = Known(
                order_id=row.order_id,
                is_from_file=row.origin == FROM_FILE,
                state=OrderState(row.state),
                raw_status=row.raw_status,
                currency=row.currency,
                total_minor=row.total_minor,
                freight_minor=row.freight_minor,
                paid_minor=row.paid_minor,
                refunded_minor=row.refunded_minor,
                customer_id=row.customer_id,
                modified_at=row.modified_at,
                paid_at=row.paid_at,
            )
    return found


async def write_orders(
    unit: Unit, shop: Shop, orders: Sequence[FileOrder], known: Mapping[str, Known]
) -> list[Written]:
    """Write orders that are new and bring the others forward; each of ``orders`` has ``placed_at`` or is known.

    Raises:
        CurrencyMismatch: an order is known in another currency.
    """
    fresh = [order for order in orders if order.order_no not in known]
    ids = {order.order_no: unit.new_id() for order in fresh}
    await _insert_orders(unit, shop, fresh, ids)
    ids.update({order.order_no: known[order.order_no].order_id for order in orders if order.order_no in known})
    codes = await sku_ids_of(unit, sorted({line.seller_code for order in orders for line in order.lines} - {""}))
    await insert_lines(unit, fresh, ids, codes)
    new_keys = await add_lines(unit, [order for order in orders if order.order_no in known], ids, codes)
    written = [
        Written(
            order_id=ids[order.order_no],
            order=order,
            is_new=order.order_no not in known,
            new_lines=order.lines
            if order.order_no not in known
            else tuple(line for line in order.lines if (ids[order.order_no], line.line_key) in new_keys),
            sku_ids=codes,
            paid_minor=order.paid_minor,
            refunded_minor=order.refunded_minor,
            refund_rose=False,
            changed=order.order_no not in known,
        )
        for order in orders
    ]
    grown = await _grown(unit, [item for item in written if not item.is_new and item.new_lines], known)
    steps = {
        item.order_id: _step(item.order, known[item.order.order_no], grown.get(item.order_id))
        for item in written
        if not item.is_new
    }
    await _advance(unit, [step for step in steps.values() if step.changed])
    return [_as_it_stands(item, steps[item.order_id]) if item.order_id in steps else item for item in written]


def _as_it_stands(item: Written, step: _Step) -> Written:
    return msgspec.structs.replace(
        item,
        order=msgspec.structs.replace(item.order, state=step.state, customer_id=step.customer_id),
        paid_minor=step.paid_minor,
        refunded_minor=step.refunded_minor,
        refund_rose=step.refunded_minor > step.before.refunded_minor,
        changed=step.changed,
    )


async def _grown(unit: Unit, items: Sequence[Written], known: Mapping[str, Known]) -> dict[UUID, int]:
    """What new lines add to orders whose total is the sum of their lines (a list that was cut inside an order)."""
    grown: dict[UUID, int] = {}
    candidates = {item.order_id: item for item in items if not item.order.has_own_row}
    if not candidates:
        return grown
    for piece in slices({"order_id": sorted(candidates)}):
        given = rows_of(order_line, piece)
        statement = (
            select(order_line.c.order_id, func.count().label("lines"), func.sum(order_line.c.amount_minor).label("sum"))
            .join(given, order_line.c.order_id == given.c.order_id)
            .where(order_line.c.merchant_id == unit.merchant_id)
            .group_by(order_line.c.order_id)
        )
        for row in await unit.all(statement):
            item = candidates[row.order_id]
            before = known[item.order.order_no]
            added = sum(line.amount_minor for line in item.new_lines)
            had_lines = row.lines > len(item.new_lines)
            if had_lines and int(row.sum) - added + before.freight_minor == before.total_minor:
                grown[row.order_id] = added
    return grown


class _Step(msgspec.Struct, frozen=True, kw_only=True):
    """From what is known of an order to what stands now."""

    before: Known
    state: OrderState
    raw_status: str
    total_minor: int
    freight_minor: int
    paid_minor: int
    refunded_minor: int
    customer_id: UUID | None
    modified_at: datetime
    paid_at: datetime | None

    @property
    def changed(self) -> bool:
        return any(getattr(self, field) != getattr(self.before, field) for field in STEP_FIELDS)


def _step(order: FileOrder, before: Known, added_minor: int | None) -> _Step:
    """Forwards only: a lower rank, an older time or an unknown state changes no sum and no state.

    ``added_minor``: what new lines add to a total that is made of lines.
    """
    if order.currency != before.currency:
        raise CurrencyMismatch(left=before.currency, right=order.currency)
    modified_at = max(before.modified_at, order.modified_at) if order.modified_at else before.modified_at
    rises = order.state in _ahead(before.state)
    level = order.state is before.state and modified_at == (order.modified_at or modified_at)
    takes_sums = rises or (level and order.has_own_row)
    refunded = max(before.refunded_minor, order.refunded_minor)
    state = order.state if rises else before.state
    is_paid = state in SOLD and not order.is_refund
    total = order.total_minor if takes_sums else before.total_minor
    paid = order.paid_minor if takes_sums else before.paid_minor
    if added_minor is not None and not takes_sums:
        total += added_minor
        paid = total if 0 < before.paid_minor == before.total_minor else paid
        refunded = max(-total, 0) if order.is_refund else refunded
    return _Step(
        before=before,
        state=state,
        raw_status=order.raw_status if rises or (level and order.raw_status) else before.raw_status,
        total_minor=total,
        freight_minor=order.freight_minor if takes_sums else before.freight_minor,
        paid_minor=paid,
        refunded_minor=refunded if order.is_refund else min(refunded, paid),
        customer_id=before.customer_id or order.customer_id,
        modified_at=modified_at,
        paid_at=before.paid_at or ((order.paid_at or order.placed_at or modified_at) if is_paid else None),
    )


def _ahead(state: OrderState) -> frozenset[OrderState]:
    """States that the table reaches from ``state`` in any number of steps, further along than it."""
    reached: set[OrderState] = set()
    edge = {state}
    while edge:  # ends: every round adds states, of which there are eight
        edge = {after for (before, _), after in ORDER.steps.items() if before in edge} - reached
        reached |= edge
    if state is OrderState.PENDING:
        reached.add(OrderState.UNPAID)  # a word we did not know, and now do
    return frozenset(after for after in reached if RANK[after] > RANK[state])


async def _insert_orders(unit: Unit, shop: Shop, orders: Sequence[FileOrder], ids: Mapping[str, UUID]) -> None:
    if not orders:
        return
    now = unit.now()
    columns: dict[str, list[Any]] = {
        "order_id": [ids[order.order_no] for order in orders],
        "source": [shop.platform] * len(orders),
        "shop_ref": [shop.shop_ref] * len(orders),
        "order_no": [order.order_no for order in orders],
        "state": [order.state.value for order in orders],
        "raw_status": [order.raw_status for order in orders],
        "is_refund": [order.is_refund for order in orders],
        "currency": [order.currency for order in orders],
        "total_minor": [order.total_minor for order in orders],
        "freight_minor": [order.freight_minor for order in orders],
        "paid_minor": [order.paid_minor for order in orders],
        "refunded_minor": [order.refunded_minor for order in orders],
        "customer_id": [order.customer_id for order in orders],
        "origin": [FROM_FILE] * len(orders),
        "placed_at": [order.placed_at for order in orders],
        "paid_at": [_paid_at(order) for order in orders],
        "modified_at": [order.modified_at or order.placed_at for order in orders],
        "created_at": [now] * len(orders),
    }
    await insert_rows(unit, sales_order, columns)


def _paid_at(order: FileOrder) -> datetime | None:
    """A file that does not say: when it was placed. A return document was never paid."""
    if order.paid_at is not None or order.is_refund or not order.counts_as_sale:
        return order.paid_at
    return order.placed_at


async def _advance(unit: Unit, steps: Sequence[_Step]) -> None:
    """Compare-and-set: an order that is no longer in the state it was read in is left alone."""
    for present in sorted({step.before.state for step in steps}):
        moving = [step for step in steps if step.before.state is present]
        columns: dict[str, list[Any]] = {"order_id": [step.before.order_id for step in moving]}
        for field in STEP_FIELDS:
            columns[field] = [getattr(step, field) for step in moving]
        for piece in slices(columns):
            given = rows_of(sales_order, piece)
            await unit.run(
                update(sales_order)
                .where(
                    sales_order.c.merchant_id == unit.merchant_id,
                    sales_order.c.order_id == given.c.order_id,
                    sales_order.c.state == present.value,
                )
                .values({field: given.c[field] for field in STEP_FIELDS})
            )


async def note_import(unit: Unit, platform: str, file_names: str, figures: bytes) -> UUID:
    """Keep an import's figures for the console."""
    import_id = unit.new_id()
    await unit.insert(
        import_run,
        import_id=import_id,
        platform=platform,
        file_names=file_names,
        figures=figures,
        imported_at=unit.now(),
    )
    return import_id
