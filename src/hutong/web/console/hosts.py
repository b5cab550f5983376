"""Own hosts and safety: which hosts are the merchant's, how that is proven, and the switch of all links."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect

from hutong.links.hosts import add_host, list_hosts, remove_host, show_host
from hutong.links.switches import is_all_off, switch_all, switch_link
from hutong.merchants.actors import staff_actor
from hutong.web.console.desk import ConsoleRequest, Desk, go_to, session_of
from hutong.web.console.host_views import HostsView
from hutong.workflows.commands.check_host import check_now


class HostForm(msgspec.Struct, frozen=True, kw_only=True):
    """A host's name."""

    host: str


class SwitchForm(msgspec.Struct, frozen=True, kw_only=True):
    """On or off."""

    to: str


class HostsController(Controller):
    """The page of own hosts."""

    path = "/hosts"
    include_in_schema = False

    @get("/")
    async def show(self, request: ConsoleRequest, desk: Desk) -> Response[str]:
        """All hosts with their proofs, and the switch."""
        async with desk.unit(request, "console.hosts") as unit:
            view = HostsView(
                hosts=await list_hosts(unit), is_off=await is_all_off(unit), public_url=desk.runtime.public_url
            )
            return await desk.page(request, unit, "console/hosts.html", view)

    @post("/")
    async def add(
        self,
        request: ConsoleRequest,
        desk: Desk,
        data: Annotated[HostForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
    ) -> Redirect:
        """A host to prove."""
        async with desk.unit(request, "console.host_add") as unit:
            await add_host(unit, staff_actor(session_of(request)), data.host, trial=desk.runtime.trial)
        return go_to("/hosts")

    @post("/switch")
    async def switch(
        self,
        request: ConsoleRequest,
        desk: Desk,
        data: Annotated[SwitchForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
    ) -> Redirect:
        """All links off, or on again."""
        async with desk.unit(request, "console.links_switch") as unit:
            await switch_all(unit, staff_actor(session_of(request)), on=data.to == "on")
        return go_to("/hosts")

    @post("/{host_id:uuid}/check")
    async def check(self, request: ConsoleRequest, desk: Desk, host_id: UUID) -> Redirect:
        """Look for the proof now."""
        await check_now(desk.runtime, session_of(request).merchant_id, host_id)
        return go_to("/hosts")

    @post("/{host_id:uuid}/show")
    async def use(
        self,
        request: ConsoleRequest,
        desk: Desk,
        host_id: UUID,
        data: Annotated[SwitchForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
    ) -> Redirect:
        """Write links with this host, or with the hub's own again."""
        async with desk.unit(request, "console.host_show") as unit:
            await show_host(unit, staff_actor(session_of(request)), host_id, shown=data.to == "on")
        return go_to("/hosts")

    @post("/{host_id:uuid}/remove")
    async def remove(self, request: ConsoleRequest, desk: Desk, host_id: UUID) -> Redirect:
        """Take it off the list."""
        async with desk.unit(request, "console.host_remove") as unit:
            await remove_host(unit, staff_actor(session_of(request)), host_id)
        return go_to("/hosts")


class LinkSwitchController(Controller):
    """The switch on a link's page."""

    path = "/links"
    include_in_schema = False

    @post("/{code:str}/switch")
    async def switch(
        self,
        request: ConsoleRequest,
        desk: Desk,
        code: str,
        data: Annotated[SwitchForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
    ) -> Redirect:
        """One link off, or on again."""
        async with desk.unit(request, "console.link_switch") as unit:
            await switch_link(unit, staff_actor(session_of(request)), code, on=data.to == "on")
        return go_to(f"/links/{code}")
