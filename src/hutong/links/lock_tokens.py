"""That somebody gave a link's password: kept by his browser, and said by what a click leads to.

A pass stands for one link and its present password, and says until when. It is given in a cookie of the link's path,
and once in the address of the click that follows the right password, for browsers inside apps that lose cookies: that
click is answered by a redirect, so the address is shown nowhere, and a minute later it opens nothing.

The tokens behind a click (``k`` of the pages of ways, of the desk and of the page that asks first) are sealed with the
same password: whatever was given out before, or without it, opens nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from hutong.crypto.digests import hmac_sha256, same

PASS_COOKIE: Final = "hutong_pass"  # noqa: S105 (a name)
#: The parameter of a link's address.
PASS_NAME: Final = "u"  # noqa: S105 (a name)
#: How long who gave the password is not asked again in the same browser.
COOKIE_LIFE: Final = timedelta(hours=1)
#: From the right password to the click: one page on a slow network.
ADDRESS_LIFE: Final = timedelta(minutes=1)
TAG_BYTES: Final = 16
_PURPOSE: Final = b"pass:"
_TIME_CHARS: Final = 8
PASS_CHARS: Final = _TIME_CHARS + 2 * TAG_BYTES


def pass_token(key: bytes, code: str, lock_id: UUID, until: datetime) -> str:
    """Eight hexadecimal digits of the last second it holds for, and 32 of the tag."""
    told = f"{int(until.timestamp()):0{_TIME_CHARS}x}"
    return told + _tag(key, code, lock_id, told).hex()


def is_pass(key: bytes, code: str, lock_id: UUID, token: str, now: datetime) -> bool:
    """Whether a pass is for this link's present password, and not over."""
    if len(token) != PASS_CHARS or not token.isascii():
        return False
    told, tag = token[:_TIME_CHARS], token[_TIME_CHARS:]
    if not same(tag.encode(), _tag(key, code, lock_id, told).hex().encode()):
        return False
    return now.timestamp() <= int(told, 16)


def sealed(code: str, lock_id: UUID | None) -> str:
    """What a click's tokens are tagged under: the link, with its present password where it has one."""
    return code if lock_id is None else f"{code}.{lock_id.hex}"


def _tag(key: bytes, code: str, lock_id: UUID, told: str) -> bytes:
    return hmac_sha256(key, _PURPOSE + lock_id.bytes + f"{told}{code}".encode())[:TAG_BYTES]
