"""Promoted orders as the gateway writes them, turned into ours. Pure.

Source: https://open.pinduoduo.com/application/document/api?id=pdd.ddk.order.list.increment.get (its fields and what
they mean also in lywzx/pdd-node-sdk, PddDdkOrderListIncrementGet). Sums are integers of fen (单位为分), times seconds
since 1970, and 0 or nothing where it has not happened. An order holds one item.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from hutong.connectors.pinduoduo.marks import mark_of
from hutong.core.errors import HutongError, PlatformUnknown
from hutong.core.money import Money
from hutong.platforms.jump_links import PromotedLine, PromotedStatus

#: -1 未支付, 0 已支付, 1 已成团, 2 确认收货, 3 审核成功, 4 审核失败 (no commission), 5 已经结算, 8 非多多进宝商品 (none
#: either), 10 已处罚. What was approved (3) will be paid.
STATUSES: Final[Mapping[str, PromotedStatus]] = {
    "-1": PromotedStatus.UNPAID,
    "0": PromotedStatus.PAID,
    "1": PromotedStatus.PAID,
    "2": PromotedStatus.RECEIVED,
    "3": PromotedStatus.SETTLED,
    "4": PromotedStatus.VOID,
    "5": PromotedStatus.SETTLED,
    "8": PromotedStatus.VOID,
    "10": PromotedStatus.VOID,
}

#: LONG in the documents; public clients met it as text, too.
Whole = int | str
_WHOLE: Final = re.compile(r"-?[0-9]{1,19}")


class WireOrder(msgspec.Struct, frozen=True):
    """A promoted order."""

    order_sn: Whole
    order_status: Whole
    order_amount: Whole
    order_create_time: Whole
    order_modify_at: Whole
    goods_id: Whole | None = None
    goods_name: str | None = None
    goods_quantity: Whole | None = None
    promotion_amount: Whole | None = None
    duo_id_service_fee: Whole | None = None
    order_pay_time: Whole | None = None
    custom_parameters: Any = None  # whatever a promoter's own programs wrote

    def line(self, platform: str) -> PromotedLine:
        """In our words; an unknown status is pending.

        Raises:
            PlatformUnknown: a sum, a time or a number that cannot be read.
        """
        try:
            return self._line()
        except (HutongError, ValueError, OverflowError, OSError) as error:
            raise PlatformUnknown(platform=platform) from error

    def _line(self) -> PromotedLine:
        order_no, raw_status = str(self.order_sn), str(self.order_status)
        if not order_no:
            raise ValueError("order_sn")
        status = STATUSES.get(raw_status, PromotedStatus.PENDING)
        # What is told holds the alliance's own fee (包含软件服务费), which the promoter never gets.
        promised = Money.fen(max(0, _whole(self.promotion_amount or 0) - _whole(self.duo_id_service_fee or 0)))
        return PromotedLine(
            order_no=order_no,
            line_id=order_no,
            mark=mark_of(self.custom_parameters),
            goods_id="" if self.goods_id is None else str(self.goods_id),
            title=self.goods_name or "",
            quantity=_whole(1 if self.goods_quantity is None else self.goods_quantity),
            paid=Money.fen(_whole(self.order_amount)),
            commission=Money.fen(0) if status is PromotedStatus.VOID else promised,
            status=status,
            raw_status=raw_status,
            placed_at=_moment(self.order_create_time),
            changed_at=_moment(self.order_modify_at),
            paid_at=None if not _whole(self.order_pay_time or 0) else _moment(self.order_pay_time or 0),
        )


def _whole(value: Whole) -> int:
    if isinstance(value, int):
        return value
    if not _WHOLE.fullmatch(value):
        raise ValueError(value)
    return int(value)


def _moment(value: Whole) -> datetime:
    seconds = _whole(value)
    if seconds <= 0:
        raise ValueError(value)
    return datetime.fromtimestamp(seconds, UTC)
