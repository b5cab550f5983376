"""Read the wallet's bill of a day: a job of each account and day, until the bill is there or somebody is told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final
from uuid import UUID

import msgspec

from hutong.core.errors import HutongError, InvalidInput
from hutong.core.money import Money
from hutong.db.unit import Unit
from hutong.ledger.booked_fees import booked_fees
from hutong.ledger.sales import refund_key, sale_key, suspense_key, suspense_return_key
from hutong.merchants.connections import get_connection
from hutong.merchants.tickets import Severity, TicketKind, close_tickets, has_open_ticket, open_ticket
from hutong.payments.bill_days import hold_with_day_before, missing_days
from hutong.payments.bill_differences import days_that_differ, open_count
from hutong.payments.bill_matching import Ours, Standing
from hutong.payments.bill_records import Record, is_money, refunds_numbered, took_money, trades_numbered
from hutong.payments.bill_states import BillState
from hutong.payments.bills import (
    ONE_DAY,
    BillKey,
    BillTask,
    begin_reading,
    count_try,
    declare_missing,
    expect,
    finish_reading,
    get_bill,
    give_up,
    is_last,
    odd_by_now,
    write_piece,
)
from hutong.payments.service import get_attempt
from hutong.platforms.bills import Bill, BillKind, BillRow, Bills, BillStatus, bill_day, due_at
from hutong.workflows.commands.settle import check_paid
from hutong.workflows.jobs import BILL_GAPS, CHECK_PAID, READ_AFTER_DOUBT, READ_BILL, AttemptKey
from hutong.workflows.runtime import Runtime

#: Accounts do not all ask at the same second.
SPREAD_S: Final = 1200
#: Of a late bill wallets say the same as of a day without trade. So long after its hour they are asked again.
EMPTY_DOUBTED_FOR: Final = timedelta(hours=3)
#: Between the days of an account that are read again after a trouble: others want to work, too.
AGAIN_GAP: Final = timedelta(seconds=20)
#: What a ticket about a bill is about.
SUBJECT: Final = "bill"


class ToldKey(AttemptKey, frozen=True, kw_only=True):
    """Payload: an attempt of which a bill says that it was paid, and which bill."""

    connection_id: UUID
    day: date


async def read_due_bill(runtime: Runtime, merchant_id: UUID, payload: bytes) -> None:
    """The job of one account and day; it leaves the next day's behind, and itself again while there is no bill.

    The next day's is left behind first: whatever happens to this one, the account goes on being read. Where the
    connector is not installed, or has no bills any more, the wait ends here; :func:`begin_bills` takes it up again.
    """
    key = msgspec.json.decode(payload, type=BillTask)
    async with runtime.unit(merchant_id, "bill.begin") as unit:
        platform = (await get_connection(unit, key.connection_id)).platform
        bills = bills_of(runtime, platform)
        await expect(unit, key, platform)
        if bills is None:
            return
        if key.follows:
            await _follow_with_next_day(unit, bills, key, platform)
    try:
        opened = await runtime.open_account(merchant_id, key.connection_id)
        told = await bills.fetch(opened.account, key.day)
    except HutongError as error:  # unreachable, refused, or a file that cannot be used: the reason is kept
        await _try_again(runtime, merchant_id, key, error.code)
        return
    if await _is_there(runtime, merchant_id, key, bills, told):
        await take_bill(runtime, merchant_id, key, bills, told)
    else:
        await _try_again(runtime, merchant_id, key, None)


async def take_bill(runtime: Runtime, merchant_id: UUID, key: BillTask, bills: Bills, told: Bill) -> None:
    """Write a bill down in one transaction and hold it against what we know; reading it again changes nothing.

    Raises:
        BillRefused: the rows turn out not to be what they must be; nothing was written.
    """
    async with runtime.unit(merchant_id, "bill.take") as unit:
        reading = await begin_reading(unit, key)
        view = await get_bill(unit, key)
        if told.pieces is not None:
            async for piece in told.pieces():
                records = await _records(unit, view.platform, piece)
                _doubt_unpaid(unit, key, piece, records)
                await write_piece(unit, key, piece, await _with_fees(unit, records), reading)
        days = await finish_reading(unit, key, told, reading)
        await close_tickets(unit, TicketKind.BILL_MISSING, subject_of(key))
        for day in days:
            await tell_of_differences(unit, BillKey(key.connection_id, day))
        again = await odd_by_now(unit, key, reading)
        if view.is_in_trouble:  # which is over: what it cost besides can be had now, and had no ticket of its own
            again += await missing_days(unit, key.connection_id, _oldest(unit, bills))
        for place, day in enumerate(again):
            _read_again(unit, BillKey(key.connection_id, day), place * AGAIN_GAP)


async def check_told(runtime: Runtime, merchant_id: UUID, payload: bytes) -> None:
    """Ask the wallet about an attempt of which its bill says that it was paid; what is good by now is read again.

    However late the wallet answers, the day is read after that: the difference ends by itself.
    """
    key = msgspec.json.decode(payload, type=ToldKey)
    await check_paid(runtime, merchant_id, payload)
    async with runtime.unit(merchant_id, "bill.checked") as unit:
        if is_money((await get_attempt(unit, key.attempt_id)).state):
            _read_again(unit, BillKey(key.connection_id, key.day), READ_AFTER_DOUBT)


async def read_again_for(unit: Unit, connection_id: UUID, number: str) -> None:
    """Something was decided on the money under a number: bills that differ in it are read once more, when it is booked.

    The difference ends by itself then, or says what still differs.
    """
    for place, day in enumerate(await days_that_differ(unit, connection_id, number)):
        _read_again(unit, BillKey(connection_id, day), READ_AFTER_DOUBT + place * AGAIN_GAP)


async def ask_again(runtime: Runtime, merchant_id: UUID, key: BillKey) -> None:
    """Read a day once more, now.

    Raises:
        NotFound: not this merchant's connection. InvalidInput: it has no bills, or not of that day.
    """
    opened = await runtime.open_account(merchant_id, key.connection_id)
    bills, today = opened.connector.bills, bill_day(runtime.clock.now())
    if bills is None:
        raise InvalidInput(field="connection", problem=opened.connector.name)
    if not today - timedelta(days=bills.kept_days) <= key.day < today:
        raise InvalidInput(field="day", problem=f"{today - timedelta(days=bills.kept_days)}..{today - ONE_DAY}")
    async with runtime.unit(merchant_id, "bill.again") as unit:
        await expect(unit, key, opened.connector.name)
        unit.drop_jobs([(READ_BILL, dedupe_key(key))])  # the next try is now
        task = BillTask(key.connection_id, key.day, follows=await is_last(unit, key))
        unit.schedule(READ_BILL, task, dedupe_key=dedupe_key(key))


def first_bill(unit: Unit, connection_id: UUID, bills: Bills) -> None:
    """A wallet account was connected: its first bill is that of today."""
    wait_for_bill(unit, bills, BillTask(connection_id, bill_day(unit.now())))


def bills_of(runtime: Runtime, platform: str) -> Bills | None:
    """A platform's bills; None where it has none, or its connector is not installed."""
    return next((connector.bills for connector in runtime.registry.all() if connector.name == platform), None)


async def tell_of_differences(unit: Unit, key: BillKey) -> None:
    """One ticket for each day and account with open differences; none any more where there is none."""
    count = await open_count(unit, key.connection_id, key.day)
    subject = subject_of(key)
    if not count:
        await close_tickets(unit, TicketKind.BILL_DIFFERS, subject)
    elif not await has_open_ticket(unit, TicketKind.BILL_DIFFERS, subject):
        await _ticket(unit, key, TicketKind.BILL_DIFFERS)


def subject_of(key: BillKey) -> str:
    """How a ticket names a bill; also the end of its page's address."""
    return f"{key.connection_id}/{key.day}"


def dedupe_key(key: BillKey) -> str:
    """One open job for each account and day."""
    return f"{key.connection_id.hex}:{key.day}"


async def _ticket(unit: Unit, key: BillKey, kind: TicketKind) -> None:
    view = await get_bill(unit, key)
    await open_ticket(
        unit,
        kind,
        Severity.NORMAL,
        subject=(SUBJECT, subject_of(key)),
        details={"platform": view.platform, "day": key.day.isoformat()},
        dedupe_key=f"{dedupe_key(key)}:{unit.new_id().hex}",  # a trouble that comes back is a trouble again
    )


def wait_for_bill(unit: Unit, bills: Bills, key: BillTask) -> None:
    """Leave the job of a day behind, due when the wallet is said to have its bill."""
    spread = timedelta(seconds=key.connection_id.int % SPREAD_S)
    delay = max(due_at(key.day, bills.ready_time) + spread - unit.now(), timedelta(0))
    unit.schedule(READ_BILL, key, delay=delay, dedupe_key=dedupe_key(key))


def _read_again(unit: Unit, key: BillKey, delay: timedelta) -> None:
    """A day alone; the days after it have jobs of their own."""
    task = BillTask(key.connection_id, key.day, follows=False)
    unit.schedule(READ_BILL, task, delay=delay, dedupe_key=dedupe_key(key))


def _oldest(unit: Unit, bills: Bills) -> date:
    """The oldest day whose bill the wallet still has."""
    return bill_day(unit.now()) - timedelta(days=bills.kept_days)


async def _follow_with_next_day(unit: Unit, bills: Bills, key: BillKey, platform: str) -> None:
    """The next day's bill is waited for on its own, however long this takes; what no wallet keeps is passed over."""
    following = BillTask(key.connection_id, max(key.day + ONE_DAY, _oldest(unit, bills)))
    if following.day <= bill_day(unit.now()) and await expect(unit, following, platform):
        wait_for_bill(unit, bills, following)


async def _is_there(runtime: Runtime, merchant_id: UUID, key: BillKey, bills: Bills, told: Bill) -> bool:
    """Whether a bill can be taken as it is.

    "Nothing happened" is doubted for some hours, unless a file says it, and while we know better and may ask again.
    """
    if told.status is not BillStatus.EMPTY:
        return told.status is BillStatus.READY
    async with runtime.unit(merchant_id, "bill.doubt") as unit:
        if (await get_bill(unit, key)).tries_count >= len(BILL_GAPS):
            return True
        if not told.digest and unit.now() < due_at(key.day, bills.ready_time) + EMPTY_DOUBTED_FOR:
            return False
        return not await took_money(unit, key.connection_id, key.day)


async def _try_again(runtime: Runtime, merchant_id: UUID, key: BillTask, problem: str | None) -> None:
    async with runtime.unit(merchant_id, "bill.wait") as unit:
        before = await hold_with_day_before(unit, key.connection_id, key.day)
        tries = await count_try(unit, key, problem)
        if tries <= len(BILL_GAPS):
            unit.schedule(READ_BILL, key, delay=BILL_GAPS[tries - 1], dedupe_key=dedupe_key(key))
            return
        if await give_up(unit, key) and before is not None:
            waiting = BillKey(key.connection_id, before)  # its missing rows are looked for here in vain
            await declare_missing(unit, waiting, unit.now())
            await tell_of_differences(unit, waiting)
        # An account that gives none is one trouble. A day that was missing before, and still is, may be the next one.
        is_missing = (await get_bill(unit, key)).state is BillState.MISSING
        if is_missing and not await has_open_ticket(unit, TicketKind.BILL_MISSING, f"{key.connection_id}/"):
            await _ticket(unit, key, TicketKind.BILL_MISSING)


async def _records(unit: Unit, platform: str, rows: Sequence[BillRow]) -> list[Record]:
    """Our own records of these rows."""
    trade_nos = [row.own_no for row in rows if row.kind is not BillKind.REFUND]
    trades = await trades_numbered(unit, platform, trade_nos)
    refund_nos = [row.own_no for row in rows if row.kind is BillKind.REFUND]
    refunds = await refunds_numbered(unit, platform, refund_nos)
    return [*trades.values(), *refunds.values()]


def _doubt_unpaid(unit: Unit, key: BillKey, rows: Sequence[BillRow], records: Sequence[Record]) -> None:
    """The wallet took money of which we know nothing: it is asked about each of these.

    Only money that was made good brings another reading (:func:`check_told`), so that this ends.
    """
    told = {row.own_no for row in rows if row.kind is BillKind.TRADE}
    for record in records:
        if record.number in told and record.standing is Standing.NEVER:
            doubted = ToldKey(record.subject_id, connection_id=key.connection_id, day=key.day)
            unit.schedule(CHECK_PAID, doubted, dedupe_key=f"{dedupe_key(key)}:{record.subject_id.hex}")


async def _with_fees(unit: Unit, records: Sequence[Record]) -> dict[tuple[str, str], Ours]:
    """Our own records with the fees that the books took, by kind and number."""
    booked = await booked_fees(unit, [_book_key(record) for record in records])
    ours: dict[tuple[str, str], Ours] = {}
    for record in records:
        fee_minor = booked.get(_book_key(record))
        known = record.ours(None if fee_minor is None else Money(fee_minor, record.amount.currency))
        ours[record.kind.value, record.number] = known
        if record.kind is BillKind.TRADE:
            ours[BillKind.REVERSAL.value, record.number] = known
    return ours


def _book_key(record: Record) -> str:
    """The batch in which the books took note of it."""
    if record.kind is BillKind.REFUND:
        return refund_key(record.subject_id) if record.is_kept else suspense_return_key(record.subject_id)
    return sale_key(record.order_id) if record.is_kept else suspense_key(record.subject_id)
