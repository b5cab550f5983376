"""Orders as ``buyin.doukeOrderAds`` writes them, turned into ours. Pure.

Source: its document (kept in sevencat/ecommerce_sdk, BuyinDoukeOrderAds.cs, and in the official Go SDK that
zsmhub/doudian-sdk keeps): ``total_pay_amount``, ``ads_estimated_commission`` and ``ads_real_commission`` are fen
(单位分), ids are texts, times Beijing's. A row is an order's item; an order that is not paid is not told of.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from hutong.connectors.douyin.gateway import time_of
from hutong.core.errors import HutongError, PlatformUnknown
from hutong.core.money import Money
from hutong.platforms.jump_links import PromotedLine, PromotedStatus

STATUSES: Final[Mapping[str, PromotedStatus]] = {
    "PAY_SUCC": PromotedStatus.PAID,
    "CONFIRM": PromotedStatus.RECEIVED,
    "SETTLE": PromotedStatus.SETTLED,
    "REFUND": PromotedStatus.VOID,
}
#: States in which the commission is no estimate any more.
FINAL: Final = frozenset({PromotedStatus.SETTLED, PromotedStatus.VOID})
#: Of a number that comes as text; no sum and no count is longer.
DIGITS_MAX: Final = 18

Number = int | str


class PidInfo(msgspec.Struct, frozen=True):
    """What the address carried."""

    external_info: str | None = None


class WireRow(msgspec.Struct, frozen=True):
    """A promoted order's item."""

    order_id: Number
    product_id: Number
    flow_point: str
    pay_success_time: str
    update_time: str
    total_pay_amount: Number
    ads_estimated_commission: Number = 0
    ads_real_commission: Number = 0
    item_num: Number = 1
    product_name: str | None = None
    pid_info: PidInfo | None = None

    def line(self, platform: str) -> PromotedLine:
        """In our words; an unknown status is pending.

        Raises:
            PlatformUnknown: a sum or a time that cannot be read.
        """
        try:
            return self._line()
        except (HutongError, ValueError) as error:
            raise PlatformUnknown(platform=platform) from error

    def _line(self) -> PromotedLine:
        status = STATUSES.get(self.flow_point, PromotedStatus.PENDING)
        commission = self.ads_real_commission if status in FINAL else self.ads_estimated_commission
        paid_at = time_of(self.pay_success_time)
        return PromotedLine(
            order_no=str(self.order_id),
            line_id=str(self.product_id),
            mark=(self.pid_info or PidInfo()).external_info or "",
            goods_id=str(self.product_id),
            title=self.product_name or "",
            quantity=whole(self.item_num),
            paid=Money.fen(whole(self.total_pay_amount)),
            commission=Money.fen(whole(commission)),
            status=status,
            raw_status=self.flow_point,
            placed_at=paid_at,  # no time of ordering is told
            changed_at=time_of(self.update_time),
            paid_at=paid_at,
        )


def whole(given: Number) -> int:
    """A whole number, which may come as text.

    Raises:
        ValueError: it is none.
    """
    text = str(given)
    if not (text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX):
        raise ValueError("no whole number")
    return int(text)
