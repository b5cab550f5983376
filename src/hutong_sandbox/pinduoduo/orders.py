"""Promoted orders: their life, and how a promoter is told of them (fen, seconds since 1970, parameters as text)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from hutong.core.errors import InvalidInput, NotFound
from hutong.core.money import share_bps
from hutong.core.states import TransitionTable
from hutong_sandbox.drbg import DIGITS
from hutong_sandbox.http import Json
from hutong_sandbox.pinduoduo.addresses import Stands
from hutong_sandbox.pinduoduo.goods import Goods, GoodsShelf
from hutong_sandbox.pinduoduo.promoters import Promoter
from hutong_sandbox.world import World

ORDERS_MAX: Final = 2_000_000
#: The alliance's own part of a commission (软件服务费), in hundredths of a per cent: ours, for no rate is published.
SERVICE_FEE_BPS: Final = 1_000


class OrderStatus(StrEnum):
    """The platform's statuses; their numbers are in NUMBERS."""

    UNPAID = "unpaid"
    PAID = "paid"
    GROUPED = "grouped"
    RECEIVED = "received"
    APPROVED = "approved"
    REFUSED = "refused"
    SETTLED = "settled"
    PUNISHED = "punished"


#: Status -> (order_status, order_status_desc).
NUMBERS: Final[dict[OrderStatus, tuple[int, str]]] = {
    OrderStatus.UNPAID: (-1, "未支付"),
    OrderStatus.PAID: (0, "已支付"),
    OrderStatus.GROUPED: (1, "已成团"),
    OrderStatus.RECEIVED: (2, "确认收货"),
    OrderStatus.APPROVED: (3, "审核成功"),
    OrderStatus.REFUSED: (4, "审核失败"),
    OrderStatus.SETTLED: (5, "已结算"),
    OrderStatus.PUNISHED: (10, "已处罚"),
}


class OrderEvent(StrEnum):
    """What moves an order: the buyer (up to ``confirm``), or the platform."""

    PAY = "pay"
    ABANDON = "abandon"
    GROUP = "group"
    CONFIRM = "confirm"
    APPROVE = "approve"
    REFUSE = "refuse"
    SETTLE = "settle"
    REFUND = "refund"
    PUNISH = "punish"


_S, _E = OrderStatus, OrderEvent
ORDER_TABLE: Final = TransitionTable(
    "pinduoduo promoted order",
    {
        (_S.UNPAID, _E.PAY): _S.PAID,
        (_S.UNPAID, _E.ABANDON): _S.REFUSED,
        (_S.PAID, _E.GROUP): _S.GROUPED,
        (_S.PAID, _E.CONFIRM): _S.RECEIVED,
        (_S.GROUPED, _E.CONFIRM): _S.RECEIVED,
        (_S.RECEIVED, _E.APPROVE): _S.APPROVED,
        (_S.RECEIVED, _E.REFUSE): _S.REFUSED,
        (_S.RECEIVED, _E.SETTLE): _S.SETTLED,
        (_S.APPROVED, _E.SETTLE): _S.SETTLED,
        (_S.PAID, _E.REFUND): _S.REFUSED,
        (_S.GROUPED, _E.REFUND): _S.REFUSED,
        (_S.RECEIVED, _E.REFUND): _S.REFUSED,
        (_S.APPROVED, _E.REFUND): _S.REFUSED,
        (_S.APPROVED, _E.PUNISH): _S.PUNISHED,
        (_S.SETTLED, _E.PUNISH): _S.PUNISHED,
    },
)
#: Why no commission is paid.
REASONS: Final = {
    _E.ABANDON: "订单未支付",
    _E.REFUND: "订单退款",
    _E.REFUSE: "订单不符合推广规则",
    _E.PUNISH: "违规推广",
}


class Order(msgspec.Struct, kw_only=True):
    """One order that came by an address."""

    order_sn: str
    order_id: str
    stands: Stands
    goods: Goods
    buyer: int
    quantity: int
    amount_fen: int
    commission_fen: int
    created_at: datetime
    modified_at: datetime
    group_id: str
    status: OrderStatus = OrderStatus.UNPAID
    times: dict[OrderEvent, datetime] = msgspec.field(default_factory=dict)
    reason: str = ""

    @property
    def is_paid(self) -> bool:
        """Whether money ever came."""
        return OrderEvent.PAY in self.times

    @property
    def service_fee_fen(self) -> int:
        """The alliance's part of the commission."""
        return share_bps(self.commission_fen, SERVICE_FEE_BPS)

    @property
    def modified_s(self) -> int:
        """As the wire tells it, and windows compare it."""
        return int(self.modified_at.timestamp())


class Orders:
    """Every promoted order."""

    def __init__(self, world: World, goods: GoodsShelf) -> None:
        self._world = world
        self._goods = goods
        self.clear()

    def clear(self) -> None:
        """Begin again with the numbers, too."""
        self._drbg = self._world.drbg("pinduoduo orders")
        self._by_sn: dict[str, Order] = {}
        self._by_promoter: dict[str, list[Order]] = {}

    def all(self) -> list[Order]:
        """In order of creation."""
        return list(self._by_sn.values())

    def of(self, promoter: Promoter) -> list[Order]:
        """A promoter's orders, whatever the position."""
        return self._by_promoter.get(promoter.client_id, [])

    def find(self, order_sn: str) -> Order:
        """An order by number."""
        if order_sn not in self._by_sn:
            raise NotFound(what="order", key=order_sn)
        return self._by_sn[order_sn]

    def place(self, stands: Stands, goods: Goods, quantity: int, buyer: int) -> Order:
        """A buyer who came by an address orders its item."""
        if len(self._by_sn) >= ORDERS_MAX:
            raise InvalidInput(field="orders", problem=f"> {ORDERS_MAX}")
        self._goods.sell(goods, quantity)
        now = self._world.clock.now()
        amount_fen = goods.price_fen * quantity
        order = Order(
            order_sn=f"{now.strftime('%y%m%d')}-{self._drbg.text(15, DIGITS)}",
            # Nineteen digits: beyond 2**53, so that a client that reads numbers as floats is found out.
            order_id="4" + self._drbg.text(18, DIGITS),
            group_id="1" + self._drbg.text(18, DIGITS),
            stands=stands,
            goods=goods,
            buyer=buyer,
            quantity=quantity,
            amount_fen=amount_fen,
            commission_fen=goods.commission_fen(amount_fen),
            created_at=now,
            modified_at=now,
        )
        self._by_sn[order.order_sn] = order
        self._by_promoter.setdefault(stands.promoter.client_id, []).append(order)
        self._log("order_placed", order)
        return order

    def move(self, order: Order, event: OrderEvent) -> None:
        """What buyer or platform do."""
        order.status = ORDER_TABLE.next(order.status, event)
        order.modified_at = order.times[event] = self._world.clock.now()
        order.reason = REASONS.get(event, order.reason)
        if event is OrderEvent.ABANDON:
            order.goods.quantity += order.quantity
        self._log(f"order_{event.value}", order)

    def touch(self, order: Order, moment: datetime) -> None:
        """The row is modified, and nothing of it that anybody sees."""
        order.modified_at = moment
        self._log("order_touched", order)

    def _log(self, kind: str, order: Order) -> None:
        self._world.events.add(
            "pinduoduo_alliance",
            kind,
            merchant=order.stands.promoter.merchant,
            order_sn=order.order_sn,
            amount_fen=order.amount_fen,
        )


def wire(order: Order) -> Json:
    """A row of ``order_list``."""
    number, words = NUMBERS[order.status]
    return {
        "order_sn": order.order_sn,
        "order_id": order.order_id,
        "p_id": order.stands.pid,
        "custom_parameters": order.stands.custom,
        "order_status": number,
        "order_status_desc": words,
        "fail_reason": order.reason,
        "goods_id": int(order.goods.goods_id),
        "goods_sign": order.goods.goods_sign,
        "goods_name": order.goods.title,
        "goods_price": order.goods.price_fen,
        "goods_quantity": order.quantity,
        "goods_thumbnail_url": "",
        "order_amount": order.amount_fen,
        "promotion_rate": order.goods.rate,
        "promotion_amount": order.commission_fen,
        "duo_id_service_fee": order.service_fee_fen,
        "group_id": int(order.group_id),
        "order_create_time": int(order.created_at.timestamp()),
        "order_pay_time": _seconds(order, OrderEvent.PAY),
        "order_group_success_time": _seconds(order, OrderEvent.GROUP),
        "order_receive_time": _seconds(order, OrderEvent.CONFIRM),
        "order_verify_time": _seconds(order, OrderEvent.APPROVE, OrderEvent.REFUSE),
        "order_settle_time": _seconds(order, OrderEvent.SETTLE),
        "order_modify_at": order.modified_s,
        "type": 0,
        "is_direct": 1,
        "cpa_new": 0,
        "price_compare_status": 0,
        "auth_duo_id": 0,
        "zs_duo_id": 0,
        "batch_no": "",
        "cat_ids": [],
    }


def _seconds(order: Order, *events: OrderEvent) -> int | None:
    return next((int(order.times[event].timestamp()) for event in events if event in order.times), None)
