"""The page of links that a profile leads to."""

from __future__ import annotations

from litestar import Controller, HttpMethod, MediaType, Response, route
from litestar.status_codes import HTTP_404_NOT_FOUND, HTTP_410_GONE

from hutong.core.errors import NotFound
from hutong.links.bios import BIO, BioState, BioView, get_bio, skeleton
from hutong.merchants.queries import this_merchant
from hutong.web.buyer.desk import CODE_CHARS_MAX, BuyerDesk, BuyerRequest, agent_at
from hutong.web.buyer.pages import ADDRESS_UNKNOWN, BIO_OFF, BioPage
from hutong.web.buyer.signed import signed_for
from hutong.web.languages import locale_of
from hutong.web.share import ShareCard


class BioController(Controller):
    """``/u/{name}``. It is no click; each of its links is."""

    include_in_schema = False

    @route("/u/{name:str}", http_method=[HttpMethod.GET, HttpMethod.HEAD], media_type=MediaType.HTML)
    async def show(self, request: BuyerRequest, name: str, buyer: BuyerDesk) -> Response[str]:
        """The page, once it is live, and while the merchant's links are on."""
        locale = locale_of(request)
        plain = name[:CODE_CHARS_MAX].lower()
        merchant_id = await buyer.merchant_of(BIO, skeleton(plain))
        if merchant_id is None:
            return buyer.pages.message(ADDRESS_UNKNOWN, locale, HTTP_404_NOT_FOUND)
        try:
            async with buyer.runtime.unit(merchant_id, "buyer.bio") as unit:
                bio = await get_bio(unit, plain)
                shop = (await this_merchant(unit)).name
        except NotFound:  # a name that only looks like one that is there
            return buyer.pages.message(ADDRESS_UNKNOWN, locale, HTTP_404_NOT_FOUND)
        if bio.state is not BioState.LIVE:
            return buyer.pages.message(ADDRESS_UNKNOWN, locale, HTTP_404_NOT_FOUND)
        if bio.is_all_off:
            return buyer.pages.message(BIO_OFF, locale, HTTP_410_GONE)
        agent = agent_at(request)
        signed = await signed_for(request, buyer, merchant_id, agent.container)
        card = bio_card(bio, shop, buyer.runtime.public_url)
        return buyer.pages.bio(BioPage(bio=bio, card=card, signed=signed), locale)


def bio_card(bio: BioView, shop: str, public_url: str) -> ShareCard:
    """What the page itself is shared as."""
    return ShareCard(
        shop=shop,
        title=bio.title,
        about=bio.about,
        url=f"{public_url}/u/{bio.name}",
        picture=bio.picture,
        picture_url="" if bio.picture is None else f"{public_url}{bio.picture.path}",
        is_own=True,
    )
