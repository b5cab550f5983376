"""Where a link leads: the landing behind the edge's click, and links that lead nowhere."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Controller, HttpMethod, MediaType, Response, route
from litestar.response import Redirect
from litestar.status_codes import HTTP_302_FOUND, HTTP_404_NOT_FOUND

from hutong.links.asked import with_query
from hutong.links.lock_tokens import sealed
from hutong.links.service import LinkView
from hutong.links.standing import Standing
from hutong.links.tokens import read_click_token
from hutong.merchants.queries import this_merchant
from hutong.shops.catalogue import get_sku
from hutong.web.buyer.closed import closed, closed_page
from hutong.web.buyer.desk import CODE_CHARS_MAX, BuyerDesk, BuyerRequest, agent_at, is_ahead
from hutong.web.buyer.forwards import click_cookie, is_passed_on, link_again, parent_of
from hutong.web.buyer.pages import LINK_UNKNOWN
from hutong.web.languages import locale_of
from hutong.web.share import share_card
from hutong.workflows.commands.check_out import start_checkout


class LinkController(Controller):
    """Where a link leads. The edge has counted the click already; what it does not know comes here."""

    include_in_schema = False

    @route("/l/{code:str}", http_method=[HttpMethod.GET, HttpMethod.HEAD], media_type=MediaType.HTML)
    async def dead_end(self, request: BuyerRequest, code: str, buyer: BuyerDesk) -> Response[str]:
        """A link that the edge could not follow: unknown, switched off or over."""
        locale = locale_of(request)
        found = await buyer.link(code) if len(code) <= CODE_CHARS_MAX else None
        if found is not None:
            return closed_page(buyer, found[1].state, locale)
        return buyer.pages.message(LINK_UNKNOWN, locale, HTTP_404_NOT_FOUND)

    @route("/b/{code:str}", http_method=[HttpMethod.GET, HttpMethod.HEAD], media_type=MediaType.HTML)
    async def landing(
        self, request: BuyerRequest, code: str, buyer: BuyerDesk, k: str = "", p: str = "", r: str = "", q: str = ""
    ) -> Response[Any]:
        """Behind the click: on to the cash desk, which shows itself as a QR on a computer. Machines get no desk."""
        locale = locale_of(request)
        found = await buyer.link(code, r)
        if found is None:
            return buyer.pages.message(LINK_UNKNOWN, locale, HTTP_404_NOT_FOUND)
        merchant_id, link = found
        click_id = read_click_token(buyer.runtime.link_key, k, sealed(code, link.lock_id), r)
        if link.state != Standing.ACTIVE.value or link.sku_id is None:
            return await closed(buyer, merchant_id, link, locale, is_clicked=click_id is not None)
        agent = agent_at(request)
        if agent.is_bot and agent.container == "desktop" and link.lock_id is None:
            return await self._shop_window(request, buyer, merchant_id, link)
        if click_id is None:  # an address without its click: count one first
            return Redirect(with_query(f"/l/{link.code}", q), status_code=HTTP_302_FOUND)
        if is_passed_on(request, click_id, buyer.runtime.clock.now()):
            return Redirect(link_again(buyer.runtime, link.code, click_id, q), status_code=HTTP_302_FOUND)
        if is_ahead(request):
            return await self._shop_window(request, buyer, merchant_id, link)
        checkout_id = await start_checkout(
            buyer.runtime,
            merchant_id,
            link.link_id,
            click_id,
            agent.container,
            parent_id=parent_of(buyer.runtime, link.code, p),
            sku_id=link.sku_id,
        )
        answer = Redirect(f"/c/{checkout_id}", status_code=HTTP_302_FOUND)
        answer.cookies += [
            buyer.cookie(checkout_id),
            click_cookie(click_id, f"/b/{link.code}", secure=buyer.is_secure),
        ]
        return answer

    async def _shop_window(
        self, request: BuyerRequest, buyer: BuyerDesk, merchant_id: UUID, link: LinkView
    ) -> Response[str]:
        assert link.sku_id is not None, "the caller has looked"
        async with buyer.runtime.unit(merchant_id, "buyer.window") as unit:
            merchant = await this_merchant(unit)
            sku = await get_sku(unit, link.sku_id)
            card = await share_card(unit, link, buyer.runtime.public_url)
        return buyer.pages.desktop(
            shop=merchant.name,
            title=sku.title,
            price=sku.price,
            address=card.url,
            locale=locale_of(request),
            card=card,
        )
