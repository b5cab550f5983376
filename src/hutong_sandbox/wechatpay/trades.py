"""Orders at WeChat Pay: their life, their rules, and how they look on the wire."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from enum import StrEnum
from typing import Final

import msgspec

from hutong.core.states import TransitionTable
from hutong_sandbox.books import fee_of
from hutong_sandbox.buyers import Buyers
from hutong_sandbox.drbg import DIGITS, LETTERS
from hutong_sandbox.http import Json
from hutong_sandbox.wechatpay.accounts import Account
from hutong_sandbox.wechatpay.errors import WireError
from hutong_sandbox.wechatpay.fields import NewOrder
from hutong_sandbox.wechatpay.parties import Parties
from hutong_sandbox.world import World

CHINA: Final = timezone(timedelta(hours=8))
PREPAY_LIFE: Final = timedelta(hours=2)
H5_LIFE: Final = timedelta(minutes=5)
#: Money that is to be shared and was not is the merchant's after this.
FREEZE_LIFE: Final = timedelta(days=30)
#: An order that nobody pays is closed by the platform after this.
ORDER_LIFE: Final = timedelta(days=7)
TRADES_MAX: Final = 2_000_000
TRADE_TYPES: Final = {"jsapi": "JSAPI", "native": "NATIVE", "h5": "MWEB", "app": "APP", "codepay": "MICROPAY"}


class TradeState(StrEnum):
    """The states of the document 订单状态流转; the last three are those of payment codes only."""

    NOTPAY = "NOTPAY"
    SUCCESS = "SUCCESS"
    CLOSED = "CLOSED"
    REFUND = "REFUND"
    USERPAYING = "USERPAYING"
    PAYERROR = "PAYERROR"
    REVOKED = "REVOKED"


class TradeEvent(StrEnum):
    """What moves an order."""

    PAY = "pay"
    CLOSE = "close"
    REFUND = "refund"
    ASK = "ask"  # for the buyer's password
    FAIL = "fail"
    REVERSE = "reverse"


TRADE_TABLE: Final = TransitionTable(
    "wechatpay trade",
    {
        (TradeState.NOTPAY, TradeEvent.PAY): TradeState.SUCCESS,
        (TradeState.NOTPAY, TradeEvent.CLOSE): TradeState.CLOSED,
        (TradeState.SUCCESS, TradeEvent.REFUND): TradeState.REFUND,
        (TradeState.REFUND, TradeEvent.REFUND): TradeState.REFUND,
        (TradeState.NOTPAY, TradeEvent.ASK): TradeState.USERPAYING,
        (TradeState.NOTPAY, TradeEvent.FAIL): TradeState.PAYERROR,
        (TradeState.USERPAYING, TradeEvent.PAY): TradeState.SUCCESS,
        (TradeState.USERPAYING, TradeEvent.FAIL): TradeState.PAYERROR,
        (TradeState.NOTPAY, TradeEvent.REVERSE): TradeState.REVOKED,
        (TradeState.USERPAYING, TradeEvent.REVERSE): TradeState.REVOKED,
        (TradeState.PAYERROR, TradeEvent.REVERSE): TradeState.REVOKED,
        (TradeState.SUCCESS, TradeEvent.REVERSE): TradeState.REVOKED,
    },
)
STATE_TEXT: Final = {
    TradeState.NOTPAY: "订单未支付",
    TradeState.SUCCESS: "支付成功",
    TradeState.CLOSED: "订单已关闭",
    TradeState.REFUND: "订单发生过退款，退款详情请查询退款单",
    TradeState.USERPAYING: "需要用户输入支付密码",
    TradeState.PAYERROR: "支付失败，请重新下单支付",
    TradeState.REVOKED: "订单已撤销",
}


class Trade(msgspec.Struct, kw_only=True):
    """One order. Amounts in fen; the last four are of sharing: while ``frozen`` the rest cannot be used otherwise."""

    parties: Parties
    order: NewOrder
    created_at: datetime
    mode_serial: str  # the Wechatpay-Serial of the request: notices are signed the same way
    code_url: str
    state: TradeState = TradeState.NOTPAY
    prepay_ids: dict[str, datetime] = msgspec.field(default_factory=dict)
    transaction_id: str = ""
    paid_at: datetime | None = None
    buyer: int = 0
    combined: bool = False  # a part of a combined order: asked for and closed with that only
    refunded_fen: int = 0
    refunding_fen: int = 0
    frozen: bool = False
    shared_fen: int = 0
    sharing_fen: int = 0
    returned_fen: int = 0
    reversed_at: datetime | None = None

    @property
    def account(self) -> Account:
        """Whose signature opened it, and who is told."""
        return self.parties.account

    @property
    def key(self) -> tuple[str, str]:
        """Merchant number and order number: unique together (with a service provider under its number)."""
        return self.account.mchid, self.order.out_trade_no

    def move(self, event: TradeEvent) -> None:
        """Take a step of the table."""
        self.state = TRADE_TABLE.next(self.state, event)

    @property
    def paid(self) -> bool:
        """Whether money was captured, also if some went back since."""
        return self.state in (TradeState.SUCCESS, TradeState.REFUND)

    @property
    def unsplit_fen(self) -> int:
        """What can still be shared: while frozen, the sum without fee, refunds and shares that did not fail."""
        if not self.frozen:
            return 0
        gone_fen = self.refunded_fen + self.refunding_fen + self.shared_fen + self.sharing_fen
        return max(0, self.order.total_fen - fee_of(self.order.total_fen) - gone_fen)

    def expires_at(self) -> datetime:
        """When the platform closes it if nobody paid."""
        return self.order.time_expire or self.created_at + ORDER_LIFE

    def wire(self, buyers: Buyers) -> Json:
        """The order as query and notice show it."""
        order = self.order
        body: Json = {
            **self.parties.wire(),
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
            body["payer"] = self.payer(buyers)
            body["amount"]["payer_total"] = order.total_fen
        elif order.openid:
            body["payer"] = self.payer(buyers)
        return body

    def payer(self, buyers: Buyers) -> Json:
        """The buyer as the parties know him; who was named when the order was opened stays so named."""
        named = self.parties.payer(buyers, self.buyer or 1)
        field = next((name for name, app in self.parties.apps().items() if app == self.order.openid_app), "")
        return {**named, field: self.order.openid} if field else named


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

    def require(self, account: Account, seller: Account, out_trade_no: str) -> Trade:
        """The order, or 404 ORDER_NOT_EXIST; parts of a combined order are none here."""
        trade = self.find(account, out_trade_no)
        if trade is None or trade.parties.seller is not seller or trade.combined:
            raise WireError("ORDER_NOT_EXIST", "订单不存在")
        return trade

    def open(self, parties: Parties, order: NewOrder, mode_serial: str) -> tuple[Trade, str]:
        """Create the order, or meet it again; gives a fresh prepay_id."""
        trade = self.find(parties.account, order.out_trade_no)
        if trade is None:
            trade = self.create(parties, order, mode_serial)
            self._by_handle[trade.code_url] = trade
        else:
            _check_repeat(trade, parties, order)
            trade.mode_serial = mode_serial
        return trade, self.new_prepay_id(trade)

    def create(self, parties: Parties, order: NewOrder, mode_serial: str) -> Trade:
        """A new order."""
        if len(self._by_key) >= TRADES_MAX:
            raise WireError("SYSTEM_ERROR", "sandbox full")
        trade = Trade(
            parties=parties,
            order=order,
            created_at=self._world.clock.now(),
            mode_serial=mode_serial,
            code_url=self.new_code_url(),
        )
        self._by_key[trade.key] = trade
        self._by_number.setdefault(order.out_trade_no, []).append(trade)
        self._world.agenda.at(trade.expires_at(), lambda: self._expire(trade))
        self._log("order_created", trade, amount_fen=order.total_fen, method=order.method)
        return trade

    def new_code_url(self) -> str:
        """The text of a QR code."""
        return "weixin://wxpay/bizpayurl?pr=" + self._drbg.text(11, LETTERS)

    def new_prepay_id(self, trade: Trade) -> str:
        """A number under which the order can be paid for a while."""
        prepay_id = "wx" + self._drbg.text(34, DIGITS)
        trade.prepay_ids[prepay_id] = self._world.clock.now()
        self._by_handle[prepay_id] = trade
        return prepay_id

    def point(self, handle: str, trade: Trade) -> None:
        """Let a handle lead to an order."""
        self._by_handle[handle] = trade

    def pay(self, trade: Trade, buyer: int) -> None:
        """Capture the money; what is to be shared is frozen for a time."""
        trade.move(TradeEvent.PAY)
        trade.paid_at = self._world.clock.now()
        trade.buyer = buyer
        trade.transaction_id = self.new_transaction_id()
        if trade.order.shared:
            trade.frozen = True
            self._world.agenda.at(trade.paid_at + FREEZE_LIFE, lambda: self._thaw(trade))
        self._by_handle[trade.transaction_id] = trade
        self._log("order_paid", trade, amount_fen=trade.order.total_fen, transaction_id=trade.transaction_id)

    def close(self, trade: Trade) -> None:
        """Close on the merchant's word."""
        if trade.paid:
            raise WireError("ORDERPAID", "该订单已支付")
        if trade.state is not TradeState.NOTPAY:
            raise WireError("ORDER_CLOSED", "该订单已关闭")
        trade.move(TradeEvent.CLOSE)
        self._log("order_closed", trade, by="merchant")

    def ask(self, trade: Trade) -> None:
        """Wait for the buyer's password."""
        trade.move(TradeEvent.ASK)
        self._log("password_asked", trade)

    def fail(self, trade: Trade) -> None:
        """The charge of a payment code came to nothing."""
        trade.move(TradeEvent.FAIL)
        self._log("order_failed", trade)

    def reverse(self, trade: Trade) -> None:
        """Undo it: unpaid it is closed, paid the money goes back at once."""
        trade.move(TradeEvent.REVERSE)
        trade.frozen = False
        if trade.paid_at is not None:
            trade.refunded_fen = trade.order.total_fen
            trade.reversed_at = self._world.clock.now()
        self._log("order_reversed", trade, returned_fen=trade.refunded_fen)

    def thaw(self, trade: Trade, by: str) -> None:
        """End the freeze."""
        trade.frozen = False
        self._log("order_unfrozen", trade, by=by)

    def new_transaction_id(self) -> str:
        """A number of the platform."""
        return "4200" + self._drbg.text(24, DIGITS)

    async def _thaw(self, trade: Trade) -> None:
        if trade.frozen:
            self.thaw(trade, "platform")

    async def _expire(self, trade: Trade) -> None:
        if trade.state is TradeState.NOTPAY:
            trade.move(TradeEvent.CLOSE)
            self._log("order_closed", trade, by="platform")

    def _log(self, kind: str, trade: Trade, **detail: str | int) -> None:
        self._world.events.add(
            "wechatpay", kind, merchant=trade.account.merchant, out_trade_no=trade.order.out_trade_no, **detail
        )


def _check_repeat(trade: Trade, parties: Parties, order: NewOrder) -> None:
    if trade.paid:
        raise WireError("ORDERPAID", "该订单已支付")
    if trade.state is not TradeState.NOTPAY:
        raise WireError("ORDER_CLOSED", "该订单已关闭")
    if trade.parties != parties or trade.combined or _terms(order) != _terms(trade.order):
        raise WireError("INVALID_REQUEST", "201 商户订单号重复")
    if order.method != trade.order.method:
        raise WireError("OUT_TRADE_NO_USED", "商户订单号重复")


def _terms(order: NewOrder) -> tuple[object, ...]:
    """What must not differ when an order is opened again."""
    return order.total_fen, order.currency, order.openid, order.shared
