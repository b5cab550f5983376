"""Order lists of any shop: one row per line of an order, columns found by their usual names.

A list without order numbers, but with customer and day, is a purchase history: one order per customer and day.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from hutong.connectors.generic.columns import (
    ALIASES,
    BARE_FIVE,
    BARE_FOUR,
    ONLY_TITLES,
    PARTLY_REFUNDED_WORDS,
    REFUNDED_WORDS,
    STATES,
)
from hutong.platforms.files import FileContext, FileLine, RowRefused
from hutong.platforms.shops import ShopOrderStatus
from hutong.platforms.tables.cells import CellRefused, code, is_foot, moment, money, order_number, quantity, words
from hutong.platforms.tables.headers import Columns
from hutong.platforms.tables.lines import LineKeys, refused

_SQUEEZED: Final = re.compile(r"[_\-.#]")
_STATE_MARKS: Final = re.compile(r"[\s_\-,.;，。；、]")
_CANCELLATION: Final = re.compile(r"[Cc]\d+")
_WHOLE: Final = re.compile(r"(\d{1,15})\.0+")
_CUSTOMER: Final = re.compile(r"\d{4,6}")
_DAY: Final = re.compile(r"(?:19|20)\d{6}")
_SUM: Final = re.compile(r"\d+\.\d\d")


class GenericOrderFiles:
    """Reads ``OrderFiles`` of shops that are on no platform known here."""

    def recognises(self, header: Sequence[str]) -> bool:
        """A time, a sum or price, and an order number or a customer."""
        columns = _columns(header)
        return (
            columns.has("created_at")
            and columns.any("unit_price", "amount")
            and columns.any("order_no", "customer")
            and columns.any("quantity", "amount")
        )

    def bare_columns(self, row: Sequence[str]) -> Sequence[str] | None:
        """The CDNOW history has no header in the form in which it was published."""
        cells = [cell.strip() for cell in row]
        if len(cells) not in {4, 5} or not _CUSTOMER.fullmatch(cells[0]):
            return None
        day, pieces, amount = cells[-3:]
        if not (_DAY.fullmatch(day) and pieces.isdigit() and _SUM.fullmatch(amount)):
            return None
        return BARE_FOUR if len(cells) == 4 else BARE_FIVE

    def unused(self, header: Sequence[str]) -> Sequence[str]:
        """Columns without a known name."""
        return _columns(header).unused()

    def lacking(self, header: Sequence[str]) -> Sequence[str]:  # noqa: ARG002 (a list without states is history)
        """Nothing: a list of sales without states is taken as completed."""
        return ()

    def read(
        self, header: Sequence[str], rows: Iterator[tuple[int, Sequence[str]]], context: FileContext
    ) -> Iterator[FileLine | RowRefused]:
        """One result for each row."""
        reader = _Reader(_columns(header), context)
        for row_no, cells in rows:
            yield reader.row(row_no, cells)


class _Reader:
    def __init__(self, columns: Columns, context: FileContext) -> None:
        self._columns = columns
        self._context = context
        self._keys = LineKeys()
        self._only_title = "" if columns.any("title", "sku") else ONLY_TITLES.get(columns.name("quantity"), "")

    def row(self, row_no: int, cells: Sequence[str]) -> FileLine | RowRefused:
        if is_foot(cells):
            return RowRefused(row_no=row_no, reason="total_row")
        list_total = Decimal(0)
        try:
            count, unit_price, list_total = self._sums(cells)
            return self._line(row_no, cells, count, unit_price, list_total)
        except CellRefused as error:
            return refused(row_no, error, list_total)

    def _sums(self, cells: Sequence[str]) -> tuple[int, Decimal, Decimal]:
        columns = self._columns
        count = quantity(columns.cell(cells, "quantity"), columns.name("quantity"))
        if count is None:
            if columns.has("quantity"):
                raise CellRefused("quantity_missing", columns.name("quantity"), "")
            count = 1
        unit_price = money(columns.cell(cells, "unit_price"), columns.name("unit_price"))
        if unit_price is not None:
            return count, unit_price, unit_price * count
        amount = money(columns.cell(cells, "amount"), columns.name("amount"))
        if amount is None:
            raise CellRefused(
                "money_missing", columns.name("unit_price" if columns.has("unit_price") else "amount"), ""
            )
        return count, Decimal(0), amount

    def _line(
        self, row_no: int, cells: Sequence[str], count: int, unit_price: Decimal, list_total: Decimal
    ) -> FileLine:
        columns, context = self._columns, self._context
        created_at = moment(
            columns.cell(cells, "created_at"), columns.name("created_at"), context.zone, day_first=context.day_first
        )
        if created_at is None:
            raise CellRefused("time_missing", columns.name("created_at"), "")
        currency = code(columns.cell(cells, "currency")).upper()
        if currency and currency != context.currency:
            raise CellRefused("other_currency", columns.name("currency"), currency)
        customer = _number_as_text(code(columns.cell(cells, "customer")))
        order_no = self._order_no(cells, customer)
        sku = _number_as_text(code(columns.cell(cells, "sku")))
        title = words(columns.cell(cells, "title")) or self._only_title
        line_no = code(columns.cell(cells, "line_no"))
        raw_status = words(columns.cell(cells, "status"))
        told = money(columns.cell(cells, "amount"), columns.name("amount"))
        amount = list_total if told is None else told
        status, refunded = self._status(
            raw_status, amount, money(columns.cell(cells, "refunded"), columns.name("refunded"))
        )
        return FileLine(
            row_no=row_no,
            order_no=order_no,
            line_key=line_no or self._keys.key(order_no, sku or title, str(count), f"{list_total.normalize():f}"),
            status=status.value,
            raw_status=raw_status,
            created_at=created_at,
            title=title,
            seller_code=sku,
            variant=words(columns.cell(cells, "variant")),
            quantity=count,
            unit_price=unit_price,
            amount=amount,
            list_total=list_total,
            order_total=money(columns.cell(cells, "order_total"), columns.name("order_total")),
            order_paid=money(columns.cell(cells, "order_paid"), columns.name("order_paid")),
            freight=money(columns.cell(cells, "freight"), columns.name("freight")),
            refunded=refunded,
            is_refund=count < 0 and _CANCELLATION.fullmatch(order_no) is not None,
            paid_at=moment(
                columns.cell(cells, "paid_at"), columns.name("paid_at"), context.zone, day_first=context.day_first
            ),
            buyer_ref=customer,
            country=words(columns.cell(cells, "country")),
            remarks=tuple(text for name in ("remark", "coupon") if (text := words(columns.cell(cells, name)))),
        )

    def _status(
        self, raw_status: str, amount: Decimal, refunded: Decimal | None
    ) -> tuple[ShopOrderStatus, Decimal | None]:
        """The state, and what went back where only the word says it: closed with its money returned."""
        if not self._columns.has("status"):
            return ShopOrderStatus.COMPLETED, refunded  # a list of sales that says nothing of states is history
        word = _STATE_MARKS.sub("", unicodedata.normalize("NFKC", raw_status)).lower()
        if word in REFUNDED_WORDS:
            if refunded:
                return ShopOrderStatus.COMPLETED, refunded
            return ShopOrderStatus.CLOSED, max(amount, Decimal(0))
        if word in PARTLY_REFUNDED_WORDS and refunded:
            return ShopOrderStatus.PAID, refunded
        return ShopOrderStatus(STATES.get(word, ShopOrderStatus.PENDING.value)), refunded

    def _order_no(self, cells: Sequence[str], customer: str) -> str:
        columns = self._columns
        if columns.has("order_no"):
            return order_number(columns.cell(cells, "order_no"), columns.name("order_no"), is_long=False)
        if not customer:
            raise CellRefused("order_no_missing", columns.name("customer"), "")
        return f"{customer}-{code(columns.cell(cells, 'created_at'))}"


def _columns(header: Sequence[str]) -> Columns:
    return Columns([_SQUEEZED.sub("", name) for name in header], ALIASES)


def _number_as_text(text: str) -> str:
    """A short number that passed through a spreadsheet or a data frame: ``17850.0`` is 17850."""
    whole = _WHOLE.fullmatch(text)
    return whole.group(1) if whole else text


ORDER_FILES: Final = GenericOrderFiles()
