"""One merchant's authorised account on a platform, as a connector sees it during one call."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from hutong.core.clock import Clock
from hutong.transport.messages import HttpClient


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Opened credentials and the means to talk. Lives for one call; never stored, never logged (no repr)."""

    platform: str
    base_url: str
    credentials: Mapping[str, str]
    http: HttpClient
    clock: Clock

    def __repr__(self) -> str:
        return f"Account({self.platform})"
