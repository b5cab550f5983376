"""How many clicks one address and one link may make, in memory and bounded.

The figures keep out programs, not people. An address is no person: a shop's wireless network is one for everybody in
it, and a mobile carrier puts hundreds of phones behind one. A link is no person either: when a live room is told "now",
ten thousand come within a minute. Both limits lie several times above that, and far below what a machine can send.
"""

from __future__ import annotations

import logging
from typing import Final

from hutong.transport.networks import network_of
from hutong.transport.pacing import Buckets, Pace

log = logging.getLogger("hutong.edge")

#: Twenty a second for as long as they like, and that of a minute at once: a hall of two hundred people who scan the
#: same poster six times each.
ADDRESS_PACE: Final = Pace(calls=1_200, seconds=60)
#: Six live rooms of ten thousand at the same moment.
LINK_PACE: Final = Pace(calls=60_000, seconds=60)
#: What a visitor who is over it is told to wait; a bucket has refilled for a dozen clicks by then at the least.
RETRY_AFTER_S: Final = 10
#: Somebody who reads the log is told that often at most.
TOLD_GAP_S: Final = 60.0


class Limits:
    """Token buckets by address and by link. What falls out of the bounded memory begins with a full bucket."""

    def __init__(self, address_pace: Pace = ADDRESS_PACE, link_pace: Pace = LINK_PACE) -> None:
        self._buckets = Buckets()
        self._address_pace = address_pace
        self._link_pace = link_pace
        self._told_at_s = float("-inf")
        self._untold = 0
        self.limited = 0  # clicks that were over a limit, since the start

    def admits(self, address: str, code: str, now_s: float) -> bool:
        """Whether one more click is within the limits; one that is not is counted. ``code`` empty: on no link."""
        network = network_of(address)
        # The address first: who is over his own limit must not use up the link's for everybody else.
        within = network is None or self._take("address", network, self._address_pace, now_s)
        if within and (not code or self._take("link", code, self._link_pace, now_s)):
            return True
        self.limited += 1
        self._tell(code, now_s)
        return False

    def _take(self, kind: str, key: str, pace: Pace, now_s: float) -> bool:
        return self._buckets.of(kind, key, pace).reserve(now_s, 0) is not None

    def _tell(self, code: str, now_s: float) -> None:
        self._untold += 1
        if now_s - self._told_at_s >= TOLD_GAP_S:
            log.warning("%d clicks were over a limit and answered 429, the last on “%s”", self._untold, code)
            self._told_at_s, self._untold = now_s, 0
