"""What is wrong with credentials, found before they are kept: keys that cannot be read, pairs that are none, dates.

Pure. A finding names its field and never quotes what was typed into it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509 import Certificate, load_pem_x509_certificate

from hutong.core.errors import ErrorText, InvalidInput
from hutong.crypto.rsa import private_key, public_key

KEY_BITS_MIN: Final = 2048
#: Of one credential; a root file of several certificates is some ten thousand.
CREDENTIAL_CHARS_MAX: Final = 64 * 1024
#: Certificates of one file that are looked at.
CERTIFICATES_MAX: Final = 32
#: What every PEM of a private key says.
PRIVATE_KEY: Final = "PRIVATE KEY-----"
_BLOCK: Final = re.compile(r"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----")


class Flaw(StrEnum):
    """What can be wrong with a credential."""

    MISSING = "missing"
    FORM = "form"  # not of the published form, which ``told`` describes
    LENGTH = "length"  # ``told`` characters are needed
    TOO_LONG = "too_long"
    NO_KEY = "no_key"
    NO_CERTIFICATE = "no_certificate"
    SHORT_KEY = "short_key"
    NO_PAIR = "no_pair"  # key and certificate do not belong together
    OTHER_SERIAL = "other_serial"  # the certificate has the serial ``told``
    EXPIRED = "expired"  # since ``told``
    NOT_YET = "not_yet"  # valid from ``told``
    TOGETHER = "together"  # nothing without the field ``told``
    NOT_ISSUED = "not_issued"  # a certificate was not issued under the root
    UNFIT = "unfit"  # the platform answered, but not with what this is for
    PRIVATE_KEY = "private_key"  # a private key where the page would show it again
    FIXED = "fixed"  # says whose account it is: that never changes
    SANDBOX_ONLY = "sandbox_only"
    UNKNOWN = "unknown"  # the platform has no such field


class CredentialFlaw(msgspec.Struct, frozen=True, kw_only=True):
    """A field and what is wrong with it; ``told`` is a number, a date or a field's name."""

    field: str
    flaw: Flaw
    told: str = ""


class Examined(msgspec.Struct, frozen=True, kw_only=True):
    """What was found; ``valid_until`` by field, where it holds a certificate."""

    flaws: tuple[CredentialFlaw, ...] = ()
    valid_until: Mapping[str, datetime] = {}


class CredentialsRefused(InvalidInput):
    """Credentials that cannot work; ``flaws`` names each field with what is wrong (see ``Flaw``)."""

    code = "credentials_refused"
    status = 400
    zh = ErrorText(
        "账号资料有不对的地方：{flaws}。",
        "密钥、证书和编号要能读出来，彼此对得上，并且没有过期。",
        "请到平台核对这些项，改好再提交；没有保存任何内容。",
    )
    en = ErrorText(
        "Something is wrong with the credentials: {flaws}.",
        "Keys, certificates and numbers must be readable, belong together and be valid.",
        "Check these fields at the platform and send them again; nothing was kept.",
    )

    def __init__(self, flaws: tuple[CredentialFlaw, ...]) -> None:
        self.flaws = flaws
        told = ", ".join(f"{one.field}: {one.flaw.value}" for one in flaws)
        super().__init__(field=flaws[0].field, problem=flaws[0].flaw.value, flaws=told)


class Examiner:
    """Looks at credentials field by field and remembers what it found; at most one flaw a field."""

    def __init__(self, credentials: Mapping[str, str], now: datetime) -> None:
        self._credentials = credentials
        self._now = now
        self._flaws: dict[str, CredentialFlaw] = {}
        self._until: dict[str, datetime] = {}

    def examined(self) -> Examined:
        """All that was found."""
        return Examined(flaws=tuple(self._flaws.values()), valid_until=dict(self._until))

    def value(self, field: str) -> str:
        """What the field holds, without blanks around it."""
        return self._credentials.get(field, "").strip()

    def fault(self, field: str, flaw: Flaw, told: str = "") -> None:
        """Remember a flaw; the first of a field stays."""
        self._flaws.setdefault(field, CredentialFlaw(field=field, flaw=flaw, told=told))

    def needs(self, *fields: str) -> None:
        """These must be there."""
        for field in fields:
            if not self.value(field):
                self.fault(field, Flaw.MISSING)

    def together(self, field: str, other: str) -> None:
        """The field serves only beside the other one."""
        if self.value(field) and not self.value(other):
            self.fault(other, Flaw.TOGETHER, field)

    def form(self, field: str, pattern: str, told: str) -> None:
        """What is there has the published form."""
        if self.value(field) and not re.fullmatch(pattern, self.value(field)):
            self.fault(field, Flaw.FORM, told)

    def length(self, field: str, chars: int) -> None:
        """What is there has so many bytes."""
        if self.value(field) and len(self.value(field).encode()) != chars:
            self.fault(field, Flaw.LENGTH, str(chars))

    def private(self, field: str, pem: bytes | None = None) -> rsa.RSAPrivateKey | None:
        """The private key in a field, if it is one."""
        if not self.value(field):
            return None
        try:
            key = private_key(pem if pem is not None else self.value(field).encode())
        except InvalidInput:
            self.fault(field, Flaw.NO_KEY)
            return None
        self._sized(field, key)
        return key

    def public(self, field: str, pem: bytes | None = None) -> rsa.RSAPublicKey | None:
        """The public key in a field, if it is one."""
        if not self.value(field):
            return None
        try:
            key = public_key(pem if pem is not None else self.value(field).encode())
        except InvalidInput:
            self.fault(field, Flaw.NO_KEY)
            return None
        self._sized(field, key)
        return key

    def certificates(self, field: str) -> list[Certificate]:
        """The certificates in a field that can be read; the dates of the first one count."""
        if not self.value(field):
            return []
        found: list[Certificate] = []
        for block in _BLOCK.findall(self.value(field))[:CERTIFICATES_MAX]:
            try:
                found.append(load_pem_x509_certificate(block.encode()))
            except ValueError:
                continue
        if not found:
            self.fault(field, Flaw.NO_CERTIFICATE)
        return found

    def dated(self, field: str, certificate: Certificate) -> None:
        """The certificate of a field is valid now; until when."""
        begins_at, ends_at = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        self._until[field] = ends_at
        if ends_at < self._now:
            self.fault(field, Flaw.EXPIRED, _day(ends_at))
        elif begins_at > self._now:
            self.fault(field, Flaw.NOT_YET, _day(begins_at))

    def ends(self, field: str, ends_at: datetime | None) -> None:
        """Until when a field serves, where its dates are not those of one certificate alone."""
        if ends_at is not None:
            self._until[field] = ends_at

    def pair(self, field: str, certificate: Certificate, key: rsa.RSAPrivateKey | None) -> None:
        """The certificate of a field is this key's."""
        try:
            is_pair = key is None or certificate.public_key() == key.public_key()
        except (ValueError, UnsupportedAlgorithm):  # SM2, for one
            is_pair = False
        if not is_pair:
            self.fault(field, Flaw.NO_PAIR)

    def _sized(self, field: str, key: rsa.RSAPrivateKey | rsa.RSAPublicKey) -> None:
        if key.key_size < KEY_BITS_MIN:
            self.fault(field, Flaw.SHORT_KEY, str(KEY_BITS_MIN))


def _day(moment: datetime) -> str:
    return moment.astimezone(UTC).date().isoformat()
