"""Capability Callbacks: a form, verified over its decoded parameters, read as a payment or a refund.

Source: the documents' 异步通知 pages, as copied in the README of github.com/upyun-dev/alipay-lite. Alipay repeats a
callback until the body of the answer is exactly ``success``: 8 times in 25 hours, with the same ``notify_id``. The same
address hears of refunds (alipay-sdk-php-all, issue 5): such a callback says TRADE_SUCCESS (part) or TRADE_CLOSED (all),
carries ``refund_fee``, the sum of all refunds so far, and names this one in ``out_biz_no``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import unquote_to_bytes

from hutong.connectors.alipay.merchant import Merchant, merchant_of
from hutong.connectors.alipay.signing import verify_callback
from hutong.connectors.alipay.trades import WireTrade, status_of
from hutong.connectors.alipay.values import moment, moment_or_none, money
from hutong.core.errors import HutongError, InvalidSignature
from hutong.platforms.account import Account
from hutong.platforms.payments import Acknowledgement, Notice, RefundReport, RefundStatus, TradeStatus

#: A real callback is about two kilobytes.
BODY_BYTES_MAX: Final = 64 * 1024
PARAMETERS_MAX: Final = 200
FORM: Final = "application/x-www-form-urlencoded"
TRADE_KIND: Final = "trade_status_sync"
#: The last of 8 deliveries comes 25 hours after the first. Alipay names no limit of its own.
AGE_MAX: Final = timedelta(hours=26)
EARLY_MAX: Final = timedelta(minutes=10)
_MS: Final = 1000
_MS_DIGITS_MAX: Final = 14


class AlipayCallbacks:
    """``hutong.platforms.payments.Callbacks`` for Alipay."""

    async def prepare(self, account: Account, headers: Mapping[str, str]) -> None:
        """Nothing to fetch: a callback names no certificate."""

    def verify(self, account: Account, headers: Mapping[str, str], body: bytes) -> Notice:
        """The notice; InvalidSignature for everything that is not exactly one."""
        try:
            return read_notice(merchant_of(account), headers, body, account.clock.now())
        except InvalidSignature:
            raise
        except (HutongError, ValueError, TypeError, OverflowError) as error:
            raise InvalidSignature from error

    def acknowledge(self) -> Acknowledgement:
        """Exactly these seven letters, else Alipay repeats."""
        return Acknowledgement(status=200, body=b"success", content_type="text/plain")

    def refuse(self, reason: str) -> Acknowledgement:
        """Alipay repeats on any other body: 401 for bytes that did not verify, 500 for ones that could not be kept."""
        return Acknowledgement(
            status=401 if reason == InvalidSignature.code else 500, body=b"failure", content_type="text/plain"
        )


def read_notice(merchant: Merchant, headers: Mapping[str, str], body: bytes, now: datetime) -> Notice:
    """Verify and read. Raises InvalidSignature, HutongError or ValueError."""
    if len(body) > BODY_BYTES_MAX or not headers.get("content-type", "").lower().startswith(FORM):
        raise InvalidSignature
    parameters = form(body)
    verify_callback(merchant, parameters)
    if not -EARLY_MAX <= now - _sent_at(parameters) <= AGE_MAX:
        raise InvalidSignature
    notice_id = parameters["notify_id"] if parameters.get("notify_id") else _missing()
    kind = parameters.get("notify_type") or parameters.get("msg_method", "")
    if kind != TRADE_KIND:
        return Notice(notice_id=notice_id, kind=kind)
    kind = f"{kind} {parameters.get('trade_status', '')}".strip()
    refund = _refund(parameters)
    if refund is not None:
        return Notice(notice_id=notice_id, kind=kind, refund=refund)
    refunded = _refunded(parameters)
    trade = WireTrade(
        out_trade_no=parameters.get("out_trade_no") or _missing(),
        trade_no=parameters.get("trade_no", ""),
        total_amount=parameters.get("total_amount", ""),
        buyer_id=parameters.get("buyer_id", ""),
        buyer_open_id=parameters.get("buyer_open_id", ""),
        gmt_payment=parameters.get("gmt_payment", ""),
        passback_params=parameters.get("passback_params", ""),
    )
    raw_status = parameters.get("trade_status", "")
    status = status_of(raw_status, was_paid=refunded)
    if refunded and status is TradeStatus.PAID:
        status = TradeStatus.REFUNDED
    return Notice(notice_id=notice_id, kind=kind, trade=trade.report(_owner(merchant, parameters), status, raw_status))


def form(body: bytes) -> dict[str, str]:
    """The parameters of a form, decoded once. Strict: what two readers could read in two ways is refused.

    Raises:
        InvalidSignature: a part without a name or without ``=``, a name that comes twice, bytes that are not UTF-8.
    """
    parameters: dict[str, str] = {}
    try:
        parts = body.decode("ascii").split("&")
        for name, equals, value in (part.partition("=") for part in parts):
            key = _decoded(name)
            if not key or not equals or key in parameters or len(parameters) >= PARAMETERS_MAX:
                raise InvalidSignature
            parameters[key] = _decoded(value)
    except UnicodeDecodeError as error:
        raise InvalidSignature from error
    return parameters


def _decoded(text: str) -> str:
    """Percent signs and plus signs undone; a percent sign that escapes nothing is refused."""
    plain = text.replace("+", " ")
    escapes = plain.count("%")
    raw = unquote_to_bytes(plain)
    if len(plain) - 2 * escapes != len(raw):
        raise InvalidSignature
    return raw.decode("utf-8")


def _refunded(parameters: Mapping[str, str]) -> bool:
    """Whether any of the order's money has gone back."""
    fee = parameters.get("refund_fee", "")
    return bool(parameters.get("gmt_refund")) or (bool(fee) and money(fee).amount_minor > 0)


def _refund(parameters: Mapping[str, str]) -> RefundReport | None:
    """The refund that this callback tells of. Its sum is that of the whole order so far: no amount of its own."""
    if not _refunded(parameters) or not parameters.get("out_biz_no"):
        return None
    return RefundReport(
        out_refund_no=parameters["out_biz_no"],
        status=RefundStatus.SUCCEEDED,
        raw_status=parameters.get("trade_status", ""),
        out_trade_no=parameters.get("out_trade_no") or None,
        owner={name: parameters[name] for name in ("app_id", "seller_id") if parameters.get(name)},
        refunded_at=moment_or_none(parameters.get("gmt_refund", "")),
    )


def _owner(merchant: Merchant, parameters: Mapping[str, str]) -> dict[str, str]:
    """Whose order it is: the app always, the seller where the account knows its own number."""
    names = ("app_id", "seller_id") if merchant.seller_id else ("app_id",)
    return {name: parameters.get(name, "") for name in names}


def _sent_at(parameters: Mapping[str, str]) -> datetime:
    """When this delivery was sent: local text, or milliseconds in the callbacks of the message service."""
    stamp = parameters.get("utc_timestamp", "")
    if stamp.isascii() and stamp.isdigit() and len(stamp) < _MS_DIGITS_MAX:
        return datetime.fromtimestamp(int(stamp) // _MS, UTC)
    return moment(parameters.get("notify_time", ""))


def _missing() -> str:
    raise InvalidSignature
