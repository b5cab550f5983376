"""Links: list, one link with its QR, making one."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import Controller, Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect

from hutong.analytics.click_counts import clicks_by_step
from hutong.analytics.figures import LinkFigures
from hutong.analytics.queries import link_figures
from hutong.core.errors import NotFound
from hutong.db.unit import Unit
from hutong.links.health import health_of
from hutong.links.hosts import host_states, leads_on, link_base
from hutong.links.promotions.places import places_of
from hutong.links.promotions.queries import sold_sums
from hutong.links.queries import LinkSummary, channel_choices, links_page
from hutong.links.rules.pages import pages_of_links
from hutong.links.service import ChannelKind, create_channel, create_link
from hutong.links.tags import Sorting, sort_link, sortings, used_campaigns, used_tags
from hutong.merchants.queries import this_merchant
from hutong.shops.catalogue import get_sku
from hutong.shops.queries import sku_choices
from hutong.web.console.desk import ConsoleRequest, Desk, go_to
from hutong.web.console.host_views import link_guard
from hutong.web.console.link_comparisons import comparisons_of
from hutong.web.console.link_views import LinkView
from hutong.web.console.paging import PAGE_ROWS, page_offset, paging
from hutong.web.console.periods import midnight
from hutong.web.console.promotion_views import LinkPromotion
from hutong.web.console.views import LinkRow, LinksView
from hutong.web.format import zone_of
from hutong.web.languages import locale_of
from hutong.web.qr import qr_svg

_SVG: Final = "image/svg+xml"
DAYS_SHOWN: Final = 14
NO_DAYS: Final = (0,) * DAYS_SHOWN


class NewLink(msgspec.Struct, frozen=True, kw_only=True):
    """The form for a link. A channel of the same name, kind and platform is used again."""

    title: str
    sku_id: UUID | None = None
    url: str = ""
    share_code: str = ""
    channel_name: str
    channel_kind: ChannelKind
    channel_platform: str


class SortingForm(msgspec.Struct, frozen=True, kw_only=True):
    """Tags with commas between them, and a campaign."""

    tags: str = ""
    campaign: str = ""


class LinksController(Controller):
    """The links pages."""

    path = "/links"
    include_in_schema = False

    @get("/")
    async def show(
        self, request: ConsoleRequest, desk: Desk, page: int = 1, tag: str = "", campaign: str = ""
    ) -> Response[str]:
        """All links, the newest first; those with a tag or of a campaign, where one is chosen."""
        chosen = {name: value for name, value in (("tag", tag), ("campaign", campaign)) if value}
        async with desk.unit(request, "console.links") as unit:
            found = await links_page(unit, tag=tag, campaign=campaign, limit=PAGE_ROWS, offset=page_offset(page))
            ids = [row.link_id for row in found.rows]
            sales, health, days = await link_figures(unit, ids), await health_of(unit, ids), await _days(unit, ids)
            sorted_by = await sortings(unit, ids)
            pages = await pages_of_links(unit, {row.link_id: row.url for row in found.rows})
            base, states = await link_base(unit, desk.runtime.public_url), await host_states(unit)
            view = LinksView(
                rows=tuple(
                    msgspec.structs.replace(
                        link_row(row, sales.get(row.link_id), base),
                        health=health.get(row.link_id),
                        days=days.get(row.link_id, NO_DAYS),
                        asks_first=not all(leads_on(url, states) for url in pages[row.link_id]),
                        sorting=sorted_by.get(row.link_id, Sorting()),
                    )
                    for row in found.rows
                ),
                paging=paging("/links", chosen, page=page, total=found.total, shown=len(found.rows)),
                skus=await sku_choices(unit),
                channels=await channel_choices(unit),
                tags=await used_tags(unit),
                campaigns=await used_campaigns(unit),
                tag=tag,
                campaign=campaign,
            )
            return await desk.page(request, unit, "console/links.html", view)

    @post("/")
    async def create(
        self,
        request: ConsoleRequest,
        desk: Desk,
        data: Annotated[NewLink, Body(media_type=RequestEncodingType.URL_ENCODED)],
    ) -> Redirect:
        """Make a link and look at it."""
        async with desk.unit(request, "console.link_create") as unit:
            channel_id = await _channel(unit, data)
            url = data.url.strip() or None  # a page on a platform goes before goods of the shop's own
            sku_id, share_code = (None, data.share_code) if url else (data.sku_id, "")
            link = await create_link(unit, channel_id, data.title, sku_id=sku_id, url=url, share_code=share_code)
        return go_to(f"/links/{link.code}")

    @get("/{code:str}")
    async def one(self, request: ConsoleRequest, desk: Desk, code: str) -> Response[str]:
        """One link."""
        async with desk.unit(request, "console.link") as unit:
            link = await _link(unit, code)
            sales = await link_figures(unit, [link.link_id])
            row = link_row(link, sales.get(link.link_id), await link_base(unit, desk.runtime.public_url))
            sorted_by = await sortings(unit, [link.link_id])
            row = msgspec.structs.replace(row, sorting=sorted_by.get(link.link_id, Sorting()))
            title = desk.renderer.catalogues.text(locale_of(request), "链接的二维码")
            view = LinkView(
                row=row,
                qr_svg=qr_svg(row.address, title),
                sku_code="" if link.sku_id is None else (await get_sku(unit, link.sku_id)).seller_code,
                guard=await link_guard(unit, link.link_id, link.url),
                comparisons=await comparisons_of(unit, link.link_id),
                promotion=LinkPromotion(
                    places=await places_of(unit, link.link_id), sums=await sold_sums(unit, link.link_id)
                ),
            )
            return await desk.page(request, unit, "console/link.html", view)

    @post("/{code:str}/sorting")
    async def sort(
        self,
        request: ConsoleRequest,
        desk: Desk,
        code: str,
        data: Annotated[SortingForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
    ) -> Redirect:
        """Put tags and a campaign in place of a link's."""
        async with desk.unit(request, "console.link_sorting") as unit:
            found = await _link(unit, code)
            tags = tuple(re.split(r"[,，、]", data.tags))
            await sort_link(unit, found.link_id, Sorting(tags=tags, campaign=data.campaign))
        return go_to(f"/links/{code}")

    @get("/{code:str}/qr.svg", media_type=_SVG)
    async def qr(self, request: ConsoleRequest, desk: Desk, code: str) -> Response[str]:
        """The QR as a file for printing."""
        async with desk.unit(request, "console.link_qr") as unit:
            link = await _link(unit, code)
            base = await link_base(unit, desk.runtime.public_url)
        return Response(qr_svg(f"{base}/l/{link.code}", link.title), media_type=_SVG)


def link_row(link: LinkSummary, sales: LinkFigures | None, base: str) -> LinkRow:
    """A link with its address and what it sold."""
    return LinkRow(
        link=link,
        address=f"{base}/l/{link.code}",
        orders=0 if sales is None else sales.orders_count,
        revenue=() if sales is None else tuple(entry.net for entry in sales.money),
    )


async def _days(unit: Unit, link_ids: list[UUID]) -> dict[UUID, tuple[int, ...]]:
    """Clicks of people on each link by day, today last, by the merchant's clock."""
    zone = zone_of((await this_merchant(unit)).timezone)
    today = unit.now().astimezone(zone).date()
    bounds = [midnight(today - timedelta(days=back), zone) for back in range(DAYS_SHOWN - 1, -2, -1)]
    return await clicks_by_step(unit, link_ids, bounds)


async def _link(unit: Unit, code: str) -> LinkSummary:
    found = await links_page(unit, code=code, limit=1, offset=0)
    if not found.rows:
        raise NotFound(what="link", key=code)
    return found.rows[0]


async def _channel(unit: Unit, data: NewLink) -> UUID:
    wanted = (data.channel_name.strip(), data.channel_kind.value, data.channel_platform)
    for choice in await channel_choices(unit):
        if (choice.name, choice.kind, choice.platform) == wanted:
            return choice.channel_id
    return await create_channel(unit, data.channel_kind, data.channel_platform, data.channel_name)
