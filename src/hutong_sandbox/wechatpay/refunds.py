"""Refunds at WeChat Pay: asked for, on their way, settled or stuck."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec

from hutong.core.states import TransitionTable
from hutong_sandbox.drbg import DIGITS
from hutong_sandbox.http import Json
from hutong_sandbox.wechatpay.accounts import Account
from hutong_sandbox.wechatpay.errors import WireError
from hutong_sandbox.wechatpay.fields import NewRefund
from hutong_sandbox.wechatpay.trades import Trade, TradeEvent, Trades, wire_time
from hutong_sandbox.world import World

PARTIAL_REFUNDS_MAX: Final = 50
REFUND_PERIOD: Final = timedelta(days=365)
#: How long a refund stays PROCESSING by itself; short, so that a story need not move the clock.
SETTLE_S: Final = 2
STUCK_S: Final = 86_400
_MISMATCH: Final = "订单金额或退款金额与之前请求不一致，请核实后再试"


class RefundState(StrEnum):
    """The states of a refund."""

    PROCESSING = "PROCESSING"
    SUCCESS = "SUCCESS"
    CLOSED = "CLOSED"
    ABNORMAL = "ABNORMAL"


class RefundEvent(StrEnum):
    """What moves a refund."""

    SETTLE = "settle"
    FAIL = "fail"
    RESCUE = "rescue"


REFUND_TABLE: Final = TransitionTable(
    "wechatpay refund",
    {
        (RefundState.PROCESSING, RefundEvent.SETTLE): RefundState.SUCCESS,
        (RefundState.PROCESSING, RefundEvent.FAIL): RefundState.ABNORMAL,
        (RefundState.ABNORMAL, RefundEvent.RESCUE): RefundState.PROCESSING,
    },
)


class Refund(msgspec.Struct, kw_only=True):
    """One refund; ``by_hand``: begun in the wallet's own console, so that the merchant's systems do not know it."""

    trade: Trade
    request: NewRefund
    refund_id: str
    created_at: datetime
    mode_serial: str
    received_account: str = "支付用户零钱"
    state: RefundState = RefundState.PROCESSING
    settled_at: datetime | None = None
    by_hand: bool = False

    def wire(self) -> Json:
        """The refund as request and query show it."""
        total_fen, refund_fen = self.trade.order.total_fen, self.request.refund_fen
        body: Json = {
            "refund_id": self.refund_id,
            "out_refund_no": self.request.out_refund_no,
            "transaction_id": self.trade.transaction_id,
            "out_trade_no": self.trade.order.out_trade_no,
            "channel": "ORIGINAL",
            "user_received_account": self.received_account,
            "create_time": wire_time(self.created_at),
            "status": self.state.value,
            "funds_account": "UNSETTLED",
            "amount": {
                "total": total_fen,
                "refund": refund_fen,
                "from": [],
                "payer_total": total_fen,
                "payer_refund": refund_fen,
                "settlement_refund": refund_fen,
                "settlement_total": total_fen,
                "discount_refund": 0,
                "currency": self.trade.order.currency,
                "refund_fee": 0,
            },
            "promotion_detail": [],
        }
        if self.settled_at is not None:
            body["success_time"] = wire_time(self.settled_at)
        return body

    def notice(self) -> Json:
        """The refund as its notice shows it."""
        amount = self.wire()["amount"]
        parties = self.trade.parties.wire()
        body: Json = {
            **{name: parties[name] for name in ("mchid", "sp_mchid", "sub_mchid") if name in parties},
            "out_trade_no": self.trade.order.out_trade_no,
            "transaction_id": self.trade.transaction_id,
            "out_refund_no": self.request.out_refund_no,
            "refund_id": self.refund_id,
            "refund_status": self.state.value,
            "user_received_account": self.received_account,
            "amount": {name: amount[name] for name in ("total", "refund", "payer_total", "payer_refund")},
        }
        if self.settled_at is not None:
            body["success_time"] = wire_time(self.settled_at)
        return body


class Refunds:
    """Every refund of every merchant."""

    def __init__(self, world: World, trades: Trades) -> None:
        self._world = world
        self._trades = trades
        self.clear()

    def clear(self) -> None:
        """Begin again."""
        self._drbg = self._world.drbg("wechatpay refunds")
        self._by_key: dict[tuple[str, str], Refund] = {}
        self._by_trade: dict[tuple[str, str], list[Refund]] = {}

    def of(self, trade: Trade) -> list[Refund]:
        """An order's refunds, oldest first."""
        return self._by_trade.get(trade.key, [])

    def require(self, account: Account, seller: Account, out_refund_no: str) -> Refund:
        """The refund, or 404 RESOURCE_NOT_EXISTS."""
        refund = self._by_key.get((account.mchid, out_refund_no))
        if refund is None or refund.trade.parties.seller is not seller:
            raise WireError("RESOURCE_NOT_EXISTS", "退款单不存在")
        return refund

    def open(self, account: Account, seller: Account, request: NewRefund, mode_serial: str) -> tuple[Refund, bool]:
        """Accept the refund, or meet it again under the same number; tells whether it is new."""
        trade = self._find_trade(account, seller, request)
        key = (account.mchid, request.out_refund_no)
        known = self._by_key.get(key)
        if known is not None:
            same = known.trade is trade and known.request.refund_fen == request.refund_fen
            if not same or request.total_fen != trade.order.total_fen:
                raise WireError("INVALID_REQUEST", _MISMATCH)
            return known, False
        self._check_new(trade, request)
        refund = Refund(
            trade=trade,
            request=request,
            refund_id="5030" + self._drbg.text(25, DIGITS),
            created_at=self._world.clock.now(),
            mode_serial=mode_serial,
        )
        self._by_key[key] = refund
        self._by_trade.setdefault(trade.key, []).append(refund)
        trade.move(TradeEvent.REFUND)
        trade.refunding_fen += request.refund_fen
        self._log("refund_created", refund)
        return refund, True

    def give_back(self, trade: Trade, refund_fen: int) -> Refund:
        """A refund that the shop makes in the wallet's own console; the money is back at once."""
        number = "H" + self._drbg.text(20, DIGITS)
        request = NewRefund(
            out_refund_no=number,
            transaction_id=trade.transaction_id,
            out_trade_no="",
            refund_fen=refund_fen,
            total_fen=trade.order.total_fen,
            reason="",
            notify_url=trade.order.notify_url,
        )
        refund, _ = self.open(trade.account, trade.parties.seller, request, trade.mode_serial)
        refund.by_hand = True
        self._log("refund_by_hand", refund)
        self.finish(refund, RefundEvent.SETTLE)
        return refund

    def rescue(self, refund: Refund, received_account: str) -> None:
        """Send an abnormal refund another way."""
        if refund.state is not RefundState.ABNORMAL:
            raise WireError("INVALID_REQUEST", "订单状态错误，退款单不是退款异常状态")
        refund.state = REFUND_TABLE.next(refund.state, RefundEvent.RESCUE)
        refund.received_account = received_account
        self._log("refund_rescued", refund)

    def finish(self, refund: Refund, event: RefundEvent) -> None:
        """Settle it, or let it become abnormal."""
        refund.state = REFUND_TABLE.next(refund.state, event)
        if refund.state is RefundState.SUCCESS:
            refund.settled_at = self._world.clock.now()
            refund.trade.refunding_fen -= refund.request.refund_fen
            refund.trade.refunded_fen += refund.request.refund_fen
        self._log(f"refund_{refund.state.value.lower()}", refund)

    def _find_trade(self, account: Account, seller: Account, request: NewRefund) -> Trade:
        if request.transaction_id:
            trade = self._trades.by_handle(request.transaction_id)
        else:
            trade = self._trades.find(account, request.out_trade_no)
        if trade is None or trade.account is not account or trade.parties.seller is not seller:
            raise WireError("RESOURCE_NOT_EXISTS", "订单不存在")
        return trade

    def _check_new(self, trade: Trade, request: NewRefund) -> None:
        if not trade.paid or trade.paid_at is None:
            raise WireError("INVALID_REQUEST", "订单状态错误，订单未支付")
        if request.total_fen != trade.order.total_fen:
            raise WireError("INVALID_REQUEST", _MISMATCH)
        if self._world.clock.now() - trade.paid_at > REFUND_PERIOD:
            raise WireError("INVALID_REQUEST", "订单已超过可退款的最大期限")
        if trade.refunded_fen + trade.refunding_fen + request.refund_fen > trade.order.total_fen:
            raise WireError("INVALID_REQUEST", "申请退款金额超过订单可退金额")
        if trade.frozen and request.refund_fen > trade.order.total_fen - _bound_fen(trade):
            raise WireError("NOT_ENOUGH", "订单剩余冻结金额不足，请先解冻剩余资金后再发起退款")
        if len(self.of(trade)) >= PARTIAL_REFUNDS_MAX:
            raise WireError("INVALID_REQUEST", f"同一笔订单最多支持{PARTIAL_REFUNDS_MAX}次部分退款")

    def _log(self, kind: str, refund: Refund) -> None:
        self._world.events.add(
            "wechatpay",
            kind,
            merchant=refund.trade.account.merchant,
            out_trade_no=refund.trade.order.out_trade_no,
            out_refund_no=refund.request.out_refund_no,
            refund_fen=refund.request.refund_fen,
        )


def _bound_fen(trade: Trade) -> int:
    """What of a frozen order is not there to be refunded: it went to receivers, is on its way, or was refunded."""
    return trade.shared_fen + trade.sharing_fen + trade.refunded_fen + trade.refunding_fen
