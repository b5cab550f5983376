"""A counter in mapped memory: it rises before each 302, and again when the click is stored.

Mapped pages survive ``kill -9`` of the process, so a restart can report exactly how many clicks the kill lost.
"""

from __future__ import annotations

import mmap
import os
import struct
from pathlib import Path
from typing import Final

_PAIR: Final = struct.Struct("<QQ")


class ClickCounter:
    """Clicks answered and clicks stored, since the file was made."""

    def __init__(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if os.fstat(descriptor).st_size < _PAIR.size:
                os.ftruncate(descriptor, _PAIR.size)
            self._map = mmap.mmap(descriptor, _PAIR.size)
        finally:
            os.close(descriptor)

    def read(self) -> tuple[int, int]:
        """(answered, stored)."""
        answered, stored = _PAIR.unpack_from(self._map)
        return answered, stored

    def answer(self) -> None:
        """One more click is about to be answered."""
        answered, stored = self.read()
        _PAIR.pack_into(self._map, 0, answered + 1, stored)

    def store(self, count: int) -> None:
        """So many more clicks are durable."""
        answered, stored = self.read()
        _PAIR.pack_into(self._map, 0, answered, stored + count)

    def settle(self) -> int:
        """Called at start, before any click: how many the last process answered but never stored; then even."""
        answered, stored = self.read()
        _PAIR.pack_into(self._map, 0, answered, answered)
        return max(0, answered - stored)

    def close(self) -> None:
        """Give the mapping back."""
        self._map.close()
