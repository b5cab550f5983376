"""What links say happened."""

from __future__ import annotations

from typing import ClassVar, Final
from uuid import UUID

from hutong.core.events import Event


class WallMoved(Event, frozen=True, kw_only=True):
    """What visitors' pages tell of a wall has changed: from ``before`` to ``state`` (open, half, closed).

    A wall stands between an app (``container``) on one ``system`` and a ``destination``. ``left`` of the last ``tries``
    of the way that arrives best did. ``way``: the app's own way is ``lost`` or ``won``; empty: it is what it was.
    """

    name: ClassVar[str] = "links.wall_moved"

    container: str
    system: str
    destination: str
    before: str
    state: str
    way: str = ""
    left: int
    tries: int


class LinkReported(Event, frozen=True, kw_only=True):
    """Somebody reported a link; ``reports_count`` with this one. What they wrote stays on the merchant's desk."""

    name: ClassVar[str] = "links.link_reported"

    link_id: UUID
    code: str
    reason: str
    reports_count: int


class WinnerNamed(Event, frozen=True, kw_only=True):
    """A comparison ended: from now on ``choice`` (rule and variant) leads all of its visitors.

    ``orders`` of its ``clicks`` became one, after so many whole ``weeks``.
    """

    name: ClassVar[str] = "links.winner_named"

    link_id: UUID
    code: str
    choice: str
    clicks: int
    orders: int
    weeks: int


EVENTS: Final[list[type[Event]]] = [WallMoved, LinkReported, WinnerNamed]
