"""Keeps one account below its platform's rate limit: a token bucket whose waits are bounded."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

import msgspec

#: Accounts whose bucket is remembered; an account that falls out starts with a full bucket again.
ACCOUNTS_PACED_MAX: Final = 10_000


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """At most ``calls`` in ``seconds``."""

    calls: int
    seconds: int

    def __post_init__(self) -> None:
        if self.calls < 1 or self.seconds < 1:
            raise ValueError("a pace is at least one call in at least one second")


class Bucket:
    """A token bucket as a single number: the moment at which it would be full again.

    ``seconds / calls`` is the cost of one call; the bucket holds ``calls`` of them. Reserving never blocks, it says
    how long the caller has to wait, so that callers are served in the order in which they asked.
    """

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self._cost_s = pace.seconds / pace.calls
        self._burst_s = float(pace.seconds)
        self._full_at_s = float("-inf")

    def reserve(self, now_s: float, wait_max_s: float) -> float | None:
        """Seconds to wait before the call may leave, or None (nothing reserved) if that is more than allowed."""
        full_at_s = max(self._full_at_s, now_s) + self._cost_s
        wait_s = max(0.0, full_at_s - now_s - self._burst_s)
        if wait_s > wait_max_s:
            return None
        self._full_at_s = full_at_s
        return wait_s

    def wait_s(self, now_s: float) -> float:
        """Seconds that the next call would have to wait; nothing is reserved."""
        return max(0.0, max(self._full_at_s, now_s) + self._cost_s - now_s - self._burst_s)

    def give_back(self) -> None:
        """One call that was reserved and is not to count."""
        self._full_at_s -= self._cost_s


class Buckets:
    """The buckets of all accounts of this process, bounded; the longest unused one goes first."""

    def __init__(self) -> None:
        self._by_account: OrderedDict[tuple[str, str], Bucket] = OrderedDict()

    def of(self, platform: str, account_key: str, pace: Pace) -> Bucket:
        """The one bucket of this account."""
        key = (platform, account_key)
        bucket = self._by_account.get(key)
        if bucket is None or bucket.pace != pace:  # an account that was granted another pace begins anew with it
            bucket = self._by_account[key] = Bucket(pace)
            if len(self._by_account) > ACCOUNTS_PACED_MAX:
                self._by_account.popitem(last=False)
        else:
            self._by_account.move_to_end(key)
        return bucket
