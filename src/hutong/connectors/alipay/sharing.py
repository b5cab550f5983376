"""Capability ProfitSharing (商家分账): share a paid order's money, ask, end the freeze, take shares back.

Source: 商家分账 接入指南 and the page of alipay.trade.order.settle (copies: zhifubao.apifox.cn/doc-3272472,
/doc-3272534, /api-126563053), field names as in alipay-sdk-python 3.7.1411. An order shares in one mode only. The
synchronous one takes 5 receivers and does all or nothing; the asynchronous one, which is used here, takes 50, decides
on each, and is asked about afterwards. A share goes back inside a refund (只退分账); that its own amount is then 0.00
is unverified.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from hutong.connectors.alipay.errors import ERROR_WORDS, refusal
from hutong.connectors.alipay.gateway import Answer, Call, decode, send
from hutong.connectors.alipay.merchant import Merchant, merchant_of
from hutong.connectors.alipay.receivers import account_kind
from hutong.connectors.alipay.refunds import MOVED, QUERY_REFUND, REFUND, WireRefund, WireRefunded
from hutong.connectors.alipay.values import money_of, number, yuan
from hutong.core.errors import HutongError, InvalidInput, PlatformUnknown
from hutong.platforms.account import Account
from hutong.platforms.contract import ErrorWord
from hutong.platforms.sharing import (
    FinishSharing,
    ShareLimits,
    ShareLine,
    ShareLineReport,
    ShareOut,
    ShareReport,
    ShareStatus,
    TakeBack,
    TakeBackReport,
)

SETTLE: Final = "alipay.trade.order.settle"
SETTLE_QUERY: Final = "alipay.trade.order.settle.query"
TRANSFER: Final = "transfer"
DESCRIPTION_CHARS_MAX: Final = 100

LIMITS: Final = ShareLimits(
    ratio_bps_max=3000,
    receivers_per_request_max=50,
    requests_per_order_max=300,
    delay_s_min=30,
    window_days=30,
    takes_back_from_persons=True,
)
LINE_STATES: Final[Mapping[str, ShareStatus]] = {
    "SUCCESS": ShareStatus.SUCCEEDED,
    "FAIL": ShareStatus.FAILED,
    "PROCESSING": ShareStatus.PENDING,
}


class _Settled(msgspec.Struct, frozen=True):
    trade_no: str = ""
    settle_no: str = ""


class _Detail(msgspec.Struct, frozen=True):
    trans_in: str
    amount: msgspec.Raw
    operation_type: str = TRANSFER
    state: str = ""
    detail_id: str = ""
    error_code: str = ""


class _Known(msgspec.Struct, frozen=True):
    out_request_no: str = ""
    royalty_detail_list: tuple[_Detail, ...] = ()


class AlipaySharing:
    """``hutong.platforms.sharing.ProfitSharing`` for Alipay."""

    @property
    def limits(self) -> ShareLimits:
        """30% of the order unless the account was granted more; 300 requests of 50 receivers; 30 days."""
        return LIMITS

    async def share(self, account: Account, command: ShareOut) -> ShareReport:
        """Ask for a share: PENDING, for each line is decided afterwards."""
        merchant = merchant_of(account)
        settled = decode(merchant, await send(account, merchant, build_share(command)), _Settled)
        return ShareReport(
            out_share_no=command.out_share_no,
            status=ShareStatus.PENDING,
            raw_status="ACCEPTED",
            share_id=settled.settle_no or None,
        )

    async def query(self, account: Account, command: ShareOut) -> ShareReport:
        """What became of each line."""
        merchant = merchant_of(account)
        answer = await send(account, merchant, build_query(command))
        if ERROR_WORDS.get(answer.head.sub_code) is ErrorWord.NOT_FOUND:
            return ShareReport(
                out_share_no=command.out_share_no, status=ShareStatus.NOT_FOUND, raw_status=answer.head.sub_code
            )
        return read_share(merchant, command, answer)

    async def finish(self, account: Account, command: FinishSharing) -> ShareReport:
        """End the freeze; this is done at once."""
        merchant = merchant_of(account)
        settled = decode(merchant, await send(account, merchant, build_finish(command)), _Settled)
        return ShareReport(
            out_share_no=command.out_share_no,
            status=ShareStatus.SUCCEEDED,
            raw_status="FINISHED",
            share_id=settled.settle_no or None,
        )

    async def take_back(self, account: Account, command: TakeBack) -> TakeBackReport:
        """Take a share back; where the answer does not say that money moved, a query tells."""
        merchant = merchant_of(account)
        answer = await send(account, merchant, build_take_back(merchant, command))
        if not answer.done:
            error = refusal(merchant.platform, answer.head)
            if ERROR_WORDS.get(answer.head.sub_code) is not ErrorWord.INSUFFICIENT_FUNDS:
                raise error
            return _taken(command, ShareStatus.FAILED, answer.head.sub_code)
        if decode(merchant, answer, WireRefunded).fund_change == MOVED:
            return _taken(command, ShareStatus.SUCCEEDED, "fund_change Y")
        found = decode(merchant, await send(account, merchant, build_ask_back(command)), WireRefund)
        if found.refund_status == "REFUND_SUCCESS" and found.out_request_no == command.out_return_no:
            return _taken(command, ShareStatus.SUCCEEDED, found.refund_status)
        return _taken(command, ShareStatus.PENDING, found.refund_status)


def build_share(command: ShareOut) -> Call:
    """Ask for a share.

    Raises:
        InvalidInput: no line, too many, the same account twice, or an amount that is not CNY and positive.
    """
    accounts = {line.receiver.account_ref for line in command.lines}
    if not 0 < len(command.lines) <= LIMITS.receivers_per_request_max or len(accounts) != len(command.lines):
        raise InvalidInput(field="lines", problem=f"1-{LIMITS.receivers_per_request_max}, each account once")
    content: dict[str, Any] = {
        "out_request_no": number(command.out_share_no, "out_share_no"),
        "trade_no": command.transaction_id,
        "royalty_parameters": [_line(line) for line in command.lines],
        "royalty_mode": "async",
    }
    if command.finish:
        content["extend_params"] = {"royalty_finish": "true"}
    return Call(method=SETTLE, content=content)


def build_query(command: ShareOut) -> Call:
    """Ask what became of it."""
    content = {
        "out_request_no": number(command.out_share_no, "out_share_no"),
        "trade_no": command.transaction_id,
    }
    return Call(method=SETTLE_QUERY, content=content)


def build_finish(command: FinishSharing) -> Call:
    """End the freeze: a request without lines."""
    content = {
        "out_request_no": number(command.out_share_no, "out_share_no"),
        "trade_no": command.transaction_id,
        "royalty_mode": "async",
        "extend_params": {"royalty_finish": "true"},
    }
    return Call(method=SETTLE, content=content)


def build_take_back(merchant: Merchant, command: TakeBack) -> Call:
    """Give back nothing to the buyer, and to ourselves what a receiver got."""
    back = {
        "royalty_type": TRANSFER,
        "trans_out": command.receiver.account_ref,
        "trans_out_type": account_kind(command.receiver.account_ref),
        "amount": yuan(command.amount),
        "desc": command.reason[:DESCRIPTION_CHARS_MAX] or "退分账",
    }
    if merchant.seller_id:
        back |= {"trans_in": merchant.seller_id, "trans_in_type": "userId"}
    content = {
        "out_trade_no": number(command.out_trade_no, "out_trade_no"),
        "refund_amount": "0.00",
        "out_request_no": number(command.out_return_no, "out_return_no"),
        "refund_royalty_parameters": [back],
    }
    return Call(method=REFUND, content=content)


def build_ask_back(command: TakeBack) -> Call:
    """Ask what became of a return."""
    content = {
        "out_trade_no": number(command.out_trade_no, "out_trade_no"),
        "out_request_no": number(command.out_return_no, "out_return_no"),
    }
    return Call(method=QUERY_REFUND, content=content)


def read_share(merchant: Merchant, command: ShareOut, answer: Answer) -> ShareReport:
    """Every line that was asked for; one that the answer does not name is pending, like a state nobody knows."""
    known = decode(merchant, answer, _Known)
    if known.out_request_no not in ("", command.out_share_no):
        raise PlatformUnknown(platform=merchant.platform)
    told = {d.trans_in: d for d in known.royalty_detail_list if d.operation_type == TRANSFER}
    try:
        lines = tuple(_told(line, told.get(line.receiver.account_ref)) for line in command.lines)
    except (HutongError, ValueError) as error:
        raise PlatformUnknown(platform=merchant.platform) from error
    states = {line.status for line in lines}
    if ShareStatus.PENDING in states:
        status = ShareStatus.PENDING
    else:
        status = ShareStatus.SUCCEEDED if ShareStatus.SUCCEEDED in states else ShareStatus.FAILED
    raw = "/".join(sorted({detail.state for detail in told.values()}))
    return ShareReport(out_share_no=command.out_share_no, status=status, raw_status=raw, lines=lines)


def _line(line: ShareLine) -> dict[str, Any]:
    return {
        "royalty_type": TRANSFER,
        "trans_in": line.receiver.account_ref,
        "trans_in_type": account_kind(line.receiver.account_ref),
        "amount": yuan(line.amount),
        "desc": line.description[:DESCRIPTION_CHARS_MAX],
    }


def _told(line: ShareLine, detail: _Detail | None) -> ShareLineReport:
    """One line as the answer has it. Raises HutongError where its amount is none."""
    ref = line.receiver.account_ref
    if detail is None:
        return ShareLineReport(account_ref=ref, amount=line.amount, status=ShareStatus.PENDING)
    return ShareLineReport(
        account_ref=ref,
        amount=money_of(detail.amount),
        status=LINE_STATES.get(detail.state, ShareStatus.PENDING),
        reason=detail.error_code,
        detail_id=detail.detail_id,
    )


def _taken(command: TakeBack, status: ShareStatus, raw_status: str) -> TakeBackReport:
    return TakeBackReport(
        out_return_no=command.out_return_no,
        status=status,
        raw_status=raw_status,
        amount=command.amount if status is ShareStatus.SUCCEEDED else None,
        reason=raw_status if status is ShareStatus.FAILED else "",
    )
