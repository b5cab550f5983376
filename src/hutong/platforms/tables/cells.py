"""One cell at a time: what is blank, what is text, money, a count, a moment, and what a spreadsheet has damaged."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Final, Self

#: The platforms of the mainland write local time without a zone; China has had one zone and no summer time since 1991.
CHINA: Final = timezone(timedelta(hours=8), "Asia/Shanghai")
BLANKS: Final = frozenset({"", "-", "--", "—", "——", "/", "null", "none", "nan", "无退款申请"})
#: First cells of the rows at the foot that add up, say where the list ends, or when it was made.
FOOT_WORDS: Final = frozenset({"总计", "合计", "小计", "汇总", "total", "grandtotal", "sum"})
QUANTITY_MAX: Final = 10**9
QUANTITY_CHARS: Final = len(str(QUANTITY_MAX))
MONEY_MAX: Final = Decimal(10) ** 12
#: A total divided by its pieces, as a spreadsheet writes it, has seventeen digits; so may a unit price.
MONEY_DIGITS_MAX: Final = 20
MONEY_DECIMALS_MAX: Final = 20
ORDER_NO_CHARS_MAX: Final = 64
YEAR_MIN: Final = 1970
YEAR_MAX: Final = 2100

_EDGE: Final = " \t\r\n\f\v\xa0\u3000\ufeff\u200b\u200e\u200f\x00"
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]+", re.ASCII)
_FORMULA_TEXT: Final = re.compile(r'="([^"]*)"')
_SIGNS: Final = str.maketrans("", "", "¥￥$£€元圆 \xa0\u3000\t")
_WIDE: Final = str.maketrans("０１２３４５６７８９．，－＋（）：", "0123456789.,-+():")
_GROUPED: Final = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?", re.ASCII)
_PLAIN: Final = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)", re.ASCII)
_EXPONENT: Final = re.compile(r"\d(?:\.\d+)?[eE]\+?\d+", re.ASCII)
_LONG_ZEROS: Final = re.compile(r"\d{12,}0000", re.ASCII)
_POINT_ZERO: Final = re.compile(r"\d+\.0+", re.ASCII)
_TIME: Final = re.compile(
    r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?"
    r"(?:[T ]+(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.\d+)?)?\s*(Z|[+-]\d{2}:?\d{2})?)?",
    re.ASCII,
)
_DIGIT_TIME: Final = re.compile(r"(\d{4})(\d{2})(\d{2})(?:(\d{2})(\d{2})(\d{2}))?", re.ASCII)
_SLASH_TIME: Final = re.compile(
    r"(\d{1,2})/(\d{1,2})/(\d{4}|\d{2})(?: +(\d{1,2}):(\d{2})(?::(\d{2}))?(?: *([AaPp])[Mm])?)?",
    re.ASCII,
)


class CellRefused(ValueError):
    """A cell does not hold what its column must. ``reason`` is a key of the reasons; the text is the cell's."""

    def __init__(self, reason: str, column: str, value: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.column = column
        self.value = value


class Uncomputed(str):
    """The cell of a formula whose value the file does not hold: empty text; ``formula`` says it for messages."""

    formula: str

    def __new__(cls, formula: str) -> Self:
        """Always empty."""
        cell = super().__new__(cls)
        cell.formula = formula
        return cell


def _computed(raw: str, column: str) -> str:
    """The cell, where its value is known.

    Raises:
        CellRefused: it is a formula without a value.
    """
    if isinstance(raw, Uncomputed):
        raise CellRefused("formula_uncomputed", column, raw.formula)
    return raw


def words(raw: str) -> str:
    """Running text: trimmed, control characters out, the ``="…"`` wrapper off, blanks empty."""
    text = raw.strip(_EDGE)
    if text.startswith('="') and (wrapped := _FORMULA_TEXT.fullmatch(text)):
        text = wrapped.group(1).strip(_EDGE)
    if text.lower() in BLANKS:
        return ""
    return _CONTROL.sub(" ", text) if _CONTROL.search(text) else text


def code(raw: str) -> str:
    """An id, code or number: as ``words``, and without the quotation marks that keep a spreadsheet's hands off."""
    text = words(raw)
    if text and text[0] in "'`":
        text = text[1:].rstrip("'").strip(_EDGE)
    elif text and text[-1] == "'":
        text = text.rstrip("'").strip(_EDGE)
    return "" if text.lower() in BLANKS else text


def is_marked_text(raw: str) -> bool:
    """Whether the file itself says that the cell is text, so that its digits were never a number."""
    return raw.startswith(("'", "`", "\t", "=", '"')) or raw.endswith(("\t", "'"))


def order_number(raw: str, column: str, *, is_long: bool) -> str:
    """An order number, exact; full-width digits and letters are the plain ones, so that both are one order's.

    ``is_long``: the platform's numbers have 16 digits or more, which a spreadsheet cannot keep as numbers.

    Raises:
        CellRefused: blank, damaged by a spreadsheet, or no number of an order.
    """
    text = code(_computed(raw, column))
    is_text = is_marked_text(raw) or not text.isascii()
    if not text.isascii():
        text = code(unicodedata.normalize("NFKC", text))
    if not text:
        raise CellRefused("order_no_missing", column, raw)
    if _EXPONENT.fullmatch(text) or (_LONG_ZEROS.fullmatch(text) and not is_text):
        raise CellRefused("order_no_damaged", column, text)
    if _POINT_ZERO.fullmatch(text):
        whole = text.split(".")[0]
        if is_long or len(whole) >= 16:
            raise CellRefused("order_no_damaged", column, text)
        text = whole
    if len(text) > ORDER_NO_CHARS_MAX:
        raise CellRefused("order_no_bad", column, text[:ORDER_NO_CHARS_MAX])
    return text


def money(raw: str, column: str) -> Decimal | None:
    """An exact amount in major units, or None for a blank. Signs of currencies and grouping commas are taken off.

    Raises:
        CellRefused: no plain decimal number (an exponent is a spreadsheet's damage), beyond any sale, or finer than
            any spreadsheet reckons.
    """
    text = code(_computed(raw, column))
    if not text:
        return None
    if not _PLAIN.fullmatch(text):
        text = text.translate(_WIDE).translate(_SIGNS)
        if text.startswith("(") and text.endswith(")"):
            text = f"-{text[1:-1]}"
        if _GROUPED.fullmatch(text):
            text = text.replace(",", "")
        if not text.isascii() or not _PLAIN.fullmatch(text):
            raise CellRefused("money_bad", column, raw.strip(_EDGE))
    value = Decimal(text)
    if abs(value) > MONEY_MAX:
        raise CellRefused("money_too_large", column, raw.strip(_EDGE))
    digits, exponent = value.as_tuple()[1:]
    if not isinstance(exponent, int) or exponent < -MONEY_DECIMALS_MAX or len(digits) > MONEY_DIGITS_MAX:
        raise CellRefused("money_too_fine", column, raw.strip(_EDGE))
    return value


def quantity(raw: str, column: str) -> int | None:
    """A whole count, or None for a blank. ``6.0`` is 6; it may be negative.

    Raises:
        CellRefused: no whole number, or beyond any sale.
    """
    text = code(_computed(raw, column))
    if not text:
        return None
    if text.isascii() and text.removeprefix("-").isdigit() and len(text) < QUANTITY_CHARS:
        return int(text)
    try:
        value = money(text, column)
    except CellRefused as error:
        reason = "quantity_too_large" if error.reason == "money_too_large" else "quantity_bad"
        raise CellRefused(reason, column, raw.strip(_EDGE)) from error
    if value is None or value != value.to_integral_value():
        raise CellRefused("quantity_bad", column, raw.strip(_EDGE))
    if abs(value) > QUANTITY_MAX:
        raise CellRefused("quantity_too_large", column, raw.strip(_EDGE))
    return int(value)


def moment(raw: str, column: str, zone: tzinfo, *, day_first: bool = False) -> datetime | None:
    """An aware time in UTC, or None for a blank. Lost seconds are zero, a lost time of day is midnight.

    ``m/d/yy`` unless ``day_first``. A zone in the text wins over ``zone``.

    Raises:
        CellRefused: no date that is known here, or none that exists.
    """
    text = code(_computed(raw, column))
    if not text:
        return None
    try:
        found = _moment(text.translate(_WIDE), zone, day_first)
    except (ValueError, OverflowError):
        found = None
    if found is None or not YEAR_MIN <= found.year <= YEAR_MAX:
        raise CellRefused("time_bad", column, text)
    return found


def _moment(text: str, zone: tzinfo, day_first: bool) -> datetime | None:
    if match := _TIME.fullmatch(text) or _DIGIT_TIME.fullmatch(text):
        year, month, day, hour, minute, second, *rest = match.groups()
        offset = rest[0] if rest else None
    elif match := _SLASH_TIME.fullmatch(text):
        first, other, year, hour, minute, second, half = match.groups()
        month, day = (other, first) if day_first else (first, other)
        year = year if len(year) == 4 else f"{'20' if int(year) < 70 else '19'}{year}"
        hour = str(int(hour) % 12 + (12 if half in "Pp" else 0)) if half and hour else hour
        offset = None
    else:
        return None
    local = datetime(
        int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0),
        tzinfo=_offset(offset) if offset else zone,
    )  # fmt: skip
    return local.astimezone(UTC)


def _offset(text: str) -> tzinfo:
    if text == "Z":
        return UTC
    minutes = int(text[1:3]) * 60 + int(text[-2:])
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))


def is_blank(cells: Sequence[str]) -> bool:
    """Whether a row holds nothing at all."""
    return not any(cell.strip(_EDGE) or isinstance(cell, Uncomputed) for cell in cells)


def is_foot(cells: Sequence[str]) -> bool:
    """Whether a row is no sale but a total, or a remark below the list."""
    filled = [text for cell in cells if (text := words(cell))]
    if not filled:
        return False
    if len(filled) == 1 and filled[0].startswith("#"):
        return True
    return filled[0].replace(" ", "").lower().rstrip(":：") in FOOT_WORDS
