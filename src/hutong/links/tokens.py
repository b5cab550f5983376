"""The click id as it leaves in an address: with a short tag, so that nobody can claim somebody else's click.

With it goes, on a page of ways, the app and system that the page was made for: a script's request does not name the app
as the request for its page did.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from hutong.crypto.digests import hmac_sha256, same

TAG_BYTES: Final = 8
_ID_CHARS: Final = 32


def click_token(key: bytes, click_id: UUID, code: str) -> str:
    """32 hexadecimal digits of the id and 16 of its tag under this link."""
    return click_id.hex + _tag(key, click_id, code).hex()


def read_click_token(key: bytes, token: str, code: str) -> UUID | None:
    """The click id, or None when the token is not one of ours for this link."""
    try:
        click_id = UUID(hex=token[:_ID_CHARS])
        tag = bytes.fromhex(token[_ID_CHARS:])
    except ValueError:
        return None
    return click_id if same(tag, _tag(key, click_id, code)) else None


def sight_token(key: bytes, click_id: UUID, container: str, os: str) -> str:
    """The app and system that a page was made for, with a tag under its click: ``wechat.android.0f…``."""
    return f"{container}.{os}.{_tag(key, click_id, f'{container}.{os}').hex()}"


def read_sight_token(key: bytes, click_id: UUID, token: str) -> tuple[str, str] | None:
    """Container and system of a page, or None when the token is not one of ours for this click."""
    container, _, rest = token.partition(".")
    os = rest.partition(".")[0]
    same_token = same(token.encode(), sight_token(key, click_id, container, os).encode())
    return (container, os) if same_token else None


def _tag(key: bytes, click_id: UUID, code: str) -> bytes:
    return hmac_sha256(key, click_id.bytes + code.encode())[:TAG_BYTES]
