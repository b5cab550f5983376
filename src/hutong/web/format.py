"""Figures, money and times as people read them, by CLDR rules (Babel)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale as CldrLocale
from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal, get_currency_symbol

from hutong.core.money import BPS_WHOLE, MINOR_DIGITS, Money
from hutong.web.i18n.locales import BABEL_NAMES, Locale

DEFAULT_ZONE: Final = ZoneInfo("Asia/Shanghai")
#: Shown for a value that does not exist (no visits yet: no conversion rate).
NOTHING: Final = "–"
#: Both yuan and yen are written ¥ somewhere; here it is always the yuan.
_SYMBOLS: Final = {"CNY": "¥", "JPY": "JP¥"}
_MONTH_PATTERNS: Final[dict[Locale, str]] = {"zh-Hans": "yyyy年M月", "zh-Hant": "yyyy年M月", "en": "MMM yyyy"}
_DAY_PATTERNS: Final[dict[Locale, str]] = {"zh-Hans": "M月d日", "zh-Hant": "M月d日", "en": "d MMM"}


def zone_of(name: str) -> ZoneInfo:
    """The merchant's time zone; an unknown name reads as China's."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return DEFAULT_ZONE


class Formats:
    """The formats of one language and one time zone."""

    def __init__(self, locale: Locale, zone: ZoneInfo = DEFAULT_ZONE) -> None:
        self.locale = locale
        self.zone = zone
        self._cldr = CldrLocale.parse(BABEL_NAMES[locale])

    def money(self, amount: Money) -> str:
        """``¥1,234.50``; a minus stands before the symbol."""
        digits = MINOR_DIGITS[amount.currency]
        pattern = "#,##0" + ("." + "0" * digits if digits else "")
        size = Decimal(abs(amount.amount_minor)).scaleb(-digits)
        sign = "-" if amount.amount_minor < 0 else ""
        return f"{sign}{self.symbol(amount.currency)}{format_decimal(size, format=pattern, locale=self._cldr)}"

    def minor(self, amount_minor: int, currency: str) -> str:
        """:meth:`money` of an amount that is no ``Money`` yet."""
        return self.money(Money(amount_minor, currency))

    def plain(self, amount_minor: int, currency: str) -> str:
        """For a field of a form: ``500.00``, no symbol, no grouping."""
        return Money(amount_minor, currency).decimal_text()

    def symbol(self, currency: str) -> str:
        """``¥`` for the yuan."""
        return _SYMBOLS.get(currency) or get_currency_symbol(currency, locale=self._cldr)

    def unit_price(self, price: Decimal, currency: str) -> str:
        """A price in major units that may be finer than a minor unit: all its digits, at least the usual ones."""
        digits = MINOR_DIGITS[currency]
        pattern = "#,##0" + ("." + "0" * digits if digits else ".") + "#" * 4
        sign = "-" if price < 0 else ""
        return f"{sign}{self.symbol(currency)}{format_decimal(abs(price), format=pattern, locale=self._cldr)}"

    def number(self, value: int) -> str:
        """A whole number with its thousands grouped."""
        return format_decimal(value, format="#,##0", locale=self._cldr)

    def signed(self, value: int) -> str:
        """A change of a figure, always with its sign; no change is a plain 0."""
        return f"+{self.number(value)}" if value > 0 else self.number(value)

    def per_cent(self, part: int, whole: int, digits: int = 1) -> str:
        """``part / whole`` in per cent, rounded half to even; NOTHING where there is no whole."""
        if whole == 0:
            return NOTHING
        share = (Decimal(part) * 100 / Decimal(whole)).quantize(Decimal(1).scaleb(-digits))
        pattern = "#,##0" + ("." + "0" * digits if digits else "")
        return f"{format_decimal(share, format=pattern, locale=self._cldr)}%"

    def rate(self, rate_bps: int) -> str:
        """A measured share in hundredths of a per cent, to a tenth: 1234 is ``12.3%``."""
        return self.per_cent(rate_bps, BPS_WHOLE)

    def basis_points(self, rate_bps: int) -> str:
        """A rate in hundredths of a per cent, without needless zeros: 60 is ``0.6%``."""
        return f"{format_decimal(Decimal(rate_bps) / 100, format='#,##0.##', locale=self._cldr)}%"

    def hundred(self, currency: str) -> str:
        """A hundred of a currency, as a measure: ``¥100``."""
        return f"{self.symbol(currency)}100"

    def of_hundred(self, rate_bps: int, currency: str) -> str:
        """A rate as what it makes of a hundred: 560 is ``¥5.60``."""
        return self.unit_price(Decimal(rate_bps) / 100, currency)

    def exact(self, major: str, currency: str) -> str:
        """An exact sum in major units, which may be finer than a minor unit, with every digit that it has."""
        size = Decimal(major)
        exponent = size.as_tuple().exponent
        digits = max(MINOR_DIGITS[currency], -exponent if isinstance(exponent, int) else 0)
        pattern = "#,##0" + ("." + "0" * digits if digits else "")
        sign = "-" if size < 0 else ""
        return f"{sign}{self.symbol(currency)}{format_decimal(abs(size), format=pattern, locale=self._cldr)}"

    def plain_rate(self, rate_bps: int) -> str:
        """A rate as a field takes it: a number of per cent without its sign."""
        return f"{Decimal(rate_bps) / 100:f}"

    def moment(self, at: datetime | None) -> str:
        """Date and time to the minute in the merchant's zone."""
        return NOTHING if at is None else self._pattern(at, "yyyy-MM-dd HH:mm")

    def second(self, at: datetime | None) -> str:
        """Date and time to the second in the merchant's zone."""
        return NOTHING if at is None else self._pattern(at, "yyyy-MM-dd HH:mm:ss")

    def date_digits(self, at: datetime) -> str:
        """The date in the merchant's zone, in digits."""
        return self._pattern(at, "yyyy-MM-dd")

    def day_before(self, end_at: datetime) -> str:
        """The last day of a period that ends before this moment, in digits."""
        return self.date_digits(end_at - timedelta(microseconds=1))

    def clock_time(self, at: datetime) -> str:
        """The time of day alone."""
        return self._pattern(at, "HH:mm")

    def day(self, at: datetime | date) -> str:
        """A day in words, without the year."""
        day = at.astimezone(self.zone).date() if isinstance(at, datetime) else at
        return format_date(day, format=_DAY_PATTERNS[self.locale], locale=self._cldr)

    def month(self, first_day: date) -> str:
        """A month in words with its year."""
        return format_date(first_day, format=_MONTH_PATTERNS[self.locale], locale=self._cldr)

    def _pattern(self, at: datetime, pattern: str) -> str:
        return format_datetime(at, format=pattern, tzinfo=self.zone, locale=self._cldr)
