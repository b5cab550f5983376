"""Whether credentials of an Alipay app can work, before anything is sent with them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from hutong.connectors.alipay.certificates import certificate_set
from hutong.connectors.alipay.merchant import CERTIFICATE_FIELDS, PKCS1, PKCS8, pem, private_pem
from hutong.core.errors import InvalidInput
from hutong.platforms.credentials import Examined, Examiner, Flaw

APP_ID: Final = r"[0-9]{16}"
PARTNER_ID: Final = r"2088[0-9]{12}"


def examine(credentials: Mapping[str, str], now: datetime) -> Examined:
    """Forms, key sizes, the pair of key and app certificate, the chain to the root, and dates."""
    found = Examiner(credentials, now)
    found.needs("app_id")
    found.form("app_id", APP_ID, "2021000000000001")
    found.form("seller_id", PARTNER_ID, "2088000000000001")
    if not found.value("private_key_pkcs8") and not found.value("private_key_pkcs1"):
        found.fault("private_key_pkcs8", Flaw.MISSING)
    pkcs1 = found.private("private_key_pkcs1", private_pem(found.value("private_key_pkcs1"), PKCS1))
    pkcs8 = found.private("private_key_pkcs8", private_pem(found.value("private_key_pkcs8"), PKCS8))
    given = [field for field in CERTIFICATE_FIELDS if found.value(field)]
    if not given:
        found.needs("alipay_public_key")
    if found.value("alipay_public_key"):
        found.public("alipay_public_key", pem(found.value("alipay_public_key"), "PUBLIC KEY"))
    for field in CERTIFICATE_FIELDS if given else ():
        if not found.value(field):
            found.fault(field, Flaw.TOGETHER, given[0])
    for certificate in found.certificates("app_cert")[:1]:
        found.pair("app_cert", certificate, pkcs8 or pkcs1)
        found.dated("app_cert", certificate)
    for certificate in found.certificates("alipay_cert")[:1]:
        found.dated("alipay_cert", certificate)
    found.certificates("alipay_root_cert")
    if len(given) == len(CERTIFICATE_FIELDS):
        try:
            files = certificate_set(*(found.value(field) for field in CERTIFICATE_FIELDS))
            found.ends("alipay_root_cert", files.issuers_end())
            files.keys(now)
        except InvalidInput as error:
            found.fault(str(error.details["field"]), Flaw.NOT_ISSUED)
    return found.examined()
