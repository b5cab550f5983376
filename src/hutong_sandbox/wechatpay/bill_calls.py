"""The addresses of bills: asked for, answered signed, and the file itself, which is not signed.

Source: https://pay.weixin.qq.com/doc/v3/merchant/4012556654 and wiki/doc/apiv3/apis/chapter7_3_9. Columns of bill type
ALL as in WxPayBillResultTest of WxJava, where a refund's row has 0.00 for the order's amount. Only that type is here.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Final

import msgspec

from hutong_sandbox.bills import (
    REFUND,
    REVERSAL,
    TRADE,
    BillBook,
    Entry,
    china_day,
    refund_fees,
    wire_time,
    yuan,
)
from hutong_sandbox.books import WALLET_FEE_BPS, fee_of
from hutong_sandbox.drbg import LETTERS
from hutong_sandbox.wechatpay.accounts import Account, Keyring
from hutong_sandbox.wechatpay.calls import NAME, Answer, Call, Route
from hutong_sandbox.wechatpay.errors import WireError, bad_parameter
from hutong_sandbox.wechatpay.order_calls import Address
from hutong_sandbox.wechatpay.parties import optional_sub_merchant
from hutong_sandbox.wechatpay.refunds import Refund, Refunds
from hutong_sandbox.wechatpay.trades import TRADE_TYPES, Trade, Trades
from hutong_sandbox.world import World

TRADE_BILL: Final = "/v3/bill/tradebill"
FILE: Final = "/v3/billdownload/file"
ADDRESS_LIFE: Final = timedelta(minutes=5)
ADDRESSES_MAX: Final = 1000
KEPT_DAYS: Final = 92
HEADER: Final = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
    "应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,"
    "手续费,费率,订单金额,申请退款金额,费率备注"
)
SUMS_HEADER: Final = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
STATES: Final[Mapping[str, str]] = {TRADE: "SUCCESS", REFUND: "REFUND", REVERSAL: "REVOKED"}
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_RATE: Final = f"{WALLET_FEE_BPS // 100}.{WALLET_FEE_BPS % 100:02d}%"


class Given(msgspec.Struct, frozen=True):
    """A file that may be fetched for a while, by whom it was made for."""

    mchid: str
    body: bytes
    until: datetime


class BillCalls:
    """Bills."""

    def __init__(self, world: World, keyring: Keyring, trades: Trades, refunds: Refunds, address: Address) -> None:
        self._world = world
        self._keyring = keyring
        self._trades = trades
        self._refunds = refunds
        self._address = address
        self._book = BillBook(world, NAME)
        self.clear()

    def clear(self) -> None:
        """Begin again."""
        self._book.clear()
        self._drbg = self._world.drbg("wechatpay bills")
        self._given: dict[str, Given] = {}

    def routes(self) -> list[Route]:
        """The addresses."""
        return [("GET", TRADE_BILL, self._trade_bill), ("GET", FILE, self._file)]

    async def _trade_bill(self, call: Call) -> Answer:
        query = call.request.query
        seller = optional_sub_merchant(query.get("sub_mchid", ""), call.account, self._keyring)
        day = self._day(query.get("bill_date", ""))
        if query.get("bill_type", "ALL") != "ALL":
            raise bad_parameter("query", "/bill_type", "沙盒只有ALL账单", query["bill_type"])
        if query.get("tar_type", "") not in ("", "GZIP"):
            raise bad_parameter("query", "/tar_type", "枚举值有误", query["tar_type"])
        account = f"{call.account.mchid} {seller.mchid}"
        if not self._book.is_ready(account, day):
            raise WireError("STATEMENT_CREATING", "账单生成中")
        entries = self._book.entries(account, day, lambda of: self._entries(call.account, seller, of))
        if not entries:
            raise WireError("NO_STATEMENT_EXIST", "账单文件不存在")
        plain = self._text(call.account, seller, entries).encode()
        digest = hashlib.sha1(plain, usedforsecurity=False).hexdigest()
        if self._book.has_wrong_digest(account, day):
            digest = hashlib.sha1(plain + b"\n", usedforsecurity=False).hexdigest()
        body = gzip.compress(plain, mtime=0) if query.get("tar_type") else plain
        return 200, {"hash_type": "SHA1", "hash_value": digest, "download_url": self._give(call.account, body)}

    async def _file(self, call: Call) -> Answer:
        given = self._given.get(call.request.query.get("token", ""))
        if given is None or given.until < self._world.clock.now():
            raise WireError("INVALID_REQUEST", "下载地址已失效，请重新申请账单")
        if given.mchid != call.account.mchid:
            raise WireError("NO_AUTH", "与申请账单的商户号不一致")
        return 200, given.body

    def _day(self, text: str) -> date:
        today = china_day(self._world.clock.now())
        try:
            day = date.fromisoformat(text if _DAY.fullmatch(text) else "")
        except ValueError:
            raise bad_parameter("query", "/bill_date", "格式应为yyyy-MM-dd", text) from None
        if not today - timedelta(days=KEPT_DAYS) <= day < today:
            raise WireError("INVALID_REQUEST", "账单日期有误，仅支持三个月内且早于当日的账单")
        return day

    def _give(self, account: Account, body: bytes) -> str:
        if len(self._given) >= ADDRESSES_MAX:
            self._given.pop(next(iter(self._given)))
        token = self._drbg.text(64, LETTERS)
        until = self._world.clock.now() + ADDRESS_LIFE
        self._given[token] = Given(account.mchid, body, until)
        return f"{self._address.url}{FILE}?token={token}"

    def _entries(self, account: Account, seller: Account, day: date) -> list[Entry]:
        """What happened on a day: payments, charges that were undone, refunds by the day of their acceptance."""
        found: list[Entry] = []
        for trade in self._trades.all():
            if trade.account is not account or trade.parties.seller is not seller or trade.paid_at is None:
                continue
            if china_day(trade.paid_at) == day:
                found.append(_trade_entry(trade, TRADE, trade.paid_at))
            if trade.reversed_at is not None and china_day(trade.reversed_at) == day:
                found.append(_trade_entry(trade, REVERSAL, trade.reversed_at))
            found += self._refund_entries(trade, day)
        return found

    def _refund_entries(self, trade: Trade, day: date) -> list[Entry]:
        refunds = self._refunds.of(trade)
        fees = refund_fees(trade.order.total_fen, [refund.request.refund_fen for refund in refunds])
        return [
            _refund_entry(refund, fee_fen)
            for refund, fee_fen in zip(refunds, fees, strict=True)
            if china_day(refund.created_at) == day
        ]

    def _text(self, account: Account, seller: Account, entries: list[Entry]) -> str:
        sub_mchid = "" if seller is account else seller.mchid
        rows = [_row(account, sub_mchid, entry) for entry in entries]
        paid_fen = sum(entry.amount_fen for entry in entries if entry.kind == TRADE)
        undone_fen = sum(entry.amount_fen for entry in entries if entry.kind == REVERSAL)
        back_fen = sum(entry.amount_fen for entry in entries if entry.kind == REFUND)
        fees_fen = sum(entry.fee_fen for entry in entries)
        total_fen = paid_fen + undone_fen
        sums = (
            str(len(entries)), yuan(total_fen), yuan(back_fen), "0.00", f"{yuan(fees_fen)}000", yuan(total_fen),
            yuan(back_fen),
        )  # fmt: skip
        return "\n".join((HEADER, *rows, SUMS_HEADER, _marked(sums), ""))


def _trade_entry(trade: Trade, kind: str, at: datetime) -> Entry:
    fee_fen = fee_of(trade.order.total_fen)
    return Entry(
        kind=kind,
        number=trade.order.out_trade_no,
        trade_no=trade.order.out_trade_no,
        wallet_no=trade.transaction_id,
        amount_fen=trade.order.total_fen,
        fee_fen=fee_fen if kind == TRADE else -fee_fen,
        at=at,
        state=STATES[kind],
        title=trade.order.description,
        trade_type=TRADE_TYPES[trade.order.method],
    )


def _refund_entry(refund: Refund, fee_fen: int) -> Entry:
    trade = refund.trade
    return Entry(
        kind=REFUND,
        number=refund.request.out_refund_no,
        trade_no=trade.order.out_trade_no,
        wallet_no=trade.transaction_id,
        refund_id=refund.refund_id,
        amount_fen=refund.request.refund_fen,
        fee_fen=fee_fen,
        at=refund.created_at,
        state=refund.state.value,
        title=trade.order.description,
        trade_type=TRADE_TYPES[trade.order.method],
    )


def _row(account: Account, sub_mchid: str, entry: Entry) -> str:
    """The cells of one row. A refund's order amount is 0.00, its own stands in its own columns."""
    is_refund = entry.kind == REFUND
    amount, refund = ("0.00", yuan(entry.amount_fen)) if is_refund else (yuan(entry.amount_fen), "0.00")
    return _marked(
        (
            wire_time(entry.at), account.appid, account.mchid, sub_mchid or "0", "", entry.wallet_no, entry.trade_no,
            "", entry.trade_type, STATES[entry.kind], "OTHERS", "CNY", amount, "0.00",
            entry.refund_id if is_refund else "0", entry.number if is_refund else "0", refund, "0.00",
            "ORIGINAL" if is_refund else "", entry.state if is_refund else "", entry.title, "",
            f"{yuan(entry.fee_fen)}000", _RATE, amount, refund, "",
        )
    )  # fmt: skip


def _marked(cells: tuple[str, ...]) -> str:
    return "`" + ",`".join(cells)
