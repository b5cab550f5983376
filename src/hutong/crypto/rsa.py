"""RSA with SHA-256 (PKCS #1 v1.5) and OAEP. Loading a private key costs ~47 ms, so key objects are cached."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidSignature as _Mismatch
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509 import load_pem_x509_certificate

from hutong.core.errors import InvalidInput

#: Key objects kept in memory: more than any merchant's connections, bounded all the same.
KEYS_CACHED_MAX: Final = 1024


@lru_cache(maxsize=KEYS_CACHED_MAX)
def private_key(pem: bytes) -> rsa.RSAPrivateKey:
    """A private key from PEM (PKCS #1 or #8, no passphrase)."""
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InvalidInput(field="private_key", problem="PEM") from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise InvalidInput(field="private_key", problem="RSA")
    return key


@lru_cache(maxsize=KEYS_CACHED_MAX)
def public_key(pem: bytes) -> rsa.RSAPublicKey:
    """A public key from PEM: a bare key or an X.509 certificate."""
    try:
        if b"BEGIN CERTIFICATE" in pem:
            key = load_pem_x509_certificate(pem).public_key()
        else:
            key = serialization.load_pem_public_key(pem)  # type: ignore[assignment]
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InvalidInput(field="public_key", problem="PEM") from error
    if not isinstance(key, rsa.RSAPublicKey):
        raise InvalidInput(field="public_key", problem="RSA")
    return key


def sign_sha256(key: rsa.RSAPrivateKey, data: bytes) -> bytes:
    """RSASSA-PKCS1-v1_5 signature over SHA-256 (RFC 8017 §8.2)."""
    return key.sign(data, padding.PKCS1v15(), hashes.SHA256())


def verify_sha256(key: rsa.RSAPublicKey, signature: bytes, data: bytes) -> bool:
    """Whether the signature is this key's over this data."""
    try:
        key.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
    except _Mismatch:
        return False
    return True


def encrypt_oaep_sha1(key: rsa.RSAPublicKey, data: bytes) -> bytes:
    """RSAES-OAEP with SHA-1 and MGF1-SHA-1, as WeChat Pay wants for sensitive fields."""
    return key.encrypt(data, padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None))  # noqa: S303


def decrypt_oaep_sha1(key: rsa.RSAPrivateKey, data: bytes) -> bytes:
    """The inverse of :func:`encrypt_oaep_sha1`."""
    return key.decrypt(data, padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None))  # noqa: S303
