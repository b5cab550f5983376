"""Writing batches inside a transaction: who is new, who may, and one sheet for all of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

import msgspec

from hutong.core.errors import HutongError
from hutong.db.disk import ON_DISK
from hutong.db.unit import Unit
from hutong.ledger.batches import Batch, PostResult
from hutong.ledger.errors import AccountOverdrawn, BatchKeyReused
from hutong.ledger.events import BatchesPosted, BatchPosted, PostedLeg
from hutong.ledger.guards import GuardedAccount, overdrawn
from hutong.ledger.jobs import keep_books
from hutong.ledger.sheets import AccountKey, ChainEnd, Draft, make_sheet
from hutong.ledger.store import Raw, accounts_of, driver_of, guarded_accounts, known_batches, lock_end, write_sheet


class Written(msgspec.Struct, frozen=True):
    """What a write did: the answer to each draft, and the drafts that are new, in the order of the chain.

    ``first_sequence`` is that of the first new one; ``accounts`` knows the id of every account that was named,
    ``guarded`` those of them that have a guard; ``end`` is where the chain ends now.
    """

    answers: list[PostResult | HutongError]
    fresh: list[Draft]
    first_sequence: int
    accounts: dict[AccountKey, UUID]
    guarded: list[UUID]
    end: ChainEnd

    def results(self) -> list[PostResult]:
        """The answers of a write that was not ``apart``: none of them is a refusal."""
        return [answer for answer in self.answers if isinstance(answer, PostResult)]


async def lock_chain(unit: Unit) -> ChainEnd:
    """The end of the merchant's chain, held until the end of the transaction.

    It puts his postings in one order, so nothing below it can deadlock. Take it after the rows of other domains.
    """
    return await lock_end(await driver_of(unit), unit.merchant_id)


def batch_posted(draft: Draft) -> BatchPosted:
    """The event that tells one batch."""
    batch = draft.batch
    return BatchPosted(
        batch_id=draft.batch_id,
        kind=batch.kind,
        subject_kind=batch.subject_kind,
        subject_id=batch.subject_id,
        event_at=batch.event_at,
        legs=tuple(PostedLeg(leg.path, leg.amount.amount_minor, leg.amount.currency) for leg in batch.legs),
    )


def batches_posted(first_sequence: int, count: int) -> BatchesPosted:
    """The event that tells many batches, by their place in the chain."""
    return BatchesPosted(batches_count=count, first_sequence=first_sequence, last_sequence=first_sequence + count - 1)


def draft_of(unit: Unit, batch: Batch) -> Draft:
    """A plain batch, verified.

    Raises:
        MalformedBatch, UnbalancedBatch: it must not stand in the books.
    """
    batch.verify()
    return Draft(unit.new_id(), batch, batch.payload_hash())


async def write(unit: Unit, batches: Sequence[Batch]) -> Written:
    """Post batches in the given order, all or none; those that are in the books already are left alone.

    Raises:
        MalformedBatch, UnbalancedBatch: a batch must not stand in the books; nothing is written.
        BatchKeyReused: a key serves other content, here or in the books.
        AccountOverdrawn: a guarded account would leave its side.
        AccountBeyondBooks: an account would leave what the books can hold.
    """
    return await write_drafts(unit, [draft_of(unit, batch) for batch in batches])


async def write_drafts(unit: Unit, drafts: Sequence[Draft], *, apart: bool = False) -> Written:
    """Post verified drafts. A refusal is raised before anything is written, or answers its draft alone (``apart``)."""
    raw = await driver_of(unit)
    end = await lock_end(raw, unit.merchant_id)
    accounts = await accounts_of(
        raw, unit.merchant_id, {key for draft in drafts for key in draft.account_keys()}, unit.now()
    )
    guarded = await guarded_accounts(raw, unit.merchant_id, set(accounts.values()))
    answers, fresh = await _judge(raw, unit.merchant_id, drafts, accounts, guarded)
    if not apart:
        _raise_refusal(answers)
    new_end = end
    if fresh:
        sheet = make_sheet(fresh, end, unit.now(), accounts)
        await write_sheet(raw, unit.merchant_id, sheet)
        keep_books(unit, end.batches_count, sheet.end.batches_count)
        new_end = sheet.end
    elif any(isinstance(answer, PostResult) for answer in answers):
        # A flush may have committed it and still wait for the disk: who is told that it stands shall be right.
        await raw.execute(ON_DISK)
    return Written(answers, fresh, end.batches_count + 1, accounts, list(guarded), new_end)


async def open_accounts(unit: Unit, keys: Collection[AccountKey]) -> dict[AccountKey, UUID]:
    """Ids of accounts; those that do not exist yet are opened."""
    return await accounts_of(await driver_of(unit), unit.merchant_id, keys, unit.now())


def _raise_refusal(answers: Sequence[PostResult | HutongError]) -> None:
    for answer in answers:
        if isinstance(answer, HutongError):
            raise answer


async def _judge(
    raw: Raw,
    merchant_id: UUID,
    drafts: Sequence[Draft],
    accounts: dict[AccountKey, UUID],
    guarded: dict[UUID, GuardedAccount],
) -> tuple[list[PostResult | HutongError], list[Draft]]:
    """The answer to each draft, and those that go in. The chain is locked: nobody changes what is seen here."""
    known = await known_batches(raw, merchant_id, [draft.batch.idempotency_key for draft in drafts])
    answers: list[PostResult | HutongError] = []
    fresh: list[Draft] = []
    for draft in drafts:
        key = draft.batch.idempotency_key
        if key in known:
            batch_id, digest = known[key]
            if digest != draft.digest:
                answers.append(BatchKeyReused(key=key))
            else:  # its own id: an earlier try of the same draft went through
                answers.append(PostResult(posted=batch_id == draft.batch_id, batch_id=batch_id))
            continue
        account = overdrawn(guarded, draft.moves(accounts).items()) if guarded else None
        if account is not None:
            answers.append(_refusal(key, account))
            continue
        known[key] = (draft.batch_id, draft.digest)
        fresh.append(draft)
        answers.append(PostResult(posted=True, batch_id=draft.batch_id))
    return answers, fresh


def _refusal(key: str, account: GuardedAccount) -> AccountOverdrawn:
    return AccountOverdrawn(
        key=key, path=account.path, currency=account.currency, headroom_minor=account.headroom_minor()
    )
