"""Setting the guard of an account: from then on the database itself keeps it on its side."""

from __future__ import annotations

from sqlalchemy import select

from hutong.db.unit import Unit
from hutong.ledger.accounts import kind_of
from hutong.ledger.errors import AccountOverdrawn, MalformedBatch
from hutong.ledger.guards import Guard
from hutong.ledger.models import account_balance
from hutong.ledger.posting import lock_chain
from hutong.ledger.store import accounts_of, driver_of, put_guard


async def guard_account(unit: Unit, path: str, currency: str, guard: Guard | None) -> None:
    """Keep an account on one side from now on, counting what is reserved; None lifts the guard.

    Raises:
        MalformedBatch: no such kind of account.
        AccountOverdrawn: it is off that side now.
    """
    if kind_of(path) is None:
        raise MalformedBatch(key=path, problem="path")
    await lock_chain(unit)  # nothing is posted meanwhile
    raw = await driver_of(unit)
    account_id = (await accounts_of(raw, unit.merchant_id, [(path, currency)], unit.now()))[path, currency]
    row = await unit.one(
        select(account_balance).where(
            account_balance.c.merchant_id == unit.merchant_id, account_balance.c.account_id == account_id
        )
    )
    assert row is not None, "an account has a balance from the start"
    worst = {
        Guard.DEBIT: row.balance_minor + row.pending_credit_minor,
        Guard.CREDIT: -row.balance_minor - row.pending_debit_minor,
    }
    if guard is not None and worst[guard] < 0:
        raise AccountOverdrawn(key=guard, path=path, currency=currency, headroom_minor=worst[guard])
    await put_guard(raw, unit.merchant_id, account_id, guard, unit.now())
