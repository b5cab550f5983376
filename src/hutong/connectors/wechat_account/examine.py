"""Whether credentials of an official account can work, before anything is sent with them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from hutong.platforms.credentials import Examined, Examiner

APPID: Final = r"wx[0-9a-f]{16}"
SECRET: Final = r"[0-9a-f]{32}"  # noqa: S105 (a form, no secret)


def examine(credentials: Mapping[str, str], now: datetime) -> Examined:
    """Everything is there and has the published form."""
    found = Examiner(credentials, now)
    found.needs("appid", "app_secret")
    found.form("appid", APPID, "wx8888888888888888")
    found.form("app_secret", SECRET, "0123456789abcdef0123456789abcdef")
    return found.examined()
