"""Signatures of Douyin's gateway for shops.

Source: op.jinritemai.com, API调用指南 (guide 130): ``app_key``, ``method``, ``param_json``, ``timestamp`` and ``v`` in
this order, each name followed by its value, the secret at both ends, and all under HMAC-SHA-256 with the secret as its
key. The access token and ``sign_method`` are not signed. ``param_json`` has its keys sorted, without blanks.
"""

from __future__ import annotations

from typing import Final

import msgspec

from hutong.crypto.digests import hmac_sha256

VERSION: Final = "2"
SIGN_METHOD: Final = "hmac-sha256"

#: A value of a call: the gateway's arguments are texts, whole numbers and flags.
Value = str | int | bool


def param_json(business: dict[str, Value]) -> bytes:
    """The body: names sorted, no blanks, UTF-8 as it is, so that what is signed is what is sent."""
    return msgspec.json.encode(dict(sorted(business.items())))


def canonical(app_key: str, method: str, body: str, timestamp: str) -> str:
    """The text between the secrets."""
    return f"app_key{app_key}method{method}param_json{body}timestamp{timestamp}v{VERSION}"


def sign(secret: str, text: str) -> str:
    """The signature of a text: lower-case hexadecimal."""
    return hmac_sha256(secret.encode(), f"{secret}{text}{secret}".encode()).hex()
