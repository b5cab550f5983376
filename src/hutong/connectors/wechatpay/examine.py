"""Whether credentials of WeChat Pay can work, before anything is sent with them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from hutong.connectors.wechatpay.keys import PUBLIC_KEY_PREFIX, given_certificates, key_of, plain_serial, serial_of
from hutong.core.errors import InvalidInput
from hutong.platforms.credentials import Examined, Examiner, Flaw

API_V3_KEY_BYTES: Final = 32
API_KEY_BYTES: Final = 32
MCHID: Final = r"[0-9]{8,10}"
APPID: Final = r"wx[0-9a-f]{16}"
SERIAL: Final = r"[0-9A-Fa-f]{1,40}"
SIGN_TYPES: Final = "MD5|HMAC-SHA256"


def examine(credentials: Mapping[str, str], now: datetime) -> Examined:
    """Forms, key sizes, pairs, serials and dates."""
    found = Examiner(credentials, now)
    found.needs("mchid", "appid", "app_secret", "serial_no", "private_key", "api_v3_key")
    for field in ("mchid", "sub_mchid"):
        found.form(field, MCHID, "1900000109")
    for field in ("appid", "mini_appid", "sub_appid"):
        found.form(field, APPID, "wx8888888888888888")
    found.form("serial_no", SERIAL, "5157F09EFDC096DE15EBE81A47057A7232F1B8E1")
    found.form("api_sign_type", SIGN_TYPES, "HMAC-SHA256")
    found.form("public_key_id", PUBLIC_KEY_PREFIX + r"[0-9A-Za-z_]+", PUBLIC_KEY_PREFIX + "…")
    found.length("api_v3_key", API_V3_KEY_BYTES)
    found.length("api_key", API_KEY_BYTES)
    key = found.private("private_key")
    found.public("public_key")
    for certificate in found.certificates("client_certificate")[:1]:
        found.pair("client_certificate", certificate, key)
        found.dated("client_certificate", certificate)
        if plain_serial(serial_of(certificate)) != plain_serial(found.value("serial_no")):
            found.fault("serial_no", Flaw.OTHER_SERIAL, serial_of(certificate))
    _platform_certificates(found)
    found.together("public_key", "public_key_id")
    found.together("public_key_id", "public_key")
    found.together("api_key", "client_certificate")
    found.together("client_certificate", "api_key")
    found.together("sub_appid", "sub_mchid")
    found.together("mini_app_secret", "mini_appid")
    found.together("line_authority", "line_url")
    return found.examined()


def _platform_certificates(found: Examiner) -> None:
    """Read as they will be, JSON included; the one that lasts longest counts."""
    field = "platform_certificates"
    if not found.value(field):
        return
    try:
        platform = given_certificates(found.value(field))
        for one in platform:
            key_of(one)
    except InvalidInput:
        platform = []
    if platform:
        found.dated(field, max(platform, key=lambda one: one.not_valid_after_utc))
    else:
        found.fault(field, Flaw.NO_CERTIFICATE)
