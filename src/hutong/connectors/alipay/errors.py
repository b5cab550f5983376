"""Alipay's codes in our words.

The documents carry one table of gateway codes (公共错误码) and a table of ``ACQ.*`` codes on each method's page
(https://opendocs.alipay.com/apis); this list joins them from memory and is unverified. An unknown ``sub_code`` goes by
its gateway code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from hutong.core.errors import HutongError, PlatformUnknown
from hutong.platforms.contract import ErrorWord
from hutong.platforms.refusals import PlatformRefused

DONE: Final = "10000"
WAITING_FOR_BUYER: Final = "10003"
TRADE_NOT_EXIST: Final = "ACQ.TRADE_NOT_EXIST"
TRADE_HAS_SUCCESS: Final = "ACQ.TRADE_HAS_SUCCESS"
#: A trade's state does not allow what was asked: paid or closed before.
WRONG_STATE: Final = frozenset(
    {
        TRADE_HAS_SUCCESS,
        "ACQ.TRADE_HAS_FINISHED",
        "ACQ.TRADE_HAS_CLOSE",
        "ACQ.TRADE_STATUS_ERROR",
        "ACQ.REASON_TRADE_STATUS_INVALID",
        "ACQ.REASON_ILLEGAL_STATUS",
    }
)
#: Nothing of a request with one of these was looked at, so that the gateway may not know whose key to sign with.
GATEWAY_REFUSALS: Final = frozenset({"20001", "40001", "40002", "40003", "40005", "40006"})

ERROR_WORDS: Final[Mapping[str, ErrorWord]] = {
    # the gateway
    "20000": ErrorWord.UNAVAILABLE,
    "20001": ErrorWord.TOKEN_EXPIRED,
    "40001": ErrorWord.INVALID_REQUEST,
    "40002": ErrorWord.INVALID_REQUEST,
    "40003": ErrorWord.NOT_PERMITTED,
    "40005": ErrorWord.THROTTLED,
    "40006": ErrorWord.NOT_PERMITTED,
    "isp.unknow-error": ErrorWord.UNAVAILABLE,
    "aop.unknow-error": ErrorWord.UNAVAILABLE,
    "aop.ACQ.SYSTEM_ERROR": ErrorWord.UNAVAILABLE,
    "aop.invalid-auth-token": ErrorWord.TOKEN_EXPIRED,
    "aop.auth-token-time-out": ErrorWord.TOKEN_EXPIRED,
    "aop.invalid-app-auth-token": ErrorWord.TOKEN_EXPIRED,
    "aop.app-auth-token-time-out": ErrorWord.TOKEN_EXPIRED,
    "isv.missing-signature": ErrorWord.BAD_SIGNATURE,
    "isv.invalid-signature": ErrorWord.BAD_SIGNATURE,
    "isv.invalid-signature-type": ErrorWord.BAD_SIGNATURE,
    "isv.missing-app-id": ErrorWord.BAD_SIGNATURE,
    "isv.invalid-app-id": ErrorWord.BAD_SIGNATURE,
    "isv.invalid-timestamp": ErrorWord.BAD_SIGNATURE,
    "isv.missing-cert-sn": ErrorWord.BAD_SIGNATURE,
    "isv.invalid-app-cert-sn": ErrorWord.BAD_SIGNATURE,
    "isv.app-cert-expired": ErrorWord.BAD_SIGNATURE,
    "isv.missing-method": ErrorWord.INVALID_REQUEST,
    "isv.invalid-method": ErrorWord.INVALID_REQUEST,
    "isv.invalid-charset": ErrorWord.INVALID_REQUEST,
    "isv.invalid-format": ErrorWord.INVALID_REQUEST,
    "isv.invalid-parameter": ErrorWord.INVALID_REQUEST,
    "isv.missing-parameter": ErrorWord.INVALID_REQUEST,
    "isv.code-invalid": ErrorWord.INVALID_REQUEST,
    "isv.refresh-token-invalid": ErrorWord.TOKEN_EXPIRED,
    "isv.unknow-error": ErrorWord.UNKNOWN,
    "isv.insufficient-isv-permissions": ErrorWord.NOT_PERMITTED,
    "isv.insufficient-user-permissions": ErrorWord.NOT_PERMITTED,
    "isv.app-call-limited": ErrorWord.THROTTLED,
    "isv.method-call-limited": ErrorWord.THROTTLED,
    # trades
    "ACQ.SYSTEM_ERROR": ErrorWord.UNAVAILABLE,
    "SYSTEM_ERROR": ErrorWord.UNAVAILABLE,
    "ACQ.INVALID_PARAMETER": ErrorWord.INVALID_REQUEST,
    "ACQ.ACCESS_FORBIDDEN": ErrorWord.NOT_PERMITTED,
    "ACQ.PARTNER_ERROR": ErrorWord.NOT_PERMITTED,
    "ACQ.PRODUCT_AMOUNT_LIMIT_ERROR": ErrorWord.NOT_PERMITTED,
    "ACQ.TOTAL_FEE_EXCEED": ErrorWord.NOT_PERMITTED,
    "ACQ.CONTEXT_INCONSISTENT": ErrorWord.INVALID_REQUEST,
    "ACQ.BUYER_SELLER_EQUAL": ErrorWord.INVALID_REQUEST,
    "ACQ.TRADE_BUYER_NOT_MATCH": ErrorWord.INVALID_REQUEST,
    "ACQ.INVALID_STORE_ID": ErrorWord.INVALID_REQUEST,
    "ACQ.BUYER_ENABLE_STATUS_FORBID": ErrorWord.NOT_PERMITTED,
    TRADE_NOT_EXIST: ErrorWord.NOT_FOUND,
    TRADE_HAS_SUCCESS: ErrorWord.ALREADY_DONE,
    "ACQ.TRADE_HAS_FINISHED": ErrorWord.ALREADY_DONE,
    "ACQ.TRADE_HAS_CLOSE": ErrorWord.ALREADY_DONE,
    "ACQ.TRADE_STATUS_ERROR": ErrorWord.ALREADY_DONE,
    "ACQ.REASON_TRADE_STATUS_INVALID": ErrorWord.ALREADY_DONE,
    "ACQ.REASON_ILLEGAL_STATUS": ErrorWord.ALREADY_DONE,
    # payment codes
    "ACQ.PAYMENT_AUTH_CODE_INVALID": ErrorWord.INVALID_REQUEST,
    "ACQ.SOUNDWAVE_PARSER_FAIL": ErrorWord.INVALID_REQUEST,
    "ACQ.BUYER_BALANCE_NOT_ENOUGH": ErrorWord.INVALID_REQUEST,
    "ACQ.BUYER_BANKCARD_BALANCE_NOT_ENOUGH": ErrorWord.INVALID_REQUEST,
    "ACQ.ERROR_BALANCE_PAYMENT_DISABLE": ErrorWord.INVALID_REQUEST,
    "ACQ.PAYMENT_FAIL": ErrorWord.INVALID_REQUEST,
    "ACQ.PAYMENT_REQUEST_HAS_RISK": ErrorWord.NOT_PERMITTED,
    "ACQ.PULL_MOBILE_CASHIER_FAIL": ErrorWord.INVALID_REQUEST,
    "ACQ.NO_PAYMENT_INSTRUMENTS_AVAILABLE": ErrorWord.INVALID_REQUEST,
    "ACQ.CURRENCY_NOT_SUPPORT": ErrorWord.INVALID_REQUEST,
    # refunds
    "ACQ.REASON_TRADE_REFUND_FEE_ERR": ErrorWord.INVALID_REQUEST,
    "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL": ErrorWord.INVALID_REQUEST,
    "ACQ.REFUND_FEE_ERROR": ErrorWord.INVALID_REQUEST,
    "ACQ.DISCORDANT_REPEAT_REQUEST": ErrorWord.INVALID_REQUEST,
    "ACQ.TRADE_NOT_ALLOW_REFUND": ErrorWord.NOT_PERMITTED,
    "ACQ.TRADE_REFUND_PERIOD_EXCEED": ErrorWord.NOT_PERMITTED,
    "ACQ.ONLINE_TRADE_VOUCHER_NOT_ALLOW_REFUND": ErrorWord.NOT_PERMITTED,
    "ACQ.REASON_TRADE_BEEN_FREEZEN": ErrorWord.NOT_PERMITTED,
    "ACQ.SELLER_BALANCE_NOT_ENOUGH": ErrorWord.INSUFFICIENT_FUNDS,
    # bills
    "isp.bill_not_exist": ErrorWord.NOT_FOUND,
    "isp.unknown_error": ErrorWord.UNAVAILABLE,
    "isv.invalid_arguments": ErrorWord.INVALID_REQUEST,
    # shares
    "ACQ.TRADE_SETTLE_ERROR": ErrorWord.UNAVAILABLE,
    "ACQ.FREQUENCY_LIMIT": ErrorWord.THROTTLED,
    "FREQUENCY_LIMIT": ErrorWord.THROTTLED,
    "ACQ.ROYALTY_AMOUNT_INVALID": ErrorWord.INVALID_REQUEST,
    "ACQ.ALLOC_AMOUNT_VALIDATE_ERROR": ErrorWord.INVALID_REQUEST,
    "ACQ.ROYALTY_ACCOUNT_NOT_EXIST": ErrorWord.NOT_FOUND,
    "ACQ.NON_ROYALTY_RELATION": ErrorWord.NOT_PERMITTED,
    "ACQ.TXN_RESULT_ACCOUNT_BALANCE_NOT_ENOUGH": ErrorWord.INSUFFICIENT_FUNDS,
    "ACQ.SETTLE_NOT_EXIST": ErrorWord.NOT_FOUND,
    "USER_NOT_EXIST": ErrorWord.NOT_FOUND,
    "ROYALTY_RELATION_ALREADY_BIND": ErrorWord.ALREADY_DONE,
    "ROYALTY_RELATION_NOT_EXIST": ErrorWord.NOT_FOUND,
    "RECEIVER_SIZE_EXCEED_LIMIT": ErrorWord.NOT_PERMITTED,
}


class Head(msgspec.Struct, frozen=True):
    """What every answer begins with; the sign-in's answers have no code when they succeed."""

    code: str = DONE
    msg: str = ""
    sub_code: str = ""
    sub_msg: str = ""


def refusal(platform: str, head: Head) -> HutongError:
    """What an answer that is no success means: PlatformRefused for a clear no, else PlatformUnknown.

    The documents say of 20000 and ``ACQ.SYSTEM_ERROR``: it may have been done; ask, or send the same again.
    """
    code = head.sub_code or head.code
    word = ERROR_WORDS.get(head.sub_code) or ERROR_WORDS.get(head.code, ErrorWord.UNKNOWN)
    if word is ErrorWord.UNAVAILABLE or not head.code.startswith(("4", "20001")):
        return PlatformUnknown(platform=platform, platform_code=code)
    return PlatformRefused(platform=platform, platform_code=code, message=head.sub_msg or head.msg, word=word)
