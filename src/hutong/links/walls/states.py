"""When a wall counts as open, half open or closed: what the matrix says, until visitors' pages have told enough.

A wall stands between an app on one system and a destination. What passes is measured by the way that arrives best, of
those whose arrival the page can watch: the share of its last visitors who left for the app; one visitor of a day is
one, however often he came. A web page that is opened, or a guide that is followed, tells nothing of what the app lets
through: it goes by the matrix. Between the borders
of two states lies a band in which the state stays as it is, so that chance does not move it to and fro. Visitors who
have not installed the app stay, too: a wall that lets everything through seldom shows more than seven tries of ten.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from hutong.core.states import TransitionTable
from hutong.links.jumps.matrix import SCHEME, Attempt, Matrix
from hutong.links.jumps.ranking import WATCHED

#: The last tries of a way that count: as many as the order of the ways remembers (``links/jumps/ranking.py``).
TRIES_COUNTED: Final = 20
#: Fewer say nothing.
TRIES_MIN: Final = 12
#: Shares in per cent: open from here on, half open between these two, closed up to here.
OPEN_FROM: Final = 50
HALF_TO: Final = 40
HALF_FROM: Final = 20
CLOSED_TO: Final = 10
_WHOLE: Final = 100
#: More taps than this are no way straight on.
DIRECT_TAPS_MAX: Final = 1
_WAYS_THROUGH: Final = frozenset({"page", "scheme", "wrapper"})


class WallState(StrEnum):
    """``open``: straight on. ``half``: with a question, a tap more, or for some. ``closed``: by hand only."""

    OPEN = "open"
    HALF = "half"
    CLOSED = "closed"


class WallEvent(StrEnum):
    """What measuring may say of a wall."""

    OPENED = "opened"
    HALVED = "halved"
    CLOSED = "closed"


_S = WallState

WALL: Final = TransitionTable(
    "wall",
    {
        (_S.OPEN, WallEvent.HALVED): _S.HALF,
        (_S.OPEN, WallEvent.CLOSED): _S.CLOSED,
        (_S.HALF, WallEvent.OPENED): _S.OPEN,
        (_S.HALF, WallEvent.CLOSED): _S.CLOSED,
        (_S.CLOSED, WallEvent.OPENED): _S.OPEN,
        (_S.CLOSED, WallEvent.HALVED): _S.HALF,
    },
)


def measured(left: int, tries: int) -> WallEvent | None:
    """What these tries say; None where they are too few or lie between two states."""
    if tries < TRIES_MIN:
        return None
    share = _WHOLE * left / tries
    if share >= OPEN_FROM:
        return WallEvent.OPENED
    if share <= CLOSED_TO:
        return WallEvent.CLOSED
    return WallEvent.HALVED if HALF_FROM <= share <= HALF_TO else None


def seen(matrix: Matrix, place: tuple[str, str, str], said: WallEvent, taps: int) -> WallEvent:
    """What measuring says of a wall (app, system, destination) with what else is known: ``taps`` that those who arrived
    have spent, and a web page that is a way as well.
    """
    if said is WallEvent.OPENED and taps > DIRECT_TAPS_MAX:
        said = WallEvent.HALVED
    attempts = matrix.cell(*place).attempts
    pages = [one.taps for one in attempts if one.is_on and _kind(matrix, one) == "page"]
    if pages and said is not WallEvent.OPENED:
        return WallEvent.OPENED if min(pages) <= DIRECT_TAPS_MAX else WallEvent.HALVED
    return said


def expected(matrix: Matrix, container: str, system: str, destination: str) -> WallState | None:
    """Whether the matrix lets the app's own way through: open where it comes first, closed where something by hand
    does; None where a page does, which tells nothing of it.
    """
    first = _first(matrix, container, system, destination)
    if first is None:
        return WallState.CLOSED
    kind = _kind(matrix, first)
    return WallState.OPEN if kind in WATCHED else None if kind == "page" else WallState.CLOSED


def way_of(event: WallEvent | None) -> WallState | None:
    """What measuring says of the app's own way, where it is sure: open or closed."""
    return {WallEvent.OPENED: WallState.OPEN, WallEvent.CLOSED: WallState.CLOSED}.get(event) if event else None


def documented(matrix: Matrix, container: str, system: str, destination: str) -> WallState:
    """What the matrix says of a wall: by the first attempt that is on."""
    first = _first(matrix, container, system, destination)
    if first is None or _kind(matrix, first) not in _WAYS_THROUGH:
        return WallState.CLOSED
    return WallState.OPEN if first.taps <= DIRECT_TAPS_MAX else WallState.HALF


def together(states: frozenset[WallState]) -> WallState:
    """One state of several systems: what they agree on, else half open."""
    return next(iter(states)) if len(states) == 1 else WallState.HALF


def _first(matrix: Matrix, container: str, system: str, destination: str) -> Attempt | None:
    row = matrix.cell(container, system, destination)
    return next((one for one in row.attempts if one.is_on and _exists(matrix, destination, one)), None)


def _kind(matrix: Matrix, attempt: Attempt) -> str:
    return SCHEME if attempt.do == SCHEME else matrix.forms[attempt.do].kind


def _exists(matrix: Matrix, destination: str, attempt: Attempt) -> bool:
    """A destination without an app of its own has no scheme to fire; a code is there only where a link has one."""
    kind = _kind(matrix, attempt)
    return kind != "code" and (attempt.do != SCHEME or bool(matrix.schemes[destination]))
