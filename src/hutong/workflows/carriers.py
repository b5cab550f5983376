"""Addresses that alliances make for single clicks, in this process: those just made, and who is left in peace.

A visitor waits for such a call. One that fails keeps the next visitors from waiting for the same: they are led by the
link's own address meanwhile, which names the link and not the click.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from hutong.links.destinations import Target

#: What a visitor waits at most. Calls take a tenth of a second as a rule.
CLICK_WAIT_S: Final = 1.0
#: Where so many ask at once that a visitor would wait longer for his turn, the link's address leads him at once.
TURN_WAIT_MAX_S: Final = 0.2
#: An account that did not answer, or refuses altogether, is left in peace for so long; so are goods that it refuses.
REST: Final = timedelta(seconds=30)
#: A page that is loaded anew belongs to the same click.
CLICKS_KNOWN_MAX: Final = 5_000
RESTING_MAX: Final = 5_000


class Carriers:
    """What is known of single clicks' addresses."""

    def __init__(self) -> None:
        self._targets: OrderedDict[UUID, Target] = OrderedDict()
        self._rests: dict[UUID | tuple[UUID, str], datetime] = {}
        self._rounds: dict[UUID, asyncio.Lock] = {}

    def round(self, connection_id: UUID) -> asyncio.Lock:
        """One round of links at a time for an account: two would ask about the same ones."""
        return self._rounds.setdefault(connection_id, asyncio.Lock())

    def known(self, click_id: UUID) -> Target | None:
        """The address that was made for a click."""
        return self._targets.get(click_id)

    def keep(self, click_id: UUID, target: Target) -> None:
        """Remember it for a while."""
        self._targets[click_id] = target
        if len(self._targets) > CLICKS_KNOWN_MAX:
            self._targets.popitem(last=False)

    def is_resting(self, what: UUID | tuple[UUID, str], now: datetime) -> bool:
        """Whether an account, or one of its pages, is left in peace."""
        return self._rests.get(what, now) > now

    def rest(self, what: UUID | tuple[UUID, str], now: datetime) -> None:
        """Leave an account, or one of its pages, in peace for a while."""
        if len(self._rests) >= RESTING_MAX:
            self._rests.clear()
        self._rests[what] = now + REST
