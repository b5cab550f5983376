"""Read what changed at an account, window by window and page by page; the cursor moves with what was read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final, Protocol, TypeVar
from uuid import UUID

import msgspec

from hutong.db.unit import Unit
from hutong.shops.pulls import move_cursor
from hutong.workflows.runtime import Runtime

#: What is left after so many windows is read by the next pull: of windows of twenty minutes that is five days.
WINDOWS_MAX: Final = 400
PAGES_PER_WINDOW_MAX: Final = 10_000


class Page(Protocol):
    """A page of a platform's answer; ``next_cursor`` is None on the last page of the window."""

    @property
    def next_cursor(self) -> str | None:
        """Where the next page begins."""
        ...


PageT = TypeVar("PageT", bound=Page)


class Pulled(msgspec.Struct, frozen=True, kw_only=True):
    """What one pull did. An alliance tells lines of orders: those are what was read there."""

    orders_read: int
    orders_changed: int
    read_until_at: datetime


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """An account's list of changes: the longest window that it takes, and the name of the transactions of its pages."""

    connection_id: UUID
    window_max: timedelta
    label: str


async def pull_windows(
    runtime: Runtime,
    merchant_id: UUID,
    source: Source,
    start: datetime,
    end: datetime,
    ask: Callable[[datetime, datetime, str | None], Awaitable[PageT]],
    take: Callable[[Unit, PageT], Awaitable[tuple[int, int]]],
) -> Pulled:
    """Read ``[start, end)``. ``ask`` gives a page, ``take`` writes it down and says how much it read and changed.

    Raises:
        PlatformFailure, PlatformUnknown: what was read stays; the next pull goes on from there.
    """
    read = changed = 0
    for _ in range(WINDOWS_MAX):
        until = min(end, start + source.window_max)
        window = await _pull_window(runtime, merchant_id, source, start, until, ask, take)
        read, changed = read + window[0], changed + window[1]
        start = until
        if until >= end:
            break
    return Pulled(orders_read=read, orders_changed=changed, read_until_at=start)


async def _pull_window(
    runtime: Runtime,
    merchant_id: UUID,
    source: Source,
    start: datetime,
    until: datetime,
    ask: Callable[[datetime, datetime, str | None], Awaitable[PageT]],
    take: Callable[[Unit, PageT], Awaitable[tuple[int, int]]],
) -> tuple[int, int]:
    """Read and changed in one window. Each page is one transaction; the last one moves the cursor."""
    read = changed = 0
    cursor: str | None = None
    for _ in range(PAGES_PER_WINDOW_MAX):
        page = await ask(start, until, cursor)
        async with runtime.unit(merchant_id, source.label) as unit:
            taken = await take(unit, page)
            if page.next_cursor is None:
                await move_cursor(unit, source.connection_id, until)
        read, changed = read + taken[0], changed + taken[1]
        cursor = page.next_cursor
        if cursor is None:
            break
    return read, changed
