"""The second half of an import: whole orders, batch by batch, with what they mean for figures and customers."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import msgspec

from hutong.analytics.late import grow_sales
from hutong.analytics.service import Sale, SaleLine, record_sales_many
from hutong.analytics.service import record_refund as lower_figures
from hutong.core.money import Money
from hutong.customers.late import grow_orders
from hutong.customers.service import CustomerOrder, Sighting, record_orders_many, remember_many
from hutong.customers.service import record_refund as lower_customer
from hutong.db.unit import Unit
from hutong.platforms.files import FileLine
from hutong.shops.file_orders import FileOrder, FileOrderLine, fold
from hutong.shops.import_lines import lines_of_orders
from hutong.shops.imports import Known, Shop, Written, known_orders, write_orders
from hutong.shops.states import SOLD, OrderState
from hutong.workflows.commands.import_reading import Reading
from hutong.workflows.commands.import_spill import SpilledRow
from hutong.workflows.commands.tie_orders import tie_by_remarks
from hutong.workflows.runtime import Runtime

#: Buyers of the platforms' files are named by their nick; a shop's own list has its customer numbers.
IDENTITY_KINDS: Final = {"generic": "generic"}
#: Words for states that are told as unknown.
UNKNOWN_STATES_TOLD_MAX: Final = 10


class Writing:
    """The second half: whole orders, batch by batch."""

    def __init__(self, runtime: Runtime, shop: Shop, currency: str, reading: Reading) -> None:
        self._runtime = runtime
        self._shop = shop
        self.currency = currency
        self._reading = reading
        self._kind = IDENTITY_KINDS.get(shop.platform, f"{shop.platform}_nick")
        self.rows = 0
        self.imported = 0
        self.merged = 0
        self.orders = 0
        self.orders_new = 0
        self.orders_changed = 0
        self.orders_tied = 0
        self.refunds = 0
        self.refund_documents = 0
        self.refunds_cut = 0
        self.pending = 0
        self.kept = 0
        self.unknown_states: set[str] = set()
        self.negative_lines = 0
        self.without_customer = 0
        self.total = Decimal(0)

    async def take(self, unit: Unit, batch: Sequence[SpilledRow]) -> None:
        """Fold a batch into orders and write them."""
        self.rows += len(batch)
        by_order: dict[str, list[SpilledRow]] = {}
        listed: dict[str, list[FileLine]] = {}
        for row in batch:
            listed.setdefault(row.line.order_no, []).append(row.line)
            if not row.is_refused:
                by_order.setdefault(row.line.order_no, []).append(row)
        self.total += sum(map(_list_total, listed.values()), Decimal(0))
        known = await known_orders(unit, self._shop, list(by_order))
        orders: list[FileOrder] = []
        for order_no, rows in by_order.items():
            lines = [row.line for row in rows]
            order = fold(lines, self.currency)
            before = known.get(order_no)
            if before is None and order.placed_at is None:
                self._refuse_timeless(rows)
                continue
            self._count_rows(lines, order)
            self._count_stateless(order, before)
            if before is not None and not before.is_from_file:
                self.merged += len(rows)  # its checkout or connection knows better
            else:
                orders.append(order)
        orders = await self._with_customers(unit, orders)
        written = await write_orders(unit, self._shop, orders, known)
        for result in written:
            self._count_result(result, len(by_order[result.order.order_no]))
        await self._tell_figures(unit, written, known)
        remarks = {number: [text for row in rows for text in row.line.remarks] for number, rows in by_order.items()}
        self.orders_tied += len(await tie_by_remarks(unit, self._shop.platform, remarks, claims=False))

    def _refuse_timeless(self, rows: Sequence[SpilledRow]) -> None:
        for row in rows:
            self._reading.refuse(row.table, row.line.row_no, "order_time_unknown", {})

    def _count_rows(self, lines: Sequence[FileLine], order: FileOrder) -> None:
        """Figures of the files themselves: the same on every import."""
        parts = [line for line in lines if line.line_key]
        counted = parts or lines[:1]
        knows_buyer = any(line.buyer_ref for line in lines if not line.line_key)
        self.orders += 1
        self.refund_documents += order.is_refund
        self.refunds_cut += order.is_refund_cut
        self.refunds += sum(line.is_refund or (line.refunded or 0) > 0 for line in counted)
        self.negative_lines += sum(line.quantity < 0 for line in parts)
        self.without_customer += sum(not (line.buyer_ref or knows_buyer) for line in counted)

    def _count_stateless(self, order: FileOrder, before: Known | None) -> None:
        """An unknown state moves nothing: a new order waits for more, one that is known stays where it is."""
        if order.state is not OrderState.PENDING:
            return
        self.pending += 1
        self.kept += before is not None and before.state is not OrderState.PENDING
        if order.raw_status and len(self.unknown_states) < UNKNOWN_STATES_TOLD_MAX:
            self.unknown_states.add(order.raw_status)

    def _count_result(self, result: Written, rows: int) -> None:
        made = len(result.new_lines) or int(result.is_new and not result.order.lines)
        self.imported += made
        self.merged += rows - made
        self.orders_new += result.is_new
        self.orders_changed += not result.is_new and (result.changed or bool(result.new_lines))

    async def _with_customers(self, unit: Unit, orders: Sequence[FileOrder]) -> list[FileOrder]:
        sightings = [
            Sighting(value=order.buyer_ref, seen_at=order.placed_at, name=self._name_of(order))
            for order in orders
            if order.buyer_ref and order.placed_at
        ]
        found = await remember_many(unit, self._runtime.vault, self._kind, sightings)
        return [msgspec.structs.replace(order, customer_id=found.get(order.buyer_ref)) for order in orders]

    def _name_of(self, order: FileOrder) -> str:
        return "" if self._kind in IDENTITY_KINDS.values() else order.buyer_ref

    async def _tell_figures(self, unit: Unit, written: Sequence[Written], known: dict[str, Known]) -> None:
        """Facts and customers' totals, for what is new or moved; an unchanged order costs nothing."""
        moved = [item for item in written if item.is_new or item.changed or item.new_lines]
        sales = [item for item in moved if item.order.counts_as_sale and item.order.placed_at]
        first = [item for item in sales if self._is_first(item, known)]
        late = [item for item in sales if not self._is_first(item, known)]
        lines = await lines_of_orders(unit, [item.order_id for item in first if not item.is_new])
        await record_sales_many(unit, [self._sale(item, lines.get(item.order_id, item.order.lines)) for item in first])
        await grow_sales(unit, [self._sale(item, item.new_lines) for item in late])
        buyers = [item for item in sales if item.order.customer_id is not None]
        await record_orders_many(unit, [self._customer_order(item) for item in buyers])
        await grow_orders(unit, [self._customer_order(item) for item in buyers if item in late])
        for item in late:
            if item.refund_rose:
                await self._tell_refund(unit, item)

    def _is_first(self, item: Written, known: dict[str, Known]) -> bool:
        before = known.get(item.order.order_no)
        return before is None or before.state not in SOLD

    async def _tell_refund(self, unit: Unit, item: Written) -> None:
        total = Money(item.refunded_minor, self.currency)
        await lower_figures(unit, item.order_id, total)
        if item.order.customer_id is not None:
            await lower_customer(unit, item.order.customer_id, order_id=item.order_id, refunded_total=total)

    def _sale(self, item: Written, lines: Sequence[FileOrderLine]) -> Sale:
        order = item.order
        assert order.placed_at is not None, "only orders with a time are told"
        return Sale(
            order_id=item.order_id,
            source=self._shop.platform,
            gross=Money(0 if order.is_refund else item.paid_minor, self.currency),
            paid_at=order.paid_at or order.placed_at,
            customer_id=order.customer_id,
            refunded_minor=item.refunded_minor,
            is_refund=order.is_refund,
            lines=tuple(
                SaleLine(
                    title=line.title,
                    quantity=line.quantity,
                    amount_minor=line.amount_minor,
                    sku_id=item.sku_ids.get(line.seller_code),
                )
                for line in lines
            ),
        )

    def _customer_order(self, item: Written) -> CustomerOrder:
        order = item.order
        assert order.placed_at is not None, "only orders with a time are told"
        assert order.customer_id is not None, "only orders of known customers are told"
        return CustomerOrder(
            order_id=item.order_id,
            customer_id=order.customer_id,
            amount=Money(0 if order.is_refund else item.paid_minor, self.currency),
            at=order.paid_at or order.placed_at,
            refunded=Money(item.refunded_minor, self.currency),
            is_refund=order.is_refund,
        )


def _list_total(lines: Sequence[FileLine]) -> Decimal:
    """What the rows of one order list, refused ones too: its lines, or its own sum, once, where no row is a line."""
    parts = [line for line in lines if line.line_key]
    return sum((line.list_total for line in parts or lines[:1]), Decimal(0))
