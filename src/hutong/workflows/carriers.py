"""Addresses that alliances make for single clicks, in this process: those just made, and who is left in peace.

A visitor waits for such a call. One that fails keeps the next visitors from waiting for the same: they are led by the
link's own address meanwhile, which names the link and not the click.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from hutong.links.destinations import Target

#: What a visitor waits at most. Calls take a tenth of a second as a rule.
CLICK_WAIT_S: Final = 1.0
#: An account that did not answer, or refused, is left in peace for so long.
REST: Final = timedelta(seconds=30)
#: A page that is loaded anew belongs to the same click.
CLICKS_KNOWN_MAX: Final = 5_000
ACCOUNTS_MAX: Final = 5_000


class Carriers:
    """What is known of single clicks' addresses."""

    def __init__(self) -> None:
        self._targets: OrderedDict[UUID, Target] = OrderedDict()
        self._rests: dict[UUID, datetime] = {}

    def known(self, click_id: UUID) -> Target | None:
        """The address that was made for a click."""
        return self._targets.get(click_id)

    def keep(self, click_id: UUID, target: Target) -> None:
        """Remember it for a while."""
        self._targets[click_id] = target
        if len(self._targets) > CLICKS_KNOWN_MAX:
            self._targets.popitem(last=False)

    def is_resting(self, connection_id: UUID, now: datetime) -> bool:
        """Whether an account is left in peace."""
        return self._rests.get(connection_id, now) > now

    def rest(self, connection_id: UUID, now: datetime) -> None:
        """Leave an account in peace for a while."""
        if len(self._rests) >= ACCOUNTS_MAX:
            self._rests.clear()
        self._rests[connection_id] = now + REST
