"""Digests and keyed digests."""

from __future__ import annotations

import hashlib
import hmac


def md5(data: bytes) -> bytes:
    """MD5, only because older platform gateways sign with it; never for a secret of our own."""
    return hashlib.md5(data, usedforsecurity=False).digest()


def sha1(data: bytes) -> bytes:
    """SHA-1, only because WeChat's pages are signed with it; never for a secret of our own."""
    return hashlib.sha1(data, usedforsecurity=False).digest()


def sha256(data: bytes) -> bytes:
    """SHA-256."""
    return hashlib.sha256(data).digest()


def hmac_sha256(key: bytes, data: bytes) -> bytes:
    """HMAC-SHA-256 (RFC 2104)."""
    return hmac.digest(key, data, "sha256")


def hmac_md5(key: bytes, data: bytes) -> bytes:
    """HMAC-MD5, for gateways that offer it."""
    return hmac.digest(key, data, "md5")


def same(left: bytes, right: bytes) -> bool:
    """Constant-time comparison."""
    return hmac.compare_digest(left, right)
