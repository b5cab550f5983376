"""Ids are minted here, not by the database: UUID version 7, ordered by time (RFC 9562 §5.7)."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Final
from uuid import UUID

#: Letters of public codes: no 0/O, 1/I/L, so that a code can be read aloud and typed.
CODE_LETTERS: Final = "23456789ABCDEFGHJKMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz"


def new_id(now: datetime) -> UUID:
    """A fresh UUIDv7 whose time part is ``now`` (milliseconds) and whose other 74 bits are random."""
    unix_ms = int(now.timestamp() * 1000)
    random_bits = secrets.randbits(74)
    value = (unix_ms & (2**48 - 1)) << 80
    value |= 0x7 << 76
    value |= (random_bits >> 62) << 64
    value |= 0b10 << 62
    value |= random_bits & (2**62 - 1)
    return UUID(int=value)


def new_code(length: int) -> str:
    """A random public code (a short link, a ticket number) that people can read and type."""
    return "".join(secrets.choice(CODE_LETTERS) for _ in range(length))
