"""Channels and links."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, Select, and_, select

from hutong.core.errors import NotFound
from hutong.core.ids import new_code
from hutong.db.unit import Unit
from hutong.links.holding import check_name, check_platform, check_way
from hutong.links.hosts import host_states
from hutong.links.lock_models import link_lock
from hutong.links.models import channel, link
from hutong.merchants.directory import LINK, register

CODE_CHARS: Final = 7
CODE_TRIES_MAX: Final = 5


class ChannelKind(StrEnum):
    """What brings visitors."""

    POST = "post"
    VIDEO = "video"
    LIVE = "live"
    POSTER = "poster"
    PERSON = "person"
    STORE = "store"  # the counter, a stall, a table: somebody who stands there


class LinkView(msgspec.Struct, frozen=True, kw_only=True):
    """A link. ``lock_id`` names its present password; None: it asks for none."""

    link_id: UUID
    code: str
    title: str
    channel_id: UUID
    destination: str
    sku_id: UUID | None
    url: str | None
    share_code: str | None
    state: str
    created_at: datetime
    expires_at: datetime | None
    lock_id: UUID | None = None


async def create_channel(unit: Unit, kind: ChannelKind, platform: str, name: str) -> UUID:
    """A new source of visitors."""
    name, platform = check_name(name, "name"), check_platform(platform)
    channel_id = unit.new_id()
    await unit.insert(
        channel,
        channel_id=channel_id,
        kind=kind.value,
        platform=platform,
        name=name,
        created_at=unit.now(),
    )
    return channel_id


async def create_link(
    unit: Unit,
    channel_id: UUID,
    title: str,
    *,
    sku_id: UUID | None = None,
    url: str | None = None,
    share_code: str = "",
    expires_at: datetime | None = None,
) -> LinkView:
    """A new link: to our own checkout of a SKU, or to a page (or WeChat mini-program) on a known platform or a host of
    the merchant's own.

    A host of his that is not proven (any more) is named to visitors, who go on there by themselves. ``share_code``: the
    platform's own code for that page.

    Raises:
        InvalidInput: no title, or one that is too long; else as :func:`hutong.links.holding.check_way`.
        DestinationNotAllowed: the page's host is not on the allow-list.
        ShareCodeRefused: the code holds somebody else's address.
    """
    title = check_name(title, "title")
    way = check_way(sku_id, url, share_code, frozenset(await host_states(unit)) if url else frozenset())
    known = await unit.scalar(
        select(channel.c.channel_id).where(
            channel.c.merchant_id == unit.merchant_id, channel.c.channel_id == channel_id
        )
    )
    if known is None:
        raise NotFound(what="channel", key=str(channel_id))
    link_id = unit.new_id()
    code = await _free_code(unit, link_id)
    now = unit.now()
    await unit.insert(
        link,
        link_id=link_id,
        code=code,
        channel_id=channel_id,
        title=title,
        destination="checkout" if way.url is None else "url",
        sku_id=way.sku_id,
        url=way.url,
        share_code=way.share_code,
        state="active",
        created_at=now,
        expires_at=expires_at,
        changed_at=now,
    )
    return await get_link(unit, link_id)


async def _free_code(unit: Unit, link_id: UUID) -> str:
    for _ in range(CODE_TRIES_MAX):
        code = new_code(CODE_CHARS)
        if await register(unit, LINK, code, link_id):
            return code
    raise RuntimeError("no free link code found; the code space is too full")


def _view(row: Row[Any]) -> LinkView:
    return LinkView(
        link_id=row.link_id,
        code=row.code,
        title=row.title,
        channel_id=row.channel_id,
        destination=row.destination,
        sku_id=row.sku_id,
        url=row.url,
        share_code=row.share_code,
        state=row.state,
        created_at=row.created_at,
        expires_at=row.expires_at,
        lock_id=row.lock_id,
    )


def _links(unit: Unit) -> Select[Any]:
    own = and_(link_lock.c.merchant_id == link.c.merchant_id, link_lock.c.link_id == link.c.link_id)
    statement = select(link, link_lock.c.lock_id).select_from(link.outerjoin(link_lock, own))
    return statement.where(link.c.merchant_id == unit.merchant_id)


async def get_link(unit: Unit, link_id: UUID) -> LinkView:
    """One link.

    Raises:
        NotFound: not this merchant's.
    """
    row = await unit.one(_links(unit).where(link.c.link_id == link_id))
    if row is None:
        raise NotFound(what="link", key=str(link_id))
    return _view(row)


async def channels_of_links(unit: Unit, link_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Link -> its channel; unknown ids are absent."""
    if not link_ids:
        return {}
    statement = select(link.c.link_id, link.c.channel_id).where(link.c.merchant_id == unit.merchant_id)
    rows = await unit.all(statement.where(link.c.link_id.in_(link_ids)))
    return {row.link_id: row.channel_id for row in rows}


async def find_link(unit: Unit, code: str) -> LinkView | None:
    """A link by its public code."""
    row = await unit.one(_links(unit).where(link.c.code == code))
    return None if row is None else _view(row)
