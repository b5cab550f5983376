"""The text that Pinduoduo's gateway signs.

Source: https://open.pinduoduo.com/application/document/browse?idStr=8EC06C399636041E (签名算法, with an example): all
parameters but ``sign``, sorted by name, names and values joined without separators, between two copies of the secret;
MD5 in upper case.
"""

from __future__ import annotations

from collections.abc import Mapping

from hutong.crypto import digests


def canonical(parameters: Mapping[str, str]) -> str:
    """Sorted names and values, joined."""
    return "".join(name + parameters[name] for name in sorted(parameters) if name != "sign")


def signature(secret: str, text: str) -> str:
    """Upper-case hex of MD5(secret + text + secret)."""
    return digests.md5(b"".join((secret.encode(), text.encode(), secret.encode()))).hex().upper()


def verifies(secret: str, parameters: Mapping[str, str]) -> bool:
    """Whether ``sign`` fits the other parameters."""
    expected = signature(secret, canonical(parameters))
    return digests.same(expected.encode(), parameters.get("sign", "").encode())
