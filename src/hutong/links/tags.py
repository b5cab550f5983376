"""What a merchant sorts links by: tags, as many as he likes, and one campaign that a link belongs to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from hutong.core.errors import InvalidInput, NotFound
from hutong.db.unit import Unit
from hutong.links.models import link, link_tag

TAGS_MAX: Final = 20
TAG_CHARS_MAX: Final = 30
CAMPAIGN_CHARS_MAX: Final = 60
#: Different ones of a merchant that a page offers to choose from, the most used first.
OFFERED_MAX: Final = 200
_ROWS_MAX: Final = 200 * TAGS_MAX


class Sorting(msgspec.Struct, frozen=True, kw_only=True):
    """By what a link is sorted; no campaign: empty."""

    tags: tuple[str, ...] = ()
    campaign: str = ""


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """A tag or campaign, and how many links have it."""

    name: str
    links: int


def clean_tags(given: Iterable[str]) -> tuple[str, ...]:
    """The tags without blanks around them, each once, in their order.

    Raises:
        InvalidInput: too many, or one that is too long or no plain text.
    """
    tags = tuple(dict.fromkeys(name for one in given if (name := " ".join(one.split()))))
    if len(tags) > TAGS_MAX or any(len(tag) > TAG_CHARS_MAX or not tag.isprintable() for tag in tags):
        raise InvalidInput(field="tags", problem=f"≤ {TAGS_MAX} × {TAG_CHARS_MAX}")
    return tags


def clean_campaign(given: str) -> str:
    """A campaign's name in one line.

    Raises:
        InvalidInput: too long, or no plain text.
    """
    name = " ".join(given.split())
    if len(name) > CAMPAIGN_CHARS_MAX or not name.isprintable():
        raise InvalidInput(field="campaign", problem=f"≤ {CAMPAIGN_CHARS_MAX}")
    return name


async def sort_link(unit: Unit, link_id: UUID, sorting: Sorting) -> Sorting:
    """Put these tags and this campaign in place of a link's.

    Raises:
        InvalidInput: as :func:`clean_tags` and :func:`clean_campaign`.
        NotFound: not this merchant's.
    """
    tags, campaign = clean_tags(sorting.tags), clean_campaign(sorting.campaign)
    here = (link.c.merchant_id == unit.merchant_id, link.c.link_id == link_id)
    done = await unit.run(update(link).where(*here).values(campaign=campaign or None))
    if not done.rowcount:
        raise NotFound(what="link", key=str(link_id))
    await unit.run(delete(link_tag).where(link_tag.c.merchant_id == unit.merchant_id, link_tag.c.link_id == link_id))
    if tags:
        rows = [{"merchant_id": unit.merchant_id, "link_id": link_id, "tag": tag} for tag in tags]
        await unit.run(insert(link_tag).values(rows).on_conflict_do_nothing())
    return Sorting(tags=tags, campaign=campaign)


async def sortings(unit: Unit, link_ids: Sequence[UUID]) -> dict[UUID, Sorting]:
    """By what each of these links is sorted; one that is not is left out."""
    if not link_ids:
        return {}
    tags: dict[UUID, list[str]] = defaultdict(list)
    mine = link_tag.c.merchant_id == unit.merchant_id
    rows = await unit.all(
        select(link_tag).where(mine, link_tag.c.link_id.in_(link_ids)).order_by(link_tag.c.tag).limit(_ROWS_MAX)
    )
    for row in rows:
        tags[row.link_id].append(row.tag)
    named = await unit.all(
        select(link.c.link_id, link.c.campaign)
        .where(link.c.merchant_id == unit.merchant_id, link.c.link_id.in_(link_ids), link.c.campaign.is_not(None))
        .limit(_ROWS_MAX)
    )
    campaigns = {row.link_id: row.campaign for row in named}
    return {
        link_id: Sorting(tags=tuple(tags.get(link_id, ())), campaign=campaigns.get(link_id, ""))
        for link_id in {*tags, *campaigns}
    }


async def used_tags(unit: Unit) -> tuple[Used, ...]:
    """All tags of the merchant, the most used first."""
    links = func.count().label("links")
    rows = await unit.all(
        select(link_tag.c.tag, links)
        .where(link_tag.c.merchant_id == unit.merchant_id)
        .group_by(link_tag.c.tag)
        .order_by(links.desc(), link_tag.c.tag)
        .limit(OFFERED_MAX)
    )
    return tuple(Used(name=row.tag, links=row.links) for row in rows)


async def used_campaigns(unit: Unit) -> tuple[Used, ...]:
    """All campaigns of the merchant, the most used first."""
    links = func.count().label("links")
    rows = await unit.all(
        select(link.c.campaign, links)
        .where(link.c.merchant_id == unit.merchant_id, link.c.campaign.is_not(None))
        .group_by(link.c.campaign)
        .order_by(links.desc(), link.c.campaign)
        .limit(OFFERED_MAX)
    )
    return tuple(Used(name=row.campaign, links=row.links) for row in rows)
