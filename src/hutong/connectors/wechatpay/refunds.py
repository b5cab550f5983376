"""Refunds on the wire. Pure.

Source: https://pay.weixin.qq.com/docs/merchant/apis/refund/refunds/create.html, query-by-out-refund-no.html; fields as
in github.com/TheNorthMemory/wechatpay-openapi docs/v3/refund/domestic at 4d6325b. A retry carries the same
``out_refund_no``; at most 50 parts of one order, within a year.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

import msgspec

from hutong.connectors.wechatpay.answers import aware, decode
from hutong.connectors.wechatpay.merchant import Merchant
from hutong.connectors.wechatpay.orders import number
from hutong.connectors.wechatpay.parties import query_text, sub_merchant
from hutong.connectors.wechatpay.signing import signed_request
from hutong.connectors.wechatpay.trades import own, owner_of
from hutong.core.errors import HutongError, InvalidInput, PlatformUnknown
from hutong.core.money import Money
from hutong.platforms.payments import RefundReport, RefundStatus, RequestRefund
from hutong.transport.messages import Request, Response

REASON_CHARS_MAX: Final = 80
PATH: Final = "/v3/refund/domestic/refunds"
_REFUND_NUMBER: Final = re.compile(r"[0-9A-Za-z_\-|*@]{1,64}")

REFUND_STATES: Final[Mapping[str, RefundStatus]] = {
    "PROCESSING": RefundStatus.PENDING,
    "SUCCESS": RefundStatus.SUCCEEDED,
    "CLOSED": RefundStatus.CLOSED,
    "ABNORMAL": RefundStatus.ABNORMAL,
}


class WireRefundAmount(msgspec.Struct, frozen=True):
    """Whole fen; callbacks leave the currency out, it is CNY."""

    refund: int
    total: int
    currency: str = "CNY"


class WireRefund(msgspec.Struct, frozen=True):
    """A refund as the API writes it."""

    out_refund_no: str
    out_trade_no: str
    status: str
    refund_id: str | None = None
    success_time: datetime | None = None
    amount: WireRefundAmount | None = None


class WireRefundNotice(msgspec.Struct, frozen=True):
    """A refund as a callback writes it; a service provider's names both parties."""

    out_refund_no: str
    out_trade_no: str
    refund_status: str
    mchid: str = ""
    sp_mchid: str = ""
    sub_mchid: str = ""
    refund_id: str | None = None
    success_time: datetime | None = None
    amount: WireRefundAmount | None = None

    def report(self, merchant: Merchant) -> RefundReport:
        """In our words. Raises HutongError or ValueError where a field is none; a refund names no app."""
        return report_of(self.refund(), owner_of(merchant, self.sp_mchid or self.mchid, None, self.sub_mchid))

    def refund(self) -> WireRefund:
        """The same in the API's shape."""
        return WireRefund(
            out_refund_no=self.out_refund_no,
            out_trade_no=self.out_trade_no,
            status=self.refund_status,
            refund_id=self.refund_id,
            success_time=self.success_time,
            amount=self.amount,
        )


def report_of(refund: WireRefund, owner: Mapping[str, str]) -> RefundReport:
    """In our words; an unknown state is pending. Raises HutongError or ValueError where a field is none."""
    return RefundReport(
        out_refund_no=refund.out_refund_no,
        status=REFUND_STATES.get(refund.status, RefundStatus.PENDING),
        raw_status=refund.status,
        out_trade_no=refund.out_trade_no,
        owner=owner,
        amount=None if refund.amount is None else Money(refund.amount.refund, refund.amount.currency),
        refund_id=refund.refund_id,
        refunded_at=aware(refund.success_time),
    )


def build_refund(merchant: Merchant, command: RequestRefund, now: datetime, nonce: str) -> Request:
    """Ask for a refund.

    Raises:
        InvalidInput: the sums are not CNY, not positive, or more than was paid.
    """
    amount, paid = command.amount, command.paid_amount
    if {amount.currency, paid.currency} != {"CNY"} or not 0 < amount.amount_minor <= paid.amount_minor:
        raise InvalidInput(field="amount", problem="CNY, 0 < refund <= paid")
    body: dict[str, Any] = {
        **sub_merchant(merchant),
        "out_trade_no": number(command.out_trade_no, "out_trade_no"),
        "out_refund_no": refund_number(command.out_refund_no),
        "notify_url": command.notify_url,
        "amount": {"refund": amount.amount_minor, "total": paid.amount_minor, "currency": "CNY"},
    }
    if command.reason:
        body["reason"] = command.reason[:REASON_CHARS_MAX]
    encoded = msgspec.json.encode(body)
    return signed_request(merchant, "POST", PATH, encoded, now=now, nonce=nonce, repeatable=True)


def build_query_refund(merchant: Merchant, out_refund_no: str, now: datetime, nonce: str) -> Request:
    """Ask what became of a refund."""
    path = f"{PATH}/{quote(refund_number(out_refund_no), safe='')}{query_text(sub_merchant(merchant))}"
    return signed_request(merchant, "GET", path, b"", now=now, nonce=nonce, repeatable=True)


def read_refund(merchant: Merchant, out_refund_no: str, response: Response) -> RefundReport:
    """The refund that was asked for. Raises PlatformUnknown for an answer about another one."""
    refund = decode(merchant, response, WireRefund)
    if refund.out_refund_no != out_refund_no:
        raise PlatformUnknown(platform=merchant.platform)
    try:
        # The API's answer does not name the account: it was asked with the account's own signature.
        return report_of(refund, own(merchant))
    except (HutongError, ValueError) as error:
        raise PlatformUnknown(platform=merchant.platform) from error


def refund_number(value: str) -> str:
    """A refund's number of ours.

    Raises:
        InvalidInput: another length or character than the platform takes.
    """
    if not _REFUND_NUMBER.fullmatch(value):
        raise InvalidInput(field="out_refund_no", problem="1-64: 0-9 A-Z a-z _ - | * @")
    return value
