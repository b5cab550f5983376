"""Whether credentials of a promoter at 多多进宝 can work, before anything is sent with them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from hutong.connectors.pinduoduo.marks import UID
from hutong.platforms.credentials import Examined, Examiner

#: As the documents' example has it: the promoter's number and the position's.
PID: Final = r"[0-9]{1,20}_[0-9]{1,20}"


def examine(credentials: Mapping[str, str], now: datetime) -> Examined:
    """Everything is there, and numbers have their published form."""
    found = Examiner(credentials, now)
    found.needs("client_id", "client_secret", "pid")
    found.form("pid", PID, "60005_612")
    found.form("uid", UID, "hub01")
    return found.examined()
