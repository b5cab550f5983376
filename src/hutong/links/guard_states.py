"""State tables of links and of a merchant's own hosts."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from hutong.core.states import TransitionTable


class LinkState(StrEnum):
    """Whether a link leads anywhere."""

    ACTIVE = "active"
    DISABLED = "disabled"


class LinkEvent(StrEnum):
    """What can happen to a link."""

    DISABLE = "disable"
    ENABLE = "enable"


class HostState(StrEnum):
    """Whether a host was proven to be the merchant's."""

    PENDING = "pending"  # never yet
    VERIFIED = "verified"
    LOST = "lost"  # it was, and the proof is gone


class HostEvent(StrEnum):
    """What can happen to a host."""

    PROVE = "prove"
    LOSE = "lose"


LINK: Final = TransitionTable(
    "link",
    {
        (LinkState.ACTIVE, LinkEvent.DISABLE): LinkState.DISABLED,
        (LinkState.DISABLED, LinkEvent.ENABLE): LinkState.ACTIVE,
    },
)
HOST: Final = TransitionTable(
    "own_host",
    {
        (HostState.PENDING, HostEvent.PROVE): HostState.VERIFIED,
        (HostState.LOST, HostEvent.PROVE): HostState.VERIFIED,
        (HostState.VERIFIED, HostEvent.LOSE): HostState.LOST,
    },
)
