"""What a value of a request must be, in words of ours, of the sentence that msgspec says.

msgspec 0.19 to 0.21 say ``Expected `int`, got `str```, ``Expected `str` of length <= 200``, ``Expected `int` >= 1``,
``Object missing required field `title```, ``Invalid enum value 'x'``, ``Invalid UUID`` and the like
(https://jcristharif.com/msgspec/supported-types.html, constraints.html). What is none of these is shown as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from hutong.core.errors import clipped
from hutong.web.labels import mark
from hutong.web.told import Told

#: Litestar's key for a body as a whole.
BODY: Final = "data"
#: Said of a parameter that did not come.
MISSING: Final = "Missing"
_TYPES: Final = {
    "int": mark("整数"),
    "float": mark("数字"),
    "str": mark("文字"),
    "bool": mark("逻辑值（true 或 false）"),
    "null": mark("空值 null"),
    "array": mark("列表"),
    "object": mark("对象"),
    "uuid": mark("编号（UUID）"),
    "datetime": mark("带时区的时间，例如 2026-01-31T08:00:00+08:00"),
    "date": mark("日期，例如 2026-01-31"),
    "decimal": mark("十进制数字"),
}
#: What came where something else was expected has a fraction, or it would have done.
_CAME: Final = {**_TYPES, "float": mark("小数")}
#: msgspec's ``Invalid …`` -> what it should have been.
_INVALID: Final = {
    "Invalid UUID": "uuid",
    "Invalid RFC3339 encoded datetime": "datetime",
    "Invalid RFC3339 encoded date": "date",
    "Invalid decimal string": "decimal",
}
_KINDS: Final = re.compile(r"Expected `([^`]+)`(?:, got `([^`]+)`)?")
_BOUND: Final = re.compile(r"Expected `([^`]+)` (of length )?(<=|>=|<|>)? ?(-?[\d.]+)")
_BOUNDS: Final = {
    "<=": mark("不大于 %(limit)s 的%(kind)s"),
    ">=": mark("不小于 %(limit)s 的%(kind)s"),
    "<": mark("小于 %(limit)s 的%(kind)s"),
    ">": mark("大于 %(limit)s 的%(kind)s"),
}
_LENGTHS: Final = {
    "<=": mark("%(kind)s，长度不超过 %(limit)s"),
    ">=": mark("%(kind)s，长度至少 %(limit)s"),
    "": mark("%(kind)s，长度为 %(limit)s"),
}
_MISSING: Final = re.compile(r"Object missing required field `([^`]+)`")
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)


def unfit(key: str, message: str) -> tuple[str, str]:
    """The field's path (``BODY`` for a body as a whole) and what is wrong with it.

    ``key``: where Litestar says that it is; ``message``: msgspec's without its path, or ``MISSING``.
    """
    field = clipped(key)
    if match := _MISSING.fullmatch(message):
        return _inside(key, match[1]), Told(mark("必须填写"))
    if match := _UNKNOWN.fullmatch(message):
        return _inside(key, clipped(match[1])), Told(mark("没有这一项"))
    if message.startswith("Invalid enum value"):
        return field, Told(mark("不是可以选的值"))
    if message in _INVALID:
        return field, Told(mark("应为%(expected)s"), expected=_kind(_INVALID[message]))
    if message == "Expected `datetime` with a timezone component":
        return field, Told(mark("应为%(expected)s"), expected=_kind("datetime"))
    if match := _BOUND.fullmatch(message):
        return field, Told(mark("应为%(expected)s"), expected=_bounded(*match.groups()))
    if match := _KINDS.fullmatch(message):
        expected = _kind(match[1])
        if match[2] is None:
            return field, Told(mark("应为%(expected)s"), expected=expected)
        return field, Told(mark("应为%(expected)s，收到的是%(got)s"), expected=expected, got=_kind(match[2], _CAME))
    if message in {MISSING, "'data'"}:  # the latter where Litestar found no body
        return field, Told(mark("必须填写"))
    return field, clipped(message)


def place_of(field: str) -> str:
    """A field as a sentence names it."""
    return Told(mark("请求内容")) if field == BODY else field


def _inside(key: str, name: str) -> str:
    return name if key == BODY else clipped(f"{key}.{name}")


def _bounded(kind: str, is_length: str | None, sign: str | None, limit: str) -> str:
    template = _LENGTHS.get(sign or "") if is_length else _BOUNDS.get(sign or "")
    return Told(template, kind=_kind(kind), limit=limit) if template else clipped(f"{kind} {sign or ''} {limit}")


def _kind(names: str, words: Mapping[str, str] = _TYPES) -> str:
    """A type as people call it; ``int | null`` is one or the other."""
    parts = [Told(words[name]) if name in words else clipped(name) for name in names.split(" | ")]
    told = parts[0]
    for part in parts[1:]:
        told = Told(mark("%(left)s或%(right)s"), left=told, right=part)
    return told
