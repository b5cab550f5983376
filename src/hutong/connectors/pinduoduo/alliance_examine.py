"""Whether credentials of a promoter at 多多进宝 can work, before anything is sent with them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from hutong.connectors.pinduoduo.marks import PID, UID
from hutong.platforms.credentials import Examined, Examiner


def examine(credentials: Mapping[str, str], now: datetime) -> Examined:
    """Everything is there, and numbers have their published form."""
    found = Examiner(credentials, now)
    found.needs("client_id", "client_secret", "pid")
    found.form("pid", PID, "60005_612")
    found.form("uid", UID, "hub01")
    return found.examined()
