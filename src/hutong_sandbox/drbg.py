"""Randomness that a seed repeats: SHA-256 in counter mode, one independent stream per label."""

from __future__ import annotations

from typing import Final

from hutong.crypto import digests

_BLOCK_BYTES: Final = 32
DIGITS: Final = "0123456789"
HEX: Final = "0123456789abcdef"
LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"


class Drbg:
    """A stream of bytes fixed by seed and label. For simulated keys and numbers only, never for real secrets."""

    def __init__(self, seed: bytes, label: str) -> None:
        self._key = digests.sha256(seed + b"\x00" + label.encode())
        self._counter = 0
        self._left = b""

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes."""
        while len(self._left) < count:
            self._left += digests.sha256(self._key + self._counter.to_bytes(8, "big"))
            self._counter += 1
        taken, self._left = self._left[:count], self._left[count:]
        return taken

    def below(self, limit: int) -> int:
        """An even integer draw in ``[0, limit)``: draws beyond the last whole multiple are thrown away."""
        size = (limit.bit_length() + 7) // 8 + 1
        ceiling = (256**size // limit) * limit
        while True:  # ends at the first draw below the ceiling: more than half of them are
            value = int.from_bytes(self.take(size), "big")
            if value < ceiling:
                return value % limit

    def text(self, count: int, alphabet: str) -> str:
        """``count`` characters of an alphabet."""
        return "".join(alphabet[self.below(len(alphabet))] for _ in range(count))


def share_of(seed: bytes, label: str) -> int:
    """A number in ``[0, 1_000_000)`` that depends on seed and label alone: the draw behind a seeded fault."""
    return int.from_bytes(digests.sha256(seed + b"\x01" + label.encode())[:_BLOCK_BYTES], "big") % 1_000_000
