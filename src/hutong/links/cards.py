"""What a link is shared as: a title, a text and a picture of its own, or the shop's."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert

from hutong.core.errors import InvalidInput
from hutong.db.unit import Unit
from hutong.links.card_models import link_card, shop_logo
from hutong.links.holding import one_line
from hutong.links.pictures import PictureView, get_picture
from hutong.links.service import get_link

#: WeChat shows two lines of the title and three of the text; more is cut off there.
TITLE_CHARS_MAX: Final = 64
ABOUT_CHARS_MAX: Final = 140


class LinkCard(msgspec.Struct, frozen=True, kw_only=True):
    """What was set for a link; an empty text or no picture: the default."""

    title: str = ""
    about: str = ""
    picture: PictureView | None = None

    @property
    def is_set(self) -> bool:
        """Whether anything is its own."""
        return bool(self.title or self.about or self.picture)


async def card_of(unit: Unit, link_id: UUID) -> LinkCard:
    """The card of a link; an empty one where none was set."""
    row = await unit.one(
        select(link_card).where(link_card.c.merchant_id == unit.merchant_id, link_card.c.link_id == link_id)
    )
    if row is None:
        return LinkCard()
    shown = None if row.picture_id is None else await get_picture(unit, row.picture_id)
    return LinkCard(title=row.title, about=row.about, picture=shown)


async def set_card(unit: Unit, link_id: UUID, title: str, about: str, picture_id: UUID | None) -> LinkCard:
    """Set what a link is shared as.

    Raises:
        InvalidInput: a text is too long.
        NotFound: the link or the picture is not this merchant's.
    """
    title, about = check_line("title", title, TITLE_CHARS_MAX), check_line("about", about, ABOUT_CHARS_MAX)
    await get_link(unit, link_id)
    if picture_id is not None:
        await get_picture(unit, picture_id)
    values = {"title": title, "about": about, "picture_id": picture_id, "changed_at": unit.now()}
    await unit.run(
        upsert(link_card)
        .values(merchant_id=unit.merchant_id, link_id=link_id, **values)
        .on_conflict_do_update(index_elements=("merchant_id", "link_id"), set_=values)
    )
    return await card_of(unit, link_id)


async def logo_of(unit: Unit) -> PictureView | None:
    """The shop's own picture."""
    picture_id = await unit.scalar(select(shop_logo.c.picture_id).where(shop_logo.c.merchant_id == unit.merchant_id))
    return None if picture_id is None else await get_picture(unit, picture_id)


async def set_logo(unit: Unit, picture_id: UUID) -> None:
    """Make a picture the shop's own.

    Raises:
        NotFound: it is not this merchant's.
    """
    await get_picture(unit, picture_id)
    values = {"picture_id": picture_id, "changed_at": unit.now()}
    await unit.run(
        upsert(shop_logo)
        .values(merchant_id=unit.merchant_id, **values)
        .on_conflict_do_update(index_elements=("merchant_id",), set_=values)
    )


def check_line(field: str, text: str, chars_max: int) -> str:
    """A text as one line without control characters.

    Raises:
        InvalidInput: it is longer than ``chars_max``.
    """
    plain = one_line(text)
    if len(plain) > chars_max:
        raise InvalidInput(field=field, problem=f"≤ {chars_max}")
    return plain
