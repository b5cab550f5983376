"""Orders at WeChat Pay: their life, their rules, and how they look on the wire."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from enum import StrEnum
from typing import Final

import msgspec

from hutong.core.states import TransitionTable
from hutong_sandbox.drbg import DIGITS, LETTERS
from hutong_sandbox.http import Json
from hutong_sandbox.wechatpay.accounts import Account
from hutong_sandbox.wechatpay.errors import WireError
from hutong_sandbox.wechatpay.fields import NewOrder
from hutong_sandbox.world import World

CHINA: Final = timezone(timedelta(hours=8))
PREPAY_LIFE: Final = timedelta(hours=2)
H5_LIFE: Final = timedelta(minutes=5)
#: An order that nobody pays is closed by the platform after this.
ORDER_LIFE: Final = timedelta(days=7)
TRADES_MAX: Final = 2_000_000
TRADE_TYPES: Final = {"jsapi": "JSAPI", "native": "NATIVE", "h5": "MWEB", "app": "APP"}


class TradeState(StrEnum):
    """The states of the document 订单状态流转 (without the bar-code ones)."""

    NOTPAY = "NOTPAY"
    SUCCESS = "SUCCESS"
    CLOSED = "CLOSED"
    REFUND = "REFUND"


class TradeEvent(StrEnum):
    """What moves an order."""

    PAY = "pay"
    CLOSE = "close"
    REFUND = "refund"


TRADE_TABLE: Final = TransitionTable(
    "wechatpay trade",
    {
        (TradeState.NOTPAY, TradeEvent.PAY): TradeState.SUCCESS,
        (TradeState.NOTPAY, TradeEvent.CLOSE): TradeState.CLOSED,
        (TradeState.SUCCESS, TradeEvent.REFUND): TradeState.REFUND,
        (TradeState.REFUND, TradeEvent.REFUND): TradeState.REFUND,
    },
)
STATE_TEXT: Final = {
    TradeState.NOTPAY: "订单未支付",
    TradeState.SUCCESS: "支付成功",
    TradeState.CLOSED: "订单已关闭",
    TradeState.REFUND: "订单发生过退款，退款详情请查询退款单",
}


class Trade(msgspec.Struct, kw_only=True):
    """One order. Amounts in fen."""

    account: Account
    order: NewOrder
    created_at: datetime
    mode_serial: str  # the Wechatpay-Serial of the request: notices are signed the same way
    code_url: str
    state: TradeState = TradeState.NOTPAY
    prepay_ids: dict[str, datetime] = msgspec.field(default_factory=dict)
    transaction_id: str = ""
    paid_at: datetime | None = None
    payer_openid: str = ""
    refunded_fen: int = 0
    refunding_fen: int = 0

    @property
    def key(self) -> tuple[str, str]:
        """Merchant number and order number: unique together."""
        return self.account.mchid, self.order.out_trade_no

    def move(self, event: TradeEvent) -> None:
        """Take a step of the table."""
        self.state = TRADE_TABLE.next(self.state, event)

    @property
    def paid(self) -> bool:
        """Whether money was captured, also if some went back since."""
        return self.state in (TradeState.SUCCESS, TradeState.REFUND)

    def expires_at(self) -> datetime:
        """When the platform closes it if nobody paid."""
        return self.order.time_expire or self.created_at + ORDER_LIFE

    def wire(self) -> Json:
        """The order as query and notice show it."""
        order = self.order
        body: Json = {
            "mchid": self.account.mchid,
            "appid": self.account.appid,
            "out_trade_no": order.out_trade_no,
            "trade_state": self.state.value,
            "trade_state_desc": STATE_TEXT[self.state],
            "promotion_detail": [],
            "amount": {"total": order.total_fen, "currency": order.currency, "payer_currency": order.currency},
        }
        if order.attach:
            body["attach"] = order.attach
        if self.paid_at is not None:
            body["transaction_id"] = self.transaction_id
            body["trade_type"] = TRADE_TYPES[order.method]
            body["bank_type"] = "OTHERS"
            body["success_time"] = wire_time(self.paid_at)
            body["payer"] = {"openid": self.payer_openid}
            body["amount"]["payer_total"] = order.total_fen
        elif order.openid:
            body["payer"] = {"openid": order.openid}
        return body


def wire_time(moment: datetime) -> str:
    """RFC 3339 in Chinese time, whole seconds."""
    return moment.astimezone(CHINA).isoformat(timespec="seconds")


class Trades:
    """Every order of every merchant."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.clear()

    def clear(self) -> None:
        """Begin again with the numbers, too."""
        self._drbg = self._world.drbg("wechatpay trades")
        self._by_key: dict[tuple[str, str], Trade] = {}
        self._by_number: dict[str, list[Trade]] = {}
        self._by_handle: dict[str, Trade] = {}  # prepay_id, code_url or transaction_id

    def all(self) -> list[Trade]:
        """In order of creation."""
        return list(self._by_key.values())

    def find(self, account: Account, out_trade_no: str) -> Trade | None:
        """A merchant's order by its own number."""
        return self._by_key.get((account.mchid, out_trade_no))

    def numbered(self, out_trade_no: str) -> list[Trade]:
        """All merchants' orders with this number."""
        return self._by_number.get(out_trade_no, [])

    def by_handle(self, handle: str) -> Trade | None:
        """An order by prepay_id, code_url or transaction_id."""
        return self._by_handle.get(handle)

    def require(self, account: Account, out_trade_no: str) -> Trade:
        """The order, or 404 ORDER_NOT_EXIST."""
        trade = self.find(account, out_trade_no)
        if trade is None:
            raise WireError("ORDER_NOT_EXIST", "订单不存在")
        return trade

    def open(self, account: Account, order: NewOrder, mode_serial: str) -> tuple[Trade, str]:
        """Create the order, or meet it again; gives a fresh prepay_id."""
        now = self._world.clock.now()
        trade = self.find(account, order.out_trade_no)
        if trade is None:
            if len(self._by_key) >= TRADES_MAX:
                raise WireError("SYSTEM_ERROR", "sandbox full")
            code_url = "weixin://wxpay/bizpayurl?pr=" + self._drbg.text(11, LETTERS)
            trade = Trade(account=account, order=order, created_at=now, mode_serial=mode_serial, code_url=code_url)
            self._by_key[trade.key] = trade
            self._by_number.setdefault(order.out_trade_no, []).append(trade)
            self._by_handle[code_url] = trade
            self._world.agenda.at(trade.expires_at(), lambda: self._expire(trade))
            self._log("order_created", trade, amount_fen=order.total_fen, method=order.method)
        else:
            _check_repeat(trade, order)
            trade.mode_serial = mode_serial
        prepay_id = "wx" + self._drbg.text(34, DIGITS)
        trade.prepay_ids[prepay_id] = now
        self._by_handle[prepay_id] = trade
        return trade, prepay_id

    def pay(self, trade: Trade, openid: str) -> None:
        """Capture the money."""
        trade.move(TradeEvent.PAY)
        trade.paid_at = self._world.clock.now()
        trade.payer_openid = openid
        trade.transaction_id = self.new_transaction_id()
        self._by_handle[trade.transaction_id] = trade
        self._log("order_paid", trade, amount_fen=trade.order.total_fen, transaction_id=trade.transaction_id)

    def close(self, trade: Trade) -> None:
        """Close on the merchant's word."""
        if trade.paid:
            raise WireError("ORDERPAID", "该订单已支付")
        if trade.state is TradeState.CLOSED:
            raise WireError("ORDER_CLOSED", "该订单已关闭")
        trade.move(TradeEvent.CLOSE)
        self._log("order_closed", trade, by="merchant")

    def new_transaction_id(self) -> str:
        """A number of the platform."""
        return "4200" + self._drbg.text(24, DIGITS)

    async def _expire(self, trade: Trade) -> None:
        if trade.state is TradeState.NOTPAY:
            trade.move(TradeEvent.CLOSE)
            self._log("order_closed", trade, by="platform")

    def _log(self, kind: str, trade: Trade, **detail: str | int) -> None:
        self._world.events.add(
            "wechatpay", kind, merchant=trade.account.merchant, out_trade_no=trade.order.out_trade_no, **detail
        )


def _check_repeat(trade: Trade, order: NewOrder) -> None:
    if trade.paid:
        raise WireError("ORDERPAID", "该订单已支付")
    if trade.state is TradeState.CLOSED:
        raise WireError("ORDER_CLOSED", "该订单已关闭")
    if (order.total_fen, order.currency, order.openid) != (
        trade.order.total_fen,
        trade.order.currency,
        trade.order.openid,
    ):
        raise WireError("INVALID_REQUEST", "201 商户订单号重复")
    if order.method != trade.order.method:
        raise WireError("OUT_TRADE_NO_USED", "商户订单号重复")
