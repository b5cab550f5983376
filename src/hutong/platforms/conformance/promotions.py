"""Checks of alliances: marks go out and come back, windows are kept, unknown statuses move nothing."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from typing import Final

from msgspec import structs

from hutong.core.errors import InvalidInput
from hutong.platforms.conformance.behaviour import outcome_of
from hutong.platforms.conformance.calls import Call
from hutong.platforms.conformance.case import ORDER_ID, Answer, Case
from hutong.platforms.conformance.doubles import silence
from hutong.platforms.jump_links import MARK_CHARS_MAX, Carries, JumpLinks, PromotedLine, PromotedStatus

#: Most alliances number their statuses: a number that none of them has, which is a text as well.
NEVER_SEEN_NUMBER: Final = "987"


def marks_come_back(case: Case) -> None:
    """What an address was made with is what its order tells; a place's own number is told with the address."""
    links = case.connector.jump_links
    if links is None:
        return
    assert case.promotion is not None, "the case brings no item to promote"
    longest = structs.replace(case.promotion, mark="Z" * MARK_CHARS_MAX)
    for promotion in (case.promotion, longest):
        account, http = case.account(_answer(case))
        made = asyncio.run(links.make(account, promotion))
        sent = "".join(request.url + request.body.decode() for request in http.sent)
        assert made.url.startswith("https://"), "an address of no page"
        if links.carries is Carries.CLICK:
            assert made.told_as == promotion.mark, "orders would tell of another mark"
            assert promotion.mark in sent, "the mark was not sent"
        else:
            assert made.told_as, "nothing says what orders will tell of the place"


def odd_marks_are_refused(case: Case) -> None:
    """A mark that a platform could cut or change is refused here."""
    links = case.connector.jump_links
    if links is None:
        return
    assert case.promotion is not None, "the case brings no item to promote"
    for mark in ("", "Z" * (MARK_CHARS_MAX + 1), "a b", "a&b", 'a"b', "编号"):
        odd = structs.replace(case.promotion, mark=mark)
        account, http = case.account(silence)
        outcome = outcome_of(Call(name="make", run=partial(links.make, promotion=odd)), account)
        assert isinstance(outcome, InvalidInput), f"a mark {mark!r} was not refused"
        assert not http.sent, "a mark that cannot be was sent"


def windows_of_promoted_are_kept(case: Case) -> None:
    """A longer window than the platform takes, or an empty one, is refused here."""
    links = case.connector.jump_links
    if links is None:
        return
    end = case.clock.now()
    for start in (end - links.window_max - timedelta(seconds=1), end, end + timedelta(seconds=1)):
        account, http = case.account(silence)
        call = Call(name="changed promoted", run=partial(links.changed, start=start, end=end, cursor=None))
        assert isinstance(outcome_of(call, account), InvalidInput), f"a window from {start} to {end} was not refused"
        assert not http.sent, "a window that cannot be was sent"


def unknown_promoted_statuses_are_pending(case: Case) -> None:
    """A status that this connector has never heard of moves nothing; ids, sums and times are exact."""
    links = case.connector.jump_links
    if links is None:
        return
    line = _only_line(case, links)
    assert line.status is PromotedStatus.PENDING, f"unknown status became {line.status}"
    assert line.raw_status == NEVER_SEEN_NUMBER, "the platform's own status is not kept"
    assert line.order_no == ORDER_ID, "an id beyond 2^53 was not kept exactly"
    assert line.line_id, "nothing tells the lines of an order apart"
    assert line.placed_at.tzinfo is not None, "a time without its zone"
    assert line.changed_at.tzinfo is not None, "a time without its zone"


def _only_line(case: Case, links: JumpLinks) -> PromotedLine:
    end = case.clock.now()
    start = end - min(links.window_max, timedelta(hours=1))
    account, _ = case.account(_answer(case))
    found: list[PromotedLine] = []
    cursor: str | None = None
    for _ in range(3):
        page = asyncio.run(links.changed(account, start, end, cursor))
        found += page.lines
        cursor = page.next_cursor
        if cursor is None:
            break
    assert len(found) == 1, f"one line was told and {len(found)} were read"
    return found[0]


def _answer(case: Case) -> Answer:
    forge = None if case.forgery is None else case.forgery.promoted
    assert forge is not None, "the case brings no forged promoted line"
    return forge(NEVER_SEEN_NUMBER)
