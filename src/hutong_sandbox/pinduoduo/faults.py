"""What can go wrong at 多多进宝; the first numbers are those of the gateway's own list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

KINDS: Final[Mapping[str, str]] = {
    "throttled": "52101 当前接口被限流",
    "server_error": "52001 网关业务服务错误",
    "lost_answer": "an address is made, its answer is lost",
    "not_filed": "50001/60001: the position's filing is not seen",
    "filed_uid_only": "a position that was filed by itself is not filed for custom parameters",
    "search_strays": "a search finds another item in front of the one that was asked for",
    "rows_shift": "after a page is served, its first row is modified and leaves the window: rows shift forward",
    "slow": "every answer takes ``seconds`` of real time",
}
