"""Channels and links."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, get, post

from hutong.analytics.credit import Credit, by_channel, channel_credit
from hutong.analytics.figures import ChannelFigures, ClickFigures, MoneyFigures
from hutong.analytics.queries import channel_figures, link_figures
from hutong.core.errors import InvalidInput
from hutong.db.unit import Unit
from hutong.links.hosts import link_base
from hutong.links.locks import set_lock
from hutong.links.queries import channel_details, channel_names, links_page
from hutong.links.service import ChannelKind, create_channel, create_link
from hutong.links.share_codes import SHARE_CODE_CHARS_MAX
from hutong.links.standing import Standing
from hutong.links.tags import TAGS_MAX, Sorting, sort_link, sortings
from hutong.merchants.keys import ApiKey
from hutong.web.api.bodies import Line, LinkPassword, RequestBody, Url, Word
from hutong.web.api.callers import once
from hutong.web.api.catalogue import Limit, Offset
from hutong.workflows.runtime import Runtime

Tags = Annotated[tuple[Word, ...], msgspec.Meta(max_length=TAGS_MAX)]
ShareCode = Annotated[str, msgspec.Meta(max_length=SHARE_CODE_CHARS_MAX)]


class NewChannel(RequestBody, frozen=True, kw_only=True):
    """A channel to make: ``kind`` is post, video, live, poster or person."""

    kind: ChannelKind
    platform: Word
    name: Line


class ChannelMade(msgspec.Struct, frozen=True, kw_only=True):
    """The channel's id."""

    channel_id: UUID


class NewLink(RequestBody, frozen=True, kw_only=True):
    """A link to make: to our checkout of ``sku_id``, or to ``url`` on a known platform or own host.

    ``url`` may be WeChat's own scheme of a mini-program (weixin://dl/business/…). ``share_code``: the platform's own
    code for that page (淘口令 and the like), shown where an app lets nothing else through. ``channel`` makes one too.
    ``password``: what visitors have to give, 4 to 64 characters; it is given back nowhere.
    """

    title: Line
    channel_id: UUID | None = None
    channel: NewChannel | None = None
    sku_id: UUID | None = None
    url: Url | None = None
    share_code: ShareCode = ""
    tags: Tags = ()
    campaign: Word = ""
    expires_at: datetime | None = None
    password: LinkPassword | None = None


class LinkMade(msgspec.Struct, frozen=True, kw_only=True):
    """The link: what to post."""

    link_id: UUID
    channel_id: UUID
    code: str
    url: str


class SalesMoney(msgspec.Struct, frozen=True, kw_only=True):
    """Sales of a channel or a link in one currency; ``net_minor`` is what did not go back. ``promoted_orders``: of the
    orders, those that an alliance tells and no connected shop; they stand in no book.
    """

    currency: str
    promoted_orders: int
    gross_minor: int
    refunded_minor: int
    net_minor: int


class LinkItem(msgspec.Struct, frozen=True, kw_only=True):
    """A link with its clicks (people and bots apart), and the orders that it brought for certain.

    ``state`` is its own switch alone; ``standing``, what visitors find now: active, early (it has not begun), expired,
    used_up (its maximum of clicks), off (by its own switch), or all_off (by the one for all links).
    """

    link_id: UUID
    code: str
    url: str
    title: str
    state: str
    standing: Standing
    destination: str
    channel_id: UUID
    channel_name: str
    tags: tuple[str, ...]
    campaign: str
    clicks: int
    bot_clicks: int
    clicks_by_container: dict[str, int]
    orders: int
    money: tuple[SalesMoney, ...]
    has_password: bool


class LinkSorting(RequestBody, frozen=True, kw_only=True):
    """What a link is sorted by, in place of what it was; no campaign: empty."""

    tags: Tags = ()
    campaign: Word = ""


class LinksAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A page of links."""

    items: tuple[LinkItem, ...]
    total: int


class ChannelCredit(msgspec.Struct, frozen=True, kw_only=True):
    """What a channel is credited with in one currency, less what went back: as the first touch, as the last, and by
    equal shares of all touches (orders in ten-thousandths). ``guessed``: orders without any touch, tied by time alone.
    """

    currency: str
    first_orders: int
    first_minor: int
    last_orders: int
    last_minor: int
    linear_orders_bps: int
    linear_minor: int
    guessed_orders: int
    guessed_minor: int


class ChannelItem(msgspec.Struct, frozen=True, kw_only=True):
    """What a channel brought; ``channel_id`` null: orders that no channel is known for."""

    channel_id: UUID | None
    name: str
    clicks: int
    bot_clicks: int
    clicks_by_container: dict[str, int]
    clicks_converted: int
    orders: int
    money: tuple[SalesMoney, ...]
    credit: tuple[ChannelCredit, ...]


class ChannelsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """All channels, the one with the most clicks first."""

    items: tuple[ChannelItem, ...]


class LinksApi(Controller):
    """Channels and links."""

    path = "/api/v1"
    tags = ["Links"]

    @post("/channels", opt={"scope": "links:write"}, summary="Make a channel")
    async def make_channel(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, data: NewChannel
    ) -> Response[bytes]:
        """Make a channel: what visits shall be counted by."""
        return await once(runtime, caller, request, "api.channel", lambda unit: _channel(unit, data))

    @post("/links", opt={"scope": "links:write"}, summary="Make a link")
    async def make_link(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, data: NewLink
    ) -> Response[bytes]:
        """Make a link."""
        return await once(
            runtime, caller, request, "api.link", lambda unit: _link(unit, runtime, data), has_secret=True
        )

    @get("/links", opt={"scope": "links:read"}, summary="Links")
    async def links(
        self, runtime: Runtime, caller: ApiKey, limit: Limit, offset: Offset, tag: Word = "", campaign: Word = ""
    ) -> LinksAnswer:
        """Links, newest first; those with a tag or of a campaign, where one is named."""
        async with runtime.unit(caller.merchant_id, "api.links") as unit:
            page = await links_page(unit, tag=tag, campaign=campaign, limit=limit, offset=offset)
            ids = [row.link_id for row in page.rows]
            sorted_by, sold = await sortings(unit, ids), await link_figures(unit, ids)
            base = await link_base(unit, runtime.public_url)
        items = tuple(
            LinkItem(
                link_id=row.link_id,
                code=row.code,
                url=f"{base}/l/{row.code}",
                title=row.title,
                state=row.state,
                standing=row.standing,
                destination=row.destination,
                channel_id=row.channel_id,
                channel_name=row.channel_name,
                tags=sorted_by.get(row.link_id, Sorting()).tags,
                campaign=sorted_by.get(row.link_id, Sorting()).campaign,
                clicks=row.clicks,
                bot_clicks=row.bot_clicks,
                clicks_by_container={count.container: count.clicks for count in row.containers},
                orders=sold[row.link_id].orders_count if row.link_id in sold else 0,
                money=_money(sold[row.link_id].money) if row.link_id in sold else (),
                has_password=row.has_password,
            )
            for row in page.rows
        )
        return LinksAnswer(items=items, total=page.total)

    @post("/links/{link_id:uuid}/sorting", opt={"scope": "links:write"}, summary="Tags and campaign of a link")
    async def sort(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, link_id: UUID, data: LinkSorting
    ) -> Response[bytes]:
        """Put tags and a campaign in place of a link's."""

        async def work(unit: Unit) -> Sorting:
            return await sort_link(unit, link_id, Sorting(tags=data.tags, campaign=data.campaign))

        return await once(runtime, caller, request, "api.link_sorting", work)

    @get("/channels", opt={"scope": "figures:read"}, summary="What each channel brought")
    async def channels(self, runtime: Runtime, caller: ApiKey) -> ChannelsAnswer:
        """Clicks, orders and money by channel; behind them channels that nobody came by yet, then sales of none."""
        async with runtime.unit(caller.merchant_id, "api.channels") as unit:
            figures = await channel_figures(unit)
            credit = by_channel(await channel_credit(unit))
            names = {channel.channel_id: channel.name for channel in await channel_details(unit)}
            names |= await channel_names(unit, [row.channel_id for row in figures if row.channel_id is not None])
        brought = [
            _channel_item(row, names.get(row.channel_id, ""), credit) for row in figures if row.channel_id is not None
        ]
        moved = {item.channel_id for item in brought}
        quiet = [_channel_item(_quiet(one), name, credit) for one, name in names.items() if one not in moved]
        nobodys = [_channel_item(row, "", credit) for row in figures if row.channel_id is None]
        return ChannelsAnswer(items=(*brought, *quiet, *nobodys))


def _quiet(channel_id: UUID) -> ChannelFigures:
    return ChannelFigures(channel_id=channel_id, traffic=ClickFigures(), orders_count=0, money=())


def _channel_item(row: ChannelFigures, name: str, credit: Mapping[UUID | None, Sequence[Credit]]) -> ChannelItem:
    return ChannelItem(
        channel_id=row.channel_id,
        name=name,
        clicks=row.traffic.clicks,
        bot_clicks=row.traffic.bot_clicks,
        clicks_by_container=dict(row.traffic.clicks_by_container),
        clicks_converted=row.traffic.converted_clicks,
        orders=row.orders_count,
        money=_money(row.money),
        credit=tuple(_credit(one) for one in credit.get(row.channel_id, ())),
    )


def _money(sums: Sequence[MoneyFigures]) -> tuple[SalesMoney, ...]:
    return tuple(
        SalesMoney(
            currency=one.gross.currency,
            promoted_orders=one.promoted_count,
            gross_minor=one.gross.amount_minor,
            refunded_minor=one.refunded.amount_minor,
            net_minor=one.gross.amount_minor - one.refunded.amount_minor,
        )
        for one in sums
    )


def _credit(one: Credit) -> ChannelCredit:
    return ChannelCredit(
        currency=one.currency,
        first_orders=one.first_orders,
        first_minor=one.first.amount_minor,
        last_orders=one.last_orders,
        last_minor=one.last.amount_minor,
        linear_orders_bps=one.linear_orders_bps,
        linear_minor=one.linear.amount_minor,
        guessed_orders=one.guessed_orders,
        guessed_minor=one.guessed.amount_minor,
    )


async def _channel(unit: Unit, data: NewChannel) -> ChannelMade:
    return ChannelMade(channel_id=await create_channel(unit, data.kind, data.platform, data.name))


async def _link(unit: Unit, runtime: Runtime, data: NewLink) -> LinkMade:
    if (data.channel_id is None) == (data.channel is None):
        raise InvalidInput(field="channel", problem="channel_id / channel")
    channel_id = data.channel_id
    if data.channel is not None:
        channel_id = await create_channel(unit, data.channel.kind, data.channel.platform, data.channel.name)
    assert channel_id is not None, "one of the two is set"
    made = await create_link(
        unit,
        channel_id,
        data.title,
        sku_id=data.sku_id,
        url=data.url,
        share_code=data.share_code,
        expires_at=data.expires_at,
    )
    await sort_link(unit, made.link_id, Sorting(tags=data.tags, campaign=data.campaign))
    if data.password is not None:
        await set_lock(unit, made.link_id, data.password)
    base = await link_base(unit, runtime.public_url)
    return LinkMade(link_id=made.link_id, channel_id=channel_id, code=made.code, url=f"{base}/l/{made.code}")
