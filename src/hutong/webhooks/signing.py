"""Signs messages as Standard Webhooks 1.0.0 says: HMAC-SHA-256 over ``id.timestamp.body``, Base64, named ``v1``.

Source: the Standard Webhooks specification (github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md).
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from hutong.crypto.digests import hmac_sha256

PREFIX: Final = "whsec_"
#: The specification asks for 24 to 64 bytes.
SECRET_BYTES: Final = 32


def new_secret() -> str:
    """A fresh secret as people paste it."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def headers_of(message_id: UUID, sent_at: datetime, body: bytes, secret_texts: Sequence[str]) -> dict[str, str]:
    """The headers of one send: a signature for each secret that is valid now, apart by blanks."""
    timestamp = str(int(sent_at.timestamp()))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return {
        "content-type": "application/json",
        "webhook-id": str(message_id),
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(_signature(text, signed) for text in secret_texts),
    }


def _signature(secret_text: str, signed: bytes) -> str:
    key = base64.b64decode(secret_text.removeprefix(PREFIX))
    return "v1," + base64.b64encode(hmac_sha256(key, signed)).decode()
