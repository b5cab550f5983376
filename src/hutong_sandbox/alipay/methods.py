"""The methods that servers call, one function each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from hutong_sandbox.alipay.accounts import Account
from hutong_sandbox.alipay.bills import BillDesk
from hutong_sandbox.alipay.buyers import Users
from hutong_sandbox.alipay.errors import DONE, MESSAGES, WAITING, WireError
from hutong_sandbox.alipay.fields import Content, content_of, read_order, wire_time, yuan
from hutong_sandbox.alipay.notices import Notices
from hutong_sandbox.alipay.refunds import STUCK_S, Refund, Refunds
from hutong_sandbox.alipay.sharing import Sharing
from hutong_sandbox.alipay.trades import Trade, Trades, TradeState
from hutong_sandbox.http import Json, Unanswered
from hutong_sandbox.world import World

#: A buyer types his password in about so many seconds.
PASSWORD_S: Final = 40
#: What a call did is told this much later, after its answer.
NOTICE_S: Final = 1
_NAME: Final = "alipay"


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One authenticated call."""

    account: Account
    method: str
    parameters: dict[str, str]

    @property
    def by_certificate(self) -> bool:
        """The mode that the app speaks in."""
        return bool(self.parameters.get("app_cert_sn"))

    @property
    def content(self) -> Content:
        """The request's content."""
        return content_of(self.parameters)


class Methods:
    """Orders, refunds and shares as servers use them."""

    def __init__(
        self,
        world: World,
        users: Users,
        trades: Trades,
        refunds: Refunds,
        sharing: Sharing,
        notices: Notices,
        bills: BillDesk,
    ) -> None:
        self._world = world
        self._users = users
        self._trades = trades
        self._refunds = refunds
        self._sharing = sharing
        self._notices = notices
        self._bills = bills

    def table(self) -> dict[str, Callable[[Call], Awaitable[Json]]]:
        """Method -> what answers it."""
        share = self._sharing
        return {
            "alipay.trade.precreate": self._precreate,
            "alipay.trade.create": self._create,
            "alipay.trade.pay": self._pay,
            "alipay.trade.query": self._query,
            "alipay.trade.close": self._close,
            "alipay.trade.cancel": self._cancel,
            "alipay.trade.refund": self._refund,
            "alipay.trade.fastpay.refund.query": self._query_refund,
            "alipay.data.dataservice.bill.downloadurl.query": _plain(self._bills.address),
            "alipay.trade.royalty.relation.bind": _plain(share.bind),
            "alipay.trade.royalty.relation.unbind": _plain(share.unbind),
            "alipay.trade.royalty.relation.batchquery": _plain(share.listed),
            "alipay.trade.royalty.rate.query": _plain(lambda account, _: share.ratio(account)),
            "alipay.trade.order.settle": _plain(share.settle),
            "alipay.trade.order.settle.query": _plain(share.query),
            "alipay.trade.order.onsettle.query": _plain(share.left),
        }

    async def _precreate(self, call: Call) -> Json:
        trade = self._open(call, "precreate")
        return done({"out_trade_no": trade.order.out_trade_no, "qr_code": trade.qr_code})

    async def _create(self, call: Call) -> Json:
        trade = self._open(call, "create")
        return done({"out_trade_no": trade.order.out_trade_no, "trade_no": trade.trade_no})

    async def _pay(self, call: Call) -> Json:
        content = call.content
        if content.text("scene", required=False) not in ("", "bar_code", "wave_code"):
            raise WireError("ACQ.INVALID_PARAMETER", "scene")
        order = read_order("pay", content, call.parameters, self._world.clock.now())
        buyer = self._users.charge(content.text("auth_code"), order.out_trade_no)
        if buyer is None:
            raise WireError(
                "ACQ.PAYMENT_AUTH_CODE_INVALID", "支付失败，获取顾客账户信息失败，请顾客刷新付款码后重新收款"
            )
        trade, is_new = self._trades.open(call.account, order, by_certificate=call.by_certificate)
        user_id = self._users.user_id(buyer)
        trade.buyer_id = user_id
        if is_new:
            await self._charge(trade, user_id)
        self._lose_answer("create_timeout", order.out_trade_no)
        self._be_unsure(order.out_trade_no)
        if trade.paid:
            return done(trade.charge())
        return {"code": WAITING, "msg": MESSAGES[WAITING], **trade.charge()}

    async def _charge(self, trade: Trade, user_id: str) -> None:
        """At once, or after the buyer typed a password."""
        number = trade.order.out_trade_no
        if self._world.faults.strike(_NAME, "user_gives_up", number):
            return
        rule = self._world.faults.strike(_NAME, "user_paying", number)
        if rule is None:
            self._trades.pay(trade, user_id)
            self._world.agenda.after(NOTICE_S, lambda: self._notices.announce(trade))
            return

        async def typed() -> None:
            if trade.state is TradeState.WAIT_BUYER_PAY:
                await self.capture(trade, user_id)

        self._world.agenda.after(PASSWORD_S if rule.seconds is None else rule.seconds, typed)

    async def capture(self, trade: Trade, user_id: str) -> None:
        """The buyer pays at his own screen, and the merchant is told."""
        self._trades.pay(trade, user_id)
        await self._notices.announce(trade)

    async def _query(self, call: Call) -> Json:
        trade = self._trade(call)
        told = trade.wire()
        if trade.paid and self._world.faults.strike(_NAME, "query_amount", trade.order.out_trade_no):
            told["total_amount"] = yuan(trade.order.total_fen + 1)
        return done(told)

    async def _close(self, call: Call) -> Json:
        trade = self._trade(call)
        if trade.state is TradeState.TRADE_CLOSED:
            raise WireError("ACQ.REASON_TRADE_STATUS_INVALID", "交易状态异常")
        if trade.paid:
            raise WireError("ACQ.TRADE_STATUS_ERROR", "交易状态不合法")
        self._trades.close(trade, "merchant")
        return done({"out_trade_no": trade.order.out_trade_no, "trade_no": trade.trade_no})

    async def _cancel(self, call: Call) -> Json:
        """Close an unpaid order, give back a paid one; what is not there needs neither."""
        content = call.content
        number = content.number("out_trade_no", required=False)
        try:
            trade = self._trade(call)
        except WireError:
            return done({"out_trade_no": number, "retry_flag": "N"})
        action = ""
        number = trade.order.out_trade_no
        if trade.state is TradeState.WAIT_BUYER_PAY and self._world.faults.strike(_NAME, "reverse_race", number):
            await self.capture(trade, trade.buyer_id or self._users.user_id(1))
        if trade.state is TradeState.WAIT_BUYER_PAY:
            self._trades.close(trade, "merchant")
            action = "close"
        elif trade.state is TradeState.TRADE_SUCCESS:
            self._refunds.reverse(trade)
            action = "refund"
        elif trade.state is TradeState.TRADE_FINISHED:
            raise WireError("ACQ.TRADE_HAS_FINISHED", "交易已完结")
        self._lose_answer("reverse_timeout", number)
        body: Json = {"out_trade_no": number, "trade_no": trade.trade_no, "retry_flag": "N"}
        return done(body | ({"action": action} if action else {}))

    async def _refund(self, call: Call) -> Json:
        trade = self._trade(call)
        if self._world.faults.strike(_NAME, "not_enough", trade.order.out_trade_no):
            raise WireError("ACQ.SELLER_BALANCE_NOT_ENOUGH", "卖家余额不足")
        refund, is_new = self._refunds.open(trade, call.content)
        number = refund.request.out_request_no
        stuck = self._world.faults.strike(_NAME, "refund_stuck", number) if is_new else None
        if stuck:
            self._world.agenda.after(STUCK_S if stuck.seconds is None else stuck.seconds, lambda: self._settle(refund))
        elif is_new:
            await self._settle(refund)
        self._lose_answer("refund_timeout", number)
        self._be_unsure(number)
        moved = is_new and refund.settled_at is not None
        body: Json = {
            "out_trade_no": trade.order.out_trade_no,
            "trade_no": trade.trade_no,
            "buyer_logon_id": "159****5620",
            "buyer_user_id": trade.buyer_id,
            "fund_change": "Y" if moved else "N",
            "refund_fee": yuan(trade.refunded_fen),
        }
        return done(body | ({"gmt_refund_pay": wire_time(refund.settled_at)} if refund.settled_at else {}))

    async def _query_refund(self, call: Call) -> Json:
        trade = self._trade(call)
        refund = self._refunds.find(trade, call.content.number("out_request_no"))
        nothing = {"out_trade_no": trade.order.out_trade_no, "trade_no": trade.trade_no}
        return done(nothing if refund is None else refund.query_wire())

    async def _settle(self, refund: Refund) -> None:
        """The money moves; the answer comes first, the notice a moment later."""
        self._refunds.settle(refund)
        self._world.agenda.after(NOTICE_S, lambda: self._notices.announce_refund(refund))

    def _open(self, call: Call, kind: str) -> Trade:
        order = read_order(kind, call.content, call.parameters, self._world.clock.now())
        trade, _ = self._trades.open(call.account, order, by_certificate=call.by_certificate)
        self._lose_answer("create_timeout", order.out_trade_no)
        self._be_unsure(order.out_trade_no)
        return trade

    def _trade(self, call: Call) -> Trade:
        content = call.content
        number, trade_no = content.number("out_trade_no", required=False), content.text("trade_no", required=False)
        if not number and not trade_no:
            raise WireError("ACQ.INVALID_PARAMETER", "out_trade_no 和 trade_no 不能同时为空")
        return self._trades.find(call.account, number, trade_no)

    def _lose_answer(self, kind: str, subject: str) -> None:
        if self._world.faults.strike(_NAME, kind, subject):
            raise Unanswered

    def _be_unsure(self, subject: str) -> None:
        """Done, and yet the answer says that nobody knows."""
        if self._world.faults.strike(_NAME, "system_error", subject):
            raise WireError("ACQ.SYSTEM_ERROR", "系统异常")


def done(content: Json) -> Json:
    """The head of a success before its content."""
    return {"code": DONE, "msg": MESSAGES[DONE], **content}


def _plain(answer: Callable[[Account, Content], Json]) -> Callable[[Call], Awaitable[Json]]:
    async def handler(call: Call) -> Json:
        return done(answer(call.account, call.content))

    return handler
