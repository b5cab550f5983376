"""Pages of links."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, get, post

from hutong.core.errors import InvalidInput
from hutong.db.unit import Unit
from hutong.links.bios import (
    ENTRIES_MAX,
    BioState,
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
from hutong.links.hosts import link_base
from hutong.merchants.keys import ApiKey
from hutong.web.api.bodies import Line, RequestBody, Url, Word
from hutong.web.api.callers import once
from hutong.workflows.runtime import Runtime


class NewBio(RequestBody, frozen=True, kw_only=True):
    """A page to make. ``name`` is its address for ever: 3–30 letters, digits and hyphens."""

    name: Word
    title: Line
    about: Line = ""
    theme: Theme = Theme.PAPER


class BioChange(RequestBody, frozen=True, kw_only=True):
    """What a page says, all of it at once; ``state`` live lets visitors see it; without one it stays as it is."""

    title: Line
    about: Line = ""
    theme: Theme = Theme.PAPER
    picture_id: UUID | None = None
    state: BioState | None = None


class NewEntry(RequestBody, frozen=True, kw_only=True):
    """A line to add at the end: to our checkout of ``sku_id``, or to ``url`` on a known platform."""

    label: Line
    sku_id: UUID | None = None
    url: Url | None = None


class EntryOrder(RequestBody, frozen=True, kw_only=True):
    """The lines in order; one that is left out goes away."""

    entry_ids: Annotated[tuple[UUID, ...], msgspec.Meta(max_length=ENTRIES_MAX)]


class BioLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line; ``url`` is its link, counted in the page's channel."""

    entry_id: UUID
    label: str
    url: str
    is_open: bool


class BioItem(msgspec.Struct, frozen=True, kw_only=True):
    """A page of links."""

    name: str
    url: str
    channel_id: UUID
    title: str
    about: str
    theme: Theme
    state: BioState
    picture_url: str
    entries: tuple[BioLine, ...]


class BiosAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """All pages, the oldest first."""

    items: tuple[BioItem, ...]


class BiosApi(Controller):
    """Pages of links."""

    path = "/api/v1/bios"
    tags = ["Links"]

    @get("/", opt={"scope": "links:read"}, summary="Pages of links")
    async def all(self, runtime: Runtime, caller: ApiKey) -> BiosAnswer:
        """Every page with its lines."""
        async with runtime.unit(caller.merchant_id, "api.bios") as unit:
            return BiosAnswer(items=tuple([await _item(unit, bio, runtime) for bio in await list_bios(unit)]))

    @post("/", opt={"scope": "links:write"}, summary="Make a page of links")
    async def make(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, data: NewBio
    ) -> Response[bytes]:
        """A draft with a channel of its own."""

        async def work(unit: Unit) -> BioItem:
            return await _item(unit, await create_bio(unit, data.name, data.title, data.about, data.theme), runtime)

        return await once(runtime, caller, request, "api.bio", work)

    @get("/{name:str}", opt={"scope": "links:read"}, summary="A page of links")
    async def one(self, runtime: Runtime, caller: ApiKey, name: str) -> BioItem:
        """One page."""
        async with runtime.unit(caller.merchant_id, "api.bio_read") as unit:
            return await _item(unit, await get_bio(unit, name), runtime)

    @post("/{name:str}", opt={"scope": "links:write"}, summary="Change a page of links")
    async def change(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, name: str, data: BioChange
    ) -> Response[bytes]:
        """Other words, another look, live or not."""

        async def work(unit: Unit) -> BioItem:
            bio = await change_bio(
                unit, name, title=data.title, about=data.about, theme=data.theme, picture_id=data.picture_id
            )
            if data.state is not None:
                bio = await show_bio(unit, name, is_live=data.state is BioState.LIVE)
            return await _item(unit, bio, runtime)

        return await once(runtime, caller, request, "api.bio_change", work)

    @post("/{name:str}/entries", opt={"scope": "links:write"}, summary="Add a line to a page of links")
    async def add(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, name: str, data: NewEntry
    ) -> Response[bytes]:
        """A link of the page's own channel, at the end."""

        async def work(unit: Unit) -> BioItem:
            if (data.sku_id is None) == (data.url is None):
                raise InvalidInput(field="destination", problem="sku_id | url")
            return await _item(unit, await add_entry(unit, name, data.label, sku_id=data.sku_id, url=data.url), runtime)

        return await once(runtime, caller, request, "api.bio_entry", work)

    @post("/{name:str}/order", opt={"scope": "links:write"}, summary="Order the lines of a page of links")
    async def order(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, name: str, data: EntryOrder
    ) -> Response[bytes]:
        """Another order; lines that are left out go away."""

        async def work(unit: Unit) -> BioItem:
            return await _item(unit, await order_entries(unit, name, data.entry_ids), runtime)

        return await once(runtime, caller, request, "api.bio_order", work)


async def _item(unit: Unit, bio: BioView, runtime: Runtime) -> BioItem:
    base = await link_base(unit, runtime.public_url)
    return BioItem(
        name=bio.name,
        url=f"{runtime.public_url}/u/{bio.name}",
        channel_id=bio.channel_id,
        title=bio.title,
        about=bio.about,
        theme=bio.theme,
        state=bio.state,
        picture_url="" if bio.picture is None else f"{runtime.public_url}{bio.picture.path}",
        entries=tuple(
            BioLine(
                entry_id=entry.entry_id,
                label=entry.label,
                url=f"{base}/l/{entry.code}",
                is_open=entry.is_open,
            )
            for entry in bio.entries
        ),
    )
