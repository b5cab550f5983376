"""A certificate of Alipay's that is not known yet, fetched when an answer names it.

Source: alipay.open.app.alipaycert.download (公钥证书的无感知升级), as alipay-sdk-nodejs-all and python-alipay-sdk name
it; that the answer's ``alipay_cert_content`` is the Base64 of the file is recalled. A connector stores nothing: what
was fetched is remembered in this process only, per app, bounded. A fetched certificate must lead to the app's root
without a gap.
"""

from __future__ import annotations

import base64
import binascii
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Final

import msgspec
from cryptography.hazmat.primitives.asymmetric import rsa

from hutong.connectors.alipay.certificates import CertificateSet, rooted
from hutong.core.errors import HutongError, InvalidInput

METHOD: Final = "alipay.open.app.alipaycert.download"
APPS_MAX: Final = 1024
#: Fetched certificates of one app that are kept: there are two during a change.
KEPT_MAX: Final = 4
#: At most one download in this time for one app, however many strange serials come in.
DOWNLOAD_INTERVAL: Final = timedelta(seconds=60)
CONTENT_CHARS_MAX: Final = 65_536

App = tuple[str, str, str]  # address, app, the root's serial: no app trusts another's


class Downloaded(msgspec.Struct, frozen=True):
    """The answer's content."""

    alipay_cert_content: str


class Memory:
    """Fetched certificates by app."""

    def __init__(self) -> None:
        self._found: OrderedDict[App, list[CertificateSet]] = OrderedDict()
        self._asked_at: OrderedDict[App, datetime] = OrderedDict()

    def keys(self, app: App, now: datetime) -> dict[str, rsa.RSAPublicKey]:
        """Every fetched key of an app that is valid now."""
        keys: dict[str, rsa.RSAPublicKey] = {}
        for found in self._found.get(app, ()):
            try:
                keys |= found.keys(now)
            except InvalidInput:
                continue  # not valid any more
        return keys

    def may_ask(self, app: App, now: datetime) -> bool:
        """Whether a download is due; asking marks it as asked."""
        before = self._asked_at.get(app)
        if before is not None and timedelta(0) <= now - before < DOWNLOAD_INTERVAL:
            return False
        self._asked_at[app] = now
        self._asked_at.move_to_end(app)
        if len(self._asked_at) > APPS_MAX:
            self._asked_at.popitem(last=False)
        return True

    def remember(self, app: App, found: CertificateSet) -> None:
        """Keep a fetched certificate."""
        self._found[app] = [*self._found.get(app, ()), found][-KEPT_MAX:]
        self._found.move_to_end(app)
        if len(self._found) > APPS_MAX:
            self._found.popitem(last=False)

    def forget_all(self) -> None:
        """Empty the memory (tests)."""
        self._found.clear()
        self._asked_at.clear()


MEMORY: Final = Memory()


def read_downloaded(content: bytes, serial: str, root: str) -> CertificateSet:
    """The certificate that was asked for.

    Raises:
        InvalidInput: it is another one, cannot be read, or does not lead to the root.
    """
    try:
        record = msgspec.json.decode(content, type=Downloaded)
        if len(record.alipay_cert_content) > CONTENT_CHARS_MAX:
            raise InvalidInput(field="alipay_cert_content", problem="too long")
        pem = base64.b64decode(record.alipay_cert_content, validate=True).decode("ascii")
        found = rooted(pem, root)
    except (msgspec.MsgspecError, binascii.Error, UnicodeDecodeError, ValueError, HutongError) as error:
        raise InvalidInput(field="alipay_cert_content", problem="certificate") from error
    if serial not in found.serials():
        raise InvalidInput(field="alipay_cert_content", problem="another certificate")
    return found
