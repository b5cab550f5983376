"""The page that asks before a link leads to a host that nobody has proven: it names the host, and leads on by a tap."""

from __future__ import annotations

from typing import Any

from litestar import Controller, HttpMethod, MediaType, Response, route
from litestar.response import Redirect
from litestar.status_codes import HTTP_302_FOUND, HTTP_404_NOT_FOUND, HTTP_410_GONE

from hutong.links.attribution.evidence import moment_of
from hutong.links.destinations import KNOWN_HOSTS, host_of, target_and_host
from hutong.links.host_names import shown_host
from hutong.links.hosts import host_states
from hutong.links.leaving import read_leaving_token
from hutong.links.lock_tokens import sealed
from hutong.links.rules.compiled import OVER as OVER_CHOICE
from hutong.links.standing import OVER, Standing
from hutong.merchants.queries import this_merchant
from hutong.web.buyer.closed import closed
from hutong.web.buyer.desk import BuyerDesk, BuyerRequest
from hutong.web.buyer.forwards import FRESH
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
        # A link that is over may lead on by this page, if that was why the click came here.
        is_led = link.state == Standing.ACTIVE.value or (link.state in OVER and r == OVER_CHOICE)
        now = buyer.runtime.clock.now()
        click_id = read_leaving_token(buyer.runtime.link_key, k, sealed(code, link.lock_id), now, r)
        if not is_led or link.url is None:
            return await closed(buyer, merchant_id, link, locale, is_clicked=click_id is not None)
        # Behind a password the page opens for a moment alone: its address may be passed on, and names the host.
        if click_id is None or (link.lock_id is not None and now - moment_of(click_id) > FRESH):
            return Redirect(f"/l/{link.code}", status_code=HTTP_302_FOUND)  # without its click: count one first
        target, host = target_and_host(link.url)
        if target is None:
            return buyer.pages.message(LINK_OVER, locale, HTTP_410_GONE)
        host = host or host_of(link.url)
        async with buyer.runtime.unit(merchant_id, "buyer.leaving") as unit:
            shop, is_listed = (await this_merchant(unit)).name, host in await host_states(unit)
        if not is_listed and host not in KNOWN_HOSTS:  # taken off the list, or never on it: it is nobody's to lead to
            return buyer.pages.message(LINK_OVER, locale, HTTP_410_GONE)
        page = LeavingPage(shop=shop, host=shown_host(host), spelt=host, address=target.url, report=f"/r/{link.code}")
        return buyer.pages.leaving(page, locale)
