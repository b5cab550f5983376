"""Orders on the wire: what is built and what is read. Pure.

Source: the pages of the alipay.trade.* methods (https://opendocs.alipay.com/apis), field names as in alipay-sdk-python
3.7.1411. A precreated order begins to exist at Alipay when its code is scanned (github.com/fzlee/alipay, issue 9), a
page's or an app's when the buyer arrives; until then a query says ``ACQ.TRADE_NOT_EXIST``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, unquote

import msgspec

from hutong.connectors.alipay.gateway import Answer, Call, decode
from hutong.connectors.alipay.merchant import Merchant
from hutong.connectors.alipay.values import moment_or_none, money, number, wire_time, yuan
from hutong.core.errors import HutongError, InvalidInput, PlatformUnknown
from hutong.platforms.codes import ChargeCode
from hutong.platforms.payments import CreatePayment, PaymentCreated, PayMethod, TradeReport, TradeStatus

#: Characters of a subject that Alipay takes, without / = &.
SUBJECT_CHARS_MAX: Final = 128
QUERY: Final = "alipay.trade.query"
CLOSE: Final = "alipay.trade.close"
CANCEL: Final = "alipay.trade.cancel"

TRADE_STATES: Final[Mapping[str, TradeStatus]] = {
    "WAIT_BUYER_PAY": TradeStatus.PENDING,
    "TRADE_SUCCESS": TradeStatus.PAID,
    "TRADE_FINISHED": TradeStatus.PAID,  # paid, and past its refunds
    "TRADE_CLOSED": TradeStatus.CLOSED,  # never paid, or paid and all of it refunded: see status_of
}
#: Way to pay -> (method, product that the account must have).
METHODS: Final[Mapping[PayMethod, tuple[str, str]]] = {
    PayMethod.NATIVE: ("alipay.trade.precreate", "FACE_TO_FACE_PAYMENT"),
    PayMethod.JSAPI: ("alipay.trade.create", "JSAPI_PAY"),
    PayMethod.MINI: ("alipay.trade.create", "JSAPI_PAY"),
    PayMethod.H5: ("alipay.trade.wap.pay", "QUICK_WAP_WAY"),
    PayMethod.PAGE: ("alipay.trade.page.pay", "FAST_INSTANT_TRADE_PAY"),
    PayMethod.APP: ("alipay.trade.app.pay", "QUICK_MSECURITY_PAY"),
}
#: What is signed here and only reaches Alipay with the buyer.
SIGNED_METHODS: Final = (PayMethod.H5, PayMethod.PAGE, PayMethod.APP)
_USER_ID: Final = re.compile(r"2088[0-9]{12}")


class WireTrade(msgspec.Struct, frozen=True):
    """An order as a query, a bar-code charge or a callback writes it; what is absent is empty."""

    out_trade_no: str
    trade_status: str = ""
    trade_no: str = ""
    total_amount: str = ""
    buyer_user_id: str = ""
    buyer_id: str = ""
    buyer_open_id: str = ""
    send_pay_date: str = ""
    gmt_payment: str = ""
    passback_params: str = ""

    def report(self, owner: Mapping[str, str], status: TradeStatus, raw_status: str) -> TradeReport:
        """In our words. Raises HutongError or ValueError where an amount or a time is none."""
        return TradeReport(
            out_trade_no=self.out_trade_no,
            status=status,
            raw_status=raw_status,
            owner=owner,
            amount=money(self.total_amount) if self.total_amount else None,
            transaction_id=self.trade_no or None,
            payer_id=self.buyer_open_id or self.buyer_user_id or self.buyer_id or None,
            paid_at=moment_or_none(self.gmt_payment or self.send_pay_date),
            attach=unquote(self.passback_params) or None,
            is_all_back=status is TradeStatus.REFUNDED and TRADE_STATES.get(raw_status) is TradeStatus.CLOSED,
        )


class _Created(msgspec.Struct, frozen=True):
    out_trade_no: str
    trade_no: str = ""
    qr_code: str = ""


class Cancelled(msgspec.Struct, frozen=True):
    """Answer of a reversal. ``retry_flag`` Y: not done yet, ask again. ``action``: close, refund, or nothing there."""

    out_trade_no: str = ""
    trade_no: str = ""
    retry_flag: str = "N"
    action: str = ""


def status_of(raw_status: str, *, was_paid: bool) -> TradeStatus:
    """In our words; an unknown status is pending, and a closed order that was paid is a refunded one."""
    status = TRADE_STATES.get(raw_status, TradeStatus.PENDING)
    return TradeStatus.REFUNDED if status is TradeStatus.CLOSED and was_paid else status


def build_create(command: CreatePayment) -> Call:
    """Open an order; the same number with the same content may be sent again.

    Raises:
        InvalidInput: no such method, the payer is missing, or the amount is not CNY and positive.
    """
    if command.method not in METHODS:
        raise InvalidInput(field="method", problem=command.method.value)
    method, product = METHODS[command.method]
    content: dict[str, Any] = {
        "out_trade_no": number(command.out_trade_no, "out_trade_no"),
        "total_amount": yuan(command.amount),
        "subject": _subject(command.description),
        "product_code": product,
        "time_expire": wire_time(command.expires_at),
        **_marks(attach=command.attach, shared=command.shared),
    }
    if command.method in (PayMethod.JSAPI, PayMethod.MINI):
        content |= _buyer(command.payer_id)
    if command.method is PayMethod.H5 and command.return_url:
        content["quit_url"] = command.return_url
    common = {"notify_url": command.notify_url}
    if command.method in (PayMethod.H5, PayMethod.PAGE):
        common["return_url"] = command.return_url
    return Call(method=method, content=content, common=common)


def read_created(merchant: Merchant, command: CreatePayment, answer: Answer) -> PaymentCreated:
    """What the page needs: the code's text, or the number that the JavaScript bridge pays."""
    created = decode(merchant, answer, _Created)
    if created.out_trade_no == command.out_trade_no:
        if command.method is PayMethod.NATIVE and created.qr_code:
            return PaymentCreated(code_url=created.qr_code)
        if command.method is not PayMethod.NATIVE and created.trade_no:
            return PaymentCreated(invoke={"tradeNO": created.trade_no})
    raise PlatformUnknown(platform=merchant.platform)


def build_charge(command: ChargeCode) -> Call:
    """Charge a payment code. A code serves once, so this is never sent a second time by itself."""
    content: dict[str, Any] = {
        "out_trade_no": number(command.out_trade_no, "out_trade_no"),
        "total_amount": yuan(command.amount),
        "subject": _subject(command.description),
        "product_code": "FACE_TO_FACE_PAYMENT",
        "scene": "bar_code",
        "auth_code": command.auth_code,
        "time_expire": wire_time(command.expires_at),
        **_marks(attach=command.attach, shared=command.shared),
    }
    common = {"notify_url": command.notify_url}
    return Call(method="alipay.trade.pay", content=content, common=common, repeatable=False)


def about(method: str, out_trade_no: str) -> Call:
    """Query, close or reverse an order by our number."""
    return Call(method=method, content={"out_trade_no": number(out_trade_no, "out_trade_no")})


def read_trade(merchant: Merchant, out_trade_no: str, answer: Answer) -> TradeReport:
    """The order that was asked for. Raises PlatformUnknown for an answer about another one."""
    trade = decode(merchant, answer, WireTrade)
    if trade.out_trade_no != out_trade_no or not trade.trade_status:
        raise PlatformUnknown(platform=merchant.platform)
    status = status_of(trade.trade_status, was_paid=bool(trade.send_pay_date))
    return reported(merchant, trade, status, trade.trade_status)


def reported(merchant: Merchant, trade: WireTrade, status: TradeStatus, raw_status: str) -> TradeReport:
    """The report of an answer. It does not name the account: it was asked with the account's own signature."""
    try:
        return trade.report(merchant.owner, status, raw_status)
    except (HutongError, ValueError) as error:
        raise PlatformUnknown(platform=merchant.platform) from error


def without_amount(merchant: Merchant, out_trade_no: str, status: TradeStatus, raw_status: str) -> TradeReport:
    """A report where the answer names nothing but the outcome."""
    return TradeReport(out_trade_no=out_trade_no, status=status, raw_status=raw_status, owner=merchant.owner)


def _marks(*, attach: str, shared: bool) -> dict[str, Any]:
    """Our mark, which Alipay wants percent-encoded and repeats; and the freeze that shares need."""
    marks: dict[str, Any] = {"passback_params": quote(attach, safe="")} if attach else {}
    return marks | ({"extend_params": {"royalty_freeze": "true"}} if shared else {})


def _subject(description: str) -> str:
    subject = "".join(" " if char in "/=&" else char for char in description)[:SUBJECT_CHARS_MAX].strip()
    if not subject:
        raise InvalidInput(field="description", problem="empty")
    return subject


def _buyer(payer_id: str | None) -> dict[str, str]:
    """Older apps know buyers by user id (2088…), newer ones by an open id of their own."""
    if not payer_id:
        raise InvalidInput(field="payer_id", problem="user_id / open_id")
    return {"buyer_id" if _USER_ID.fullmatch(payer_id) else "buyer_open_id": payer_id}
