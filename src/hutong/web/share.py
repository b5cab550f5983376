"""What a link is shared as, with everything that was not set filled in: what pages say of themselves in their head."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from hutong.core.errors import NotFound
from hutong.core.money import Money
from hutong.db.unit import Unit
from hutong.links.cards import card_of, logo_of
from hutong.links.hosts import link_base
from hutong.links.pictures import PictureView
from hutong.links.service import LinkView
from hutong.merchants.queries import this_merchant
from hutong.shops.catalogue import get_sku

#: A picture this much wider than high is shown large where a network knows two sizes.
WIDE_FROM: Final = 5, 4


class ShareCard(msgspec.Struct, frozen=True, kw_only=True):
    """A card. ``about`` is empty where the default is meant: the price, if there is one, and the shop's name."""

    shop: str
    title: str
    about: str
    url: str  # of the link, absolute: what is opened from the card is counted
    price: Money | None = None
    picture: PictureView | None = None
    picture_url: str = ""
    is_own: bool = False  # something of it was set for this link

    @property
    def is_wide(self) -> bool:
        """Whether networks should show the picture large."""
        wide, high = WIDE_FROM
        return self.picture is not None and self.picture.width * high >= self.picture.height * wide


async def share_card(unit: Unit, link: LinkView, public_url: str) -> ShareCard:
    """The card of a link; it leads to the link under the host that links are written with."""
    own = await card_of(unit, link.link_id)
    shop = (await this_merchant(unit)).name
    picture = own.picture or await logo_of(unit)
    product, price = "", None
    if link.sku_id is not None:
        try:
            sku = await get_sku(unit, link.sku_id)
            product, price = sku.title, sku.price
        except NotFound:  # a product that is gone has no price; its link still says what it was called
            product = ""
    return ShareCard(
        shop=shop,
        title=own.title or product or link.title or shop,
        about=own.about,
        url=f"{await link_base(unit, public_url)}/l/{link.code}",
        price=price,
        picture=picture,
        picture_url="" if picture is None else f"{public_url}{picture.path}",
        is_own=own.is_set,
    )


def about_by_default(card: ShareCard, money: Callable[[Money], str]) -> str:
    """The price, if there is one, and the shop's name; not the name twice."""
    parts = [money(card.price)] if card.price is not None else []
    if card.shop != card.title:
        parts.append(card.shop)
    return " · ".join(parts)
