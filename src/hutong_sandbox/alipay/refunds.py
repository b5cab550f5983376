"""Refunds at Alipay: done at once, or later without saying so; with shares that come back."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from hutong_sandbox.alipay.errors import WireError, invalid
from hutong_sandbox.alipay.fields import Content, wire_time, yuan
from hutong_sandbox.alipay.sharing import Back, Sharing
from hutong_sandbox.alipay.trades import REFUND_PERIOD, Trade, Trades, TradeState
from hutong_sandbox.http import Json
from hutong_sandbox.world import World

STUCK_S: Final = 86_400
REFUNDS_PER_ORDER_MAX: Final = 1000
CHANGED: Final = {True: "Y", False: "N"}


class NewRefund(msgspec.Struct, frozen=True, kw_only=True):
    """A refund as it is asked for."""

    out_request_no: str
    refund_fen: int
    reason: str
    backs: tuple[Back, ...]


class Refund(msgspec.Struct, kw_only=True):
    """One refund. ``settled_at`` is None as long as the money did not move.

    ``by_hand``: begun in Alipay's own console, so that the merchant's systems do not know it.
    """

    trade: Trade
    request: NewRefund
    settled_at: datetime | None = None
    by_hand: bool = False

    def query_wire(self) -> Json:
        """As a query shows it; one that did not happen yet shows nothing of itself."""
        trade = self.trade
        body: Json = {"out_trade_no": trade.order.out_trade_no, "trade_no": trade.trade_no}
        if self.settled_at is None:
            return body
        royalties = [
            {
                "refund_amount": yuan(back.amount_fen),
                "royalty_type": "transfer",
                "result_code": "SUCCESS",
                "trans_out": back.account,
                "trans_in": trade.account.seller_id,
            }
            for back in self.request.backs
        ]
        body |= {
            "out_request_no": self.request.out_request_no,
            "total_amount": yuan(trade.order.total_fen),
            "refund_amount": yuan(self.request.refund_fen),
            "refund_status": "REFUND_SUCCESS",
            "gmt_refund_pay": wire_time(self.settled_at),
        }
        return body | ({"refund_royaltys": royalties} if royalties else {})


class Refunds:
    """Every refund of every app."""

    def __init__(self, world: World, trades: Trades, sharing: Sharing) -> None:
        self._world = world
        self._trades = trades
        self._sharing = sharing
        self.clear()

    def clear(self) -> None:
        """Begin again."""
        self._by_trade: dict[tuple[str, str], dict[str, Refund]] = {}

    def of(self, trade: Trade) -> list[Refund]:
        """An order's refunds, oldest first."""
        return list(self._by_trade.get(trade.key, {}).values())

    def find(self, trade: Trade, out_request_no: str) -> Refund | None:
        """A refund by its number, which is unique within its order."""
        return self._by_trade.get(trade.key, {}).get(out_request_no)

    def open(self, trade: Trade, content: Content) -> tuple[Refund, bool]:
        """Accept the refund, or meet it again under the same number; tells whether it is new."""
        request = _read(trade, content)
        known = self.find(trade, request.out_request_no)
        if known is not None:
            if (known.request.refund_fen, known.request.backs) != (request.refund_fen, request.backs):
                raise WireError("ACQ.DISCORDANT_REPEAT_REQUEST", "不一致的请求")
            return known, False
        self._check_new(trade, request)
        return self._begin(trade, request), True

    def give_back(self, trade: Trade, refund_fen: int) -> Refund:
        """A refund that the shop makes in Alipay's own console; the money is back at once."""
        number = f"H{trade.order.out_trade_no}-{len(self.of(trade))}"
        request = NewRefund(out_request_no=number, refund_fen=refund_fen, reason="", backs=())
        self._check_new(trade, request)
        refund = self._begin(trade, request)
        refund.by_hand = True
        self._log("refund_by_hand", refund)
        self.settle(refund)
        return refund

    def _begin(self, trade: Trade, request: NewRefund) -> Refund:
        refund = Refund(trade=trade, request=request)
        self._by_trade.setdefault(trade.key, {})[request.out_request_no] = refund
        trade.refunding_fen += request.refund_fen
        self._log("refund_created", refund)
        return refund

    def settle(self, refund: Refund) -> None:
        """Move the money."""
        trade = refund.trade
        for back in refund.request.backs:
            self._sharing.take_back(trade, back)
        refund.settled_at = self._world.clock.now()
        trade.refunding_fen -= refund.request.refund_fen
        trade.refunded_fen += refund.request.refund_fen
        if trade.refunded_fen == trade.order.total_fen and trade.state is TradeState.TRADE_SUCCESS:
            self._trades.refund_all(trade)
        self._log("refund_settled", refund)

    def reverse(self, trade: Trade) -> None:
        """A reversal gives back whatever is left, under no number."""
        left_fen = trade.order.total_fen - trade.refunded_fen - trade.refunding_fen
        trade.refunded_fen += left_fen
        trade.reversed_fen = left_fen
        self._trades.refund_all(trade)
        self._trades.log("order_reversed", trade, refund_fen=left_fen)

    def _check_new(self, trade: Trade, request: NewRefund) -> None:
        if trade.state is TradeState.TRADE_FINISHED:
            raise WireError("ACQ.TRADE_HAS_FINISHED", "交易已完结")
        if trade.state is TradeState.TRADE_CLOSED:
            raise WireError("ACQ.TRADE_HAS_CLOSE", "交易已关闭")
        if not trade.paid or trade.paid_at is None:
            raise WireError("ACQ.TRADE_STATUS_ERROR", "交易状态不合法")
        if self._world.clock.now() - trade.paid_at > REFUND_PERIOD:
            raise WireError("ACQ.TRADE_NOT_ALLOW_REFUND", "当前交易不允许退款")
        if trade.refunded_fen + trade.refunding_fen + request.refund_fen > trade.order.total_fen:
            raise WireError("ACQ.REASON_TRADE_REFUND_FEE_ERR", "退款金额无效")
        if len(self._by_trade.get(trade.key, {})) >= REFUNDS_PER_ORDER_MAX:
            raise invalid("out_request_no", "退款次数过多")
        for back in request.backs:
            self._sharing.check_back(trade, back)

    def _log(self, kind: str, refund: Refund) -> None:
        request = refund.request
        self._trades.log(kind, refund.trade, out_request_no=request.out_request_no, refund_fen=request.refund_fen)


def _read(trade: Trade, content: Content) -> NewRefund:
    """A refund without a number of its own is one of the whole order."""
    backs = tuple(
        Back(account=item.text("trans_out"), amount_fen=item.fen("amount"))
        for item in content.items("refund_royalty_parameters")
    )
    refund_fen = content.fen("refund_amount", zero=bool(backs))
    number = content.number("out_request_no", required=False)
    if not number and refund_fen != trade.order.total_fen:
        raise invalid("out_request_no", "部分退款时必传")
    return NewRefund(
        out_request_no=number or trade.order.out_trade_no,
        refund_fen=refund_fen,
        reason=content.text("refund_reason", required=False),
        backs=backs,
    )
