"""Long answers are packed for whoever can open them."""

from __future__ import annotations

from typing import Final

from litestar.config.compression import CompressionConfig

#: Shorter ones would hardly get smaller.
PACKED_BYTES_MIN: Final = 1000
PACKING: Final = CompressionConfig(backend="gzip", gzip_compress_level=5, minimum_size=PACKED_BYTES_MIN)
