"""The text that Douyin's gateway signs.

Source: op.jinritemai.com, API调用指南: sort the names of the business parameters and write them as JSON; join
``app_key``, ``method``, ``param_json``, ``timestamp`` and ``v`` with their values, put the secret at both ends, and
take HMAC-SHA-256 with the secret as its key (or MD5) in lower-case hexadecimal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hutong.crypto import digests

HMAC_SHA256: Final = "hmac-sha256"
MD5: Final = "md5"
#: What is signed of the common parameters, in this order; the token and the method of signing are not.
SIGNED: Final = ("app_key", "method", "param_json", "timestamp", "v")


def canonical(parameters: Mapping[str, str]) -> str:
    """Names and values of what is signed, joined."""
    return "".join(f"{name}{parameters.get(name, '')}" for name in SIGNED)


def sign_hmac(secret: str, text: str) -> str:
    """Lower-case hex of HMAC-SHA-256 over the text between two secrets."""
    return digests.hmac_sha256(secret.encode(), f"{secret}{text}{secret}".encode()).hex()


def sign_md5(secret: str, text: str) -> str:
    """Lower-case hex of MD5 over the text between two secrets."""
    return digests.md5(f"{secret}{text}{secret}".encode()).hex()


def verifies(secret: str, parameters: Mapping[str, str]) -> bool:
    """Whether ``sign`` fits the other parameters; without ``sign_method`` it is MD5, as in the first version."""
    method = parameters.get("sign_method", MD5)
    if method not in (MD5, HMAC_SHA256):
        return False
    by = sign_md5 if method == MD5 else sign_hmac
    return digests.same(by(secret, canonical(parameters)).encode(), parameters.get("sign", "").encode())
