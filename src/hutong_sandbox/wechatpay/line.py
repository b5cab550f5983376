"""The line on which a merchant shows its certificate (apiclient_cert.pem): a port of its own, with TLS.

Every address answers there as it does on the plain port; a reversal by the older API answers nowhere else. A
certificate is asked for, not demanded; one that the platform did not issue ends the handshake. Keys of the authority
and of the port are Ed25519: signed with them, the same seed gives the same certificates.
"""

from __future__ import annotations

import ssl
from ipaddress import ip_address
from tempfile import NamedTemporaryFile
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from hutong_sandbox import keys
from hutong_sandbox.http import HOST
from hutong_sandbox.world import World

KEY_BYTES: Final = 32
#: As on a merchant's own certificate: the number stands in the common name.
ORGANISATION: Final = "微信商户系统"


class Line:
    """The authority, the port's certificate, and the certificates of merchants."""

    def __init__(self, world: World) -> None:
        drbg = world.drbg("wechatpay line")
        self._key = ed25519.Ed25519PrivateKey.from_private_bytes(drbg.take(KEY_BYTES))
        self._port_key = ed25519.Ed25519PrivateKey.from_private_bytes(drbg.take(KEY_BYTES))
        self._name = _name("Tenpay.com Root CA (sandbox)")
        authority = self._issue(self._key.public_key(), self._name, 1, x509.BasicConstraints(True, None))
        self.authority = _pem(authority)
        address = x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST)), x509.DNSName("localhost")])
        self._port = self._issue(self._port_key.public_key(), _name(HOST), 2, address)

    def certificate(self, key: rsa.RSAPublicKey, mchid: str, serial_no: str) -> str:
        """A merchant's certificate, PEM."""
        leaf = x509.BasicConstraints(ca=False, path_length=None)
        return _pem(self._issue(key, _name(mchid), int(serial_no, 16), leaf))

    def context(self) -> ssl.SSLContext:
        """What the port speaks with."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(cadata=self.authority)
        key = self._port_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        with NamedTemporaryFile(suffix=".pem") as file:  # ``ssl`` reads files only; this key is worth nothing
            file.write(_pem(self._port).encode() + key)
            file.flush()
            context.load_cert_chain(file.name)
        return context

    def _issue(
        self,
        key: ed25519.Ed25519PublicKey | rsa.RSAPublicKey,
        name: x509.Name,
        serial: int,
        extension: x509.ExtensionType,
    ) -> x509.Certificate:
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(serial)
            .not_valid_before(keys.CERTIFICATE_EFFECTIVE_AT)
            .not_valid_after(keys.CERTIFICATE_EFFECTIVE_AT + keys.CERTIFICATE_LIFE)
            .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
            .sign(self._key, None)
        )


def shown_by(certificate: bytes) -> tuple[str, str]:
    """Number and serial of the merchant whose certificate (DER) came with a request."""
    shown = x509.load_der_x509_certificate(certificate)
    [number] = shown.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(number.value), f"{shown.serial_number:040X}"


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANISATION),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()
