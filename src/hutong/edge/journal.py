"""Clicks in mapped memory, written before each 302: ``kill -9`` takes nothing of them, a restart stores them.

Mapped pages outlive the process (not the machine's power). The file is a ring of slots behind three counters that
only rise: clicks kept here, clicks stored in the database, clicks lost because the ring was full. At any moment and
after any kill, ``answered = kept + lost`` and ``kept = stored + waiting``.
"""

from __future__ import annotations

import mmap
import os
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec

#: Clicks that wait while the database is away; beyond it they are counted as lost, never dropped silently.
SLOTS: Final = 65_536
SLOT_BYTES: Final = 256
_LENGTH_BYTES: Final = 2
_HEADER_BYTES: Final = 4096
#: Says that the file is ours and of this layout.
_MARK: Final = int.from_bytes(b"hutong-1", "little")
_MARK_AT, _KEPT, _STORED, _LOST, _TOLD = range(5)


class Click(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """One click, as it is kept. Its fields are bounded, so that every click fits a slot.

    New fields stand at the end and have a default: a click that an earlier version left in the ring is read by this
    one, and an earlier version skips what it does not know.
    """

    merchant_id: UUID
    click_id: UUID
    link_id: UUID
    channel_id: UUID
    container: str
    os: str
    language: str
    referrer: str
    address_hash: bytes
    is_bot: bool
    clicked_at: datetime
    machine: str = ""  # its kind, where it is one; last, as journals of before do not have it
    choice: str = ""  # the link's rule and variant that led it


class ClickJournal:
    """The ring. One process writes it at a time; the home's lock sees to that."""

    def __init__(self, path: Path, *, slots: int = SLOTS) -> None:
        self._slots = slots
        size = _HEADER_BYTES + slots * SLOT_BYTES
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # Reserved now: a page that finds no room on a full disk later would kill the process.
            os.posix_fallocate(descriptor, 0, size)
            self._map = mmap.mmap(descriptor, size)
        finally:
            os.close(descriptor)
        # Counters are written as single aligned words: a kill leaves the old or the new one, never half of each.
        self._view = memoryview(self._map)
        self._counters = self._view[:_HEADER_BYTES].cast("Q")
        self._encoder = msgspec.msgpack.Encoder(uuid_format="bytes")
        self._decoder = msgspec.msgpack.Decoder(Click)
        if self._counters[_MARK_AT] != _MARK:
            self._counters[_KEPT] = self._counters[_STORED] = self._counters[_LOST] = self._counters[_TOLD] = 0
            self._counters[_MARK_AT] = _MARK

    @property
    def kept(self) -> int:
        """Clicks written here, since the file was made."""
        return int(self._counters[_KEPT])

    @property
    def stored(self) -> int:
        """Of these, the ones that are in the database."""
        return int(self._counters[_STORED])

    @property
    def lost(self) -> int:
        """Clicks that were answered and could not be kept."""
        return int(self._counters[_LOST])

    @property
    def answered(self) -> int:
        """Clicks that were answered."""
        return self.kept + self.lost

    def keep(self, click: Click) -> bool:
        """Write a click down before it is answered; False when it had to be counted as lost."""
        kept = self.kept
        body = self._encoder.encode(click)
        if kept - self.stored >= self._slots or len(body) > SLOT_BYTES - _LENGTH_BYTES:
            self._counters[_LOST] += 1
            return False
        at = _HEADER_BYTES + kept % self._slots * SLOT_BYTES
        self._view[at : at + _LENGTH_BYTES + len(body)] = len(body).to_bytes(_LENGTH_BYTES, "little") + body
        self._counters[_KEPT] = kept + 1  # last: a click that is half written does not count
        return True

    def mark_stored(self, count: int) -> None:
        """The oldest ``count`` waiting clicks are durable."""
        self._counters[_STORED] += count

    def waiting(self) -> list[Click]:
        """What an earlier process kept and did not store, oldest first."""
        found: list[Click] = []
        for number in range(self.stored, self.kept):
            at = _HEADER_BYTES + number % self._slots * SLOT_BYTES
            length = int.from_bytes(self._view[at : at + _LENGTH_BYTES], "little")
            found.append(self._decoder.decode(self._view[at + _LENGTH_BYTES : at + _LENGTH_BYTES + length]))
        return found

    def untold(self) -> int:
        """Lost clicks that nobody was told of yet."""
        return self.lost - int(self._counters[_TOLD])

    def mark_told(self, count: int) -> None:
        """Somebody was told of so many more."""
        self._counters[_TOLD] += count

    def close(self) -> None:
        """Give the mapping back."""
        self._counters.release()
        self._view.release()
        self._map.close()
