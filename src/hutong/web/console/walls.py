"""The wall board: from which app a link gets where, and the merchant's own word on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Final

from litestar import Controller, Response, get, post
from litestar.response import Redirect

from hutong.core.errors import NotFound
from hutong.db.unit import Unit
from hutong.links.containers import CONTAINERS
from hutong.links.destinations import DESTINATIONS
from hutong.links.jumps.choices import choice_of, choose
from hutong.links.jumps.matrix import SCHEME, Attempt, Matrix
from hutong.links.jumps.picks import Pick, Picks, chosen, kind_of
from hutong.links.walls.board import COMPUTERS, PHONES, Cell, WayTries, one_wall, wall_board, way_tries
from hutong.links.walls.states import CLOSED_TO, TRIES_MIN
from hutong.merchants.actors import staff_actor
from hutong.web.console.desk import ConsoleRequest, Desk, go_to, session_of
from hutong.web.console.wall_views import BoardView, ChoiceRow, SystemWays, WallView, WayRow
from hutong.web.languages import locale_of

#: News for a person who looks at the board now and then.
MOVED_LATELY: Final = timedelta(days=14)
SHOWN_MAX: Final = 12
_WHOLE: Final = 100


class WallsController(Controller):
    """The wall board's pages."""

    path = "/walls"
    include_in_schema = False

    @get("/")
    async def show(self, request: ConsoleRequest, desk: Desk) -> Response[str]:
        """The board."""
        book = desk.runtime.ways.book
        async with desk.unit(request, "console.walls") as unit:
            board = await wall_board(unit, book.matrix)
            recent = unit.now() - MOVED_LATELY
            cells = board.cells.values()
            moved = [cell for cell in cells if cell.moved_at is not None and cell.moved_at >= recent]
            used = [cell for cell in cells if cell.clicks or cell.visitors]
            view = BoardView(
                board=board,
                used=tuple(sorted(used, key=lambda cell: (-cell.clicks, -cell.visitors))[:SHOWN_MAX]),
                moved=tuple(sorted(moved, key=_newest)[:SHOWN_MAX]),
                problem="" if book.problem is None else book.problem.text(locale_of(request)).sentence,
            )
            return await desk.page(request, unit, "console/walls.html", view)

    @get("/{container:str}/{destination:str}")
    async def one(self, request: ConsoleRequest, desk: Desk, container: str, destination: str) -> Response[str]:
        """One wall, and the ways through it."""
        _known(container, destination)
        async with desk.unit(request, "console.wall") as unit:
            view = await _wall(unit, desk.runtime.ways.book.matrix, container, destination)
            return await desk.page(request, unit, "console/wall.html", view)

    @post("/{container:str}/{destination:str}")
    async def change(self, request: ConsoleRequest, desk: Desk, container: str, destination: str) -> Redirect:
        """The merchant's own word on the cell, or the matrix's again."""
        _known(container, destination)
        form = await request.form()
        matrix = desk.runtime.ways.book.matrix
        async with desk.unit(request, "console.wall_choice") as unit:
            picks = None if "reset" in form else _picks(form, _offered(matrix, container, destination))
            await choose(unit, matrix, container, destination, picks, staff_actor(session_of(request)))
        return go_to(f"/walls/{container}/{destination}")


def _newest(cell: Cell) -> float:
    return -cell.moved_at.timestamp() if cell.moved_at else 0.0


def _known(container: str, destination: str) -> None:
    if container not in CONTAINERS or destination not in DESTINATIONS:
        raise NotFound(what="wall", key=f"{container}/{destination}"[:80])


async def _wall(unit: Unit, matrix: Matrix, container: str, destination: str) -> WallView:
    picks = await choice_of(unit, container, destination)
    told = await way_tries(unit, container, destination)
    systems, choice = ways_of(matrix, container, destination, picks, told)
    one = await one_wall(unit, matrix, container, destination)
    return WallView(cell=one, systems=systems, choice=choice, dated=matrix.dated)


def ways_of(
    matrix: Matrix, container: str, destination: str, picks: Picks, told: tuple[WayTries, ...]
) -> tuple[tuple[SystemWays, ...], tuple[ChoiceRow, ...]]:
    """The ways of a wall by system, and what the form offers; ``told``: what became of those that were tried."""
    usual = COMPUTERS if container == "desktop" else PHONES
    further = sorted({one.system for one in told} - set(usual))
    offered = chosen(tuple(_offered(matrix, container, destination).values()), picks)
    choice = tuple(ChoiceRow(do=one.do, kind=kind_of(matrix, one), is_on=one.is_on) for one in offered)
    return _systems(matrix, container, destination, (*usual, *further), picks, told), choice


def _systems(
    matrix: Matrix, container: str, destination: str, systems: Iterable[str], picks: Picks, told: tuple[WayTries, ...]
) -> tuple[SystemWays, ...]:
    found = []
    for system in systems:
        row = matrix.cell(container, system, destination)
        tries = {one.form: one for one in told if one.system == system}
        ways = tuple(
            way
            for attempt in chosen(row.attempts, picks)
            if (way := _way(matrix, destination, attempt, tries)) is not None
        )
        found.append(SystemWays(system=system, source=row.source, ways=ways))
    return tuple(found)


def _way(matrix: Matrix, destination: str, attempt: Attempt, tries: Mapping[str, WayTries]) -> WayRow | None:
    names = matrix.schemes[destination] if attempt.do == SCHEME else (attempt.do,)
    if not names:
        return None
    count = sum(tries[name].tries for name in names if name in tries)
    left = sum(tries[name].left for name in names if name in tries)
    return WayRow(
        do=attempt.do,
        kind=kind_of(matrix, attempt),
        taps=attempt.taps,
        evidence=attempt.evidence,
        sources=tuple(dict.fromkeys(matrix.forms[name].source for name in names)),
        is_on=attempt.is_on,
        tries=count,
        left=left,
        is_closed=count >= TRIES_MIN and _WHOLE * left <= CLOSED_TO * count,
    )


def _offered(matrix: Matrix, container: str, destination: str) -> dict[str, Attempt]:
    """Every attempt that the cell has on any system, in the order of the first system that has it."""
    offered: dict[str, Attempt] = {}
    for system in COMPUTERS if container == "desktop" else PHONES:
        for attempt in matrix.cell(container, system, destination).attempts:
            if attempt.do != SCHEME or matrix.schemes[destination]:
                offered.setdefault(attempt.do, attempt)
    return offered


def _picks(form: Mapping[str, Any], offered: Mapping[str, Attempt]) -> Picks:
    """What the form says: a place and a tick for each way. Equal places keep the order of the cell."""
    places = list(offered)
    wanted = sorted(places, key=lambda do: (_place(form.get(f"place_{do}"), places.index(do)), places.index(do)))
    return tuple(Pick(do, f"on_{do}" in form) for do in wanted)


def _place(given: Any, otherwise: int) -> int:  # noqa: ANN401 (a field of a form)
    text = str(given or "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 2 else otherwise
