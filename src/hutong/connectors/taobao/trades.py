"""Orders as the gateway writes them, turned into ours. Pure.

Source: https://developer.alibaba.com/docs/api.htm?apiId=128 and 54. Ids may come as numbers beyond 2^53: they are kept
as text. Money is decimal yuan as text. The receiver is masked by the platform.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

from hutong.connectors.taobao.gateway import time_of
from hutong.core.errors import HutongError, PlatformUnknown
from hutong.core.money import Money
from hutong.platforms.shops import Receiver, ShopOrder, ShopOrderLine, ShopOrderStatus

TRADE_FIELDS: Final = (
    "tid,status,payment,post_fee,total_fee,created,modified,pay_time,buyer_open_uid,receiver_name,receiver_mobile,"
    "receiver_phone,receiver_state,receiver_city,receiver_district,receiver_town,receiver_address,buyer_message,"
    "seller_memo,orders"
)

STATUSES: Final[Mapping[str, ShopOrderStatus]] = {
    "TRADE_NO_CREATE_PAY": ShopOrderStatus.UNPAID,
    "WAIT_BUYER_PAY": ShopOrderStatus.UNPAID,
    "PAY_PENDING": ShopOrderStatus.UNPAID,
    "WAIT_SELLER_SEND_GOODS": ShopOrderStatus.PAID,
    "PAID_FORBID_CONSIGN": ShopOrderStatus.PAID,
    "SELLER_CONSIGNED_PART": ShopOrderStatus.PARTLY_SHIPPED,
    "WAIT_BUYER_CONFIRM_GOODS": ShopOrderStatus.SHIPPED,
    "TRADE_BUYER_SIGNED": ShopOrderStatus.SHIPPED,
    "TRADE_FINISHED": ShopOrderStatus.COMPLETED,
    "TRADE_CLOSED": ShopOrderStatus.CLOSED,
    "TRADE_CLOSED_BY_TAOBAO": ShopOrderStatus.CLOSED,
}
#: Orders in these states have left the warehouse.
SENT: Final = frozenset({ShopOrderStatus.SHIPPED, ShopOrderStatus.COMPLETED})

Id = int | str


class WireLine(msgspec.Struct, frozen=True):
    """A sub-order."""

    oid: Id
    num: int
    title: str = ""
    price: str = "0"
    payment: str = ""
    total_fee: str = ""
    divide_order_fee: str = ""
    num_iid: Id = ""
    sku_id: Id = ""
    outer_sku_id: str = ""
    outer_iid: str = ""
    refund_status: str = ""
    status: str = ""

    def line(self) -> ShopOrderLine:
        """In our words.

        What the buyer owes for the line is ``divide_order_fee``, the share after the whole order's discounts. Where it
        is missing it is ``total_fee``; ``payment`` comes last, for it holds the postage where there is only one line.
        """
        price = Money.parse(self.price)
        owed = self.divide_order_fee or self.total_fee or self.payment
        return ShopOrderLine(
            line_id=str(self.oid),
            title=self.title,
            quantity=self.num,
            unit_price=price,
            amount=Money.parse(owed) if owed else price.times(self.num),
            listing_id=str(self.num_iid),
            platform_sku_id=str(self.sku_id),
            seller_code=self.outer_sku_id or self.outer_iid,
            refund_status=self.refund_status,
        )


class WireLines(msgspec.Struct, frozen=True):
    """The gateway's way to write a list."""

    order: list[WireLine] = []


class WireTrade(msgspec.Struct, frozen=True):
    """An order."""

    tid: Id
    status: str
    payment: str
    created: str
    modified: str
    post_fee: str = "0"
    pay_time: str = ""
    buyer_open_uid: str = ""
    receiver_name: str = ""
    receiver_mobile: str = ""
    receiver_phone: str = ""
    receiver_state: str = ""
    receiver_city: str = ""
    receiver_district: str = ""
    receiver_town: str = ""
    receiver_address: str = ""
    buyer_message: str | None = None  # what the buyer wrote with the order, and the shop beside it
    seller_memo: str | None = None
    orders: WireLines = WireLines()

    def sent_lines(self) -> frozenset[str]:
        """Ids of the lines that have left."""
        return frozenset(str(line.oid) for line in self.orders.order if STATUSES.get(line.status) in SENT)

    def _order(self) -> ShopOrder:
        payment = Money.parse(self.payment)
        paid_at = moment(self.pay_time)
        return ShopOrder(
            platform_order_id=str(self.tid),
            status=STATUSES.get(self.status, ShopOrderStatus.PENDING),
            raw_status=self.status,
            total=payment,
            freight=Money.parse(self.post_fee),
            created_at=time_of(self.created),
            modified_at=time_of(self.modified),
            lines=tuple(line.line() for line in self.orders.order),
            paid=payment if paid_at else None,
            paid_at=paid_at,
            buyer_ref=self.buyer_open_uid,
            receiver=self._receiver(),
            remarks=tuple(text for text in (self.buyer_message, self.seller_memo) if text),
        )

    def order(self, platform: str) -> ShopOrder:
        """In our words; an unknown status is pending.

        Raises:
            PlatformUnknown: a sum or a time that cannot be read.
        """
        try:
            return self._order()
        except (HutongError, ValueError) as error:
            raise PlatformUnknown(platform=platform) from error

    def _receiver(self) -> Receiver | None:
        parts = (
            self.receiver_state,
            self.receiver_city,
            self.receiver_district,
            self.receiver_town,
            self.receiver_address,
        )
        receiver = Receiver(
            name=self.receiver_name,
            phone=self.receiver_mobile or self.receiver_phone,
            address=" ".join(part for part in parts if part),
        )
        return None if receiver == Receiver() else receiver


def moment(text: str) -> datetime | None:
    """A time that may be missing."""
    return time_of(text) if text else None
