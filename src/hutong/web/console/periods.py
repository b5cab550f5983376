"""Periods of the merchant's calendar: named ones, and days that somebody picked."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from hutong.web.moments import DAY_FIRST, DAY_LAST

#: Named periods in the order they are offered.
PERIODS: Final = ("7d", "30d", "month", "last_month", "all")
PERIOD_DEFAULT: Final = "30d"
_DAYS: Final = {"7d": 7, "30d": 30}


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """``[since, until)``; an open end is None. ``days``: whole days up to today, None where it has no beginning."""

    name: str
    since: datetime | None = None
    until: datetime | None = None
    days: int | None = None


def named_period(name: str, now: datetime, zone: ZoneInfo) -> Period:
    """A named period as of now; an unknown name is the default one."""
    name = name if name in PERIODS else PERIOD_DEFAULT
    today = now.astimezone(zone).date()
    first = today.replace(day=1)
    if name in _DAYS:
        days = _DAYS[name]
        return Period(name=name, since=midnight(today - timedelta(days=days - 1), zone), days=days)
    if name == "month":
        return Period(name=name, since=midnight(first, zone), days=today.day)
    if name == "last_month":
        before = (first - timedelta(days=1)).replace(day=1)
        return Period(name=name, since=midnight(before, zone), until=midnight(first, zone), days=(first - before).days)
    return Period(name=name)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The first moment of a day in the merchant's zone."""
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def day_of(text: str) -> date | None:
    """A day as a date field sends it; anything else, and what lies outside of the calendar, is no day."""
    day = _read(text)
    return day if day is not None and DAY_FIRST <= day <= DAY_LAST else None


def _read(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None


def days_between(first: str, last: str, zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
    """``[since, until)`` of two picked days, both included; an empty field is an open end. A day outside of the
    calendar is taken for its first or last one: a list narrowed by it shows what the visitor means.
    """
    since, until = (None if day is None else min(max(day, DAY_FIRST), DAY_LAST) for day in (_read(first), _read(last)))
    return (
        None if since is None else midnight(since, zone),
        None if until is None else midnight(until + timedelta(days=1), zone),
    )
