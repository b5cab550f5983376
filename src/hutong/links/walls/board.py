"""The wall board: of each app and destination where the wall stands, what was measured, and how that went by day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec
from sqlalchemy import select

from hutong.core.ids import first_id
from hutong.db.unit import Unit
from hutong.links.containers import CONTAINERS
from hutong.links.destinations import CHECKOUT, DESTINATIONS, destination_of_host
from hutong.links.jumps.matrix import Matrix
from hutong.links.models import jump_choice, wall
from hutong.links.walls.states import WallState, documented, together
from hutong.links.walls.watch import watched_forms

#: What the board tells of.
DAYS: Final = 14
_DAY: Final = timedelta(days=1)
#: Systems that an app runs on, for what the matrix says before anything was measured.
PHONES: Final = ("android", "ios")
COMPUTERS: Final = ("windows",)
#: There are 22 × 13 cells, and seven systems of each.
ROWS_MAX: Final = 50_000

#: Visitors whose page tried a way that it can watch, and those who left for the app, by cell and day. One visitor of a
#: cell is one row, however often he came: his mark is another one the next day.
_TRIES: Final = (
    "SELECT container, destination, day, count(*) AS visitors, count(*) FILTER (WHERE has_left) AS arrived, "
    "coalesce(sum(taps) FILTER (WHERE has_left), 0) AS taps FROM ("
    "SELECT container, destination, floor(extract(epoch FROM $3 - max(tried_at)) / 86400)::int AS day, "
    "bool_or(outcome = 'left') AS has_left, min(taps) FILTER (WHERE outcome = 'left') AS taps "
    "FROM jump_try WHERE merchant_id = $1 AND tried_at >= $2 AND tried_at <= $3 AND form = ANY($5) "
    "GROUP BY coalesce(visitor, uuid_send(click_id)), container, destination) v "
    "GROUP BY container, destination, day LIMIT $4"
)
#: People's clicks on links, by app and host; without a page it is our own desk. Ids rise with time: by its key no older
#: click is read.
_CLICKS: Final = (
    "SELECT c.container, split_part(l.url, '/', 3) AS host, (l.url LIKE 'weixin:%') AS is_mini, sum(c.clicks)::bigint "
    "AS clicks FROM (SELECT container, link_id, count(*) AS clicks FROM click WHERE merchant_id = $1 "
    "AND click_id >= $5 AND clicked_at >= $2 AND clicked_at <= $3 AND NOT is_bot GROUP BY container, link_id) c "
    "JOIN link l ON l.merchant_id = $1 AND l.link_id = c.link_id GROUP BY 1, 2, 3 LIMIT $4"
)


class Day(msgspec.Struct, frozen=True):
    """Visitors whose page tried a way, and those who arrived."""

    visitors: int = 0
    arrived: int = 0


class OnSystem(msgspec.Struct, frozen=True, kw_only=True):
    """How a wall stands on one system: as measured there, else as the matrix says."""

    system: str
    state: WallState
    is_measured: bool


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """A wall. ``days``: the oldest first, for the trend. ``taps`` is the sum of what those who arrived have spent.

    ``state``: of the systems that were measured, else of all; ``systems``: each of them for itself.
    """

    container: str
    destination: str
    state: WallState
    is_measured: bool
    systems: tuple[OnSystem, ...]
    is_chosen: bool
    clicks: int
    visitors: int
    arrived: int
    taps: int
    days: tuple[Day, ...]
    since_at: datetime | None  # since when it stands so; None where it was never measured
    moved_at: datetime | None  # when it, or its app's own way, last became another than was known

    @property
    def trend(self) -> int | None:
        """Arrivals in per cent in the newer half of the days less those in the older one; None where one is empty."""
        half = len(self.days) // 2
        older, newer = (_share(part) for part in (self.days[:half], self.days[half:]))
        return None if older is None or newer is None else newer - older


class Board(msgspec.Struct, frozen=True, kw_only=True):
    """All walls: rows are apps, columns destinations, both in the order of use."""

    containers: tuple[str, ...]
    destinations: tuple[str, ...]
    cells: dict[tuple[str, str], Cell]


class _Standing(msgspec.Struct):
    states: dict[str, WallState]  # by system
    since_at: datetime
    moved_at: datetime | None


async def wall_board(unit: Unit, matrix: Matrix) -> Board:
    """The board of this merchant; apps and destinations with the most clicks come first."""
    cells = await _cells(unit, matrix, CONTAINERS, DESTINATIONS)
    by_container: dict[str, int] = defaultdict(int)
    by_destination: dict[str, int] = defaultdict(int)
    for cell in cells.values():
        by_container[cell.container] += cell.clicks
        by_destination[cell.destination] += cell.clicks
    return Board(
        containers=tuple(sorted(CONTAINERS, key=lambda name: -by_container[name])),
        destinations=tuple(sorted(DESTINATIONS, key=lambda name: -by_destination[name])),
        cells=cells,
    )


async def one_wall(unit: Unit, matrix: Matrix, container: str, destination: str) -> Cell:
    """One wall; container and destination are known ones."""
    return (await _cells(unit, matrix, (container,), (destination,)))[container, destination]


async def _cells(
    unit: Unit, matrix: Matrix, containers: Iterable[str], destinations: tuple[str, ...]
) -> dict[tuple[str, str], Cell]:
    now = unit.now()
    since = now - DAYS * _DAY
    standing = await _standing(unit)
    clicks = await _clicks(unit, since, now)
    chosen = await _chosen(unit)
    days: dict[tuple[str, str], list[Day]] = defaultdict(lambda: [Day()] * DAYS)
    taps: dict[tuple[str, str], int] = defaultdict(int)
    for row in await unit.fetch(_TRIES, unit.merchant_id, since, now, ROWS_MAX, watched_forms(matrix)):
        place = (row.container, row.destination)
        days[place][max(0, DAYS - 1 - row.day)] = Day(row.visitors, row.arrived)
        taps[place] += row.taps
    found = {}
    for container in containers:
        systems = COMPUTERS if container == "desktop" else PHONES
        for destination in destinations:
            place = (container, destination)
            here = standing.get(place)
            on_systems = tuple(
                _on(matrix, place, system, here.states if here else {})
                for system in dict.fromkeys((*systems, *sorted(here.states if here else ())))
            )
            found[place] = Cell(
                container=container,
                destination=destination,
                state=together(frozenset(one.state for one in on_systems if one.is_measured or here is None)),
                is_measured=here is not None,
                systems=on_systems,
                is_chosen=place in chosen,
                clicks=clicks.get(place, 0),
                visitors=sum(day.visitors for day in days[place]),
                arrived=sum(day.arrived for day in days[place]),
                taps=taps[place],
                days=tuple(days[place]),
                since_at=here.since_at if here else None,
                moved_at=here.moved_at if here else None,
            )
    return found


def _on(matrix: Matrix, place: tuple[str, str], system: str, measured: Mapping[str, WallState]) -> OnSystem:
    container, destination = place
    state = measured.get(system) or documented(matrix, container, system, destination)
    return OnSystem(system=system, state=state, is_measured=system in measured)


async def _standing(unit: Unit) -> dict[tuple[str, str], _Standing]:
    found: dict[tuple[str, str], _Standing] = {}
    for row in await unit.all(select(wall).where(wall.c.merchant_id == unit.merchant_id).limit(ROWS_MAX)):
        place = (row.container, row.destination)
        known = found.setdefault(place, _Standing({}, row.since_at, row.moved_at))
        known.states[row.system] = WallState(row.state)
        known.since_at = max(known.since_at, row.since_at)
        known.moved_at = max(filter(None, (known.moved_at, row.moved_at)), default=None)
    return found


async def _clicks(unit: Unit, since: datetime, now: datetime) -> Mapping[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = defaultdict(int)
    for row in await unit.fetch(_CLICKS, unit.merchant_id, since, now, ROWS_MAX, first_id(since)):
        to = CHECKOUT if row.host is None else destination_of_host(row.host, is_mini=row.is_mini)
        found[row.container, to] += row.clicks
    return found


async def _chosen(unit: Unit) -> set[tuple[str, str]]:
    statement = select(jump_choice.c.container, jump_choice.c.destination).where(
        jump_choice.c.merchant_id == unit.merchant_id, jump_choice.c.picks.is_not(None)
    )
    return {(row.container, row.destination) for row in await unit.all(statement.limit(ROWS_MAX))}


def _share(days: Iterable[Day]) -> int | None:
    told = list(days)
    visitors = sum(day.visitors for day in told)
    return 100 * sum(day.arrived for day in told) // visitors if visitors else None


class WayTries(msgspec.Struct, frozen=True, kw_only=True):
    """What visitors told of one way of a wall within the board's days: ``left`` of those who tried it arrived."""

    system: str
    form: str
    tries: int
    left: int


async def way_tries(unit: Unit, container: str, destination: str) -> tuple[WayTries, ...]:
    """By system and way, the most tried first."""
    rows = await unit.fetch(
        "SELECT os, form, count(*) AS tries, count(*) FILTER (WHERE has_left) AS left_count FROM ("
        "SELECT os, form, bool_or(outcome = 'left') AS has_left FROM jump_try "
        "WHERE merchant_id = $1 AND container = $2 AND destination = $3 AND tried_at >= $4 "
        "GROUP BY coalesce(visitor, uuid_send(click_id)), os, form) v "
        "GROUP BY os, form ORDER BY tries DESC, os, form LIMIT $5",
        unit.merchant_id,
        container,
        destination,
        unit.now() - DAYS * _DAY,
        ROWS_MAX,
    )
    return tuple(WayTries(system=row.os, form=row.form, tries=row.tries, left=row.left_count) for row in rows)
