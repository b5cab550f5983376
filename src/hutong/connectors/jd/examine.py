"""Whether credentials of 京东联盟 can work, before anything is sent with them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from hutong.platforms.credentials import Examined, Examiner

#: As the keys in public code: 32 hexadecimal digits, both of them.
KEY: Final = r"[0-9a-f]{32}"
NUMBER: Final = r"[0-9]{1,20}"


def examine(credentials: Mapping[str, str], now: datetime) -> Examined:
    """Key and secret are there and have their form; numbers are numbers."""
    found = Examiner(credentials, now)
    found.needs("app_key", "app_secret")
    found.form("app_key", KEY, "0123456789abcdef0123456789abcdef")
    found.form("app_secret", KEY, "0123456789abcdef0123456789abcdef")
    found.form("site_id", NUMBER, "4100183350")
    found.form("position_id", NUMBER, "3003262349")
    return found.examined()
