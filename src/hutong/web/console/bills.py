"""The bills pages (对账): a month of days at a glance, and one day with what differs in it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import Controller, Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect

from hutong.core.money import Money
from hutong.db.unit import Unit
from hutong.merchants.actors import staff_actor
from hutong.merchants.queries import connections, staff_names
from hutong.payments.bill_matching import Verdict
from hutong.payments.bill_queries import BillDay, DayFilter, bill_days, differences, one_day, open_kinds
from hutong.payments.bills import CURRENCY, BillKey
from hutong.platforms.bills import bill_day
from hutong.web.console.bill_views import BillAccount, BillDate, BillsView, BillView
from hutong.web.console.bill_words import reason_of
from hutong.web.console.desk import ConsoleRequest, Desk, go_to, session_of
from hutong.web.console.paging import PAGE_ROWS, page_offset, paging
from hutong.web.console.periods import day_of
from hutong.workflows.commands.read_bill import ask_again
from hutong.workflows.commands.settle_difference import settle_difference, settle_differences

#: Bills of one month that a page shows: thirty-one days of sixteen accounts.
BILLS_SHOWN: Final = 500
A_DAY: Final = timedelta(days=1)


class SettleForm(msgspec.Struct, frozen=True, kw_only=True):
    """How a difference was dealt with."""

    note: str = ""


class SettleKindForm(msgspec.Struct, frozen=True, kw_only=True):
    """How all open differences of one kind were dealt with."""

    kind: Verdict
    note: str = ""


class BillsController(Controller):
    """The bills pages."""

    path = "/bills"
    include_in_schema = False

    @get("/")
    async def show(self, request: ConsoleRequest, desk: Desk, month: str = "") -> Response[str]:
        """A month, the latest day first; without one, that of the latest bill."""
        async with desk.unit(request, "console.bills") as unit:
            accounts = await _accounts(unit, desk)
            today = bill_day(unit.now())
            first = day_of(f"{month}-01") or await _latest(unit) or today
            first = first.replace(day=1)
            after = (first + timedelta(days=31)).replace(day=1)
            wanted = DayFilter(first=first, last=after - A_DAY)
            found = await bill_days(unit, wanted, limit=BILLS_SHOWN, offset=0)
            view = BillsView(
                accounts=accounts,
                days=_by_day(found.rows, accounts),
                month=f"{first:%Y-%m}",
                month_before=f"{first - A_DAY:%Y-%m}",
                month_after=f"{after:%Y-%m}" if after <= today else "",
                agreed_count=sum(row.agrees for row in found.rows),
                open_count=sum(row.open_count for row in found.rows),
                waiting_count=sum(row.read_at is None for row in found.rows),
                off=Money(sum(row.off.amount_minor for row in found.rows), CURRENCY),
            )
            return await desk.page(request, unit, "console/bills.html", view)

    @get("/{connection_id:uuid}/{day:date}")
    async def one(
        self, request: ConsoleRequest, desk: Desk, connection_id: UUID, day: date, asked: str = "", page: int = 1
    ) -> Response[str]:
        """One account's day."""
        path = f"/bills/{connection_id}/{day}"
        async with desk.unit(request, "console.bill") as unit:
            bill = await one_day(unit, connection_id, day)
            found = await differences(unit, connection_id, day, limit=PAGE_ROWS, offset=page_offset(page))
            accounts = {account.connection_id: account for account in await _accounts(unit, desk)}
            plain = BillAccount(connection_id=connection_id, platform=bill.platform, title="")
            view = BillView(
                account=accounts.get(connection_id, plain),
                bill=bill,
                reason=reason_of(bill.problem),
                differences=found.rows,
                kinds=await open_kinds(unit, connection_id, day),
                staff=await staff_names(unit),
                paging=paging(path, {}, page=page, total=found.total, shown=len(found.rows)),
                asked=bool(asked),
            )
            return await desk.page(request, unit, "console/bill.html", view)

    @post("/{connection_id:uuid}/{day:date}/read")
    async def read(self, request: ConsoleRequest, desk: Desk, connection_id: UUID, day: date) -> Redirect:
        """Ask the wallet for the bill again, now."""
        await ask_again(desk.runtime, session_of(request).merchant_id, BillKey(connection_id, day))
        return go_to(f"/bills/{connection_id}/{day}?asked=1")

    @post("/{connection_id:uuid}/{day:date}/settle")
    async def settle_kind(
        self,
        request: ConsoleRequest,
        desk: Desk,
        connection_id: UUID,
        day: date,
        data: Annotated[SettleKindForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
    ) -> Redirect:
        """Say how all open differences of one kind were dealt with."""
        key = BillKey(connection_id, day)
        async with desk.unit(request, "console.differences") as unit:
            await settle_differences(unit, key, data.kind, data.note, staff_actor(session_of(request)))
        return go_to(f"/bills/{connection_id}/{day}")

    @post("/differences/{difference_id:uuid}/settle")
    async def settle(
        self,
        request: ConsoleRequest,
        desk: Desk,
        difference_id: UUID,
        data: Annotated[SettleForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
    ) -> Redirect:
        """Say how a difference was dealt with."""
        async with desk.unit(request, "console.difference") as unit:
            key = await settle_difference(unit, difference_id, data.note, staff_actor(session_of(request)))
        return go_to(f"/bills/{key.connection_id}/{key.day}")


async def _accounts(unit: Unit, desk: Desk) -> tuple[BillAccount, ...]:
    """Accounts at wallets whose bills are read."""
    found = []
    for row in await connections(unit):
        connector = desk.runtime.registry.get(row.platform)
        if connector.bills is not None:
            title = "" if row.title == connector.title_zh else row.title
            account = BillAccount(connection_id=row.connection_id, platform=row.platform, title=title, mode=row.mode)
            found.append(account)
    return tuple(found)


async def _latest(unit: Unit) -> date | None:
    """The latest day that anything is known of: the month opens on what there is to see."""
    found = await bill_days(unit, limit=1, offset=0)
    return found.rows[0].day if found.rows else None


def _by_day(bills: Sequence[BillDay], accounts: Sequence[BillAccount]) -> tuple[BillDate, ...]:
    by_key = {(bill.day, bill.connection_id): bill for bill in bills}
    days = sorted({bill.day for bill in bills}, reverse=True)
    return tuple(
        BillDate(day=day, bills=tuple(by_key.get((day, account.connection_id)) for account in accounts)) for day in days
    )
