"""The books for programs: post batches of one's own, balances of any moment, and the chain to be hashed anew."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.params import Parameter

from hutong.core.errors import InvalidInput
from hutong.core.money import SUM_MINOR_MAX, Money
from hutong.ledger.account_queries import AccountState, account_states
from hutong.ledger.accounts import PATH_CHARS_MAX
from hutong.ledger.batches import LEGS_MAX, LEGS_MIN
from hutong.ledger.chain_queries import ChainBatch, chain_after, chain_batch, day_over, sealed_days
from hutong.ledger.external import external_batch
from hutong.ledger.history import balance_at, balance_known_at
from hutong.ledger.queries import chain_end
from hutong.ledger.roots import SealedDay
from hutong.ledger.service import Leg
from hutong.merchants.keys import ApiKey
from hutong.web.api.bodies import CurrencyCode, RequestBody, Word
from hutong.web.api.callers import CREATED, IDEMPOTENCY_HEADER, KEY_CHARS_MAX
from hutong.web.api.catalogue import Limit, Offset
from hutong.web.api.examples import with_example
from hutong.web.labels import mark
from hutong.web.moments import aware
from hutong.web.told import Told
from hutong.workflows.runtime import Runtime

#: When something can have happened: not before this, and no further ahead than clocks differ.
EVENT_FIRST: Final = datetime(2000, 1, 1, tzinfo=UTC)
EVENT_AHEAD_MAX: Final = timedelta(days=1)
NOTHING: Final = UUID(int=0)
LEGS_EXAMPLE: Final[tuple[dict[str, Any], ...]] = (
    {"account": "external:points:issued", "amount_minor": -500},
    {"account": "external:points:customer.42", "amount_minor": 500},
)
BATCH_EXAMPLE: Final = {"key": "points-2026-0001", "subject_kind": "points", "legs": LEGS_EXAMPLE}
REPEATED: Final = 200

AccountPath = Annotated[str, Parameter(max_length=PATH_CHARS_MAX, description="A path such as external:points:issued")]
Currency = Annotated[str, Parameter(pattern="^[A-Z]{3}$", default="CNY")]
BatchKey = Annotated[str, msgspec.Meta(max_length=KEY_CHARS_MAX)]
Sequence0 = Annotated[int, Parameter(ge=0, le=2**63 - 1, default=0, description="A place in the chain")]


class LegRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One leg: debit positive, credit negative, in minor units (fen)."""

    account: Annotated[str, msgspec.Meta(max_length=PATH_CHARS_MAX)]
    amount_minor: Annotated[int, msgspec.Meta(ge=-SUM_MINOR_MAX, le=SUM_MINOR_MAX)]
    currency: CurrencyCode = "CNY"

    def leg(self) -> Leg:
        """As the books take it."""
        return Leg(self.account, Money(self.amount_minor, self.currency))


Legs = Annotated[tuple[LegRequest, ...], msgspec.Meta(min_length=LEGS_MIN, max_length=LEGS_MAX)]


class NewBatch(RequestBody, frozen=True, kw_only=True):
    """Legs that are posted together or not at all; they add up to zero in each currency.

    ``key``: makes the batch once; without it the Idempotency-Key does. ``subject_kind`` and ``subject_id``: what it is
    about, in words of your own. ``event_at``: when it happened; without it now.
    """

    legs: Legs
    key: BatchKey | None = None
    subject_kind: Word = "entry"
    subject_id: UUID = NOTHING
    event_at: datetime | None = None


class Posted(msgspec.Struct, frozen=True, kw_only=True):
    """The batch stands in the books, on disk. ``key``: the one it has there."""

    batch_id: UUID
    key: str


class DayItem(msgspec.Struct, frozen=True, kw_only=True):
    """The seal of a day: the last batch recorded in it, the chain's hash there, and the root (hexadecimal)."""

    day: date
    zone: str
    ends_at: datetime
    last_sequence: int
    chain_hash: str
    root: str


class BatchAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A batch, and the first sealed day whose root covers it: null until its day is over."""

    batch: ChainBatch
    day: DayItem | None


class ChainAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Batches in the order of the chain; ``chain_batches`` and ``chain_hash`` tell where it ends."""

    items: tuple[ChainBatch, ...]
    chain_batches: int
    chain_hash: str


class DaysAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A page of seals, the latest first."""

    items: tuple[DayItem, ...]
    total: int


class AccountStateItem(msgspec.Struct, frozen=True, kw_only=True):
    """An account as it stands, debit positive. ``pending_…``: what is reserved and does not count yet.

    ``guard``: the side it must not leave, ``debit`` or ``credit``; ``headroom_minor``: what may still be taken off that
    side, null without a guard.
    """

    account: str
    kind: str
    currency: str
    balance_minor: int
    pending_debit_minor: int
    pending_credit_minor: int
    guard: str | None
    headroom_minor: int | None


class AccountStatesAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A page of accounts, by path."""

    items: tuple[AccountStateItem, ...]


class BalanceAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A balance of one account, debit positive; zero where there is no such account. ``basis``: now, event or known."""

    account: str
    currency: str
    basis: str
    at: datetime
    balance_minor: int


class LedgerApi(Controller):
    """Batches of one's own, balances of any moment, the chain and its seals."""

    path = "/api/v1/ledger"
    tags = ["Books"]

    @post(
        "/batches",
        opt={"scope": "ledger:write"},
        summary="Post a batch",
        operation_class=with_example("Points for a customer", BATCH_EXAMPLE),
    )
    async def post_batch(
        self,
        request: Request[Any, Any, Any],
        runtime: Runtime,
        caller: ApiKey,
        data: NewBatch,
    ) -> Response[Posted]:
        """Answers when the batch is on disk: 201 when it is new, 200 when it stood there already.

        The same key with other legs is refused (`ledger_key_reused`). Only accounts under `external:` are posted to. A
        503 (`ledger_busy`, `ledger_unclear`) says to send it again with the same key.
        """
        batch = external_batch(
            key=posting_key(request, data.key),
            subject_kind=data.subject_kind,
            subject_id=data.subject_id,
            event_at=event_time(data.event_at, runtime.clock.now()),
            legs=[leg.leg() for leg in data.legs],
        )
        result = await runtime.books.post(caller.merchant_id, batch)
        assert result.batch_id is not None, "a verified batch has legs"
        answer = Posted(batch_id=result.batch_id, key=batch.idempotency_key)
        return Response(answer, status_code=CREATED if result.posted else REPEATED)

    @get("/batches", opt={"scope": "ledger:read"}, summary="The chain, batch by batch")
    async def chain(self, runtime: Runtime, caller: ApiKey, limit: Limit, after: Sequence0) -> ChainAnswer:
        """Batches behind a place in the chain with all that their hashes cover, to hash them anew."""
        async with runtime.unit(caller.merchant_id, "api.chain") as unit:
            end = await chain_end(unit)
            rows = await chain_after(unit, after, limit=limit)
        return ChainAnswer(items=rows, chain_batches=end.batches_count, chain_hash=end.hash.hex())

    @get("/batches/{batch_id:uuid}", opt={"scope": "ledger:read"}, summary="One batch with its hash and day root")
    async def batch(self, runtime: Runtime, caller: ApiKey, batch_id: UUID) -> BatchAnswer:
        """Its legs, its hash, the hash before it, and the root of the day that seals it."""
        async with runtime.unit(caller.merchant_id, "api.batch") as unit:
            found = await chain_batch(unit, batch_id)
            day = await day_over(unit, found.sequence)
        return BatchAnswer(batch=found, day=None if day is None else day_item(day))

    @get("/days", opt={"scope": "ledger:read"}, summary="Seals of days")
    async def days(self, runtime: Runtime, caller: ApiKey, limit: Limit, offset: Offset) -> DaysAnswer:
        """Each day that is over in the merchant's zone, the latest first. A root never changes."""
        async with runtime.unit(caller.merchant_id, "api.days") as unit:
            found = await sealed_days(unit, limit=limit, offset=offset)
        return DaysAnswer(items=tuple(day_item(row) for row in found.rows), total=found.total)

    @get("/accounts", opt={"scope": "ledger:read"}, summary="Accounts with guards and reserves")
    async def accounts(
        self,
        runtime: Runtime,
        caller: ApiKey,
        limit: Limit,
        offset: Offset,
        under: Annotated[str, Parameter(max_length=PATH_CHARS_MAX, default="", description="A path, and all below")],
    ) -> AccountStatesAnswer:
        """As they stand now: balance, what is reserved on either side, guard and headroom."""
        async with runtime.unit(caller.merchant_id, "api.account_states") as unit:
            rows = await account_states(unit, path=under, below=True, limit=limit, offset=offset)
        return AccountStatesAnswer(items=states(rows))

    @get("/balance", opt={"scope": "ledger:read"}, summary="A balance, now or at a past moment")
    async def balance(
        self,
        runtime: Runtime,
        caller: ApiKey,
        account: AccountPath,
        currency: Currency,
        at: datetime | None = None,
        known_at: datetime | None = None,
    ) -> BalanceAnswer:
        """Now; or (`at`) by everything that had happened up to then, also if it was told later; or (`known_at`) as the
        books showed it then.
        """
        now = runtime.clock.now()
        if at is not None and known_at is not None:
            raise InvalidInput(field="known_at", problem="at")
        moment = event_time(at or known_at, now, field="at" if known_at is None else "known_at")
        basis = "now" if at is None and known_at is None else "event" if known_at is None else "known"
        async with runtime.unit(caller.merchant_id, "api.balance") as unit:
            if basis == "now":
                found = await account_states(unit, path=account, currency=currency, limit=1)
                amount = found[0].balance if found else Money(0, currency)
            elif basis == "event":
                amount = await balance_at(unit, account, currency, moment)
            else:
                amount = await balance_known_at(unit, account, currency, moment)
        return BalanceAnswer(
            account=account, currency=currency, basis=basis, at=moment, balance_minor=amount.amount_minor
        )


def posting_key(request: Request[Any, Any, Any], given: str | None) -> str:
    """The key of a batch: its own, or else the request's Idempotency-Key.

    Raises:
        InvalidInput: there is none, or it is too long.
    """
    key = request.headers.get(IDEMPOTENCY_HEADER) if given is None else given
    if key is None or not 0 < len(key) <= KEY_CHARS_MAX:
        raise InvalidInput(field="Idempotency-Key", problem=f"1–{KEY_CHARS_MAX}")
    return key


def event_time(given: datetime | None, now: datetime, field: str = "event_at") -> datetime:
    """When something happened: now where it is not said.

    Raises:
        InvalidInput: without a time zone, before the year 2000, or more than a day ahead.
    """
    moment = aware(given, field)
    if moment is None:
        return now
    if not EVENT_FIRST <= moment <= now + EVENT_AHEAD_MAX:
        raise InvalidInput(
            field=field,
            problem=Told(
                mark("%(given)s 不在 %(first)s 年至明天此时之间"), given=moment.isoformat(), first=EVENT_FIRST.year
            ),
        )
    return moment


def day_item(sealed: SealedDay) -> DayItem:
    """A seal as the API tells it."""
    return DayItem(
        day=sealed.day,
        zone=sealed.zone,
        ends_at=sealed.ends_at,
        last_sequence=sealed.last_sequence,
        chain_hash=sealed.chain_hash.hex(),
        root=sealed.root.hex(),
    )


def states(rows: Sequence[AccountState]) -> tuple[AccountStateItem, ...]:
    """Accounts as the API tells them."""
    return tuple(
        AccountStateItem(
            account=row.path,
            kind=row.kind,
            currency=row.balance.currency,
            balance_minor=row.balance.amount_minor,
            pending_debit_minor=row.pending_debit.amount_minor,
            pending_credit_minor=row.pending_credit.amount_minor,
            guard=row.guard,
            headroom_minor=None if row.headroom is None else row.headroom.amount_minor,
        )
        for row in rows
    )
