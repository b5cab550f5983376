"""Error codes of the gateway and of the alliance behind it in our words. All of them come with status 200.

Sources: the gateway's codes (jos.jd.com, 错误代码一览表) as listed in public clients (mimicode/tksdk and others); the
alliance's from the documents of each call (union.jd.com/openplatform/api/v2, kept in logerzhu/typed-jd-union-api). The
two never share a code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from hutong.core.errors import HutongError, PlatformUnknown
from hutong.platforms.contract import ErrorWord
from hutong.platforms.refusals import PlatformRefused

#: More than 10 000 rows in the window: the caller has to cut it.
TOO_MANY_ROWS: Final = "2002452"

_GATEWAY: Final[Mapping[str, ErrorWord]] = {
    "2": ErrorWord.THROTTLED,
    "4": ErrorWord.INVALID_REQUEST,
    "5": ErrorWord.INVALID_REQUEST,
    "7": ErrorWord.INVALID_REQUEST,
    "8": ErrorWord.BAD_SIGNATURE,  # six minutes off: the server's clock is wrong
    "11": ErrorWord.BAD_SIGNATURE,
    "12": ErrorWord.BAD_SIGNATURE,
    "14": ErrorWord.INVALID_REQUEST,
    "15": ErrorWord.INVALID_REQUEST,
    "18": ErrorWord.TOKEN_EXPIRED,
    "19": ErrorWord.TOKEN_EXPIRED,
    "20": ErrorWord.BAD_SIGNATURE,
    "21": ErrorWord.BAD_SIGNATURE,
    "24": ErrorWord.NOT_PERMITTED,
    "28": ErrorWord.NOT_PERMITTED,
    "43": ErrorWord.UNAVAILABLE,
    "60": ErrorWord.INVALID_REQUEST,
    "61": ErrorWord.INVALID_REQUEST,
    "62": ErrorWord.INVALID_REQUEST,
    "63": ErrorWord.INVALID_REQUEST,
    "64": ErrorWord.NOT_PERMITTED,
    "65": ErrorWord.UNAVAILABLE,
    "66": ErrorWord.UNAVAILABLE,
    "67": ErrorWord.UNAVAILABLE,
    "79": ErrorWord.NOT_PERMITTED,
    "80": ErrorWord.NOT_PERMITTED,
    "88": ErrorWord.NOT_PERMITTED,
    "89": ErrorWord.NOT_PERMITTED,
}
_PROMOTION: Final[Mapping[str, ErrorWord]] = {
    "403": ErrorWord.NOT_PERMITTED,
    "429": ErrorWord.THROTTLED,
    "2001101": ErrorWord.INVALID_REQUEST,
    "2001102": ErrorWord.INVALID_REQUEST,
    "2001104": ErrorWord.NOT_FOUND,  # 商品不在推广中
    "2001105": ErrorWord.NOT_PERMITTED,
    "2001107": ErrorWord.NOT_PERMITTED,
    "2001201": ErrorWord.INVALID_REQUEST,
    "2001208": ErrorWord.INVALID_REQUEST,
    "2001212": ErrorWord.INVALID_REQUEST,
    "2001230": ErrorWord.INVALID_REQUEST,
    "2001403": ErrorWord.NOT_PERMITTED,  # 无调用权限，请联系联盟运营申请
    "2001501": ErrorWord.INVALID_REQUEST,
    "2001504": ErrorWord.UNAVAILABLE,
    "2001602": ErrorWord.NOT_PERMITTED,
    "2001603": ErrorWord.NOT_PERMITTED,
    "2001609": ErrorWord.UNAVAILABLE,
    "2001610": ErrorWord.INVALID_REQUEST,
    "2001702": ErrorWord.NOT_PERMITTED,
    "2001703": ErrorWord.INVALID_REQUEST,
    "2001910": ErrorWord.UNAVAILABLE,
}
_ORDERS: Final[Mapping[str, ErrorWord]] = {
    "2002400": ErrorWord.INVALID_REQUEST,
    "2002401": ErrorWord.TOKEN_EXPIRED,
    "2002403": ErrorWord.NOT_PERMITTED,
    "2002408": ErrorWord.UNAVAILABLE,
    "2002410": ErrorWord.INVALID_REQUEST,
    TOO_MANY_ROWS: ErrorWord.INVALID_REQUEST,
    "2002453": ErrorWord.INVALID_REQUEST,
    "2002499": ErrorWord.INVALID_REQUEST,
    "2002500": ErrorWord.UNAVAILABLE,
}
ERROR_WORDS: Final[Mapping[str, ErrorWord]] = {**_GATEWAY, **_PROMOTION, **_ORDERS}


class GatewayError(msgspec.Struct, frozen=True):
    """What stands in ``error_response``: the gateway refused, and the call reached nobody."""

    code: int | str
    zh_desc: str = ""
    en_desc: str = ""


def error_of(platform: str, code: str, message: str) -> HutongError:
    """PlatformUnknown where the platform itself failed (it may have done it), else PlatformRefused."""
    word = ERROR_WORDS.get(code, ErrorWord.UNKNOWN)
    if word is ErrorWord.UNAVAILABLE:
        return PlatformUnknown(platform=platform, platform_code=code)
    return PlatformRefused(platform=platform, platform_code=code, message=message, word=word)
