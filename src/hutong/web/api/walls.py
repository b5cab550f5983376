"""Walls between apps, and the merchant's own word on the ways through them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from litestar import Controller, Request, Response, get, post

from hutong.core.errors import NotFound
from hutong.db.unit import Unit
from hutong.links.containers import CONTAINERS
from hutong.links.destinations import DESTINATIONS
from hutong.links.jumps.choices import choice_of, choose
from hutong.links.jumps.picks import Pick
from hutong.links.walls.board import Cell, wall_board
from hutong.merchants.actors import key_actor
from hutong.merchants.keys import ApiKey
from hutong.web.api.bodies import RequestBody, Word
from hutong.web.api.callers import once
from hutong.workflows.runtime import Runtime

#: No cell of the matrix offers more.
WAYS_MAX: Final = 12


class WallSystem(msgspec.Struct, frozen=True, kw_only=True):
    """How a wall stands on one system: as measured there, else as published."""

    system: str
    state: str
    is_measured: bool


class WallItem(msgspec.Struct, frozen=True, kw_only=True):
    """A wall: ``state`` is open, half or closed, as measured with this merchant's visitors or, before enough have
    tried, as published; ``systems`` says it of each system for itself. Figures are of the last 14 days, and a visitor
    is one a day, however often he came. ``trend_points``: arrivals in per cent of the newer week less those of the
    older one.
    """

    container: str
    destination: str
    state: str
    is_measured: bool
    systems: tuple[WallSystem, ...]
    is_chosen: bool
    clicks: int
    visitors: int
    arrived: int
    taps: int
    trend_points: int | None
    since: datetime | None


class WallsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """All walls, those with the most clicks first."""

    items: tuple[WallItem, ...]


class Way(RequestBody, frozen=True, kw_only=True):
    """An attempt as the matrix names it (``scheme``, ``page``, ``guide``, ``code``, ``qr`` or a form's name)."""

    do: Word
    on: bool


class Ways(RequestBody, frozen=True, kw_only=True):
    """The ways of a wall in the order to try them; none: as the matrix has them."""

    ways: Annotated[tuple[Way, ...], msgspec.Meta(max_length=WAYS_MAX)]


class WallsApi(Controller):
    """Walls."""

    path = "/api/v1/walls"
    tags = ["Links"]

    @get("/", opt={"scope": "links:read"}, summary="Walls between apps")
    async def walls(self, runtime: Runtime, caller: ApiKey) -> WallsAnswer:
        """From which app a link gets where: every container by every destination."""
        async with runtime.unit(caller.merchant_id, "api.walls") as unit:
            board = await wall_board(unit, runtime.ways.book.matrix)
        cells = sorted(board.cells.values(), key=lambda cell: -cell.clicks)
        return WallsAnswer(items=tuple(_item(cell) for cell in cells))

    @get("/{container:str}/{destination:str}/ways", opt={"scope": "links:read"}, summary="Your ways through a wall")
    async def ways(self, runtime: Runtime, caller: ApiKey, container: str, destination: str) -> Ways:
        """What was chosen for a wall; no ways where nothing was."""
        if container not in CONTAINERS or destination not in DESTINATIONS:
            raise NotFound(what="wall", key=f"{container}/{destination}"[:80])
        async with runtime.unit(caller.merchant_id, "api.wall_ways") as unit:
            picks = await choice_of(unit, container, destination)
        return Ways(ways=tuple(Way(do=pick.do, on=pick.is_on) for pick in picks))

    @post("/{container:str}/{destination:str}/ways", opt={"scope": "links:write"}, summary="Choose the ways")
    async def choose(
        self,
        request: Request[Any, Any, Any],
        runtime: Runtime,
        caller: ApiKey,
        container: str,
        destination: str,
        data: Ways,
    ) -> Response[bytes]:
        """Choose which ways are tried and in which order; in force within a second."""

        async def work(unit: Unit) -> Ways:
            picks = tuple(Pick(way.do, way.on) for way in data.ways) or None
            await choose(unit, runtime.ways.book.matrix, container, destination, picks, key_actor(caller))
            return data

        return await once(runtime, caller, request, "api.wall_choice", work)


def _item(cell: Cell) -> WallItem:
    return WallItem(
        container=cell.container,
        destination=cell.destination,
        state=cell.state.value,
        is_measured=cell.is_measured,
        systems=tuple(
            WallSystem(system=one.system, state=one.state.value, is_measured=one.is_measured) for one in cell.systems
        ),
        is_chosen=cell.is_chosen,
        clicks=cell.clicks,
        visitors=cell.visitors,
        arrived=cell.arrived,
        taps=cell.taps,
        trend_points=cell.trend,
        since=cell.since_at,
    )
