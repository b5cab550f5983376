"""Moments and days that people and programs name: only those that every calendar and the database can reckon with."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Final

from hutong.core.errors import InvalidInput

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
    if moment is not None and (moment.tzinfo is None or not MOMENT_FIRST <= moment < MOMENT_END):
        raise InvalidInput(field=field, problem=moment.isoformat())
    return moment
