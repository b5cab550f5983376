"""The page of orders that came by alliances' addresses: what was sold, by which link, and what the commission is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from litestar import Controller, Response, get

from hutong.links.attribution.queries import touches_of
from hutong.links.promotions.queries import sold_counts, sold_page, sold_sums
from hutong.links.service import find_link
from hutong.merchants.connections import list_connections
from hutong.platforms.jump_links import PromotedStatus, plain_text
from hutong.platforms.registry import Registry
from hutong.web.console.desk import ConsoleRequest, Desk
from hutong.web.console.paging import PAGE_ROWS, page_offset, paging
from hutong.web.console.payment_views import StateTab
from hutong.web.console.promotion_views import PromotionsView

PATH: Final = "/promotions"
#: What a tab shows; the first one shows all.
TABS: Final[dict[str, tuple[PromotedStatus, ...]]] = {
    "": (),
    "paid": (PromotedStatus.PAID, PromotedStatus.RECEIVED),
    "settled": (PromotedStatus.SETTLED,),
    "void": (PromotedStatus.VOID,),
    "unpaid": (PromotedStatus.UNPAID, PromotedStatus.PENDING),
}


class PromotionsController(Controller):
    """Orders of alliances."""

    path = PATH
    include_in_schema = False

    @get("/")
    async def show(
        self,
        request: ConsoleRequest,
        desk: Desk,
        show: str = "",
        link: str = "",
        order: str = "",
        source: str = "",
        page: int = 1,
    ) -> Response[str]:
        """Orders of a tab, of one link or of all, the newest first; or one order, and what its buyer touched before."""
        show = show if show in TABS else ""
        async with desk.unit(request, "console.promotions") as unit:
            chosen = await find_link(unit, link) if link else None
            link_id = None if chosen is None else chosen.link_id
            order = plain_text(order)
            source = plain_text(source) if order else ""
            which = (TABS[show], link_id, order, source)
            found = await sold_page(unit, *which, limit=PAGE_ROWS, offset=page_offset(page))
            if found.total and not found.rows:  # it grew shorter meanwhile, or somebody typed the page
                page = -(-found.total // PAGE_ROWS)
                found = await sold_page(unit, *which, limit=PAGE_ROWS, offset=page_offset(page))
            kept = {"show": show, "link": "" if chosen is None else chosen.code, "order": order, "source": source}
            whole = next((row.order for row in found.rows if row.order), None) if order else None
            view = PromotionsView(
                rows=found.rows,
                sums=() if order else await sold_sums(unit, link_id),
                paging=paging(PATH, kept, page=page, total=found.total, shown=len(found.rows)),
                show=show,
                tabs=() if chosen or order else promotion_tabs(await sold_counts(unit), show),
                alliances=alliances_of(desk.runtime.registry, {one.platform for one in await list_connections(unit)}),
                link_code="" if chosen is None else chosen.code,
                link_title="" if chosen is None else chosen.title,
                order_no=order,
                touches=() if whole is None else await touches_of(unit, whole.touches_id),
            )
            return await desk.page(request, unit, "console/promotions.html", view)


def promotion_tabs(counts: Mapping[PromotedStatus, int], show: str) -> tuple[StateTab, ...]:
    """The tabs that have orders, and the one that is looked at."""
    tabs = []
    for name, statuses in TABS.items():
        count = sum(counts.get(status, 0) for status in statuses or counts)
        if count or name in ("", show):
            tabs.append(StateTab(state=name, count=count, href=f"{PATH}?{urlencode({'show': name})}" if name else PATH))
    return tuple(tabs)


def alliances_of(registry: Registry, connected: set[str]) -> tuple[str, ...]:
    """The connected platforms that are alliances."""
    return tuple(one.name for one in registry.all() if one.jump_links is not None and one.name in connected)
