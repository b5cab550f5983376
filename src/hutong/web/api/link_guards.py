"""What keeps links honest, for programs: switches, own hosts, and whether destinations answer."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, get, post

from hutong.core.errors import NotFound
from hutong.db.unit import Unit
from hutong.links.health import Health, health_of
from hutong.links.hosts import OwnHost, add_host, list_hosts, remove_host, show_host
from hutong.links.reports import Report, reports_of
from hutong.links.rules.pages import asks_first
from hutong.links.service import find_link
from hutong.links.switches import is_all_off, switch_all, switch_link
from hutong.merchants.actors import key_actor
from hutong.merchants.keys import ApiKey
from hutong.web.api.bodies import Line, RequestBody
from hutong.web.api.callers import once
from hutong.web.api.examples import with_example
from hutong.workflows.commands.check_host import check_now
from hutong.workflows.runtime import Runtime

HOST_EXAMPLE: Final = {"host": "shop.example.cn"}
SHOW_EXAMPLE: Final = {"is_shown": True}
OFF_EXAMPLE: Final = {"is_off": True}


class LinkMoved(msgspec.Struct, frozen=True, kw_only=True):
    """``changed`` is false where it was so already."""

    code: str
    changed: bool


class LinkGuard(msgspec.Struct, frozen=True, kw_only=True):
    """How a link fares: off alone or with all, whether its page answers, what visitors told of it. ``asks_first``: a
    host that it may lead to, also by a rule or when it is over, is not proven, so that visitors see its name first.
    """

    code: str
    state: str
    all_off: bool
    asks_first: bool
    health: Health | None
    reports: tuple[Report, ...]


class SwitchChange(RequestBody, frozen=True, kw_only=True):
    """Whether all links are to be off."""

    is_off: bool


class Switch(msgspec.Struct, frozen=True, kw_only=True):
    """Whether all links of the merchant are off."""

    is_off: bool
    changed: bool = False


class NewHost(RequestBody, frozen=True, kw_only=True):
    """A host of the merchant's own, without https:// and path."""

    host: Line


class HostShown(RequestBody, frozen=True, kw_only=True):
    """Whether links are written with the host."""

    is_shown: bool


class HostItem(msgspec.Struct, frozen=True, kw_only=True):
    """A host. ``proof_line`` must stand in the file at ``proof_url``; ``trouble`` says why the last check failed."""

    host_id: UUID
    host: str
    state: str
    proof_url: str
    proof_line: str
    failures: int
    trouble: str
    is_shown: bool
    created_at: datetime
    checked_at: datetime | None
    verified_at: datetime | None


class HostsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """All hosts, oldest first."""

    items: tuple[HostItem, ...]


class HostGone(msgspec.Struct, frozen=True, kw_only=True):
    """The host is on the list no more."""

    host_id: UUID


class LinkGuardsApi(Controller):
    """Switches and health of links."""

    path = "/api/v1"
    tags = ["Links"]

    @post("/links/{code:str}/disable", opt={"scope": "links:write"}, summary="Switch a link off")
    async def disable(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, code: str
    ) -> Response[bytes]:
        """Visitors get a friendly page within a second. Answers `LinkMoved`."""
        return await self._switch(request, runtime, caller, code, on=False)

    @post("/links/{code:str}/enable", opt={"scope": "links:write"}, summary="Switch a link on again")
    async def enable(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, code: str
    ) -> Response[bytes]:
        """It leads on again, unless all links are off. Answers `LinkMoved`."""
        return await self._switch(request, runtime, caller, code, on=True)

    @get("/links/{code:str}/guard", opt={"scope": "links:read"}, summary="How a link fares")
    async def guard(self, runtime: Runtime, caller: ApiKey, code: str) -> LinkGuard:
        """Its switch, whether its page answers, and the latest reports of visitors."""
        async with runtime.unit(caller.merchant_id, "api.link_guard") as unit:
            link = await find_link(unit, code)
            if link is None:
                raise NotFound(what="link", key=code)
            health = await health_of(unit, [link.link_id])
            return LinkGuard(
                code=link.code,
                state=link.state,
                all_off=await is_all_off(unit),
                asks_first=await asks_first(unit, link.link_id, link.url),
                health=health.get(link.link_id),
                reports=await reports_of(unit, link.link_id),
            )

    @get("/link-switch", opt={"scope": "links:read"}, summary="Whether all links are off")
    async def switch(self, runtime: Runtime, caller: ApiKey) -> Switch:
        """The switch of all links of the merchant."""
        async with runtime.unit(caller.merchant_id, "api.link_switch") as unit:
            return Switch(is_off=await is_all_off(unit))

    @post(
        "/link-switch",
        opt={"scope": "links:write"},
        summary="Switch all links off or on again",
        operation_class=with_example("All off, at once", OFF_EXAMPLE),
    )
    async def move(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, data: SwitchChange
    ) -> Response[bytes]:
        """All at once, within a second; a link that was off by itself stays so. Answers `Switch`."""

        async def work(unit: Unit) -> Switch:
            changed = await switch_all(unit, key_actor(caller), on=not data.is_off)
            return Switch(is_off=data.is_off, changed=changed)

        return await once(runtime, caller, request, "api.link_switch_move", work)

    async def _switch(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, code: str, *, on: bool
    ) -> Response[bytes]:
        async def work(unit: Unit) -> LinkMoved:
            return LinkMoved(code=code, changed=await switch_link(unit, key_actor(caller), code, on=on))

        return await once(runtime, caller, request, "api.link_switch_one", work)


class HostsApi(Controller):
    """Own hosts."""

    path = "/api/v1/hosts"
    tags = ["Links"]

    @get(opt={"scope": "links:read"}, summary="Own hosts")
    async def all(self, runtime: Runtime, caller: ApiKey) -> HostsAnswer:
        """Each with its proof and whether that was found."""
        async with runtime.unit(caller.merchant_id, "api.hosts") as unit:
            return HostsAnswer(items=tuple(_item(host) for host in await list_hosts(unit)))

    @post(
        opt={"scope": "links:write"},
        summary="Add a host of your own",
        operation_class=with_example("A shop's own domain", HOST_EXAMPLE),
    )
    async def add(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, data: NewHost
    ) -> Response[bytes]:
        """It is pending until its proof is found. Answers `HostItem`."""

        async def work(unit: Unit) -> HostItem:
            return _item(await add_host(unit, key_actor(caller), data.host, trial=runtime.trial))

        return await once(runtime, caller, request, "api.host_add", work)

    @post("/{host_id:uuid}/check", opt={"scope": "links:write"}, summary="Look for the proof now")
    async def check(self, runtime: Runtime, caller: ApiKey, host_id: UUID) -> HostItem:
        """Reads the file at `proof_url` once; asked again within five seconds it answers what it found then, at
        `checked_at`. Proven hosts are looked at again every six hours.
        """
        return _item(await check_now(runtime, caller.merchant_id, host_id))

    @post(
        "/{host_id:uuid}/show",
        opt={"scope": "links:write"},
        summary="Write links with this host",
        operation_class=with_example("Use it", SHOW_EXAMPLE),
    )
    async def show(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, host_id: UUID, data: HostShown
    ) -> Response[bytes]:
        """Addresses of links are shown with it; it must lead to this hub. Answers `HostsAnswer`."""

        async def work(unit: Unit) -> HostsAnswer:
            await show_host(unit, key_actor(caller), host_id, shown=data.is_shown)
            return HostsAnswer(items=tuple(_item(host) for host in await list_hosts(unit)))

        return await once(runtime, caller, request, "api.host_show", work)

    @post("/{host_id:uuid}/remove", opt={"scope": "links:write"}, summary="Remove a host")
    async def remove(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, host_id: UUID
    ) -> Response[bytes]:
        """Links to its pages lead there no more. Answers `HostGone`."""

        async def work(unit: Unit) -> HostGone:
            await remove_host(unit, key_actor(caller), host_id)
            return HostGone(host_id=host_id)

        return await once(runtime, caller, request, "api.host_remove", work)


def _item(host: OwnHost) -> HostItem:
    return HostItem(
        host_id=host.host_id,
        host=host.host,
        state=host.state.value,
        proof_url=host.proof_url,
        proof_line=host.proof_line,
        failures=host.failures,
        trouble=host.trouble,
        is_shown=host.is_shown,
        created_at=host.created_at,
        checked_at=host.checked_at,
        verified_at=host.verified_at,
    )
