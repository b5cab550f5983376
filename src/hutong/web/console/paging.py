"""Pages of long lists: how many rows, where the neighbours are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

import msgspec

PAGE_ROWS: Final = 30
#: Beyond this page a filter finds things faster than turning pages; it bounds what the database skips.
PAGE_NUMBER_MAX: Final = 2000


class Paging(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows of how many are shown, and links to the neighbours (empty where there is none)."""

    first: int
    last: int
    total: int
    previous_href: str
    next_href: str


def page_offset(page: int) -> int:
    """Rows before a page; page numbers out of range are brought into it."""
    return (min(max(page, 1), PAGE_NUMBER_MAX) - 1) * PAGE_ROWS


def paging(path: str, kept: Mapping[str, str], *, page: int, total: int, shown: int) -> Paging:
    """The paging of a list; ``kept`` are filters that the neighbours keep."""
    offset = page_offset(page)
    number = offset // PAGE_ROWS + 1
    has_next = offset + shown < total and number < PAGE_NUMBER_MAX
    return Paging(
        first=offset + 1 if shown else 0,
        last=offset + shown,
        total=total,
        previous_href=_href(path, kept, number - 1) if number > 1 else "",
        next_href=_href(path, kept, number + 1) if has_next else "",
    )


def _href(path: str, kept: Mapping[str, str], page: int) -> str:
    query = {key: value for key, value in kept.items() if value}
    if page > 1:
        query["page"] = str(page)
    return f"{path}?{urlencode(query)}" if query else path
