"""Reserves and guards for programs: put money aside, post or release it, and keep accounts from being overdrawn."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.params import Parameter

from hutong.core.errors import NotFound
from hutong.db.unit import Unit
from hutong.ledger.account_queries import account_states
from hutong.ledger.accounts import PATH_CHARS_MAX
from hutong.ledger.external import external_batch, refuse_unless_external
from hutong.ledger.guarding import set_guard
from hutong.ledger.guards import Guard
from hutong.ledger.hold_queries import HoldRow, one_hold, open_holds
from hutong.ledger.service import hold, post_hold, void_hold
from hutong.merchants.actors import key_actor
from hutong.merchants.keys import ApiKey
from hutong.web.api.bodies import RequestBody, Word
from hutong.web.api.callers import CREATED, once
from hutong.web.api.catalogue import Limit, Offset
from hutong.web.api.examples import with_example
from hutong.web.api.ledger import (
    LEGS_EXAMPLE,
    NOTHING,
    REPEATED,
    AccountStateItem,
    AccountStatesAnswer,
    BatchKey,
    Legs,
    event_time,
    posting_key,
    states,
)
from hutong.workflows.runtime import Runtime

#: A reserve runs out within a year, or never.
LIFE_S_MAX: Final = 366 * 24 * 3600
HOLD_EXAMPLE: Final = {"key": "deposit-12", "subject_kind": "deposit", "expires_in_s": 900, "legs": LEGS_EXAMPLE}
PART_EXAMPLE: Final = {"legs": [{**leg, "amount_minor": leg["amount_minor"] // 5} for leg in LEGS_EXAMPLE]}
GUARD_EXAMPLE: Final = {"account": "external:points:customer.42", "currency": "CNY", "guard": "debit"}


class NewHold(RequestBody, frozen=True, kw_only=True):
    """Legs that are put aside; otherwise as a batch. ``expires_in_s``: seconds until it ends by itself; null: never."""

    legs: Legs
    key: BatchKey | None = None
    subject_kind: Word = "entry"
    subject_id: UUID = NOTHING
    event_at: datetime | None = None
    expires_in_s: Annotated[int, msgspec.Meta(ge=1, le=LIFE_S_MAX)] | None = None


class HoldMade(msgspec.Struct, frozen=True, kw_only=True):
    """The reserve's id, which is its batch's as well."""

    hold_id: UUID
    key: str


class HoldEnd(RequestBody, frozen=True, kw_only=True):
    """What is posted of a reserve: these legs, or without them all of it; the rest is free again."""

    legs: Legs | None = None
    event_at: datetime | None = None


class HoldEnded(msgspec.Struct, frozen=True, kw_only=True):
    """The batch of the chain that ends the reserve."""

    hold_id: UUID
    batch_id: UUID


class HeldLeg(msgspec.Struct, frozen=True, kw_only=True):
    """What was reserved on an account: debit positive."""

    account: str
    amount_minor: int
    currency: str


class HoldItem(msgspec.Struct, frozen=True, kw_only=True):
    """A reserve: ``pending``, or how it ended: ``posted``, ``voided`` or ``expired``."""

    hold_id: UUID
    key: str
    state: str
    subject_kind: str
    subject_id: UUID
    legs: tuple[HeldLeg, ...]
    held_at: datetime
    expires_at: datetime | None
    resolved_at: datetime | None


class HoldsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A page of open reserves, the oldest first."""

    items: tuple[HoldItem, ...]
    total: int


class GuardRequest(RequestBody, frozen=True, kw_only=True):
    """The side that an account must not leave: ``debit`` (never below zero) or ``credit``; null lifts the guard."""

    account: Annotated[str, msgspec.Meta(max_length=PATH_CHARS_MAX)]
    guard: Guard | None
    currency: Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")] = "CNY"


class HoldsApi(Controller):
    """Money that is put aside: it does not count yet and cannot be taken otherwise."""

    path = "/api/v1/ledger/holds"
    tags = ["Books"]

    @post(
        "/",
        opt={"scope": "ledger:write"},
        summary="Reserve",
        operation_class=with_example("For a quarter of an hour", HOLD_EXAMPLE),
    )
    async def reserve(
        self,
        request: Request[Any, Any, Any],
        runtime: Runtime,
        caller: ApiKey,
        data: NewHold,
    ) -> Response[HoldMade]:
        """Put the legs aside: 201 when it is new, 200 when it was reserved already under this key.

        A guarded account is never overdrawn by what is reserved on it (`ledger_overdrawn`).
        """
        now = runtime.clock.now()
        batch = external_batch(
            key=posting_key(request, data.key),
            subject_kind=data.subject_kind,
            subject_id=data.subject_id,
            event_at=event_time(data.event_at, now),
            legs=[leg.leg() for leg in data.legs],
        )
        life = None if data.expires_in_s is None else timedelta(seconds=data.expires_in_s)
        async with runtime.unit(caller.merchant_id, "api.hold") as unit:
            result = await hold(unit, batch, expires_at=None if life is None else unit.now() + life)
        assert result.batch_id is not None, "a verified batch has legs"
        answer = HoldMade(hold_id=result.batch_id, key=batch.idempotency_key)
        return Response(answer, status_code=CREATED if result.posted else REPEATED)

    @get("/", opt={"scope": "ledger:read"}, summary="Open reserves")
    async def list_open(
        self,
        runtime: Runtime,
        caller: ApiKey,
        limit: Limit,
        offset: Offset,
        account: Annotated[str, Parameter(max_length=PATH_CHARS_MAX, default="", description="Only those on it")],
    ) -> HoldsAnswer:
        """What waits to be posted or released, the oldest first."""
        async with runtime.unit(caller.merchant_id, "api.holds") as unit:
            found = await open_holds(unit, account, limit=limit, offset=offset)
        return HoldsAnswer(items=tuple(_item(row) for row in found.rows), total=found.total)

    @get("/{hold_id:uuid}", opt={"scope": "ledger:read"}, summary="One reserve")
    async def one(self, runtime: Runtime, caller: ApiKey, hold_id: UUID) -> HoldItem:
        """Open, or how it ended."""
        async with runtime.unit(caller.merchant_id, "api.hold_read") as unit:
            return _item(await _found(unit, hold_id))

    @post(
        "/{hold_id:uuid}/post",
        opt={"scope": "ledger:write"},
        summary="Post a reserve, or a part of it",
        operation_class=with_example("A fifth of it", PART_EXAMPLE),
    )
    async def post_it(
        self,
        request: Request[Any, Any, Any],
        runtime: Runtime,
        caller: ApiKey,
        hold_id: UUID,
        data: HoldEnd,
    ) -> Response[bytes]:
        """What is not posted is free again. A reserve ends once; the same end again has no effect.

        Each account gets at most what was reserved on it, on the same side (`ledger_hold_exceeded`).
        """
        event_at = event_time(data.event_at, runtime.clock.now())
        legs = None if data.legs is None else [leg.leg() for leg in data.legs]

        async def work(unit: Unit) -> HoldEnded:
            await _mine(unit, hold_id)
            result = await post_hold(unit, hold_id, event_at=event_at, legs=legs)
            return _ended(hold_id, result.batch_id)

        return await once(runtime, caller, request, "api.hold_post", work)

    @post("/{hold_id:uuid}/void", opt={"scope": "ledger:write"}, summary="Release a reserve")
    async def void(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, hold_id: UUID
    ) -> Response[bytes]:
        """All of it is free again. Releasing it twice has no effect."""

        async def work(unit: Unit) -> HoldEnded:
            await _mine(unit, hold_id)
            return _ended(hold_id, (await void_hold(unit, hold_id)).batch_id)

        return await once(runtime, caller, request, "api.hold_void", work)


class GuardsApi(Controller):
    """Accounts that must not be overdrawn."""

    path = "/api/v1/ledger/guards"
    tags = ["Books"]

    @get("/", opt={"scope": "ledger:read"}, summary="Guarded accounts")
    async def list_guards(
        self,
        runtime: Runtime,
        caller: ApiKey,
        limit: Limit,
        offset: Offset,
        account: Annotated[str, Parameter(max_length=PATH_CHARS_MAX, default="", description="Only this one")],
    ) -> AccountStatesAnswer:
        """Each with its side and what may still be taken off it."""
        async with runtime.unit(caller.merchant_id, "api.guards") as unit:
            rows = await account_states(unit, path=account, guarded=True, limit=limit, offset=offset)
        return AccountStatesAnswer(items=states(rows))

    @post(
        "/",
        opt={"scope": "ledger:write"},
        summary="Set or lift a guard",
        operation_class=with_example("Never below zero", GUARD_EXAMPLE),
    )
    async def guard(
        self,
        request: Request[Any, Any, Any],
        runtime: Runtime,
        caller: ApiKey,
        data: GuardRequest,
    ) -> Response[bytes]:
        """From now on the database itself keeps the account on its side; refused where it is off it now.

        What is reserved counts as if its worst part were posted. Only accounts under `external:` are guarded.
        """

        async def work(unit: Unit) -> AccountStateItem:
            await set_guard(unit, key_actor(caller), data.account, data.currency, data.guard)
            found = await account_states(unit, path=data.account, limit=1, currency=data.currency)
            return states(found)[0]

        return await once(runtime, caller, request, "api.guard", work)


async def _found(unit: Unit, hold_id: UUID) -> HoldRow:
    row = await one_hold(unit, hold_id)
    if row is None:
        raise NotFound(what="hold", key=str(hold_id))
    return row


async def _mine(unit: Unit, hold_id: UUID) -> None:
    """Refuse to end what the hub itself reserved."""
    for leg in (await _found(unit, hold_id)).legs:
        refuse_unless_external(leg.path)


def _ended(hold_id: UUID, batch_id: UUID | None) -> HoldEnded:
    assert batch_id is not None, "every end stands in the chain"
    return HoldEnded(hold_id=hold_id, batch_id=batch_id)


def _item(row: HoldRow) -> HoldItem:
    return HoldItem(
        hold_id=row.hold_id,
        key=row.key,
        state=row.state,
        subject_kind=row.subject_kind,
        subject_id=row.subject_id,
        legs=tuple(
            HeldLeg(account=leg.path, amount_minor=leg.amount.amount_minor, currency=leg.amount.currency)
            for leg in row.legs
        ),
        held_at=row.held_at,
        expires_at=row.expires_at,
        resolved_at=row.resolved_at,
    )
