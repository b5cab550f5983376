"""What links say happened."""

from __future__ import annotations

from typing import ClassVar, Final
from uuid import UUID

from hutong.core.events import Event


class LinkReported(Event, frozen=True, kw_only=True):
    """Somebody reported a link; ``reports_count`` with this one. What they wrote stays on the merchant's desk."""

    name: ClassVar[str] = "link.reported"

    link_id: UUID
    code: str
    reason: str
    reports_count: int


EVENTS: Final[list[type[Event]]] = [LinkReported]
