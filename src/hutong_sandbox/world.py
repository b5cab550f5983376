"""What the simulated platforms share: time, randomness, faults, buyers, the log, and the way back to the merchant."""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final, TypeVar

from hutong.core.errors import InvalidInput
from hutong_sandbox.books import BookRow
from hutong_sandbox.buyers import Buyers
from hutong_sandbox.clock import Agenda, VirtualClock
from hutong_sandbox.drbg import Drbg
from hutong_sandbox.events import EventLog
from hutong_sandbox.faults import Faults
from hutong_sandbox.http import HttpRequest, HttpResponse, Json
from hutong_sandbox.sender import Sender

DEFAULT_MERCHANT: Final = "default"

SharedT = TypeVar("SharedT")


class World:
    """One simulated world. With a seed, everything but wall time and transport nonces repeats."""

    def __init__(self, seed: int | None, sender: Sender) -> None:
        self.seed = secrets.token_bytes(32) if seed is None else f"seed {seed}".encode()
        self.clock = VirtualClock()
        self.agenda = Agenda(self.clock)
        self.events = EventLog(self.clock)
        self.faults = Faults(self.seed)
        self.buyers = Buyers(self.seed)
        self.sender = sender
        self._shared: dict[object, Any] = {}

    def shared(self, make: Callable[[World], SharedT]) -> SharedT:
        """What several platforms of one house have in common: made for whoever asks first, the same for all."""
        if make not in self._shared:
            self._shared[make] = make(self)
        found: SharedT = self._shared[make]
        return found

    def reset(self) -> None:
        """Back to the moment of the start, but for keys: no faults, nothing due, no log, real time."""
        self.agenda.clear()
        self.events.clear()
        self.faults.replace([])
        self.clock.reset()

    def drbg(self, label: str) -> Drbg:
        """A stream of its own for a purpose."""
        return Drbg(self.seed, label)


class Platform(ABC):
    """What the control port asks of every platform. What only some can do is an ability (``abilities``)."""

    name: ClassVar[str]
    #: Kind of fault -> what it does, of this platform alone.
    fault_kinds: ClassVar[Mapping[str, str]]

    @abstractmethod
    def place(self, base_url: str) -> None:
        """Learn the own address."""

    @abstractmethod
    def credentials(self, merchant: str) -> Json:
        """The merchant's credentials, made at first sight."""

    @abstractmethod
    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer on the platform's own port."""

    @abstractmethod
    def books(self) -> list[BookRow]:
        """Every paid order, oldest first."""

    @abstractmethod
    def proofs(self) -> dict[str, str]:
        """How far each capability is proved."""

    @abstractmethod
    def reset(self) -> None:
        """Forget orders, not keys."""


def text_of(body: Json, field: str, default: str | None = None) -> str:
    """A text field of a control request.

    Raises:
        InvalidInput: it is missing, or no text.
    """
    value = body.get(field, default)
    if not isinstance(value, str) or not value:
        raise InvalidInput(field=field, problem="text expected")
    return value


def count_of(body: Json, field: str, default: int | None = None) -> int:
    """A whole number of a control request, not negative.

    Raises:
        InvalidInput: it is missing, negative, or no whole number.
    """
    value = body.get(field, default)
    if type(value) is not int or value < 0:
        raise InvalidInput(field=field, problem="whole number expected")
    return value
