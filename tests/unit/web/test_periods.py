"""Periods of the merchant's calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from hutong.web.console.periods import PERIODS, day_of, days_between, named_period
from hutong.web.labels import LABELS

SHANGHAI = ZoneInfo("Asia/Shanghai")
#: Already the second of March in Shanghai.
NOW = datetime(2026, 3, 1, 17, tzinfo=UTC)


def day(year, month, number):
    return datetime(year, month, number, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("name", "since", "until", "days"),
    [
        ("7d", day(2026, 2, 24), None, 7),
        ("30d", day(2026, 2, 1), None, 30),
        ("month", day(2026, 3, 1), None, 2),
        ("last_month", day(2026, 2, 1), day(2026, 3, 1), 28),
        ("all", None, None, None),
    ],
)
def test_named_periods_are_whole_days_of_the_merchant(name, since, until, days):
    period = named_period(name, NOW, SHANGHAI)
    assert (period.name, period.since, period.until, period.days) == (name, since, until, days)


def test_a_name_nobody_knows_is_the_default():
    assert named_period("ever", NOW, SHANGHAI) == named_period("30d", NOW, SHANGHAI)
    assert set(PERIODS) == set(LABELS["period"])


def test_picked_days_are_both_included():
    assert days_between("2026-03-01", "2026-03-02", SHANGHAI) == (day(2026, 3, 1), day(2026, 3, 3))
    assert days_between("", "2026-02-30", SHANGHAI) == (None, None)
    assert days_between("2026-13-01", "9999-12-31", SHANGHAI) == (None, None)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-02-30", "٣"])
def test_what_is_no_day(text):
    assert day_of(text) is None
    assert day_of(" 2026-02-28 ") == date(2026, 2, 28)
