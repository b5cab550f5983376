"""Profit sharing (分账): who may receive, what was shared, what came back.

Source: github.com/wechatpay-apiv3/wechatpay-skills at 15f40d0, 分账接入指南 and 分账常见问题.

- The order must say so when it is opened; receivers are added first; from a minute after the payment for 30 days.
- At most 30 % of the order over all requests, never more than is left after fee and refunds; 50 requests of 50
  receivers, each once in a request. One number is one request.
- Worked on afterwards, with a result for each receiver; what failed is the payer's again.
- Returns from merchants only, within 180 days, to the payer's balance and not to what can be shared.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import msgspec

from hutong_sandbox.drbg import DIGITS
from hutong_sandbox.http import Json
from hutong_sandbox.wechatpay.accounts import Account
from hutong_sandbox.wechatpay.calls import strike
from hutong_sandbox.wechatpay.errors import WireError
from hutong_sandbox.wechatpay.trades import Trade, Trades, wire_time
from hutong_sandbox.world import World

RATIO_BPS_MAX: Final = 3000
REQUESTS_PER_ORDER_MAX: Final = 50
RECEIVERS_PER_REQUEST_MAX: Final = 50
RECEIVERS_PER_MERCHANT_MAX: Final = 20_000
FIRST_AFTER: Final = timedelta(minutes=1)
RETURN_PERIOD: Final = timedelta(days=180)
RETURNS_PER_ORDER_MAX: Final = 50
#: How long a request stays PROCESSING; short, so that a story need not move the clock far.
WORK_S: Final = 2
STUCK_S: Final = 86_400
MERCHANT: Final = "MERCHANT_ID"
_BPS: Final = 10_000

PROCESSING, FINISHED = "PROCESSING", "FINISHED"
PENDING, SUCCESS, CLOSED, FAILED = "PENDING", "SUCCESS", "CLOSED", "FAILED"


class Line(msgspec.Struct, kw_only=True):
    """One receiver's part of a request."""

    type: str
    account: str
    amount_fen: int
    description: str
    detail_id: str = ""
    result: str = PENDING
    fail_reason: str = ""
    returned_fen: int = 0


class Share(msgspec.Struct, kw_only=True):
    """One request: to share, or (without lines of others) to unfreeze."""

    trade: Trade
    out_order_no: str
    order_id: str
    lines: list[Line]
    unfreezes: bool
    created_at: datetime
    state: str = PROCESSING
    finished_at: datetime | None = None

    def terms(self) -> tuple[object, ...]:
        """What a repetition must have in common."""
        return self.trade.key, self.unfreezes, [(line.type, line.account, line.amount_fen) for line in self.lines]

    def wire(self) -> Json:
        """The request as answers show it."""
        done = self.finished_at or self.created_at
        return {
            **_sub(self.trade),
            "transaction_id": self.trade.transaction_id,
            "out_order_no": self.out_order_no,
            "order_id": self.order_id,
            "state": self.state,
            "receivers": [
                {
                    "amount": line.amount_fen,
                    "description": line.description,
                    "type": line.type,
                    "account": line.account,
                    "result": line.result,
                    **({"fail_reason": line.fail_reason} if line.fail_reason else {}),
                    "detail_id": line.detail_id,
                    "create_time": wire_time(self.created_at),
                    "finish_time": wire_time(done),
                }
                for line in self.lines
            ],
        }


class Return(msgspec.Struct, kw_only=True):
    """A share that comes back."""

    share: Share
    line: Line
    out_return_no: str
    return_id: str
    amount_fen: int
    description: str
    result: str
    fail_reason: str
    created_at: datetime

    def wire(self) -> Json:
        """The return as answers show it."""
        return {
            **_sub(self.share.trade),
            "order_id": self.share.order_id,
            "out_order_no": self.share.out_order_no,
            "out_return_no": self.out_return_no,
            "return_id": self.return_id,
            "return_mchid": self.line.account,
            "amount": self.amount_fen,
            "description": self.description,
            "result": self.result,
            **({"fail_reason": self.fail_reason} if self.fail_reason else {}),
            "create_time": wire_time(self.created_at),
            "finish_time": wire_time(self.created_at),
        }


class Shares:
    """Every receiver, share and return; numbers are unique under the account that signs."""

    def __init__(self, world: World, trades: Trades) -> None:
        self._world = world
        self._trades = trades
        self.clear()

    def clear(self) -> None:
        """Begin again."""
        self._drbg = self._world.drbg("wechatpay shares")
        self._receivers: dict[str, dict[tuple[str, str], Json]] = {}
        self._shares: dict[tuple[str, str], Share] = {}
        self._by_trade: dict[tuple[str, str], list[Share]] = {}
        self._returns: dict[tuple[str, str], Return] = {}

    def add_receiver(self, seller: Account, receiver: Json) -> None:
        """Allow; what was told before stays."""
        known = self._receivers.setdefault(seller.mchid, {})
        if len(known) >= RECEIVERS_PER_MERCHANT_MAX:
            raise WireError("RULE_LIMIT", "分账接收方已达上限")
        known.setdefault((receiver["type"], receiver["account"]), receiver)
        self._world.events.add("wechatpay", "receiver_added", merchant=seller.merchant, account=receiver["account"])

    def delete_receiver(self, seller: Account, kind: str, account: str) -> None:
        """Allow no more."""
        if self._receivers.get(seller.mchid, {}).pop((kind, account), None) is None:
            raise WireError("RESOURCE_NOT_EXISTS", "分账接收方关系不存在")
        self._world.events.add("wechatpay", "receiver_deleted", merchant=seller.merchant, account=account)

    def find(self, account: Account, out_order_no: str) -> Share | None:
        """A request by its number."""
        return self._shares.get((account.mchid, out_order_no))

    def trade_of(self, account: Account, seller: Account, transaction_id: str) -> Trade:
        """The paid order, or a refusal."""
        trade = self._trades.by_handle(transaction_id)
        known = trade is not None and trade.account is account and trade.parties.seller is seller
        if trade is None or not known or trade.transaction_id != transaction_id:
            raise WireError("RESOURCE_NOT_EXISTS", "订单不存在")
        return trade

    def share(self, account: Account, share: Share) -> Share:
        """Accept a request, or meet it again."""
        known = self.find(account, share.out_order_no)
        if known is not None:
            if known.terms() != share.terms():
                raise WireError("INVALID_REQUEST", "分账接收方与原请求不一致")
            return known
        self._check(share)
        share.trade.sharing_fen += sum(line.amount_fen for line in share.lines)
        return self._accept(account, share)

    def unfreeze(self, account: Account, share: Share) -> Share:
        """Give the rest to the merchant. A number that was used before is answered, and unfreezes nothing."""
        known = self.find(account, share.out_order_no)
        if known is not None:
            return known
        self._check_open(share.trade)
        return self._accept(account, share)

    def return_share(self, account: Account, wanted: Return) -> Return:
        """Take back at once, or meet the return again."""
        known = self._returns.get((account.mchid, wanted.out_return_no))
        if known is not None:
            same = (known.share, known.line, known.amount_fen) == (wanted.share, wanted.line, wanted.amount_fen)
            if not same:
                raise WireError("INVALID_REQUEST", "回退参数与原请求不一致")
            return known
        self._check_return(wanted)
        if strike(self._world, "return_failed", wanted.out_return_no):
            wanted.result, wanted.fail_reason = FAILED, "BALANCE_NOT_ENOUGH"
        else:
            wanted.line.returned_fen += wanted.amount_fen
            wanted.share.trade.returned_fen += wanted.amount_fen
        wanted.return_id = "3009" + self._drbg.text(24, DIGITS)
        self._returns[account.mchid, wanted.out_return_no] = wanted
        self._log(f"share_return_{wanted.result.lower()}", wanted.share, amount_fen=wanted.amount_fen)
        return wanted

    def find_return(self, account: Account, out_return_no: str) -> Return | None:
        """A return by its number."""
        return self._returns.get((account.mchid, out_return_no))

    def _accept(self, account: Account, share: Share) -> Share:
        share.order_id = "3008" + self._drbg.text(24, DIGITS)
        for line in share.lines:
            line.detail_id = "3601" + self._drbg.text(19, DIGITS)
        self._shares[account.mchid, share.out_order_no] = share
        self._by_trade.setdefault(share.trade.key, []).append(share)
        stuck = strike(self._world, "share_stuck", share.out_order_no)
        seconds = WORK_S if stuck is None else (STUCK_S if stuck.seconds is None else stuck.seconds)

        async def work() -> None:
            self._work(share)

        self._world.agenda.after(seconds, work)
        self._log("share_accepted", share, amount_fen=sum(line.amount_fen for line in share.lines))
        return share

    def _work(self, share: Share) -> None:
        """Decide on every line; what failed is the payer's again."""
        trade = share.trade
        known = self._receivers.get(trade.parties.seller.mchid, {})
        for line in share.lines:
            trade.sharing_fen -= line.amount_fen
            if (line.type, line.account) not in known:
                line.result, line.fail_reason = CLOSED, "NO_RELATION"
            elif strike(self._world, "share_failed", f"{share.out_order_no} {line.account}"):
                line.result, line.fail_reason = CLOSED, "ACCOUNT_ABNORMAL"
            else:
                line.result = SUCCESS
                trade.shared_fen += line.amount_fen
        if share.unfreezes and trade.frozen:
            rest_fen = trade.unsplit_fen
            self._trades.thaw(trade, "merchant")
            seller = trade.parties.seller.mchid
            own = Line(type=MERCHANT, account=seller, amount_fen=rest_fen, description="解冻给分账方", result=SUCCESS)
            own.detail_id = "3601" + self._drbg.text(19, DIGITS)
            share.lines.append(own)
        share.state = FINISHED
        share.finished_at = self._world.clock.now()
        self._log("share_finished", share, shared_fen=trade.shared_fen)

    def _check(self, share: Share) -> None:
        trade = share.trade
        self._check_open(trade)
        known = self._receivers.get(trade.parties.seller.mchid, {})
        for line in share.lines:
            if (line.type, line.account) not in known:
                raise WireError("INVALID_REQUEST", "分账接收方关系不存在，请检查参数中每个接收方的关系")
        asked_fen = sum(line.amount_fen for line in share.lines)
        if (trade.shared_fen + trade.sharing_fen + asked_fen) * _BPS > trade.order.total_fen * RATIO_BPS_MAX:
            raise WireError("RULE_LIMIT", "分账金额超出最大分账比例")
        if asked_fen > trade.unsplit_fen:
            raise WireError("NOT_ENOUGH", "分账金额不足")

    def _check_open(self, trade: Trade) -> None:
        """Whether the order can still be shared or unfrozen."""
        if not trade.order.shared:
            raise WireError("INVALID_REQUEST", "非分账订单不支持分账")
        if not trade.paid or trade.paid_at is None:
            raise WireError("INVALID_REQUEST", "订单状态错误，订单未支付")
        if self._world.clock.now() - trade.paid_at < FIRST_AFTER:
            raise WireError("INVALID_REQUEST", "订单处理中，请稍后重试")
        if not trade.frozen:
            raise WireError("INVALID_REQUEST", "订单已完结分账，不支持分账")
        if len(self._by_trade.get(trade.key, [])) >= REQUESTS_PER_ORDER_MAX:
            raise WireError("RULE_LIMIT", f"同一订单最多发起{REQUESTS_PER_ORDER_MAX}次分账")

    def _check_return(self, wanted: Return) -> None:
        if wanted.line.type != MERCHANT:
            raise WireError("INVALID_REQUEST", "个人接收方不支持回退")
        if wanted.line.result != SUCCESS:
            raise WireError("INVALID_REQUEST", "该接收方未分账成功，不能回退")
        paid_at = wanted.share.trade.paid_at
        if paid_at is None or self._world.clock.now() - paid_at > RETURN_PERIOD:
            raise WireError("INVALID_REQUEST", "已超过分账回退期限")
        if wanted.line.returned_fen + wanted.amount_fen > wanted.line.amount_fen:
            raise WireError("INVALID_REQUEST", "回退金额超过可回退金额")
        same_order = [back for back in self._returns.values() if back.share.trade is wanted.share.trade]
        if len(same_order) >= RETURNS_PER_ORDER_MAX:
            raise WireError("RULE_LIMIT", f"同一订单最多回退{RETURNS_PER_ORDER_MAX}次")

    def _log(self, kind: str, share: Share, **detail: int) -> None:
        self._world.events.add(
            "wechatpay",
            kind,
            merchant=share.trade.account.merchant,
            out_trade_no=share.trade.order.out_trade_no,
            out_order_no=share.out_order_no,
            **detail,
        )


def _sub(trade: Trade) -> Json:
    return {"sub_mchid": trade.parties.seller.mchid} if trade.parties.is_provider else {}
