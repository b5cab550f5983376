"""Writing batches: the same few statements for one batch and for ten thousand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import literal, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from hutong.db.bulk import insert_rows, rows_of, slices
from hutong.db.unit import Unit
from hutong.ledger.accounts import kind_of
from hutong.ledger.batches import CHAIN_START, Batch, Link, PostResult
from hutong.ledger.errors import BatchKeyReused
from hutong.ledger.models import account_balance, ledger_account, ledger_batch, ledger_chain, posting

AccountKey = tuple[str, str]


class ChainEnd(msgspec.Struct, frozen=True):
    """The last link: how many batches there are, and the hash of the last one."""

    batches_count: int
    hash: bytes


class Written(msgspec.Struct, frozen=True):
    """What a write did: the answer to each batch, and the batches that are new, with their ids and sequence."""

    results: list[PostResult]
    fresh: list[tuple[UUID, Batch]]
    first_sequence: int


async def lock_chain(unit: Unit) -> ChainEnd:
    """The end of the merchant's chain, held until the end of the transaction.

    It puts his postings in one order, so nothing below it can deadlock. Take it after the rows of other domains.
    """
    wanted = (
        select(ledger_chain.c.batches_count, ledger_chain.c.hash)
        .where(ledger_chain.c.merchant_id == unit.merchant_id)
        .with_for_update()
    )
    row = await unit.one(wanted)
    if row is None:
        await unit.insert_once(ledger_chain, batches_count=0, hash=CHAIN_START)
        row = await unit.one(wanted)
    assert row is not None
    return ChainEnd(row.batches_count, row.hash)


async def write(unit: Unit, batches: Sequence[Batch]) -> Written:
    """Post batches in the given order; those that are in the books already are left alone.

    Raises:
        MalformedBatch, UnbalancedBatch: a batch must not stand in the books; nothing is written.
        BatchKeyReused: a key serves other content, here or in the books.
    """
    digests = _digests(batches)
    end = await lock_chain(unit)
    known = await _known(unit, digests)
    ids: dict[str, UUID] = {key: batch_id for key, (batch_id, _) in known.items()}
    fresh: list[tuple[UUID, Batch]] = []
    results: list[PostResult] = []
    for batch in batches:
        key = batch.idempotency_key
        if key in ids:
            results.append(PostResult(posted=False, batch_id=ids[key]))
            continue
        ids[key] = unit.new_id()
        fresh.append((ids[key], batch))
        results.append(PostResult(posted=True, batch_id=ids[key]))
    if fresh:
        accounts = await _accounts(unit, [batch for _, batch in fresh])
        await _insert_batches(unit, fresh, digests, end)
        await _insert_postings(unit, fresh, accounts)
        await _fold_balances(unit, fresh, accounts)
    return Written(results, fresh, end.batches_count + 1)


def _digests(batches: Sequence[Batch]) -> dict[str, bytes]:
    """Key -> digest of its content, after every batch was verified."""
    digests: dict[str, bytes] = {}
    for batch in batches:
        batch.verify()
        digest = batch.payload_hash()
        if digests.setdefault(batch.idempotency_key, digest) != digest:
            raise BatchKeyReused(key=batch.idempotency_key)
    return digests


async def _known(unit: Unit, digests: dict[str, bytes]) -> dict[str, tuple[UUID, bytes]]:
    """Keys that are in the books already; the chain is locked, so nobody adds one meanwhile."""
    found: dict[str, tuple[UUID, bytes]] = {}
    for piece in slices({"idempotency_key": list(digests)}):
        given = rows_of(ledger_batch, piece)
        statement = select(ledger_batch.c.idempotency_key, ledger_batch.c.batch_id, ledger_batch.c.payload_hash).where(
            ledger_batch.c.merchant_id == unit.merchant_id, ledger_batch.c.idempotency_key == given.c.idempotency_key
        )
        for row in await unit.all(statement):
            if row.payload_hash != digests[row.idempotency_key]:
                raise BatchKeyReused(key=row.idempotency_key)
            found[row.idempotency_key] = (row.batch_id, row.payload_hash)
    return found


async def _accounts(unit: Unit, batches: Sequence[Batch]) -> dict[AccountKey, UUID]:
    """Ids of all accounts the batches touch, in path order; missing ones are opened."""
    wanted = sorted({(leg.path, leg.amount.currency) for batch in batches for leg in batch.legs})
    found = await _find_accounts(unit, wanted)
    missing = [key for key in wanted if key not in found]
    if missing:
        now = unit.now()
        ids = [unit.new_id() for _ in missing]
        columns: dict[str, list[Any]] = {
            "account_id": ids,
            "path": [path for path, _ in missing],
            "currency": [currency for _, currency in missing],
            "kind": [str(kind_of(path)) for path, _ in missing],
            "created_at": [now] * len(missing),
        }
        await insert_rows(unit, ledger_account, columns)
        found.update(zip(missing, ids, strict=True))
    return found


async def _find_accounts(unit: Unit, wanted: Sequence[AccountKey]) -> dict[AccountKey, UUID]:
    found: dict[AccountKey, UUID] = {}
    columns = {"path": [path for path, _ in wanted], "currency": [currency for _, currency in wanted]}
    for piece in slices(columns):
        given = rows_of(ledger_account, piece)
        statement = select(ledger_account.c.path, ledger_account.c.currency, ledger_account.c.account_id).where(
            ledger_account.c.merchant_id == unit.merchant_id,
            ledger_account.c.path == given.c.path,
            ledger_account.c.currency == given.c.currency,
        )
        found.update({(row.path, row.currency): row.account_id for row in await unit.all(statement)})
    return found


async def _insert_batches(
    unit: Unit, fresh: Sequence[tuple[UUID, Batch]], digests: dict[str, bytes], end: ChainEnd
) -> None:
    """Link the batches to the chain and move its end."""
    now = unit.now()
    hashes = [end.hash]
    for sequence, (batch_id, batch) in enumerate(fresh, start=end.batches_count + 1):
        link = Link(
            sequence=sequence,
            batch_id=batch_id,
            idempotency_key=batch.idempotency_key,
            payload_hash=digests[batch.idempotency_key],
            event_at=batch.event_at,
            recorded_at=now,
        )
        hashes.append(link.after(hashes[-1]))
    columns: dict[str, list[Any]] = {
        "batch_id": [batch_id for batch_id, _ in fresh],
        "sequence": list(range(end.batches_count + 1, end.batches_count + 1 + len(fresh))),
        "idempotency_key": [batch.idempotency_key for _, batch in fresh],
        "payload_hash": [digests[batch.idempotency_key] for _, batch in fresh],
        "kind": [batch.kind for _, batch in fresh],
        "subject_kind": [batch.subject_kind for _, batch in fresh],
        "subject_id": [batch.subject_id for _, batch in fresh],
        "event_at": [batch.event_at for _, batch in fresh],
        "recorded_at": [now] * len(fresh),
        "prev_hash": hashes[:-1],
        "hash": hashes[1:],
    }
    await insert_rows(unit, ledger_batch, columns)
    await unit.run(
        update(ledger_chain)
        .where(ledger_chain.c.merchant_id == unit.merchant_id)
        .values(batches_count=end.batches_count + len(fresh), hash=hashes[-1])
    )


async def _insert_postings(unit: Unit, fresh: Sequence[tuple[UUID, Batch]], accounts: dict[AccountKey, UUID]) -> None:
    legs = [(batch_id, no, leg) for batch_id, batch in fresh for no, leg in enumerate(batch.legs, start=1)]
    columns: dict[str, list[Any]] = {
        "batch_id": [batch_id for batch_id, _, _ in legs],
        "leg_no": [no for _, no, _ in legs],
        "account_id": [accounts[leg.path, leg.amount.currency] for _, _, leg in legs],
        "amount_minor": [leg.amount.amount_minor for _, _, leg in legs],
        "currency": [leg.amount.currency for _, _, leg in legs],
    }
    await insert_rows(unit, posting, columns)


async def _fold_balances(unit: Unit, fresh: Sequence[tuple[UUID, Batch]], accounts: dict[AccountKey, UUID]) -> None:
    """One update for each touched account, however many legs it has, in account order."""
    sums: dict[UUID, list[int]] = {}
    for _, batch in fresh:
        for leg in batch.legs:
            fold = sums.setdefault(accounts[leg.path, leg.amount.currency], [0, 0])
            fold[0] += leg.amount.amount_minor
            fold[1] += 1
    touched = sorted(sums)
    columns: dict[str, list[Any]] = {
        "account_id": touched,
        "balance_minor": [sums[account][0] for account in touched],
        "postings_count": [sums[account][1] for account in touched],
        "updated_at": [unit.now()] * len(touched),
    }
    for piece in slices(columns):
        given = rows_of(account_balance, piece)
        chosen = select(literal(unit.merchant_id, account_balance.c.merchant_id.type), *given.c)
        statement = upsert(account_balance).from_select(["merchant_id", *piece], chosen.order_by(given.c.account_id))
        statement = statement.on_conflict_do_update(
            index_elements=["merchant_id", "account_id"],
            set_={
                "balance_minor": account_balance.c.balance_minor + statement.excluded.balance_minor,
                "postings_count": account_balance.c.postings_count + statement.excluded.postings_count,
                "updated_at": statement.excluded.updated_at,
            },
        )
        await unit.run(statement)
