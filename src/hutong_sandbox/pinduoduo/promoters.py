"""Promoters (多多客): their app, their positions (推广位), and what they have filed (备案)."""

from __future__ import annotations

from functools import partial
from typing import Final

import msgspec

from hutong.core.errors import InvalidInput
from hutong_sandbox.drbg import DIGITS, HEX
from hutong_sandbox.roster import Roster
from hutong_sandbox.world import World

PROMOTERS_MAX: Final = 1_000
POSITIONS_MAX: Final = 500_000
FILINGS_MAX: Final = 500_000
#: The first position is filed by itself, and under this ``uid``.
FILED_UID: Final = "hub01"


class Position(msgspec.Struct, frozen=True):
    """A position: what a promotion address counts for."""

    pid: str
    name: str
    created_s: int


class Promoter:
    """One promoter with one app of its own."""

    def __init__(self, world: World, merchant: str) -> None:
        drbg = world.drbg(f"pinduoduo promoter {merchant}")
        self.merchant = merchant
        self.client_id = drbg.text(32, HEX)
        self.client_secret = drbg.text(40, HEX)
        self.duo_id = "4" + drbg.text(7, DIGITS)
        self._world = world
        self.clear()

    def clear(self) -> None:
        """Begin again with the first position, filed."""
        self._drbg = self._world.drbg(f"pinduoduo positions {self.merchant}")
        self.positions: dict[str, Position] = {}
        self._filings: set[tuple[str, str]] = set()
        self.pid = self.open_position("hub").pid
        self.file(self.pid, "")
        self.file(self.pid, FILED_UID)

    def open_position(self, name: str) -> Position:
        """A new position; nothing is filed for it yet."""
        if len(self.positions) >= POSITIONS_MAX:
            raise InvalidInput(field="positions", problem=f"> {POSITIONS_MAX}")
        pid = f"{self.duo_id}_3{self._drbg.text(8, DIGITS)}"
        now_s = int(self._world.clock.now().timestamp())
        self.positions[pid] = Position(pid=pid, name=name, created_s=now_s)
        return self.positions[pid]

    def file(self, pid: str, uid: str) -> None:
        """File a position: by itself, or for one ``uid``."""
        if len(self._filings) >= FILINGS_MAX:
            raise InvalidInput(field="filings", problem=f"> {FILINGS_MAX}")
        self._filings.add((pid, uid))

    def is_filed(self, pid: str, uid: str) -> bool:
        """Whether exactly this was filed."""
        return (pid, uid) in self._filings


class Promoters(Roster[Promoter]):
    """Every promoter."""

    def __init__(self, world: World) -> None:
        super().__init__(partial(Promoter, world), PROMOTERS_MAX)

    def by_client_id(self, client_id: str) -> Promoter | None:
        """The promoter whose app this is."""
        return self.find(lambda one: one.client_id == client_id)
