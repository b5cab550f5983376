"""What links are shared as: cards, pictures, the shop's logo, and QR codes to be printed."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.params import Parameter

from hutong.core.errors import NotFound
from hutong.db.unit import Unit
from hutong.links.cards import logo_of, set_card, set_logo
from hutong.links.hosts import link_base
from hutong.links.pictures import (
    UPLOAD_BYTES_MAX,
    Drawn,
    PictureView,
    draw_aside,
    keep_picture,
    picture_body,
)
from hutong.links.service import LinkView, find_link
from hutong.merchants.keys import ApiKey
from hutong.web.api.bodies import Line, RequestBody
from hutong.web.api.callers import once
from hutong.web.qr_print import PIXELS_DEFAULT, QrLook, drawn_png, drawn_svg, look_of, print_pixels
from hutong.web.share import share_card
from hutong.workflows.runtime import Runtime

#: Base64 writes four characters for three bytes.
BODY_BYTES_MAX: Final = UPLOAD_BYTES_MAX * 4 // 3 + 1024

Colour = Annotated[str, Parameter(description="#rrggbb; dark enough to be told from white", max_length=7)]
Logo = Annotated[bool, Parameter(description="with the shop's logo in the middle, where it has one")]
Millimetres = Annotated[int | None, Parameter(description="a print of this side at 300 dpi: 20, 30, 50, 80, 120, 200")]
Pixels = Annotated[int, Parameter(description="the least side in pixels")]


class NewPicture(RequestBody, frozen=True, kw_only=True):
    """A picture to keep: PNG, JPEG or WebP in Base64, up to 6 MB. It is drawn anew: nothing else in the file stays."""

    file: Annotated[bytes, msgspec.Meta(max_length=UPLOAD_BYTES_MAX)]


class PictureItem(msgspec.Struct, frozen=True, kw_only=True):
    """A picture; ``url`` may be kept for ever."""

    picture_id: UUID
    url: str
    content_type: str
    width: int
    height: int


class NewCard(RequestBody, frozen=True, kw_only=True):
    """What a link is shared as. Whatever is left out is the default: product, price, the shop's name and logo."""

    title: Line = ""
    about: Line = ""
    picture_id: UUID | None = None


class CardItem(msgspec.Struct, frozen=True, kw_only=True):
    """What a link is shared as, defaults filled in; ``share_url`` is the page to pass on from inside WeChat."""

    title: str
    about: str
    is_own: bool
    url: str
    share_url: str
    picture: PictureItem | None


class NewLogo(RequestBody, frozen=True, kw_only=True):
    """The shop's own picture."""

    picture_id: UUID


class CardsApi(Controller):
    """Cards, pictures, QR codes."""

    path = "/api/v1"
    tags = ["Links"]

    @post("/pictures", opt={"scope": "links:write"}, summary="Keep a picture", request_max_body_size=BODY_BYTES_MAX)
    async def keep(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, data: NewPicture
    ) -> Response[bytes]:
        """Keep a picture for cards, pages and QR codes; the same one again is the one that is there."""
        drawn = await draw_aside(data.file)
        return await once(runtime, caller, request, "api.picture", lambda unit: _kept(unit, runtime, drawn))

    @post("/logo", opt={"scope": "links:write"}, summary="Set the shop's logo")
    async def logo(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, data: NewLogo
    ) -> Response[bytes]:
        """Make a picture the shop's own: on cards that have none, and in the middle of QR codes."""
        return await once(runtime, caller, request, "api.logo", lambda unit: _logo(unit, runtime, data))

    @get("/links/{code:str}/card", opt={"scope": "links:read"}, summary="What a link is shared as")
    async def card(self, runtime: Runtime, caller: ApiKey, code: str) -> CardItem:
        """The card of a link."""
        async with runtime.unit(caller.merchant_id, "api.card") as unit:
            return await _card(unit, runtime, await _link(unit, code))

    @post("/links/{code:str}/card", opt={"scope": "links:write"}, summary="Set what a link is shared as")
    async def change(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, code: str, data: NewCard
    ) -> Response[bytes]:
        """Set the card of a link, all of it at once."""
        return await once(runtime, caller, request, "api.card_set", lambda unit: _set(unit, runtime, code, data))

    @get("/links/{code:str}/qr.svg", opt={"scope": "links:read"}, summary="A link's QR code as SVG")
    async def svg(
        self, runtime: Runtime, caller: ApiKey, code: str, color: Colour = "", logo: Logo = False
    ) -> Response[str]:
        """For print shops: one path, of any size."""
        address, title, look = await _look(runtime, caller, code, color, with_logo=logo)
        text = drawn_svg(address, title, look)
        return Response(text, media_type="image/svg+xml")

    @get("/links/{code:str}/qr.png", opt={"scope": "links:read"}, summary="A link's QR code as PNG")
    async def png(
        self,
        runtime: Runtime,
        caller: ApiKey,
        code: str,
        color: Colour = "",
        logo: Logo = False,
        mm: Millimetres = None,
        size: Pixels = PIXELS_DEFAULT,
    ) -> Response[bytes]:
        """A picture whose modules are whole pixels, at least ``size`` wide, or as wide as a print of ``mm``."""
        address, _, look = await _look(runtime, caller, code, color, with_logo=logo)
        pixels = size if mm is None else print_pixels(mm)
        return Response(drawn_png(address, look, pixels), media_type="image/png")


async def read_look(unit: Unit, color: str, *, with_logo: bool) -> QrLook:
    """How the merchant's codes look."""
    logo = await logo_of(unit) if with_logo else None
    if logo is None:
        return look_of(color)
    drawn = await picture_body(unit, logo.name)
    assert drawn is not None, "a logo is a picture that is kept"
    return look_of(color, drawn.body, drawn.content_type)


async def _look(runtime: Runtime, caller: ApiKey, code: str, color: str, *, with_logo: bool) -> tuple[str, str, QrLook]:
    """A link's address, its title, and how its code looks."""
    async with runtime.unit(caller.merchant_id, "api.qr") as unit:
        link, base = await _link(unit, code), await link_base(unit, runtime.public_url)
        return f"{base}/l/{link.code}", link.title, await read_look(unit, color, with_logo=with_logo)


async def _link(unit: Unit, code: str) -> LinkView:
    found = await find_link(unit, code)
    if found is None:
        raise NotFound(what="link", key=code)
    return found


def _picture_item(picture: PictureView, runtime: Runtime) -> PictureItem:
    return PictureItem(
        picture_id=picture.picture_id,
        url=f"{runtime.public_url}{picture.path}",
        content_type=picture.content_type,
        width=picture.width,
        height=picture.height,
    )


async def _kept(unit: Unit, runtime: Runtime, drawn: Drawn) -> PictureItem:
    return _picture_item(await keep_picture(unit, drawn), runtime)


async def _logo(unit: Unit, runtime: Runtime, data: NewLogo) -> PictureItem:
    await set_logo(unit, data.picture_id)
    logo = await logo_of(unit)
    assert logo is not None, "it was set"
    return _picture_item(logo, runtime)


async def _set(unit: Unit, runtime: Runtime, code: str, data: NewCard) -> CardItem:
    link = await _link(unit, code)
    await set_card(unit, link.link_id, data.title, data.about, data.picture_id)
    return await _card(unit, runtime, link)


async def _card(unit: Unit, runtime: Runtime, link: LinkView) -> CardItem:
    card = await share_card(unit, link, runtime.public_url)
    return CardItem(
        title=card.title,
        about=card.about,
        is_own=card.is_own,
        url=card.url,
        share_url=f"{await link_base(unit, runtime.public_url)}/card/{link.code}",
        picture=None if card.picture is None else _picture_item(card.picture, runtime),
    )
