"""Reads for the links page: links with their channels and clicks, one page at a time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import and_, func, select

from hutong.db.unit import Unit
from hutong.links.lock_models import link_lock
from hutong.links.models import channel, click, link, link_tag
from hutong.links.standing import Standing, standings

PAGE_ROWS_MAX: Final = 200
CHANNELS_MAX: Final = 500
#: Containers are few; more groups than this on one page of links is a broken table.
GROUPS_MAX: Final = 10_000


class ContainerCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many clicks (without bots) came from inside one app."""

    container: str
    clicks: int


class LinkSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A link as a row. ``clicks`` leaves bots out; ``bot_clicks`` counts them apart.

    ``state`` is its own switch alone; ``standing``, what visitors find.
    """

    link_id: UUID
    code: str
    title: str
    destination: str
    url: str | None
    sku_id: UUID | None
    state: str
    standing: Standing
    created_at: datetime
    expires_at: datetime | None
    channel_id: UUID
    channel_name: str
    channel_kind: str
    channel_platform: str
    clicks: int
    bot_clicks: int
    containers: tuple[ContainerCount, ...]
    has_password: bool = False


class LinkSlice(msgspec.Struct, frozen=True, kw_only=True):
    """A page of links and how many there are in all."""

    rows: tuple[LinkSummary, ...]
    total: int


class ChannelChoice(msgspec.Struct, frozen=True, kw_only=True):
    """A channel by name."""

    channel_id: UUID
    name: str
    kind: str
    platform: str


async def links_page(
    unit: Unit,
    *,
    code: str = "",
    channel_ids: Collection[UUID] | None = None,
    tag: str = "",
    campaign: str = "",
    limit: int,
    offset: int,
) -> LinkSlice:
    """Links, the newest first; with ``code`` that one link alone, with ``channel_ids`` those of these channels, with
    ``tag`` or ``campaign`` those that are sorted so.
    """
    conditions: list[Any] = [link.c.merchant_id == unit.merchant_id]
    if channel_ids is not None:
        conditions.append(link.c.channel_id.in_(channel_ids))
    if code:
        conditions.append(link.c.code == code)
    if campaign:
        conditions.append(link.c.campaign == campaign)
    if tag:
        tagged = select(link_tag.c.link_id).where(link_tag.c.merchant_id == unit.merchant_id, link_tag.c.tag == tag)
        conditions.append(link.c.link_id.in_(tagged))
    total = await unit.scalar(select(func.count()).select_from(link).where(*conditions))
    statement = (
        select(link, channel.c.name, channel.c.kind, channel.c.platform, link_lock.c.lock_id)
        .join(channel, and_(channel.c.merchant_id == link.c.merchant_id, channel.c.channel_id == link.c.channel_id))
        .outerjoin(
            link_lock, and_(link_lock.c.merchant_id == link.c.merchant_id, link_lock.c.link_id == link.c.link_id)
        )
        .where(*conditions)
        .order_by(link.c.created_at.desc(), link.c.link_id.desc())
        .limit(min(limit, PAGE_ROWS_MAX))
        .offset(offset)
    )
    rows = await unit.all(statement)
    people, bots = await _clicks(unit, [row.link_id for row in rows])
    clicks = {link_id: sum(count.clicks for count in counts) for link_id, counts in people.items()}
    standing = await standings(unit, [row.link_id for row in rows], clicks)
    return LinkSlice(
        rows=tuple(
            LinkSummary(
                link_id=row.link_id,
                code=row.code,
                title=row.title,
                destination=row.destination,
                url=row.url,
                sku_id=row.sku_id,
                state=row.state,
                standing=standing[row.link_id],
                created_at=row.created_at,
                expires_at=row.expires_at,
                channel_id=row.channel_id,
                channel_name=row.name,
                channel_kind=row.kind,
                channel_platform=row.platform,
                clicks=clicks.get(row.link_id, 0),
                bot_clicks=bots.get(row.link_id, 0),
                containers=people.get(row.link_id, ()),
                has_password=row.lock_id is not None,
            )
            for row in rows
        ),
        total=int(total or 0),
    )


async def channel_choices(unit: Unit) -> tuple[ChannelChoice, ...]:
    """Channels for forms, the newest first."""
    statement = select(channel).where(channel.c.merchant_id == unit.merchant_id)
    rows = await unit.all(statement.order_by(channel.c.created_at.desc()).limit(CHANNELS_MAX))
    return tuple(
        ChannelChoice(channel_id=row.channel_id, name=row.name, kind=row.kind, platform=row.platform) for row in rows
    )


async def channels_by_id(unit: Unit, channel_ids: Collection[UUID]) -> tuple[ChannelChoice, ...]:
    """These channels, the newest first."""
    statement = select(channel).where(channel.c.merchant_id == unit.merchant_id, channel.c.channel_id.in_(channel_ids))
    rows = await unit.all(statement.order_by(channel.c.created_at.desc(), channel.c.channel_id).limit(CHANNELS_MAX))
    return tuple(
        ChannelChoice(channel_id=row.channel_id, name=row.name, kind=row.kind, platform=row.platform) for row in rows
    )


async def clicks_by_channel(unit: Unit, channel_ids: Collection[UUID]) -> dict[UUID, int]:
    """How many clicks of people (no bots) these channels had; one without a click is left out."""
    rows = await unit.all(
        select(click.c.channel_id, func.count().label("clicks"))
        .where(click.c.merchant_id == unit.merchant_id, click.c.channel_id.in_(channel_ids), ~click.c.is_bot)
        .group_by(click.c.channel_id)
        .limit(GROUPS_MAX)
    )
    return {row.channel_id: row.clicks for row in rows}


async def channel_names(unit: Unit, channel_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Names of channels by id."""
    if not channel_ids:
        return {}
    statement = select(channel.c.channel_id, channel.c.name).where(
        channel.c.merchant_id == unit.merchant_id, channel.c.channel_id.in_(channel_ids)
    )
    return {row.channel_id: row.name for row in await unit.all(statement.limit(CHANNELS_MAX))}


async def _clicks(
    unit: Unit, link_ids: Sequence[UUID]
) -> tuple[dict[UUID, tuple[ContainerCount, ...]], dict[UUID, int]]:
    """Clicks of people by container, the most first, and clicks of bots, for each link."""
    people: dict[UUID, tuple[ContainerCount, ...]] = {}
    bots: dict[UUID, int] = {}
    if not link_ids:
        return people, bots
    clicks = func.count().label("clicks")
    statement = (
        select(click.c.link_id, click.c.container, click.c.is_bot, clicks)
        .where(click.c.merchant_id == unit.merchant_id, click.c.link_id.in_(link_ids))
        .group_by(click.c.link_id, click.c.container, click.c.is_bot)
        .order_by(clicks.desc(), click.c.container)
        .limit(GROUPS_MAX)
    )
    for row in await unit.all(statement):
        if row.is_bot:
            bots[row.link_id] = bots.get(row.link_id, 0) + row.clicks
        else:
            entry = ContainerCount(container=row.container, clicks=row.clicks)
            people[row.link_id] = (*people.get(row.link_id, ()), entry)
    return people, bots


class ClickRow(msgspec.Struct, frozen=True, kw_only=True):
    """A click and the link it was made on."""

    clicked_at: datetime
    container: str
    code: str
    link_title: str


async def click_of(unit: Unit, click_id: UUID) -> ClickRow | None:
    """The click that an order came from, or None where it was not kept."""
    statement = (
        select(click, link.c.code, link.c.title)
        .join(link, and_(link.c.merchant_id == click.c.merchant_id, link.c.link_id == click.c.link_id))
        .where(click.c.merchant_id == unit.merchant_id, click.c.click_id == click_id)
    )
    row = await unit.one(statement)
    if row is None:
        return None
    return ClickRow(clicked_at=row.clicked_at, container=row.container, code=row.code, link_title=row.title)


class ChannelDetail(msgspec.Struct, frozen=True, kw_only=True):
    """A channel and how many links it has."""

    channel_id: UUID
    name: str
    kind: str
    platform: str
    links: int


async def channel_details(unit: Unit) -> tuple[ChannelDetail, ...]:
    """Channels with the number of their links, the newest first."""
    links = (
        select(func.count())
        .select_from(link)
        .where(link.c.merchant_id == channel.c.merchant_id, link.c.channel_id == channel.c.channel_id)
        .correlate(channel)
        .scalar_subquery()
    )
    statement = select(channel, links.label("links")).where(channel.c.merchant_id == unit.merchant_id)
    rows = await unit.all(statement.order_by(channel.c.created_at.desc()).limit(CHANNELS_MAX))
    return tuple(
        ChannelDetail(channel_id=row.channel_id, name=row.name, kind=row.kind, platform=row.platform, links=row.links)
        for row in rows
    )
