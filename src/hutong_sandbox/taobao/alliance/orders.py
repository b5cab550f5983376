"""Promoted orders: their life, and how the order query writes them (yuan as text, Chinese time as text)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from hutong.core.errors import InvalidInput, NotFound
from hutong.core.money import share_bps
from hutong.core.states import TransitionTable
from hutong_sandbox.drbg import DIGITS, LETTERS
from hutong_sandbox.http import Json
from hutong_sandbox.taobao.alliance.addresses import Address
from hutong_sandbox.taobao.alliance.goods import Good
from hutong_sandbox.taobao.trades import Trade, TradeEvent, Trades, wire_time, yuan
from hutong_sandbox.world import World

ORDERS_MAX: Final = 1_000_000
#: Of the commission, for technical services (阿里妈妈 has it in ``alimama_rate``).
SERVICE_BPS: Final = 1000


class TkStatus(StrEnum):
    """The order query's own numbers."""

    SETTLED = "3"
    PLACED = "11"
    PAID = "12"
    VOID = "13"
    RECEIVED = "14"


class TkEvent(StrEnum):
    """What moves a promoted order."""

    PAY = "pay"
    ABANDON = "abandon"
    CONFIRM = "confirm"
    SETTLE = "settle"
    REFUND = "refund"


TK_TABLE: Final = TransitionTable(
    "taobao alliance order",
    {
        (TkStatus.PLACED, TkEvent.PAY): TkStatus.PAID,
        (TkStatus.PLACED, TkEvent.ABANDON): TkStatus.VOID,
        (TkStatus.PAID, TkEvent.CONFIRM): TkStatus.RECEIVED,
        (TkStatus.PAID, TkEvent.REFUND): TkStatus.VOID,
        (TkStatus.RECEIVED, TkEvent.SETTLE): TkStatus.SETTLED,
        (TkStatus.RECEIVED, TkEvent.REFUND): TkStatus.VOID,
        # The row stays, marked as 维权; what is taken back stands in another report.
        (TkStatus.SETTLED, TkEvent.REFUND): TkStatus.SETTLED,
    },
)


class Order(msgspec.Struct, kw_only=True):
    """One item that was bought by an address. ``trade``: the same order at its simulated shop."""

    address: Address
    trade_id: str
    parent_id: str
    token: str  # tells rows of one second apart in positions
    title: str
    price_fen: int
    quantity: int
    commission_bps: int
    clicked_at: datetime
    placed_at: datetime
    modified_at: datetime
    status: TkStatus = TkStatus.PLACED
    paid_at: datetime | None = None
    earned_at: datetime | None = None
    is_disputed: bool = False
    trade: Trade | None = None

    @property
    def amount_fen(self) -> int:
        """What the buyer owes for it, without freight."""
        return self.price_fen * self.quantity

    @property
    def commission_fen(self) -> int:
        """The shop's commission on what was paid."""
        return share_bps(self.amount_fen, self.commission_bps)

    @property
    def service_fen(self) -> int:
        """The platform's part of the commission."""
        return share_bps(self.commission_fen, SERVICE_BPS)


class Orders:
    """Every promoted order."""

    def __init__(self, world: World, trades: Trades) -> None:
        self._world = world
        self._trades = trades
        trades.watchers.append(self._follow)
        self.clear()

    def clear(self) -> None:
        """Begin again with the numbers, too."""
        self._drbg = self._world.drbg("taobao_alliance orders")
        self._by_parent: dict[str, Order] = {}

    def all(self) -> list[Order]:
        """In order of creation."""
        return list(self._by_parent.values())

    def find(self, parent_id: str) -> Order:
        """The order with this number. Raises NotFound."""
        if parent_id not in self._by_parent:
            raise NotFound(what="order", key=parent_id)
        return self._by_parent[parent_id]

    def place(self, address: Address, good: Good, quantity: int, buyer: int) -> Order:
        """A buyer opens the address and orders; goods of a simulated shop become a trade of that shop."""
        if len(self._by_parent) >= ORDERS_MAX:
            raise InvalidInput(field="orders", problem=f"> {ORDERS_MAX}")
        trade: Trade | None = None
        if good.shop is not None:
            trade = self._trades.place(good.shop, [(good.outer_id, quantity)], buyer, 0)
            parent_id, trade_id = str(trade.tid), str(trade.lines[0].oid)
        else:
            good.sell(quantity)
            # Nineteen digits: beyond 2**53, as in life.
            parent_id = trade_id = "3" + self._drbg.text(18, DIGITS)
        now = self._world.clock.now()
        order = Order(
            address=address,
            trade_id=trade_id,
            parent_id=parent_id,
            token=self._drbg.text(11, LETTERS),
            title=good.title,
            price_fen=good.price_fen,
            quantity=quantity,
            commission_bps=good.commission_bps,
            clicked_at=now,
            placed_at=now,
            modified_at=now,
            trade=trade,
        )
        self._by_parent[parent_id] = order
        self._log("order_placed", order)
        return order

    def move(self, order: Order, event: TkEvent) -> None:
        """What buyer and platforms do. A trade of a simulated shop is moved there, and comes back from there."""
        if order.trade is not None and event is not TkEvent.SETTLE and order.status is not TkStatus.SETTLED:
            self._trades.move(order.trade, TradeEvent(event.value))
        else:
            self._apply(order, event)

    def touch(self, order: Order, moment: datetime) -> None:
        """The row changes, and nothing of it that anybody sees."""
        order.modified_at = moment

    def wire(self, order: Order) -> Json:
        """The row as the order query writes it."""
        promoter, place = order.address.promoter, order.address.place
        was_paid = order.paid_at is not None
        share = yuan(order.commission_fen if was_paid else 0)
        rate = _rate(order.commission_bps)
        body: Json = {
            "trade_id": order.trade_id,
            "trade_parent_id": order.parent_id,
            "tk_status": int(order.status),
            "tk_order_role": 2,
            "pub_id": int(promoter.member_id),
            "site_id": int(promoter.site_id),
            "site_name": promoter.merchant,
            "adzone_id": int(place.adzone_id),
            "adzone_name": place.name,
            "item_id": order.address.item_id,
            "item_title": order.title,
            "item_num": order.quantity,
            "item_price": yuan(order.price_fen),
            "item_link": f"http://item.taobao.com/item.htm?id={order.address.item_id}",
            "tb_gmv_total_price": yuan(order.amount_fen),
            "alipay_total_price": yuan(order.amount_fen if was_paid else 0),
            "total_commission_rate": rate,
            "total_commission_fee": share,
            "pub_share_rate": "100.00",
            "tk_total_rate": rate,
            "income_rate": rate,
            "pub_share_pre_fee": share,
            "pub_share_fee": share if order.status is TkStatus.SETTLED else "0.00",
            "alimama_rate": _rate(SERVICE_BPS),
            "alimama_share_fee": yuan(order.service_fen if was_paid else 0),
            "subsidy_rate": "0.00",
            "subsidy_fee": "0.00",
            "subsidy_type": "--",
            "refund_tag": int(order.is_disputed),
            "order_type": "淘宝",
            "terminal_type": "无线",
            "flow_source": "--",
            "seller_nick": "--",
            "seller_shop_title": "--",
            "click_time": wire_time(order.clicked_at),
            "tk_create_time": wire_time(order.placed_at),
            "modified_time": wire_time(order.modified_at),
        }
        if order.paid_at is not None:
            body |= {"tb_paid_time": wire_time(order.paid_at), "tk_paid_time": wire_time(order.paid_at)}
        if order.status in (TkStatus.RECEIVED, TkStatus.SETTLED):
            body["pay_price"] = yuan(order.amount_fen)
        if order.earned_at is not None:
            body["tk_earning_time"] = wire_time(order.earned_at)
        return body

    def _follow(self, trade: Trade, event: TradeEvent) -> None:
        """The shop's trade was moved: the alliance hears of it."""
        order = self._by_parent.get(str(trade.tid))
        if order is not None and order.trade is trade:
            self._apply(order, TkEvent(event.value))

    def _apply(self, order: Order, event: TkEvent) -> None:
        was_settled = order.status is TkStatus.SETTLED
        order.status = TK_TABLE.next(order.status, event)
        now = order.modified_at = self._world.clock.now()
        if event is TkEvent.PAY:
            order.paid_at = now
        elif event is TkEvent.SETTLE:
            order.earned_at = now
        elif event is TkEvent.REFUND:
            order.is_disputed = was_settled
        self._log(f"order_{event.value}", order)

    def _log(self, kind: str, order: Order) -> None:
        promoter, place = order.address.promoter, order.address.place
        detail = {"order_no": order.parent_id, "adzone_id": place.adzone_id}
        self._world.events.add("taobao_alliance", kind, merchant=promoter.merchant, **detail)


def _rate(bps: int) -> str:
    """Hundredths of a per cent as a per cent with two places."""
    return f"{bps // 100}.{bps % 100:02d}"
