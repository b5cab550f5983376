"""What can go wrong at Douyin's alliance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

KINDS: Final[Mapping[str, str]] = {
    "throttled": "60000 触发限流",
    "token_expired": "40003 isv.access-token-expired",
    "server_error": "20000 isp.service-error:256, the service takes a nap",
    "lost_answer": "an address is made, its answer is lost",
    "rows_shift": "after a page of orders is served, its first row is changed and leaves the window",
    "slow": "every answer takes ``seconds`` of real time",
}
