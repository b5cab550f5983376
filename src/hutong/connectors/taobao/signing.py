"""Signatures of the TOP gateway.

Source: https://open.taobao.com/doc.htm?docId=101617&docType=1: every text parameter but ``sign``, system and business
ones together, empty ones left out, sorted by name, name and value written one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final

from hutong.crypto.digests import hmac_md5, hmac_sha256, md5


class SignMethod(StrEnum):
    """Digests the gateway takes. MD5 is the one with a published example; the other two are documented only."""

    MD5 = "md5"
    HMAC = "hmac"
    HMAC_SHA256 = "hmac-sha256"


def canonical(parameters: Mapping[str, str]) -> str:
    """The text that is digested."""
    return "".join(f"{name}{value}" for name, value in sorted(parameters.items()) if name and value and name != "sign")


def _sign_md5(secret: bytes, text: bytes) -> bytes:
    return md5(secret + text + secret)


_DIGESTS: Final[Mapping[SignMethod, Callable[[bytes, bytes], bytes]]] = {
    SignMethod.MD5: _sign_md5,
    SignMethod.HMAC: hmac_md5,
    SignMethod.HMAC_SHA256: hmac_sha256,
}


def sign(parameters: Mapping[str, str], secret: str, method: SignMethod) -> str:
    """The signature: upper-case hexadecimal. MD5 has the secret at both ends, the HMACs have it as their key."""
    return _DIGESTS[method](secret.encode(), canonical(parameters).encode()).hex().upper()
