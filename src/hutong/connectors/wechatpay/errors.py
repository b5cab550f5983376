"""WeChat's error codes in our words.

The platform's documents carry a table of codes per call (https://pay.weixin.qq.com/doc/v3/merchant); this list is
recalled from them, unverified. The older spelling of a code stands beside the newer one. Numbers are the sign-in's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from hutong.core.errors import HutongError, PlatformUnknown
from hutong.platforms.contract import ErrorWord
from hutong.platforms.refusals import PlatformRefused
from hutong.transport.messages import Response

REFUSAL_MIN: Final = 300
SERVER_ERROR_MIN: Final = 500
HTTP_NOT_FOUND: Final = 404
HTTP_TOO_MANY: Final = 429

ORDER_PAID: Final = frozenset({"ORDERPAID", "ORDER_PAID"})
ORDER_CLOSED: Final = frozenset({"ORDER_CLOSED", "ORDERCLOSED"})

ERROR_WORDS: Final[Mapping[str, ErrorWord]] = {
    "SIGN_ERROR": ErrorWord.BAD_SIGNATURE,
    "APPID_MCHID_NOT_MATCH": ErrorWord.INVALID_REQUEST,
    "OPENID_MISMATCH": ErrorWord.INVALID_REQUEST,
    "PARAM_ERROR": ErrorWord.INVALID_REQUEST,
    "INVALID_REQUEST": ErrorWord.INVALID_REQUEST,
    "INVALID_TRANSACTIONID": ErrorWord.INVALID_REQUEST,
    "OUT_TRADE_NO_USED": ErrorWord.INVALID_REQUEST,
    "TRADE_ERROR": ErrorWord.INVALID_REQUEST,
    "RULE_LIMIT": ErrorWord.NOT_PERMITTED,
    "RULELIMIT": ErrorWord.NOT_PERMITTED,
    "ACCOUNT_ERROR": ErrorWord.NOT_PERMITTED,
    "ACCOUNTERROR": ErrorWord.NOT_PERMITTED,
    "USER_ACCOUNT_ABNORMAL": ErrorWord.NOT_PERMITTED,
    "NO_AUTH": ErrorWord.NOT_PERMITTED,
    "NOAUTH": ErrorWord.NOT_PERMITTED,
    "MCH_NOT_EXISTS": ErrorWord.NOT_PERMITTED,
    "NOT_ENOUGH": ErrorWord.INSUFFICIENT_FUNDS,
    "NOTENOUGH": ErrorWord.INSUFFICIENT_FUNDS,
    "ORDER_NOT_EXIST": ErrorWord.NOT_FOUND,
    "ORDERNOTEXIST": ErrorWord.NOT_FOUND,
    "RESOURCE_NOT_EXISTS": ErrorWord.NOT_FOUND,
    "RESOURCENOTEXIST": ErrorWord.NOT_FOUND,
    "ORDERPAID": ErrorWord.ALREADY_DONE,
    "ORDER_PAID": ErrorWord.ALREADY_DONE,
    "ORDER_CLOSED": ErrorWord.ALREADY_DONE,
    "ORDERCLOSED": ErrorWord.ALREADY_DONE,
    "ORDERREVERSED": ErrorWord.ALREADY_DONE,
    "ORDER_REVERSED": ErrorWord.ALREADY_DONE,
    "REVERSED": ErrorWord.ALREADY_DONE,
    # payment codes
    "AUTH_CODE_INVALID": ErrorWord.INVALID_REQUEST,
    "AUTH_CODE_ERROR": ErrorWord.INVALID_REQUEST,
    "AUTH_CODE_EXPIRE": ErrorWord.INVALID_REQUEST,
    "AUTHCODEEXPIRE": ErrorWord.INVALID_REQUEST,
    "BUYER_MISMATCH": ErrorWord.INVALID_REQUEST,
    "NOTSUPORTCARD": ErrorWord.INVALID_REQUEST,
    # bills
    "NO_STATEMENT_EXIST": ErrorWord.NOT_FOUND,
    "STATEMENT_CREATING": ErrorWord.UNAVAILABLE,
    "SIGNERROR": ErrorWord.BAD_SIGNATURE,
    "FREQUENCY_LIMITED": ErrorWord.THROTTLED,
    "FREQUENCY_LIMIT_EXCEED": ErrorWord.THROTTLED,
    "RATELIMIT_EXCEEDED": ErrorWord.THROTTLED,
    "RATELIMIT_EXCEED": ErrorWord.THROTTLED,
    "SYSTEM_ERROR": ErrorWord.UNAVAILABLE,
    "SYSTEMERROR": ErrorWord.UNAVAILABLE,
    "BANK_ERROR": ErrorWord.UNAVAILABLE,
    "BANKERROR": ErrorWord.UNAVAILABLE,
    # sign-in (sns/oauth2): numbers
    "-1": ErrorWord.UNAVAILABLE,
    "40001": ErrorWord.BAD_SIGNATURE,
    "40125": ErrorWord.BAD_SIGNATURE,
    "40013": ErrorWord.INVALID_REQUEST,
    "40029": ErrorWord.INVALID_REQUEST,
    "41008": ErrorWord.INVALID_REQUEST,
    "40163": ErrorWord.ALREADY_DONE,
    "45011": ErrorWord.THROTTLED,
    "48001": ErrorWord.NOT_PERMITTED,
}


class ErrorAnswer(msgspec.Struct, frozen=True):
    """The body of a non-2xx answer."""

    code: str
    message: str = ""


def read_error(response: Response) -> ErrorAnswer | None:
    """The error body, or None where it is none."""
    try:
        return msgspec.json.decode(response.body, type=ErrorAnswer)
    except (msgspec.MsgspecError, RecursionError):
        return None


def word_of(response: Response, code: str) -> ErrorWord:
    """The word of a code; an unknown code goes by the HTTP status where that is clear."""
    if code in ERROR_WORDS:
        return ERROR_WORDS[code]
    by_status = {401: ErrorWord.BAD_SIGNATURE, 404: ErrorWord.NOT_FOUND, HTTP_TOO_MANY: ErrorWord.THROTTLED}
    return by_status.get(response.status, ErrorWord.UNKNOWN)


def refusal(response: Response, word: ErrorWord) -> str | None:
    """The platform's code, where the answer is a refusal of this kind; a 404 without a code is none."""
    if response.status < REFUSAL_MIN or response.status >= SERVER_ERROR_MIN:
        return None
    answer = read_error(response)
    if answer is None or word_of(response, answer.code) is not word:
        return None
    return answer.code


def error_of(platform: str, response: Response) -> HutongError:
    """What a non-2xx answer means.

    PlatformRefused for a clear no; PlatformUnknown for a server error (the documents say: the same request again) and
    for an answer without a code, which may come from anything between the platform and here.
    """
    answer = read_error(response)
    if answer is None:
        return PlatformUnknown(platform=platform)
    word = word_of(response, answer.code)
    if response.status >= SERVER_ERROR_MIN or word is ErrorWord.UNAVAILABLE:
        return PlatformUnknown(platform=platform, platform_code=answer.code)
    return PlatformRefused(platform=platform, platform_code=answer.code, message=answer.message, word=word)
