"""Whether credentials of a promoter (抖客) can work, before anything is sent with them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from hutong.platforms.credentials import Examined, Examiner

#: "app_key格式不正确，应为19位纯数字" (sub-code isv.app-id-invalid).
APP_KEY: Final = r"[0-9]{19}"
PID: Final = r"dy_[0-9]{1,30}_[0-9]{1,20}_[0-9]{1,20}"


def examine(credentials: Mapping[str, str], now: datetime) -> Examined:
    """Everything is there and has the published form."""
    found = Examiner(credentials, now)
    found.needs("app_key", "app_secret", "access_token", "refresh_token", "pid")
    found.form("app_key", APP_KEY, "3409409348479354011")
    found.form("pid", PID, "dy_107056143204730814752_7377_1847395962")
    return found.examined()
