"""Words that a buyer gives: a short word made for a link, a coupon of it. Found in what he or the shop wrote."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from hutong.core.errors import InvalidInput

WORD_CHARS_MIN: Final = 4
WORD_CHARS_MAX: Final = 20
#: What is read of one remark; platforms keep some hundreds of characters.
REMARK_CHARS_MAX: Final = 2_000
#: Words that one order is looked up by.
WORDS_PER_ORDER_MAX: Final = 50
_WORD: Final = re.compile(rf"[A-Z0-9]{{{WORD_CHARS_MIN},{WORD_CHARS_MAX}}}")
_RUN: Final = re.compile(r"[A-Z0-9]+")


def normal(word: str) -> str:
    """As words are kept and compared: full-width letters made plain, upper case, no blanks around."""
    return unicodedata.normalize("NFKC", word).strip().upper()


def check_word(word: str) -> str:
    """The word as it is kept.

    Raises:
        InvalidInput: no 4–20 letters and digits with at least one of each; a word like that is no name of a size and
            no number, so that it stands in a remark by intent.
    """
    kept = normal(word)
    if not _WORD.fullmatch(kept) or kept.isdigit() or kept.isalpha():
        raise InvalidInput(field="word", problem=f"A-Z 0-9, {WORD_CHARS_MIN}–{WORD_CHARS_MAX}")
    return kept


def words_in(remarks: Iterable[str]) -> tuple[str, ...]:
    """Whatever in these remarks could be a word, in the order of the text, each once.

    A word ends where letters and digits end: one inside of a longer run (a parcel's number) is none.
    """
    found: dict[str, None] = {}
    for remark in remarks:
        for run in _RUN.findall(normal(remark[:REMARK_CHARS_MAX])):
            if _WORD.fullmatch(run) and not run.isdigit() and not run.isalpha():
                found[run] = None
    return tuple(found)[:WORDS_PER_ORDER_MAX]
