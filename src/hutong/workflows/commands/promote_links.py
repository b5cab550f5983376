"""Let alliances make addresses of the pages that links lead to: one for each link ahead of time, one for each click.

An account of an alliance that is connected and on promotes every link to goods it knows. Goods it does not know keep
their own address.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from functools import partial
from typing import Final
from uuid import UUID

import msgspec

from hutong.core.errors import HutongError, InvalidInput, PlatformUnknown
from hutong.links.destinations import Target
from hutong.links.promotions.places import (
    AddressElsewhere,
    Asked,
    Due,
    Place,
    ask_again,
    due_links,
    find_place,
    has_made,
    keep_places,
    place_mark,
    promoted_target,
    put_off,
    skip_links,
    switch_off_places,
    usable,
)
from hutong.links.tokens import carried_token
from hutong.platforms.contract import ErrorWord
from hutong.platforms.jump_links import MARK_CHARS_MAX, Carries, JumpLinks, Promoted, Promotion
from hutong.platforms.refusals import PlatformRefused
from hutong.workflows.carriers import CLICK_WAIT_S, TURN_WAIT_MAX_S
from hutong.workflows.commands.standing_jobs import keep_standing
from hutong.workflows.jobs import PROMOTE_GAP, PROMOTE_LINKS, ConnectionKey
from hutong.workflows.runtime import OpenedAccount, Runtime

log = logging.getLogger("hutong.links")

#: Rounds of one job; what is left waits for the next. Who asks for it waits for one.
ROUNDS_MAX: Final = 50
#: Links in a row that the alliance did not answer: the rest of the round would not be answered either.
UNANSWERED_MAX: Final = 3
#: So many pages that may not be promoted, and none that may: it is no matter of goods.
UNPERMITTED_MIN: Final = 3
#: Refusals that say nothing of the goods: the rest of the round would be refused as well.
OF_THE_ACCOUNT: Final = frozenset(
    {ErrorWord.THROTTLED, ErrorWord.TOKEN_EXPIRED, ErrorWord.BAD_SIGNATURE, ErrorWord.UNAVAILABLE}
)


async def promote_due(runtime: Runtime, merchant_id: UUID, payload: bytes) -> None:
    """The standing job of an alliance's account: addresses for links that are due, then the next one is left behind."""
    connection_id = msgspec.json.decode(payload, type=ConnectionKey).connection_id
    await keep_standing(
        runtime,
        merchant_id,
        connection_id,
        PROMOTE_LINKS,
        PROMOTE_GAP,
        partial(promote_links, runtime, merchant_id, connection_id),
    )


async def promote_links(runtime: Runtime, merchant_id: UUID, connection_id: UUID, rounds_max: int = ROUNDS_MAX) -> int:
    """Ask for addresses of links that are due, the latest first; how many links were asked about.

    Raises:
        InvalidInput: the connection is no alliance.
        PlatformFailure, PlatformUnknown: what was made stays; the next job goes on from there.
    """
    opened = await runtime.open_account(merchant_id, connection_id)
    links = jump_links_of(opened)
    if not opened.connection.is_active:
        async with runtime.unit(merchant_id, "promote.off") as unit:
            await switch_off_places(unit, connection_id)
        return 0
    asked_count = 0
    for _ in range(rounds_max):
        async with runtime.carriers.round(connection_id):
            asked = await _promote_round(runtime, merchant_id, opened, links)
        asked_count += asked
        if not asked:
            break
    return asked_count


async def _promote_round(runtime: Runtime, merchant_id: UUID, opened: OpenedAccount, links: JumpLinks) -> int:
    connection_id = opened.connection.connection_id
    async with runtime.unit(merchant_id, "promote.due") as unit:
        due = await due_links(unit, connection_id, links.destinations)
    nothing = [one for one in due if not one.targets]
    if nothing:
        async with runtime.unit(merchant_id, "promote.skip") as unit:
            await skip_links(unit, connection_id, nothing)
    await _promote(runtime, merchant_id, opened, links, [one for one in due if one.targets])
    return len(due)


async def _promote(
    runtime: Runtime, merchant_id: UUID, opened: OpenedAccount, links: JumpLinks, due: Sequence[Due]
) -> None:
    """Ask for the addresses of these links. One that is not answered keeps the others from nothing; several in a row
    are an alliance that is down.
    """
    connection_id = opened.connection.connection_id
    unanswered, is_served = 0, False
    unpermitted: list[PlatformRefused] = []
    for one in due:
        try:
            asked = [await _ask(opened, links, one, target) for target in one.targets]
        except PlatformUnknown:
            async with runtime.unit(merchant_id, "promote.put_off") as unit:
                await put_off(unit, connection_id, one)
            unanswered += 1
            if unanswered >= UNANSWERED_MAX:
                raise
            continue
        unanswered = 0
        is_served = is_served or any(page.refused is None for page in asked)
        unpermitted += [page.refused for page in asked if page.is_unpermitted and page.refused is not None]
        async with runtime.unit(merchant_id, "promote.keep") as unit:
            await keep_places(unit, connection_id, opened.connection.platform, links.carries, one, asked)
    if unpermitted and not is_served:
        async with runtime.unit(merchant_id, "promote.permitted") as unit:
            is_of_goods = len(unpermitted) < UNPERMITTED_MIN and await has_made(unit, connection_id)
        if not is_of_goods:
            raise unpermitted[0]  # it is the account that may not, and a person has to know


def jump_links_of(opened: OpenedAccount) -> JumpLinks:
    """What the account's alliance can do.

    Raises:
        InvalidInput: it is no alliance.
    """
    if opened.connector.jump_links is None:
        raise InvalidInput(field="connection", problem=opened.connector.name)
    return opened.connector.jump_links


async def _ask(opened: OpenedAccount, links: JumpLinks, due: Due, target: Target) -> Asked:
    try:
        made = await links.make(opened.account, _promotion(target, place_mark(due.code)))
        return Asked(page_url=target.url, made=usable(target, made))
    except PlatformRefused as refused:
        if refused.word in OF_THE_ACCOUNT:
            raise
        return Asked(page_url=target.url, refused=refused)
    except AddressElsewhere as error:
        log.warning("%s gave an address that leads elsewhere: %r", opened.connector.name, error)
        return Asked(page_url=target.url, is_elsewhere=True)


def _promotion(target: Target, mark: str) -> Promotion:
    return Promotion(url=target.url, names=target.names, mark=mark)


async def carried_target(
    runtime: Runtime, merchant_id: UUID, link_id: UUID, code: str, target: Target, click_id: UUID, *, is_person: bool
) -> Target:
    """The page that a click is led to, with the address that carries the click, the link, or nothing.

    ``is_person``: a call is made for the click; what only looks ahead is led by the link's address.
    """
    known = runtime.carriers.known(click_id)
    if known is not None:
        return known
    async with runtime.unit(merchant_id, "promote.place") as unit:
        place = await find_place(unit, link_id, target.url)
    if place is None:
        return target
    mark = carried_token(runtime.link_key, merchant_id, click_id, code)
    now = runtime.clock.now()
    if place.carries is not Carries.CLICK or not is_person or len(mark) > MARK_CHARS_MAX:
        return place.target
    page = (place.connection_id, target.url)
    if runtime.carriers.is_resting(place.connection_id, now) or runtime.carriers.is_resting(page, now):
        return place.target
    try:
        made = await _make_now(runtime, merchant_id, place, target, mark)
        carried = place.target if made is None else promoted_target(target, made)
    except (HutongError, TimeoutError, AddressElsewhere) as error:
        log.warning("no address for a click by %s: %s", place.platform, type(error).__name__)
        is_of_goods = isinstance(error, AddressElsewhere) or (
            isinstance(error, PlatformRefused) and error.word not in OF_THE_ACCOUNT
        )
        runtime.carriers.rest(page if is_of_goods else place.connection_id, now)
        if is_of_goods:
            async with runtime.unit(merchant_id, "promote.doubt") as unit:
                await ask_again(unit, place.connection_id, link_id)
        return place.target
    runtime.carriers.keep(click_id, carried)
    return carried


async def _make_now(runtime: Runtime, merchant_id: UUID, place: Place, target: Target, mark: str) -> Promoted | None:
    """An address for one click; None where too many ask at once for the account's rate.

    Raises:
        TimeoutError: the visitor has waited long enough.
        HutongError: the platform refused, or did not answer.
    """
    async with asyncio.timeout(CLICK_WAIT_S):
        opened = await runtime.open_account(merchant_id, place.connection_id)
        if opened.connector.jump_links is None:
            raise PlatformUnknown(platform=place.platform)
        if runtime.turn_wait_s(opened) > TURN_WAIT_MAX_S:
            return None
        return await opened.connector.jump_links.make(opened.account, _promotion(target, mark))
