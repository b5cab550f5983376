"""Checks of wallets whose bills can be read: what is there, what is not yet, and what is none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Final
from urllib.parse import urlsplit

from msgspec import structs

from hutong.core.errors import PlatformUnknown
from hutong.core.money import Money
from hutong.platforms.account import Account
from hutong.platforms.bill_errors import BillRefused
from hutong.platforms.bills import Bill, BillKind, BillRow, Bills, BillStatus, bill_day, due_at
from hutong.platforms.conformance.behaviour import outcome_of
from hutong.platforms.conformance.calls import Call, ended_day
from hutong.platforms.conformance.case import OUT_TRADE_NO, Answer, Case
from hutong.platforms.conformance.doubles import StandingClock, silence

#: What the forged bill holds.
PAID: Final = Money.fen(1234)
FEE: Final = Money.fen(7)


def bills_are_told_apart(case: Case) -> None:
    """Ready, not ready and empty are three things; of a broken file nothing is given; no other host is asked."""
    bills = case.connector.bills
    if bills is None:
        return
    forge = _forged(case)
    early = StandingClock(due_at(ended_day(case), bills.ready_time) - timedelta(hours=1))
    for word, clock, status in (
        ("not_ready", early, BillStatus.NOT_READY),
        ("empty", case.clock, BillStatus.EMPTY),
    ):
        account = structs.replace(case.account(forge(word))[0], clock=clock)
        bill = asyncio.run(bills.fetch(account, ended_day(case)))
        assert bill.status is status, f"a bill that is {word} became {bill.status}"
    call = Call(name="bill", run=partial(bills.fetch, day=ended_day(case)))
    refused = outcome_of(call, case.account(forge("cut"))[0])
    assert isinstance(refused, BillRefused), f"a file that was cut off gave {refused!r}"
    account, http = case.account(forge("elsewhere"))
    unclear = outcome_of(call, account)
    assert isinstance(unclear, PlatformUnknown), f"a file at another host gave {unclear!r}"
    hosts = {urlsplit(request.url)[:2] for request in http.sent}
    assert hosts == {urlsplit(case.base_url)[:2]}, "another host was asked"


def bills_are_read_again(case: Case) -> None:
    """The rows of a bill add up to what it states, and a second reading gives them again."""
    bills = case.connector.bills
    if bills is None:
        return
    account, _ = case.account(_forged(case)("ready"))
    bill, rows = asyncio.run(_read(bills, account, case))
    assert bill.status is BillStatus.READY, f"a bill that is there became {bill.status}"
    assert bill.digest, "a bill without its digest"
    assert bill.totals is not None, "a bill that states nothing"
    assert len(rows) == bill.totals.rows_count * 2, "a second reading gave other rows"
    row = rows[0]
    assert (row.kind, row.own_no) == (BillKind.TRADE, OUT_TRADE_NO), f"the payment became {row!r}"
    assert (row.amount, row.fee) == (PAID, FEE), f"amount and fee became {row.amount!r}, {row.fee!r}"
    assert row.happened_at.tzinfo is not None, "a time without its zone"


def days_that_last_have_no_bill(case: Case) -> None:
    """A day that has not ended is not ready, and nobody is asked about it."""
    bills = case.connector.bills
    if bills is None:
        return
    for days in (0, 1):
        account, http = case.account(silence)
        bill = asyncio.run(bills.fetch(account, bill_day(case.clock.now()) + timedelta(days=days)))
        assert bill.status is BillStatus.NOT_READY, f"a day that has not ended is {bill.status}"
        assert not http.sent, "asked about a day that has not ended"


async def _read(bills: Bills, account: Account, case: Case) -> tuple[Bill, list[BillRow]]:
    """A bill, and its rows read twice."""
    bill = await bills.fetch(account, ended_day(case))
    return bill, [row for _ in range(2) async for row in bill.rows()]


def _forged(case: Case) -> Callable[[str], Answer]:
    assert case.forgery is not None, "the case brings no forged answers, but the connector calls a platform"
    assert case.forgery.bill is not None, "the case brings no forged bill"
    return case.forgery.bill
