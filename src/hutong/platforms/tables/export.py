"""Tables that go out. Cells that a spreadsheet would run as formulas are neutralised, always, here."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Final

from hutong.core.money import MINOR_DIGITS, Money

#: OWASP "CSV Injection": a cell that begins with one of these may be run when the file is opened.
FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
#: Blanks and control characters that a program may skip before it sees a formula.
BEFORE_FORMULAS: Final = "".join(map(chr, (*range(0x21), 0x7F, 0x85, 0xA0, 0x3000, 0xFEFF, 0x200B)))
NEUTRAL_PREFIX: Final = "'"
#: A spreadsheet keeps so many digits of a number; the order numbers of most platforms are longer.
EXACT_DIGITS_MAX: Final = 15
#: After such a number: it is taken for text then and shown as it is. Programs that read tables cut blanks off.
TEXT_SUFFIX: Final = "\t"
#: Spreadsheet programs on the mainland take a CSV without this mark for GBK.
UTF8_MARK: Final = "\ufeff"

Cell = str | int | Decimal | None


def safe_cell(value: Cell) -> str:
    """A cell as text that no spreadsheet runs. Numbers stay numbers: they come as ``int`` or ``Decimal``, not text."""
    if value is None:
        return ""
    if isinstance(value, str):
        begins = value.lstrip(BEFORE_FORMULAS)
        runs = value.startswith(FORMULA_STARTS) or begins.startswith(FORMULA_STARTS)
        return f"{NEUTRAL_PREFIX}{value}" if runs else value
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def decimal_of_money(amount: Money) -> Decimal:
    """An amount in major units, exactly: a number that any spreadsheet adds up."""
    return Decimal(amount.amount_minor).scaleb(-MINOR_DIGITS[amount.currency])


def _csv_cell(value: Cell) -> str:
    """A cell whose digits stay what they are when a spreadsheet opens the file."""
    text = safe_cell(value)
    is_number = isinstance(value, str) and len(text) > EXACT_DIGITS_MAX and text.isascii() and text.isdigit()
    return f"{text}{TEXT_SUFFIX}" if is_number else text


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    """A CSV as lines of text, UTF-8 mark first, every cell made safe, long numbers kept whole; streams."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    buffer.write(UTF8_MARK)
    for row in _all(header, rows):
        writer.writerow([_csv_cell(cell) for cell in row])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def _all(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[Sequence[Cell]]:
    yield header
    yield from rows
