"""The gateway's error codes in our words. Errors come with status 200; the sub-code says more than the code.

Sources: op.jinritemai.com, 平台基础错误码汇总 (guide 212/1427), whose codes 20000 to 90000 and their sub-codes a public
client (Imactool, Jinritemai) lists; the codes of ``buyin.kolProductShare`` and ``buyin.doukeOrderAds`` as their
documents list them (kept in sevencat/ecommerce_sdk).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from hutong.core.errors import HutongError, PlatformUnknown
from hutong.platforms.contract import ErrorWord
from hutong.platforms.refusals import PlatformRefused

SUCCESS: Final = 10_000
#: The platform's codes have five digits; what has another is none of its answers.
CODES: Final = range(10_000, 100_000)

_NOT_THERE: Final = (
    "isv.parameter-invalid:4134",  # no item's address
    "isv.parameter-invalid:4148",  # no item's code
    "isv.parameter-invalid:4349",  # no such item
    "isv.business-failed:4132",  # not in the alliance
    "isv.business-failed:4133",  # off the shelf
    "isv.business-failed:4354",  # its promotion is not open
    "isv.business-failed:4400",  # not on the shelf
)
_NOT_ALLOWED: Final = (
    "isv.business-failed:507",  # a category that is not promoted
    "isv.business-failed:515",  # for named promoters alone, as the next three
    "isv.business-failed:1025",
    "isv.business-failed:4613",
    "isv.business-failed:4618",
    "isv.business-failed:1102",  # a second-hand campaign
    "isv.business-failed:4104",  # not to be shared outside the app
    "isv.business-failed:4111",  # the promoter has no such right
    "isv.business-failed:4115",  # a category at risk
    "isv.business-failed:4128",  # subsidised
    "isv.business-failed:4131",  # the shop wants invoices of commissions
    "isv.business-failed:4346",  # no showcase
    "isv.business-failed:4360",  # an item for tests
    "isv.business-failed:4399",  # no promotion at all
    "isv.business-failed:4404",  # no account to be paid to, as the next four
    "isv.business-failed:4601",
    "isv.business-failed:4609",
    "isv.business-failed:4611",
    "isv.business-failed:4630",
    "isv.business-failed:4407",  # needs an invoice
    "isv.business-failed:4410",  # the promoter may not promote items
    "isv.parameter-invalid:8198",  # the authorisation is of another role than 独立抖客
)

ERROR_WORDS: Final[Mapping[str, ErrorWord]] = {
    "20000": ErrorWord.UNAVAILABLE,
    "20001": ErrorWord.UNAVAILABLE,
    "30001": ErrorWord.NOT_PERMITTED,
    "30002": ErrorWord.NOT_PERMITTED,  # from an address that is not on the app's list
    "40001": ErrorWord.INVALID_REQUEST,
    "40002": ErrorWord.INVALID_REQUEST,
    "40003": ErrorWord.INVALID_REQUEST,
    "40004": ErrorWord.INVALID_REQUEST,
    "50001": ErrorWord.UNKNOWN,
    "50002": ErrorWord.UNKNOWN,
    "60000": ErrorWord.THROTTLED,
    "70000": ErrorWord.NOT_PERMITTED,  # the call was taken off
    "80000": ErrorWord.NOT_PERMITTED,
    "90000": ErrorWord.UNKNOWN,
    "isv.signature-missing": ErrorWord.BAD_SIGNATURE,
    "isv.signature-invalid": ErrorWord.BAD_SIGNATURE,
    "isv.app-id-missing": ErrorWord.BAD_SIGNATURE,
    "isv.app-id-invalid": ErrorWord.BAD_SIGNATURE,
    "isv.timestamp-invalid": ErrorWord.BAD_SIGNATURE,
    "isv.timestamp-format-error": ErrorWord.BAD_SIGNATURE,
    "isv.access-token-missing": ErrorWord.TOKEN_EXPIRED,
    "isv.access-token-expired": ErrorWord.TOKEN_EXPIRED,
    "isv.access-token-no-existed": ErrorWord.TOKEN_EXPIRED,
    "isv.access-token-invalid": ErrorWord.TOKEN_EXPIRED,
    "isv.authorization-type-invalid": ErrorWord.NOT_PERMITTED,
    "dop.authorization-no-existed": ErrorWord.TOKEN_EXPIRED,
    "dop.authorization-closed": ErrorWord.TOKEN_EXPIRED,
    # "The service is taking a nap": listed under both families, and in both it is the platform that failed.
    "isv.business-failed:256": ErrorWord.UNAVAILABLE,
    "isv.business-failed:4102": ErrorWord.INVALID_REQUEST,  # no such PID
    "isv.business-failed:8193": ErrorWord.UNAVAILABLE,  # servers are being renewed
    **dict.fromkeys(_NOT_THERE, ErrorWord.NOT_FOUND),
    **dict.fromkeys(_NOT_ALLOWED, ErrorWord.NOT_PERMITTED),
}

#: A whole family of sub-codes, tried after the exact ones: the service behind the gateway failed.
FAMILIES: Final[tuple[tuple[str, ErrorWord], ...]] = (
    ("isp.service-error", ErrorWord.UNAVAILABLE),
    ("dop.service-error", ErrorWord.UNAVAILABLE),
)


class Envelope(msgspec.Struct, frozen=True):
    """What every answer is wrapped in."""

    code: int
    msg: str = ""
    sub_code: str = ""
    sub_msg: str = ""
    data: msgspec.Raw = msgspec.Raw(b"null")


def word_of(envelope: Envelope) -> ErrorWord:
    """The word of an error."""
    if envelope.sub_code in ERROR_WORDS:
        return ERROR_WORDS[envelope.sub_code]
    for beginning, word in FAMILIES:
        if envelope.sub_code.startswith(beginning):
            return word
    return ERROR_WORDS.get(str(envelope.code), ErrorWord.UNKNOWN)


def error_of(platform: str, envelope: Envelope) -> HutongError:
    """PlatformUnknown where the platform itself failed (it may have done it), else PlatformRefused."""
    word = word_of(envelope)
    code = envelope.sub_code or str(envelope.code)
    if word is ErrorWord.UNAVAILABLE:
        return PlatformUnknown(platform=platform, platform_code=code)
    return PlatformRefused(platform=platform, platform_code=code, message=envelope.sub_msg or envelope.msg, word=word)
