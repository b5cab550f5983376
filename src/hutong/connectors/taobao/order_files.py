"""Taobao's and Tmall's export files: the order file and the line file, which the import joins.

Order-level sums stand on line rows in some exports. They are told apart from sums of the line by what the line can
owe at most (price × quantity), over the neighbouring lines of the same order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from hutong.connectors.taobao.file_columns import (
    FOREIGN_COLUMNS,
    LINE_COLUMNS,
    ORDER_COLUMNS,
    REFUND_DONE_WORDS,
    STATUSES,
)
from hutong.core.money import Money, allocate, minor_half_up
from hutong.platforms.files import FileContext, FileLine, RowRefused
from hutong.platforms.shops import ShopOrderStatus
from hutong.platforms.tables.cells import (
    CHINA,
    CellRefused,
    code,
    is_foot,
    moment,
    money,
    order_number,
    quantity,
    words,
)
from hutong.platforms.tables.headers import Columns
from hutong.platforms.tables.lines import LineKeys, refused

#: Differences up to here are rounding (major units).
ROUNDING: Final = Decimal("0.01")
MASK: Final = "*"
STATUS_COLUMN: Final = "订单状态"
#: Rows that are held to look at the lines of one order together.
NEIGHBOURS_MAX: Final = 1_000


class TaobaoOrderFiles:
    """Reads ``OrderFiles`` of Taobao and Tmall."""

    def recognises(self, header: Sequence[str]) -> bool:
        """An order file or a line file of any generation."""
        return _is_line_file(header) or _is_order_file(header)

    def bare_columns(self, row: Sequence[str]) -> Sequence[str] | None:  # noqa: ARG002 (Taobao always has a header)
        """None: there is always a header."""
        return None

    def unused(self, header: Sequence[str]) -> Sequence[str]:
        """Columns that are not read."""
        return Columns(header, LINE_COLUMNS if _is_line_file(header) else ORDER_COLUMNS).unused()

    def lacking(self, header: Sequence[str]) -> Sequence[str]:
        """Taobao's file without its states does not say what was sent, refunded or closed: nothing is made up."""
        columns = Columns(header, LINE_COLUMNS if _is_line_file(header) else ORDER_COLUMNS)
        return () if columns.has("status") else (STATUS_COLUMN,)

    def read(
        self, header: Sequence[str], rows: Iterator[tuple[int, Sequence[str]]], context: FileContext
    ) -> Iterator[FileLine | RowRefused]:
        """One result for each row."""
        if _is_line_file(header):
            reader = _LineReader(Columns(header, LINE_COLUMNS), context)
            found = (reader.row(row_no, cells) for row_no, cells in rows)
            for group in _orders(found):
                yield from _settle(group, context.currency)
        else:
            order_reader = _OrderReader(Columns(header, ORDER_COLUMNS), context)
            for row_no, cells in rows:
                yield order_reader.row(row_no, cells)


def _is_line_file(header: Sequence[str]) -> bool:
    names = set(header)
    if names & FOREIGN_COLUMNS:
        return False
    if {"子订单编号", "主订单编号"} <= names:
        return bool(names & {"商品属性", "外部系统编号", "颜色/尺码", "购买数量", "宝贝数量"})
    return {"订单编号", "外部系统编号", "套餐信息"} <= names


def _is_order_file(header: Sequence[str]) -> bool:
    names = set(header)
    known = {"订单编号", "订单创建时间"} <= names and bool(names & {"买家应付货款", "总金额"})
    return known and "子订单编号" not in names and not names & FOREIGN_COLUMNS


class _Sums(msgspec.Struct, frozen=True, kw_only=True):
    """The money cells of one row, as they stand."""

    goods_due: Decimal | None
    freight: Decimal | None
    order_total: Decimal | None
    paid: Decimal | None
    refunded: Decimal | None


class _Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line row whose sums may still be the order's."""

    line: FileLine
    sums: _Sums


class _Reader:
    def __init__(self, columns: Columns, context: FileContext) -> None:
        self.columns = columns
        self.context = context

    def sums(self, cells: Sequence[str]) -> _Sums:
        return _Sums(
            goods_due=self.money(cells, "goods_due"),
            freight=self.money(cells, "freight"),
            order_total=self.money(cells, "order_total"),
            paid=self.money(cells, "paid"),
            refunded=self.refunded(cells),
        )

    def money(self, cells: Sequence[str], field: str) -> Decimal | None:
        return money(self.columns.cell(cells, field), self.columns.name(field))

    def refunded(self, cells: Sequence[str]) -> Decimal | None:
        """What really went back; an open claim did not."""
        amount = self.money(cells, "refunded")
        if amount is not None and self.columns.has("refund_status"):
            status = words(self.columns.cell(cells, "refund_status"))
            return amount if any(word in status for word in REFUND_DONE_WORDS) else Decimal(0)
        return amount

    def times(self, cells: Sequence[str]) -> dict[str, object]:
        fields = ("created_at", "paid_at", "shipped_at", "completed_at")
        return {field: moment(self.columns.cell(cells, field), self.columns.name(field), CHINA) for field in fields}

    def common(self, cells: Sequence[str]) -> dict[str, object]:
        raw_status = words(self.columns.cell(cells, "status"))
        buyer = code(self.columns.cell(cells, "buyer"))
        return {
            "order_no": order_number(self.columns.cell(cells, "order_no"), self.columns.name("order_no"), is_long=True),
            "raw_status": raw_status,
            "status": _status(raw_status).value,
            "title": words(self.columns.cell(cells, "title")),
            "variant": words(self.columns.cell(cells, "variant")),
            "buyer_ref": "" if MASK in buyer else buyer,
            **self.times(cells),
        }


class _OrderReader(_Reader):
    """One row per order. The same number again is a line-level file in disguise: its sums still count once."""

    def row(self, row_no: int, cells: Sequence[str]) -> FileLine | RowRefused:
        if is_foot(cells):
            return RowRefused(row_no=row_no, reason="total_row")
        try:
            return self._order(row_no, cells, self.sums(cells))
        except CellRefused as error:
            return refused(row_no, error)  # no quantity and unit price on such a row

    def _order(self, row_no: int, cells: Sequence[str], sums: _Sums) -> FileLine:
        common = self.common(cells)
        if common["created_at"] is None:
            raise CellRefused("time_missing", self.columns.name("created_at"), "")
        goods, freight, total = _order_sums(sums)
        return msgspec.convert(
            {
                **common,
                "row_no": row_no,
                "line_key": "",
                "quantity": quantity(self.columns.cell(cells, "quantity"), self.columns.name("quantity")) or 0,
                "amount": goods,
                "list_total": goods,
                "order_total": total,
                "order_paid": sums.paid,
                "freight": freight,
                "refunded": _true_refund(sums.refunded, total, sums.paid),
            },
            FileLine,
        )


class _LineReader(_Reader):
    """One row per sub-order."""

    def __init__(self, columns: Columns, context: FileContext) -> None:
        super().__init__(columns, context)
        self._keys = LineKeys()

    def row(self, row_no: int, cells: Sequence[str]) -> _Line | RowRefused:
        if is_foot(cells):
            return RowRefused(row_no=row_no, reason="total_row")
        list_total = Decimal(0)
        try:
            sums = self.sums(cells)
            count = quantity(self.columns.cell(cells, "quantity"), self.columns.name("quantity"))
            unit_price = self.money(cells, "unit_price")
            line_paid = self.money(cells, "line_paid")
            if count is None:
                raise CellRefused("quantity_missing", self.columns.name("quantity"), "")
            list_total = _list_total(count, unit_price, line_paid, sums)
            line = self._line(row_no, cells, count, unit_price or Decimal(0), list_total)
            return _Line(line=msgspec.structs.replace(line, line_paid=line_paid), sums=sums)
        except CellRefused as error:
            return refused(row_no, error, list_total)

    def _line(
        self, row_no: int, cells: Sequence[str], count: int, unit_price: Decimal, list_total: Decimal
    ) -> FileLine:
        columns = self.columns
        common = self.common(cells)
        seller_code = code(columns.cell(cells, "seller_code")) or code(columns.cell(cells, "outer_code"))
        return msgspec.convert(
            {
                **common,
                "row_no": row_no,
                "line_key": self._line_key(cells, common, seller_code),
                "seller_code": seller_code,
                "quantity": count,
                "unit_price": unit_price,
                "list_total": list_total,
            },
            FileLine,
        )

    def _line_key(self, cells: Sequence[str], common: dict[str, object], seller_code: str) -> str:
        raw = self.columns.cell(cells, "line_no")
        if code(raw):
            try:
                return order_number(raw, self.columns.name("line_no"), is_long=True)
            except CellRefused as error:
                raise CellRefused("line_no_damaged", error.column, error.value) from error
        bundle = words(self.columns.cell(cells, "bundle"))
        return self._keys.key(
            str(common["order_no"]), seller_code, str(common["title"]), str(common["variant"]), bundle
        )


def _orders(found: Iterator[_Line | RowRefused]) -> Iterator[list[_Line | RowRefused]]:
    """Neighbouring rows of the same order; a refused row stays with the one before it."""
    group: list[_Line | RowRefused] = []
    order_no = ""
    for item in found:
        if isinstance(item, _Line):
            if order_no and (item.line.order_no != order_no or len(group) >= NEIGHBOURS_MAX):
                yield group
                group = []
            order_no = item.line.order_no
        elif len(group) >= NEIGHBOURS_MAX:
            yield group
            group = []
        group.append(item)
    if group:
        yield group


def _list_total(count: int, unit_price: Decimal | None, line_paid: Decimal | None, sums: _Sums) -> Decimal:
    """Quantity × unit price; a file without prices says at least what the line owes or was paid."""
    if unit_price is not None:
        return unit_price * count
    for amount in (line_paid, sums.goods_due):
        if amount is not None:
            return amount
    raise CellRefused("money_missing", "价格", "")


def _order_sums(sums: _Sums) -> tuple[Decimal, Decimal, Decimal]:
    """Goods, freight and total of an order row; a column that was left out follows from the others."""
    freight = sums.freight or Decimal(0)
    if sums.goods_due is not None:
        return sums.goods_due, freight, sums.goods_due + freight
    if sums.order_total is None:
        raise CellRefused("money_missing", "买家应付货款", "")
    return sums.order_total - freight, freight, sums.order_total


def _true_refund(refund: Decimal | None, due: Decimal, paid: Decimal | None) -> Decimal | None:
    """退款金额 also holds what was merely discounted, where it equals what is owed less what was paid."""
    if refund and paid is not None and abs(due - paid - refund) <= ROUNDING:
        return Decimal(0)
    return refund


def _settle(found: list[_Line | RowRefused], currency: str) -> Iterator[FileLine | RowRefused]:
    """Neighbouring lines of one order: decide whose the sums are and give each line its own."""
    lines = [item for item in found if isinstance(item, _Line)]
    repeats = _repeats([line.sums.goods_due for line in lines], lines)
    paid_repeats = repeats or _repeats([line.sums.paid for line in lines], lines)
    amounts = _shares([line.sums.goods_due for line in lines], lines, currency) if repeats else []
    refunds = _shares([line.sums.refunded for line in lines], lines, currency) if repeats else []
    place = 0
    for item in found:
        if isinstance(item, RowRefused):
            yield item
            continue
        sums, line = item.sums, item.line
        paid = line.line_paid if paid_repeats or line.line_paid is not None else sums.paid
        due = amounts[place] if repeats else _due(item)
        refund = refunds[place] if repeats else sums.refunded
        yield msgspec.structs.replace(
            line,
            amount=due,
            line_paid=paid,
            order_paid=sums.paid if paid_repeats or line.line_paid is not None else None,
            order_total=sums.order_total if line.line_paid is not None else None,
            freight=sums.freight,
            refunded=_true_refund(refund, due, paid),
        )
        place += 1


def _due(item: _Line) -> Decimal:
    """What the line owes: where its own payment is known, the other sums on the row are the order's."""
    if item.line.line_paid is not None:
        return item.line.line_paid
    return item.line.list_total if item.sums.goods_due is None else item.sums.goods_due


def _repeats(sums: list[Decimal | None], lines: list[_Line]) -> bool:
    """Whether the same sum on every line is the order's: more than one line, and more than one of them can owe."""
    if len(lines) < 2 or sums[0] is None or any(line.line.line_paid is not None for line in lines):
        return False
    least = min(line.line.list_total for line in lines)
    return all(amount == sums[0] for amount in sums) and sums[0] > least


def _shares(sums: list[Decimal | None], lines: list[_Line], currency: str) -> list[Decimal]:
    """The order's sum shared over its lines by what each lists; the parts add up exactly."""
    whole = minor_half_up(max(amount or Decimal(0) for amount in sums), currency)
    weights = [max(minor_half_up(line.line.list_total, currency), 0) for line in lines]
    parts = allocate(whole, weights if sum(weights) else [1] * len(lines))
    return [Decimal(Money(part, currency).decimal_text()) for part in parts]


def _status(raw_status: str) -> ShopOrderStatus:
    plain = raw_status.replace(",", "").replace("，", "").replace(" ", "")
    if plain in STATUSES:
        return STATUSES[plain]
    for beginning in ("买家已签收", "交易关闭"):
        if plain.startswith(beginning):
            return STATUSES[beginning]
    return ShopOrderStatus.PENDING


ORDER_FILES: Final = TaobaoOrderFiles()
