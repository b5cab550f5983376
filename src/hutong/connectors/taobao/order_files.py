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
    REMARKS,
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
    """A line row whose sums may still be the order's; ``is_whole``: even what it lists is, for want of a price."""

    line: FileLine
    sums: _Sums
    is_whole: bool = False


class _Reader:
    def __init__(self, columns: Columns, context: FileContext) -> None:
        self.columns = columns
        self.context = context
        self._refused_before: tuple[str, ...] = ()

    def sums(self, cells: Sequence[str]) -> _Sums:
        return _Sums(
            goods_due=self.money(cells, "goods_due"),
            freight=self.money(cells, "freight"),
            order_total=self.money(cells, "order_total"),
            paid=self.paid(cells, "paid"),
            refunded=self.refunded(cells),
        )

    def money(self, cells: Sequence[str], field: str) -> Decimal | None:
        return money(self.columns.cell(cells, field), self.columns.name(field))

    def paid(self, cells: Sequence[str], field: str) -> Decimal | None:
        """What the buyer paid, which is never less than nothing."""
        amount = self.money(cells, field)
        if amount is not None and amount < 0:
            raise CellRefused("paid_negative", self.columns.name(field), words(self.columns.cell(cells, field)))
        return amount

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
            "remarks": tuple(text for name in REMARKS if (text := words(self.columns.cell(cells, name)))),
            "buyer_ref": "" if MASK in buyer else buyer,
            **self.times(cells),
        }

    def refuse(
        self, row_no: int, cells: Sequence[str], error: CellRefused, list_total: Decimal, *, is_whole: bool
    ) -> RowRefused:
        """A refusal that still says what the row lists, and of which order where its number is not what is wrong."""
        try:
            order_no = order_number(self.columns.cell(cells, "order_no"), "", is_long=True)
        except CellRefused:
            order_no = ""
        if is_whole and self._is_again(cells, list_total):
            list_total = Decimal(0)
        return refused(row_no, error, list_total, order_no=order_no, is_whole=is_whole)

    def _is_again(self, cells: Sequence[str], goods: Decimal) -> bool:
        """Whether a refused row is of the same order as the refused one before it: the sum is said once per line."""
        fields = ("order_no", "created_at", "buyer")
        said = (*(code(self.columns.cell(cells, field)) for field in fields), str(goods))
        is_again, self._refused_before = said == self._refused_before, said
        return is_again


class _OrderReader(_Reader):
    """One row per order. The same number again is a line-level file in disguise: its sums still count once."""

    def row(self, row_no: int, cells: Sequence[str]) -> FileLine | RowRefused:
        if is_foot(cells):
            return RowRefused(row_no=row_no, reason="total_row")
        goods = Decimal(0)
        try:
            goods, freight, total = self._order_sums(cells)
            return self._order(row_no, cells, goods, freight, total)
        except CellRefused as error:
            return self.refuse(row_no, cells, error, goods, is_whole=True)

    def _order_sums(self, cells: Sequence[str]) -> tuple[Decimal, Decimal, Decimal]:
        """Goods, freight and total of an order row; a column that was left out follows from the others."""
        goods, freight = self.money(cells, "goods_due"), self.money(cells, "freight") or Decimal(0)
        if goods is not None:
            return goods, freight, goods + freight
        total = self.money(cells, "order_total")
        if total is None:
            raise CellRefused("money_missing", "买家应付货款", "")
        return total - freight, freight, total

    def _order(self, row_no: int, cells: Sequence[str], goods: Decimal, freight: Decimal, total: Decimal) -> FileLine:
        sums = self.sums(cells)
        common = self.common(cells)
        if common["created_at"] is None:
            raise CellRefused("time_missing", self.columns.name("created_at"), "")
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
        list_total, is_whole = Decimal(0), False
        try:
            count = quantity(self.columns.cell(cells, "quantity"), self.columns.name("quantity"))
            if count is None:
                raise CellRefused("quantity_missing", self.columns.name("quantity"), "")
            unit_price = self.money(cells, "unit_price")
            list_total, is_whole = self._listed(cells, count, unit_price)
            line = self._line(row_no, cells, count, unit_price or Decimal(0), list_total)
            line_paid = self.paid(cells, "line_paid")
            return _Line(
                line=msgspec.structs.replace(line, line_paid=line_paid), sums=self.sums(cells), is_whole=is_whole
            )
        except CellRefused as error:
            return self.refuse(row_no, cells, error, list_total, is_whole=is_whole)

    def _listed(self, cells: Sequence[str], count: int, unit_price: Decimal | None) -> tuple[Decimal, bool]:
        """Quantity × unit price; a file without prices says at least what the line was paid or owes.

        True: what is owed is the order's, since the file has columns of the order's sums beside it.
        """
        if unit_price is not None:
            return unit_price * count, False
        line_paid = self.paid(cells, "line_paid")
        if line_paid is not None:
            return line_paid, False
        goods_due = self.money(cells, "goods_due")
        if goods_due is None:
            raise CellRefused("money_missing", "价格", "")
        return goods_due, self.columns.any("line_paid", "order_total")

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


def _true_refund(refund: Decimal | None, due: Decimal, paid: Decimal | None) -> Decimal | None:
    """退款金额 also holds what was merely discounted, where it equals what is owed less what was paid."""
    if refund and paid is not None and abs(due - paid - refund) <= ROUNDING:
        return Decimal(0)
    return refund


def _settle(found: list[_Line | RowRefused], currency: str) -> Iterator[FileLine | RowRefused]:
    """Neighbouring lines of one order: decide whose the sums are and give each line its own."""
    lines = _apart([item for item in found if isinstance(item, _Line)], currency)
    repeats = _repeats([line.sums.goods_due for line in lines], lines)
    paid_repeats = repeats or _repeats([line.sums.paid for line in lines], lines)
    amounts = _shares([line.sums.goods_due for line in lines], lines, currency) if repeats else []
    refunds = _shares([line.sums.refunded for line in lines], lines, currency) if repeats else []
    place = 0
    for read in found:
        if isinstance(read, RowRefused):
            yield read
            continue
        item = lines[place]
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


def _apart(lines: list[_Line], currency: str) -> list[_Line]:
    """Lines that list the order's sum, for want of a price, get a part of it: what is left by those that say theirs."""
    wholes = [item for item in lines if item.is_whole]
    if not wholes:
        return lines
    said = sum((item.line.list_total for item in lines if not item.is_whole), Decimal(0))
    left = max(max(item.line.list_total for item in wholes) - said, Decimal(0))
    parts = allocate(minor_half_up(left, currency), [max(item.line.quantity, 0) or 1 for item in wholes])
    shares = iter([Decimal(Money(part, currency).decimal_text()) for part in parts])
    return [_sharing(item, next(shares)) if item.is_whole else item for item in lines]


def _sharing(item: _Line, share: Decimal) -> _Line:
    return _Line(
        line=msgspec.structs.replace(item.line, list_total=share),
        sums=msgspec.structs.replace(item.sums, goods_due=share),
    )


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
