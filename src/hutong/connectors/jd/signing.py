"""Signatures of JD's gateway.

Source: https://jos.jd.com/commondoc?listId=33 and the official SDKs (``jd.api.base.sign``): every parameter that is
sent but ``sign``, system ones and the JSON text of the business ones, sorted by name, name and value written one after
the other, the secret at both ends, MD5 in upper-case hexadecimal.
"""

from __future__ import annotations

from collections.abc import Mapping

from hutong.crypto.digests import md5


def canonical(parameters: Mapping[str, str]) -> str:
    """The text between the secrets."""
    return "".join(f"{name}{value}" for name, value in sorted(parameters.items()) if name != "sign")


def sign(parameters: Mapping[str, str], secret: str) -> str:
    """The signature."""
    return md5(f"{secret}{canonical(parameters)}{secret}".encode()).hex().upper()
