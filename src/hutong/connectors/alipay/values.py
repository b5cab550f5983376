"""Amounts and times as Alipay writes them: yuan with two decimals, Chinese local time without a zone."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Final

import msgspec

from hutong.core.errors import InvalidAmount, InvalidInput
from hutong.core.money import Money

BEIJING: Final = timezone(timedelta(hours=8))
_YUAN: Final = re.compile(r"[0-9]{1,11}(\.[0-9]{1,2})?")
_NUMBER: Final = re.compile(r"[0-9A-Za-z_]{1,64}")
_MOMENT: Final = re.compile(r"[0-9]{4}(-[0-9]{2}){2} [0-9]{2}(:[0-9]{2}){2}(\.[0-9]{1,6})?")


def yuan(amount: Money) -> str:
    """An amount for the wire.

    Raises:
        InvalidInput: it is not CNY, or not positive.
    """
    if amount.currency != "CNY" or amount.amount_minor <= 0:
        raise InvalidInput(field="amount", problem="CNY > 0")
    return amount.decimal_text()


def money(text: str) -> Money:
    """An amount of the wire, exactly.

    Raises:
        InvalidAmount: it is no plain amount of at most two decimals.
    """
    if not _YUAN.fullmatch(text):
        raise InvalidAmount(value=text)
    return Money.parse(text)


def money_of(raw: msgspec.Raw) -> Money:
    """An amount that some answers write as a JSON number: read from its text, never through a floating number."""
    return money(bytes(raw).decode().strip('"'))


def wire_time(moment: datetime) -> str:
    """Whole seconds of Chinese local time."""
    return moment.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def moment(text: str) -> datetime:
    """A time of the wire; fractions of a second are dropped.

    Raises:
        ValueError: it is none.
    """
    if not _MOMENT.fullmatch(text):
        raise ValueError("not a time")
    return datetime.strptime(text[:19], "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING)


def moment_or_none(text: str) -> datetime | None:
    """A time that may be absent."""
    return moment(text) if text else None


def number(value: str, field: str) -> str:
    """One of our numbers, in the alphabet that Alipay takes.

    Raises:
        InvalidInput: another length or character.
    """
    if not _NUMBER.fullmatch(value):
        raise InvalidInput(field=field, problem="1-64: 0-9 A-Z a-z _")
    return value
