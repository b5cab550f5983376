"""Certificate mode (公钥证书模式): serials as Alipay computes them, and whether its certificate may be trusted now.

Source: github.com/alipay/alipay-sdk-nodejs-all src/antcertutil.ts at e167639: a serial is the MD5 of the issuer's name
(RFC 2253) and the decimal serial number. A root file holds several certificates, some of them SM2; only RSA ones count,
their serials joined by ``_``.
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature as _Mismatch
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509 import Certificate, load_pem_x509_certificate

from hutong.core.errors import InvalidInput
from hutong.crypto.digests import md5

#: Certificates of one file that are looked at.
CERTIFICATES_MAX: Final = 16
#: Different sets of files whose parsed form is kept.
PARSED_MAX: Final = 1024
#: From a leaf to its root, both included.
CHAIN_MAX: Final = 5
RSA_SIGNATURES: Final = "1.2.840.113549.1.1."
_BLOCK: Final = re.compile(r"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----")


class CertificateSet(msgspec.Struct, frozen=True, kw_only=True):
    """The three files of an app, read."""

    app_cert_sn: str
    root_cert_sn: str
    leaves: tuple[Certificate, ...]
    chains: tuple[tuple[Certificate, ...], ...]  # of each leaf, up to a root

    def serials(self) -> set[str]:
        """The serials of Alipay's certificates among them."""
        return {serial_of(leaf) for leaf in self.leaves}

    def issuers_end(self) -> datetime | None:
        """Until when somebody vouches for one of Alipay's certificates; None where the files name nobody."""
        ends = [min(link.not_valid_after_utc for link in chain[1:]) for chain in self.chains if chain[1:]]
        return max(ends, default=None)

    def keys(self, now: datetime) -> dict[str, rsa.RSAPublicKey]:
        """Alipay's keys by serial, of which the whole chain is valid now.

        Raises:
            InvalidInput: none is.
        """
        found: dict[str, rsa.RSAPublicKey] = {}
        for leaf, chain in zip(self.leaves, self.chains, strict=True):
            key = _rsa_key(leaf)
            if key is not None and all(_valid(link, now) for link in chain):
                found[serial_of(leaf)] = key
        if not found:
            raise InvalidInput(field="alipay_cert", problem="not valid now")
        return found


def rooted(alipay: str, root: str) -> CertificateSet:
    """A certificate that came over the line: nobody vouches for it but the root, so that no issuer may be missing.

    Raises:
        InvalidInput: there is no whole way from it to the root.
    """
    roots = _rsa_only(_read("alipay_root_cert", root))
    given = _rsa_only(_read("alipay_cert", alipay))
    issuers = {certificate.issuer for certificate in given}
    whole = [
        (leaf, chain)
        for leaf in given
        if leaf.subject not in issuers and (chain := _chain(leaf, given, roots)) and chain[-1] in roots
    ]
    if not whole:
        raise InvalidInput(field="alipay_cert", problem="not issued under alipay_root_cert")
    return CertificateSet(
        app_cert_sn="",
        root_cert_sn="",
        leaves=tuple(leaf for leaf, _ in whole),
        chains=tuple(chain for _, chain in whole),
    )


@lru_cache(maxsize=PARSED_MAX)
def certificate_set(app: str, alipay: str, root: str) -> CertificateSet:
    """Read the files and follow every one of Alipay's certificates to a root.

    Raises:
        InvalidInput: a file holds no usable certificate, or Alipay's was not issued under the root.
    """
    roots = _rsa_only(_read("alipay_root_cert", root))
    if not roots:
        raise InvalidInput(field="alipay_root_cert", problem="RSA")
    given = _rsa_only(_read("alipay_cert", alipay))
    issuers = {certificate.issuer for certificate in given}
    leaves = [certificate for certificate in given if certificate.subject not in issuers]
    trusted = [(leaf, chain) for leaf in leaves if (chain := _chain(leaf, given, roots))]
    if not trusted:
        raise InvalidInput(field="alipay_cert", problem="not issued under alipay_root_cert")
    return CertificateSet(
        app_cert_sn=serial_of(_read("app_cert", app)[0]),
        root_cert_sn="_".join(serial_of(certificate) for certificate in roots),
        leaves=tuple(leaf for leaf, _ in trusted),
        chains=tuple(chain for _, chain in trusted),
    )


def serial_of(certificate: Certificate) -> str:
    """What goes on the wire as ``app_cert_sn``, ``alipay_cert_sn`` and, joined, ``alipay_root_cert_sn``."""
    return md5(f"{certificate.issuer.rfc4514_string()}{certificate.serial_number}".encode()).hex()


def _read(field: str, pem: str) -> list[Certificate]:
    """The certificates of a file that can be read: Alipay's own root file holds one that no strict reader takes."""
    found: list[Certificate] = []
    for block in _BLOCK.findall(pem)[:CERTIFICATES_MAX]:
        try:
            found.append(load_pem_x509_certificate(block.encode()))
        except ValueError:
            continue
    if not found:
        raise InvalidInput(field=field, problem="PEM")
    return found


def _rsa_only(certificates: list[Certificate]) -> list[Certificate]:
    return [c for c in certificates if c.signature_algorithm_oid.dotted_string.startswith(RSA_SIGNATURES)]


def _chain(leaf: Certificate, given: list[Certificate], roots: list[Certificate]) -> tuple[Certificate, ...]:
    """From a leaf towards one of the roots; empty where an issuer that is at hand did not issue what names it.

    Alipay hands out files without the certificate between its own and the root. Such a chain ends there: the owner of
    the app entered the file himself, as he enters the key in key mode.
    """
    chain = [leaf]
    while len(chain) < CHAIN_MAX:
        last = chain[-1]
        named = [c for c in (*roots, *given) if c.subject == last.issuer and c not in chain]
        if not named:
            return tuple(chain)
        issuer = next((candidate for candidate in named if _issued(last, candidate)), None)
        if issuer is None:
            return ()
        chain.append(issuer)
        if issuer in roots:
            return tuple(chain)
    return ()


def _issued(certificate: Certificate, issuer: Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, _Mismatch, UnsupportedAlgorithm):
        return False
    return True


def _rsa_key(certificate: Certificate) -> rsa.RSAPublicKey | None:
    """Its key, where it is an RSA one."""
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, rsa.RSAPublicKey) else None


def _valid(certificate: Certificate, now: datetime) -> bool:
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc
