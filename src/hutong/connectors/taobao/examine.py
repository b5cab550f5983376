"""Whether credentials of a Taobao shop can work, before anything is sent with them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from hutong.platforms.credentials import Examined, Examiner

NUMBER: Final = r"[0-9]{1,20}"


def examine(credentials: Mapping[str, str], now: datetime) -> Examined:
    """Everything is there, and numbers are numbers."""
    found = Examiner(credentials, now)
    found.needs("app_key", "app_secret", "access_token", "refresh_token", "shop_id")
    found.form("app_key", NUMBER, "21987231")
    found.form("shop_id", NUMBER, "132592026")
    return found.examined()
