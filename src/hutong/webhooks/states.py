"""State tables of endpoints and of what is delivered to them."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from hutong.core.states import TransitionTable


class EndpointState(StrEnum):
    """Whether anything is sent. What waited when it was disabled waits on, and nothing new is added."""

    ACTIVE = "active"
    DISABLED = "disabled"


class EndpointEvent(StrEnum):
    """What can happen to an endpoint."""

    DISABLE = "disable"
    ENABLE = "enable"


class DisabledBecause(StrEnum):
    """Why nothing is sent to an endpoint."""

    BY_HAND = "by_hand"
    GONE = "gone"  # it answered 410
    FAILING = "failing"  # nothing arrived for a whole schedule


class DeliveryState(StrEnum):
    """Where an event stands on its way to one endpoint."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


class DeliveryEvent(StrEnum):
    """What can happen to a delivery."""

    ARRIVE = "arrive"
    GIVE_UP = "give_up"
    REPLAY = "replay"


_D = DeliveryState
_E = DeliveryEvent

ENDPOINT: Final = TransitionTable(
    "webhook_endpoint",
    {
        (EndpointState.ACTIVE, EndpointEvent.DISABLE): EndpointState.DISABLED,
        (EndpointState.DISABLED, EndpointEvent.ENABLE): EndpointState.ACTIVE,
    },
)

DELIVERY: Final = TransitionTable(
    "webhook_delivery",
    {
        (_D.WAITING, _E.ARRIVE): _D.DELIVERED,
        (_D.WAITING, _E.GIVE_UP): _D.FAILED,
        (_D.FAILED, _E.REPLAY): _D.WAITING,
        (_D.DELIVERED, _E.REPLAY): _D.WAITING,
    },
)
