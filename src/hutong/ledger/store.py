"""The statements of a write, on the driver's own connection: a hot account's lock is held for as long as they take."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec

from hutong.core.events import Event
from hutong.core.ids import new_id
from hutong.core.money import AMOUNT_MINOR_MAX
from hutong.db.bulk import ROWS_PER_STATEMENT_MAX
from hutong.db.unit import Unit
from hutong.ledger.accounts import kind_of
from hutong.ledger.batches import CHAIN_START
from hutong.ledger.errors import AccountBeyondBooks
from hutong.ledger.guards import Guard, GuardedAccount, Move
from hutong.ledger.sheets import AccountKey, ChainEnd, Sheet

#: asyncpg ships no types.
Raw = Any
#: How a sum too large is refused: by the database, or by the driver that cannot even send it.
TOO_LARGE: Final = (asyncpg.NumericValueOutOfRangeError, asyncpg.DataError)
#: Arguments of ``ledger_write`` after the merchant (:class:`hutong.ledger.sheets.Sheet`).
SHEET_ARGUMENTS: Final = 23

_QUEUE: Final = "SELECT ledger_queue($1)"
_END: Final = "SELECT batches_count, hash, recorded_at FROM ledger_chain WHERE merchant_id = $1 FOR UPDATE"
_BEGIN_CHAIN: Final = (
    "INSERT INTO ledger_chain (merchant_id, batches_count, hash) VALUES ($1, 0, $2) ON CONFLICT DO NOTHING"
)
_KNOWN: Final = (
    "SELECT idempotency_key, batch_id, payload_hash FROM ledger_batch "
    "WHERE merchant_id = $1 AND idempotency_key = ANY($2::text[])"
)
_GUARDED: Final = (
    "SELECT b.account_id, a.path, a.currency, b.guard, b.balance_minor, b.pending_debit_minor, b.pending_credit_minor "
    "FROM account_balance b JOIN ledger_account a USING (merchant_id, account_id) "
    "WHERE b.merchant_id = $1 AND b.account_id = ANY($2::uuid[]) AND b.guard IS NOT NULL"
)
_ACCOUNTS: Final = (
    "SELECT a.path, a.currency, a.account_id FROM unnest($2::text[], $3::text[]) AS wanted (path, currency) "
    "JOIN ledger_account a ON a.merchant_id = $1 AND a.path = wanted.path AND a.currency = wanted.currency"
)
_OPEN_ACCOUNTS: Final = (
    "WITH opened AS (INSERT INTO ledger_account (merchant_id, account_id, path, currency, kind, created_at) "
    "SELECT $1, u.id, u.path, u.currency, u.kind, $2 "
    "FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[]) AS u (id, path, currency, kind) "
    "ON CONFLICT (merchant_id, path, currency) DO NOTHING RETURNING account_id) "
    "INSERT INTO account_balance (merchant_id, account_id, balance_minor, postings_count, updated_at) "
    "SELECT $1, account_id, 0, 0, $2 FROM opened"
)
_PENDING: Final = (
    "UPDATE account_balance SET pending_debit_minor = pending_debit_minor + a.debit, "
    "pending_credit_minor = pending_credit_minor + a.credit, updated_at = $5 "
    "FROM unnest($2::uuid[], $3::bigint[], $4::bigint[]) AS a (id, debit, credit) "
    "WHERE merchant_id = $1 AND account_id = a.id"
)
_GUARD: Final = "UPDATE account_balance SET guard = $3, updated_at = $4 WHERE merchant_id = $1 AND account_id = $2"
_WRITE: Final = f"SELECT ledger_write($1, {', '.join(f'${n}' for n in range(2, SHEET_ARGUMENTS + 2))})"
_FLUSH: Final = f"SELECT ledger_flush($1, {', '.join(f'${n}' for n in range(2, SHEET_ARGUMENTS + 11))})"


class Told(msgspec.Struct, frozen=True):
    """What a flush leaves behind: one event, and jobs as (id, kind, payload, dedupe key, due)."""

    event_id: UUID
    event: Event
    jobs: list[tuple[UUID, str, bytes, str, datetime]]


async def driver_of(unit: Unit) -> Raw:
    """The driver's connection inside the unit's transaction; what runs on it counts as a write."""
    unit.wrote = True
    return unit.driver


async def lock_end(raw: Raw, merchant_id: UUID) -> ChainEnd:
    """The end of the merchant's chain, held until the end of the transaction."""
    await raw.execute(_QUEUE, merchant_id)
    row = await raw.fetchrow(_END, merchant_id)
    if row is None:
        await raw.execute(_BEGIN_CHAIN, merchant_id, CHAIN_START)
        row = await raw.fetchrow(_END, merchant_id)
    return ChainEnd(row["batches_count"], row["hash"], row["recorded_at"])


async def known_batches(raw: Raw, merchant_id: UUID, keys: Sequence[str]) -> dict[str, tuple[UUID, bytes]]:
    """Key → id and digest of what is in the books already."""
    found: dict[str, tuple[UUID, bytes]] = {}
    for start in range(0, len(keys), ROWS_PER_STATEMENT_MAX):
        for row in await raw.fetch(_KNOWN, merchant_id, keys[start : start + ROWS_PER_STATEMENT_MAX]):
            found[row["idempotency_key"]] = (row["batch_id"], row["payload_hash"])
    return found


async def guarded_accounts(raw: Raw, merchant_id: UUID, account_ids: Collection[UUID]) -> dict[UUID, GuardedAccount]:
    """Those of the accounts that have a guard, as they stand now."""
    rows = await raw.fetch(_GUARDED, merchant_id, list(account_ids))
    return {
        row["account_id"]: GuardedAccount(
            path=row["path"],
            currency=row["currency"],
            guard=Guard(row["guard"]),
            balance_minor=row["balance_minor"],
            pending_debit_minor=row["pending_debit_minor"],
            pending_credit_minor=row["pending_credit_minor"],
        )
        for row in rows
    }


async def accounts_of(raw: Raw, merchant_id: UUID, keys: Iterable[AccountKey], now: datetime) -> dict[AccountKey, UUID]:
    """Ids of the accounts; missing ones are opened, each with a balance of zero, in path order."""
    wanted = sorted(set(keys))
    found: dict[AccountKey, UUID] = {}
    for start in range(0, len(wanted), ROWS_PER_STATEMENT_MAX):
        piece = wanted[start : start + ROWS_PER_STATEMENT_MAX]
        found.update(await _find_accounts(raw, merchant_id, piece))
        missing = [key for key in piece if key not in found]
        if missing:
            await raw.execute(
                _OPEN_ACCOUNTS,
                merchant_id,
                now,
                [new_id(now) for _ in missing],
                [path for path, _ in missing],
                [currency for _, currency in missing],
                [str(kind_of(path)) for path, _ in missing],
            )
            found.update(await _find_accounts(raw, merchant_id, missing))  # somebody else may have been faster
    return found


async def _find_accounts(raw: Raw, merchant_id: UUID, keys: Sequence[AccountKey]) -> Mapping[AccountKey, UUID]:
    paths, currencies = [path for path, _ in keys], [currency for _, currency in keys]
    rows = await raw.fetch(_ACCOUNTS, merchant_id, paths, currencies)
    return {(row["path"], row["currency"]): row["account_id"] for row in rows}


async def write_sheet(raw: Raw, merchant_id: UUID, sheet: Sheet) -> None:
    """Write a sheet in the transaction that is open on the connection.

    Raises:
        AccountBeyondBooks: a balance would not fit; the transaction is lost.
    """
    with _fitting():
        await raw.execute(_WRITE, merchant_id, *sheet.arguments)


async def flush_sheet(raw: Raw, merchant_id: UUID, sheet: Sheet, told: Told) -> None:
    """Write a sheet in a transaction of its own, with what it tells; durable when this returns.

    Refused as a whole when the chain has moved, a key is known, or a guarded account is touched.
    """
    event = told.event
    columns = [list(column) for column in zip(*told.jobs, strict=True)] or [[]] * 5
    await raw.execute(
        _FLUSH, merchant_id, *sheet.arguments, told.event_id, event.name, event.version, event.encode(), *columns
    )


async def add_pending(raw: Raw, merchant_id: UUID, moves: Mapping[UUID, Move], sign: int, now: datetime) -> None:
    """Count reserves in (``sign`` 1) or out (-1); the guards of the accounts are checked by the same statement.

    Raises:
        AccountBeyondBooks: what is reserved would not fit; the transaction is lost.
    """
    ids = sorted(moves)
    debits = [sign * moves[account_id].held_debit_minor for account_id in ids]
    owed = [sign * moves[account_id].held_credit_minor for account_id in ids]
    with _fitting():
        await raw.execute(_PENDING, merchant_id, ids, debits, owed, now)


async def put_guard(raw: Raw, merchant_id: UUID, account_id: UUID, guard: Guard | None, now: datetime) -> None:
    """Set or lift an account's guard; the database refuses one that does not hold."""
    await raw.execute(_GUARD, merchant_id, account_id, guard, now)


@contextmanager
def _fitting() -> Iterator[None]:
    """Tells a sum too large from all else that the database refuses."""
    try:
        yield
    except asyncpg.DataError as error:
        if type(error) not in TOO_LARGE:  # its other subclasses are of texts and times
            raise
        raise AccountBeyondBooks(most_minor=AMOUNT_MINOR_MAX) from error
