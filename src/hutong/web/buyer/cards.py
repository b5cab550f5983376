"""What a link is shared as: for programs that make previews, for a person who passes it on inside WeChat, and pictures.

The edge has counted the click of a preview and hands it on to here; a person who opens this page is no click, the
button on it makes one.
"""

from __future__ import annotations

from typing import Any, Final

from litestar import Controller, HttpMethod, MediaType, Response, route
from litestar.response import Redirect
from litestar.status_codes import HTTP_302_FOUND, HTTP_404_NOT_FOUND

from hutong.links.destinations import is_page
from hutong.links.hosts import host_states, leads_on
from hutong.links.pictures import PICTURE, picture_body
from hutong.links.standing import Standing, standings
from hutong.web.buyer.closed import closed_page
from hutong.web.buyer.desk import BuyerDesk, BuyerRequest, agent_at
from hutong.web.buyer.locks import ask_password
from hutong.web.buyer.pages import LINK_UNKNOWN, CardPage
from hutong.web.buyer.signed import base_of, signed_for
from hutong.web.errors import PageNotFound
from hutong.web.languages import locale_of
from hutong.web.share import share_card

#: A picture's name holds its digest: what is there under it never changes.
PICTURE_LIFE_S: Final = 365 * 24 * 3600
_PICTURE_NAME_CHARS_MAX: Final = 64


class CardController(Controller):
    """Cards and their pictures."""

    include_in_schema = False

    @route("/card/{code:str}", http_method=[HttpMethod.GET, HttpMethod.HEAD], media_type=MediaType.HTML)
    async def card(self, request: BuyerRequest, code: str, buyer: BuyerDesk) -> Response[Any]:
        """The card as a page; of a link that leads nowhere at this moment there is none. A preview of somebody else's
        page for which nothing was set gets that page's own card.
        """
        locale = locale_of(request)
        found = await buyer.link(code)
        if found is None:
            return buyer.pages.message(LINK_UNKNOWN, locale, HTTP_404_NOT_FOUND)
        merchant_id, link = found
        async with buyer.runtime.unit(merchant_id, "buyer.card") as unit:
            standing = (await standings(unit, [link.link_id]))[link.link_id]
            asks_first = not leads_on(link.url, await host_states(unit))
            card = await share_card(unit, link, buyer.runtime.public_url)
        if standing is not Standing.ACTIVE:
            return closed_page(buyer, standing, locale)
        if link.lock_id is not None:  # what it is shared as says nothing of where it leads
            return await ask_password(request, buyer, merchant_id, link)
        if asks_first:  # the page that asks knows what to tell; it is behind a click
            return _never_stored(f"/l/{link.code}")
        agent = agent_at(request)
        if agent.is_preview and link.url is not None and is_page(link.url) and not card.is_own:
            return _never_stored(link.url)
        signed = await signed_for(request, buyer, merchant_id, agent.container)
        link_url = "" if signed is None else f"{await base_of(request, buyer, merchant_id)}/l/{link.code}"
        return buyer.pages.card(CardPage(code=link.code, card=card, signed=signed, link_url=link_url), locale)

    @route("/pictures/{name:str}", http_method=[HttpMethod.GET, HttpMethod.HEAD], media_type="image/jpeg")
    async def picture(self, name: str, buyer: BuyerDesk) -> Response[bytes]:
        """A picture, to be kept for ever; whatever it is asked as, it is shown as a picture."""
        known = len(name) <= _PICTURE_NAME_CHARS_MAX
        merchant_id = await buyer.merchant_of(PICTURE, name) if known else None
        if merchant_id is None:
            raise PageNotFound
        async with buyer.runtime.unit(merchant_id, "buyer.picture") as unit:
            drawn = await picture_body(unit, name)
        if drawn is None:
            raise PageNotFound
        headers = {
            "cache-control": f"public, max-age={PICTURE_LIFE_S}, immutable",
            "x-content-type-options": "nosniff",
            "content-security-policy": "default-src 'none'; sandbox",
            "cross-origin-resource-policy": "cross-origin",  # previews are drawn on other people's pages
        }
        return Response(drawn.body, media_type=drawn.content_type, headers=headers)


def _never_stored(location: str) -> Redirect:
    answer = Redirect(location, status_code=HTTP_302_FOUND)
    answer.headers["cache-control"] = "no-store"
    return answer
