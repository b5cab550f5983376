"""What can go wrong at 京东联盟."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

KINDS: Final[Mapping[str, str]] = {
    "throttled": "making addresses: 429 接口调用超频; orders: 2 App Call Limited",
    "server_error": "67 of the gateway: an unknown exception behind it",
    "degraded": "2001609 or 2002408: the alliance has switched the call off for a while",
    "no_permission": "2001403 or 2002403: the call was not applied for, or the permission was taken back",
    "marks_hidden": "rows come with an empty subUnionId, as without the permission to see it",
    "lost_answer": "the address is made, the answer lost",
    "rows_shift": "after a page is served, its first row is modified and leaves the window: rows shift forward",
    "slow": "every answer takes ``seconds`` of real time",
}
