"""Reads the arguments of a call: each rule with its limit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from hutong_sandbox.pinduoduo.errors import invalid, missing
from hutong_sandbox.pinduoduo.promoters import Promoter

#: The platform's.
CUSTOM_BYTES_MAX: Final = 64
LIST_MAX: Final = 100


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One verified call."""

    method: str
    arguments: Mapping[str, str]
    promoter: Promoter

    def text(self, name: str) -> str:
        """A required argument."""
        value = self.arguments.get(name, "")
        if not value:
            raise missing(name)
        return value

    def optional(self, name: str) -> str:
        """An argument, or nothing."""
        return self.arguments.get(name, "")

    def number(self, name: str, default: int | None = None, *, low: int, high: int) -> int:
        """A whole number within limits."""
        given = self.arguments.get(name, "")
        if not given:
            if default is None:
                raise missing(name)
            return default
        digits = given.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) < 20 and low <= int(given) <= high):
            raise invalid(name, f"的取值范围是{low}-{high}！")
        return int(given)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """``true`` or ``false``, in any case of letters."""
        given = self.arguments.get(name, "").lower()
        if given not in ("", "true", "false"):
            raise invalid(name, "不是布尔值")
        return given == "true" if given else default

    def texts(self, name: str) -> list[str]:
        """A required list, as JSON text."""
        try:
            given = msgspec.json.decode(self.text(name), type=list[str])
        except msgspec.MsgspecError:
            raise invalid(name, "不是字符串数组") from None
        if not 1 <= len(given) <= LIST_MAX:
            raise invalid(name, f"的长度范围是1-{LIST_MAX}！")
        return given

    def custom(self) -> str:
        """The custom parameters as they were sent; a JSON object has to name a ``uid``."""
        given = self.arguments.get("custom_parameters", "")
        if len(given.encode()) > CUSTOM_BYTES_MAX:
            raise invalid("custom_parameters", f"最长{CUSTOM_BYTES_MAX}个字节")
        fields = _object(given)
        if fields is not None and not uid_of(given):
            raise invalid("custom_parameters", "缺少uid")
        return given


def uid_of(custom: str) -> str:
    """Whom custom parameters name: their ``uid``, or, where they are no JSON object, all of them."""
    fields = _object(custom)
    return custom if fields is None else str(fields.get("uid", ""))


def _object(text: str) -> dict[str, Any] | None:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError):
        return None
