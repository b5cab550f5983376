"""Read the wallet's bill of a day: a job of each account and day, until the bill is there or somebody is told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import text

from hutong.core.errors import HutongError, InvalidInput
from hutong.core.money import Money
from hutong.db.unit import Unit
from hutong.ledger.booked_fees import booked_fees
from hutong.ledger.sales import refund_key, sale_key, suspense_key, suspense_return_key
from hutong.merchants.tickets import Severity, TicketKind, close_tickets, has_open_ticket, open_ticket
from hutong.payments.bill_differences import open_count
from hutong.payments.bill_matching import Ours, Standing
from hutong.payments.bill_records import Record, refunds_numbered, took_money, trades_numbered
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
    write_piece,
)
from hutong.platforms.bills import Bill, BillKind, BillRow, Bills, BillStatus, bill_day, due_at
from hutong.workflows.jobs import BILL_GAPS, CHECK_PAID, READ_AFTER_DOUBT, READ_BILL, AttemptKey
from hutong.workflows.runtime import OpenedAccount, Runtime

#: Accounts do not all ask at the same second.
SPREAD_S: Final = 1200
#: Accounts for which one start begins to wait; the rest is left to the next one.
BEGUN_MAX: Final = 10_000
_UNWAITED: Final = text(
    "SELECT c.merchant_id, c.connection_id, c.platform FROM connection c WHERE c.platform = ANY(:able) "
    "AND NOT EXISTS (SELECT 1 FROM bill b WHERE b.merchant_id = c.merchant_id AND b.connection_id = c.connection_id) "
    "AND NOT EXISTS (SELECT 1 FROM job j WHERE j.merchant_id = c.merchant_id AND j.kind = :kind "
    "AND j.finished_at IS NULL AND starts_with(j.dedupe_key, replace(c.connection_id::text, '-', ''))) LIMIT :most"
)
#: What a ticket about a bill is about.
SUBJECT: Final = "bill"


async def read_due_bill(runtime: Runtime, merchant_id: UUID, payload: bytes) -> None:
    """The job of one account and day; it leaves the next day's behind, and itself again while there is no bill."""
    key = msgspec.json.decode(payload, type=BillTask)
    opened = await runtime.open_account(merchant_id, key.connection_id)
    bills = opened.connector.bills
    if bills is None:
        return
    async with runtime.unit(merchant_id, "bill.begin") as unit:
        await expect(unit, key, opened.connector.name)
        if key.follows:
            await _follow_with_next_day(unit, bills, key, opened)
    try:
        told = await bills.fetch(opened.account, key.day)
    except HutongError as error:  # unreachable, refused, or a file that cannot be used: the reason is kept
        await _try_again(runtime, merchant_id, key, error.code)
        return
    if await _is_there(runtime, merchant_id, key, told):
        await take_bill(runtime, merchant_id, key, told)
    else:
        await _try_again(runtime, merchant_id, key, None)


async def take_bill(runtime: Runtime, merchant_id: UUID, key: BillTask, told: Bill) -> None:
    """Write a bill down in one transaction and hold it against what we know; reading it again changes nothing.

    Raises:
        BillRefused: the rows turn out not to be what they must be; nothing was written.
    """
    async with runtime.unit(merchant_id, "bill.take") as unit:
        platform = (await get_bill(unit, key)).platform
        reading = await begin_reading(unit, key)
        if told.pieces is not None:
            async for piece in told.pieces():
                records = await _records(unit, platform, piece)
                if key.follows:  # once: the reading that comes of it doubts nothing
                    _doubt_unpaid(unit, key, piece, records)
                await write_piece(unit, key, piece, await _with_fees(unit, records), reading)
        days = await finish_reading(unit, key, told, reading)
        await close_tickets(unit, TicketKind.BILL_MISSING, subject_of(key))
        for day in days:
            await tell_of_differences(unit, BillKey(key.connection_id, day))


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
        await unit.drop_jobs([(READ_BILL, dedupe_key(key))])  # the next try is now
        task = BillTask(key.connection_id, key.day, follows=await is_last(unit, key))
        unit.schedule(READ_BILL, task, dedupe_key=dedupe_key(key))


def first_bill(unit: Unit, connection_id: UUID, bills: Bills) -> None:
    """A wallet account was connected: its first bill is that of today."""
    key = BillTask(connection_id, bill_day(unit.now()))
    _schedule(unit, bills, key)


async def begin_bills(runtime: Runtime) -> int:
    """Wait for the bills of accounts for which nobody does: those that were connected before bills were read.

    Tells how many there were; it is safe at each start, in as many processes as there are.
    """
    able = [connector.name for connector in runtime.registry.all() if connector.bills is not None]
    async with runtime.database.plain("system") as connection:
        found = (await connection.execute(_UNWAITED, {"able": able, "kind": READ_BILL, "most": BEGUN_MAX})).all()
    for row in found:
        bills = runtime.registry.get(row.platform).bills
        assert bills is not None, "only accounts of wallets with bills were looked for"
        async with runtime.unit(row.merchant_id, "bill.first") as unit:
            first_bill(unit, row.connection_id, bills)
    return len(found)


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


def _schedule(unit: Unit, bills: Bills, key: BillTask) -> None:
    spread = timedelta(seconds=key.connection_id.int % SPREAD_S)
    delay = max(due_at(key.day, bills.ready_time) + spread - unit.now(), timedelta(0))
    unit.schedule(READ_BILL, key, delay=delay, dedupe_key=dedupe_key(key))


async def _follow_with_next_day(unit: Unit, bills: Bills, key: BillKey, opened: OpenedAccount) -> None:
    """The next day's bill is waited for on its own, however long this takes; what no wallet keeps is passed over."""
    oldest = bill_day(unit.now()) - timedelta(days=bills.kept_days)
    following = BillTask(key.connection_id, max(key.day + ONE_DAY, oldest))
    if following.day <= bill_day(unit.now()) and await expect(unit, following, opened.connector.name):
        _schedule(unit, bills, following)


async def _is_there(runtime: Runtime, merchant_id: UUID, key: BillKey, told: Bill) -> bool:
    """Whether a bill can be taken as it is. "Nothing happened" is doubted while we know better and may ask again."""
    if told.status is not BillStatus.EMPTY:
        return told.status is BillStatus.READY
    async with runtime.unit(merchant_id, "bill.doubt") as unit:
        view = await get_bill(unit, key)
        return view.tries_count >= len(BILL_GAPS) or not await took_money(unit, key.connection_id, key.day)


async def _try_again(runtime: Runtime, merchant_id: UUID, key: BillTask, problem: str | None) -> None:
    async with runtime.unit(merchant_id, "bill.wait") as unit:
        tries = await count_try(unit, key, problem)
        if tries <= len(BILL_GAPS):
            unit.schedule(READ_BILL, key, delay=BILL_GAPS[tries - 1], dedupe_key=dedupe_key(key))
        elif await give_up(unit, key):
            if not await has_open_ticket(unit, TicketKind.BILL_MISSING, f"{key.connection_id}/"):
                await _ticket(unit, key, TicketKind.BILL_MISSING)  # an account that gives none is one trouble
            before = BillKey(key.connection_id, key.day - ONE_DAY)  # its missing rows are looked for here in vain
            await declare_missing(unit, before, unit.now())
            await tell_of_differences(unit, before)


async def _records(unit: Unit, platform: str, rows: Sequence[BillRow]) -> list[Record]:
    """Our own records of these rows."""
    trade_nos = [row.own_no for row in rows if row.kind is not BillKind.REFUND]
    trades = await trades_numbered(unit, platform, trade_nos)
    refund_nos = [row.own_no for row in rows if row.kind is BillKind.REFUND]
    refunds = await refunds_numbered(unit, platform, refund_nos)
    return [*trades.values(), *refunds.values()]


def _doubt_unpaid(unit: Unit, key: BillKey, rows: Sequence[BillRow], records: Sequence[Record]) -> None:
    """The wallet took money of which we know nothing: it is asked about it, and the day is read again afterwards."""
    told = {row.own_no for row in rows if row.kind is BillKind.TRADE}
    unpaid = [record for record in records if record.number in told and record.standing is Standing.NEVER]
    for record in unpaid:
        unit.schedule(CHECK_PAID, AttemptKey(record.subject_id), dedupe_key=record.subject_id.hex)
    if unpaid:
        task = BillTask(key.connection_id, key.day, follows=False)
        unit.schedule(READ_BILL, task, delay=READ_AFTER_DOUBT, dedupe_key=dedupe_key(key))


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
