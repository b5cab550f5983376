"""Whether credentials of a promoter can work, before anything is sent with them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from hutong.platforms.credentials import Examined, Examiner

NUMBER: Final = r"[0-9]{1,20}"
#: A promoter's id: whose it is, the medium, and one place of it.
PID: Final = r"mm_[0-9]{1,20}_[0-9]{1,20}_[0-9]{1,20}"


def examine(credentials: Mapping[str, str], now: datetime) -> Examined:
    """Everything is there but perhaps the session, and numbers are numbers."""
    found = Examiner(credentials, now)
    found.needs("app_key", "app_secret", "pid")
    found.form("app_key", NUMBER, "21987231")
    found.form("pid", PID, "mm_12345678_45598009_111112234455")
    return found.examined()
