"""What a link is shared as, the shop's logo, and QR codes for print."""

from __future__ import annotations

from typing import Annotated, Any, Final
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from litestar import Controller, Response, get, post
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect

from hutong.core.errors import InvalidInput, NotFound
from hutong.db.unit import Unit
from hutong.links.cards import card_of, logo_of, set_card, set_logo
from hutong.links.hosts import link_base
from hutong.links.pictures import UPLOAD_BYTES_MAX, Drawn, draw_aside, keep_picture
from hutong.links.service import LinkView, find_link
from hutong.web.api.cards import read_look
from hutong.web.console.desk import ConsoleRequest, Desk, go_to, session_of
from hutong.web.console.share_views import ShareView
from hutong.web.errors import text_for
from hutong.web.languages import locale_of
from hutong.web.qr_print import PIXELS_DEFAULT, drawn_png, drawn_svg, print_pixels
from hutong.web.share import share_card
from hutong.workflows.commands.page_configs import page_account

#: The picture and what a form adds to it.
FORM_BYTES_MAX: Final = UPLOAD_BYTES_MAX + 64 * 1024
_YES: Final = "yes"


class CardForm(msgspec.Struct, frozen=True, kw_only=True):
    """The form of a card. Without a new picture the one that is there stays, unless it is to go."""

    title: str = ""
    about: str = ""
    picture: UploadFile | None = None
    no_picture: str = ""
    is_logo: str = ""  # the new picture is the shop's own from now on


Form = Annotated[CardForm, Body(media_type=RequestEncodingType.MULTI_PART)]


class SharingController(Controller):
    """The pages of one link's card and code."""

    path = "/links/{code:str}"
    include_in_schema = False

    @get("/share")
    async def show(self, request: ConsoleRequest, desk: Desk, code: str) -> Response[str]:
        """The card with its previews, and the code."""
        return await _page(request, desk, code, None)

    @post("/share", request_max_body_size=FORM_BYTES_MAX)
    async def change(self, request: ConsoleRequest, desk: Desk, code: str, data: Form) -> Response[Any] | Redirect:
        """Set the card; what is wrong is told on the same page."""
        try:
            drawn = await _drawn(data.picture)
            async with desk.unit(request, "console.card") as unit:
                link = await _link(unit, code)
                await set_card(unit, link.link_id, data.title, data.about, await _picture_id(unit, link, data, drawn))
        except InvalidInput as error:
            answer = await _page(request, desk, code, error)
            answer.status_code = error.status
            return answer
        return go_to(f"/links/{code}/share")

    @get("/print.png", media_type="image/png")
    async def print_png(
        self, request: ConsoleRequest, desk: Desk, code: str, mm: int = 0, color: str = "", logo: str = ""
    ) -> Response[bytes]:
        """The code as a picture: for screens, or as wide as a print of ``mm`` at 300 dpi."""
        async with desk.unit(request, "console.qr") as unit:
            link = await _link(unit, code)
            look = await read_look(unit, color, with_logo=logo == _YES)
            address = f"{await link_base(unit, desk.runtime.public_url)}/l/{link.code}"
        pixels = print_pixels(mm) if mm else PIXELS_DEFAULT
        png = drawn_png(address, look, pixels)
        return Response(png, media_type="image/png", headers=_download(f"{link.code}.png"))

    @get("/print.svg", media_type="image/svg+xml")
    async def print_svg(
        self, request: ConsoleRequest, desk: Desk, code: str, color: str = "", logo: str = ""
    ) -> Response[str]:
        """The code for a print shop."""
        async with desk.unit(request, "console.qr") as unit:
            link = await _link(unit, code)
            look = await read_look(unit, color, with_logo=logo == _YES)
            address = f"{await link_base(unit, desk.runtime.public_url)}/l/{link.code}"
        svg = drawn_svg(address, link.title, look)
        return Response(svg, media_type="image/svg+xml", headers=_download(f"{link.code}.svg"))


def _download(name: str) -> dict[str, str]:
    return {"content-disposition": f'attachment; filename="{name}"', "x-content-type-options": "nosniff"}


async def _page(request: ConsoleRequest, desk: Desk, code: str, error: InvalidInput | None) -> Response[str]:
    account = await page_account(desk.runtime, session_of(request).merchant_id)
    async with desk.unit(request, "console.share") as unit:
        link = await _link(unit, code)
        card = await share_card(unit, link, desk.runtime.public_url)
        has_logo = await logo_of(unit) is not None
        look = await read_look(unit, "", with_logo=has_logo)
        title = desk.renderer.catalogues.text(locale_of(request), "链接的二维码")
        locale = locale_of(request)
        view = ShareView(
            code=link.code,
            link_title=link.title,
            address=card.url,
            share_address=f"{await link_base(unit, desk.runtime.public_url)}/card/{link.code}",
            host=urlsplit(card.url).netloc,
            own=await card_of(unit, link.link_id),
            card=card,
            has_logo=has_logo,
            account=account,
            qr_svg=drawn_svg(card.url, title, look),
            is_locked=link.lock_id is not None,
            trouble=None if error is None else text_for(error, locale, desk.renderer.catalogues),
        )
        return await desk.page(request, unit, "console/link_share.html", view)


async def _link(unit: Unit, code: str) -> LinkView:
    found = await find_link(unit, code)
    if found is None:
        raise NotFound(what="link", key=code)
    return found


async def _drawn(sent: UploadFile | None) -> Drawn | None:
    """The picture that came with a form; a field that was left empty brings a file without a name."""
    if sent is None or not sent.filename:
        return None
    return await draw_aside(await sent.read())


async def _picture_id(unit: Unit, link: LinkView, data: CardForm, drawn: Drawn | None) -> UUID | None:
    if drawn is not None:
        kept = await keep_picture(unit, drawn)
        if data.is_logo == _YES:
            await set_logo(unit, kept.picture_id)
        return kept.picture_id
    known = (await card_of(unit, link.link_id)).picture
    return None if known is None or data.no_picture == _YES else known.picture_id
