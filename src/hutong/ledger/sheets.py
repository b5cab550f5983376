"""A sheet: batches linked to the end of the chain and laid out in columns, as one statement takes them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from hutong.ledger.batches import Batch, Link
from hutong.ledger.guards import Move
from hutong.ledger.states import Phase

#: Path and currency.
AccountKey = tuple[str, str]


class ChainEnd(msgspec.Struct, frozen=True):
    """The last link: how many batches there are, the hash of the last one, and when it was recorded."""

    batches_count: int
    hash: bytes
    recorded_at: datetime


class Draft(msgspec.Struct, frozen=True):
    """A verified batch with its id and the digest of its content, before it stands in the chain."""

    batch_id: UUID
    batch: Batch
    digest: bytes
    phase: Phase = Phase.POSTED
    resolves_id: UUID | None = None
    expires_at: datetime | None = None

    def account_keys(self) -> set[AccountKey]:
        """The accounts it touches."""
        return {(leg.path, leg.amount.currency) for leg in self.batch.legs}

    def moves(self, accounts: Mapping[AccountKey, UUID]) -> dict[UUID, Move]:
        """What it does to each account."""
        held = self.phase is Phase.HELD
        found: dict[UUID, Move] = {}
        for leg in self.batch.legs:
            found.setdefault(accounts[leg.path, leg.amount.currency], Move()).add(leg.amount.amount_minor, held=held)
        return found


class Sheet(msgspec.Struct, frozen=True):
    """The arguments of ``ledger_write`` after the merchant, the accounts it posts to, and where the chain ends then."""

    arguments: tuple[Any, ...]
    accounts: list[UUID]
    end: ChainEnd
    first_sequence: int


def make_sheet(drafts: Sequence[Draft], end: ChainEnd, now: datetime, accounts: Mapping[AccountKey, UUID]) -> Sheet:
    """Link drafts to the chain in their order. Legs of reserves are left to ``holds``: they do not count yet."""
    recorded_at = max(now, end.recorded_at)
    hashes = [end.hash]
    for sequence, draft in enumerate(drafts, start=end.batches_count + 1):
        hashes.append(_link(sequence, draft, recorded_at).after(hashes[-1]))
    batches = [draft.batch for draft in drafts]
    new_end = ChainEnd(end.batches_count + len(drafts), hashes[-1], recorded_at)
    legs, touched = _legs(drafts, accounts)
    arguments = (
        recorded_at,
        end.batches_count + 1,
        end.hash,
        new_end.hash,
        [draft.batch_id for draft in drafts],
        [batch.idempotency_key for batch in batches],
        [draft.digest for draft in drafts],
        _short([batch.kind for batch in batches]),
        _short([batch.subject_kind for batch in batches]),
        [batch.subject_id for batch in batches],
        [batch.event_at for batch in batches],
        hashes[:-1],
        hashes[1:],
        _short([draft.phase for draft in drafts]),
        _short([draft.resolves_id for draft in drafts]),
        *legs,
    )
    return Sheet(arguments, touched, new_end, end.batches_count + 1)


def _short(values: list[Any]) -> list[Any]:
    """A column whose values are all the same is sent as one of them."""
    return values[:1] if values and values.count(values[0]) == len(values) else values


def _link(sequence: int, draft: Draft, recorded_at: datetime) -> Link:
    return Link(
        sequence=sequence,
        batch_id=draft.batch_id,
        idempotency_key=draft.batch.idempotency_key,
        payload_hash=draft.digest,
        event_at=draft.batch.event_at,
        recorded_at=recorded_at,
        expires_at=draft.expires_at,
    )


def _legs(drafts: Sequence[Draft], accounts: Mapping[AccountKey, UUID]) -> tuple[tuple[list[Any], ...], list[UUID]]:
    """Postings as five columns, then one row for each touched account: id, what moved, how many legs; and those ids."""
    batch_ids: list[UUID] = []
    numbers: list[int] = []
    account_ids: list[UUID] = []
    amounts: list[int] = []
    currencies: list[str] = []
    folds: dict[UUID, list[int]] = {}
    for draft in drafts:
        if draft.phase is Phase.HELD:
            continue
        for number, leg in enumerate(draft.batch.legs, start=1):
            money = leg.amount
            amount_minor = money.amount_minor
            account_id = accounts[leg.path, money.currency]
            batch_ids.append(draft.batch_id)
            numbers.append(number)
            account_ids.append(account_id)
            amounts.append(amount_minor)
            currencies.append(money.currency)
            fold = folds.get(account_id)
            if fold is None:
                folds[account_id] = [amount_minor, 1]
            else:
                fold[0] += amount_minor
                fold[1] += 1
    touched = sorted(folds)
    moved = [folds[account_id][0] for account_id in touched]
    counts = [folds[account_id][1] for account_id in touched]
    return (batch_ids, numbers, account_ids, amounts, _short(currencies), touched, moved, counts), touched
