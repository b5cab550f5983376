"""Orders on the way out: opened, asked for, closed; and what a page, app or mini-program needs to go on. Pure.

Source: https://pay.weixin.qq.com/doc/v3/merchant/4012525167 (JSAPI), /4012525153 (H5), /4013070351 (app invocation);
fields as in github.com/TheNorthMemory/wechatpay-openapi docs/v3/pay at 4d6325b. A mini-program's order is a JSAPI order
of its own app. A provider's app order is paid in the app of the merchant it acts for (/doc/v3/partner/4012090949); that
its ``partnerId`` is that merchant's number is recalled: unverified.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any, Final
from urllib.parse import quote

import msgspec

from hutong.connectors.wechatpay.answers import decode
from hutong.connectors.wechatpay.merchant import Merchant
from hutong.connectors.wechatpay.parties import accounts, parties, query_text, transactions_path
from hutong.connectors.wechatpay.signing import (
    app_invocation_message,
    invocation_message,
    signature,
    signed_request,
    unix_text,
)
from hutong.core.errors import InvalidInput, PlatformUnknown
from hutong.core.money import Money
from hutong.platforms.payments import CreatePayment, PaymentCreated, PayMethod
from hutong.transport.messages import Request, Response

#: Characters of a description that the platform takes.
DESCRIPTION_CHARS_MAX: Final = 127
BEIJING: Final = timezone(timedelta(hours=8))
#: Ways to open an order, and where.
PATHS: Final = {
    PayMethod.JSAPI: "jsapi",
    PayMethod.NATIVE: "native",
    PayMethod.H5: "h5",
    PayMethod.APP: "app",
    PayMethod.MINI: "jsapi",
}
PAY_METHODS: Final = tuple(PATHS)
_NUMBER: Final = re.compile(r"[0-9A-Za-z_\-|*]{6,32}")


class Created(msgspec.Struct, frozen=True):
    """What an order can be paid with: one of the three."""

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


def fen(amount: Money) -> int:
    """A sum as the platform takes it.

    Raises:
        InvalidInput: not CNY, or not positive.
    """
    if amount.currency != "CNY" or amount.amount_minor <= 0:
        raise InvalidInput(field="amount", problem="CNY > 0")
    return amount.amount_minor


def time_text(moment: datetime) -> str:
    """RFC 3339 in Chinese time, whole seconds."""
    return moment.astimezone(BEIJING).isoformat(timespec="seconds")


def app_of(merchant: Merchant, method: PayMethod) -> str:
    """The app in which an order is paid.

    Raises:
        InvalidInput: a mini-program's order on an account that names no mini-program.
    """
    if method is not PayMethod.MINI:
        return merchant.appid
    if not merchant.mini_appid:
        raise InvalidInput(field="mini_appid", problem="credentials")
    return merchant.mini_appid


def path_of(method: PayMethod) -> str:
    """The last part of the address for a way to pay.

    Raises:
        InvalidInput: a way that this wallet has not.
    """
    if method not in PATHS:
        raise InvalidInput(field="method", problem=method.value)
    return PATHS[method]


def scene_of(method: PayMethod, client_ip: str | None) -> dict[str, Any]:
    """Where the buyer sits, as H5 wants it."""
    if method is not PayMethod.H5:
        return {}
    if not client_ip:
        raise InvalidInput(field="client_ip", problem="H5")
    return {"scene_info": {"payer_client_ip": client_ip, "h5_info": {"type": "Wap"}}}


def build_create(merchant: Merchant, command: CreatePayment, now: datetime, nonce: str) -> Request:
    """Open an order. The same number with the same content may be sent again; the platform answers the same order.

    Raises:
        InvalidInput: a field that this method needs is missing, or the amount is not CNY and positive.
    """
    path = f"{transactions_path(merchant)}/{path_of(command.method)}"
    app = app_of(merchant, command.method)
    body: dict[str, Any] = {
        **parties(merchant, appid=app),
        "description": command.description[:DESCRIPTION_CHARS_MAX],
        "out_trade_no": number(command.out_trade_no, "out_trade_no"),
        "time_expire": time_text(command.expires_at),
        "notify_url": command.notify_url,
        "amount": {"total": fen(command.amount), "currency": "CNY"},
        **scene_of(command.method, command.client_ip),
    }
    if command.attach:
        body["attach"] = command.attach
    if command.shared:
        body["settle_info"] = {"profit_sharing": True}
    if PATHS[command.method] == "jsapi":
        body["payer"] = _payer(merchant, app, command.payer_id)
    encoded = msgspec.json.encode(body)
    return signed_request(merchant, "POST", path, encoded, now=now, nonce=nonce, repeatable=True)


def _payer(merchant: Merchant, app: str, payer_id: str | None) -> dict[str, str]:
    """The buyer's id, named after the one of the two under whose app it was learnt."""
    if not payer_id:
        raise InvalidInput(field="payer_id", problem="JSAPI: openid")
    if not merchant.is_provider:
        return {"openid": payer_id}
    return {"sub_openid" if app == merchant.sub_appid else "sp_openid": payer_id}


def read_created(
    merchant: Merchant, method: PayMethod, response: Response, now: datetime, nonce: str
) -> PaymentCreated:
    """What the buyer's side needs. Raises PlatformUnknown where a 2xx answer does not hold it."""
    created = decode(merchant, response, Created)
    if method is PayMethod.APP and created.prepay_id:
        return PaymentCreated(invoke=app_invocation(merchant, created.prepay_id, now, nonce))
    if PATHS[method] == "jsapi" and created.prepay_id:
        return PaymentCreated(invoke=invocation(merchant, app_of(merchant, method), created.prepay_id, now, nonce))
    if method is PayMethod.NATIVE and created.code_url:
        return PaymentCreated(code_url=created.code_url)
    if method is PayMethod.H5 and created.h5_url:
        return PaymentCreated(redirect_url=created.h5_url)
    raise PlatformUnknown(platform=merchant.platform)


def invocation(merchant: Merchant, appid: str, prepay_id: str, now: datetime, nonce: str) -> dict[str, str]:
    """Parameters of ``WeixinJSBridge.invoke('getBrandWCPayRequest', …)``; ``wx.requestPayment`` takes all but appId."""
    timestamp, package = unix_text(now), f"prepay_id={prepay_id}"
    signed = signature(merchant, invocation_message(appid, timestamp, nonce, package))
    return {
        "appId": appid,
        "timeStamp": timestamp,
        "nonceStr": nonce,
        "package": package,
        "signType": "RSA",
        "paySign": signed,
    }


def app_invocation(merchant: Merchant, prepay_id: str, now: datetime, nonce: str) -> dict[str, str]:
    """Fields of the SDK's ``PayReq`` in a native app: its package is a constant, signed is the bare prepay_id.

    The app is the merchant's own, also where a provider acts for him.
    """
    timestamp = unix_text(now)
    app = (merchant.is_provider and merchant.sub_appid) or merchant.appid
    return {
        "appId": app,
        "partnerId": merchant.sub_mchid or merchant.mchid,
        "prepayId": prepay_id,
        "packageValue": "Sign=WXPay",
        "nonceStr": nonce,
        "timeStamp": timestamp,
        "sign": signature(merchant, app_invocation_message(app, timestamp, nonce, prepay_id)),
    }


def build_query(merchant: Merchant, out_trade_no: str, now: datetime, nonce: str) -> Request:
    """Ask for an order by our number."""
    path = f"{order_path(merchant, out_trade_no)}{query_text(accounts(merchant))}"
    return signed_request(merchant, "GET", path, b"", now=now, nonce=nonce, repeatable=True)


def build_close(merchant: Merchant, out_trade_no: str, now: datetime, nonce: str) -> Request:
    """Close an unpaid order; closing twice is answered as closing once."""
    path = f"{order_path(merchant, out_trade_no)}/close"
    body = msgspec.json.encode(accounts(merchant))
    return signed_request(merchant, "POST", path, body, now=now, nonce=nonce, repeatable=True)


def order_path(merchant: Merchant, out_trade_no: str) -> str:
    """The address of an order by our number."""
    return f"{transactions_path(merchant)}/out-trade-no/{quote(number(out_trade_no, 'out_trade_no'), safe='')}"
