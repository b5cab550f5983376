"""WeChat Pay APIv3 signatures: what is signed, and with which key.

Source: https://pay.weixin.qq.com/doc/v3/merchant/4012365336 (requests), /4012365341 (invocation), /4013070351 (from an
app); answers and callbacks as in wechatpay-apiv3/wechatpay-go core/auth at 6dbd7ce. Every line ends in a newline, the
last and the empty one too.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from hutong.connectors.wechatpay.keys import PlatformKeys
from hutong.connectors.wechatpay.merchant import Merchant
from hutong.core.errors import InvalidSignature
from hutong.crypto.rsa import sign_sha256, verify_sha256
from hutong.transport.messages import Request

SCHEME: Final = "WECHATPAY2-SHA256-RSA2048"
#: A signature older or younger than this is refused, against replay.
CLOCK_SKEW_MAX_S: Final = 300
#: The platform probes whether signatures are checked with signatures that begin so; they must be refused.
PROBE_PREFIX: Final = "WECHATPAY/SIGNTEST/"
TIMESTAMP_DIGITS_MAX: Final = 12


def request_message(method: str, target: str, timestamp: str, nonce: str, body: bytes) -> bytes:
    """What a request signs. ``target`` is path and query exactly as they go out."""
    return f"{method}\n{target}\n{timestamp}\n{nonce}\n".encode() + body + b"\n"


def response_message(timestamp: str, nonce: str, body: bytes) -> bytes:
    """What the platform signs, in answers and in callbacks."""
    return f"{timestamp}\n{nonce}\n".encode() + body + b"\n"


def invocation_message(appid: str, timestamp: str, nonce: str, package: str) -> bytes:
    """What opens the wallet inside WeChat (``paySign``)."""
    return f"{appid}\n{timestamp}\n{nonce}\n{package}\n".encode()


def app_invocation_message(appid: str, timestamp: str, nonce: str, prepay_id: str) -> bytes:
    """What opens the wallet from a native app (``sign``): the bare prepay_id, without a name before it."""
    return f"{appid}\n{timestamp}\n{nonce}\n{prepay_id}\n".encode()


def signature(merchant: Merchant, message: bytes) -> str:
    """The merchant's signature, Base64."""
    return base64.b64encode(sign_sha256(merchant.signing_key, message)).decode()


def target_of(url: str) -> str:
    """Path and query of a URL, raw."""
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def unix_text(now: datetime) -> str:
    """Whole seconds since the epoch, as every part of this protocol writes time."""
    return str(int(now.timestamp()))


def signed_request(
    merchant: Merchant,
    method: str,
    path: str,
    body: bytes,
    *,
    now: datetime,
    nonce: str,
    repeatable: bool,
    sealed_for: str = "",
) -> Request:
    """A complete request. ``path`` begins with a slash and holds the query.

    ``sealed_for``: serial of the platform's key with which fields of the body are encrypted.
    """
    url = merchant.base_url + path
    timestamp = unix_text(now)
    signed = signature(merchant, request_message(method, target_of(url), timestamp, nonce, body))
    headers = {
        "Accept": "application/json",
        "Authorization": (
            f'{SCHEME} mchid="{merchant.mchid}",nonce_str="{nonce}",signature="{signed}",'
            f'timestamp="{timestamp}",serial_no="{merchant.serial_no}"'
        ),
    }
    if body:
        headers["Content-Type"] = "application/json"
    serial = sealed_for or merchant.public_key_id
    if serial:
        headers["Wechatpay-Serial"] = serial
    return Request(method=method, url=url, headers=headers, body=body, repeatable=repeatable)


def verify(headers: Mapping[str, str], body: bytes, keys: PlatformKeys, now: datetime) -> None:
    """Check the platform's signature on raw bytes. Header names are lower-case.

    Raises:
        InvalidSignature: a header is missing or malformed, the time is off, the key unknown, the signature wrong.
    """
    timestamp = _header(headers, "wechatpay-timestamp")
    nonce = _header(headers, "wechatpay-nonce")
    encoded = _header(headers, "wechatpay-signature")
    serial = _header(headers, "wechatpay-serial")
    if headers.get("wechatpay-signature-type", SCHEME) != SCHEME or encoded.startswith(PROBE_PREFIX):
        raise InvalidSignature
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= TIMESTAMP_DIGITS_MAX):
        raise InvalidSignature
    if abs(int(now.timestamp()) - int(timestamp)) > CLOCK_SKEW_MAX_S:
        raise InvalidSignature
    key = keys.valid(serial, now)
    try:
        raw = base64.b64decode(encoded, validate=True)
        message = response_message(timestamp, nonce, body)
    except (binascii.Error, ValueError) as error:
        raise InvalidSignature from error
    if not verify_sha256(key, raw, message):
        raise InvalidSignature


def _header(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidSignature
    return value
