"""Reads and checks what merchants send: each rule with the limit the documents give."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

import msgspec

from hutong_sandbox.http import Json, json_object
from hutong_sandbox.wechatpay.accounts import Account
from hutong_sandbox.wechatpay.errors import WireError, bad_parameter

ORDER_NO: Final = re.compile(r"[0-9A-Za-z_\-|*@]{6,32}")
REFUND_NO: Final = re.compile(r"[0-9A-Za-z_\-|*@]{1,64}")
DESCRIPTION_CHARS_MAX: Final = 127
ATTACH_CHARS_MAX: Final = 128
NOTIFY_URL_CHARS_MAX: Final = 255
REASON_CHARS_MAX: Final = 80
CURRENCY: Final = "CNY"


class NewOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A checked order."""

    method: str
    out_trade_no: str
    description: str
    total_fen: int
    currency: str
    notify_url: str
    openid: str = ""  # of the buyer for whom it is
    openid_app: str = ""  # the app under which that openid is one
    attach: str = ""
    time_expire: datetime | None = None
    shared: bool = False


class NewRefund(msgspec.Struct, frozen=True, kw_only=True):
    """A checked refund request; one of the two order numbers is set."""

    out_refund_no: str
    transaction_id: str
    out_trade_no: str
    refund_fen: int
    total_fen: int
    reason: str
    notify_url: str


class BodyReader:
    """Takes fields out of a JSON object, refusing what breaks a rule with the place named."""

    def __init__(self, value: object, place: str = "") -> None:
        if not isinstance(value, dict):
            raise bad_parameter("body", place or "/", "必填性规则校验失败，此字段为必填项")
        self._object: Json = value
        self._place = place

    def text(self, name: str, *, limit: int, required: bool = True) -> str:
        """A text of at most ``limit`` characters."""
        value = self._object.get(name)
        if value is None and not required:
            return ""
        if not isinstance(value, str) or (required and not value):
            raise bad_parameter("body", f"{self._place}/{name}", "必填性规则校验失败，此字段为必填项", value)
        if len(value) > limit:
            raise bad_parameter("body", f"{self._place}/{name}", f"字符串长度超过{limit}", value)
        return value

    def matching(self, name: str, pattern: re.Pattern[str], *, limit: int) -> str:
        """A required text of a pattern."""
        value = self.text(name, limit=limit)
        if not pattern.fullmatch(value):
            raise bad_parameter("body", f"{self._place}/{name}", "字符串规则校验失败", value)
        return value

    def fen(self, name: str) -> int:
        """A positive whole number of fen (a JSON integer: neither 1.0 nor "1")."""
        value = self._object.get(name)
        if type(value) is not int or value < 1:
            raise bad_parameter("body", f"{self._place}/{name}", "须为正整数，单位为分", value)
        return value

    def inner(self, name: str) -> BodyReader:
        """A required object."""
        return BodyReader(self._object.get(name), f"{self._place}/{name}")

    def each(self, name: str, *, least: int, most: int) -> list[BodyReader]:
        """A list of objects, of so many."""
        value = self._object.get(name)
        if not isinstance(value, list) or not least <= len(value) <= most:
            raise bad_parameter("body", f"{self._place}/{name}", f"数组长度须为{least}~{most}")
        return [BodyReader(entry, f"{self._place}/{name}/{i}") for i, entry in enumerate(value)]

    def has(self, name: str) -> bool:
        """Whether the field is there."""
        return self._object.get(name) is not None

    def flag(self, name: str, *, default: bool | None = None) -> bool:
        """A true or false."""
        value = self._object.get(name, default)
        if not isinstance(value, bool):
            raise bad_parameter("body", f"{self._place}/{name}", "须为布尔值", value)
        return value

    def url(self, name: str, *, required: bool) -> str:
        """An absolute http(s) address without query."""
        value = self.text(name, limit=NOTIFY_URL_CHARS_MAX, required=required)
        parts = urlsplit(value)
        if value and (parts.scheme not in ("http", "https") or not parts.netloc or parts.query):
            raise bad_parameter("body", f"{self._place}/{name}", "通知地址须为完整的URL，且不能携带参数", value)
        return value

    def moment(self, name: str) -> datetime | None:
        """An RFC 3339 time with its zone, if given."""
        value = self.text(name, limit=64, required=False)
        if not value:
            return None
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            raise bad_parameter("body", f"{self._place}/{name}", "须遵循rfc3339标准格式", value)
        return moment


def body_of(raw: bytes) -> BodyReader:
    """The reader of a request body."""
    try:
        return BodyReader(json_object(raw))
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise WireError("PARAM_ERROR", "请求的JSON解析失败") from None


def check_mchid(mchid: str, account: Account, location: str) -> None:
    """The number in the request must be the signer's."""
    if not mchid:
        raise WireError(
            "PARAM_ERROR",
            "输入源“/uri_template/mchid”映射到字段“直连商户号”必填性规则校验失败，此字段为必填项",
            {"location": "uri_template", "value": ""},
        )
    if mchid != account.mchid:
        raise bad_parameter(location, "/mchid", "与签名的商户号不一致", mchid)


def read_order(method: str, openid_apps: Mapping[str, str], body: BodyReader, now: datetime) -> NewOrder:
    """The order in a create request, checked. ``openid_apps``: name of an openid field -> its app."""
    openid, openid_app = "", ""
    if method == "jsapi":
        payer = body.inner("payer")
        name = next((name for name in openid_apps if payer.has(name)), next(iter(openid_apps)))
        openid, openid_app = payer.text(name, limit=128), openid_apps[name]
    if method == "h5":
        check_h5_scene(body)
    return NewOrder(
        method=method,
        out_trade_no=body.matching("out_trade_no", ORDER_NO, limit=32),
        description=body.text("description", limit=DESCRIPTION_CHARS_MAX),
        total_fen=body.inner("amount").fen("total"),
        currency=read_currency(body.inner("amount")),
        notify_url=body.url("notify_url", required=True),
        openid=openid,
        openid_app=openid_app,
        attach=body.text("attach", limit=ATTACH_CHARS_MAX, required=False),
        time_expire=read_expiry(body, now),
        shared=read_shared(body),
    )


def read_charge(body: BodyReader) -> NewOrder:
    """The order in a charge of a payment code, checked; it brings no notice."""
    scene = body.inner("scene_info").inner("store_info")
    scene.text("out_id" if scene.has("out_id") else "id", limit=256)
    return NewOrder(
        method="codepay",
        out_trade_no=body.matching("out_trade_no", ORDER_NO, limit=32),
        description=body.text("description", limit=DESCRIPTION_CHARS_MAX),
        total_fen=body.inner("amount").fen("total"),
        currency=read_currency(body.inner("amount")),
        notify_url="",
        attach=body.text("attach", limit=ATTACH_CHARS_MAX, required=False),
        shared=read_shared(body),
    )


def check_h5_scene(body: BodyReader) -> None:
    """Where the buyer of an H5 order sits."""
    scene = body.inner("scene_info")
    scene.text("payer_client_ip", limit=45)
    scene.inner("h5_info").text("type", limit=32)


def read_currency(amount: BodyReader) -> str:
    """CNY, also where it is left out."""
    if (currency := amount.text("currency", limit=16, required=False) or CURRENCY) != CURRENCY:
        raise bad_parameter("body", "/amount/currency", "境内商户号仅支持人民币", currency)
    return currency


def read_expiry(body: BodyReader, now: datetime) -> datetime | None:
    """When the order ends, if that is told; not in the past."""
    time_expire = body.moment("time_expire")
    if time_expire is not None and time_expire <= now:
        raise bad_parameter("body", "/time_expire", "交易结束时间已过")
    return time_expire


def read_shared(body: BodyReader) -> bool:
    """Whether the money is to be frozen for sharing."""
    return body.has("settle_info") and body.inner("settle_info").flag("profit_sharing", default=False)


def read_refund(body: BodyReader) -> NewRefund:
    """The request for a refund, checked."""
    amount = body.inner("amount")
    if (currency := amount.text("currency", limit=16)) != CURRENCY:
        raise bad_parameter("body", "/amount/currency", "仅支持人民币", currency)
    transaction_id = body.text("transaction_id", limit=32, required=False)
    out_trade_no = body.text("out_trade_no", limit=32, required=False)
    if not transaction_id and not out_trade_no:
        raise bad_parameter("body", "/out_trade_no", "微信支付订单号和商户订单号必须二选一")
    return NewRefund(
        out_refund_no=body.matching("out_refund_no", REFUND_NO, limit=64),
        transaction_id=transaction_id,
        out_trade_no=out_trade_no,
        refund_fen=amount.fen("refund"),
        total_fen=amount.fen("total"),
        reason=body.text("reason", limit=REASON_CHARS_MAX, required=False),
        notify_url=body.url("notify_url", required=False),
    )
