"""The page that asks before a link leads to a host that nobody has proven: it names the host, and leads on by a tap."""

from __future__ import annotations

from typing import Any

from litestar import Controller, HttpMethod, MediaType, Response, route
from litestar.response import Redirect
from litestar.status_codes import HTTP_302_FOUND, HTTP_404_NOT_FOUND, HTTP_410_GONE

from hutong.links.destinations import DestinationNotAllowed, host_of, read_target
from hutong.links.host_names import shown_host
from hutong.links.leaving import read_leaving_token
from hutong.links.standing import Standing
from hutong.merchants.queries import this_merchant
from hutong.web.buyer.closed import closed
from hutong.web.buyer.desk import BuyerDesk, BuyerRequest
from hutong.web.buyer.pages import LINK_OVER, LINK_UNKNOWN, LeavingPage
from hutong.web.languages import locale_of


class LeavingController(Controller):
    """The way out. The edge has counted the click; ``k`` says so, and for an hour. The query names no address."""

    include_in_schema = False

    @route("/x/{code:str}", http_method=[HttpMethod.GET, HttpMethod.HEAD], media_type=MediaType.HTML)
    async def leaving(
        self, request: BuyerRequest, code: str, buyer: BuyerDesk, k: str = "", r: str = ""
    ) -> Response[Any]:
        """Where the link leads, read from the link alone; bots get the page, too."""
        locale = locale_of(request)
        found = await buyer.link(code, r)
        if found is None:
            return buyer.pages.message(LINK_UNKNOWN, locale, HTTP_404_NOT_FOUND)
        merchant_id, link = found
        if link.state != Standing.ACTIVE.value or link.url is None:
            return await closed(buyer, merchant_id, link, locale)
        if read_leaving_token(buyer.runtime.link_key, k, code, buyer.runtime.clock.now()) is None:
            return Redirect(f"/l/{link.code}", status_code=HTTP_302_FOUND)  # without its click: count one first
        try:
            host = host_of(link.url)
            target = read_target(link.url, frozenset({host}))
            shown = shown_host(host)
        except (DestinationNotAllowed, ValueError):
            return buyer.pages.message(LINK_OVER, locale, HTTP_410_GONE)
        async with buyer.runtime.unit(merchant_id, "buyer.leaving") as unit:
            shop = (await this_merchant(unit)).name
        page = LeavingPage(shop=shop, host=shown, spelt=host, address=target.url, report=f"/r/{link.code}")
        return buyer.pages.leaving(page, locale)
