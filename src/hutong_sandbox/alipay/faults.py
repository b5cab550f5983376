"""What can go wrong at Alipay; numbers are those of the list in the payments reference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

KINDS: Final[Mapping[str, str]] = {
    "callback_lost": "F1: a notice is never sent, nor retried",
    "callback_duplicate": "F2: a notice is sent ``count`` times at once",
    "callback_reordered": "F3: the payment's notice waits until the refund's was sent",
    "callback_delayed": "F4: the first delivery comes ``seconds`` later",
    "amount_mismatch": "F5: a validly signed notice says one fen more",
    "query_amount": "F5: the answer to a query says one fen more, of an order that is paid",
    "foreign_app_id": "F6: a valid notice of another app",
    "foreign_seller_id": "F6: a valid notice of another seller",
    "foreign_order": "F6: a valid notice of another order",
    "callback_tampered": "F7: a bad copy of the notice precedes the good one",
    "callback_stale": "F7: a rightly signed copy, two days old, precedes the good one",
    "sign_type_changed": "F7: a copy that says sign_type RSA precedes the good one",
    "create_timeout": "F8: the order (or the charge) exists, the answer is lost",
    "server_error": "F8: 20000 isp.unknow-error, nothing done",
    "system_error": "F8: 40004 ACQ.SYSTEM_ERROR, although it was done",
    "rate_limited": "F8: 40005 isv.app-call-limited, nothing done",
    "refund_timeout": "F10: the refund exists, the answer is lost",
    "refund_stuck": "F10: fund_change N; the money moves ``seconds`` later, until then no query finds the refund",
    "not_enough": "the seller's balance does not cover the refund: ACQ.SELLER_BALANCE_NOT_ENOUGH",
    "user_paying": "F11: a charged code wants a password: 10003, paid ``seconds`` later",
    "user_gives_up": "F11: a charged code wants a password: 10003, and nobody types it",
    "reverse_race": "F11: the password is typed while the reversal is on its way: paid and told, and given back",
    "reverse_timeout": "F11: the reversal is done, its answer is lost",
    "share_failed": "a line of an asynchronous share fails",
    "bill_row_missing": "F14: a row is not in the bill of its day, nor in any other",
    "bill_row_extra": "F14: a trade that nobody made stands in the bill, its number ends in X",
    "bill_amount": "F14: a row of the bill says one fen more",
    "bill_fee": "F14: three fen more of a fee are taken, or come back",
    "bill_row_late": "F14: a row stands in the bill of the next day",
    "bill_late": "F14: the bill is made ``seconds`` later (else a day)",
    "slow": "every answer takes ``seconds`` of real time",
}
