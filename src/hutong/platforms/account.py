"""One merchant's authorised account on a platform, as a connector sees it during one call."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping

import msgspec

from hutong.core.clock import Clock
from hutong.transport.messages import HttpClient


def new_nonce() -> str:
    """32 random letters and digits, as the signing schemes of the platforms want them."""
    return secrets.token_hex(16).upper()


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Opened credentials and the means to talk. Lives for one call; never stored, never logged (no repr)."""

    platform: str
    base_url: str
    credentials: Mapping[str, str]
    http: HttpClient
    clock: Clock
    #: Chance is passed in like time, so that what a connector builds is a function of its input.
    nonce: Callable[[], str] = new_nonce

    def __repr__(self) -> str:
        return f"Account({self.platform})"
