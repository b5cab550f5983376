"""AES-256-GCM (NIST SP 800-38D). The tag is appended to the ciphertext, as every wallet sends it."""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hutong.core.errors import InvalidSignature


def encrypt(key: bytes, nonce: bytes, plaintext: bytes, associated_data: bytes) -> bytes:
    """Ciphertext with its 16-byte tag. A nonce must never serve one key twice."""
    return AESGCM(key).encrypt(nonce, plaintext, associated_data)


def decrypt(key: bytes, nonce: bytes, ciphertext: bytes, associated_data: bytes) -> bytes:
    """The plaintext.

    Raises:
        InvalidSignature: key, nonce, associated data or ciphertext do not belong together.
    """
    try:
        return AESGCM(key).decrypt(nonce, ciphertext, associated_data)
    except (InvalidTag, ValueError) as error:
        raise InvalidSignature from error
