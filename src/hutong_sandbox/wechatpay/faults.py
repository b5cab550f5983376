"""What can go wrong at WeChat Pay; numbers are those of the list in the payments reference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

KINDS: Final[Mapping[str, str]] = {
    "callback_lost": "F1: a notice is never sent, nor retried",
    "callback_duplicate": "F2: a notice is sent ``count`` times at once",
    "callback_reordered": "F3: the payment's notice waits until the refund's was sent",
    "callback_delayed": "F4: the first delivery comes ``seconds`` later",
    "close_race": "F4, F9: an order is said to be closed and stays payable: its buyer has the cash desk open already",
    "amount_mismatch": "F5: a validly signed notice says one fen more",
    "query_amount": "F5: the answer to a query says one fen more, of an order that is paid",
    "foreign_appid": "F6: a valid notice of another app",
    "foreign_mchid": "F6: a valid notice of another merchant",
    "foreign_order": "F6: a valid notice of another order",
    "foreign_currency": "F6: a valid notice in another currency",
    "callback_tampered": "F7: a bad copy of the notice precedes the good one",
    "callback_stale": "F7: a rightly signed copy with an old timestamp precedes the good one",
    "sign_probe": "F7: a WECHATPAY/SIGNTEST/ probe precedes the notice",
    "create_timeout": "F8: the order exists, the answer is lost",
    "server_error": "F8: 500 SYSTEM_ERROR, nothing done",
    "rate_limited": "F8: 429 FREQUENCY_LIMITED, nothing done",
    "refund_timeout": "F10: the refund exists, the answer is lost",
    "refund_stuck": "F10: the refund stays PROCESSING for ``seconds``, then is ABNORMAL",
    "not_enough": "the merchant's balance does not cover the refund: 403 NOT_ENOUGH",
    "code_userpaying": "F11: a payment code asks for the password; paid after ``seconds`` (else 30 to 60)",
    "code_payerror": "F11: the password is not typed in ``seconds`` (else 30 to 60): PAYERROR",
    "code_not_enough": "F11: a payment code's account does not cover the sum; the order is PAYERROR",
    "reverse_race": "F11: the password is typed while the reversal is on its way: paid, and given back",
    "reverse_timeout": "F11: the reversal is done, its answer is lost",
    "certificate_rotated": "F13: the platform signs with its next certificate from this very answer on",
    "share_failed": "a receiver gets nothing (ACCOUNT_ABNORMAL), the sum is the payer's again",
    "share_stuck": "a share stays PROCESSING for ``seconds`` (else a day)",
    "share_timeout": "the share exists, the answer is lost",
    "return_failed": "a share does not come back (BALANCE_NOT_ENOUGH)",
    "return_timeout": "the return is done, its answer is lost",
    "bill_row_missing": "F14: a row is not in the bill of its day, nor in any other",
    "bill_row_extra": "F14: a trade that nobody made stands in the bill, its number ends in X",
    "bill_amount": "F14: a row of the bill says one fen more",
    "bill_fee": "F14: three fen more of a fee are taken, or come back",
    "bill_row_late": "F14: a row stands in the bill of the next day",
    "bill_late": "F14: the bill is made ``seconds`` later (else a day)",
    "bill_hash": "F14: the digest of the bill is another file's",
    "slow": "every answer takes ``seconds`` of real time",
}
