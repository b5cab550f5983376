"""What readers of order files share: keys for lines that have none, and refusals made of a cell's trouble."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import Final

from hutong.platforms.files import RowRefused
from hutong.platforms.tables.cells import CellRefused

#: Characters of a key that is made of content; longer content is hashed.
LINE_KEY_CHARS_MAX: Final = 96
VALUE_CHARS_MAX: Final = 80


class LineKeys:
    """Keys of lines in a file that does not number them: what the line says, and which one of its equals it is.

    Two equal lines of one order are two lines. A key does not hang on the order of rows, so that another export
    of the same order, sorted otherwise or cut elsewhere, gives the same keys.
    """

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], int] = {}

    def key(self, order_no: str, *content: str) -> str:
        """The key of the next line of ``order_no`` with that content."""
        text = "|".join(content)
        if len(text) > LINE_KEY_CHARS_MAX:
            text = hashlib.sha256(text.encode()).hexdigest()[:32]
        number = self._seen.get((order_no, text), 0) + 1
        self._seen[order_no, text] = number
        return f"{text}#{number}"


def refused(
    row_no: int,
    error: CellRefused,
    list_total: Decimal = Decimal(0),
    *,
    order_no: str = "",
    is_whole: bool = False,
) -> RowRefused:
    """The refusal of a row for one of its cells."""
    values = {"column": error.column, "value": error.value[:VALUE_CHARS_MAX]}
    return RowRefused(
        row_no=row_no,
        reason=error.reason,
        values=values,
        list_total=list_total,
        order_no=order_no,
        is_whole=is_whole,
    )
