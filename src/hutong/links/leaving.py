"""The way out over the page that asks first: an address of ours that names a click, for a while.

It stands for one click on one link and carries no address to lead to: where the page leads is read from the link.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from hutong.crypto.digests import hmac_sha256, same
from hutong.links.tokens import led_by

#: How long the page of a click can be opened, and how far a clock may be behind.
LIFE: Final = timedelta(hours=1)
AHEAD_MAX: Final = timedelta(minutes=1)
TAG_BYTES: Final = 16
_ID_CHARS: Final = 32
_PURPOSE: Final = b"leaving:"
_MS_AT_BIT: Final = 80


def leaving_token(key: bytes, click_id: UUID, code: str, choice: str = "") -> str:
    """32 hexadecimal digits of the click's id and 32 of its tag under this link and its rules' choice; the id says when
    it was.
    """
    return click_id.hex + _tag(key, click_id, led_by(code, choice)).hex()


def read_leaving_token(key: bytes, token: str, code: str, now: datetime, choice: str = "") -> UUID | None:
    """The click's id, or None: not ours, another link's or choice's, or over."""
    try:
        click_id = UUID(hex=token[:_ID_CHARS])
        tag = bytes.fromhex(token[_ID_CHARS:])
    except ValueError:
        return None
    if not same(tag, _tag(key, click_id, led_by(code, choice))):
        return None
    made_at = datetime.fromtimestamp((click_id.int >> _MS_AT_BIT) / 1000, UTC)
    return click_id if now - LIFE <= made_at <= now + AHEAD_MAX else None


def _tag(key: bytes, click_id: UUID, code: str) -> bytes:
    return hmac_sha256(key, _PURPOSE + click_id.bytes + code.encode())[:TAG_BYTES]
