"""The certificate that a merchant shows on the line (mTLS), made into what Python's ``ssl`` can use.

``ssl`` reads keys from files only. The file is readable by this user alone, holds the key encrypted with a password
that lives for one call, and is gone before that call returns: what a crash could leave behind opens nothing.
"""

from __future__ import annotations

import secrets
import ssl
from ipaddress import ip_address
from tempfile import NamedTemporaryFile
from typing import Final
from urllib.parse import urlsplit

import certifi
import msgspec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from cryptography.x509 import load_pem_x509_certificate

from hutong.core.errors import InvalidInput
from hutong.crypto.digests import sha256
from hutong.crypto.rsa import private_key

PASSWORD_BYTES: Final = 32
#: Accounts whose context is kept; the one that was opened first goes when another comes.
CONTEXTS_MAX: Final = 256


class ClientCertificate(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate with its key, both PEM, as the vault gave them. ``authority``: whom to believe on this machine."""

    certificate: str
    key: str
    authority: str = ""

    def __repr__(self) -> str:
        return "ClientCertificate(…)"


class ClientContexts:
    """TLS contexts by account: loaded once, and anew as soon as an account shows something else."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[bytes, ssl.SSLContext]] = {}

    def of(self, account_key: str, shown: ClientCertificate, url: str) -> ssl.SSLContext:
        """The context with which an account shows this certificate at an address.

        Raises:
            InvalidInput: certificate and key cannot be read, or are no pair.
            ValueError: an authority of one's own is believed on this machine only.
        """
        if shown.authority and not _is_here(url):
            raise ValueError("an authority of one's own is believed on this machine only")
        digest = sha256(msgspec.json.encode(shown))
        known = self._known.get(account_key)
        if known is not None and known[0] == digest:
            return known[1]
        context = load(shown)
        self._known.pop(account_key, None)
        if len(self._known) >= CONTEXTS_MAX:
            del self._known[next(iter(self._known))]
        self._known[account_key] = (digest, context)
        return context


def load(shown: ClientCertificate) -> ssl.SSLContext:
    """A context that shows the certificate and believes the usual authorities, or the given one alone.

    Raises:
        InvalidInput: certificate and key cannot be read, or are no pair.
    """
    key = private_key(shown.key.encode())
    try:
        leaf = load_pem_x509_certificate(shown.certificate.encode())
        context = (
            ssl.create_default_context(cadata=shown.authority)
            if shown.authority
            else ssl.create_default_context(cafile=certifi.where())
        )
    except ValueError as error:
        raise InvalidInput(field="client_certificate", problem="PEM") from error
    if leaf.public_key() != key.public_key():
        raise InvalidInput(field="client_certificate", problem="private_key")
    password = secrets.token_bytes(PASSWORD_BYTES).hex().encode()
    sealed = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password))
    with NamedTemporaryFile(prefix="line-", suffix=".pem") as file:  # mode 0600, gone at the end of this block
        file.write(shown.certificate.strip().encode() + b"\n" + sealed)
        file.flush()
        context.load_cert_chain(file.name, password=password)
    return context


def _is_here(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
