"""The books in an owner's words: accounts by name, batches by what they changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from hutong.db.unit import Unit
from hutong.ledger.accounts import (
    CLEARING_OUTSIDE,
    EXPENSE_COMMISSION,
    EXPENSE_WALLET_FEE,
    EXTERNAL_ROOT,
    NEVER_CAME,
    PARTY_PREFIX,
    SUSPENSE_CLAIMED,
    UNEXPLAINED,
)
from hutong.ledger.equation import owners_view
from hutong.ledger.queries import BatchRow, party_names
from hutong.merchants.queries import connections
from hutong.web.console.book_views import AccountName, Batch, Effect, Leg
from hutong.web.labels import LABELS

_EXACT: Final = {
    EXPENSE_WALLET_FEE: "wallet_fee",
    EXPENSE_COMMISSION: "commission",
    CLEARING_OUTSIDE: "outside",
    UNEXPLAINED: "unexplained",
    NEVER_CAME: "never_came",
    SUSPENSE_CLAIMED: "claimed",
}
_WITH_PLATFORM: Final = frozenset({"wallet", "receivable"})
#: What an owner looks for first: what happened to the money itself.
_MONEY_ROOTS: Final = ("wallet:", "receivable:")
ORDER: Final = "order"
#: Of an id, where names are alike.
TAIL_CHARS: Final = 6


def account_name(path: str, parties: Mapping[UUID, str]) -> AccountName:
    """An account path in words: what kind of account, of which platform or party."""
    root, _, rest = path.partition(":")
    leaf = rest if root == "expense" and rest in LABELS["account"] else root
    label = _EXACT.get(path, leaf if leaf in LABELS["account"] else "other")
    platform = rest.partition(":")[0] if root in _WITH_PLATFORM else ""
    party = ""
    if path.startswith(PARTY_PREFIX):
        party = next((name for key, name in parties.items() if str(key) == path.removeprefix(PARTY_PREFIX)), "")
    told = {"other": path, EXTERNAL_ROOT: rest}.get(label, "")
    if platform:  # which account of the platform, where there are several
        key = rest.partition(":")[2]
        told = next((name for known, name in parties.items() if str(known) == key), "")
    return AccountName(path=path, label=label, platform=platform, party=party or told)


async def names_in_books(unit: Unit) -> dict[UUID, str]:
    """What accounts are told apart by: parties, and the accounts of a platform that has several. No two are alike."""
    accounts = await connections(unit)
    several = Counter(account.platform for account in accounts)
    titles = [(one.connection_id, one.title) for one in accounts if several[one.platform] > 1]
    return _told_apart([*(await party_names(unit)).items()]) | _told_apart(titles)


def _told_apart(names: Sequence[tuple[UUID, str]]) -> dict[UUID, str]:
    """Names of which several are alike get the end of their id."""
    alike = Counter(name for _, name in names)
    return {key: f"{name} #{key.hex[-TAIL_CHARS:]}" if alike[name] > 1 else name for key, name in names}


def batch_in_words(row: BatchRow, parties: Mapping[UUID, str]) -> Batch:
    """A batch with its effects and its legs."""
    return Batch(
        number=row.sequence,
        kind=row.kind,
        event_at=row.event_at,
        order_id=str(row.subject_id) if row.subject_kind == ORDER else "",
        effects=tuple(
            Effect(account=account_name(leg.path, parties), change=owners_view(leg.path, leg.amount))
            for leg in sorted(row.effects, key=lambda leg: not leg.path.startswith(_MONEY_ROOTS))
        ),
        legs=tuple(
            Leg(
                account=account_name(leg.path, parties),
                debit=leg.amount if leg.amount.amount_minor > 0 else None,
                credit=-leg.amount if leg.amount.amount_minor < 0 else None,
            )
            for leg in row.legs
        ),
        phase=row.phase,
    )
