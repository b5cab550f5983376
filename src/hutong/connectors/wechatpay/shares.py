"""Profit sharing (分账) on the wire. Pure.

Source: github.com/TheNorthMemory/wechatpay-openapi docs/v3/profitsharing at 4d6325b; rules as in
github.com/wechatpay-apiv3/wechatpay-skills at 15f40d0, 分账接入指南: by amount, 30 % of the order over all requests
unless more was granted, 50 requests of 50 receivers, from a minute after the payment for 30 days; what a receiver got
is told per receiver, ``FINISHED`` says only that all were worked on. Returns are answered
at once, a person's share stays.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

import msgspec

from hutong.connectors.wechatpay.answers import decode
from hutong.connectors.wechatpay.merchant import Merchant
from hutong.connectors.wechatpay.orders import fen
from hutong.connectors.wechatpay.parties import query_text, sub_merchant
from hutong.connectors.wechatpay.receivers import TYPES
from hutong.connectors.wechatpay.signing import signed_request
from hutong.core.errors import InvalidInput, PlatformUnknown
from hutong.core.money import Money
from hutong.platforms.sharing import (
    FinishSharing,
    ReceiverKind,
    ShareLimits,
    ShareLine,
    ShareLineReport,
    ShareOut,
    ShareReport,
    ShareStatus,
    TakeBack,
    TakeBackReport,
)
from hutong.transport.messages import Request, Response

ORDERS: Final = "/v3/profitsharing/orders"
RETURNS: Final = "/v3/profitsharing/return-orders"
DESCRIPTION_CHARS_MAX: Final = 80
#: What a return is for, where nobody has said why the buyer gets money back.
RETURN_REASON: Final = "退分账"
_NUMBER: Final = re.compile(r"[0-9A-Za-z_\-|*@]{1,64}")
LIMITS: Final = ShareLimits(
    ratio_bps_max=3000,
    receivers_per_request_max=50,
    requests_per_order_max=50,
    delay_s_min=60,
    window_days=30,
    takes_back_from_persons=False,
)
FINISHED: Final = "FINISHED"
LINE_STATES: Final[Mapping[str, ShareStatus]] = {
    "PENDING": ShareStatus.PENDING,
    "SUCCESS": ShareStatus.SUCCEEDED,
    "CLOSED": ShareStatus.FAILED,
}
RETURN_STATES: Final[Mapping[str, ShareStatus]] = {
    "PROCESSING": ShareStatus.PENDING,
    "SUCCESS": ShareStatus.SUCCEEDED,
    "FAILED": ShareStatus.FAILED,
}


class WireLine(msgspec.Struct, frozen=True):
    """One receiver's part; the merchant itself stands among them where the rest was unfrozen."""

    account: str
    amount_fen: int = msgspec.field(name="amount")
    result: str
    fail_reason: str = ""
    detail_id: str = ""

    def report(self) -> ShareLineReport:
        """In our words; an unknown result is pending."""
        return ShareLineReport(
            account_ref=self.account,
            amount=Money.fen(self.amount_fen),
            status=LINE_STATES.get(self.result, ShareStatus.PENDING),
            reason=self.fail_reason,
            detail_id=self.detail_id,
        )


class WireShare(msgspec.Struct, frozen=True):
    """A request to share, or to unfreeze."""

    out_order_no: str
    order_id: str
    state: str
    receivers: list[WireLine] = []


class WireReturn(msgspec.Struct, frozen=True):
    """A return."""

    out_return_no: str
    result: str
    amount_fen: int = msgspec.field(name="amount")
    fail_reason: str = ""


def share_number(value: str, field: str) -> str:
    """One of our numbers of shares and returns.

    Raises:
        InvalidInput: another length or character.
    """
    if not _NUMBER.fullmatch(value):
        raise InvalidInput(field=field, problem="1-64: 0-9 A-Z a-z _ - | * @")
    return value


def build_share(merchant: Merchant, command: ShareOut, now: datetime, nonce: str) -> Request:
    """Share an order's money.

    Raises:
        InvalidInput: nobody, too many, or one receiver twice.
    """
    accounts = {line.receiver.account_ref for line in command.lines}
    if not 0 < len(command.lines) <= LIMITS.receivers_per_request_max or len(accounts) != len(command.lines):
        raise InvalidInput(field="lines", problem=f"1..{LIMITS.receivers_per_request_max}, each receiver once")
    body = {
        **sub_merchant(merchant),
        "appid": merchant.appid,
        "transaction_id": command.transaction_id,
        "out_order_no": share_number(command.out_share_no, "out_share_no"),
        "receivers": [_line(line) for line in command.lines],
        "unfreeze_unsplit": command.finish,
    }
    return _post(merchant, ORDERS, body, now, nonce)


def build_query(merchant: Merchant, command: ShareOut, now: datetime, nonce: str) -> Request:
    """Ask what became of a share."""
    query = query_text({**sub_merchant(merchant), "transaction_id": command.transaction_id})
    path = f"{ORDERS}/{quote(share_number(command.out_share_no, 'out_share_no'), safe='')}{query}"
    return signed_request(merchant, "GET", path, b"", now=now, nonce=nonce, repeatable=True)


def build_unfreeze(merchant: Merchant, command: FinishSharing, now: datetime, nonce: str) -> Request:
    """Give the rest to the merchant. The number must be a new one: with a used one nothing is unfrozen."""
    body = {
        **sub_merchant(merchant),
        "transaction_id": command.transaction_id,
        "out_order_no": share_number(command.out_share_no, "out_share_no"),
        "description": command.reason[:DESCRIPTION_CHARS_MAX],
    }
    return _post(merchant, f"{ORDERS}/unfreeze", body, now, nonce)


def build_return(merchant: Merchant, command: TakeBack, now: datetime, nonce: str) -> Request:
    """Take a share back.

    Raises:
        InvalidInput: from a person.
    """
    if command.receiver.kind is not ReceiverKind.MERCHANT:
        raise InvalidInput(field="receiver", problem="MERCHANT_ID")
    body = {
        **sub_merchant(merchant),
        "out_order_no": share_number(command.out_share_no, "out_share_no"),
        "out_return_no": share_number(command.out_return_no, "out_return_no"),
        "return_mchid": command.receiver.account_ref,
        "amount": fen(command.amount),
        "description": command.reason[:DESCRIPTION_CHARS_MAX] or RETURN_REASON,  # it is asked for
    }
    return _post(merchant, RETURNS, body, now, nonce)


def read_share(merchant: Merchant, out_share_no: str, lines: tuple[ShareLine, ...], response: Response) -> ShareReport:
    """What became of a request. Raises PlatformUnknown for an answer about another one."""
    told = decode(merchant, response, WireShare)
    asked = {line.receiver.account_ref for line in lines}
    found = tuple(line.report() for line in told.receivers if line.account in asked)
    if told.out_order_no != out_share_no or {line.account_ref for line in found} != asked:
        raise PlatformUnknown(platform=merchant.platform)
    return ShareReport(
        out_share_no=out_share_no,
        status=_status(told.state, found),
        raw_status=told.state,
        lines=found,
        share_id=told.order_id,
    )


def read_return(merchant: Merchant, command: TakeBack, response: Response) -> TakeBackReport:
    """What became of a return. Raises PlatformUnknown for an answer about another one."""
    told = decode(merchant, response, WireReturn)
    if told.out_return_no != command.out_return_no:
        raise PlatformUnknown(platform=merchant.platform)
    return TakeBackReport(
        out_return_no=told.out_return_no,
        status=RETURN_STATES.get(told.result, ShareStatus.PENDING),
        raw_status=told.result,
        amount=Money.fen(told.amount_fen),
        reason=told.fail_reason,
    )


def _status(state: str, lines: tuple[ShareLineReport, ...]) -> ShareStatus:
    """Decided when the request is finished and every line is; failed only where nobody got anything."""
    states = {line.status for line in lines}
    if state != FINISHED or ShareStatus.PENDING in states:
        return ShareStatus.PENDING
    return ShareStatus.FAILED if states == {ShareStatus.FAILED} else ShareStatus.SUCCEEDED


def _line(line: ShareLine) -> dict[str, Any]:
    return {
        "type": TYPES[line.receiver.kind],
        "account": line.receiver.account_ref,
        "amount": fen(line.amount),
        "description": line.description[:DESCRIPTION_CHARS_MAX],
    }


def _post(merchant: Merchant, path: str, body: Mapping[str, Any], now: datetime, nonce: str) -> Request:
    encoded = msgspec.json.encode(body)
    return signed_request(merchant, "POST", path, encoded, now=now, nonce=nonce, repeatable=True)
