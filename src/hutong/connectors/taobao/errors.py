"""The gateway's error codes in our words. Errors come with status 200.

Source: https://open.taobao.com/doc.htm?docId=114&docType=1 (codes of the gateway, recalled: unverified); sub-codes as
seen in public clients (accesscontrol.*, isv.trade-not-exist, isv.logistics-offline-service-error:B01/B04/B60).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from hutong.core.errors import HutongError, PlatformUnknown
from hutong.platforms.contract import ErrorWord
from hutong.platforms.refusals import PlatformRefused

#: Told again that a parcel left (or about an order that was closed meanwhile): only a look at the order can tell.
ALREADY_SENT: Final = "isv.logistics-offline-service-error:B04"

ERROR_WORDS: Final[Mapping[str, ErrorWord]] = {
    "7": ErrorWord.THROTTLED,
    "10": ErrorWord.UNAVAILABLE,
    "11": ErrorWord.NOT_PERMITTED,
    "12": ErrorWord.NOT_PERMITTED,
    "13": ErrorWord.NOT_PERMITTED,
    "15": ErrorWord.UNKNOWN,
    "21": ErrorWord.INVALID_REQUEST,
    "22": ErrorWord.INVALID_REQUEST,
    "23": ErrorWord.INVALID_REQUEST,
    "24": ErrorWord.BAD_SIGNATURE,
    "25": ErrorWord.BAD_SIGNATURE,
    "26": ErrorWord.TOKEN_EXPIRED,
    "27": ErrorWord.TOKEN_EXPIRED,
    "28": ErrorWord.BAD_SIGNATURE,
    "29": ErrorWord.BAD_SIGNATURE,
    "30": ErrorWord.BAD_SIGNATURE,
    "31": ErrorWord.BAD_SIGNATURE,
    "40": ErrorWord.INVALID_REQUEST,
    "41": ErrorWord.INVALID_REQUEST,
    "43": ErrorWord.INVALID_REQUEST,
    "50": ErrorWord.UNKNOWN,
    "isv.trade-not-exist": ErrorWord.NOT_FOUND,
    "isv.item-skus-custom-get-service-error:ITEM_NOT_FOUND": ErrorWord.NOT_FOUND,
    "isv.logistics-offline-service-error:B01": ErrorWord.NOT_FOUND,
    ALREADY_SENT: ErrorWord.ALREADY_DONE,
    "isv.logistics-offline-service-error:B60": ErrorWord.INVALID_REQUEST,
    "isv.logistics-offline-service-error:B150": ErrorWord.UNAVAILABLE,
}

#: Whole families of sub-codes, tried after the exact ones.
FAMILIES: Final[tuple[tuple[str, ErrorWord], ...]] = (
    ("accesscontrol.", ErrorWord.THROTTLED),
    ("isp.", ErrorWord.UNAVAILABLE),
    ("isv.permission", ErrorWord.NOT_PERMITTED),
    ("isv.invalid-parameter", ErrorWord.INVALID_REQUEST),
    ("isv.missing-parameter", ErrorWord.INVALID_REQUEST),
    ("session-expired", ErrorWord.TOKEN_EXPIRED),
)


class ErrorAnswer(msgspec.Struct, frozen=True):
    """The error envelope."""

    code: int | str
    msg: str = ""
    sub_code: str = ""
    sub_msg: str = ""


def word_of(answer: ErrorAnswer, words: Mapping[str, ErrorWord] = ERROR_WORDS) -> ErrorWord:
    """The word of an error: the sub-code says more than the code."""
    if answer.sub_code in words:
        return words[answer.sub_code]
    for beginning, word in FAMILIES:
        if answer.sub_code.startswith(beginning):
            return word
    return words.get(str(answer.code), ErrorWord.UNKNOWN)


def error_of(platform: str, answer: ErrorAnswer, words: Mapping[str, ErrorWord] = ERROR_WORDS) -> HutongError:
    """PlatformUnknown where the platform itself failed (it may have done it), else PlatformRefused."""
    word = word_of(answer, words)
    code = answer.sub_code or str(answer.code)
    if word is ErrorWord.UNAVAILABLE:
        return PlatformUnknown(platform=platform, platform_code=code)
    message = answer.sub_msg or answer.msg
    return PlatformRefused(platform=platform, platform_code=code, message=message, word=word)
