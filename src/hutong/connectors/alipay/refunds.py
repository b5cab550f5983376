"""Refunds on the wire. Pure.

Source: the pages of alipay.trade.refund and alipay.trade.fastpay.refund.query (https://opendocs.alipay.com/apis), field
names as in alipay-sdk-python 3.7.1411. A retry carries the same ``out_request_no``. Only ``fund_change`` Y says that
this request moved the money; N asks for a query. Sums in the answer to a refund are those of the whole order, so that
only a query tells the refund's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from hutong.connectors.alipay.gateway import Answer, Call, decode
from hutong.connectors.alipay.merchant import Merchant
from hutong.connectors.alipay.values import moment_or_none, money, number, yuan
from hutong.core.errors import HutongError, InvalidInput, PlatformUnknown
from hutong.platforms.payments import RefundReport, RefundStatus, RequestRefund

REASON_CHARS_MAX: Final = 80
REFUND: Final = "alipay.trade.refund"
QUERY_REFUND: Final = "alipay.trade.fastpay.refund.query"
MOVED: Final = "Y"

REFUND_STATES: Final[Mapping[str, RefundStatus]] = {"REFUND_SUCCESS": RefundStatus.SUCCEEDED}


class WireRefunded(msgspec.Struct, frozen=True):
    """Answer to a refund."""

    out_trade_no: str
    trade_no: str = ""
    fund_change: str = "N"
    gmt_refund_pay: str = ""


class RoyaltyResult(msgspec.Struct, frozen=True):
    """A share that a refund took back."""

    refund_amount: msgspec.Raw
    result_code: str = ""
    trans_out: str = ""


class WireRefund(msgspec.Struct, frozen=True):
    """Answer to a query. Without a refund of that number it names the order, if at all, and no status."""

    out_trade_no: str = ""
    trade_no: str = ""
    out_request_no: str = ""
    refund_amount: str = ""
    refund_status: str = ""
    gmt_refund_pay: str = ""
    refund_royaltys: tuple[RoyaltyResult, ...] = ()


def build_refund(command: RequestRefund) -> Call:
    """Ask for a refund.

    Raises:
        InvalidInput: the sums are not CNY, not positive, or more than was paid.
    """
    amount, paid = command.amount, command.paid_amount
    if paid.currency != amount.currency or amount.amount_minor > paid.amount_minor:
        raise InvalidInput(field="amount", problem="CNY, 0 < refund <= paid")
    content: dict[str, Any] = {
        "out_trade_no": number(command.out_trade_no, "out_trade_no"),
        "refund_amount": yuan(amount),
        "out_request_no": number(command.out_refund_no, "out_refund_no"),
    }
    if command.reason:
        content["refund_reason"] = command.reason[:REASON_CHARS_MAX]
    return Call(method=REFUND, content=content)


def build_query_refund(out_refund_no: str, out_trade_no: str) -> Call:
    """Ask what became of a refund; Alipay finds it only together with its order."""
    content = {
        "out_trade_no": number(out_trade_no, "out_trade_no"),
        "out_request_no": number(out_refund_no, "out_refund_no"),
        "query_options": ["gmt_refund_pay", "refund_detail_item_list"],
    }
    return Call(method=QUERY_REFUND, content=content)


def read_refunded(merchant: Merchant, command: RequestRefund, answer: Answer) -> RefundReport | None:
    """The refund that this request made; None where only a query can tell."""
    refunded = decode(merchant, answer, WireRefunded)
    if refunded.out_trade_no != command.out_trade_no:
        raise PlatformUnknown(platform=merchant.platform)
    if refunded.fund_change != MOVED:
        return None
    return _report(
        merchant,
        command.out_refund_no,
        RefundStatus.SUCCEEDED,
        WireRefund(
            out_trade_no=refunded.out_trade_no,
            trade_no=refunded.trade_no,
            refund_status="fund_change Y",
            gmt_refund_pay=refunded.gmt_refund_pay,
        ),
    )


def read_refund(merchant: Merchant, out_refund_no: str, answer: Answer) -> RefundReport:
    """The refund that was asked for; no status means that Alipay knows of none."""
    refund = decode(merchant, answer, WireRefund)
    if not refund.refund_status:
        return not_found(merchant, out_refund_no, refund.refund_status)
    if refund.out_request_no != out_refund_no:
        raise PlatformUnknown(platform=merchant.platform)
    return _report(merchant, out_refund_no, REFUND_STATES.get(refund.refund_status, RefundStatus.PENDING), refund)


def not_found(merchant: Merchant, out_refund_no: str, raw_status: str) -> RefundReport:
    """A refund that Alipay does not know."""
    return RefundReport(
        out_refund_no=out_refund_no, status=RefundStatus.NOT_FOUND, raw_status=raw_status, owner=merchant.owner
    )


def _report(merchant: Merchant, out_refund_no: str, status: RefundStatus, refund: WireRefund) -> RefundReport:
    try:
        return RefundReport(
            out_refund_no=out_refund_no,
            status=status,
            raw_status=refund.refund_status,
            out_trade_no=refund.out_trade_no or None,
            owner=merchant.owner,
            amount=money(refund.refund_amount) if refund.refund_amount else None,
            refunded_at=moment_or_none(refund.gmt_refund_pay),
        )
    except (HutongError, ValueError) as error:
        raise PlatformUnknown(platform=merchant.platform) from error
