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
    due_links,
    find_place,
    keep_places,
    place_mark,
    promoted_target,
    put_off,
    skip_links,
    switch_off_places,
)
from hutong.links.tokens import carried_token
from hutong.platforms.contract import ErrorWord
from hutong.platforms.jump_links import MARK_CHARS_MAX, Carries, JumpLinks, Promoted, Promotion
from hutong.platforms.refusals import PlatformRefused
from hutong.workflows.carriers import CLICK_WAIT_S
from hutong.workflows.commands.standing_jobs import keep_standing
from hutong.workflows.jobs import PROMOTE_GAP, PROMOTE_LINKS, ConnectionKey
from hutong.workflows.runtime import OpenedAccount, Runtime

log = logging.getLogger("hutong.links")

#: Rounds of one job; what is left waits for the next.
ROUNDS_MAX: Final = 10
#: Links in a row that the alliance did not answer: the rest of the round would not be answered either.
UNANSWERED_MAX: Final = 3
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


async def promote_links(runtime: Runtime, merchant_id: UUID, connection_id: UUID) -> int:
    """Ask for addresses of every link that is due; how many links were asked about.

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
    for _ in range(ROUNDS_MAX):
        async with runtime.unit(merchant_id, "promote.due") as unit:
            due = await due_links(unit, connection_id, links.destinations)
        nothing = [one for one in due if not one.targets]
        if nothing:
            async with runtime.unit(merchant_id, "promote.skip") as unit:
                await skip_links(unit, connection_id, nothing)
        await _promote(runtime, merchant_id, opened, links, [one for one in due if one.targets])
        asked_count += len(due)
        if not due:
            break
    return asked_count


async def _promote(
    runtime: Runtime, merchant_id: UUID, opened: OpenedAccount, links: JumpLinks, due: Sequence[Due]
) -> None:
    """Ask for the addresses of these links. One that is not answered keeps the others from nothing; several in a row
    are an alliance that is down.
    """
    connection_id = opened.connection.connection_id
    unanswered = 0
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
        async with runtime.unit(merchant_id, "promote.keep") as unit:
            await keep_places(unit, connection_id, opened.connection.platform, links.carries, one, asked)


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
        promoted_target(target, made)
    except PlatformRefused as refused:
        if refused.word in OF_THE_ACCOUNT:
            raise
        code, message = refused.details.get("platform_code", ""), refused.details.get("message", "")
        return Asked(page_url=target.url, code=str(code), message=str(message))
    except AddressElsewhere as error:
        log.warning("%s gave an address that leads elsewhere: %s", opened.connector.name, error)
        return Asked(page_url=target.url, code="address_elsewhere")
    return Asked(page_url=target.url, made=made)


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
    if runtime.carriers.is_resting(place.connection_id, now):
        return place.target
    try:
        carried = promoted_target(target, await _make_now(runtime, merchant_id, place, target, mark))
    except (HutongError, TimeoutError, AddressElsewhere) as error:
        log.warning("no address for a click by %s: %s", place.platform, type(error).__name__)
        runtime.carriers.rest(place.connection_id, now)
        return place.target
    runtime.carriers.keep(click_id, carried)
    return carried


async def _make_now(runtime: Runtime, merchant_id: UUID, place: Place, target: Target, mark: str) -> Promoted:
    """An address for one click.

    Raises:
        TimeoutError: the visitor has waited long enough.
        HutongError: the platform refused, or did not answer.
    """
    async with asyncio.timeout(CLICK_WAIT_S):
        opened = await runtime.open_account(merchant_id, place.connection_id)
        if opened.connector.jump_links is None:
            raise PlatformUnknown(platform=place.platform)
        return await opened.connector.jump_links.make(opened.account, _promotion(target, mark))
