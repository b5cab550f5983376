"""Alipay's certificates (公钥证书模式), made from the seed: one root, Alipay's own under it, one for each app.

Source of the serials: the documents' Java program, as in github.com/alipay/alipay-sdk-nodejs-all src/antcertutil.ts at
e167639: MD5 over the issuer's name, most specific part first, and the decimal serial number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from hutong.crypto import digests
from hutong_sandbox import keys
from hutong_sandbox.drbg import Drbg

ORGANISATION: Final = "Ant Sandbox"
AUTHORITY: Final = "Certification Authority"
COUNTRY: Final = "CN"


class Certified(msgspec.Struct, frozen=True):
    """A key with its certificate."""

    key: rsa.RSAPrivateKey
    pem: str
    sn: str


class Authority:
    """The root, and what it issues."""

    def __init__(self, stream: Callable[[str], Drbg]) -> None:
        self._stream = stream  # one for each purpose, so that the order in which apps are made changes nothing
        self._key = keys.rsa_key(stream("alipay root"))
        self._name = "Ant Sandbox Certification Authority R1"
        self.root = self._certified(self._key, self._name, is_root=True)

    def issue(self, key: rsa.RSAPrivateKey, common_name: str) -> Certified:
        """A certificate for a key."""
        return self._certified(key, common_name, is_root=False)

    def _certified(self, key: rsa.RSAPrivateKey, common_name: str, *, is_root: bool) -> Certified:
        drbg = self._stream(f"alipay serial {common_name}")
        serial = (int.from_bytes(drbg.take(16), "big") >> 2) | (1 << 125)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(_name(common_name))
            .issuer_name(_name(self._name))
            .public_key(key.public_key())
            .serial_number(serial)
            .not_valid_before(keys.CERTIFICATE_EFFECTIVE_AT)
            .not_valid_after(keys.CERTIFICATE_EFFECTIVE_AT + keys.CERTIFICATE_LIFE)
            .add_extension(x509.BasicConstraints(ca=is_root, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
        return Certified(key, pem, serial_text(self._name, serial))


def serial_text(issuer_common_name: str, serial: int) -> str:
    """What goes on the wire for a certificate."""
    text = f"CN={issuer_common_name},OU={AUTHORITY},O={ORGANISATION},C={COUNTRY}{serial}"
    return digests.md5(text.encode()).hex()


def _name(common_name: str) -> x509.Name:
    parts = (
        (NameOID.COUNTRY_NAME, COUNTRY),
        (NameOID.ORGANIZATION_NAME, ORGANISATION),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, AUTHORITY),
        (NameOID.COMMON_NAME, common_name),
    )
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts])
