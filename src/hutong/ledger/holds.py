"""Money that is reserved: held apart from the balance, then posted (whole or a part), given up, or run out; once.

A reserve and its end stand in the chain like any batch. The pending columns of an account are the fold of its open
reserves; a guard counts them as if their worst part were posted, so that what is held can always be posted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import select

from hutong.core.errors import NotFound
from hutong.core.money import Money
from hutong.db.bulk import insert_rows
from hutong.db.unit import Unit
from hutong.ledger.batches import Batch, Leg, PostResult, form_of
from hutong.ledger.errors import HoldExceeded, HoldResolved, MalformedBatch
from hutong.ledger.events import HoldEnded, MoneyHeld, PostedLeg
from hutong.ledger.guards import Move
from hutong.ledger.jobs import EXPIRE_HOLD, HoldKey
from hutong.ledger.models import ledger_account, ledger_batch, ledger_hold, ledger_hold_leg
from hutong.ledger.posting import batch_posted, lock_chain, write_drafts
from hutong.ledger.sheets import AccountKey, Draft
from hutong.ledger.states import HOLD, PHASE_OF, HoldEvent, HoldState, Phase
from hutong.ledger.store import add_pending, driver_of


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """A reserve as it stands; ``legs`` are what was reserved, debit positive."""

    hold_id: UUID
    state: HoldState
    kind: str
    subject_kind: str
    subject_id: UUID
    expires_at: datetime | None
    resolved_at: datetime | None
    legs: tuple[Leg, ...]
    account_ids: tuple[UUID, ...]


#: The key of a reserve's end: there is one, whichever it is.
END_KEY: Final = "hold_end:{}"


async def hold(unit: Unit, batch: Batch, *, expires_at: datetime | None = None) -> PostResult:
    """Reserve what a batch would post; its ``batch_id`` is the reserve's id. The same key again has no effect.

    Raises:
        MalformedBatch, UnbalancedBatch: the batch must not stand in the books, or it would have run out already.
        BatchKeyReused: the key serves other content.
        AccountOverdrawn: a guarded account would leave its side.
    """
    batch.verify()
    if expires_at is not None and (expires_at.tzinfo is None or expires_at <= unit.now()):
        raise MalformedBatch(key=batch.idempotency_key, problem="expires_at")
    digest = batch.payload_hash(*form_of(Phase.HELD, None))
    draft = Draft(unit.new_id(), batch, digest, Phase.HELD, None, expires_at)
    written = await write_drafts(unit, [draft])
    if written.fresh:
        await unit.insert(ledger_hold, hold_id=draft.batch_id, state=HoldState.PENDING.value, expires_at=expires_at)
        await _keep_legs(unit, draft, written.accounts)
        unit.emit(
            MoneyHeld(
                hold_id=draft.batch_id,
                kind=batch.kind,
                subject_kind=batch.subject_kind,
                subject_id=batch.subject_id,
                expires_at=expires_at,
                legs=tuple(PostedLeg(leg.path, leg.amount.amount_minor, leg.amount.currency) for leg in batch.legs),
            )
        )
        if expires_at is not None:
            unit.schedule(EXPIRE_HOLD, HoldKey(draft.batch_id), delay=expires_at - unit.now())
    return written.results()[0]


async def post_hold(unit: Unit, hold_id: UUID, *, event_at: datetime, legs: Sequence[Leg] | None = None) -> PostResult:
    """Post a reserve, or a part of it (``legs``); what is not posted is free again. The same end twice has no effect.

    Raises:
        NotFound: no such reserve.
        HoldResolved: it ended otherwise, or its time is over.
        HoldExceeded: more than was reserved, or on another account or side.
        MalformedBatch, UnbalancedBatch: the part must not stand in the books.
    """
    return await _end(unit, hold_id, HoldEvent.POST, event_at, legs)


async def void_hold(unit: Unit, hold_id: UUID) -> PostResult:
    """Give a reserve up. Giving it up twice has no effect.

    Raises:
        NotFound: no such reserve.
        HoldResolved: it was posted or has run out.
    """
    return await _end(unit, hold_id, HoldEvent.VOID, unit.now(), ())


async def expire_hold(unit: Unit, hold_id: UUID) -> bool:
    """End a reserve whose time is over; False when its time is not over, or it has ended already."""
    held = await get_hold(unit, hold_id)
    if held.expires_at is None or held.expires_at > unit.now():
        return False
    try:
        return (await _end(unit, hold_id, HoldEvent.EXPIRE, held.expires_at, ())).posted
    except HoldResolved:
        return False


async def get_hold(unit: Unit, hold_id: UUID) -> Hold:
    """A reserve.

    Raises:
        NotFound: no such reserve.
    """
    row = await unit.one(
        select(ledger_hold, ledger_batch.c.kind, ledger_batch.c.subject_kind, ledger_batch.c.subject_id)
        .join(
            ledger_batch,
            (ledger_batch.c.merchant_id == ledger_hold.c.merchant_id)
            & (ledger_batch.c.batch_id == ledger_hold.c.hold_id),
        )
        .where(ledger_hold.c.merchant_id == unit.merchant_id, ledger_hold.c.hold_id == hold_id)
    )
    if row is None:
        raise NotFound(what="hold", key=str(hold_id))
    legs = await unit.all(
        select(ledger_hold_leg, ledger_account.c.path)
        .join(
            ledger_account,
            (ledger_account.c.merchant_id == ledger_hold_leg.c.merchant_id)
            & (ledger_account.c.account_id == ledger_hold_leg.c.account_id),
        )
        .where(ledger_hold_leg.c.merchant_id == unit.merchant_id, ledger_hold_leg.c.hold_id == hold_id)
        .order_by(ledger_hold_leg.c.leg_no)
    )
    return Hold(
        hold_id=hold_id,
        state=HoldState(row.state),
        kind=row.kind,
        subject_kind=row.subject_kind,
        subject_id=row.subject_id,
        expires_at=row.expires_at,
        resolved_at=row.resolved_at,
        legs=tuple(Leg(leg.path, Money(leg.amount_minor, leg.currency)) for leg in legs),
        account_ids=tuple(leg.account_id for leg in legs),
    )


async def _end(
    unit: Unit, hold_id: UUID, event: HoldEvent, event_at: datetime, legs: Sequence[Leg] | None
) -> PostResult:
    await lock_chain(unit)  # two who end the same reserve see each other
    held = await get_hold(unit, hold_id)
    draft = _end_draft(unit, held, event, event_at, held.legs if legs is None else tuple(legs))
    if held.state is not HoldState.PENDING:
        return await _known_end(unit, held, draft)
    if event is HoldEvent.POST:
        draft.batch.verify()
        _refuse_beyond(held, draft.batch.legs)
        if held.expires_at is not None and held.expires_at <= unit.now():
            raise HoldResolved(hold_id=str(hold_id), state=HoldState.EXPIRED)
    moved = await unit.transition(ledger_hold, {"hold_id": hold_id}, HOLD, event, resolved_at=unit.now())
    assert moved, "the chain is locked and the state was pending"
    # Released first: the guard then sees what is posted in the place of what was held, never both.
    await _add_pending(unit, held.account_ids, held.legs, -1)
    written = await write_drafts(unit, [draft])
    if event is HoldEvent.POST:
        unit.emit(batch_posted(draft))
    unit.emit(HoldEnded(hold_id=hold_id, batch_id=draft.batch_id, outcome=HOLD.next(held.state, event).value))
    return written.results()[0]


def _end_draft(unit: Unit, held: Hold, event: HoldEvent, event_at: datetime, legs: tuple[Leg, ...]) -> Draft:
    batch = Batch(
        idempotency_key=END_KEY.format(held.hold_id),
        kind=held.kind,
        subject_kind=held.subject_kind,
        subject_id=held.subject_id,
        event_at=event_at,
        legs=legs,
    )
    phase = PHASE_OF[event]
    return Draft(unit.new_id(), batch, batch.payload_hash(*form_of(phase, held.hold_id)), phase, held.hold_id)


async def _known_end(unit: Unit, held: Hold, draft: Draft) -> PostResult:
    """The end that the reserve has found already, where it is this one."""
    row = await unit.one(
        select(ledger_batch.c.batch_id, ledger_batch.c.payload_hash).where(
            ledger_batch.c.merchant_id == unit.merchant_id, ledger_batch.c.resolves_id == held.hold_id
        )
    )
    if row is None or row.payload_hash != draft.digest:
        raise HoldResolved(hold_id=str(held.hold_id), state=held.state)
    return PostResult(posted=False, batch_id=row.batch_id)


def _refuse_beyond(held: Hold, legs: Iterable[Leg]) -> None:
    """Refuse what was not reserved: each account and side by itself."""
    room = _by_side(held.legs)
    for (path, currency, is_debit), amount_minor in _by_side(legs).items():
        held_minor = room.get((path, currency, is_debit), 0)
        if abs(amount_minor) > abs(held_minor):
            raise HoldExceeded(hold_id=str(held.hold_id), path=path, posted_minor=amount_minor, held_minor=held_minor)


def _by_side(legs: Iterable[Leg]) -> dict[tuple[str, str, bool], int]:
    sums: dict[tuple[str, str, bool], int] = {}
    for leg in legs:
        amount_minor = leg.amount.amount_minor
        key = (leg.path, leg.amount.currency, amount_minor > 0)
        sums[key] = sums.get(key, 0) + amount_minor
    return sums


async def _keep_legs(unit: Unit, draft: Draft, accounts: dict[AccountKey, UUID]) -> None:
    legs = draft.batch.legs
    ids = [accounts[leg.path, leg.amount.currency] for leg in legs]
    await insert_rows(
        unit,
        ledger_hold_leg,
        {
            "hold_id": [draft.batch_id] * len(legs),
            "leg_no": list(range(1, len(legs) + 1)),
            "account_id": ids,
            "amount_minor": [leg.amount.amount_minor for leg in legs],
            "currency": [leg.amount.currency for leg in legs],
        },
    )
    await _add_pending(unit, ids, legs, 1)


async def _add_pending(unit: Unit, account_ids: Sequence[UUID], legs: Sequence[Leg], sign: int) -> None:
    """Count reserves in (+1) or out (-1), one update for each account."""
    moves: dict[UUID, Move] = {}
    for account_id, leg in zip(account_ids, legs, strict=True):
        moves.setdefault(account_id, Move()).add(leg.amount.amount_minor, held=True)
    await add_pending(await driver_of(unit), unit.merchant_id, moves, sign, unit.now())
