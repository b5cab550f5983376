"""The opened credentials of one WeChat Pay merchant account."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509 import load_pem_x509_certificate

from hutong.core.errors import InvalidInput
from hutong.crypto.rsa import private_key
from hutong.platforms.account import Account

#: The live platform. Identity has hosts of its own there; a sandbox serves all paths from one root.
LIVE_BASE_URL: Final = "https://api.mch.weixin.qq.com"
#: The reserve address of the documents.
RESERVE_BASE_URL: Final = "https://api2.mch.weixin.qq.com"
LIVE_BASE_URLS: Final = frozenset({LIVE_BASE_URL, RESERVE_BASE_URL})


class Merchant(msgspec.Struct, frozen=True, kw_only=True):
    """What signing and checking need of an account; ``platform_certificates`` and ``public_key`` stay text."""

    platform: str
    base_url: str
    mchid: str
    appid: str
    serial_no: str
    signing_key: rsa.RSAPrivateKey
    api_v3_key: bytes
    platform_certificates: str
    public_key_id: str
    public_key: str
    mini_appid: str = ""  # of the mini-program, where orders are paid in one
    api_key: str = ""  # of the older API (V2): with a certificate beside it payment codes go there
    api_sign_type: str = ""  # its digest: MD5 or HMAC-SHA256 (where empty)
    client_certificate: str = ""  # apiclient_cert.pem, whose key is the signing key: shown where V2 reverses
    private_pem: str = ""
    line_url: str = ""  # of a sandbox: where certificates are shown, and whom to believe there
    line_authority: str = ""
    store_id: str = ""  # what the platform calls the shop where codes are scanned
    sub_mchid: str = ""  # the merchant for whom a service provider acts: its presence makes this a provider's account
    sub_appid: str = ""

    @property
    def is_provider(self) -> bool:
        """Whether a service provider acts for another merchant here."""
        return bool(self.sub_mchid)

    @property
    def scans_by_v2(self) -> bool:
        """Whether the account holds what the older API needs for payment codes, and to undo what was charged."""
        return bool(self.api_key and self.client_certificate)

    def scans_by_v2_at(self, now: datetime) -> bool:
        """Whether payment codes go by the older API: only where what it charges can be undone there, too.

        A certificate that cannot be read, is over, or is another key's would be refused on the line after the charge.
        """
        if not self.scans_by_v2:
            return False
        try:
            leaf = load_pem_x509_certificate(self.client_certificate.encode())
            is_pair = leaf.public_key() == self.signing_key.public_key()
        except (ValueError, UnsupportedAlgorithm):
            return False
        return is_pair and leaf.not_valid_after_utc > now

    def __repr__(self) -> str:
        return f"Merchant({self.mchid})"


def merchant_of(account: Account) -> Merchant:
    """Read the credentials.

    Raises:
        InvalidInput: a needed one is missing or is not what it must be.
    """
    credentials = account.credentials
    return Merchant(
        platform=account.platform,
        base_url=account.base_url.rstrip("/"),
        mchid=needed(credentials, "mchid"),
        appid=needed(credentials, "appid"),
        serial_no=needed(credentials, "serial_no"),
        signing_key=private_key(needed(credentials, "private_key").encode()),
        api_v3_key=needed(credentials, "api_v3_key").encode(),
        platform_certificates=_text(credentials.get("platform_certificates")),
        public_key_id=_text(credentials.get("public_key_id")),
        public_key=_text(credentials.get("public_key")),
        mini_appid=_text(credentials.get("mini_appid")),
        api_key=_text(credentials.get("api_key")),
        api_sign_type=_text(credentials.get("api_sign_type")),
        client_certificate=_text(credentials.get("client_certificate")),
        private_pem=needed(credentials, "private_key"),
        line_url=_text(credentials.get("line_url")).rstrip("/"),
        line_authority=_text(credentials.get("line_authority")),
        store_id=_text(credentials.get("store_id")),
        sub_mchid=_text(credentials.get("sub_mchid")),
        sub_appid=_text(credentials.get("sub_appid")),
    )


def needed(credentials: Mapping[str, str], field: str) -> str:
    """A credential that must be there."""
    value = credentials.get(field)
    if not isinstance(value, str) or not value:
        raise InvalidInput(field=field, problem="credentials")
    return value


def _text(value: object) -> str:
    """A credential that may be absent. A list or map of certificates may come as such or as JSON text."""
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
