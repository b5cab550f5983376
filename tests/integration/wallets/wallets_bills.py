"""A day of trade at the till, its bill, and the jobs that come of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from msgspec import structs

from hutong.core.money import Money
from hutong.payments.bills import BillKey
from hutong.payments.refunds import RefundKey
from hutong.platforms.bills import BILL_ZONE, BillKind, BillRow, BillStatus
from hutong.workflows.commands.charge_code import charge_code
from hutong.workflows.commands.follow_refund import refund_order, send_refund
from hutong.workflows.commands.read_bill import read_due_bill
from hutong.workflows.delivery import EFFECTS, deliver_event

CODE = "991234567890123456"
ONE_DAY = timedelta(days=1)
DAY = date(2026, 3, 1)
DIFFERENCES = "SELECT kind || ' ' || number || ' ' || state FROM bill_difference ORDER BY day, kind, number"


async def deliver(till):
    for _ in range(2):  # the order's event comes of the payment's
        for event_id in await till.values("SELECT event_id FROM outbox ORDER BY event_id"):
            await deliver_event(till.runtime, till.merchant_id, b'{"event_id":"%s"}' % str(event_id).encode())


async def sell(till, fen=1990, back_fen=0):
    """A sale, with a refund of a part, booked; its rows as a bill tells them."""
    await charge_code(till.runtime, till.merchant_id, await till.sale(Money.fen(fen)), CODE)
    await deliver(till)
    payment = await till.payment()
    number = payment.attempts[0].out_trade_no
    fee_fen = (fen * 60 + 5000) // 10_000
    rows = [row_of(till, BillKind.TRADE, number, number, fen, fee_fen)]
    if back_fen:
        refund_id = await refund_order(till.runtime, till.merchant_id, payment.order_id, back_fen, "x", till.teller)
        await till.job(send_refund, RefundKey(refund_id))
        await deliver(till)
        refund = (await till.payment()).refunds[0]
        back_fee_fen = (fee_fen * back_fen * 2 + fen) // (2 * fen)
        rows.append(row_of(till, BillKind.REFUND, refund.out_refund_no, number, back_fen, -back_fee_fen))
    return rows


def row_of(till, kind, number, trade_no, fen, fee_fen):
    return BillRow(
        row_no=1,
        kind=kind,
        own_no=number,
        trade_no=trade_no,
        wallet_no=f"W{number}",
        amount=Money.fen(fen),
        fee=Money.fen(fee_fen),
        happened_at=till.clock.at,
        raw_state="SUCCESS",
    )


def bill_of(*rows):
    return [structs.replace(row, row_no=number) for number, row in enumerate(rows, 2)]


async def read(till, day=DAY, hour=13):
    """The day's job, at an hour of the next day in China: as a rule when nobody doubts any more that there was none."""
    at = datetime.combine(day + ONE_DAY, time(hour, 30), BILL_ZONE).astimezone(UTC)
    till.clock.at = max(till.clock.at, at)
    await end_jobs(till, f'%"day":"{day}"%')  # the one that waits for it: this is its run
    await till.job(read_due_bill, BillKey(till.connection_id, day))


async def read_both(till):
    """A day and the next one, on which nothing happened unless the test says otherwise."""
    till.bills.days.setdefault(DAY + ONE_DAY, BillStatus.EMPTY)
    await read(till)
    await read(till, DAY + ONE_DAY)


async def bill_row(till, day=DAY):
    async with till.unit() as unit:
        return (await unit.connection.exec_driver_sql(f"SELECT * FROM bill WHERE day = '{day}'")).one()


async def jobs(till, kind="payments.read_bill"):
    """Payloads of the open jobs of a kind, as text."""
    told = "SELECT convert_from(payload, 'UTF8') FROM job WHERE finished_at IS NULL"
    return await till.values(f"{told} AND kind = '{kind}' ORDER BY job_id")


async def run_jobs(till, kind="payments.read_bill", days=None):
    """Run the open jobs of a kind as they were left behind, of these days where some are named; they are done then."""
    for payload in await jobs(till, kind):
        if days is None or any(f'"day":"{day}"' in payload for day in days):
            await end_jobs(till, payload, kind)
            await EFFECTS[kind](till.runtime, till.merchant_id, payload.encode())


async def end_jobs(till, payload="%", kind="payments.read_bill"):
    """Open jobs of a kind come to an end without having been run: those whose payload is like this one."""
    these = f"kind = '{kind}' AND finished_at IS NULL AND convert_from(payload, 'UTF8') LIKE $1"
    async with till.unit() as unit:
        await unit.fetch(f"UPDATE job SET state = 'failed', finished_at = now() WHERE {these}", payload)
