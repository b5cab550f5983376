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


def click_token(key: bytes, click_id: UUID, code: str, choice: str = "") -> str:
    """32 hexadecimal digits of the id and 16 of its tag under this link and its rules' choice."""
    return click_id.hex + _tag(key, click_id, led_by(code, choice)).hex()


def read_click_token(key: bytes, token: str, code: str, choice: str = "") -> UUID | None:
    """The click id, or None when the token is not one of ours for this link and this choice."""
    try:
        click_id = UUID(hex=token[:_ID_CHARS])
        tag = bytes.fromhex(token[_ID_CHARS:])
    except ValueError:
        return None
    return click_id if same(tag, _tag(key, click_id, led_by(code, choice))) else None


def led_by(code: str, choice: str) -> str:
    """What a tag stands for: who changes the choice in an address has no click there. Codes have no spaces."""
    return f"{code} {choice}" if choice else code


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


# The form that other platforms carry: WeChat's ``cq`` has room for 256 characters, Pinduoduo's ``custom_parameters``
# for 64 bytes. Letters and digits alone, so that no encoding touches it; texts sort as the clicks' times do.

CARRIED_TAG_BYTES: Final = 6
_LETTERS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_VALUES: Final = {letter: value for value, letter in enumerate(_LETTERS)}
#: 22 bytes, the id and its tag, in base 62.
CARRIED_CHARS: Final = 30
CARRIED_TOKEN_CHARS_MAX: Final = 64
_ID_BYTES: Final = 16
_CARRIED: Final = b"carried"


def carried_token(key: bytes, merchant_id: UUID, click_id: UUID, code: str) -> str:
    """The click's id and its tag under this merchant and link, then the link's code: 37 letters and digits."""
    left = int.from_bytes(click_id.bytes + _carried_tag(key, merchant_id, click_id, code))
    letters = []
    for _ in range(CARRIED_CHARS):
        left, value = divmod(left, len(_LETTERS))
        letters.append(_LETTERS[value])
    return "".join(reversed(letters)) + code


def read_carried_token(key: bytes, merchant_id: UUID, token: str) -> tuple[UUID, str] | None:
    """The click's id and its link's code, or None when the token is not one that this merchant's links gave out."""
    head, code = token[:CARRIED_CHARS], token[CARRIED_CHARS:]
    if len(token) > CARRIED_TOKEN_CHARS_MAX or not code or any(letter not in _VALUES for letter in token):
        return None
    number = 0
    for letter in head:
        number = number * len(_LETTERS) + _VALUES[letter]
    size = _ID_BYTES + CARRIED_TAG_BYTES
    if number.bit_length() > size * 8:
        return None
    body = number.to_bytes(size)
    click_id = UUID(bytes=body[:_ID_BYTES])
    is_ours = same(body[_ID_BYTES:], _carried_tag(key, merchant_id, click_id, code))
    return (click_id, code) if is_ours else None


def _carried_tag(key: bytes, merchant_id: UUID, click_id: UUID, code: str) -> bytes:
    """Six bytes: who guesses has to ask a hub 2^47 times for one click."""
    return hmac_sha256(key, _CARRIED + merchant_id.bytes + click_id.bytes + code.encode())[:CARRIED_TAG_BYTES]
