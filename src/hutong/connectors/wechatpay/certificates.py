"""Platform certificates that the platform itself hands out, sealed with the merchant's APIv3 key.

Source: github.com/TheNorthMemory/wechatpay-openapi docs/v3/certificates.yaml at 4d6325b. A connector stores nothing;
what was downloaded is remembered in this process only, per account, bounded and for CERTIFICATES_FRESH at most.
"""

from __future__ import annotations

import asyncio
import base64
import re
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Final

import msgspec

from hutong.connectors.wechatpay.keys import (
    PlatformKey,
    PlatformKeys,
    certificates_of,
    given_keys,
    key_of,
    serial_of,
)
from hutong.connectors.wechatpay.merchant import Merchant
from hutong.connectors.wechatpay.signing import signed_request, verify
from hutong.core.errors import HutongError, InvalidSignature, PlatformUnknown
from hutong.crypto.aead import decrypt
from hutong.crypto.digests import sha256
from hutong.platforms.account import Account
from hutong.transport.messages import Request, Response

PATH: Final = "/v3/certificates"
ALGORITHM: Final = "AEAD_AES_256_GCM"
#: Accounts whose certificates are remembered.
ACCOUNTS_MAX: Final = 1024
#: The platform asks to look every 12 hours.
CERTIFICATES_FRESH: Final = timedelta(hours=12)
#: At most one download in this time for one account, however many strange serials come in.
DOWNLOAD_INTERVAL: Final = timedelta(seconds=60)
HTTP_OK: Final = 200
_SERIAL: Final = re.compile(r"[0-9A-Fa-f]{1,64}")


class Sealed(msgspec.Struct, frozen=True):
    """An AES-256-GCM sealed value as the wire writes it; the nonce is ASCII text, the tag ends the ciphertext."""

    algorithm: str
    nonce: str
    ciphertext: str
    associated_data: str = ""

    def open(self, api_v3_key: bytes) -> bytes:
        """The plaintext.

        Raises:
            InvalidSignature: another algorithm, or it was not sealed with this key.
        """
        if self.algorithm != ALGORITHM:
            raise InvalidSignature
        try:
            ciphertext = base64.b64decode(self.ciphertext, validate=True)
        except ValueError as error:
            raise InvalidSignature from error
        return decrypt(api_v3_key, self.nonce.encode(), ciphertext, self.associated_data.encode())


class _Entry(msgspec.Struct, frozen=True):
    serial_no: str
    encrypt_certificate: Sealed


class _Answer(msgspec.Struct, frozen=True):
    data: list[_Entry]


class _Remembered(msgspec.Struct):
    keys: PlatformKeys
    asked_at: datetime
    fetched_at: datetime | None = None


class CertificateMemory:
    """Downloaded keys by account: its base address, number and APIv3 key, so that no account trusts another's."""

    def __init__(self) -> None:
        self._by_account: OrderedDict[tuple[str, str, bytes], _Remembered] = OrderedDict()
        #: Under way now, at most one for each account.
        self.downloads: dict[tuple[str, str, bytes], asyncio.Future[None]] = {}

    def keys(self, merchant: Merchant, now: datetime) -> PlatformKeys:
        """All keys this account may trust now."""
        given = given_keys(merchant.platform_certificates, merchant.public_key_id, merchant.public_key)
        entry = self._by_account.get(_account_key(merchant))
        if entry is None or entry.fetched_at is None or not _within(entry.fetched_at, now, CERTIFICATES_FRESH):
            return given
        return given.joined(entry.keys)

    def may_ask(self, merchant: Merchant, now: datetime) -> bool:
        """Whether a download is due; asking marks it as asked."""
        key = _account_key(merchant)
        entry = self._by_account.get(key)
        if entry is not None and _within(entry.asked_at, now, DOWNLOAD_INTERVAL):
            return False
        if entry is None:
            self._by_account[key] = _Remembered(PlatformKeys({}), now)
            if len(self._by_account) > ACCOUNTS_MAX:
                self._by_account.popitem(last=False)
        else:
            entry.asked_at = now
            self._by_account.move_to_end(key)
        return True

    def remember(self, merchant: Merchant, keys: PlatformKeys, now: datetime) -> None:
        """Keep what was downloaded."""
        self._by_account[_account_key(merchant)] = _Remembered(keys, now, now)

    def forget_all(self) -> None:
        """Empty the memory (tests)."""
        self._by_account.clear()
        self.downloads.clear()


MEMORY: Final = CertificateMemory()


def build_download(merchant: Merchant, now: datetime, nonce: str) -> Request:
    """Ask for the present certificates; there are two during a rotation."""
    return signed_request(merchant, "GET", PATH, b"", now=now, nonce=nonce, repeatable=True)


def read_download(merchant: Merchant, response: Response, now: datetime) -> PlatformKeys:
    """Open the certificates, then check with one of them that the platform signed the answer.

    Raises:
        PlatformUnknown: the answer cannot be read or does not verify.
    """
    try:
        answer = msgspec.json.decode(response.body, type=_Answer)
        found: dict[str, PlatformKey] = {}
        for entry in answer.data:
            for certificate in certificates_of(entry.encrypt_certificate.open(merchant.api_v3_key).decode()):
                found[serial_of(certificate)] = key_of(certificate)
        keys = PlatformKeys(found)
        given = given_keys(merchant.platform_certificates, merchant.public_key_id, merchant.public_key)
        verify(response.headers, response.body, keys.joined(given), now)
    except (msgspec.MsgspecError, HutongError, ValueError, RecursionError) as error:
        raise PlatformUnknown(platform=merchant.platform) from error
    return keys


async def refresh(account: Account, merchant: Merchant, serial: str) -> PlatformKeys:
    """The account's keys, after a download where ``serial`` is not among them and one is due.

    Calls that need it at the same time share one download.
    """
    now = account.clock.now()
    keys = MEMORY.keys(merchant, now)
    if not _SERIAL.fullmatch(serial) or serial in keys:
        return keys  # the public key of the other mode has no serial of this form, and cannot be downloaded
    key = _account_key(merchant)
    download = MEMORY.downloads.get(key)
    if download is None:
        if not MEMORY.may_ask(merchant, now):
            return keys
        download = MEMORY.downloads[key] = asyncio.ensure_future(_download(account, merchant))
        download.add_done_callback(lambda _: MEMORY.downloads.pop(key, None))
    await asyncio.shield(download)
    return MEMORY.keys(merchant, account.clock.now())


async def _download(account: Account, merchant: Merchant) -> None:
    now = account.clock.now()
    response = await account.http.send(build_download(merchant, now, account.nonce()))
    if response.status == HTTP_OK:
        MEMORY.remember(merchant, read_download(merchant, response, account.clock.now()), now)


def _account_key(merchant: Merchant) -> tuple[str, str, bytes]:
    return merchant.base_url, merchant.mchid, sha256(merchant.api_v3_key)


def _within(since: datetime, now: datetime, span: timedelta) -> bool:
    """Also false when the clock was set back."""
    return timedelta(0) <= now - since < span
