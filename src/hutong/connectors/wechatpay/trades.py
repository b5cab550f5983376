"""Orders on the wire: what is built and what is read. Pure.

Source: https://pay.weixin.qq.com/doc/v3/merchant/4012525167 (JSAPI), /4012525153 (H5), /4013070356 (query); fields as
in github.com/TheNorthMemory/wechatpay-openapi docs/v3/pay/transactions at 4d6325b.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, Final
from urllib.parse import quote

import msgspec

from hutong.connectors.wechatpay.answers import aware, decode
from hutong.connectors.wechatpay.merchant import Merchant
from hutong.connectors.wechatpay.signing import invocation_message, signature, signed_request, unix_text
from hutong.core.errors import HutongError, InvalidInput, PlatformUnknown
from hutong.core.money import Money
from hutong.platforms.payments import CreatePayment, PaymentCreated, PayMethod, TradeReport, TradeStatus
from hutong.transport.messages import Request, Response

#: Characters of a description that the platform takes.
DESCRIPTION_CHARS_MAX: Final = 127
BEIJING: Final = timezone(timedelta(hours=8))
#: Ways to open an order.
PAY_METHODS: Final = (PayMethod.JSAPI, PayMethod.NATIVE, PayMethod.H5)
_NUMBER: Final = re.compile(r"[0-9A-Za-z_\-|*]{6,32}")

TRADE_STATES: Final[Mapping[str, TradeStatus]] = {
    "NOTPAY": TradeStatus.PENDING,
    "USERPAYING": TradeStatus.PENDING,
    "PAYERROR": TradeStatus.PENDING,
    "ACCEPT": TradeStatus.PENDING,
    "SUCCESS": TradeStatus.PAID,
    "REFUND": TradeStatus.REFUNDED,
    "CLOSED": TradeStatus.CLOSED,
    "REVOKED": TradeStatus.CLOSED,
}


class WireAmount(msgspec.Struct, frozen=True):
    """Whole fen."""

    total: int
    currency: str = "CNY"


class WirePayer(msgspec.Struct, frozen=True):
    """The buyer's id under our app."""

    openid: str | None = None


class WireTrade(msgspec.Struct, frozen=True):
    """An order as queries and callbacks write it."""

    out_trade_no: str
    trade_state: str
    mchid: str
    appid: str = ""
    transaction_id: str | None = None
    success_time: datetime | None = None
    payer: WirePayer | None = None
    amount: WireAmount | None = None
    attach: str | None = None

    def report(self) -> TradeReport:
        """In our words; an unknown state is pending. Raises HutongError where the amount is none."""
        return TradeReport(
            out_trade_no=self.out_trade_no,
            status=TRADE_STATES.get(self.trade_state, TradeStatus.PENDING),
            raw_status=self.trade_state,
            owner={"mchid": self.mchid, "appid": self.appid},
            amount=None if self.amount is None else Money(self.amount.total, self.amount.currency),
            transaction_id=self.transaction_id,
            payer_id=None if self.payer is None else self.payer.openid,
            paid_at=aware(self.success_time),
            attach=self.attach,
        )


class _Created(msgspec.Struct, frozen=True):
    prepay_id: str = ""
    code_url: str = ""
    h5_url: str = ""


def number(value: str, field: str) -> str:
    """One of our numbers, which the platform takes in this alphabet only.

    Raises:
        InvalidInput: another length or character.
    """
    if not _NUMBER.fullmatch(value):
        raise InvalidInput(field=field, problem="6-32: 0-9 A-Z a-z _ - | *")
    return value


def build_create(merchant: Merchant, command: CreatePayment, now: datetime, nonce: str) -> Request:
    """Open an order. The same number with the same content may be sent again; the platform answers the same order.

    Raises:
        InvalidInput: a field that this method needs is missing, or the amount is not CNY and positive.
    """
    if command.method not in PAY_METHODS:
        raise InvalidInput(field="method", problem=command.method.value)
    if command.amount.currency != "CNY" or command.amount.amount_minor <= 0:
        raise InvalidInput(field="amount", problem="CNY > 0")
    body: dict[str, Any] = {
        "appid": merchant.appid,
        "mchid": merchant.mchid,
        "description": command.description[:DESCRIPTION_CHARS_MAX],
        "out_trade_no": number(command.out_trade_no, "out_trade_no"),
        "time_expire": command.expires_at.astimezone(BEIJING).isoformat(timespec="seconds"),
        "notify_url": command.notify_url,
        "amount": {"total": command.amount.amount_minor, "currency": "CNY"},
    }
    if command.attach:
        body["attach"] = command.attach
    if command.method is PayMethod.JSAPI:
        if not command.payer_id:
            raise InvalidInput(field="payer_id", problem="JSAPI: openid")
        body["payer"] = {"openid": command.payer_id}
    if command.method is PayMethod.H5:
        if not command.client_ip:
            raise InvalidInput(field="client_ip", problem="H5")
        body["scene_info"] = {"payer_client_ip": command.client_ip, "h5_info": {"type": "Wap"}}
    path = f"/v3/pay/transactions/{command.method.value}"
    encoded = msgspec.json.encode(body)
    return signed_request(merchant, "POST", path, encoded, now=now, nonce=nonce, repeatable=True)


def read_created(
    merchant: Merchant, method: PayMethod, response: Response, now: datetime, nonce: str
) -> PaymentCreated:
    """What the page needs. Raises PlatformUnknown where a 2xx answer does not hold it."""
    created = decode(merchant, response, _Created)
    if method is PayMethod.JSAPI and created.prepay_id:
        return PaymentCreated(invoke=invocation(merchant, created.prepay_id, now, nonce))
    if method is PayMethod.NATIVE and created.code_url:
        return PaymentCreated(code_url=created.code_url)
    if method is PayMethod.H5 and created.h5_url:
        return PaymentCreated(redirect_url=created.h5_url)
    raise PlatformUnknown(platform=merchant.platform)


def invocation(merchant: Merchant, prepay_id: str, now: datetime, nonce: str) -> dict[str, str]:
    """Parameters of ``WeixinJSBridge.invoke('getBrandWCPayRequest', …)``."""
    timestamp, package = unix_text(now), f"prepay_id={prepay_id}"
    signed = signature(merchant, invocation_message(merchant.appid, timestamp, nonce, package))
    return {
        "appId": merchant.appid,
        "timeStamp": timestamp,
        "nonceStr": nonce,
        "package": package,
        "signType": "RSA",
        "paySign": signed,
    }


def build_query(merchant: Merchant, out_trade_no: str, now: datetime, nonce: str) -> Request:
    """Ask for an order by our number."""
    path = f"{_order_path(out_trade_no)}?mchid={quote(merchant.mchid, safe='')}"
    return signed_request(merchant, "GET", path, b"", now=now, nonce=nonce, repeatable=True)


def build_close(merchant: Merchant, out_trade_no: str, now: datetime, nonce: str) -> Request:
    """Close an unpaid order; closing twice is answered as closing once."""
    path = f"{_order_path(out_trade_no)}/close"
    body = msgspec.json.encode({"mchid": merchant.mchid})
    return signed_request(merchant, "POST", path, body, now=now, nonce=nonce, repeatable=True)


def read_trade(merchant: Merchant, out_trade_no: str, response: Response) -> TradeReport:
    """The order that was asked for. Raises PlatformUnknown for an answer about another one."""
    trade = decode(merchant, response, WireTrade)
    if trade.out_trade_no != out_trade_no:
        raise PlatformUnknown(platform=merchant.platform)
    try:
        return trade.report()
    except (HutongError, ValueError) as error:
        raise PlatformUnknown(platform=merchant.platform) from error


def without_amount(merchant: Merchant, out_trade_no: str, status: TradeStatus, raw_status: str) -> TradeReport:
    """A report where the answer names nothing but the outcome."""
    owner = {"mchid": merchant.mchid, "appid": merchant.appid}
    return TradeReport(out_trade_no=out_trade_no, status=status, raw_status=raw_status, owner=owner)


def _order_path(out_trade_no: str) -> str:
    return f"/v3/pay/transactions/out-trade-no/{quote(number(out_trade_no, 'out_trade_no'), safe='')}"
