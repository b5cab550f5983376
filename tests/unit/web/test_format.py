"""Money, figures and times as people read them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from hutong.core.money import Money
from hutong.web.format import DEFAULT_ZONE, NOTHING, Formats
from hutong.web.render import Renderer


@pytest.mark.parametrize("locale", ["zh-Hans", "zh-Hant", "en"])
@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (Money.fen(0), "¥0.00"),
        (Money.fen(1), "¥0.01"),
        (Money.fen(123_456_789), "¥1,234,567.89"),
        (Money.fen(-5), "-¥0.05"),
        (Money(1500, "JPY"), "JP¥1,500"),
        (Money(938_214, "GBP"), "£9,382.14"),
        (Money.fen(2**62), "¥46,116,860,184,273,879.04"),
    ],
)
def test_money(locale, amount, shown):
    assert Formats(locale).money(amount) == shown


def test_yuan_and_yen_never_look_alike():
    formats = Formats("en")
    assert formats.money(Money.fen(100)) != formats.money(Money(1, "JPY")).replace("1", "1.00")


def test_unit_prices_may_be_finer_than_a_minor_unit():
    formats = Formats("zh-Hans")
    assert formats.unit_price(Decimal("49.900000"), "CNY") == "¥49.90"
    assert formats.unit_price(Decimal("0.001"), "GBP") == "£0.001"
    assert formats.unit_price(Decimal(1500), "JPY") == "JP¥1,500"
    assert formats.unit_price(Decimal("-2.5"), "CNY") == "-¥2.50"


def test_exact_sums_keep_every_digit_they_have():
    formats = Formats("zh-Hans")
    assert formats.exact("2500315.63", "USD") == "US$2,500,315.63"
    assert formats.exact("-1234.5", "GBP") == "-£1,234.50"
    assert formats.exact("1234567890123456789.00000001", "CNY") == "¥1,234,567,890,123,456,789.00000001"
    assert formats.exact("1500", "JPY") == "JP¥1,500"


def test_rates_of_a_hundred_stand_in_the_shops_own_currency():
    assert Formats("zh-Hans").hundred("CNY") == "¥100"
    assert Formats("zh-Hans").of_hundred(560, "CNY") == "¥5.60"
    assert Formats("zh-Hans").of_hundred(560, "USD") == "US$5.60"
    assert Formats("en").of_hundred(1205, "JPY") == "JP¥12.05"


@pytest.mark.parametrize(("locale", "shown"), [("zh-Hans", "67,591 笔"), ("zh-Hant", "67,591 筆"), ("en", "67,591")])
def test_numbers_inside_of_texts_are_grouped_like_all_others(locale, shown):
    """Every page's plural texts come through the same door."""
    environment = Renderer()._make_environment(locale, DEFAULT_ZONE)
    assert shown in environment.from_string('{{ ngettext("%(num)s 笔", "%(num)s 笔", 67591) }}').render()


def test_shares():
    formats = Formats("zh-Hans")
    assert formats.per_cent(1, 3) == "33.3%"
    assert formats.per_cent(0, 7) == "0.0%"
    assert formats.per_cent(5, 0) == NOTHING
    assert formats.per_cent(1, 3, 0) == "33%"
    assert formats.rate(1234) == "12.3%"
    assert formats.basis_points(60) == "0.6%"
    assert formats.basis_points(1000) == "10%"


def test_numbers():
    formats = Formats("en")
    assert formats.number(1_234_567) == "1,234,567"
    assert [formats.signed(n) for n in (3, 0, -1200)] == ["+3", "0", "-1,200"]


def test_times_are_in_the_merchants_zone():
    at = datetime(2026, 11, 22, 16, 5, 9, tzinfo=UTC)
    assert Formats("zh-Hans").moment(at) == "2026-11-23 00:05"
    assert Formats("zh-Hans").second(at) == "2026-11-23 00:05:09"
    assert Formats("zh-Hans").clock_time(at) == "00:05"
    assert Formats("en", ZoneInfo("Europe/London")).moment(at) == "2026-11-22 16:05"
    assert Formats("zh-Hans").date_digits(at) == "2026-11-23"
    assert Formats("zh-Hans").moment(None) == NOTHING
    assert Formats("zh-Hans").second(None) == NOTHING


def test_days_and_months():
    assert Formats("zh-Hans").month(date(2026, 3, 1)) == "2026年3月"
    assert Formats("en").month(date(2026, 3, 1)) == "Mar 2026"
    assert Formats("zh-Hans").day(datetime(2026, 3, 1, 17, 0, tzinfo=UTC)) == "3月2日"
    assert Formats("en").day(date(2026, 3, 1)) == "1 Mar"
