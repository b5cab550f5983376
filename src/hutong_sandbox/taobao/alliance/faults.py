"""What can go wrong at the alliance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

KINDS: Final[Mapping[str, str]] = {
    "throttled": "7 App Call Limited",
    "account_limited": "9100 of the order query: the promoter's account asks too often, whatever asks for it",
    "invalid_session": "27 Invalid Session, where one is sent",
    "server_error": "15 Remote service error, isp.top-remote-connection-timeout",
    "lost_answer": "a place is made, its answer is lost",
    "not_permitted": "1001 无权限 for an address: the permission to convert copied addresses is not there",
    "big_sale": "the order query takes twenty minutes at most, 2007 otherwise",
    "rows_shift": "after a page is served, its first row changes and leaves the window: rows shift forward",
    "slow": "every answer takes ``seconds`` of real time",
}
