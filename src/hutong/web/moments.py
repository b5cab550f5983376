"""Moments and days that people and programs name: only those that every calendar and the database can reckon with."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Final

from hutong.core.errors import InvalidInput
from hutong.web.labels import mark
from hutong.web.told import Told

#: No shop's trade is older, and none is planned further ahead. Within them a day more, a day less or another time zone
#: is still a moment for Python and PostgreSQL.
DAY_FIRST: Final = date(1900, 1, 1)
DAY_LAST: Final = date(2199, 12, 31)
MOMENT_FIRST: Final = datetime(1900, 1, 1, tzinfo=UTC)
MOMENT_END: Final = datetime(2200, 1, 1, tzinfo=UTC)


def aware(moment: datetime | None, field: str) -> datetime | None:
    """A moment of a request, or none.

    Raises:
        InvalidInput: it does not say its time zone, or lies outside of the years 1900 to 2199.
    """
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise InvalidInput(
            field=field,
            problem=Told(
                mark("%(given)s 没有写明时区，应写作例如 2026-01-31T08:00:00+08:00"), given=moment.isoformat()
            ),
        )
    if not MOMENT_FIRST <= moment < MOMENT_END:
        raise InvalidInput(
            field=field,
            problem=Told(
                mark("%(given)s 不在 %(first)s 年至 %(last)s 年之间"),
                given=moment.isoformat(),
                first=DAY_FIRST.year,
                last=DAY_LAST.year,
            ),
        )
    return moment
