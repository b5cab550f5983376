"""Rows of promoted orders as the alliance writes them, turned into ours. Pure.

Source: the documents of ``jd.union.open.order.row.query`` (union.jd.com/openplatform/api/v2), kept word for word in
logerzhu/typed-jd-union-api. Money is yuan, written as JSON numbers with decimals: each is read from its digits, never
through a float. Ids may be beyond 2^53 and stay text.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from hutong.connectors.jd.gateway import BEIJING, time_of
from hutong.core.errors import HutongError, InvalidAmount, PlatformUnknown
from hutong.core.money import DECIMAL_CHARS_MAX, Money
from hutong.platforms.jump_links import PromotedLine, PromotedStatus

#: ``validCode`` of a row in our words; -1 (未知), 33 (超市卡充值订单) and whatever is new stay PENDING.
STATUSES: Final[Mapping[str, PromotedStatus]] = {
    "15": PromotedStatus.UNPAID,
    "16": PromotedStatus.PAID,
    "17": PromotedStatus.RECEIVED,
    "18": PromotedStatus.SETTLED,  # in older rows only: not written any more
    "24": PromotedStatus.UNPAID,  # 已付定金: the rest is still to be paid
    # 无效 and 违规, each for a reason of its own; 2 is an order that was split: its parts have rows of their own.
    **{str(code): PromotedStatus.VOID for code in (*range(2, 15), *range(19, 24), *range(25, 32), 34)},
}
#: The states in which the actual sums stand in the row; before, they are zero and the estimated ones count.
_FINISHED: Final = frozenset({PromotedStatus.RECEIVED, PromotedStatus.SETTLED})
_DAY_FORMAT: Final = "%Y%m%d"
#: Of a sum written with an exponent: a larger one is no sum, and written out it would fill the memory.
EXPONENT_MAX: Final = 30

Number = int | str


class WireRow(msgspec.Struct, frozen=True, rename="camel"):
    """One SKU of one order. ``id`` tells the rows apart; ``pay_month`` is the day (yyyyMMdd) of settlement, or 0."""

    id: Number
    order_id: Number
    order_time: str
    modify_time: str
    sku_id: Number
    valid_code: Number
    estimate_cos_price: Decimal
    estimate_fee: Decimal
    sku_name: str | None = ""
    sku_num: Number = 1
    sku_return_num: Number | None = 0
    actual_cos_price: Decimal | None = None
    actual_fee: Decimal | None = None
    pay_month: Number | None = 0
    sub_union_id: str | None = ""

    def line(self, platform: str, now: datetime) -> PromotedLine:
        """In our words; ``now`` tells whether the day of settlement is past.

        Raises:
            PlatformUnknown: a sum, a count or a time that cannot be read.
        """
        try:
            return self._line(now)
        except (HutongError, ValueError) as error:
            raise PlatformUnknown(platform=platform) from error

    def _line(self, now: datetime) -> PromotedLine:
        status = self._status(now)
        is_final = status in _FINISHED or self._is_returned()
        paid = self.actual_cos_price if is_final and self.actual_cos_price is not None else self.estimate_cos_price
        fee = self.actual_fee if is_final and self.actual_fee is not None else self.estimate_fee
        return PromotedLine(
            order_no=str(self.order_id),
            line_id=str(self.id),
            mark=self.sub_union_id or "",
            goods_id=str(self.sku_id),
            title=self.sku_name or "",
            quantity=_count(self.sku_num),
            paid=_yuan(paid),
            commission=Money.fen(0) if status is PromotedStatus.VOID else _yuan(fee),
            status=status,
            raw_status=str(self.valid_code),
            placed_at=time_of(self.order_time),
            changed_at=time_of(self.modify_time),
        )

    def _status(self, now: datetime) -> PromotedStatus:
        """The code's word, but for what else the row says: all pieces went back, or the day of settlement is past.

        当payMonth为当前的未来时间时，表示该订单可结算；当payMonth为当前的过去时间时，表示该订单已结算.
        """
        status = STATUSES.get(str(self.valid_code), PromotedStatus.PENDING)
        if status is not PromotedStatus.RECEIVED:
            return status
        if self._is_returned():
            return PromotedStatus.VOID
        today = now.astimezone(BEIJING).strftime(_DAY_FORMAT)
        day = str(self.pay_month or 0)
        return PromotedStatus.SETTLED if len(day) == len(today) and day < today else status

    def _is_returned(self) -> bool:
        return str(self.valid_code) == "17" and _count(self.sku_return_num or 0) >= max(1, _count(self.sku_num))


def _yuan(amount: Decimal) -> Money:
    """A sum in yuan, exactly. From ten million on the platform's numbers may come as 1.2E7, as Java writes them."""
    exponent = amount.as_tuple().exponent
    if not isinstance(exponent, int) or abs(exponent) > EXPONENT_MAX:
        raise InvalidAmount(value=str(amount)[:DECIMAL_CHARS_MAX])
    return Money.parse(f"{amount:f}")


def _count(number: Number) -> int:
    """Pieces. Raises ValueError where that is no count."""
    count = int(number)
    if count < 0:
        raise ValueError(number)
    return count
