"""Reads the arguments of a call: each rule with its limit."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

from hutong_sandbox.http import Json
from hutong_sandbox.taobao.accounts import Shop
from hutong_sandbox.taobao.errors import invalid, missing
from hutong_sandbox.taobao.trades import CHINA, TIME_FORMAT

PAGE_ROWS: Final = 40
PAGE_ROWS_MAX: Final = 100
FIELDS_MAX: Final = 300


class Arguments(msgspec.Struct, frozen=True, kw_only=True):
    """What one verified call asks."""

    method: str
    arguments: Mapping[str, str]

    def text(self, name: str) -> str:
        """A required argument."""
        value = self.arguments.get(name, "")
        if not value:
            raise missing(name)
        return value

    def number(self, name: str, default: int | None = None, *, low: int, high: int) -> int:
        """A whole number within limits."""
        given = self.arguments.get(name, "")
        if not given:
            if default is None:
                raise missing(name)
            return default
        digits = given.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) < 20 and low <= int(given) <= high):
            raise invalid(name, f"{low}..{high}")
        return int(given)

    def flag(self, name: str) -> bool:
        """``true`` or nothing."""
        return self.arguments.get(name, "").lower() == "true"

    def moment(self, name: str) -> datetime | None:
        """A Chinese time as text, if given."""
        given = self.arguments.get(name, "")
        if not given:
            return None
        try:
            return datetime.strptime(given, TIME_FORMAT).replace(tzinfo=CHINA)
        except ValueError:
            raise invalid(name, TIME_FORMAT) from None

    def required_moment(self, name: str) -> datetime:
        """A required Chinese time."""
        moment = self.moment(name)
        if moment is None:
            raise missing(name)
        return moment

    def page(self) -> tuple[int, int]:
        """Page number (from 1) and rows on a page."""
        page_no = self.number("page_no", 1, low=1, high=1_000_000)
        return page_no, self.number("page_size", PAGE_ROWS, low=1, high=PAGE_ROWS_MAX)

    def fields(self) -> set[str]:
        """The field names asked for."""
        names = {name.strip() for name in self.text("fields").split(",")} - {""}
        if not names or len(names) > FIELDS_MAX:
            raise invalid("fields", f"1..{FIELDS_MAX}")
        return names


class Call(Arguments, frozen=True, kw_only=True):
    """A shop's call. ``shop`` is the session's; methods without session get the app's."""

    shop: Shop


def picked(row: Json, fields: set[str]) -> Json:
    """Only the fields that were asked for: ``orders`` means the whole lines, ``orders.oid`` a part of each."""
    chosen: Json = {name: value for name, value in row.items() if name in fields}
    inner = {name.removeprefix("orders.") for name in fields if name.startswith("orders.")}
    if inner and "orders" not in fields and "orders" in row:
        lines = [{k: v for k, v in line.items() if k in inner} for line in row["orders"]["order"]]
        chosen["orders"] = {"order": lines}
    return chosen
