"""The signature of Pinduoduo's gateway.

Source: https://open.pinduoduo.com/application/document/browse?idStr=8EC06C399636041E (签名算法; its example is our
vector): every parameter but ``sign``, sorted by name, name and value written one after the other, the secret at both
ends, MD5 in upper case.
"""

from __future__ import annotations

from collections.abc import Mapping

from hutong.crypto.digests import md5


def canonical(parameters: Mapping[str, str]) -> str:
    """The text between the secrets."""
    return "".join(f"{name}{value}" for name, value in sorted(parameters.items()) if name != "sign")


def sign(parameters: Mapping[str, str], secret: str) -> str:
    """The signature: upper-case hexadecimal."""
    return md5(f"{secret}{canonical(parameters)}{secret}".encode()).hex().upper()
