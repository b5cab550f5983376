"""Account paths: the first word says what kind of account it is, the rest which one."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache
from typing import Final
from uuid import UUID

PATH_CHARS_MAX: Final = 200
#: A busy account's path is read once, not for each of its postings.
PATHS_KEPT_MAX: Final = 4_096
_PATH: Final = re.compile(r"[a-z_]+(:[A-Za-z0-9_.-]+){1,4}")

REVENUE_SALES: Final = "revenue:sales"
EXPENSE_WALLET_FEE: Final = "expense:wallet_fee"
EXPENSE_COMMISSION: Final = "expense:commission"
#: What a shop platform keeps of the sales it collected for the merchant.
EXPENSE_PLATFORM_FEE: Final = "expense:platform_fee"
SUSPENSE_PAYMENTS: Final = "suspense:payments"
#: What a wallet spoke of and the books have not seen in it.
SUSPENSE_CLAIMED: Final = "suspense:claimed"
#: Money in suspense that stays without an order: written off.
UNEXPLAINED: Final = "revenue:unexplained"
#: What was spoken of and never came: in and out, so that it stays in sight.
NEVER_CAME: Final = "clearing:never_came"
#: What buyers owe between sale and settlement: zero for an order that was paid at once.
CLEARING_ORDERS: Final = "clearing:orders"
#: What the merchant paid parties by other means than his wallets: his own bank book answers for it.
CLEARING_OUTSIDE: Final = "clearing:outside"
#: Before a party's id.
PARTY_PREFIX: Final = "payable:party:"
#: First word of the accounts that callers of the API post to (`external.py`).
EXTERNAL_ROOT: Final = "external"


class AccountKind(StrEnum):
    """What a balance means. Assets and expenses stand on the debit side (positive), the others on the credit side.

    External accounts stand on either: what they mean is their owner's affair.
    """

    ASSET = "asset"
    LIABILITY = "liability"
    INCOME = "income"
    EXPENSE = "expense"
    EXTERNAL = "external"


#: First word of a path -> kind. The hub never holds money: `wallet` mirrors what a wallet holds for the merchant.
ROOTS: Final[dict[str, AccountKind]] = {
    "wallet": AccountKind.ASSET,
    "receivable": AccountKind.ASSET,
    "clearing": AccountKind.ASSET,
    "payable": AccountKind.LIABILITY,
    "suspense": AccountKind.LIABILITY,
    "revenue": AccountKind.INCOME,
    "expense": AccountKind.EXPENSE,
    EXTERNAL_ROOT: AccountKind.EXTERNAL,
}


@lru_cache(maxsize=PATHS_KEPT_MAX)
def kind_of(path: str) -> AccountKind | None:
    """The kind of account a path names; None when the path is malformed or its first word is unknown."""
    if len(path) > PATH_CHARS_MAX or not _PATH.fullmatch(path):
        return None
    return ROOTS.get(path.partition(":")[0])


def wallet_path(platform: str, connection_id: UUID) -> str:
    """What a wallet holds for the merchant on one connection."""
    return f"wallet:{platform}:{connection_id}"


def receivable_path(platform: str, connection_id: UUID) -> str:
    """What a shop platform collected for the merchant on one connection and has not paid out."""
    return f"receivable:{platform}:{connection_id}"


def party_path(party_id: UUID) -> str:
    """What the merchant owes a party."""
    return f"{PARTY_PREFIX}{party_id}"
