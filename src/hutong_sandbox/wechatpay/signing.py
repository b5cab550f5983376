"""The texts that WeChat Pay APIv3 signs, and their signatures.

Source: pay.weixin.qq.com, APIv3 接口规则 (签名生成, 签名验证, 调起支付签名, 证书和回调报文解密).
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from typing import Final

import msgspec
from cryptography.hazmat.primitives.asymmetric import rsa as rsa_keys

from hutong.crypto import aead, rsa
from hutong_sandbox.drbg import LETTERS
from hutong_sandbox.wechatpay.errors import WireError

SCHEME: Final = "WECHATPAY2-SHA256-RSA2048"
#: A request whose timestamp is further off is refused (document: 5 minutes).
TIMESTAMP_S_MAX: Final = 300
AEAD_NAME: Final = "AEAD_AES_256_GCM"
AEAD_NONCE_CHARS: Final = 12
NONCE_CHARS: Final = 32
#: A letter for each byte. Some come a little more often than others, which a nonce may: it has to be new, not even.
_AS_LETTERS: Final = bytes(ord(LETTERS[number % len(LETTERS)]) for number in range(256))
PROBE_PREFIX: Final = "WECHATPAY/SIGNTEST/"
_FIELD: Final = re.compile(r'([a-z_]+)="([^"]*)"')
_AUTHORIZATION_FIELDS: Final = frozenset({"mchid", "nonce_str", "signature", "timestamp", "serial_no"})


class Authorization(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of the Authorization header."""

    mchid: str
    nonce_str: str
    signature: str
    timestamp: str
    serial_no: str


def parse_authorization(header: str) -> Authorization | None:
    """The header's fields in any order; None when scheme or fields are not as documented."""
    scheme, _, rest = header.partition(" ")
    fields = dict(_FIELD.findall(rest))
    if scheme != SCHEME or not fields.keys() >= _AUTHORIZATION_FIELDS:
        return None
    return Authorization(**{name: fields[name] for name in _AUTHORIZATION_FIELDS})


def request_text(method: str, target: str, timestamp: str, nonce: str, body: bytes) -> bytes:
    """What the merchant signs: method, path with query, timestamp, nonce, raw body, each ended by a line feed."""
    return f"{method}\n{target}\n{timestamp}\n{nonce}\n".encode("latin-1") + body + b"\n"


def answer_text(timestamp: str, nonce: str, body: bytes) -> bytes:
    """What the platform signs, on answers and notices alike."""
    return f"{timestamp}\n{nonce}\n".encode() + body + b"\n"


def invoke_text(app_id: str, timestamp: str, nonce: str, package: str) -> bytes:
    """What the merchant's page signs to open the cashier (JSAPI)."""
    return f"{app_id}\n{timestamp}\n{nonce}\n{package}\n".encode()


def app_invoke_text(app_id: str, timestamp: str, nonce: str, prepay_id: str) -> bytes:
    """What the merchant signs to open the cashier from a native app: the bare prepay_id."""
    return f"{app_id}\n{timestamp}\n{nonce}\n{prepay_id}\n".encode()


def signature(key: rsa_keys.RSAPrivateKey, text: bytes) -> str:
    """Base64 of RSA with SHA-256."""
    return base64.b64encode(rsa.sign_sha256(key, text)).decode()


def verifies(key: rsa_keys.RSAPublicKey, given: str, text: bytes) -> bool:
    """Whether a base64 signature is this key's over this text."""
    try:
        raw = base64.b64decode(given, validate=True)
    except (binascii.Error, ValueError):
        return False
    return rsa.verify_sha256(key, raw, text)


def fresh_nonce(length: int = NONCE_CHARS) -> str:
    """A nonce for the wire. Not from the seed: an AEAD nonce must never serve one key twice, also over two runs."""
    return secrets.token_bytes(length).translate(_AS_LETTERS).decode("ascii")


def unsealed_field(key: rsa_keys.RSAPrivateKey, given: str) -> str:
    """A sensitive field in the clear (RSA-OAEP with SHA-1 and MGF1-SHA-1, base64).

    Raises:
        WireError: it was not encrypted with this key.
    """
    try:
        return rsa.decrypt_oaep_sha1(key, base64.b64decode(given, validate=True)).decode()
    except ValueError as error:  # binascii.Error and UnicodeDecodeError are ones
        raise WireError("PARAM_ERROR", "敏感字段解密失败") from error


def sealed(api_v3_key: str, plaintext: bytes, associated_data: str) -> dict[str, str]:
    """The encrypted form in which notices and certificates travel."""
    nonce = fresh_nonce(AEAD_NONCE_CHARS)
    ciphertext = aead.encrypt(api_v3_key.encode(), nonce.encode(), plaintext, associated_data.encode())
    return {
        "algorithm": AEAD_NAME,
        "nonce": nonce,
        "associated_data": associated_data,
        "ciphertext": base64.b64encode(ciphertext).decode(),
    }
