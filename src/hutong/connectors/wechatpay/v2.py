"""The older API (V2): flat XML, signed with the merchant's API key over sorted fields. Pure.

Source: https://pay.weixin.qq.com/wiki/doc/api/micropay.php?chapter=4_3 (signature, with its worked example); shape of
the XML as in github.com/TheNorthMemory/wechatpay-openapi docs/v2 at 4d6325b. Empty fields are not signed, the signature
is upper-case hexadecimal, and the answer is signed as the request was.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final
from xml.etree.ElementTree import ParseError
from xml.sax.saxutils import escape

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from hutong.core.errors import InvalidInput
from hutong.crypto.digests import hmac_sha256, md5, same

SIGN: Final = "sign"
ROOT: Final = "xml"
#: A real answer is a few kilobytes.
XML_BYTES_MAX: Final = 64 * 1024


class SignType(StrEnum):
    """Digests that V2 knows."""

    MD5 = "MD5"
    HMAC_SHA256 = "HMAC-SHA256"


def sign_type_of(name: str) -> SignType:
    """The digest of a credential; HMAC-SHA256 where it is empty.

    Raises:
        InvalidInput: another word.
    """
    if not name:
        return SignType.HMAC_SHA256
    try:
        return SignType(name)
    except ValueError as error:
        raise InvalidInput(field="api_sign_type", problem="MD5, HMAC-SHA256") from error


def canonical(fields: Mapping[str, str], key: str) -> bytes:
    """What is signed: name=value by name, without empty ones and the signature itself, and the key at the end."""
    pairs = [f"{name}={value}" for name, value in sorted(fields.items()) if value and name != SIGN]
    return "&".join([*pairs, f"key={key}"]).encode()


def signature(fields: Mapping[str, str], key: str, sign_type: SignType) -> str:
    """The signature of a message."""
    text = canonical(fields, key)
    digest = md5(text) if sign_type is SignType.MD5 else hmac_sha256(key.encode(), text)
    return digest.hex().upper()


def verified(fields: Mapping[str, str], key: str, sign_type: SignType) -> bool:
    """Whether the message carries the signature of this key."""
    return same(fields.get(SIGN, "").encode(), signature(fields, key, sign_type).encode())


def write(fields: Mapping[str, str]) -> bytes:
    """The XML of a message."""
    parts = [f"<{name}>{escape(value)}</{name}>" for name, value in fields.items() if value]
    return f"<{ROOT}>{''.join(parts)}</{ROOT}>".encode()


def read(body: bytes) -> dict[str, str]:
    """The fields of a message: one level, each once. No document type, hence no entity but XML's own five.

    Raises:
        ValueError: it is anything else.
    """
    if len(body) > XML_BYTES_MAX:
        raise ValueError("too long")
    try:
        root = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, RecursionError, LookupError) as error:
        raise ValueError("no XML of this kind") from error
    fields = {child.tag: child.text or "" for child in root}
    if root.tag != ROOT or len(fields) != len(root) or any(len(child) for child in root):
        raise ValueError("not flat")
    return fields
