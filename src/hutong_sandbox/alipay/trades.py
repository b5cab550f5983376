"""Orders at Alipay: their life, their rules, and how they look on the wire."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec

from hutong.core.states import TransitionTable
from hutong_sandbox.alipay.accounts import Account
from hutong_sandbox.alipay.errors import WireError, not_there
from hutong_sandbox.alipay.fields import NewOrder, wire_time, yuan
from hutong_sandbox.drbg import DIGITS, LETTERS
from hutong_sandbox.http import Json
from hutong_sandbox.world import World

QR_LIFE: Final = timedelta(hours=2)
ORDER_LIFE: Final = timedelta(days=15)
#: After this a paid order is finished: nothing goes back any more.
REFUND_PERIOD: Final = timedelta(days=365)
TRADES_MAX: Final = 2_000_000
#: Ways to open an order that begins only when the buyer comes.
WAITING_KINDS: Final = frozenset({"precreate"})
#: Products whose merchants are told when an unpaid order was closed, or a paid one is finished.
TALKATIVE_KINDS: Final = frozenset({"wap", "page", "app"})


class TradeState(StrEnum):
    """The states of the documents; ISSUED is ours: a code was shown, and no order exists yet."""

    ISSUED = "ISSUED"
    WAIT_BUYER_PAY = "WAIT_BUYER_PAY"
    TRADE_SUCCESS = "TRADE_SUCCESS"
    TRADE_CLOSED = "TRADE_CLOSED"
    TRADE_FINISHED = "TRADE_FINISHED"


class TradeEvent(StrEnum):
    """What moves an order."""

    ARRIVE = "arrive"
    PAY = "pay"
    CLOSE = "close"
    REFUND_ALL = "refund_all"
    FINISH = "finish"


TRADE_TABLE: Final = TransitionTable(
    "alipay trade",
    {
        (TradeState.ISSUED, TradeEvent.ARRIVE): TradeState.WAIT_BUYER_PAY,
        (TradeState.WAIT_BUYER_PAY, TradeEvent.PAY): TradeState.TRADE_SUCCESS,
        (TradeState.WAIT_BUYER_PAY, TradeEvent.CLOSE): TradeState.TRADE_CLOSED,
        (TradeState.TRADE_SUCCESS, TradeEvent.REFUND_ALL): TradeState.TRADE_CLOSED,
        (TradeState.TRADE_SUCCESS, TradeEvent.FINISH): TradeState.TRADE_FINISHED,
    },
)


class Trade(msgspec.Struct, kw_only=True):
    """One order. Amounts in fen."""

    account: Account
    order: NewOrder
    created_at: datetime
    by_certificate: bool  # the mode of the request: notices are signed the same way
    state: TradeState
    trade_no: str
    qr_code: str = ""
    buyer_id: str = ""
    paid_at: datetime | None = None
    closed_at: datetime | None = None
    refunded_fen: int = 0
    refunding_fen: int = 0
    shared_fen: int = 0  # went to receivers
    returned_fen: int = 0  # of it came back
    frozen_until: datetime | None = None
    reversed_fen: int = 0  # went back when the charge was undone, under no number

    @property
    def key(self) -> tuple[str, str]:
        """App and order number: unique together."""
        return self.account.app_id, self.order.out_trade_no

    @property
    def exists(self) -> bool:
        """Whether Alipay has an order, and not only a code that nobody scanned."""
        return self.state is not TradeState.ISSUED

    @property
    def paid(self) -> bool:
        """Whether money was captured, also if all of it went back since."""
        return self.paid_at is not None

    def move(self, event: TradeEvent) -> None:
        """Take a step of the table."""
        self.state = TRADE_TABLE.next(self.state, event)

    def expires_at(self) -> datetime:
        """When it ends if nobody pays."""
        life = QR_LIFE if self.order.kind == "precreate" else ORDER_LIFE
        return self.order.expires_at or self.created_at + life

    def wire(self) -> Json:
        """The order as a query shows it."""
        body: Json = {
            "out_trade_no": self.order.out_trade_no,
            "trade_no": self.trade_no,
            "trade_status": self.state.value,
            "total_amount": yuan(self.order.total_fen),
            "buyer_logon_id": "159****5620",
            "buyer_user_id": self.buyer_id,
            "point_amount": "0.00",
            "invoice_amount": "0.00",
        }
        paid_fen = self.order.total_fen if self.paid else 0
        body |= {"receipt_amount": yuan(paid_fen), "buyer_pay_amount": yuan(paid_fen)}
        if self.paid_at is not None:
            body |= {"send_pay_date": wire_time(self.paid_at), "fund_bill_list": [self._fund()]}
        if self.order.passback:
            body["passback_params"] = self.order.passback
        return body

    def charge(self) -> Json:
        """The order as the answer to a charge shows it."""
        body = {name: value for name, value in self.wire().items() if name not in ("trade_status", "send_pay_date")}
        return body if self.paid_at is None else body | {"gmt_payment": wire_time(self.paid_at)}

    def _fund(self) -> dict[str, str]:
        return {"amount": yuan(self.order.total_fen), "fund_channel": "ALIPAYACCOUNT"}


class Trades:
    """Every order of every app."""

    def __init__(self, world: World) -> None:
        self._world = world
        #: Told of an order that Alipay closed or finished by itself.
        self.on_end: Callable[[Trade], Awaitable[None]] | None = None
        self.clear()

    def clear(self) -> None:
        """Begin again with the numbers, too."""
        self._drbg = self._world.drbg("alipay trades")
        self._by_key: dict[tuple[str, str], Trade] = {}
        self._by_number: dict[str, list[Trade]] = {}
        self._by_handle: dict[str, Trade] = {}  # qr_code or trade_no

    def all(self) -> list[Trade]:
        """In order of creation."""
        return list(self._by_key.values())

    def numbered(self, out_trade_no: str) -> list[Trade]:
        """All apps' orders with this number."""
        return self._by_number.get(out_trade_no, [])

    def by_handle(self, handle: str) -> Trade | None:
        """An order by its code or Alipay's number."""
        return self._by_handle.get(handle)

    def find(self, account: Account, out_trade_no: str, trade_no: str) -> Trade:
        """An existing order by either number, Alipay's first; ACQ.TRADE_NOT_EXIST where there is none."""
        trade = self._by_handle.get(trade_no) if trade_no else self._by_key.get((account.app_id, out_trade_no))
        if trade is None or trade.account is not account or not trade.exists:
            raise not_there()
        if trade_no and out_trade_no and trade.order.out_trade_no != out_trade_no:
            raise not_there()
        return trade

    def open(self, account: Account, order: NewOrder, *, by_certificate: bool) -> tuple[Trade, bool]:
        """Create the order, or meet it again; tells whether it is new."""
        known = self._by_key.get((account.app_id, order.out_trade_no))
        if known is not None:
            _check_repeat(known, order)
            known.by_certificate = by_certificate
            return known, False
        if len(self._by_key) >= TRADES_MAX:
            raise WireError("ACQ.SYSTEM_ERROR", "sandbox full")
        now = self._world.clock.now()
        if order.expires_at is not None and order.expires_at <= now:
            raise WireError("ACQ.INVALID_PARAMETER", "time_expire 早于当前时间")
        waits = order.kind in WAITING_KINDS
        trade = Trade(
            account=account,
            order=order,
            created_at=now,
            by_certificate=by_certificate,
            state=TradeState.ISSUED if waits else TradeState.WAIT_BUYER_PAY,
            trade_no=f"{now:%Y%m%d}22001{self._drbg.text(15, DIGITS)}",
            qr_code=f"https://qr.alipay.com/bax{self._drbg.text(21, LETTERS).lower()}" if waits else "",
            buyer_id=order.buyer,
        )
        self._by_key[trade.key] = trade
        self._by_number.setdefault(order.out_trade_no, []).append(trade)
        self._by_handle[trade.trade_no] = trade
        if trade.qr_code:
            self._by_handle[trade.qr_code] = trade
        self._world.agenda.at(trade.expires_at(), lambda: self._expire(trade))
        self.log("order_created", trade, amount_fen=order.total_fen, method=order.kind)
        return trade, True

    def arrive(self, trade: Trade, buyer_id: str) -> None:
        """The buyer scans the code: the order begins to exist."""
        if trade.state is TradeState.ISSUED:
            trade.move(TradeEvent.ARRIVE)
            trade.buyer_id = buyer_id
            self.log("order_scanned", trade)

    def pay(self, trade: Trade, buyer_id: str) -> None:
        """Capture the money."""
        trade.move(TradeEvent.PAY)
        trade.paid_at = self._world.clock.now()
        trade.buyer_id = buyer_id
        if trade.order.is_frozen:
            trade.frozen_until = trade.paid_at + timedelta(days=30)
        self._world.agenda.at(trade.paid_at + REFUND_PERIOD, lambda: self._finish(trade))
        self.log("order_paid", trade, amount_fen=trade.order.total_fen)

    def close(self, trade: Trade, by: str) -> None:
        """Close an unpaid order."""
        trade.move(TradeEvent.CLOSE)
        trade.closed_at = self._world.clock.now()
        self.log("order_closed", trade, by=by)

    def refund_all(self, trade: Trade) -> None:
        """All of the money went back: the order is closed."""
        trade.move(TradeEvent.REFUND_ALL)
        trade.closed_at = self._world.clock.now()

    async def _expire(self, trade: Trade) -> None:
        if trade.state is TradeState.WAIT_BUYER_PAY:
            self.close(trade, "platform")
            await self._told(trade)

    async def _finish(self, trade: Trade) -> None:
        if trade.state is TradeState.TRADE_SUCCESS:
            trade.move(TradeEvent.FINISH)
            self.log("order_finished", trade)
            await self._told(trade)

    async def _told(self, trade: Trade) -> None:
        if self.on_end is not None and trade.order.kind in TALKATIVE_KINDS:
            await self.on_end(trade)

    def log(self, kind: str, trade: Trade, **detail: str | int) -> None:
        """Write to the sandbox's log. Alipay's own numbers carry the date and stay out of it."""
        self._world.events.add(
            "alipay", kind, merchant=trade.account.merchant, out_trade_no=trade.order.out_trade_no, **detail
        )


def _check_repeat(trade: Trade, order: NewOrder) -> None:
    if trade.state is TradeState.TRADE_CLOSED:
        raise WireError("ACQ.TRADE_HAS_CLOSE", "交易已经关闭")
    if trade.paid:
        raise WireError("ACQ.TRADE_HAS_SUCCESS", "交易已被支付")
    same = (order.total_fen, order.kind, order.buyer) == (trade.order.total_fen, trade.order.kind, trade.order.buyer)
    if not same:
        raise WireError("ACQ.CONTEXT_INCONSISTENT", "交易信息被篡改")
