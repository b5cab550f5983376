"""RSA2: what is signed, and with which key.

Source: the documents' 自行实现签名 and 自行实现验签 (https://opendocs.alipay.com/common/02kf5q, /02mse7), and
alipay-sdk-nodejs-all at e167639. Requests and links sign every parameter but ``sign``; callbacks are signed without
``sign_type`` as well; answers sign the raw text of the object between ``"…_response":`` and ``,"sign"``.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Final

from hutong.connectors.alipay.merchant import Merchant
from hutong.core.errors import InvalidSignature
from hutong.crypto.rsa import sign_sha256, verify_sha256

SIGN_TYPE: Final = "RSA2"
CHARSET: Final = "utf-8"
OUTSIDE_REQUESTS: Final = frozenset({"sign"})
OUTSIDE_CALLBACKS: Final = frozenset({"sign", "sign_type"})
#: Base64 of a 4096-bit signature, at most.
SIGNATURE_CHARS_MAX: Final = 700


def request_message(parameters: Mapping[str, str]) -> bytes:
    """What a request, a link or an order text signs: sorted, joined, not encoded, empty ones left out."""
    return _joined({name: value for name, value in parameters.items() if value}, OUTSIDE_REQUESTS)


def callback_message(parameters: Mapping[str, str]) -> bytes:
    """What the platform signs in a callback: whatever is in it, an empty one too."""
    return _joined(parameters, OUTSIDE_CALLBACKS)


def signature(merchant: Merchant, message: bytes) -> str:
    """The app's signature, Base64."""
    return base64.b64encode(sign_sha256(merchant.signing_key, message)).decode()


def signed(merchant: Merchant, parameters: Mapping[str, str]) -> dict[str, str]:
    """The parameters that have a value, with their signature."""
    present = {name: value for name, value in parameters.items() if value}
    return {**present, "sign": signature(merchant, request_message(present))}


def verify_answer(merchant: Merchant, content: bytes, encoded: str, serial: str) -> None:
    r"""Check an answer's signature over its raw content.

    Alipay's own SDK tries a second time with ``\/`` written as ``/``: some of its servers sign before they escape
    (alipay-sdk-java-all, AbstractAlipayClient.checkResponseSign). Both are the same value to a JSON reader.

    Raises:
        InvalidSignature: no key of that serial, or the signature is not over this content.
    """
    key = merchant.platform_keys.get(serial)
    if key is None:
        raise InvalidSignature
    raw = _raw(encoded)
    if verify_sha256(key, raw, content):
        return
    if b"\\/" not in content or not verify_sha256(key, raw, content.replace(b"\\/", b"/")):
        raise InvalidSignature


def verify_callback(merchant: Merchant, parameters: Mapping[str, str]) -> None:
    """Check a callback's signature; it names no certificate, so that any valid one of the account may have signed.

    Raises:
        InvalidSignature: another sign type or charset, or no key made this signature over these parameters.
    """
    if parameters.get("sign_type") != SIGN_TYPE or parameters.get("charset", CHARSET).lower() != CHARSET:
        raise InvalidSignature
    raw, message = _raw(parameters.get("sign", "")), callback_message(parameters)
    if not any(verify_sha256(key, raw, message) for key in merchant.platform_keys.values()):
        raise InvalidSignature


def _joined(parameters: Mapping[str, str], outside: frozenset[str]) -> bytes:
    kept = sorted((name, value) for name, value in parameters.items() if name not in outside)
    return "&".join(f"{name}={value}" for name, value in kept).encode()


def _raw(encoded: str) -> bytes:
    """The signature's bytes; a second way to write the same ones is refused."""
    if not 0 < len(encoded) <= SIGNATURE_CHARS_MAX:
        raise InvalidSignature
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidSignature from error
    if base64.b64encode(raw).decode() != encoded:
        raise InvalidSignature
    return raw
