"""Error codes of the alliance in our words, beside those of the gateway.

Source: the tables of codes on the pages of taobao.tbk.order.details.get (docId 43328), taobao.tbk.coupon.convert
(29289), taobao.tbk.item.convert (24516) and taobao.tbk.tpwd.convert (32932) at open.taobao.com. That those of numbers
alone come as ``sub_code``, as the others do, is unverified.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hutong.connectors.taobao.errors import ERROR_WORDS
from hutong.connectors.taobao.gateway import Manner
from hutong.platforms.contract import ErrorWord

ALLIANCE_WORDS: Final[Mapping[str, ErrorWord]] = {
    **ERROR_WORDS,
    # The order query.
    "1001": ErrorWord.INVALID_REQUEST,
    "1005": ErrorWord.INVALID_REQUEST,
    "1006": ErrorWord.INVALID_REQUEST,
    "1008": ErrorWord.INVALID_REQUEST,  # positionIndex
    "2000": ErrorWord.INVALID_REQUEST,
    "2001": ErrorWord.INVALID_REQUEST,
    "2002": ErrorWord.INVALID_REQUEST,
    "2004": ErrorWord.INVALID_REQUEST,  # more than ninety days ago
    "2007": ErrorWord.INVALID_REQUEST,  # more than three hours, or more than twenty minutes in a big sale
    "3000": ErrorWord.THROTTLED,
    "3001": ErrorWord.UNAVAILABLE,
    "9100": ErrorWord.THROTTLED,
    # Places and addresses.
    "isv.item-not-exist": ErrorWord.NOT_FOUND,
    "isv.pid-not-correct": ErrorWord.NOT_PERMITTED,
    "isv.invalid-parameter:adzone_id": ErrorWord.NOT_PERMITTED,  # a place of somebody else
}
#: What the answer says of one address; ``1001`` stands in the published example (无权限), ``10000`` in the table of
#: tpwd.convert. The page of the call itself names none, so every other code is UNKNOWN.
MATERIAL_WORDS: Final[Mapping[int, ErrorWord]] = {
    1001: ErrorWord.NOT_PERMITTED,
    10000: ErrorWord.NOT_FOUND,
}
#: The pages call the session optional: a promoter's own app works without one.
ALLIANCE: Final = Manner(words=ALLIANCE_WORDS, needs_session=False)
