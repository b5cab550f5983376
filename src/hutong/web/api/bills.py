"""The wallets' bills: days at a glance, what differs, reading a day again, and settling a difference."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.params import Parameter, QueryParameter

from hutong.core.money import Money
from hutong.db.unit import Unit
from hutong.merchants.actors import key_actor
from hutong.merchants.keys import ApiKey
from hutong.payments.bill_differences import NOTE_CHARS_MAX
from hutong.payments.bill_matching import Verdict
from hutong.payments.bill_queries import BillDay, DayFilter, Difference, bill_days, differences, one_day
from hutong.payments.bill_states import DifferenceState
from hutong.payments.bills import BillKey
from hutong.web.api.bodies import RequestBody
from hutong.web.api.callers import once
from hutong.web.api.catalogue import Limit, Offset
from hutong.workflows.commands.read_bill import ask_again
from hutong.workflows.commands.settle_difference import settle_difference, settle_differences
from hutong.workflows.runtime import Runtime

DifferenceStates = Annotated[
    str, QueryParameter(name="state", pattern=f"^({'|'.join(state.value for state in DifferenceState)}|)$", default="")
]
Note = Annotated[str, msgspec.Meta(min_length=1, max_length=NOTE_CHARS_MAX)]


class BillItem(msgspec.Struct, frozen=True, kw_only=True):
    """The bill of one account and day (in China). ``awaited``: ours, looked for in the next day's bill.

    ``off_minor``: what the open differences are about, added up without signs. ``problem``: code of the last error.
    """

    connection_id: UUID
    platform: str
    day: date
    state: str
    problem: str
    tries: int
    rows: int
    matched: int
    awaited: int
    open_differences: int
    ended_differences: int
    off_minor: int
    traded_minor: int
    refunded_minor: int
    fees_minor: int
    currency: str
    read_at: datetime | None


class BillsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A page of days, the latest first."""

    items: tuple[BillItem, ...]
    total: int


class DifferenceItem(msgspec.Struct, frozen=True, kw_only=True):
    """What bill and hub say differently: amounts, or fees where the kind is ``fee_differs``; null: nothing there."""

    difference_id: UUID
    connection_id: UUID
    day: date
    kind: str
    row_kind: str
    number: str
    wallet_no: str
    payment_id: UUID | None
    ours_minor: int | None
    bill_minor: int | None
    state: str
    note: str
    opened_at: datetime
    ended_at: datetime | None


class DifferencesAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A page of differences, open ones first."""

    items: tuple[DifferenceItem, ...]
    total: int


class ReadAsked(msgspec.Struct, frozen=True, kw_only=True):
    """The bill that will be read now."""

    connection_id: UUID
    day: date


class Settlement(RequestBody, frozen=True, kw_only=True):
    """How a difference was dealt with."""

    note: Note


class SettlementOfKind(RequestBody, frozen=True, kw_only=True):
    """How all open differences of one kind on a day were dealt with."""

    kind: Literal["missing_in_bill", "unknown_to_us", "amount_differs", "fee_differs"]
    note: Note


class DifferencesSettled(msgspec.Struct, frozen=True, kw_only=True):
    """How many differences were settled."""

    count: int


class DifferenceSettled(msgspec.Struct, frozen=True, kw_only=True):
    """The difference that was settled."""

    difference_id: UUID


class BillsApi(Controller):
    """The wallets' bills."""

    path = "/api/v1/bills"
    tags = ["Bills"]

    @get("/", opt={"scope": "payments:read"}, summary="Bills of the wallets by account and day")
    async def days(
        self,
        runtime: Runtime,
        caller: ApiKey,
        limit: Limit,
        offset: Offset,
        connection_id: UUID | None = None,
        first: date | None = None,
        last: date | None = None,
        only_open: Annotated[bool, Parameter(query="open", default=False)] = False,
    ) -> BillsAnswer:
        """Days, the latest first; ``open``: only those with differences that nobody has dealt with."""
        wanted = DayFilter(connection_id=connection_id, first=first, last=last, only_open=only_open)
        async with runtime.unit(caller.merchant_id, "api.bills") as unit:
            page = await bill_days(unit, wanted, limit=limit, offset=offset)
        return BillsAnswer(items=tuple(_bill(row) for row in page.rows), total=page.total)

    @get("/{connection_id:uuid}/{day:date}", opt={"scope": "payments:read"}, summary="One bill")
    async def one(self, runtime: Runtime, caller: ApiKey, connection_id: UUID, day: date) -> BillItem:
        """The bill of one account and day."""
        async with runtime.unit(caller.merchant_id, "api.bill") as unit:
            return _bill(await one_day(unit, connection_id, day))

    @get(
        "/{connection_id:uuid}/{day:date}/differences",
        opt={"scope": "payments:read"},
        summary="What differs between a bill and the hub",
    )
    async def differences(
        self,
        runtime: Runtime,
        caller: ApiKey,
        limit: Limit,
        offset: Offset,
        connection_id: UUID,
        day: date,
        difference_state: DifferenceStates,
    ) -> DifferencesAnswer:
        """Differences of one account and day, open ones first."""
        async with runtime.unit(caller.merchant_id, "api.differences") as unit:
            await one_day(unit, connection_id, day)
            page = await differences(unit, connection_id, day, difference_state, limit=limit, offset=offset)
        return DifferencesAnswer(items=tuple(_difference(row) for row in page.rows), total=page.total)

    @post(
        "/{connection_id:uuid}/{day:date}/read", opt={"scope": "refunds:write"}, summary="Read the bill of a day again"
    )
    async def read(self, runtime: Runtime, caller: ApiKey, connection_id: UUID, day: date) -> ReadAsked:
        """Ask the wallet now; reading a day again is safe."""
        await ask_again(runtime, caller.merchant_id, BillKey(connection_id, day))
        return ReadAsked(connection_id=connection_id, day=day)

    @post(
        "/{connection_id:uuid}/{day:date}/settle",
        opt={"scope": "refunds:write"},
        summary="Settle all open differences of one kind on a day",
    )
    async def settle_kind(
        self,
        request: Request[Any, Any, Any],
        runtime: Runtime,
        caller: ApiKey,
        connection_id: UUID,
        day: date,
        data: SettlementOfKind,
    ) -> Response[bytes]:
        """They have one reason, for example another rate. Nothing is posted."""

        async def work(unit: Unit) -> DifferencesSettled:
            key = BillKey(connection_id, day)
            await one_day(unit, connection_id, day)
            return DifferencesSettled(
                count=await settle_differences(unit, key, Verdict(data.kind), data.note, key_actor(caller))
            )

        return await once(runtime, caller, request, "difference.settle_kind", work)

    @post("/differences/{difference_id:uuid}/settle", opt={"scope": "refunds:write"}, summary="Settle a difference")
    async def settle(
        self,
        request: Request[Any, Any, Any],
        runtime: Runtime,
        caller: ApiKey,
        difference_id: UUID,
        data: Settlement,
    ) -> Response[bytes]:
        """Somebody has dealt with it, and says how. Nothing is posted."""

        async def work(unit: Unit) -> DifferenceSettled:
            await settle_difference(unit, difference_id, data.note, key_actor(caller))
            return DifferenceSettled(difference_id=difference_id)

        return await once(runtime, caller, request, "difference.settle", work)


def _bill(row: BillDay) -> BillItem:
    return BillItem(
        connection_id=row.connection_id,
        platform=row.platform,
        day=row.day,
        state=row.state,
        problem=row.problem,
        tries=row.tries_count,
        rows=row.rows_count,
        matched=row.matched_count,
        awaited=row.awaited_count,
        open_differences=row.open_count,
        ended_differences=row.ended_count,
        off_minor=row.off.amount_minor,
        traded_minor=row.traded.amount_minor,
        refunded_minor=row.refunded.amount_minor,
        fees_minor=row.fees.amount_minor,
        currency=row.traded.currency,
        read_at=row.read_at,
    )


def _difference(row: Difference) -> DifferenceItem:
    return DifferenceItem(
        difference_id=row.difference_id,
        connection_id=row.connection_id,
        day=row.day,
        kind=row.kind,
        row_kind=row.row_kind,
        number=row.number,
        wallet_no=row.wallet_no,
        payment_id=row.payment_id,
        ours_minor=_minor(row.ours),
        bill_minor=_minor(row.told),
        state=row.state,
        note=row.note,
        opened_at=row.opened_at,
        ended_at=row.ended_at,
    )


def _minor(amount: Money | None) -> int | None:
    return None if amount is None else amount.amount_minor
