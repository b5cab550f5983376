"""Pages of links: making one, what it says, its lines in order, and how it looks."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Controller, Response, get, post
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect

from hutong.core.errors import HutongError, InvalidInput
from hutong.db.unit import Unit
from hutong.links.bios import (
    BioView,
    Theme,
    add_entry,
    change_bio,
    create_bio,
    get_bio,
    list_bios,
    order_entries,
    show_bio,
)
from hutong.links.pictures import draw_aside, keep_picture
from hutong.shops.queries import sku_choices
from hutong.web.console.desk import ConsoleRequest, Desk, go_to
from hutong.web.console.share_views import BioEditorView, BiosView
from hutong.web.console.sharing import FORM_BYTES_MAX
from hutong.web.errors import text_for
from hutong.web.languages import locale_of

_YES: Final = "yes"
#: What a line's buttons do to its place; ``away`` takes it off the page.
MOVES: Final = {"up": -1, "down": 1}
AWAY: Final = "away"


class NewBio(msgspec.Struct, frozen=True, kw_only=True):
    """The form for a page."""

    name: str
    title: str


class BioForm(msgspec.Struct, frozen=True, kw_only=True):
    """What a page says. Without a new picture the one that is there stays, unless it is to go."""

    title: str
    about: str = ""
    theme: Theme = Theme.PAPER
    picture: UploadFile | None = None
    no_picture: str = ""


class EntryForm(msgspec.Struct, frozen=True, kw_only=True):
    """A line: a product or an address."""

    label: str
    sku_id: str = ""
    url: str = ""


class MoveForm(msgspec.Struct, frozen=True, kw_only=True):
    """A button beside a line."""

    move: str


class BiosController(Controller):
    """The pages about pages of links."""

    path = "/bios"
    include_in_schema = False

    @get("/")
    async def all(self, request: ConsoleRequest, desk: Desk) -> Response[str]:
        """Every page, and the form for another one."""
        return await _all(request, desk, None)

    @post("/")
    async def make(
        self,
        request: ConsoleRequest,
        desk: Desk,
        data: Annotated[NewBio, Body(media_type=RequestEncodingType.URL_ENCODED)],
    ) -> Response[Any] | Redirect:
        """Make a page and look at it."""
        try:
            async with desk.unit(request, "console.bio_create") as unit:
                made = await create_bio(unit, data.name, data.title)
        except HutongError as error:
            return await _all(request, desk, error)
        return go_to(f"/bios/{made.name}")

    @get("/{name:str}")
    async def one(self, request: ConsoleRequest, desk: Desk, name: str) -> Response[str]:
        """The editor."""
        return await _one(request, desk, name, None)

    @post("/{name:str}", request_max_body_size=FORM_BYTES_MAX)
    async def change(
        self,
        request: ConsoleRequest,
        desk: Desk,
        name: str,
        data: Annotated[BioForm, Body(media_type=RequestEncodingType.MULTI_PART)],
    ) -> Response[Any] | Redirect:
        """Other words, another look, another picture."""
        try:
            sent = data.picture
            drawn = await draw_aside(await sent.read()) if sent is not None and sent.filename else None
            async with desk.unit(request, "console.bio_change") as unit:
                known = await get_bio(unit, name)
                picture_id = None if known.picture is None or data.no_picture == _YES else known.picture.picture_id
                if drawn is not None:
                    picture_id = (await keep_picture(unit, drawn)).picture_id
                await change_bio(
                    unit, name, title=data.title, about=data.about, theme=data.theme, picture_id=picture_id
                )
        except HutongError as error:
            return await _one(request, desk, name, error)
        return go_to(f"/bios/{name}")

    @post("/{name:str}/entries")
    async def add(
        self,
        request: ConsoleRequest,
        desk: Desk,
        name: str,
        data: Annotated[EntryForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
    ) -> Response[Any] | Redirect:
        """A line at the end. An address goes before a product: whoever typed one meant it."""
        try:
            url = data.url.strip() or None
            sku_id = _uuid(data.sku_id) if url is None else None
            async with desk.unit(request, "console.bio_entry") as unit:
                await add_entry(unit, name, data.label, sku_id=sku_id, url=url)
        except HutongError as error:
            return await _one(request, desk, name, error)
        return go_to(f"/bios/{name}")

    @post("/{name:str}/entries/{entry_id:uuid}")
    async def move(
        self,
        request: ConsoleRequest,
        desk: Desk,
        name: str,
        entry_id: UUID,
        data: Annotated[MoveForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
    ) -> Redirect:
        """A line one place up or down, or off the page."""
        async with desk.unit(request, "console.bio_move") as unit:
            await order_entries(unit, name, _moved(await get_bio(unit, name), entry_id, data.move))
        return go_to(f"/bios/{name}")

    @post("/{name:str}/publish")
    async def publish(self, request: ConsoleRequest, desk: Desk, name: str) -> Redirect:
        """Let visitors see it."""
        async with desk.unit(request, "console.bio_publish") as unit:
            await show_bio(unit, name, is_live=True)
        return go_to(f"/bios/{name}")

    @post("/{name:str}/hide")
    async def hide(self, request: ConsoleRequest, desk: Desk, name: str) -> Redirect:
        """Let nobody see it."""
        async with desk.unit(request, "console.bio_hide") as unit:
            await show_bio(unit, name, is_live=False)
        return go_to(f"/bios/{name}")


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise InvalidInput(field="destination", problem="sku_id | url") from None


def _moved(bio: BioView, entry_id: UUID, move: str) -> list[UUID]:
    """The lines in their new order; a line that is gone changes nothing."""
    ids = [entry.entry_id for entry in bio.entries]
    if entry_id not in ids:
        return ids
    at = ids.index(entry_id)
    ids.pop(at)
    if move != AWAY:
        ids.insert(max(0, at + MOVES.get(move, 0)), entry_id)
    return ids


async def _all(request: ConsoleRequest, desk: Desk, error: HutongError | None) -> Response[str]:
    locale = locale_of(request)
    async with desk.unit(request, "console.bios") as unit:
        view = BiosView(
            rows=tuple(await list_bios(unit)),
            address=f"{desk.runtime.public_url}/u/",
            trouble=None if error is None else text_for(error, locale, desk.renderer.catalogues),
        )
        return _with_status(await desk.page(request, unit, "console/bios.html", view), error)


async def _one(request: ConsoleRequest, desk: Desk, name: str, error: HutongError | None) -> Response[str]:
    locale = locale_of(request)
    async with desk.unit(request, "console.bio") as unit:
        view = await _editor(unit, desk, name)
        if error is not None:
            view = msgspec.structs.replace(view, trouble=text_for(error, locale, desk.renderer.catalogues))
        return _with_status(await desk.page(request, unit, "console/bio.html", view), error)


async def _editor(unit: Unit, desk: Desk, name: str) -> BioEditorView:
    bio = await get_bio(unit, name)
    return BioEditorView(
        bio=bio, address=f"{desk.runtime.public_url}/u/{bio.name}", skus=tuple(await sku_choices(unit))
    )


def _with_status(answer: Response[str], error: HutongError | None) -> Response[str]:
    if error is not None:
        answer.status_code = error.status
    return answer
