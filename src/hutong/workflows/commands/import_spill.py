"""Rows of an import wait on disk, those of one order together: memory does not grow with the files."""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from types import TracebackType
from typing import IO, Final, Self

import msgspec

from hutong.platforms.files import FileLine

#: Every order's rows are in one bucket, which is read as a whole.
BUCKETS: Final = 64
#: Buckets are worked off together up to this many rows; between batches a server gets to its other work.
BATCH_ROWS: Final = 4_000
LENGTH_BYTES: Final = 4


class SpilledRow(msgspec.Struct, frozen=True, array_like=True):
    """A row and the table it came from; a refused one says nothing but what it lists."""

    table: int
    line: FileLine
    is_refused: bool = False


class Spill:
    """Unnamed temporary files: gone with the process, readable by nobody else (rows name buyers)."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._buckets: list[IO[bytes]] = []
        self._rows = [0] * BUCKETS
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(SpilledRow)

    def __enter__(self) -> Self:
        for _ in range(BUCKETS):
            self._buckets.append(self._stack.enter_context(tempfile.TemporaryFile()))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def add(self, table: int, line: FileLine, *, is_refused: bool = False) -> None:
        """Put a row down."""
        bucket = zlib.crc32(line.order_no.encode()) % BUCKETS
        body = self._encoder.encode(SpilledRow(table, line, is_refused))
        self._buckets[bucket].write(len(body).to_bytes(LENGTH_BYTES, "big") + body)
        self._rows[bucket] += 1

    def batches(self) -> Iterator[list[SpilledRow]]:
        """All rows, whole orders at a time, within an order as they were read."""
        batch: list[SpilledRow] = []
        for number, bucket in enumerate(self._buckets):
            if batch and len(batch) + self._rows[number] > BATCH_ROWS:
                yield batch
                batch = []
            bucket.seek(0)
            while head := bucket.read(LENGTH_BYTES):
                batch.append(self._decoder.decode(bucket.read(int.from_bytes(head, "big"))))
        if batch:
            yield batch
