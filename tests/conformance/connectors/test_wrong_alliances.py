"""The suite's checks of alliances find wrong ones: each wrong connector must fail its check."""

from typing import ClassVar

import msgspec
import pytest

from hutong.platforms.conformance import promotions
from hutong.platforms.jump_links import MARK_CHARS_MAX, PromotedStatus

NAME = "pinduoduo_alliance"


class Wrapped:
    """An alliance that is right, but for what a subclass gets wrong."""

    def __init__(self, inner):
        self._inner = inner

    def __getattr__(self, name):
        return getattr(self._inner, name)

    async def make(self, account, promotion):
        return await self._inner.make(account, promotion)

    async def changed(self, account, start, end, cursor):
        return await self._inner.changed(account, start, end, cursor)


class CutsMarks(Wrapped):
    async def make(self, account, promotion):
        return await self._inner.make(account, msgspec.structs.replace(promotion, mark=promotion.mark[:30]))


class SaysAnotherMark(Wrapped):
    async def make(self, account, promotion):
        return msgspec.structs.replace(await self._inner.make(account, promotion), told_as="x")


class MakesNoPage(Wrapped):
    async def make(self, account, promotion):
        return msgspec.structs.replace(await self._inner.make(account, promotion), url="pinduoduo://x")


class TakesOddMarks(Wrapped):
    async def make(self, account, promotion):
        mark = "".join(char for char in promotion.mark if char.isalnum() and char.isascii())[:MARK_CHARS_MAX] or "x"
        return await self._inner.make(account, msgspec.structs.replace(promotion, mark=mark))


class TakesAnyWindow(Wrapped):
    async def changed(self, account, start, end, cursor):
        return await self._inner.changed(account, end - self._inner.window_max, end, cursor)


class ChangesLines(Wrapped):
    parts: ClassVar = {}

    async def changed(self, account, start, end, cursor):
        page = await self._inner.changed(account, start, end, cursor)
        lines = tuple(msgspec.structs.replace(line, **self.parts) for line in page.lines)
        return msgspec.structs.replace(page, lines=lines)


class PaidByDefault(ChangesLines):
    parts: ClassVar = {"status": PromotedStatus.PAID}


class ForgetsTheStatus(ChangesLines):
    parts: ClassVar = {"raw_status": "0"}


class FloatIds(ChangesLines):
    parts: ClassVar = {"order_no": str(int(float("4392454506056436785")))}


class LinesAreAlike(ChangesLines):
    parts: ClassVar = {"line_id": ""}


class NeverEnds(Wrapped):
    async def changed(self, account, start, end, cursor):
        page = await self._inner.changed(account, start, end, cursor)
        return msgspec.structs.replace(page, next_cursor="1")


WRONG = [
    (CutsMarks, promotions.marks_come_back),
    (SaysAnotherMark, promotions.marks_come_back),
    (MakesNoPage, promotions.marks_come_back),
    (TakesOddMarks, promotions.odd_marks_are_refused),
    (TakesAnyWindow, promotions.windows_of_promoted_are_kept),
    (PaidByDefault, promotions.unknown_promoted_statuses_are_pending),
    (ForgetsTheStatus, promotions.unknown_promoted_statuses_are_pending),
    (FloatIds, promotions.unknown_promoted_statuses_are_pending),
    (LinesAreAlike, promotions.unknown_promoted_statuses_are_pending),
    (NeverEnds, promotions.unknown_promoted_statuses_are_pending),
]


@pytest.mark.parametrize(("wrong", "check"), WRONG, ids=lambda value: value.__name__)
def test_wrong_alliances_are_found(wrong, check, cases):
    case = cases(NAME)
    check(case)
    connector = msgspec.structs.replace(case.connector, jump_links=wrong(case.connector.jump_links))
    with pytest.raises(AssertionError):
        check(msgspec.structs.replace(case, connector=connector))


def test_a_case_without_an_item_is_no_way_around(cases):
    bare = msgspec.structs.replace(cases(NAME), promotion=None)
    for check in (promotions.marks_come_back, promotions.odd_marks_are_refused):
        with pytest.raises(AssertionError, match="no item"):
            check(bare)
