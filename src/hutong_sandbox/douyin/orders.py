"""Orders that came by promoted addresses: their life, and how the alliance tells of them (fen, Chinese time as text).

Source: the document of ``buyin.doukeOrderAds`` (kept in sevencat/ecommerce_sdk, BuyinDoukeOrderAds.cs). An order is
told of from its payment on.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from enum import StrEnum
from typing import Final

import msgspec

from hutong.core.errors import InvalidInput
from hutong.core.states import TransitionTable
from hutong_sandbox.douyin.accounts import BPS_WHOLE, SHOP_ID, Goods, Promoter
from hutong_sandbox.douyin.addresses import Place
from hutong_sandbox.drbg import DIGITS
from hutong_sandbox.http import Json
from hutong_sandbox.world import World

CHINA: Final = timezone(timedelta(hours=8))
TIME_FORMAT: Final = "%Y-%m-%d %H:%M:%S"
ORDERS_MAX: Final = 2_000_000


class OrderStatus(StrEnum):
    """``flow_point``; the first and the last are the shop's own, the alliance tells of neither."""

    CREATED = "CREATED"
    PAY_SUCC = "PAY_SUCC"
    CONFIRM = "CONFIRM"
    SETTLE = "SETTLE"
    REFUND = "REFUND"
    CLOSED = "CLOSED"


class OrderEvent(StrEnum):
    """What moves an order."""

    PAY = "pay"
    ABANDON = "abandon"
    CONFIRM = "confirm"
    SETTLE = "settle"
    REFUND = "refund"


ORDER_TABLE: Final = TransitionTable(
    "douyin alliance order",
    {
        (OrderStatus.CREATED, OrderEvent.PAY): OrderStatus.PAY_SUCC,
        (OrderStatus.CREATED, OrderEvent.ABANDON): OrderStatus.CLOSED,
        (OrderStatus.PAY_SUCC, OrderEvent.CONFIRM): OrderStatus.CONFIRM,
        (OrderStatus.CONFIRM, OrderEvent.SETTLE): OrderStatus.SETTLE,
        (OrderStatus.PAY_SUCC, OrderEvent.REFUND): OrderStatus.REFUND,
        (OrderStatus.CONFIRM, OrderEvent.REFUND): OrderStatus.REFUND,
    },
)


class Order(msgspec.Struct, kw_only=True):
    """One order of one item."""

    promoter: Promoter
    goods: Goods
    external_info: str
    order_id: int
    quantity: int
    amount_fen: int
    commission_bps: int
    updated_at: datetime
    status: OrderStatus = OrderStatus.CREATED
    paid_at: datetime | None = None
    confirmed_at: datetime | None = None
    settled_at: datetime | None = None
    refunded_at: datetime | None = None

    @property
    def commission_fen(self) -> int:
        """What the promoter gets, half up; the platform's fee is not in this simulation."""
        return (self.amount_fen * self.commission_bps * 2 + BPS_WHOLE) // (2 * BPS_WHOLE)


def wire_time(moment: datetime | None) -> str:
    """Chinese time, whole seconds, no zone; empty for what has not happened."""
    return "" if moment is None else moment.astimezone(CHINA).strftime(TIME_FORMAT)


class Orders:
    """Every order that came by a promoted address."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.clear()

    def clear(self) -> None:
        """Begin again with the numbers, too."""
        self._drbg = self._world.drbg("douyin orders")
        self._by_id: dict[int, Order] = {}

    def all(self) -> list[Order]:
        """In order of creation."""
        return list(self._by_id.values())

    def find(self, order_id: str) -> Order | None:
        """An order by its number."""
        plain = order_id.isascii() and order_id.isdigit() and len(order_id) < 25
        return self._by_id.get(int(order_id)) if plain else None

    def place(self, place: Place, quantity: int) -> Order:
        """A buyer came by an address and orders."""
        if len(self._by_id) >= ORDERS_MAX:
            raise InvalidInput(field="orders", problem=f"> {ORDERS_MAX}")
        place.promoter.sell(place.goods, quantity)
        # Nineteen digits: beyond 2**53, so that a client that reads numbers as floats is found out.
        order_id = int("69" + self._drbg.text(17, DIGITS))
        order = Order(
            promoter=place.promoter,
            goods=place.goods,
            external_info=place.external_info,
            order_id=order_id,
            quantity=quantity,
            amount_fen=place.goods.price_fen * quantity,
            commission_bps=place.goods.commission_bps,
            updated_at=self._world.clock.now(),
        )
        self._by_id[order_id] = order
        self._log("order_placed", order)
        return order

    def move(self, order: Order, event: OrderEvent) -> None:
        """What buyer or platform do."""
        order.status = ORDER_TABLE.next(order.status, event)
        now = order.updated_at = self._world.clock.now()
        if event is OrderEvent.PAY:
            order.paid_at = now
        elif event is OrderEvent.CONFIRM:
            order.confirmed_at = now
        elif event is OrderEvent.SETTLE:
            order.settled_at = now
        elif event is OrderEvent.REFUND:
            order.refunded_at = now
        else:
            order.goods.quantity += order.quantity
        self._log(f"order_{event.value}", order)

    def touch(self, order: Order, moment: datetime) -> None:
        """The row is changed, and nothing of it that anybody sees."""
        order.updated_at = moment
        self._log("order_touched", order)

    def _log(self, kind: str, order: Order) -> None:
        self._world.events.add(
            "douyin_alliance",
            kind,
            merchant=order.promoter.merchant,
            order_no=str(order.order_id),
            amount_fen=order.amount_fen,
        )


def wire(order: Order) -> Json:
    """The row. Refunded orders earn nothing; the real commission is told once it is settled."""
    is_settled = order.status is OrderStatus.SETTLE
    return {
        "order_id": str(order.order_id),
        "product_id": str(order.goods.product_id),
        "product_name": order.goods.title,
        "product_img": f"https://p9-aio.ecombdimg.com/obj/ecom-shop-material/{order.goods.product_id}",
        "author_account": "",
        "shop_name": f"{order.goods.sku}的店",
        "shop_id": SHOP_ID,
        "total_pay_amount": order.amount_fen,
        "pay_goods_amount": order.amount_fen,
        "settled_goods_amount": order.amount_fen if is_settled else 0,
        "flow_point": order.status.value,
        "update_time": wire_time(order.updated_at),
        "pay_success_time": wire_time(order.paid_at),
        "confirm_time": wire_time(order.confirmed_at),
        "settle_time": wire_time(order.settled_at),
        "refund_time": wire_time(order.refunded_at),
        "item_num": order.quantity,
        "ads_promotion_rate": order.commission_bps,
        "ads_estimated_commission": order.commission_fen,
        "ads_real_commission": order.commission_fen if is_settled else 0,
        "ads_estimated_tech_service_fee": 0,
        "pid_info": {
            "pid": order.promoter.pid,
            "external_info": order.external_info,
            "media_type_name": "ProductDetail",
        },
        "product_tags": {"has_supermarket_tag": False, "has_subsidy_tag": False},
        "media_type": "others",
        "ads_activity_id": 0,
        "product_activity_id": "0",
        "distributor_right_type": "Unknown",
    }
