"""What can go wrong at Taobao; numbers are those of the list in the payments reference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

KINDS: Final[Mapping[str, str]] = {
    "throttled": "7 App Call Limited",
    "invalid_session": "27 Invalid Session",
    "server_error": "15 Remote service error, isp.top-remote-connection-timeout",
    "lost_answer": "a write is done, its answer is lost",
    "rows_shift": "after a page is served, its first row is modified and leaves the window: rows shift forward",
    "slow": "every answer takes ``seconds`` of real time",
}
