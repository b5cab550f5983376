"""The content of a request (``biz_content``), read as the documents describe it; amounts and times exactly."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec

from hutong_sandbox.alipay.errors import WireError, invalid
from hutong_sandbox.http import Json

CHINA: Final = timezone(timedelta(hours=8))
TIME_FORMAT: Final = "%Y-%m-%d %H:%M:%S"
AMOUNT_FEN_MAX: Final = 10_000_000_000
_FEN_PER_YUAN: Final = 100
_NUMBER: Final = re.compile(r"[\w-]{1,64}", re.ASCII)
_YUAN: Final = re.compile(r"-?[0-9]{1,11}(\.[0-9]{1,2})?", re.ASCII)
_EXPRESS: Final = re.compile(r"([1-9][0-9]{0,3})([mhd])|1c")
_UNITS_M: Final = {"m": 1, "h": 60, "d": 1440}
#: A number with a fraction stays exact: it never becomes a floating one.
_DECODER: Final = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)


class Content:
    """One object of a request."""

    def __init__(self, values: Json) -> None:
        self.values = values

    def text(self, name: str, *, required: bool = True, limit: int = 256) -> str:
        """A text."""
        value = self.values.get(name)
        if value is None or value == "":
            if required:
                raise invalid(name, "不能为空")
            return ""
        if type(value) is int:
            value = str(value)
        if not isinstance(value, str) or len(value) > limit:
            raise invalid(name)
        return value

    def number(self, name: str, *, required: bool = True) -> str:
        """One of the merchant's numbers."""
        value = self.text(name, required=required, limit=64)
        if value and not _NUMBER.fullmatch(value):
            raise invalid(name, "格式有误")
        return value

    def fen(self, name: str, *, zero: bool = False) -> int:
        """An amount in yuan, as text or as a number, in fen."""
        value = self.values.get(name)
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            raise invalid(name, "不能为空")
        if isinstance(value, str) and not _YUAN.fullmatch(value):
            raise invalid(name, "金额格式有误")
        try:
            exact = Decimal(value) * _FEN_PER_YUAN
        except InvalidOperation:
            raise invalid(name, "金额格式有误") from None
        if not exact.is_finite() or exact != exact.to_integral_value() or not (0 < exact <= AMOUNT_FEN_MAX or zero):
            raise invalid(name, "金额格式有误")
        if exact < 0:
            raise invalid(name, "金额不能为负")
        return int(exact)

    def items(self, name: str) -> list[Content]:
        """A list of objects; absent is empty."""
        value = self.values.get(name) or []
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise invalid(name)
        return [Content(item) for item in value]

    def inner(self, name: str) -> Content:
        """An object within; absent is empty."""
        value = self.values.get(name) or {}
        if not isinstance(value, dict):
            raise invalid(name)
        return Content(value)

    def flag(self, name: str) -> bool:
        """A switch, written as the text ``true``."""
        return str(self.values.get(name, "")).lower() == "true"

    def expiry(self, now: datetime) -> datetime | None:
        """When an unpaid order ends: an absolute time, or a span from now."""
        absolute = self.text("time_expire", required=False)
        if absolute:
            return moment(absolute, "time_expire")
        express = self.text("timeout_express", required=False)
        if not express:
            return None
        match = _EXPRESS.fullmatch(express)
        if match is None:
            raise invalid("timeout_express")
        if express == "1c":
            return (now.astimezone(CHINA) + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        return now + timedelta(minutes=int(match[1]) * _UNITS_M[match[2]])


class NewOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it is asked for. ``kind`` is the method's last part: precreate, create, pay, wap, page, app."""

    out_trade_no: str
    total_fen: int
    subject: str
    kind: str
    notify_url: str
    return_url: str = ""
    passback: str = ""
    expires_at: datetime | None = None
    is_frozen: bool = False
    buyer: str = ""


def content_of(parameters: dict[str, str]) -> Content:
    """The request's content."""
    text = parameters.get("biz_content", "")
    try:
        return Content(_DECODER.decode(text.encode()) if text else {})
    except (msgspec.DecodeError, InvalidOperation):
        raise WireError("isv.invalid-parameter", "biz_content 不是合法的JSON", "40002") from None


def read_order(kind: str, content: Content, parameters: dict[str, str], now: datetime) -> NewOrder:
    """What all ways to open an order have in common."""
    subject = content.text("subject", limit=256)
    if any(char in subject for char in "/=&"):
        raise invalid("subject", "不能包含特殊字符")
    buyer = ""
    if kind == "create":
        buyer = content.text("buyer_id", required=False) or content.text("buyer_open_id", required=False)
        if not buyer:
            raise invalid("buyer_id", "与 buyer_open_id 不能同时为空")
    return NewOrder(
        out_trade_no=content.number("out_trade_no"),
        total_fen=content.fen("total_amount"),
        subject=subject,
        kind=kind,
        notify_url=parameters.get("notify_url", ""),
        return_url=parameters.get("return_url", ""),
        passback=content.text("passback_params", required=False, limit=512),
        expires_at=content.expiry(now),
        is_frozen=content.inner("extend_params").flag("royalty_freeze"),
        buyer=buyer,
    )


def moment(text: str, field: str) -> datetime:
    """A time in Chinese local text."""
    for form in (TIME_FORMAT, "%Y-%m-%d %H:%M"):
        try:
            return datetime.strptime(text, form).replace(tzinfo=CHINA)
        except ValueError:
            continue
    raise invalid(field, "时间格式有误")


def is_wire_time(text: str) -> bool:
    """Whether this is a time as requests carry it. How old it may be is not documented: any age is taken."""
    try:
        return wire_time(datetime.strptime(text, TIME_FORMAT).replace(tzinfo=CHINA)) == text
    except ValueError:
        return False


def wire_time(when: datetime) -> str:
    """A time as Alipay writes it."""
    return when.astimezone(CHINA).strftime(TIME_FORMAT)


def yuan(amount_fen: int) -> str:
    """An amount as Alipay writes it."""
    return f"{amount_fen // _FEN_PER_YUAN}.{amount_fen % _FEN_PER_YUAN:02d}"
