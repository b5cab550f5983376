"""Exact money: integers of minor units with their currency, and exact ways to share a sum."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation, localcontext
from typing import Final, Self

import msgspec

from hutong.core.errors import CurrencyMismatch, InvalidAmount

#: Decimal places of the minor unit (ISO 4217). CNY: 100 fen to the yuan.
MINOR_DIGITS: Final[dict[str, int]] = {
    "AUD": 2, "CAD": 2, "CNY": 2, "EUR": 2, "GBP": 2, "HKD": 2, "JPY": 0, "KRW": 0,
    "MOP": 2, "SGD": 2, "THB": 2, "TWD": 2, "USD": 2,
}  # fmt: skip
#: What a PostgreSQL bigint holds; an amount beyond it is a mistake, not a sale.
AMOUNT_MINOR_MAX: Final = 2**63 - 1
#: A thousand million yuan: the most that a price, a limit or a sum somebody types may be. A hundred such still fit.
SUM_MINOR_MAX: Final = 10**11
BPS_WHOLE: Final = 10_000
#: Of a number that somebody wrote. Sums of millions with all the decimals of a spreadsheet have half as many; Python
#: refuses to turn thousands of digits into an integer.
DECIMAL_CHARS_MAX: Final = 60


class Money(msgspec.Struct, frozen=True, order=False):
    """An amount in minor units (fen for CNY) with its ISO 4217 currency. May be negative."""

    amount_minor: int
    currency: str = "CNY"

    def __post_init__(self) -> None:
        if type(self.amount_minor) is not int or abs(self.amount_minor) > AMOUNT_MINOR_MAX:
            raise InvalidAmount(value=repr(self.amount_minor))
        if self.currency not in MINOR_DIGITS:
            raise InvalidAmount(value=self.currency)

    @classmethod
    def fen(cls, amount_fen: int) -> Self:
        """Chinese money from an integer of fen."""
        return cls(amount_fen, "CNY")

    @classmethod
    def parse(cls, text: str, currency: str = "CNY") -> Self:
        """Read plain decimal text in major units, e.g. ``"12.30"``; finer than a minor unit is refused."""
        exact = decimal_of(text).scaleb(MINOR_DIGITS[currency])
        if exact != exact.to_integral_value():
            raise InvalidAmount(value=text)
        return cls(int(exact), currency)

    def __add__(self, other: Money) -> Money:
        self._same_currency(other)
        return Money(self.amount_minor + other.amount_minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same_currency(other)
        return Money(self.amount_minor - other.amount_minor, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.amount_minor, self.currency)

    def times(self, count: int) -> Money:
        """This amount ``count`` times."""
        return Money(self.amount_minor * count, self.currency)

    def decimal_text(self) -> str:
        """Plain decimal text in major units: ``"-12.30"``; no symbol, no grouping."""
        digits = MINOR_DIGITS[self.currency]
        return f"{Decimal(self.amount_minor).scaleb(-digits):.{digits}f}"

    def _same_currency(self, other: Money) -> None:
        if other.currency != self.currency:
            raise CurrencyMismatch(left=self.currency, right=other.currency)


def decimal_of(text: str) -> Decimal:
    """Read a plain decimal number; exponents, NaN and infinities are refused (they are spreadsheet damage)."""
    cleaned = text.strip()
    if not cleaned or len(cleaned) > DECIMAL_CHARS_MAX or any(c not in "0123456789.-+" for c in cleaned):
        raise InvalidAmount(value=text[:DECIMAL_CHARS_MAX])
    try:
        return Decimal(cleaned)
    except InvalidOperation as error:
        raise InvalidAmount(value=text) from error


def round_half_up(numerator: int, denominator: int) -> int:
    """The integer nearest to ``numerator / denominator``; halves go away from zero, as wallets round fees."""
    if denominator <= 0:
        raise InvalidAmount(value=str(denominator))
    sign = -1 if numerator < 0 else 1
    return sign * ((2 * abs(numerator) + denominator) // (2 * denominator))


def share_bps(amount_minor: int, rate_bps: int) -> int:
    """``rate_bps`` hundredths of a per cent of an amount, rounded half-up to the minor unit."""
    return round_half_up(amount_minor * rate_bps, BPS_WHOLE)


def minor_half_up(value: Decimal, currency: str) -> int:
    """Minor units of an exact decimal in major units, rounded half-up (for sums finer than a minor unit)."""
    with localcontext() as context:
        context.prec = 60
        numerator, denominator = (value * (10 ** MINOR_DIGITS[currency])).as_integer_ratio()
    return round_half_up(numerator, denominator)


def allocate(amount_minor: int, weights: Sequence[int]) -> list[int]:
    """Share an amount by weights with the largest-remainder method; the parts add up to the amount exactly.

    Ties go to the earlier part. A negative amount is shared as its positive mirror, so that a refund
    undoes a sale part by part.
    """
    total = sum(weights)
    if not weights or total <= 0 or min(weights) < 0:
        raise InvalidAmount(value=repr(list(weights)))
    size = abs(amount_minor)
    sign = -1 if amount_minor < 0 else 1
    parts = [size * weight // total for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(size * weights[i] % total), i))
    for i in by_remainder[: size - sum(parts)]:
        parts[i] += 1
    return [sign * part for part in parts]
