"""What every body of a request holds to: texts have a length, sums a bound, moments lie within the calendar."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

import msgspec

from hutong.core.money import SUM_MINOR_MAX
from hutong.links.locks import TYPED_CHARS_MAX
from hutong.shops.stock import QUANTITY_MAX
from hutong.web.moments import aware

#: A currency's code, a platform's name, a word of ours or the caller's for a kind of thing.
CURRENCY_CHARS_MAX: Final = 3
WORD_CHARS_MAX: Final = 40
#: A person's or a thing's name, and whatever fits a line.
LINE_CHARS_MAX: Final = 200
#: An address on the web.
URL_CHARS_MAX: Final = 2_000
#: A key of a platform in its text form; a chain of certificates is the longest.
SECRET_CHARS_MAX: Final = 20_000

CurrencyCode = Annotated[str, msgspec.Meta(max_length=CURRENCY_CHARS_MAX)]
Word = Annotated[str, msgspec.Meta(max_length=WORD_CHARS_MAX)]
Line = Annotated[str, msgspec.Meta(max_length=LINE_CHARS_MAX)]
Url = Annotated[str, msgspec.Meta(max_length=URL_CHARS_MAX)]
Secret = Annotated[str, msgspec.Meta(max_length=SECRET_CHARS_MAX)]
#: Of a link; how long it may be is said where it is refused.
LinkPassword = Annotated[str, msgspec.Meta(max_length=TYPED_CHARS_MAX)]

#: A price or a payment, and a sum that may be nothing; in minor units.
Price = Annotated[int, msgspec.Meta(ge=1, le=SUM_MINOR_MAX)]
Sum = Annotated[int, msgspec.Meta(ge=0, le=SUM_MINOR_MAX)]
Pieces = Annotated[int, msgspec.Meta(ge=0, le=QUANTITY_MAX)]


class RequestBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of every body. A field that we do not know is refused: it is misspelt, and meant something."""

    def __post_init__(self) -> None:
        """Look at each moment.

        Raises:
            InvalidInput: one has no time zone or lies outside of the calendar.
        """
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, datetime):
                aware(value, name)
