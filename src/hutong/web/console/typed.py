"""What people typed into a form, read. A refusal names the field as the form does, shows sums as people write them, and
gives the reason that applies. ``label``: the field's text on the form, in the source language.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Final

from hutong.core.errors import ErrorText, InvalidAmount, InvalidInput, clipped
from hutong.core.money import BPS_WHOLE, MINOR_DIGITS, SUM_MINOR_MAX, Money, decimal_of
from hutong.web.console.periods import day_of
from hutong.web.format import Formats
from hutong.web.i18n import DEFAULT_LOCALE
from hutong.web.labels import mark
from hutong.web.told import Told

#: Whole units of the sum that shows how one is written.
EXAMPLE_UNITS: Final = 12
EXAMPLE_PART: Final = 30
_UNITS: Final = {"CNY": mark("元")}
_FORMATS: Final = Formats(DEFAULT_LOCALE)


class FieldBlank(InvalidInput):
    """A field that is needed was left empty."""

    code = "field_blank"
    zh = ErrorText("“{label}”没有填写。", "这一项不能空着。", "请填好“{label}”再提交。")
    en = ErrorText("“{label}” is empty.", "This field is needed.", "Fill in “{label}” and send the form again.")


class AmountUnreadable(InvalidInput):
    """A field for a sum holds something else."""

    code = "amount_unreadable"
    zh = ErrorText(
        "“{label}”填的“{value}”不是金额。",
        "金额只用数字和一个小数点，最多 {decimals} 位小数，不带逗号、单位和货币符号。",
        "请按{unit}填写，例如 {example}。",
    )
    en = ErrorText(
        "“{value}” in “{label}” is no amount.",
        "An amount has digits and one point, {decimals} decimals at most, and no comma, unit or currency sign.",
        "Write it in {unit}, for example {example}.",
    )


class AmountOutside(InvalidInput):
    """A sum is out of its bounds; ``told`` says which bound, ``reason`` why it is there."""

    code = "amount_outside"
    zh = ErrorText("“{label}”里的金额{told}。", "{reason}。", "请按{unit}填写，例如 {example}。")
    en = ErrorText("The amount in “{label}” {told}.", "{reason}.", "Write it in {unit}, for example {example}.")


class RateUnreadable(InvalidInput):
    """A field for a rate holds something else."""

    code = "rate_unreadable"
    zh = ErrorText(
        "“{label}”填的“{value}”不能用。",
        "这里要填百分数：{least} 到 100，最多两位小数。",
        "例如填 12.5，就是百分之十二点五。",
    )
    en = ErrorText(
        "“{value}” in “{label}” cannot be used.",
        "This is a number of per cent: {least} to 100, two decimals at most.",
        "12.5, for example, is twelve and a half per cent.",
    )


class CountUnreadable(InvalidInput):
    """A field for a whole number holds something else, or one out of its bounds."""

    code = "count_unreadable"
    zh = ErrorText("“{label}”填的“{value}”不能用。", "这里要填 {least} 到 {most} 的整数。", "例如填 {example}。")
    en = ErrorText(
        "“{value}” in “{label}” cannot be used.",
        "This is a whole number from {least} to {most}.",
        "Write {example}, for example.",
    )


class ChoiceUnknown(InvalidInput):
    """What was chosen is not among the choices."""

    code = "choice_unknown"
    zh = ErrorText(
        "“{label}”选的不在可选的范围里。", "页面可能是旧的，选项已经变了。", "请重新打开页面，再选一次“{label}”。"
    )
    en = ErrorText(
        "What was chosen in “{label}” cannot be chosen.",
        "The page may be old and the choices other ones by now.",
        "Open the page anew and choose “{label}” again.",
    )


class DayUnreadable(InvalidInput):
    """A field for a day holds something else, or one out of its bounds."""

    code = "day_unreadable"
    zh = ErrorText("“{label}”填的“{value}”不能用。", "这里要填 {first} 到 {last} 之间的日期。", "例如填 {last}。")
    en = ErrorText(
        "“{value}” in “{label}” cannot be used.", "This is a day from {first} to {last}.", "Write {last}, for example."
    )


class TextTooLong(InvalidInput):
    """A field for words holds more than is kept."""

    code = "text_too_long"
    zh = ErrorText("“{label}”写得太长。", "这里最多 {most} 个字，现在有 {count} 个。", "请写短一点再提交。")
    en = ErrorText(
        "“{label}” is too long.", "It takes {most} characters, and has {count}.", "Shorten it and send again."
    )


def typed_day(text: str, label: str, first: date, last: date) -> date:
    """A day as a date field sends it, both bounds included.

    Raises:
        FieldBlank, DayUnreadable.
    """
    if not text.strip():
        raise FieldBlank(label=Told(label))
    day = day_of(text)
    if day is None or not first <= day <= last:
        value = clipped(text.strip())
        raise DayUnreadable(label=Told(label), value=value, first=first.isoformat(), last=last.isoformat())
    return day


def typed_words(text: str, label: str, most: int, *, may_be_blank: bool = False) -> str:
    """A line of words, without blanks at its ends.

    Raises:
        FieldBlank, TextTooLong.
    """
    plain = text.strip()
    if not plain and not may_be_blank:
        raise FieldBlank(label=Told(label))
    if len(plain) > most:
        raise TextTooLong(label=Told(label), most=most, count=len(plain))
    return plain


def typed_amount(text: str, label: str, currency: str, *, may_be_zero: bool = False) -> Money:
    """A sum in major units: more than nothing (or not less), and no more than a shop could mean.

    Raises:
        FieldBlank, AmountUnreadable, AmountOutside.
    """
    if not text.strip():
        raise FieldBlank(label=Told(label))
    try:
        exact = decimal_of(text).scaleb(MINOR_DIGITS[currency])
    except InvalidAmount:
        exact = None
    if exact is None or exact != exact.to_integral_value():
        value, decimals = clipped(text.strip()), MINOR_DIGITS[currency]
        raise AmountUnreadable(label=Told(label), value=value, decimals=decimals, **how_to_write(currency))
    value = Told(mark("填的是 %(value)s"), value=clipped(text.strip()))
    if exact < 0 or (exact == 0 and not may_be_zero):
        bound = mark("不能小于 %(bound)s") if may_be_zero else mark("要大于 %(bound)s")
        raise amount_outside(label, bound, Money(0, currency), value)
    if exact > SUM_MINOR_MAX:
        raise amount_outside(label, mark("不能超过 %(bound)s"), Money(SUM_MINOR_MAX, currency), value)
    return Money(int(exact), currency)


def amount_outside(label: str, bound_text: str, bound: Money, reason: Told) -> AmountOutside:
    """The refusal of a sum: ``bound_text`` has a place for the ``bound``."""
    told = Told(bound_text, bound=money_text(bound))
    return AmountOutside(label=Told(label), told=told, reason=reason, **how_to_write(bound.currency))


def money_text(amount: Money) -> str:
    """A sum as pages show it."""
    return _FORMATS.money(amount)


def how_to_write(currency: str) -> dict[str, str]:
    """The unit of a field for sums, and how one is written in it."""
    example = Decimal(EXAMPLE_UNITS)
    if MINOR_DIGITS[currency]:
        example += Decimal(EXAMPLE_PART).scaleb(-MINOR_DIGITS[currency])
    unit = Told(_UNITS[currency]) if currency in _UNITS else currency
    return {"unit": unit, "example": str(example)}


def typed_rate(text: str, label: str, *, may_be_zero: bool = True) -> int:
    """Hundredths of a per cent of a number of per cent: ``"12.5"`` is 1250.

    Raises:
        FieldBlank, RateUnreadable.
    """
    if not text.strip():
        raise FieldBlank(label=Told(label))
    least_bps = 0 if may_be_zero else 1
    try:
        exact = decimal_of(text.strip().removesuffix("%")) * (BPS_WHOLE // 100)
    except InvalidAmount:
        exact = None
    if exact is None or exact != exact.to_integral_value() or not least_bps <= exact <= BPS_WHOLE:
        least = _FORMATS.plain_rate(least_bps) if least_bps else "0"
        raise RateUnreadable(label=Told(label), value=clipped(text.strip()), least=least)
    return int(exact)


def typed_count(text: str, label: str, least: int, most: int, example: int) -> int:
    """A whole number within bounds.

    Raises:
        FieldBlank, CountUnreadable.
    """
    plain = text.strip()
    if not plain:
        raise FieldBlank(label=Told(label))
    is_number = plain.isascii() and plain.isdigit() and len(plain) <= len(str(most))
    if not is_number or not least <= int(plain) <= most:
        raise CountUnreadable(label=Told(label), value=clipped(plain), least=least, most=most, example=example)
    return int(plain)
