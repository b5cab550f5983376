"""The texts that TOP signs.

Source: open.taobao.com, 签名算法: all parameters but ``sign`` and files, sorted by name, names and values joined
without separators; ``md5`` wraps the text in the secret, ``hmac`` keys it.
"""

from __future__ import annotations

from collections.abc import Mapping

from hutong.crypto import digests


def canonical(parameters: Mapping[str, str], *, with_empty: bool) -> str:
    """Sorted names and values, joined. Official SDKs differ on empty values: some sign the bare name, some skip it."""
    return "".join(
        f"{name}{value}" for name, value in sorted(parameters.items()) if name != "sign" and (value or with_empty)
    )


def sign_md5(secret: str, text: str) -> str:
    """Upper-case hex of MD5(secret + text + secret)."""
    return digests.md5(f"{secret}{text}{secret}".encode()).hex().upper()


def sign_hmac(secret: str, text: str) -> str:
    """Upper-case hex of HMAC-MD5."""
    return digests.hmac_md5(secret.encode(), text.encode()).hex().upper()


def sign_hmac_sha256(secret: str, text: str) -> str:
    """Upper-case hex of HMAC-SHA-256."""
    return digests.hmac_sha256(secret.encode(), text.encode()).hex().upper()


def signature(method: str, secret: str, text: str) -> str | None:
    """The signature by a named method; None for an unknown one."""
    if method == "md5":
        return sign_md5(secret, text)
    if method == "hmac":
        return sign_hmac(secret, text)
    if method == "hmac-sha256":
        return sign_hmac_sha256(secret, text)
    return None


def verifies(secret: str, parameters: Mapping[str, str]) -> bool:
    """Whether ``sign`` fits the other parameters."""
    given = parameters.get("sign", "").encode()
    method = parameters.get("sign_method", "md5")
    for with_empty in (True, False):
        expected = signature(method, secret, canonical(parameters, with_empty=with_empty))
        if expected is not None and digests.same(expected.encode(), given):
            return True
    return False
