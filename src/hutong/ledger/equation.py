"""Balances as an owner reads them: what is held = what was sold − what it cost + what is owed to others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from hutong.core.money import Money
from hutong.ledger.account_queries import BalanceRow
from hutong.ledger.accounts import EXTERNAL_ROOT, AccountKind, kind_of

#: First word of a path -> the group an owner looks for it in, in the order of the page.
GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "held": ("wallet",),
    "collecting": ("receivable", "clearing"),
    "owed": ("payable",),
    "unclear": ("suspense",),
    "sold": ("revenue",),
    "cost": ("expense",),
    "external": (EXTERNAL_ROOT,),
}
_ROOTS: Final = {root: group for group, roots in GROUPS.items() for root in roots}
#: Accounts that stand on the credit side: more of them is a negative number in the books.
_CREDIT: Final = frozenset({AccountKind.LIABILITY, AccountKind.INCOME})


class AccountGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Accounts that mean the same to an owner; ``total`` is as he says it (what is owed is positive)."""

    kind: str
    rows: tuple[BalanceRow, ...]
    total: Money


class Equation(msgspec.Struct, frozen=True, kw_only=True):
    """All books of one currency. ``off`` = ``assets`` − (``sold`` − ``cost`` + ``owed``): zero in sound books.

    External accounts are a group of their own and in none of the sums: they add up to zero among themselves.
    """

    currency: str
    groups: tuple[AccountGroup, ...]
    assets: Money
    sold: Money
    cost: Money
    owed: Money
    off: Money


def owners_view(path: str, amount: Money) -> Money:
    """An amount of the books as more (positive) or less of what its account is about."""
    return -amount if kind_of(path) in _CREDIT else amount


def equations(rows: Sequence[BalanceRow]) -> tuple[Equation, ...]:
    """The books by currency, the one with the most accounts first."""
    by_currency: dict[str, list[BalanceRow]] = {}
    for row in rows:
        by_currency.setdefault(row.balance.currency, []).append(row)
    found = [_equation(currency, part) for currency, part in by_currency.items()]
    return tuple(sorted(found, key=lambda one: (-len(by_currency[one.currency]), one.currency)))


def _equation(currency: str, rows: Sequence[BalanceRow]) -> Equation:
    groups = tuple(_group(kind, currency, rows) for kind in GROUPS)
    total = {group.kind: group.total for group in groups}
    assets, owed = total["held"] + total["collecting"], total["owed"] + total["unclear"]
    return Equation(
        currency=currency,
        groups=tuple(group for group in groups if group.rows),
        assets=assets,
        sold=total["sold"],
        cost=total["cost"],
        owed=owed,
        off=assets - (total["sold"] - total["cost"] + owed),
    )


def _group(kind: str, currency: str, rows: Sequence[BalanceRow]) -> AccountGroup:
    mine = tuple(row for row in rows if _ROOTS.get(row.path.partition(":")[0]) == kind)
    total = sum((owners_view(row.path, row.balance) for row in mine), Money(0, currency))
    return AccountGroup(kind=kind, rows=mine, total=total)
