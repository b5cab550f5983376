"""A party's own page in the console: what it has, which channels are its, and the link to the page on its phone."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import Controller, MediaType, Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect
from litestar.status_codes import HTTP_200_OK

from hutong.core.errors import InvalidInput
from hutong.db.unit import Unit
from hutong.ledger.commission_queries import commission_totals
from hutong.ledger.parties import get_party, give_channel, owners_of
from hutong.ledger.party_pages import MadeLink, end_page_link, make_page_link, page_links
from hutong.links.queries import channel_choices
from hutong.merchants.actors import staff_actor
from hutong.web.console.desk import ConsoleRequest, Desk, go_to, session_of
from hutong.web.console.split_views import PartyView
from hutong.web.creator.reading import read_creator_page
from hutong.web.labels import mark
from hutong.web.languages import locale_of
from hutong.web.qr import qr_svg

LINK_PATH: Final = "/m/"


class ChannelForm(msgspec.Struct, frozen=True, kw_only=True):
    """A channel that is a party's from now on."""

    channel_id: str


class PartyController(Controller):
    """A party and its page."""

    path = "/splits/parties/{party_id:uuid}"
    include_in_schema = False

    @get("/")
    async def show(self, request: ConsoleRequest, desk: Desk, party_id: UUID) -> Response[str]:
        """What the party sees itself, and whether its link is alive."""
        async with desk.unit(request, "console.party") as unit:
            return await desk.page(request, unit, "console/party.html", await party_view(unit, desk, party_id))

    @post("/page", media_type=MediaType.HTML, status_code=HTTP_200_OK)
    async def make(self, request: ConsoleRequest, desk: Desk, party_id: UUID) -> Response[str]:
        """A new link, told on this answer and never again; the one before it is over."""
        async with desk.unit(request, "console.page_link") as unit:
            made = await make_page_link(unit, staff_actor(session_of(request)), party_id)
            view = await party_view(unit, desk, party_id)
            title = desk.renderer.catalogues.text(locale_of(request), mark("推广人手机页的二维码"))
            address = address_of(desk.runtime.public_url, made)
            view = msgspec.structs.replace(view, address=address, qr_svg=qr_svg(address, title))
            return await desk.page(request, unit, "console/party.html", view)

    @post("/page/end")
    async def end(self, request: ConsoleRequest, desk: Desk, party_id: UUID) -> Redirect:
        """Switch the page off; whoever has it open is out."""
        async with desk.unit(request, "console.page_end") as unit:
            await end_page_link(unit, staff_actor(session_of(request)), party_id)
        return go_to(f"/splits/parties/{party_id}")

    @post("/channels")
    async def give(
        self,
        request: ConsoleRequest,
        desk: Desk,
        party_id: UUID,
        data: Annotated[ChannelForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
    ) -> Redirect:
        """A channel is the party's: it brings the sales that come through it.

        Raises:
            Conflict: it is another party's.
        """
        try:
            channel_id = UUID(data.channel_id)
        except ValueError:
            raise InvalidInput(field="channel_id", problem=data.channel_id) from None
        async with desk.unit(request, "console.party_channel") as unit:
            await give_channel(unit, party_id, channel_id)
        return go_to(f"/splits/parties/{party_id}")


async def party_view(unit: Unit, desk: Desk, party_id: UUID) -> PartyView:
    """Everything on the page; no link is told.

    Raises:
        NotFound: no such party.
    """
    party = await get_party(unit, party_id)
    links = await page_links(unit, party_id)
    alive = next((link for link in links if link.is_alive(unit.now())), None)
    channels = await channel_choices(unit)
    owners = await owners_of(unit, [channel.channel_id for channel in channels])
    totals = await commission_totals(unit, party_id)
    return PartyView(
        party_id=party.party_id,
        name=party.name,
        page=await read_creator_page(unit, party_id, desk.runtime.public_url),
        link=alive,
        was_made=bool(links),
        free_channels=tuple(channel for channel in channels if channel.channel_id not in owners),
        payable=tuple(row.payable_outside for row in totals),
    )


def address_of(public_url: str, made: MadeLink) -> str:
    """What the party opens."""
    return f"{public_url}{LINK_PATH}{made.token}"
