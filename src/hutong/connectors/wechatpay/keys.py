"""The platform's public keys as one account knows them: given certificates, the public-key mode, downloaded ones."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509 import Certificate, load_pem_x509_certificates

from hutong.core.errors import InvalidInput, InvalidSignature
from hutong.crypto.rsa import public_key

#: A certificate may be used this long before its own start: the platform's clock and ours differ.
START_TOLERANCE: Final = timedelta(hours=1)
#: Different credential texts whose parsed form is kept.
PARSED_MAX: Final = 1024
CERTIFICATES_MAX: Final = 32
PUBLIC_KEY_PREFIX: Final = "PUB_KEY_ID_"


class PlatformKey(msgspec.Struct, frozen=True):
    """A public key, with the times between which its certificate is valid (none in public-key mode)."""

    key: rsa.RSAPublicKey
    not_before: datetime | None = None
    not_after: datetime | None = None


class PlatformKeys:
    """Keys by serial. Serials are compared without leading zeros and letter case, as certificates print them."""

    def __init__(self, keys: Mapping[str, PlatformKey]) -> None:
        self._keys = {plain_serial(serial): key for serial, key in keys.items()}

    def __contains__(self, serial: str) -> bool:
        return plain_serial(serial) in self._keys

    def __len__(self) -> int:
        return len(self._keys)

    def joined(self, other: PlatformKeys) -> PlatformKeys:
        """Both sets; this one wins."""
        return PlatformKeys({**other._keys, **self._keys})

    def newest(self, now: datetime) -> tuple[str, rsa.RSAPublicKey] | None:
        """Serial and key to encrypt with: the public key of that mode, else the valid certificate that began last."""
        usable = [
            (key.not_before is None, key.not_before or now, serial)
            for serial, key in self._keys.items()
            if (key.not_before is None or key.not_before <= now) and (key.not_after is None or now <= key.not_after)
        ]
        if not usable:
            return None
        serial = max(usable)[2]
        return serial, self._keys[serial].key

    def valid(self, serial: str, now: datetime) -> rsa.RSAPublicKey:
        """The key of a serial.

        Raises:
            InvalidSignature: unknown, not valid yet, or not valid any more.
        """
        found = self._keys.get(plain_serial(serial))
        if found is None:
            raise InvalidSignature
        if found.not_before is not None and now < found.not_before - START_TOLERANCE:
            raise InvalidSignature
        if found.not_after is not None and now > found.not_after:
            raise InvalidSignature
        return found.key


def plain_serial(serial: str) -> str:
    """A serial in the form in which it is compared."""
    return serial if serial.startswith(PUBLIC_KEY_PREFIX) else serial.upper().lstrip("0")


@lru_cache(maxsize=PARSED_MAX)
def given_keys(certificates: str, public_key_id: str, public_key_pem: str) -> PlatformKeys:
    """Keys that stand in the credentials.

    ``certificates`` is PEM text (one or many), or JSON: a list of PEM, or a map of serial to PEM.

    Raises:
        InvalidInput: the text is none of these.
    """
    keys: dict[str, PlatformKey] = {}
    for serial, pem in _entries(certificates):
        for certificate in certificates_of(pem):
            keys[serial or serial_of(certificate)] = key_of(certificate)
    if public_key_id and public_key_pem:
        keys[public_key_id] = PlatformKey(public_key(public_key_pem.encode()))
    return PlatformKeys(keys)


def given_certificates(text: str) -> list[Certificate]:
    """The certificates of a credential text, in any of the forms of ``given_keys``.

    Raises:
        InvalidInput: the text is none of these.
    """
    return [one for _, pem in _entries(text) for one in certificates_of(pem)]


def certificates_of(pem: str) -> list[Certificate]:
    """The certificates of a PEM text, at most CERTIFICATES_MAX."""
    try:
        return load_pem_x509_certificates(pem.encode())[:CERTIFICATES_MAX]
    except ValueError as error:
        raise InvalidInput(field="platform_certificates", problem="PEM") from error


def serial_of(certificate: Certificate) -> str:
    """The serial as the platform writes it: upper-case hexadecimal."""
    return f"{certificate.serial_number:X}"


def key_of(certificate: Certificate) -> PlatformKey:
    """The key with its times."""
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InvalidInput(field="platform_certificates", problem="RSA") from error
    if not isinstance(key, rsa.RSAPublicKey):
        raise InvalidInput(field="platform_certificates", problem="RSA")
    return PlatformKey(key, certificate.not_valid_before_utc, certificate.not_valid_after_utc)


def _entries(text: str) -> list[tuple[str, str]]:
    """(serial or "", PEM) pairs."""
    stripped = text.strip()
    if not stripped:
        return []
    if stripped[0] not in "[{":
        return [("", stripped)]
    try:
        listed = msgspec.json.decode(stripped, type=list[str] | dict[str, str])
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidInput(field="platform_certificates", problem="JSON") from error
    pairs = [("", pem) for pem in listed] if isinstance(listed, list) else list(listed.items())
    return pairs[:CERTIFICATES_MAX]
