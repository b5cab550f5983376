"""Looks at what visitors' pages told, keeps where each wall stands, and tells a person when one closes or opens."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, select, update

from hutong.core.clock import Clock
from hutong.db.engine import Database
from hutong.db.rounds import repeat
from hutong.db.unit import Unit
from hutong.links.events import WallMoved
from hutong.links.jumps.matrix import Matrix
from hutong.links.jumps.ranking import WATCHED
from hutong.links.jumps.ways import Ways
from hutong.links.models import wall
from hutong.links.walls.states import (
    TRIES_COUNTED,
    TRIES_MIN,
    WALL,
    WallEvent,
    WallState,
    documented,
    expected,
    measured,
    seen,
    way_of,
)
from hutong.merchants.tickets import Severity, TicketKind, close_tickets, open_ticket

log = logging.getLogger("hutong.links")

#: Between two looks: a person need not know sooner, and the order of the ways has followed long before.
LOOK_S: Final = 30.0
#: The first look after a start goes back so far; later ones as far as the look before.
LOOK_BACK: Final = timedelta(days=30)
#: A transaction that wrote its time early may commit late.
OVERLAP: Final = timedelta(seconds=10)
#: Merchants of one look, and walls of one merchant: there are some 22 × 13 × 7 in all.
MERCHANTS_MAX: Final = 10_000
WALLS_MAX: Final = 2_500

_MERCHANTS: Final = "SELECT DISTINCT merchant_id FROM jump_try WHERE tried_at >= $1 LIMIT $2"
#: Tries of a way that are looked through for its last visitors: who fills all of them alone is one, and too few.
TRIES_READ_MAX: Final = 2_000

#: A way speaks for its wall where it was tried so long before the wall's last try: another link may take another way
#: for a while.
WAY_SPEAKS: Final = timedelta(days=1)

#: Of the ways of each wall at which any was tried since, the last word of their last visitors; the way that arrives
#: best, of those that enough have tried, speaks for its wall. ``taps``: what those who arrived by it have spent.
_SHARES: Final = (
    "WITH moved AS (SELECT container, os, destination, max(tried_at) AS last_at FROM jump_try "
    "WHERE merchant_id = $1 AND tried_at >= $2 AND form = ANY($6) GROUP BY container, os, destination), "
    "ways AS (SELECT DISTINCT m.container, m.os, m.destination, j.form FROM moved m JOIN jump_try j "
    "ON j.merchant_id = $1 AND j.container = m.container AND j.destination = m.destination AND j.os = m.os "
    "WHERE j.tried_at >= m.last_at - $7::interval AND j.form = ANY($6)) "
    "SELECT DISTINCT ON (m.container, m.os, m.destination) m.container, m.os, m.destination, "
    "count(*) AS tries, count(*) FILTER (WHERE t.outcome = 'left') AS left_count, "
    "coalesce(min(t.taps) FILTER (WHERE t.outcome = 'left'), 0) AS taps "
    "FROM ways m CROSS JOIN LATERAL (SELECT (array_agg(outcome ORDER BY tried_at DESC))[1] AS outcome, "
    "min(taps) AS taps FROM ("
    "SELECT outcome, taps, tried_at, coalesce(visitor, uuid_send(click_id)) AS who FROM jump_try j "
    "WHERE j.merchant_id = $1 "
    "AND j.container = m.container AND j.destination = m.destination AND j.os = m.os AND j.form = m.form "
    "ORDER BY j.tried_at DESC LIMIT $5) latest GROUP BY who ORDER BY max(tried_at) DESC LIMIT $3) t "
    "GROUP BY m.container, m.os, m.destination, m.form "
    "ORDER BY m.container, m.os, m.destination, count(*) >= $8 DESC, avg((t.outcome = 'left')::int) DESC, "
    "count(*) DESC LIMIT $4"
)


class Measure(msgspec.Struct, frozen=True):
    """Of the last visitors of a way: who left for the app, who tried, and the taps that it cost."""

    left: int
    tries: int
    taps: int

    @property
    def says(self) -> WallEvent | None:
        """Of the way itself."""
        return measured(self.left, self.tries)


class Moved(msgspec.Struct, frozen=True):
    """A wall before and now, and what its app's own way has become; None: what it was."""

    before: WallState
    now: WallState
    way: WallState | None


class Place(msgspec.Struct, frozen=True):
    """Where a wall stands."""

    container: str
    system: str
    destination: str

    @property
    def name(self) -> str:
        """As tickets name it: the end of its page's address in the console."""
        return f"{self.container}/{self.destination}#{self.system}"


def watched_forms(matrix: Matrix) -> list[str]:
    """Ways whose arrival a page can watch: who leaves it for another page, or follows a guide, tells nothing."""
    return [name for name, form in matrix.forms.items() if form.kind in WATCHED]


async def look_at_walls(unit: Unit, matrix: Matrix, since: datetime) -> int:
    """Keep where this merchant's walls stand by what was told since; how many of them moved."""
    watched = watched_forms(matrix)
    rows = await unit.fetch(
        _SHARES, unit.merchant_id, since, TRIES_COUNTED, WALLS_MAX, TRIES_READ_MAX, watched, WAY_SPEAKS, TRIES_MIN
    )
    if not rows:
        return 0
    known = await unit.all(select(wall).where(wall.c.merchant_id == unit.merchant_id).limit(WALLS_MAX))
    standing = {Place(row.container, row.system, row.destination): row for row in known}
    moved = 0
    for row in rows:
        place = Place(row.container, row.os, row.destination)
        moved += await _judge(unit, matrix, place, standing.get(place), Measure(row.left_count, row.tries, row.taps))
    return moved


async def _judge(
    unit: Unit,
    matrix: Matrix,
    place: Place,
    standing: Any,  # noqa: ANN401 (a row of the table, or None)
    told: Measure,
) -> bool:
    said = told.says
    if said is not None:
        said = seen(matrix, (place.container, place.system, place.destination), said, told.taps)
    if standing is None:
        return said is not None and await _first_word(unit, matrix, place, said, told)
    await unit.run(update(wall).where(*_here(unit, place)).values(**_measure(unit, told)))
    way = await _turned(unit, place, standing.way, told)
    before = WallState(standing.state)
    now = await _stepped(unit, place, before, said)
    if now is before and way is None:
        return False
    await _tell(unit, place, Moved(before, now, way), told)
    return True


async def _stepped(unit: Unit, place: Place, before: WallState, said: WallEvent | None) -> WallState:
    """Where the wall stands now; where it stood, also where another process was faster, which has told."""
    if said is None or not WALL.allows(before, said):
        return before
    is_ours = await unit.transition(wall, _of(place), WALL, said, since_at=unit.now())
    return WALL.next(before, said) if is_ours else before


async def _turned(unit: Unit, place: Place, before: str | None, told: Measure) -> WallState | None:
    """What the app's own way has become, where it is something else than was told of it last, by this process alone."""
    now = way_of(told.says)
    if now is None or now.value == before:
        return None
    turned = update(wall).where(*_here(unit, place), wall.c.way.is_not_distinct_from(before))
    rows = await unit.all(turned.values(way=now.value).returning(wall.c.way))
    return now if rows and before is not None else None


async def _first_word(unit: Unit, matrix: Matrix, place: Place, said: WallEvent, told: Measure) -> bool:
    """Enough have tried for the first time: it is news where the matrix had it otherwise."""
    before = documented(matrix, place.container, place.system, place.destination)
    thought = expected(matrix, place.container, place.system, place.destination)
    now = WALL.next(before, said) if WALL.allows(before, said) else before
    way = way_of(told.says) or thought
    values = {"state": now.value, "way": None if way is None else way.value, "since_at": unit.now()}
    if not await unit.insert_once(wall, **values, **_measure(unit, told), **_of(place)):
        return False
    turned = way if thought is not None and way is not thought else None
    if now is before and turned is None:
        return False
    await _tell(unit, place, Moved(before, now, turned), told)
    return True


def _of(place: Place) -> dict[str, str]:
    return {"container": place.container, "system": place.system, "destination": place.destination}


def _here(unit: Unit, place: Place) -> list[ColumnElement[bool]]:
    return [wall.c.merchant_id == unit.merchant_id, *(wall.c[name] == value for name, value in _of(place).items())]


def _measure(unit: Unit, told: Measure) -> dict[str, Any]:
    return {"left_count": told.left, "tries_count": told.tries, "measured_at": unit.now()}


async def _tell(unit: Unit, place: Place, moved: Moved, told: Measure) -> None:
    """A person hears of a way that is lost or won, whatever else leads on; programs also of the rest."""
    await unit.run(update(wall).where(*_here(unit, place)).values(moved_at=unit.now()))
    way = "" if moved.way is None else "won" if moved.way is WallState.OPEN else "lost"
    unit.emit(
        WallMoved(
            before=moved.before.value, state=moved.now.value, way=way, left=told.left, tries=told.tries, **_of(place)
        )
    )
    if moved.way is None:
        return
    is_closed = moved.way is WallState.CLOSED
    kind = TicketKind.WALL_CLOSED if is_closed else TicketKind.WALL_OPENED
    await close_tickets(unit, TicketKind.WALL_OPENED if is_closed else TicketKind.WALL_CLOSED, place.name)
    await open_ticket(
        unit,
        kind,
        Severity.NORMAL,
        subject=("wall", place.name),
        details={**_of(place), "left": told.left, "tries": told.tries},
        dedupe_key=f"{place.container}:{place.system}:{place.destination}:{unit.now():%Y%m%dT%H%M%S}",
    )


class WallWatch:
    """Looks at every merchant whose visitors told something, now and then."""

    def __init__(self, database: Database, clock: Clock, ways: Ways) -> None:
        self._database = database
        self._clock = clock
        self._ways = ways
        self._seen_until: datetime | None = None

    async def look(self) -> int:
        """One look; how many walls moved."""
        now = self._clock.now()
        since = now - LOOK_BACK if self._seen_until is None else self._seen_until - OVERLAP
        moved = 0
        for row in await self._database.glance("system", _MERCHANTS, since, MERCHANTS_MAX):
            moved += await self._merchant(row["merchant_id"], since)
        self._seen_until = now
        return moved

    async def _merchant(self, merchant_id: UUID, since: datetime) -> int:
        async with self._database.unit(merchant_id, "links.walls") as unit:
            return await look_at_walls(unit, self._ways.book.matrix, since)

    async def follow(self, stop: asyncio.Event) -> None:
        """Look until ``stop``."""
        trouble = "walls could not be looked at; what was known of them stays"
        await repeat(self.look, stop, LOOK_S, log, trouble)
