"""Reads of accounts: balances now and at a past moment, with guards and what is reserved."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Row, and_, func, select, text

from hutong.core.money import Money
from hutong.db.unit import Unit
from hutong.ledger.accounts import EXTERNAL_ROOT
from hutong.ledger.guards import Guard
from hutong.ledger.models import account_balance, ledger_account
from hutong.ledger.snapshots import last_mark

ACCOUNTS_MAX: Final = 1000

_ON_BALANCE: Final = and_(
    account_balance.c.merchant_id == ledger_account.c.merchant_id,
    account_balance.c.account_id == ledger_account.c.account_id,
)
#: The hub's own accounts first: whatever callers of the API open, it pushes none of them off a page.
_IS_EXTERNAL: Final = func.split_part(ledger_account.c.path, ":", 1) == EXTERNAL_ROOT

#: As `history._BY_EVENT`, for every account at once and without the moment itself: whole days and hours of each
#: account, then the batches of the hour, then what came after the last mark. However long the books are, batches are
#: read from an hour and behind a mark only.
_BEFORE: Final = text(
    "WITH loose AS MATERIALIZED (SELECT leg.account_id, sum(leg.amount_minor) minor, count(*) legs FROM ("
    "(SELECT b.batch_id, b.event_at, b.sequence <= :mark counts FROM ledger_batch b WHERE b.merchant_id = :m "
    "AND b.event_at >= :hour AND b.event_at < :until OFFSET 0) UNION ALL "
    "(SELECT b.batch_id, b.event_at, true FROM ledger_batch b WHERE b.merchant_id = :m "
    "AND b.sequence > :mark OFFSET 0)) chosen CROSS JOIN LATERAL (SELECT p.account_id, p.amount_minor FROM posting p "
    "WHERE p.merchant_id = :m AND p.batch_id = chosen.batch_id OFFSET 0) leg "
    "WHERE chosen.counts AND chosen.event_at < :until GROUP BY leg.account_id) "
    "SELECT a.path, a.kind, a.currency, coalesce(days.minor, 0) + coalesce(hours.minor, 0) + coalesce(loose.minor, 0) "
    "AS balance_minor FROM ledger_account a "
    "LEFT JOIN LATERAL (SELECT sum(f.moved_minor) minor, sum(f.postings_count) legs FROM account_flow f "
    "WHERE f.merchant_id = :m AND f.account_id = a.account_id AND f.span = 'day' AND f.start_at < :day) days ON true "
    "LEFT JOIN LATERAL (SELECT sum(f.moved_minor) minor, sum(f.postings_count) legs FROM account_flow f "
    "WHERE f.merchant_id = :m AND f.account_id = a.account_id AND f.span = 'hour' "
    "AND f.start_at >= :day AND f.start_at < :hour) hours ON true "
    "LEFT JOIN loose ON loose.account_id = a.account_id WHERE a.merchant_id = :m "
    "AND coalesce(days.legs, 0) + coalesce(hours.legs, 0) + coalesce(loose.legs, 0) > 0 "
    "ORDER BY split_part(a.path, ':', 1) = :external, a.path, a.currency LIMIT :most"
)


class BalanceRow(msgspec.Struct, frozen=True, kw_only=True):
    """An account and its balance; debit positive."""

    path: str
    kind: str
    balance: Money


class AccountState(msgspec.Struct, frozen=True, kw_only=True):
    """An account as it stands: its balance, what is reserved on either side, and its guard. Debit positive.

    ``headroom``: what may still be taken off the guarded side; None without a guard.
    """

    path: str
    kind: str
    balance: Money
    pending_debit: Money
    pending_credit: Money
    guard: Guard | None

    @property
    def headroom(self) -> Money | None:
        """What may still be taken off the guarded side; None without a guard."""
        if self.guard is None:
            return None
        return self.balance + self.pending_credit if self.guard is Guard.DEBIT else -(self.balance + self.pending_debit)


async def balances(unit: Unit, until: datetime | None = None) -> tuple[BalanceRow, ...]:
    """Every account with its balance, the hub's own by path, then external ones: now, or before a moment.

    Before a moment means by all that had happened before it, also if it was told later.
    """
    if until is not None:
        return await _balances_before(unit, until)
    statement = (
        select(ledger_account, account_balance.c.balance_minor)
        .join(account_balance, _ON_BALANCE)
        .where(ledger_account.c.merchant_id == unit.merchant_id)
        .order_by(_IS_EXTERNAL, ledger_account.c.path, ledger_account.c.currency)
        .limit(ACCOUNTS_MAX)
    )
    return tuple(_balance(row) for row in await unit.all(statement))


async def _balances_before(unit: Unit, until: datetime) -> tuple[BalanceRow, ...]:
    hour = until.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    values = {"m": unit.merchant_id, "mark": await last_mark(unit), "day": hour.replace(hour=0), "hour": hour}
    given = {**values, "until": until, "external": EXTERNAL_ROOT, "most": ACCOUNTS_MAX}
    return tuple(_balance(row) for row in await unit.all(_BEFORE.bindparams(**given)))


async def account_states(
    unit: Unit,
    *,
    path: str = "",
    below: bool = False,
    currency: str = "",
    guarded: bool = False,
    limit: int,
    offset: int = 0,
) -> tuple[AccountState, ...]:
    """Accounts as they stand, by path: all of them, those of a path (``below``: and under it), those with a guard."""
    conditions = [ledger_account.c.merchant_id == unit.merchant_id]
    if path:
        mine = ledger_account.c.path == path
        under = ledger_account.c.path.startswith(f"{path}:", autoescape=True)
        conditions.append(mine | under if below else mine)
    if currency:
        conditions.append(ledger_account.c.currency == currency)
    if guarded:
        conditions.append(account_balance.c.guard.is_not(None))
    statement = (
        select(ledger_account, account_balance)
        .join(account_balance, _ON_BALANCE)
        .where(*conditions)
        .order_by(ledger_account.c.path, ledger_account.c.currency)
        .limit(min(limit, ACCOUNTS_MAX))
        .offset(offset)
    )
    return tuple(_state(row) for row in await unit.all(statement))


def _balance(row: Row[Any]) -> BalanceRow:
    return BalanceRow(path=row.path, kind=row.kind, balance=Money(int(row.balance_minor), row.currency))


def _state(row: Row[Any]) -> AccountState:
    return AccountState(
        path=row.path,
        kind=row.kind,
        balance=Money(row.balance_minor, row.currency),
        pending_debit=Money(row.pending_debit_minor, row.currency),
        pending_credit=Money(row.pending_credit_minor, row.currency),
        guard=None if row.guard is None else Guard(row.guard),
    )
