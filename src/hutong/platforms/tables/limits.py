"""Named limits of everything that is read from a file. A file beyond one of them is refused in words."""

from __future__ import annotations

from typing import Final

MIB: Final = 1024 * 1024

#: Bytes of one table after unpacking. 120,000 order lines are about 10 MiB.
UNPACKED_BYTES_MAX: Final = 1024 * MIB
#: Bytes unpacked for one byte packed. Order files reach 30; bombs begin at several hundred.
UNPACK_RATIO_MAX: Final = 200
#: Below this size the ratio says nothing: a small file of blanks packs well.
UNPACK_RATIO_FROM_BYTES: Final = 16 * MIB
#: Files in an archive, folders included.
ARCHIVE_MEMBERS_MAX: Final = 64
#: Parts of a workbook (a sheet is one part, so are its styles, strings, drawings).
WORKBOOK_PARTS_MAX: Final = 2_000
#: Bytes of the texts that a workbook's cells share; they are held in memory.
WORKBOOK_TEXTS_BYTES_MAX: Final = 64 * MIB
#: Bytes of each part of its frame (sheet names, links, styles).
WORKBOOK_FRAME_BYTES_MAX: Final = 16 * MIB
#: Bytes of XML without the beginning of an element.
WORKBOOK_TOKEN_BYTES_MAX: Final = 4 * MIB

#: Rows of one table, blank ones included. A sheet of a workbook holds 1,048,576.
ROWS_MAX: Final = 5_000_000
#: Columns of one table; the widest order file known has 78.
COLUMNS_MAX: Final = 512
#: Characters of one cell; the csv module's own limit too. A workbook's cell holds 32,767.
CELL_CHARS_MAX: Final = 131_072
#: Characters of one physical line of text.
LINE_CHARS_MAX: Final = 4 * MIB
#: Rows that are searched for the header.
HEADER_ROWS_MAX: Final = 15
#: Bytes read at a time.
CHUNK_BYTES: Final = 256 * 1024
