"""Setting the guard of an account: from then on the database itself keeps it on its side."""

from __future__ import annotations

from sqlalchemy import select

from hutong.core.money import Money
from hutong.db.unit import Unit
from hutong.ledger.accounts import kind_of
from hutong.ledger.errors import AccountOverdrawn, MalformedBatch
from hutong.ledger.external import refuse_unless_external
from hutong.ledger.guards import Guard
from hutong.ledger.models import account_balance
from hutong.ledger.posting import lock_chain
from hutong.ledger.store import accounts_of, driver_of, put_guard
from hutong.merchants.actors import Actor, Deed, last_deed, write_down


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


async def set_guard(unit: Unit, actor: Actor, path: str, currency: str, guard: Guard | None) -> None:
    """Guard an account of callers, or lift its guard, and write down who did. The hub's own accounts follow facts of
    wallets and platforms, which nobody can refuse.

    Raises:
        Forbidden: the role or key does not allow it.
        AccountNotExternal: it is one of the hub's own.
        AccountOverdrawn: it is off that side now.
    """
    actor.require_guards()
    refuse_unless_external(path)
    Money(0, currency)  # refuses a currency that nobody knows
    await guard_account(unit, path, currency, guard)
    await write_down(unit, actor, f"guard.{guard or 'lift'}", _subject(path, currency))


async def last_guarded(unit: Unit, path: str, currency: str) -> Deed | None:
    """Who set or lifted the account's guard last."""
    return await last_deed(unit, _subject(path, currency))


def _subject(path: str, currency: str) -> str:
    return f"account:{path}:{currency}"
