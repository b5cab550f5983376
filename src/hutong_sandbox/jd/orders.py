"""Orders that came by an address: their life, and the row that the alliance writes of each."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from typing import Final

import msgspec

from hutong.core.errors import InvalidInput, NotFound
from hutong.core.money import Money, share_bps
from hutong.core.states import TransitionTable
from hutong_sandbox.drbg import DIGITS
from hutong_sandbox.http import Json
from hutong_sandbox.jd.accounts import Address, Promoter, Shelf
from hutong_sandbox.world import World

CHINA: Final = timezone(timedelta(hours=8))
TIME_FORMAT: Final = "%Y-%m-%d %H:%M:%S"
ORDERS_MAX: Final = 1_000_000
ORDER_NO_DIGITS_MAX: Final = 19
#: The day of the next month on which the alliance settles.
SETTLEMENT_DAY: Final = 20


class OrderStatus(StrEnum):
    """An order's state here; what the row calls it stands in VALID_CODES."""

    TO_PAY = "to_pay"
    PAID = "paid"
    FINISHED = "finished"
    SETTLED = "settled"
    CANCELLED = "cancelled"
    RETURNED = "returned"
    REFUSED = "refused"


class OrderEvent(StrEnum):
    """What moves an order."""

    PAY = "pay"
    ABANDON = "abandon"
    CONFIRM = "confirm"
    SETTLE = "settle"
    REFUND = "refund"
    REFUSE = "refuse"


ORDER_TABLE: Final = TransitionTable(
    "jd promoted order",
    {
        (OrderStatus.TO_PAY, OrderEvent.PAY): OrderStatus.PAID,
        (OrderStatus.TO_PAY, OrderEvent.ABANDON): OrderStatus.CANCELLED,
        (OrderStatus.PAID, OrderEvent.CONFIRM): OrderStatus.FINISHED,
        (OrderStatus.PAID, OrderEvent.REFUND): OrderStatus.CANCELLED,
        (OrderStatus.PAID, OrderEvent.REFUSE): OrderStatus.REFUSED,
        (OrderStatus.FINISHED, OrderEvent.SETTLE): OrderStatus.SETTLED,
        (OrderStatus.FINISHED, OrderEvent.REFUND): OrderStatus.RETURNED,
        (OrderStatus.FINISHED, OrderEvent.REFUSE): OrderStatus.REFUSED,
        (OrderStatus.SETTLED, OrderEvent.REFUND): OrderStatus.RETURNED,
    },
)
#: 3 无效-取消, 27 违规订单-违反京东平台规则; a finished order stays 17 when the goods go back: counts and sums tell it.
VALID_CODES: Final = {
    OrderStatus.TO_PAY: 15,
    OrderStatus.PAID: 16,
    OrderStatus.FINISHED: 17,
    OrderStatus.SETTLED: 17,
    OrderStatus.RETURNED: 17,
    OrderStatus.CANCELLED: 3,
    OrderStatus.REFUSED: 27,
}
_ACTUAL: Final = frozenset({OrderStatus.FINISHED, OrderStatus.SETTLED})


class Order(msgspec.Struct, kw_only=True):
    """One SKU in one order: one row."""

    row_id: int
    order_id: int
    address: Address
    title: str
    price_fen: int
    quantity: int
    rate_bps: int
    placed_at: datetime
    modified_at: datetime
    status: OrderStatus = OrderStatus.TO_PAY
    paid_at: datetime | None = None
    finished_at: datetime | None = None
    settles_on: datetime | None = None
    is_refunded: bool = False

    @property
    def amount_fen(self) -> int:
        """What the buyer pays."""
        return self.price_fen * self.quantity

    @property
    def fee_fen(self) -> int:
        """What the promoter gets of it."""
        return share_bps(self.amount_fen, self.rate_bps)


def wire_time(moment: datetime) -> str:
    """Chinese time, whole seconds, no zone."""
    return moment.astimezone(CHINA).strftime(TIME_FORMAT)


def yuan(amount_fen: int) -> Decimal:
    """Yuan as the wire has it: a number with decimals."""
    return Decimal(Money.fen(amount_fen).decimal_text())


class Orders:
    """Every order."""

    def __init__(self, world: World, shelf: Shelf) -> None:
        self._world = world
        self._shelf = shelf
        self.clear()

    def clear(self) -> None:
        """Begin again with the numbers, too."""
        self._drbg = self._world.drbg("jd orders")
        self._by_id: dict[int, Order] = {}

    def all(self) -> list[Order]:
        """In order of creation."""
        return list(self._by_id.values())

    def of(self, promoter: Promoter) -> list[Order]:
        """Those that came by a promoter's addresses."""
        return [order for order in self._by_id.values() if order.address.promoter is promoter]

    def one(self, order_no: str) -> Order:
        """The order with this number."""
        is_number = order_no.isascii() and order_no.isdigit() and len(order_no) <= ORDER_NO_DIGITS_MAX
        order = self._by_id.get(int(order_no)) if is_number else None
        if order is None:
            raise NotFound(what="order", key=order_no[:40])
        return order

    def place(self, address: Address, quantity: int) -> Order:
        """A buyer who came by an address orders."""
        if len(self._by_id) >= ORDERS_MAX:
            raise InvalidInput(field="orders", problem=f"> {ORDERS_MAX}")
        goods = address.goods
        self._shelf.sell(goods, quantity)
        now = self._world.clock.now()
        order = Order(
            # Both beyond 2**53, as rows' ids are in life: a client that reads numbers as floats is found out.
            row_id=int("4" + self._drbg.text(18, DIGITS)),
            order_id=int("3" + self._drbg.text(17, DIGITS)),
            address=address,
            title=goods.title,
            price_fen=goods.price_fen,
            quantity=quantity,
            rate_bps=goods.rate_bps,
            placed_at=now,
            modified_at=now,
        )
        self._by_id[order.order_id] = order
        self._log("order_placed", order)
        return order

    def move(self, order: Order, event: OrderEvent) -> None:
        """What buyer, shop or alliance do."""
        was_paid = order.paid_at is not None
        order.status = ORDER_TABLE.next(order.status, event)
        now = order.modified_at = self._world.clock.now()
        if event is OrderEvent.PAY:
            order.paid_at = now
        elif event is OrderEvent.CONFIRM:
            order.finished_at = now
            local = now.astimezone(CHINA)
            first = (local.replace(day=1) + timedelta(days=32)).replace(day=SETTLEMENT_DAY)
            order.settles_on = first
        elif event is OrderEvent.SETTLE:
            order.settles_on = min(order.settles_on or now, now - timedelta(days=1))
        elif event in (OrderEvent.REFUND, OrderEvent.ABANDON):
            order.is_refunded = was_paid
            order.address.goods.quantity += order.quantity
        self._log(f"order_{event.value}", order)

    def touch(self, order: Order, moment: datetime) -> None:
        """The row is modified, and nothing of it that anybody sees."""
        order.modified_at = moment
        self._log("order_touched", order)

    def _log(self, kind: str, order: Order) -> None:
        merchant = order.address.promoter.merchant
        self._world.events.add(
            "jd_alliance", kind, merchant=merchant, order_no=str(order.order_id), amount_fen=order.amount_fen
        )


def wire_row(order: Order, *, with_goods: bool = False, hides_marks: bool = False) -> Json:
    """The row, every field of the documents that has a meaning here."""
    address, goods = order.address, order.address.goods
    actual = order.status in _ACTUAL
    is_void = order.status in (OrderStatus.CANCELLED, OrderStatus.REFUSED)
    estimated = 0 if is_void else order.fee_fen
    row: Json = {
        "id": str(order.row_id),
        "orderId": order.order_id,
        "parentId": 0,
        "orderTime": wire_time(order.placed_at),
        "finishTime": "" if order.finished_at is None else wire_time(order.finished_at),
        "modifyTime": wire_time(order.modified_at),
        "orderEmt": 2,
        "plus": 0,
        "unionId": address.promoter.union_id,
        "skuId": goods.sku_id,
        "skuName": order.title,
        "skuNum": order.quantity,
        "skuReturnNum": order.quantity if order.status is OrderStatus.RETURNED else 0,
        "skuFrozenNum": 0,
        "price": yuan(order.price_fen),
        "commissionRate": yuan(order.rate_bps),  # per cent, with two decimals
        "subSideRate": Decimal("90.0"),
        "subsidyRate": Decimal("10.0"),
        "finalRate": Decimal("100.0"),
        "estimateCosPrice": yuan(order.amount_fen),
        "estimateFee": yuan(estimated),
        "actualCosPrice": yuan(order.amount_fen if actual else 0),
        "actualFee": yuan(order.fee_fen if actual else 0),
        "validCode": VALID_CODES[order.status],
        "traceType": 2,
        "positionId": address.position_id,
        "siteId": address.site_id,
        "unionAlias": "",
        "pid": "",
        "cid1": 1620,
        "cid2": 11158,
        "cid3": 11969,
        "subUnionId": "" if hides_marks else address.sub_union_id,
        "unionTag": "0" * 32,
        "popId": goods.shop_id,
        "ext1": "",
        "payMonth": "0" if order.settles_on is None else order.settles_on.astimezone(CHINA).strftime("%Y%m%d"),
        "cpActId": 0,
        "unionRole": 1,
        "giftCouponOcsAmount": Decimal("0.0"),
        "giftCouponKey": "",
        "balanceExt": "",
        "proPriceAmount": Decimal("0.0"),
        "expressStatus": 20 if order.finished_at else 10,
    }
    if with_goods:
        row["goodsInfo"] = {"owner": "p", "productId": goods.sku_id, "shopName": "沙盒旗舰店", "shopId": goods.shop_id}
    return row
