"""What links say happened."""

from __future__ import annotations

from typing import ClassVar

from hutong.core.events import Event


class WallMoved(Event, frozen=True, kw_only=True):
    """What visitors' pages tell of a wall has changed: from ``before`` to ``state`` (open, half, closed).

    A wall stands between an app (``container``) on one ``system`` and a ``destination``. ``left`` of the last ``tries``
    of the way that arrives best did.
    """

    name: ClassVar[str] = "links.wall_moved"

    container: str
    system: str
    destination: str
    before: str
    state: str
    left: int
    tries: int


EVENTS: list[type[Event]] = [WallMoved]
