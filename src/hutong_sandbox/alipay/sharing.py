"""Profit sharing at Alipay (商家分账): who may receive, what was shared, what came back, and the freeze.

Source: 商家分账 接入指南 (copies: zhifubao.apifox.cn/doc-3272472, /api-126563053): relation first, 20,000 at most; 30%
of the order unless granted more; one mode for an order; synchronous 50 requests of 5 receivers, all or nothing;
asynchronous 300 of 50, each decided by itself; frozen money is freed by ``royalty_finish`` or after 30 days.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from hutong.core.money import share_bps
from hutong_sandbox.alipay.accounts import Account
from hutong_sandbox.alipay.errors import WireError, invalid
from hutong_sandbox.alipay.fields import Content, wire_time, yuan
from hutong_sandbox.alipay.trades import Trade, Trades
from hutong_sandbox.drbg import DIGITS
from hutong_sandbox.http import Json
from hutong_sandbox.world import World

RATIO_BPS_MAX: Final = 3000
RELATIONS_MAX: Final = 20_000
RELATIONS_PER_REQUEST_MAX: Final = 20
#: Mode -> (requests for one order, receivers in one request).
LIMITS: Final = {"sync": (50, 5), "async": (300, 50)}
#: An asynchronous share is decided on after this.
SETTLE_S: Final = 2
_PLATFORM: Final = "alipay"
KINDS: Final = frozenset({"userId", "loginName", "openId"})


class Back(msgspec.Struct, frozen=True, kw_only=True):
    """A share that a refund takes back."""

    account: str
    amount_fen: int


class Line(msgspec.Struct, kw_only=True):
    """One receiver's part of a request."""

    account: str
    kind: str
    amount_fen: int
    detail_id: str
    state: str = "PROCESSING"
    error_code: str = ""
    decided_at: datetime | None = None
    returned_fen: int = 0


class Share(msgspec.Struct, kw_only=True):
    """One request."""

    trade: Trade
    out_request_no: str
    settle_no: str
    mode: str
    is_finish: bool
    lines: list[Line]
    made_at: datetime

    def same_as(self, wanted: list[tuple[str, int]], *, is_finish: bool) -> bool:
        """Whether a repetition asks for the same."""
        return wanted == [(line.account, line.amount_fen) for line in self.lines] and is_finish == self.is_finish


class Sharing:
    """Relations and shares of every seller."""

    def __init__(self, world: World, trades: Trades) -> None:
        self._world = world
        self._trades = trades
        self._relations: dict[str, dict[tuple[str, str], Json]] = {}
        self.clear()

    def clear(self) -> None:
        """Forget shares; relations belong to the account and stay only until then, too."""
        self._drbg = self._world.drbg("alipay shares")
        self._relations.clear()
        self._by_trade: dict[tuple[str, str], dict[str, Share]] = {}
        self._by_settle_no: dict[str, Share] = {}

    # relations

    def bind(self, account: Account, content: Content) -> Json:
        """Allow receivers; one that is allowed already is met again."""
        known = self._relations.setdefault(account.seller_id, {})
        for receiver in self._receivers(content):
            kind, ref = receiver.text("type"), receiver.text("account")
            if kind == "loginName" and not receiver.text("name", required=False):
                raise invalid("name", "loginName 类型必传")
            if len(known) >= RELATIONS_MAX:
                raise WireError("RECEIVER_SIZE_EXCEED_LIMIT", "分账关系数量超限")
            known[kind, ref] = {"type": kind, "account": ref, "memo": receiver.text("memo", required=False)}
        return {"result_code": "SUCCESS"}

    def unbind(self, account: Account, content: Content) -> Json:
        """Allow receivers no more."""
        known = self._relations.setdefault(account.seller_id, {})
        for receiver in self._receivers(content):
            if known.pop((receiver.text("type"), receiver.text("account")), None) is None:
                raise WireError("ROYALTY_RELATION_NOT_EXIST", "分账关系不存在")
        return {"result_code": "SUCCESS"}

    def listed(self, account: Account, content: Content) -> Json:
        """Who is allowed, by pages."""
        rows = list(self._relations.get(account.seller_id, {}).values())
        page, size = (int(content.text(name, required=False) or standard) for name, standard in _PAGES)
        if page < 1 or not 1 <= size <= 100:
            raise invalid("page_num")
        return {
            "result_code": "SUCCESS",
            "receiver_list": rows[(page - 1) * size : page * size],
            "total_page_num": -(-len(rows) // size),
            "total_record_num": len(rows),
            "current_page_num": page,
            "current_page_size": size,
        }

    def ratio(self, account: Account) -> Json:
        """How much of an order may be shared."""
        return {"user_id": account.seller_id, "max_ratio": RATIO_BPS_MAX // 100}

    # shares

    def settle(self, account: Account, content: Content) -> Json:
        """Share, or only end the freeze."""
        number = content.number("out_request_no")
        trade = self._trades.find(account, "", content.text("trade_no"))
        mode = content.text("royalty_mode", required=False) or "sync"
        wanted, is_finish = content.items("royalty_parameters"), content.inner("extend_params").flag("royalty_finish")
        if mode not in LIMITS:
            raise invalid("royalty_mode")
        if not wanted and not is_finish:
            raise invalid("royalty_parameters", "不能为空")
        asked = [(item.text("trans_in"), _amount_fen(item, trade)) for item in wanted]
        known = self._by_trade.get(trade.key, {}).get(number)
        if known is not None:
            if not known.same_as(asked, is_finish=is_finish):
                raise WireError("ACQ.DISCORDANT_REPEAT_REQUEST", "不一致的请求")
            return {"trade_no": trade.trade_no, "settle_no": known.settle_no}
        self._check(trade, mode, wanted, sum(amount_fen for _, amount_fen in asked))
        share = self._made(trade, number, mode, wanted, is_finish=is_finish)
        if mode == "sync":
            for line in share.lines:
                self._decide(share, line)
            self._end(share)
        else:
            self._world.agenda.after(SETTLE_S, lambda: self._decide_all(share))
        return {"trade_no": trade.trade_no, "settle_no": share.settle_no}

    def query(self, account: Account, content: Content) -> Json:
        """What became of a request."""
        settle_no = content.text("settle_no", required=False)
        if settle_no:
            share = self._by_settle_no.get(settle_no)
        else:
            trade = self._trades.find(account, "", content.text("trade_no"))
            share = self._by_trade.get(trade.key, {}).get(content.number("out_request_no"))
        if share is None or share.trade.account is not account:
            raise WireError("ACQ.SETTLE_NOT_EXIST", "分账单不存在")
        details = [self._detail(share, line) for line in share.lines]
        return {
            "out_request_no": share.out_request_no,
            "operation_dt": wire_time(share.made_at),
            "royalty_detail_list": details,
        }

    def left(self, account: Account, content: Content) -> Json:
        """What of an order may still be shared."""
        trade = self._trades.find(account, "", content.text("trade_no"))
        left_fen = max(0, share_bps(trade.order.total_fen, RATIO_BPS_MAX) - self._asked_fen(trade))
        return {"unsettled_amount": yuan(left_fen)}

    def check_back(self, trade: Trade, back: Back) -> None:
        """Whether a refund may take this much back from a receiver."""
        if back.amount_fen > sum(line.amount_fen - line.returned_fen for line in self._done(trade, back.account)):
            raise WireError("ACQ.ROYALTY_AMOUNT_INVALID", "退分账金额超过已分账金额")

    def take_back(self, trade: Trade, back: Back) -> None:
        """Take it back, the oldest share first."""
        left_fen = back.amount_fen
        for line in self._done(trade, back.account):
            part_fen = min(left_fen, line.amount_fen - line.returned_fen)
            line.returned_fen += part_fen
            left_fen -= part_fen
        trade.returned_fen += back.amount_fen
        self._trades.log("share_returned", trade, amount_fen=back.amount_fen)

    def _receivers(self, content: Content) -> list[Content]:
        content.number("out_request_no")
        receivers = content.items("receiver_list")
        if not 1 <= len(receivers) <= RELATIONS_PER_REQUEST_MAX:
            raise invalid("receiver_list", f"1-{RELATIONS_PER_REQUEST_MAX}")
        if any(receiver.text("type") not in KINDS for receiver in receivers):
            raise invalid("type")
        return receivers

    def _check(self, trade: Trade, mode: str, wanted: list[Content], total_fen: int) -> None:
        requests_max, receivers_max = LIMITS[mode]
        earlier = self._by_trade.get(trade.key, {}).values()
        if not trade.paid or trade.refunded_fen == trade.order.total_fen:
            raise WireError("ACQ.TRADE_STATUS_ERROR", "交易状态不合法")
        if trade.order.is_frozen and (trade.frozen_until is None or trade.frozen_until <= self._world.clock.now()):
            raise WireError("ACQ.TRADE_STATUS_ERROR", "分账资金已解冻")
        if any(share.mode != mode for share in earlier):
            raise invalid("royalty_mode", "同步分账和异步分账不能混用")
        if len(earlier) >= requests_max or len(wanted) > receivers_max:
            raise WireError("ACQ.ROYALTY_RECEIVER_INVALID", f"最多{requests_max}次，每次{receivers_max}个收入方")
        relations = self._relations.get(trade.account.seller_id, {})
        for item in wanted:
            kind = item.text("trans_in_type", required=False) or "userId"
            if (kind, item.text("trans_in")) not in relations:
                raise WireError("ACQ.NON_ROYALTY_RELATION", "分账收入方未绑定分账关系")
        if self._asked_fen(trade) + total_fen > share_bps(trade.order.total_fen, RATIO_BPS_MAX):
            raise WireError("ACQ.ALLOC_AMOUNT_VALIDATE_ERROR", "分账金额超限")

    def _made(self, trade: Trade, number: str, mode: str, wanted: list[Content], *, is_finish: bool) -> Share:
        now = self._world.clock.now()
        lines = [
            Line(
                account=item.text("trans_in"),
                kind=item.text("trans_in_type", required=False) or "userId",
                amount_fen=_amount_fen(item, trade),
                detail_id=f"{now:%Y%m%d}003200{self._drbg.text(16, DIGITS)}",
            )
            for item in wanted
        ]
        share = Share(
            trade=trade,
            out_request_no=number,
            settle_no=f"{now:%Y%m%d}002530{self._drbg.text(18, DIGITS)}",
            mode=mode,
            is_finish=is_finish,
            lines=lines,
            made_at=now,
        )
        self._by_trade.setdefault(trade.key, {})[number] = share
        self._by_settle_no[share.settle_no] = share
        self._trades.log("share_created", trade, out_request_no=number, mode=mode, lines=len(lines))
        return share

    async def _decide_all(self, share: Share) -> None:
        for line in share.lines:
            if self._world.faults.strike(_PLATFORM, "share_failed", line.account):
                line.state, line.error_code = "FAIL", "TXN_RESULT_ACCOUNT_STATUS_NOT_VALID"
                line.decided_at = self._world.clock.now()
            else:
                self._decide(share, line)
        self._end(share)

    def _decide(self, share: Share, line: Line) -> None:
        line.state, line.decided_at = "SUCCESS", self._world.clock.now()
        share.trade.shared_fen += line.amount_fen
        self._trades.log("share_done", share.trade, amount_fen=line.amount_fen)

    def _end(self, share: Share) -> None:
        if share.is_finish:
            share.trade.frozen_until = None
            self._trades.log("share_finished", share.trade)

    def _asked_fen(self, trade: Trade) -> int:
        """Everything that was asked for and did not fail; what came back does not make room again."""
        shares = self._by_trade.get(trade.key, {}).values()
        return sum(line.amount_fen for share in shares for line in share.lines if line.state != "FAIL")

    def _done(self, trade: Trade, account: str) -> list[Line]:
        shares = self._by_trade.get(trade.key, {}).values()
        lines = [line for share in shares for line in share.lines]
        return [line for line in lines if line.account == account and line.state == "SUCCESS"]

    def _detail(self, share: Share, line: Line) -> Json:
        body: Json = {
            "operation_type": "transfer",
            "trans_out": share.trade.account.seller_id,
            "trans_out_type": "userId",
            "trans_in": line.account,
            "trans_in_type": line.kind,
            "amount": yuan(line.amount_fen),
            "state": line.state,
            "detail_id": line.detail_id,
        }
        if line.decided_at is not None:
            body["execute_dt"] = wire_time(line.decided_at)
        return body if not line.error_code else body | {"error_code": line.error_code, "error_desc": "收入方账户异常"}


_PAGES: Final = (("page_num", "1"), ("page_size", "20"))


def _amount_fen(item: Content, trade: Trade) -> int:
    """A sum, or a whole percentage of the order."""
    if "amount" in item.values:
        return item.fen("amount")
    percentage = item.values.get("amount_percentage")
    if type(percentage) is not int or not 0 < percentage <= 100:
        raise invalid("amount_percentage")
    return share_bps(trade.order.total_fen, percentage * 100)
