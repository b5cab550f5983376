"""The business details (业务明细) of a day's trade bill as text: rows, and the sums in its last comments. Pure.

Source: 对账说明 (https://opendocs.alipay.com/open/204/106262) and public clients' sample bills: GBK, comments begin
with #, one header of 25 columns, numbers followed by a tab, refunds below zero, and at the end
``#交易合计：6笔，商家实收共0.06元，…`` and ``#退款合计：4笔，商家实收退款共-0.04元，…``. Columns are found by name,
with wide or narrow brackets around 元. A refund without a number of its own is a charge that was undone.

Unverified: what becomes of a comma in a text (``bill_cells`` reads what can be told for certain; the sums at the end
say whether it was right), the sign of 服务费 (what a payment cost is told below zero in one sample, above it in
another; either is read as taken, and as given back in a refund's row), and under which number a reversal stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

from hutong.connectors.alipay.bill_cells import SEPARATOR, Cutter
from hutong.connectors.alipay.values import moment
from hutong.core.errors import InvalidAmount, InvalidInput
from hutong.core.money import Money, decimal_of, minor_half_up
from hutong.platforms.bill_errors import BillContradicts
from hutong.platforms.bill_files import BillFile
from hutong.platforms.bills import BillKind, BillRow, BillTotals

COMMENT: Final = "#"
CURRENCY: Final = "CNY"
#: What the file of the details begins with; the other one begins with 支付宝业务汇总查询.
FIRST_LINE: Final = "#支付宝业务明细查询"
TRADE_ID, TRADE_NO, KIND, DONE_AT = "支付宝交易号", "商户订单号", "业务类型", "完成时间"
AMOUNT, RECEIVED, REFUND_NO, FEE = "订单金额", "商家实收", "退款批次号/请求号", "服务费"
COLUMNS: Final = (TRADE_ID, TRADE_NO, KIND, DONE_AT, AMOUNT, RECEIVED, REFUND_NO, FEE)
KINDS: Final[Mapping[str, BillKind]] = {"交易": BillKind.TRADE, "退款": BillKind.REFUND}
_SUM: Final = re.compile(r"#+(交易|退款)合计[：:]([0-9]+)笔[，,]商家实收(?:退款)?共(-?[0-9.]+)元.*")


class Reader:
    """Reads the lines of one bill in their order."""

    def __init__(self, file: BillFile) -> None:
        self._file = file
        self._counts = dict.fromkeys(KINDS, 0)
        self._received = dict.fromkeys(KINDS, Decimal(0))
        #: What the bill states, known once it was read to its end.
        self.totals: BillTotals | None = None

    def rows(self, lines: Iterator[str]) -> Iterator[BillRow]:
        """Every detail. At the end the sums have been held against them.

        Raises:
            BillUnreadable, BillContradicts; BillCut: the sums at the end are missing.
        """
        cutter: Cutter | None = None
        stated: dict[str, Decimal] = {}
        number = 0
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            if line.startswith(COMMENT):
                self._note_sum(number, line, stated)
            elif cutter is None:
                cutter = self._header(number, line)
            else:
                yield self._row(cutter, number, line)
        if cutter is None or set(stated) != set(KINDS):
            raise self._file.cut(number + 1)
        self.totals = BillTotals(
            rows_count=sum(self._counts.values()),
            traded=Money(minor_half_up(stated["交易"], CURRENCY), CURRENCY),
            refunded=Money(abs(minor_half_up(stated["退款"], CURRENCY)), CURRENCY),
        )

    def _note_sum(self, number: int, line: str, stated: dict[str, Decimal]) -> None:
        found = _SUM.fullmatch(line.strip())
        if found is None:
            return
        name = found[1]
        self._agree(f"{name}合计", Decimal(found[2]), Decimal(self._counts[name]))
        stated[name] = self._decimal(number, f"{name}合计", found[3])
        self._agree(f"{name}合计", stated[name], self._received[name])

    def _header(self, number: int, line: str) -> Cutter:
        try:
            return Cutter(line, COLUMNS)
        except InvalidInput as error:
            raise self._file.unreadable(number, str(error.details["field"])) from error

    def _row(self, cutter: Cutter, number: int, line: str) -> BillRow:
        told = cutter.cut(line)
        if told is None:
            raise self._file.unreadable(number, f"{line.count(SEPARATOR) + 1} / {cutter.width}")
        kind = KINDS.get(told[KIND])
        if kind is None:
            raise self._file.unreadable(number, KIND)
        is_refund = kind is BillKind.REFUND
        self._counts[told[KIND]] += 1
        self._received[told[KIND]] += self._decimal(number, RECEIVED, told[RECEIVED])
        fee_minor = abs(minor_half_up(self._decimal(number, FEE, told[FEE]), CURRENCY))
        own_no = (told[REFUND_NO] or told[TRADE_NO]) if is_refund else told[TRADE_NO]
        if is_refund and own_no == told[TRADE_NO]:
            kind = BillKind.REVERSAL
        if not own_no:
            raise self._file.unreadable(number, TRADE_NO)
        try:
            amount = Money.parse(str(abs(self._decimal(number, AMOUNT, told[AMOUNT]))))
            happened_at = moment(told[DONE_AT])
        except (InvalidAmount, ValueError) as error:
            column = AMOUNT if isinstance(error, InvalidAmount) else DONE_AT
            raise self._file.unreadable(number, column) from error
        return BillRow(
            row_no=number,
            kind=kind,
            own_no=own_no,
            trade_no=told[TRADE_NO],
            wallet_no=told[TRADE_ID],
            amount=amount,
            fee=Money(-fee_minor if is_refund else fee_minor, CURRENCY),
            happened_at=happened_at,
            raw_state=told[KIND],
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
