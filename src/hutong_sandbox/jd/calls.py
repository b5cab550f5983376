"""Reads the arguments of a call: one JSON object in one parameter, each rule with its limit."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from hutong_sandbox.http import Json
from hutong_sandbox.jd.accounts import Promoter
from hutong_sandbox.jd.errors import AllianceRefusal, GatewayRefusal
from hutong_sandbox.jd.orders import CHINA, TIME_FORMAT

BUSINESS_CHARS_MAX: Final = 20_000


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One verified call of an app. ``wrong`` is what the alliance answers to wrong arguments of this method."""

    method: str
    promoter: Promoter
    asked: Mapping[str, Any]
    wrong: int

    def text(self, name: str, default: str | None = None) -> str:
        """A text; null and an empty one are as if not there."""
        value = self.asked.get(name)
        if value in (None, "") and default is not None:
            return default
        if not isinstance(value, str) or not value:
            raise AllianceRefusal(self.wrong)
        return value

    def number(self, name: str, default: int | None = None, *, low: int, high: int) -> int:
        """A whole number within limits, or its digits as a text."""
        value = self.asked.get(name)
        if value is None and default is not None:
            return default
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
            value = int(value)
        if type(value) is not int or not low <= value <= high:
            raise AllianceRefusal(self.wrong)
        return value

    def moment(self, name: str) -> datetime:
        """A Chinese time as text."""
        try:
            return datetime.strptime(self.text(name), TIME_FORMAT).replace(tzinfo=CHINA)
        except ValueError:
            raise AllianceRefusal(self.wrong) from None


def business_of(text: str, name: str, wrong: int) -> Json:
    """The object of that name inside the JSON text."""
    try:
        business = msgspec.json.decode(text[:BUSINESS_CHARS_MAX], type=dict[str, Any])
    except msgspec.DecodeError:
        raise GatewayRefusal(62) from None
    asked = business.get(name)
    if not isinstance(asked, dict):
        raise AllianceRefusal(wrong)
    return asked
