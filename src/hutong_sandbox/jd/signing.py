"""The text that JD's gateway signs.

Source: jos.jd.com, API 调用说明, 签名算法 (listId 33): all parameters of the request but ``sign``, sorted by name,
names and values joined without separators, wrapped in the secret, MD5, upper-case hexadecimal.
"""

from __future__ import annotations

from collections.abc import Mapping

from hutong.crypto import digests


def canonical(parameters: Mapping[str, str]) -> str:
    """Sorted names and values, joined; empty ones with their bare name, as the official SDKs do."""
    return "".join(name + parameters[name] for name in sorted(parameters) if name != "sign")


def signature(secret: str, text: str) -> str:
    """Upper-case hex of MD5(secret + text + secret)."""
    return digests.md5((secret + text + secret).encode()).hex().upper()


def verifies(secret: str, parameters: Mapping[str, str]) -> bool:
    """Whether ``sign`` fits the other parameters."""
    expected = signature(secret, canonical(parameters))
    return digests.same(expected.encode(), parameters.get("sign", "").encode())
