"""Sample content of the wall board and of one wall."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from hutong.links.containers import CONTAINERS
from hutong.links.destinations import DESTINATIONS
from hutong.links.jumps.matrix import built_in
from hutong.links.jumps.picks import Pick
from hutong.links.walls.board import COMPUTERS, DAYS, PHONES, Board, Cell, Day, OnSystem, WayTries
from hutong.links.walls.states import WallState, documented, together
from hutong.web.console.wall_views import BoardView, WallView
from hutong.web.console.walls import ways_of

AT = datetime(2026, 11, 23, 5, 42, 7, tzinfo=UTC)
MATRIX = built_in()
QUIET = (Day(),) * DAYS


def cell(container: str, destination: str, **more: object) -> Cell:
    systems = COMPUTERS if container == "desktop" else PHONES
    said = {system: documented(MATRIX, container, system, destination) for system in systems}
    measured = more.get("state") if more.get("is_measured") else None
    on_systems = tuple(
        OnSystem(system=system, state=measured, is_measured=True)
        if isinstance(measured, WallState) and system == "ios"
        else OnSystem(system=system, state=state, is_measured=False)
        for system, state in said.items()
    )
    given = {
        "state": together(frozenset(said.values())),
        "systems": on_systems,
        "is_measured": False,
        "is_chosen": False,
        "clicks": 0,
        "visitors": 0,
        "arrived": 0,
        "taps": 0,
        "days": QUIET,
        "since_at": None,
        "moved_at": None,
        **more,
    }
    return Cell(container=container, destination=destination, **given)  # type: ignore[arg-type]


def busy(container: str, destination: str, state: WallState, seed: int, rates: tuple[float, float]) -> Cell:
    """A wall whose rate of arrival went from one to the other."""
    draw = random.Random(seed)
    days = []
    for number in range(DAYS):
        visitors = draw.randint(5, 60)
        days.append(Day(visitors, int(visitors * rates[number >= DAYS // 2])))
    return cell(
        container,
        destination,
        state=state,
        is_measured=True,
        clicks=sum(day.visitors for day in days) * 12,
        visitors=sum(day.visitors for day in days),
        arrived=sum(day.arrived for day in days),
        taps=sum(day.arrived for day in days) * 2,
        days=tuple(days),
        since_at=AT - timedelta(days=seed),
        moved_at=AT - timedelta(days=seed),
    )


USED = (
    busy("douyin", "taobao", WallState.OPEN, 3, (0.1, 0.7)),
    busy("mobile", "taobao", WallState.HALF, 9, (0.5, 0.45)),
    busy("kuaishou_lite", "wechat_mini", WallState.CLOSED, 1, (0.8, 0.0)),
    cell("wechat", "pinduoduo", clicks=1_204, is_chosen=True),
)


def board(*known: Cell) -> Board:
    cells = {(container, place): cell(container, place) for container in CONTAINERS for place in DESTINATIONS}
    return Board(
        containers=CONTAINERS,
        destinations=DESTINATIONS,
        cells={**cells, **{(one.container, one.destination): one for one in known}},
    )


def wall(one: Cell, picks: tuple[Pick, ...] = (), told: tuple[WayTries, ...] = ()) -> WallView:
    systems, choice = ways_of(MATRIX, one.container, one.destination, picks, told)
    return WallView(cell=one, systems=systems, choice=choice, dated=MATRIX.dated)


TOLD = (
    WayTries(system="ios", form="taobao_page_scheme", tries=1_200, left=760),
    WayTries(system="android", form="taobao_page_scheme", tries=40, left=0),
)
EMPTY = BoardView(board=board(), used=(), moved=())

WALLS_GALLERY = {
    "walls": ("/walls", "console/walls.html", BoardView(board=board(*USED), used=USED, moved=USED[:3])),
    "walls-empty": ("/walls", "console/walls.html", EMPTY),
    "walls-broken": (
        "/walls",
        "console/walls.html",
        BoardView(board=board(), used=(), moved=(), problem="跳转表 jumps.yaml 第 12 行：不认识的应用“wechatt”。"),
    ),
    "wall": ("/walls", "console/wall.html", wall(USED[0], told=TOLD)),
    "wall-chosen": (
        "/walls",
        "console/wall.html",
        wall(cell("weibo", "taobao", is_chosen=True), (Pick("weibo_wrapper", True), Pick("page", False))),
    ),
    "wall-desktop": ("/walls", "console/wall.html", wall(cell("desktop", "wechat_mini"))),
}
