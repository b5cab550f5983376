"""Orders on Taobao: their life and how they look on the wire (yuan as text, Chinese time as text, buyers masked)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from enum import StrEnum
from typing import Final

import msgspec

from hutong.core.errors import InvalidInput
from hutong.core.money import Money
from hutong.core.states import TransitionTable
from hutong_sandbox.drbg import DIGITS, LETTERS
from hutong_sandbox.http import Json
from hutong_sandbox.taobao.accounts import Shop, Sku
from hutong_sandbox.world import World

CHINA: Final = timezone(timedelta(hours=8))
TIME_FORMAT: Final = "%Y-%m-%d %H:%M:%S"
TRADES_MAX: Final = 2_000_000


class TradeStatus(StrEnum):
    """The platform's statuses that this simulation passes through."""

    WAIT_BUYER_PAY = "WAIT_BUYER_PAY"
    WAIT_SELLER_SEND_GOODS = "WAIT_SELLER_SEND_GOODS"
    SELLER_CONSIGNED_PART = "SELLER_CONSIGNED_PART"
    WAIT_BUYER_CONFIRM_GOODS = "WAIT_BUYER_CONFIRM_GOODS"
    TRADE_FINISHED = "TRADE_FINISHED"
    TRADE_CLOSED = "TRADE_CLOSED"
    TRADE_CLOSED_BY_TAOBAO = "TRADE_CLOSED_BY_TAOBAO"


class TradeEvent(StrEnum):
    """What moves an order."""

    PAY = "pay"
    ABANDON = "abandon"
    SHIP_PART = "ship_part"
    SHIP = "ship"
    CONFIRM = "confirm"
    REFUND = "refund"


TRADE_TABLE: Final = TransitionTable(
    "taobao trade",
    {
        (TradeStatus.WAIT_BUYER_PAY, TradeEvent.PAY): TradeStatus.WAIT_SELLER_SEND_GOODS,
        (TradeStatus.WAIT_BUYER_PAY, TradeEvent.ABANDON): TradeStatus.TRADE_CLOSED_BY_TAOBAO,
        (TradeStatus.WAIT_SELLER_SEND_GOODS, TradeEvent.SHIP_PART): TradeStatus.SELLER_CONSIGNED_PART,
        (TradeStatus.WAIT_SELLER_SEND_GOODS, TradeEvent.SHIP): TradeStatus.WAIT_BUYER_CONFIRM_GOODS,
        (TradeStatus.SELLER_CONSIGNED_PART, TradeEvent.SHIP_PART): TradeStatus.SELLER_CONSIGNED_PART,
        (TradeStatus.SELLER_CONSIGNED_PART, TradeEvent.SHIP): TradeStatus.WAIT_BUYER_CONFIRM_GOODS,
        (TradeStatus.WAIT_BUYER_CONFIRM_GOODS, TradeEvent.CONFIRM): TradeStatus.TRADE_FINISHED,
        (TradeStatus.WAIT_SELLER_SEND_GOODS, TradeEvent.REFUND): TradeStatus.TRADE_CLOSED,
        (TradeStatus.WAIT_BUYER_CONFIRM_GOODS, TradeEvent.REFUND): TradeStatus.TRADE_CLOSED,
    },
)


class Line(msgspec.Struct, kw_only=True):
    """One sub-order."""

    oid: int
    sku: Sku
    title: str
    quantity: int
    price_fen: int
    shipped: bool = False

    @property
    def amount_fen(self) -> int:
        """What the buyer paid for it."""
        return self.price_fen * self.quantity


class Trade(msgspec.Struct, kw_only=True):
    """One order."""

    shop: Shop
    tid: int
    buyer: int
    created_at: datetime
    modified_at: datetime
    lines: list[Line]
    post_fen: int = 0
    status: TradeStatus = TradeStatus.WAIT_BUYER_PAY
    paid_at: datetime | None = None
    consigned_at: datetime | None = None
    ended_at: datetime | None = None
    parcels: dict[str, str] = msgspec.field(default_factory=dict)  # tracking number -> company code
    buyer_message: str = ""
    seller_memo: str = ""

    @property
    def amount_fen(self) -> int:
        """What the buyer paid, freight included."""
        return sum(line.amount_fen for line in self.lines) + self.post_fen


def wire_time(moment: datetime) -> str:
    """Chinese time, whole seconds, no zone."""
    return moment.astimezone(CHINA).strftime(TIME_FORMAT)


def yuan(amount_fen: int) -> str:
    """Yuan with two places."""
    return Money.fen(amount_fen).decimal_text()


class Trades:
    """Every order of every shop."""

    def __init__(self, world: World) -> None:
        self._world = world
        #: Whoever has to know what becomes of an order: told after each move.
        self.watchers: list[Callable[[Trade, TradeEvent], None]] = []
        self.clear()

    def clear(self) -> None:
        """Begin again with the numbers, too."""
        self._drbg = self._world.drbg("taobao trades")
        self._by_tid: dict[int, Trade] = {}
        self._by_shop: dict[str, list[Trade]] = {}

    def all(self) -> list[Trade]:
        """In order of creation."""
        return list(self._by_tid.values())

    def of(self, shop: Shop) -> list[Trade]:
        """A shop's orders."""
        return self._by_shop.get(shop.shop_id, [])

    def find(self, shop: Shop, tid: str) -> Trade | None:
        """A shop's order by number."""
        trade = self._by_tid.get(int(tid)) if tid.isascii() and tid.isdigit() and len(tid) < 25 else None
        return trade if trade is not None and trade.shop is shop else None

    def place(self, shop: Shop, wanted: list[tuple[str, int]], buyer: int, post_fen: int) -> Trade:
        """A buyer orders; the platform's own stock goes down at once (拍下减库存), all lines or none."""
        if len(self._by_tid) >= TRADES_MAX:
            raise InvalidInput(field="trades", problem=f"> {TRADES_MAX}")
        if len({outer_id for outer_id, _ in wanted}) != len(wanted):
            raise InvalidInput(field="lines", problem="each SKU once")
        for outer_id, quantity in wanted:
            shop.check(outer_id, quantity)
        now = self._world.clock.now()
        # Nineteen digits: beyond 2**53, as in life, so that a client that reads numbers as floats is found out.
        tid = int("4" + self._drbg.text(18, DIGITS))
        lines: list[Line] = []
        for i, (outer_id, quantity) in enumerate(wanted):
            sku = shop.sell(outer_id, quantity)
            oid = tid if len(wanted) == 1 else tid + 1 + i
            lines.append(Line(oid=oid, sku=sku, title=sku.title, quantity=quantity, price_fen=sku.price_fen))
        trade = Trade(shop=shop, tid=tid, buyer=buyer, created_at=now, modified_at=now, lines=lines, post_fen=post_fen)
        self._by_tid[tid] = trade
        self._by_shop.setdefault(shop.shop_id, []).append(trade)
        self._log("order_placed", trade, amount_fen=trade.amount_fen)
        return trade

    def move(self, trade: Trade, event: TradeEvent) -> None:
        """What buyer or platform do: pay, give up unpaid, confirm receipt, get all the money back."""
        trade.status = TRADE_TABLE.next(trade.status, event)
        now = trade.modified_at = self._world.clock.now()
        if event is TradeEvent.PAY:
            trade.paid_at = now
        else:
            trade.ended_at = now
        if event is TradeEvent.ABANDON:
            for line in trade.lines:
                trade.shop.set_quantity(line.sku, line.sku.quantity + line.quantity)
        self._log(f"order_{event.value}", trade, amount_fen=trade.amount_fen)
        for tell in self.watchers:
            tell(trade, event)

    def ship(self, trade: Trade, oids: set[int], company_code: str, out_sid: str) -> None:
        """Hand lines (all when none are named) to a carrier."""
        for line in trade.lines:
            line.shipped = line.shipped or not oids or line.oid in oids
        whole = all(line.shipped for line in trade.lines)
        trade.status = TRADE_TABLE.next(trade.status, TradeEvent.SHIP if whole else TradeEvent.SHIP_PART)
        trade.consigned_at = trade.modified_at = self._world.clock.now()
        trade.parcels[out_sid] = company_code
        self._log("order_shipped", trade, company_code=company_code, out_sid=out_sid)

    def write_memo(self, trade: Trade, text: str) -> None:
        """The shop writes beside an order, which modifies it."""
        trade.seller_memo = text
        self.touch(trade, self._world.clock.now())

    def touch(self, trade: Trade, moment: datetime) -> None:
        """The row is modified, and nothing of it that anybody sees."""
        trade.modified_at = moment
        self._log("order_touched", trade)

    def wire(self, trade: Trade) -> Json:
        """Every field the simulator knows; the gateway picks what ``fields`` names."""
        first = trade.lines[0]
        goods_fen = trade.amount_fen - trade.post_fen
        body: Json = {
            "tid": trade.tid,
            "tid_str": str(trade.tid),
            "type": "fixed",
            "status": trade.status.value,
            "seller_nick": trade.shop.seller_nick,
            "title": trade.shop.seller_nick,
            "created": wire_time(trade.created_at),
            "modified": wire_time(trade.modified_at),
            "payment": yuan(trade.amount_fen),
            "total_fee": yuan(goods_fen),
            "post_fee": yuan(trade.post_fen),
            "discount_fee": yuan(0),
            "adjust_fee": yuan(0),
            "received_payment": yuan(0),
            "num": sum(line.quantity for line in trade.lines),
            "num_iid": first.sku.num_iid,
            "price": yuan(first.price_fen),
            "shipping_type": "express",
            **self._masked_buyer(trade),
            "orders": {"order": [_wire_line(trade, line) for line in trade.lines]},
        }
        for name in ("buyer_message", "seller_memo"):
            if text := getattr(trade, name):  # the gateway leaves out what nobody wrote
                body[name] = text
        if trade.paid_at is not None:
            body["pay_time"] = wire_time(trade.paid_at)
        if trade.consigned_at is not None:
            body["consign_time"] = wire_time(trade.consigned_at)
        if trade.ended_at is not None:
            body["end_time"] = wire_time(trade.ended_at)
        return body

    def _masked_buyer(self, trade: Trade) -> Json:
        name, phone = self._world.buyers.name(trade.buyer), self._world.buyers.phone(trade.buyer)
        uid = self._world.drbg(f"taobao buyer {trade.shop.app_key} {trade.buyer}").text(32, LETTERS)
        return {
            "buyer_nick": f"{name[0]}**",
            "buyer_open_uid": uid,
            "receiver_name": f"{name[0]}**",
            "receiver_state": "浙江省",
            "receiver_city": "杭州市",
            "receiver_district": "西湖区",
            "receiver_address": "****",
            "receiver_mobile": f"{phone[:3]}****{phone[-4:]}",
            "oaid": self._world.drbg(f"taobao oaid {trade.shop.shop_id} {trade.buyer}").text(32, LETTERS),
        }

    def _log(self, kind: str, trade: Trade, **detail: str | int) -> None:
        self._world.events.add("taobao", kind, merchant=trade.shop.merchant, tid=str(trade.tid), **detail)


def _wire_line(trade: Trade, line: Line) -> Json:
    waiting = trade.status is TradeStatus.SELLER_CONSIGNED_PART and not line.shipped
    status = TradeStatus.WAIT_SELLER_SEND_GOODS if waiting else trade.status
    if trade.status is TradeStatus.SELLER_CONSIGNED_PART and line.shipped:
        status = TradeStatus.WAIT_BUYER_CONFIRM_GOODS
    return {
        "oid": line.oid,
        "oid_str": str(line.oid),
        "num_iid": line.sku.num_iid,
        "sku_id": str(line.sku.sku_id),
        "outer_sku_id": line.sku.outer_id,
        "outer_iid": line.sku.outer_id,
        "title": line.title,
        "num": line.quantity,
        "price": yuan(line.price_fen),
        "total_fee": yuan(line.amount_fen),
        "payment": yuan(line.amount_fen),
        "divide_order_fee": yuan(line.amount_fen),
        "discount_fee": yuan(0),
        "adjust_fee": yuan(0),
        "part_mjz_discount": yuan(0),
        "status": status.value,
        "refund_status": "SUCCESS" if trade.status is TradeStatus.TRADE_CLOSED else "NO_REFUND",
        "buyer_rate": False,
        "seller_rate": False,
    }
