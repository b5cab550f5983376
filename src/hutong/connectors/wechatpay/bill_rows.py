"""The trade bill (交易账单) of a day as text: rows, and the sums at its end. Pure.

Source: https://pay.weixin.qq.com/doc/v3/merchant/4012556654 and wiki/doc/apiv3/apis/chapter7_3_9 (each cell of a detail
begins with a back-tick, amounts in yuan, one header and rows, then a header and one row of sums); columns of bill type
ALL (27, from 交易时间 to 费率备注) and rows as in WxPayBillResultTest of WxJava (github.com/binarywang/WxJava), which
are vectors of the tests. Columns are found by name: their order and number differ between types and years. A product's
name may hold commas, so that cells are cut at comma and back-tick together.

Unverified: the sign of a refund's fee in its row (the sums of a bill of refunds are below zero; whatever it is, it is
read as given back), fees finer than a fen (rounded half-up in the row, exact in the sums), and in which of two days a
refund stands that was asked for before midnight and done after it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from hutong.connectors.wechatpay.orders import BEIJING
from hutong.core.errors import InvalidAmount
from hutong.core.money import Money, decimal_of, minor_half_up
from hutong.platforms.bill_errors import BillContradicts
from hutong.platforms.bill_files import BillFile
from hutong.platforms.bills import BillKind, BillRow, BillTotals

MARK: Final = "`"
SEPARATOR: Final = ",`"
CURRENCY: Final = "CNY"
HAPPENED, STATE, CURRENCY_KIND = "交易时间", "交易状态", "货币种类"
TRADE_NO, TRANSACTION_ID = "商户订单号", "微信订单号"
REFUND_NO, REFUND_ID, REFUND_STATE = "商户退款单号", "微信退款单号", "退款状态"
AMOUNT, REFUNDED, FEE = "订单金额", "申请退款金额", "手续费"
COLUMNS: Final = (
    HAPPENED, STATE, CURRENCY_KIND, TRADE_NO, TRANSACTION_ID, REFUND_NO, REFUND_ID, REFUND_STATE, AMOUNT, REFUNDED, FEE,
)  # fmt: skip
#: Header of the sums -> the column that each is the sum of; the first counts rows.
ROWS_COUNT: Final = "总交易单数"
SUMS: Final[Mapping[str, str]] = {"订单总金额": AMOUNT, "申请退款总金额": REFUNDED, "手续费总金额": FEE}
KINDS: Final[Mapping[str, BillKind]] = {
    "SUCCESS": BillKind.TRADE,
    "REFUND": BillKind.REFUND,
    "REVOKED": BillKind.REVERSAL,
}
REFUND_DONE: Final = "SUCCESS"
_MOMENT: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})\s+([0-9]{2}:[0-9]{2}:[0-9]{2})")


class Details(msgspec.Struct, frozen=True):
    """The header of the details: column -> place."""

    places: Mapping[str, int]
    width: int


class Reader:
    """Reads the lines of one bill in their order."""

    def __init__(self, file: BillFile) -> None:
        self._file = file
        self._rows_count = 0
        self._added = dict.fromkeys(SUMS.values(), Decimal(0))
        #: The sums as the bill states them, and then as the contract names them.
        self.totals: BillTotals | None = None

    def rows(self, lines: Iterator[str]) -> Iterator[BillRow]:
        """Every detail. At the end the sums have been held against them.

        Raises:
            BillUnreadable, BillContradicts; BillCut: the sums at the end are missing.
        """
        numbered = enumerate(lines, 1)
        details = self._header(next(numbered, (1, ""))[1])
        for number, line in numbered:
            if line.startswith(ROWS_COUNT):
                self._check_sums(number, line, next(numbered, (number, ""))[1])
                return
            if line.strip():
                yield self._row(details, number, line)
        raise self._file.cut(self._rows_count + 1)

    def _header(self, line: str) -> Details:
        names = [name.strip().removeprefix(MARK) for name in line.split(",")]
        missing = [name for name in COLUMNS if names.count(name) != 1]
        if missing:
            raise self._file.unreadable(1, missing[0])
        return Details({name: names.index(name) for name in COLUMNS}, len(names))

    def _row(self, details: Details, number: int, line: str) -> BillRow:
        cells = _cells(line)
        if not line.startswith(MARK) or len(cells) != details.width:
            raise self._file.unreadable(number, f"{len(cells)} / {details.width}")
        told = {name: cells[place].strip() for name, place in details.places.items()}
        kind = KINDS.get(told[STATE])
        if kind is None or told[CURRENCY_KIND] != CURRENCY:
            raise self._file.unreadable(number, STATE if kind is None else CURRENCY_KIND)
        is_refund = kind is BillKind.REFUND
        amounts = {column: self._decimal(number, column, told[column]) for column in self._added}
        for column, value in amounts.items():
            self._added[column] += value
        self._rows_count += 1
        fee_minor = abs(minor_half_up(amounts[FEE], CURRENCY))
        own_no = told[REFUND_NO] if is_refund else told[TRADE_NO]
        if not own_no or not told[TRADE_NO]:
            raise self._file.unreadable(number, REFUND_NO if told[TRADE_NO] else TRADE_NO)
        return BillRow(
            row_no=number,
            kind=kind,
            own_no=own_no,
            trade_no=told[TRADE_NO],
            wallet_no=told[REFUND_ID] if is_refund else told[TRANSACTION_ID],
            amount=self._money(number, REFUNDED if is_refund else AMOUNT, amounts),
            fee=Money(fee_minor if kind is BillKind.TRADE else -fee_minor, CURRENCY),
            happened_at=self._moment(number, told[HAPPENED]),
            raw_state=told[REFUND_STATE] if is_refund else told[STATE],
            is_final=not is_refund or told[REFUND_STATE] == REFUND_DONE,
        )

    def _check_sums(self, number: int, header: str, line: str) -> None:
        stated = dict(zip((name.strip() for name in header.split(",")), _cells(line), strict=False))
        count = self._decimal(number, ROWS_COUNT, stated.get(ROWS_COUNT, ""))
        self._agree(ROWS_COUNT, count, Decimal(self._rows_count))
        sums = {}
        for name, column in SUMS.items():
            sums[column] = self._decimal(number, name, stated.get(name, ""))
            self._agree(name, sums[column], self._added[column])
        self.totals = BillTotals(
            rows_count=self._rows_count,
            traded=Money(minor_half_up(sums[AMOUNT], CURRENCY), CURRENCY),
            refunded=Money(minor_half_up(sums[REFUNDED], CURRENCY), CURRENCY),
            fees=Money(minor_half_up(sums[FEE], CURRENCY), CURRENCY),
        )

    def _agree(self, name: str, stated: Decimal, found: Decimal) -> None:
        if stated != found:
            raise BillContradicts(
                platform=self._file.platform, day=self._file.day, column=name, stated=str(stated), found=str(found)
            )

    def _decimal(self, number: int, column: str, text: str) -> Decimal:
        try:
            return decimal_of(text)
        except InvalidAmount as error:
            raise self._file.unreadable(number, column) from error

    def _money(self, number: int, column: str, amounts: Mapping[str, Decimal]) -> Money:
        try:
            return Money.parse(str(abs(amounts[column])))
        except InvalidAmount as error:
            raise self._file.unreadable(number, column) from error

    def _moment(self, number: int, text: str) -> datetime:
        found = _MOMENT.fullmatch(text)
        try:
            if found is not None:
                return datetime.strptime(f"{found[1]} {found[2]}", "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING)
        except ValueError:
            pass
        raise self._file.unreadable(number, HAPPENED)


def _cells(line: str) -> Sequence[str]:
    return line.removeprefix(MARK).split(SEPARATOR)
