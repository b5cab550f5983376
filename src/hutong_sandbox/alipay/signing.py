"""The texts that Alipay signs, and their signatures.

Source: opendocs.alipay.com, 自行实现签名 and 自行实现验签: parameters in the order of their names, ``name=value``
joined by ``&``, values not encoded; a request leaves out ``sign`` and whatever is empty, a notice ``sign`` and
``sign_type``.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote_plus

from cryptography.hazmat.primitives.asymmetric import rsa as rsa_keys

from hutong.crypto import rsa

SIGN_TYPE: Final = "RSA2"
CHARSET: Final = "utf-8"


def request_text(parameters: Mapping[str, str]) -> bytes:
    """What an app signs, in requests, links and order texts."""
    parts = [f"{name}={parameters[name]}" for name in sorted(parameters) if name != "sign" and parameters[name] != ""]
    return "&".join(parts).encode()


def notice_text(parameters: Mapping[str, str]) -> bytes:
    """What Alipay signs in a notice."""
    parts = [f"{name}={parameters[name]}" for name in sorted(parameters) if name not in ("sign", "sign_type")]
    return "&".join(parts).encode()


def answer_text(content: bytes) -> bytes:
    """What Alipay signs in an answer: the object itself, as it stands in the body."""
    return content


def signature(key: rsa_keys.RSAPrivateKey, text: bytes) -> str:
    """Base64 of RSA with SHA-256."""
    return base64.b64encode(rsa.sign_sha256(key, text)).decode()


def verifies(key: rsa_keys.RSAPublicKey, given: str, text: bytes) -> bool:
    """Whether a Base64 signature is this key's over this text."""
    try:
        raw = base64.b64decode(given, validate=True)
    except (binascii.Error, ValueError):
        return False
    return rsa.verify_sha256(key, raw, text)


def envelope(method: str, content: bytes, sign: str, cert_sn: str) -> bytes:
    """The body of an answer; a signature and a serial only where there are any."""
    body = b'{"' + method.replace(".", "_").encode() + b'_response":' + content
    if cert_sn:
        body += b',"alipay_cert_sn":"' + cert_sn.encode() + b'"'
    if sign:
        body += b',"sign":"' + sign.encode() + b'"'
    return body + b"}"


def form(parameters: Mapping[str, str]) -> bytes:
    """A form, encoded as Java does it."""
    return "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in parameters.items()).encode()
