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
    assert days_between("2026-13-01", "yesterday", SHANGHAI) == (None, None)


def test_days_outside_of_the_calendar_are_its_ends():
    """Whatever they are, they are moments in every zone and for the database."""
    everything = (day(1900, 1, 1), day(2200, 1, 1))
    assert days_between("0001-01-01", "9999-12-31", SHANGHAI) == everything
    assert days_between("1900-01-01", "2199-12-31", SHANGHAI) == everything
    nothing = days_between("9999-12-31", "0001-01-01", SHANGHAI)
    assert nothing == (day(2199, 12, 31), day(1900, 1, 2))


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-02-30", "٣", "0001-01-01", "1899-12-31", "2200-01-01", "9999-12-31"]
)
def test_what_is_no_day(text):
    assert day_of(text) is None
    assert day_of(" 2026-02-28 ") == date(2026, 2, 28)
