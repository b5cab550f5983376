"""When a message that did not arrive is sent again: ten tries over 75 h 35 min, as Standard Webhooks shows.

An endpoint that fails rests between two sends, and gets one message at a time, however many wait for it.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Final

#: After the n-th try of a schedule the next one waits this long; after the last there is none.
GAPS: Final = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    *(timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)),
)
TRIES_MAX: Final = len(GAPS) + 1
#: Each wait is up to this much longer, so that what failed together does not come back together.
JITTER_PERCENT_MAX: Final = 10
#: An endpoint that answers again after so long has been away: what waits for it leaves at once, without losing a try.
AWAY: Final = timedelta(minutes=10)
#: Such returns give tries back; beyond so many attempts of one message they do not.
ATTEMPTS_MAX: Final = 30
#: After so long without a success a person is told.
TELL_AFTER: Final = timedelta(hours=1)
#: After so long without a success nothing is sent any more: a message that was sent first has had all its tries.
CLOSE_AFTER: Final = sum(GAPS, timedelta())
#: Two sends to an endpoint that fails lie no further apart, unless nothing was there to send or the hub was off.
APART_MAX: Final = 2 * GAPS[-1]
#: Between two sends to an endpoint that fails: as long as it has failed, within these.
REST_MIN: Final = GAPS[0]
REST_MAX: Final = timedelta(minutes=1)
#: An endpoint that takes so long to answer gets one message at a time, as one that fails.
SLOW_MS: Final = 5_000
#: Beyond the longest send: a message whose sender died is sent again after this.
CLAIM: Final = timedelta(seconds=60)
_STEPS: Final = 1_000


def wait_after(tries_count: int) -> timedelta | None:
    """How long to wait after the n-th try; None where it was the last."""
    if not 0 < tries_count <= len(GAPS):
        return None
    gap = GAPS[tries_count - 1]
    return gap + gap * JITTER_PERCENT_MAX / 100 * secrets.randbelow(_STEPS + 1) / _STEPS


def rest_after(failing: timedelta) -> timedelta:
    """How long an endpoint is left alone that has taken nothing for so long."""
    return min(max(failing, REST_MIN), REST_MAX)
