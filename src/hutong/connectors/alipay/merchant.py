"""The opened credentials of one Alipay app."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import msgspec
from cryptography.hazmat.primitives.asymmetric import rsa

from hutong.connectors.alipay.certificates import certificate_set
from hutong.connectors.alipay.downloads import MEMORY
from hutong.core.errors import InvalidInput
from hutong.crypto.rsa import private_key, public_key
from hutong.platforms.account import Account

LIVE_BASE_URL: Final = "https://openapi.alipay.com"
#: The three files of certificate mode: all of them, or none.
CERTIFICATE_FIELDS: Final = ("app_cert", "alipay_cert", "alipay_root_cert")
#: In key mode the platform's one key has no serial.
NO_SERIAL: Final = ""
#: The labels of the two forms of a private key.
PKCS8: Final = "PRIVATE KEY"
PKCS1: Final = "RSA PRIVATE KEY"
_LINE_CHARS: Final = 64
_BARE: Final = re.compile(r"[0-9A-Za-z+/=\s]+")


class Merchant(msgspec.Struct, frozen=True, kw_only=True):
    """What signing and checking need of an app. ``seller_id`` (the partner id, 2088…) may be empty."""

    platform: str
    base_url: str
    app_id: str
    seller_id: str
    signing_key: rsa.RSAPrivateKey
    platform_keys: Mapping[str, rsa.RSAPublicKey]  # by serial
    app_cert_sn: str = ""
    root_cert_sn: str = ""
    root_cert: str = ""

    def __repr__(self) -> str:
        return f"Merchant({self.app_id})"

    @property
    def owner(self) -> dict[str, str]:
        """Whose orders these are, in the words of the credentials."""
        return {"app_id": self.app_id} | ({"seller_id": self.seller_id} if self.seller_id else {})


def merchant_of(account: Account) -> Merchant:
    """Read the credentials; where certificates are given, the certificate mode is used.

    Raises:
        InvalidInput: a needed one is missing, is not what it must be, or a certificate is not valid now.
    """
    credentials = account.credentials
    app_id = needed(credentials, "app_id")
    signing_key = _signing_key(credentials)
    keys: Mapping[str, rsa.RSAPublicKey]
    app_cert_sn = root_cert_sn = ""
    if any(credentials.get(field) for field in CERTIFICATE_FIELDS):
        found = certificate_set(*(needed(credentials, field) for field in CERTIFICATE_FIELDS))
        app_cert_sn, root_cert_sn = found.app_cert_sn, found.root_cert_sn
        fetched = MEMORY.keys((account.base_url.rstrip("/"), app_id, root_cert_sn), account.clock.now())
        keys = fetched | found.keys(account.clock.now())
    else:
        keys = {NO_SERIAL: public_key(pem(needed(credentials, "alipay_public_key"), "PUBLIC KEY"))}
    return Merchant(
        platform=account.platform,
        base_url=account.base_url.rstrip("/"),
        app_id=app_id,
        seller_id=credentials.get("seller_id", ""),
        signing_key=signing_key,
        platform_keys=keys,
        app_cert_sn=app_cert_sn,
        root_cert_sn=root_cert_sn,
        root_cert=credentials.get("alipay_root_cert", "") if root_cert_sn else "",
    )


def needed(credentials: Mapping[str, str], field: str) -> str:
    """A credential that must be there."""
    value = credentials.get(field)
    if not isinstance(value, str) or not value:
        raise InvalidInput(field=field, problem="credentials")
    return value


def pem(text: str, label: str) -> bytes:
    """PEM of a key, which Alipay's tools also write as bare Base64 without the lines around it."""
    stripped = text.strip()
    if not _BARE.fullmatch(stripped):
        return stripped.encode()
    base64 = "".join(stripped.split())
    lines = [base64[i : i + _LINE_CHARS] for i in range(0, len(base64), _LINE_CHARS)]
    return "\n".join((f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", "")).encode()


def private_pem(text: str, label: str) -> bytes:
    """PEM of a private key; a bare one that was put under the name of the other form is read all the same."""
    made = pem(text, label)
    if not _BARE.fullmatch(text.strip()):
        return made
    try:
        private_key(made)
    except InvalidInput:
        return pem(text, PKCS1 if label == PKCS8 else PKCS8)
    return made


def _signing_key(credentials: Mapping[str, str]) -> rsa.RSAPrivateKey:
    """PKCS #8 where it is given, as Alipay's key tool makes it by default; else PKCS #1."""
    if credentials.get("private_key_pkcs8"):
        return private_key(private_pem(credentials["private_key_pkcs8"], PKCS8))
    return private_key(private_pem(needed(credentials, "private_key_pkcs1"), PKCS1))
