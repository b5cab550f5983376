"""The suite's checks of alliances on alliances that are wrong: each must fail its check."""

import datetime as dt

import msgspec
import pytest

from hutong.core.errors import HutongError
from hutong.platforms.conformance import behaviour, promotions
from hutong.platforms.jump_links import MARK_CHARS_MAX, PromotedPage, PromotedStatus


class Wrapped:
    """Links that are right, but for what a subclass gets wrong."""

    def __init__(self, inner):
        self._inner = inner

    def __getattr__(self, name):
        return getattr(self._inner, name)


class CutsMarks(Wrapped):
    async def make(self, account, promotion):
        cut = msgspec.structs.replace(promotion, mark=promotion.mark[: MARK_CHARS_MAX - 1])
        made = await self._inner.make(account, cut)
        return msgspec.structs.replace(made, told_as=promotion.mark)


class TellsAnother(Wrapped):
    async def make(self, account, promotion):
        return msgspec.structs.replace(await self._inner.make(account, promotion), told_as="1")


class NoPage(Wrapped):
    async def make(self, account, promotion):
        return msgspec.structs.replace(await self._inner.make(account, promotion), url="http://u.jd.com/a")


class TakesOddMarks(Wrapped):
    async def make(self, account, promotion):
        plain = "".join(char for char in promotion.mark if char.isascii() and char.isalnum())[:MARK_CHARS_MAX]
        return await self._inner.make(account, msgspec.structs.replace(promotion, mark=plain or "0"))


class TakesAnyWindow(Wrapped):
    async def changed(self, account, start, end, cursor):
        return await self._inner.changed(account, end - dt.timedelta(minutes=1), end, cursor)


def _with(**changes):
    class Changed(Wrapped):
        async def changed(self, account, start, end, cursor):
            page = await self._inner.changed(account, start, end, cursor)
            return msgspec.structs.replace(
                page,
                lines=tuple(
                    msgspec.structs.replace(line, **{name: make(line) for name, make in changes.items()})
                    for line in page.lines
                ),
            )

    return Changed


class TellsTwice(Wrapped):
    async def changed(self, account, start, end, cursor):
        page = await self._inner.changed(account, start, end, cursor)
        return msgspec.structs.replace(page, lines=page.lines * 2)


class NothingWhenUnclear(Wrapped):
    async def changed(self, account, start, end, cursor):
        try:
            return await self._inner.changed(account, start, end, cursor)
        except HutongError:
            return PromotedPage(lines=(), next_cursor=None)


WRONG = {
    "cuts marks": (CutsMarks, promotions.marks_come_back),
    "tells another mark": (TellsAnother, promotions.marks_come_back),
    "gives no page": (NoPage, promotions.marks_come_back),
    "takes odd marks": (TakesOddMarks, promotions.odd_marks_are_refused),
    "takes any window": (TakesAnyWindow, promotions.windows_of_promoted_are_kept),
    "paid by default": (
        _with(status=lambda line: PromotedStatus.PAID),
        promotions.unknown_promoted_statuses_are_pending,
    ),
    "float ids": (
        _with(order_no=lambda line: str(int(float(line.order_no)))),
        promotions.unknown_promoted_statuses_are_pending,
    ),
    "own words only": (_with(raw_status=lambda line: "pending"), promotions.unknown_promoted_statuses_are_pending),
    "no line ids": (_with(line_id=lambda line: ""), promotions.unknown_promoted_statuses_are_pending),
    "naive times": (
        _with(changed_at=lambda line: line.changed_at.replace(tzinfo=None)),
        promotions.unknown_promoted_statuses_are_pending,
    ),
    "tells twice": (TellsTwice, promotions.unknown_promoted_statuses_are_pending),
    "nothing when unclear": (NothingWhenUnclear, behaviour.unreadable_answers_are_unknown),
    "throttled is nothing": (NothingWhenUnclear, behaviour.throttling_is_named),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_alliance_is_found(name, cases):
    wrong, check = WRONG[name]
    case = cases("jd_alliance")
    check(case)
    connector = msgspec.structs.replace(case.connector, jump_links=wrong(case.connector.jump_links))
    with pytest.raises(AssertionError):
        check(msgspec.structs.replace(case, connector=connector))
