"""Ids are minted here, not by the database: UUID version 7, ordered by time (RFC 9562 §5.7)."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

#: Letters of public codes: no 0/O, 1/I/L, so that a code can be read aloud and typed.
CODE_LETTERS: Final = "23456789ABCDEFGHJKMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz"
#: Random bytes of an id made by the dozen: ten hold its 74 random bits.
ID_NOISE_BYTES: Final = 10
_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def new_id(now: datetime) -> UUID:
    """A fresh UUIDv7 whose time part is ``now`` (milliseconds) and whose other 74 bits are random."""
    bits = int.from_bytes(secrets.token_bytes(ID_NOISE_BYTES))  # ``randbits`` took as long as all the rest
    return UUID(int=_head(now) | (bits >> 68) << 64 | bits & (2**62 - 1))


def first_id(at: datetime) -> UUID:
    """No id of that moment or later is smaller: what lies below was made before."""
    return UUID(int=_milliseconds(at) << 80)


def new_ids(now: datetime, count: int) -> list[UUID]:
    """``count`` fresh ids of the same moment, with one call for all their random bits."""
    head = _head(now)
    return [UUID(int=head | (bits >> 68) << 64 | bits & (2**62 - 1)) for bits in _noise(count)]


def _head(now: datetime) -> int:
    """Time, version and variant."""
    return _milliseconds(now) << 80 | 0x7 << 76 | 0b10 << 62


def _milliseconds(at: datetime) -> int:
    """Since 1970, in whole numbers: a float of a far moment puts two neighbours into one."""
    return (at - _BEGINNING) // _MILLISECOND & (2**48 - 1)


def _noise(count: int) -> list[int]:
    """So many numbers of ID_NOISE_BYTES random bytes, with one call."""
    noise = secrets.token_bytes(count * ID_NOISE_BYTES)
    return [int.from_bytes(noise[at : at + ID_NOISE_BYTES]) for at in range(0, len(noise), ID_NOISE_BYTES)]


def new_code(length: int) -> str:
    """A random public code (a short link, a ticket number) that people can read and type."""
    return "".join(secrets.choice(CODE_LETTERS) for _ in range(length))
