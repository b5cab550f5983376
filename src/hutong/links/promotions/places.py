"""Addresses that an alliance made for the pages of links: which links are due, what was said, and which one is used."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, and_, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from hutong.core.errors import HutongError
from hutong.core.ids import new_code
from hutong.db.unit import Unit
from hutong.links.destinations import SIBLINGS, URL_CHARS_MAX, Target, read_target, target_and_host
from hutong.links.guard_states import LinkState
from hutong.links.models import link, link_rules
from hutong.links.passing_on import APP_SCHEMES
from hutong.links.promotions.models import link_promotion, promoted_mark, promoted_place
from hutong.links.rules.compiled import compile_rules
from hutong.links.rules.service import read_rules
from hutong.links.share_codes import check_share_code
from hutong.platforms.contract import ErrorWord
from hutong.platforms.jump_links import MARK_CHARS_MAX, Carries, Promoted
from hutong.platforms.refusals import PlatformRefused

#: Links of one round; a round follows another while some are left.
ROUND_LINKS_MAX: Final = 100
#: Pages of one link that are asked about: its own first, then those of its rules.
PAGES_ASKED_MAX: Final = 20
PLACES_MAX: Final = 500
#: An address is made anew in time: some live sixty days (short ones of JD Union). Places are made one by one and kept
#: longer.
MADE_LIVES: Final = {Carries.CLICK: timedelta(days=20), Carries.LINK: timedelta(days=90)}
#: Goods that an alliance does not have may join it later.
REFUSED_LIVES: Final = timedelta(days=1)
#: Nobody knows what an alliance says of a link that it did not answer; the others are not kept waiting for that.
UNANSWERED_LIVES: Final = timedelta(minutes=10)
#: A link that leads elsewhere changes when it is changed.
NOTHING_LIVES: Final = timedelta(days=3650)
_ASKED: Final = """
INSERT INTO link_promotion (merchant_id, connection_id, link_id, link_changed_at, again_at)
SELECT $1, $2, given.link_id, given.changed_at, $3
FROM unnest($4::uuid[], $5::timestamptz[]) AS given (link_id, changed_at)
ORDER BY given.link_id
ON CONFLICT (merchant_id, connection_id, link_id) DO UPDATE
SET link_changed_at = excluded.link_changed_at, again_at = excluded.again_at
"""
#: Beside the link's code, so that a place has a mark of its own however often it is made.
_MARK_CHARS: Final = 8
_MESSAGE_CHARS_MAX: Final = 200
TOLD_CHARS_MAX: Final = 100
#: Our own code beside the platforms': its address was no page of the goods' platform.
ELSEWHERE: Final = "address_elsewhere"


class Outcome(StrEnum):
    """What came of asking for an address."""

    MADE = "made"
    REFUSED = "refused"
    OFF = "off"  # the alliance's account is off, or leads to another sandbox now


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A link whose pages an alliance is to be asked about."""

    link_id: UUID
    code: str
    link_changed_at: datetime
    targets: tuple[Target, ...]


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """An address that an alliance made for a page of a link; ``target``: the page with that address."""

    connection_id: UUID
    platform: str
    carries: Carries
    target: Target


class AddressElsewhere(ValueError):
    """An alliance gave an address that leads to no page of the item's platform; the argument is the address."""


def place_mark(code: str) -> str:
    """What stands for a link as a whole: its code, and some letters more. A click's is longer and signed."""
    return f"{code}{new_code(_MARK_CHARS)}"[:MARK_CHARS_MAX]


def promoted_target(page: Target, made: Promoted) -> Target:
    """The page with an alliance's address in place of its own. What does not fit a page of ways is left out.

    Raises:
        AddressElsewhere: the address leads to another platform, or nowhere that links may lead.
    """
    try:
        led = read_target(made.url)
    except HutongError as error:
        raise AddressElsewhere(made.url) from error
    if led.destination not in SIBLINGS.get(page.destination, (page.destination,)):
        raise AddressElsewhere(made.url)
    return msgspec.structs.replace(page, url=led.url, app_url=_app_url(made.app_url), share_code=_code(made.share_code))


def usable(page: Target, made: Promoted) -> Promoted:
    """An alliance's answer, with what a page of ways can use of it.

    Raises:
        AddressElsewhere: as :func:`promoted_target`; or what orders will tell of the address is no plain text.
    """
    if not (made.told_as.isascii() and made.told_as.isprintable() and 0 < len(made.told_as) <= TOLD_CHARS_MAX):
        raise AddressElsewhere(made.told_as)
    target = promoted_target(page, made)
    return Promoted(url=target.url, told_as=made.told_as, app_url=target.app_url, share_code=target.share_code)


def _app_url(url: str) -> str:
    scheme = url.partition("://")[0].lower()
    is_fine = scheme in APP_SCHEMES and len(url) <= URL_CHARS_MAX and url.isascii() and url.isprintable()
    return url if is_fine and not any(sign in url for sign in " \\\"'<>`") else ""


def _code(code: str) -> str:
    try:
        return (check_share_code(code) or "") if code and code.isprintable() else ""
    except HutongError:
        return ""


async def due_links(unit: Unit, connection_id: UUID, destinations: Collection[str]) -> tuple[Due, ...]:
    """Links with pages of these destinations that were changed or not asked about for long, ROUND_LINKS_MAX at most.

    Those that have none are among them: ``skip_links`` writes down that they were looked at.
    """
    mine = and_(
        link_promotion.c.merchant_id == link.c.merchant_id,
        link_promotion.c.link_id == link.c.link_id,
        link_promotion.c.connection_id == connection_id,
    )
    rules = and_(link_rules.c.merchant_id == link.c.merchant_id, link_rules.c.link_id == link.c.link_id)
    statement = (
        select(link.c.link_id, link.c.code, link.c.url, link.c.sku_id, link.c.changed_at, link_rules.c.body)
        .outerjoin(link_promotion, mine)
        .outerjoin(link_rules, rules)
        .where(
            link.c.merchant_id == unit.merchant_id,
            link.c.state == LinkState.ACTIVE.value,
            or_(link.c.url.is_not(None), link_rules.c.body.is_not(None)),
            or_(
                link_promotion.c.link_id.is_(None),
                link_promotion.c.link_changed_at < link.c.changed_at,
                link_promotion.c.again_at <= unit.now(),
            ),
        )
        .order_by(link.c.changed_at.desc(), link.c.link_id)
        .limit(ROUND_LINKS_MAX)
    )
    return tuple(
        Due(link_id=row.link_id, code=row.code, link_changed_at=row.changed_at, targets=_targets(row, destinations))
        for row in await unit.all(statement)
    )


def _targets(row: Row[Any], destinations: Collection[str]) -> tuple[Target, ...]:
    """The pages as clicks are led there, rules and their marks of a campaign included."""
    urls = [row.url]
    if row.body is not None:
        compiled = compile_rules(read_rules(row.body), row.url, row.sku_id)
        urls = [outcome.url for outcome in compiled.by_choice.values()]
    read = (target_and_host(url)[0] for url in dict.fromkeys(url for url in urls if url is not None))
    fitting = [target for target in read if target is not None and target.destination in destinations]
    return tuple(fitting[:PAGES_ASKED_MAX])


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What an alliance said of a page: an address (``usable``), or why there is none."""

    page_url: str
    made: Promoted | None = None
    refused: PlatformRefused | None = None
    is_elsewhere: bool = False

    @property
    def is_unpermitted(self) -> bool:
        """Whether the promoter may not, which can be so of these goods or of all."""
        return self.refused is not None and self.refused.word is ErrorWord.NOT_PERMITTED

    @property
    def told(self) -> tuple[str, str]:
        """The platform's code and words where there is no address."""
        if self.refused is None:
            return ELSEWHERE if self.is_elsewhere else "", ""
        return str(self.refused.details["platform_code"]), str(self.refused.details["message"])


async def keep_places(
    unit: Unit, connection_id: UUID, platform: str, carries: Carries, due: Due, asked: Sequence[Asked]
) -> None:
    """Write down what was said of a link's pages; pages that it leads to no more are off."""
    gone = promoted_place.c.page_url.not_in([one.page_url for one in asked])
    await _switch_off(unit, connection_id, promoted_place.c.link_id == due.link_id, gone)
    for one in asked:
        made = one.made or Promoted(url="", told_as="")
        values = {
            "platform": platform,
            "carries": carries.value,
            "outcome": (Outcome.MADE if one.made else Outcome.REFUSED).value,
            "told_as": made.told_as,
            "url": made.url,
            "app_url": made.app_url,
            "share_code": made.share_code,
            "code": one.told[0],
            "message": one.told[1][:_MESSAGE_CHARS_MAX],
            "asked_at": unit.now(),
            "changed_at": unit.now(),
        }
        key = {"connection_id": connection_id, "link_id": due.link_id, "page_url": one.page_url}
        await unit.run(
            insert(promoted_place)
            .values(merchant_id=unit.merchant_id, **key, **values)
            .on_conflict_do_update(index_elements=["merchant_id", *key], set_=values)
        )
        if one.made is not None:
            mark = {"connection_id": connection_id, "told_as": made.told_as, "link_id": due.link_id}
            await unit.insert_once(promoted_mark, **mark, made_at=unit.now())
    lives = MADE_LIVES[carries] if all(one.made for one in asked) else REFUSED_LIVES
    if any(one.is_unpermitted for one in asked):
        lives = UNANSWERED_LIVES  # a permission is given at any moment
    await _have_asked(unit, connection_id, [due], lives)


async def skip_links(unit: Unit, connection_id: UUID, due: Sequence[Due]) -> None:
    """Links that lead to nothing of an alliance's are looked at again once they are changed; what it made is off."""
    gone = promoted_place.c.link_id.in_([one.link_id for one in due])
    await _switch_off(unit, connection_id, gone)
    await _have_asked(unit, connection_id, due, NOTHING_LIVES)


async def has_made(unit: Unit, connection_id: UUID) -> bool:
    """Whether an account has any address that is led by."""
    made = select(promoted_place.c.link_id).where(
        promoted_place.c.merchant_id == unit.merchant_id,
        promoted_place.c.connection_id == connection_id,
        promoted_place.c.outcome == Outcome.MADE.value,
    )
    return await unit.one(made.limit(1)) is not None


async def ask_again(unit: Unit, connection_id: UUID, link_id: UUID) -> None:
    """A visitor was told that goods are promoted no more: the link is due now."""
    await unit.run(
        update(link_promotion)
        .where(
            link_promotion.c.merchant_id == unit.merchant_id,
            link_promotion.c.connection_id == connection_id,
            link_promotion.c.link_id == link_id,
        )
        .values(again_at=unit.now())
    )


async def put_off(unit: Unit, connection_id: UUID, due: Due) -> None:
    """A link of which nothing was said is asked about later; what was made of it before is still led by."""
    await _have_asked(unit, connection_id, [due], UNANSWERED_LIVES)


async def _have_asked(unit: Unit, connection_id: UUID, due: Sequence[Due], lives: timedelta) -> None:
    await unit.fetch(
        _ASKED,
        unit.merchant_id,
        connection_id,
        unit.now() + lives,
        [one.link_id for one in due],
        [one.link_changed_at for one in due],
    )


async def switch_off_places(unit: Unit, connection_id: UUID) -> None:
    """Lead by none of an account's addresses from now on; each link is asked about anew once it is on again."""
    await _switch_off(unit, connection_id)
    await unit.run(
        delete(link_promotion).where(
            link_promotion.c.merchant_id == unit.merchant_id, link_promotion.c.connection_id == connection_id
        )
    )


async def _switch_off(unit: Unit, connection_id: UUID, *which: Any) -> None:  # noqa: ANN401 (SQLAlchemy's conditions)
    await unit.run(
        update(promoted_place)
        .where(
            promoted_place.c.merchant_id == unit.merchant_id,
            promoted_place.c.connection_id == connection_id,
            promoted_place.c.outcome != Outcome.OFF.value,
            *which,
        )
        .values(outcome=Outcome.OFF.value, changed_at=unit.now())
    )


def place_of(row: Row[Any] | Mapping[str, Any]) -> Place | None:
    """The place of a row of ``promoted_place``; None where no address is used, or it is allowed no more."""
    given = row if isinstance(row, Mapping) else row._mapping  # noqa: SLF001 (SQLAlchemy's public way to a mapping)
    page = target_and_host(given["page_url"])[0]
    if given["outcome"] != Outcome.MADE.value or page is None:
        return None
    made = Promoted(
        url=given["url"], told_as=given["told_as"], app_url=given["app_url"], share_code=given["share_code"]
    )
    try:
        target = promoted_target(page, made)
    except AddressElsewhere:
        return None
    return Place(
        connection_id=given["connection_id"],
        platform=given["platform"],
        carries=Carries(given["carries"]),
        target=target,
    )


async def find_place(unit: Unit, link_id: UUID, page_url: str) -> Place | None:
    """The address that clicks on a link are led by to one of its pages; of several accounts the oldest one's."""
    row = await unit.one(
        select(promoted_place)
        .where(
            promoted_place.c.merchant_id == unit.merchant_id,
            promoted_place.c.link_id == link_id,
            promoted_place.c.page_url == page_url,
            promoted_place.c.outcome == Outcome.MADE.value,
        )
        .order_by(promoted_place.c.connection_id)
        .limit(1)
    )
    return None if row is None else place_of(row)


class PlaceRow(msgspec.Struct, frozen=True, kw_only=True):
    """What an alliance said of a page of a link, as the link's page shows it."""

    platform: str
    page_url: str
    carries: Carries
    outcome: Outcome
    code: str
    message: str
    asked_at: datetime


async def places_of(unit: Unit, link_id: UUID) -> tuple[PlaceRow, ...]:
    """What each alliance said of the pages of a link; what is off is left out."""
    statement = (
        select(promoted_place)
        .where(
            promoted_place.c.merchant_id == unit.merchant_id,
            promoted_place.c.link_id == link_id,
            promoted_place.c.outcome != Outcome.OFF.value,
        )
        .order_by(promoted_place.c.connection_id, promoted_place.c.page_url)
        .limit(PLACES_MAX)
    )
    return tuple(
        PlaceRow(
            platform=row.platform,
            page_url=row.page_url,
            carries=Carries(row.carries),
            outcome=Outcome(row.outcome),
            code=row.code,
            message=row.message,
            asked_at=row.asked_at,
        )
        for row in await unit.all(statement)
    )
