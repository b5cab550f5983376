"""A notice of a combined order: what does not fit is told part by part, and the books hold what the tickets say."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from hutong.core.money import Money
from hutong.ledger.models import posting
from hutong.merchants.models import ticket
from hutong.platforms.payments import Notice, TradeReport, TradeStatus
from hutong.workflows.commands.take_notice import Taken, store_notices
from hutong.workflows.dispatcher import deliver_waiting

BODY = b"{}"


def part(number, amount_fen, till):
    owner = {"mchid": "x", "appid": "x"}
    amount = None if amount_fen is None else Money.fen(amount_fen)
    return TradeReport(
        out_trade_no=f"P{number}",
        status=TradeStatus.PAID,
        raw_status="SUCCESS",
        owner=owner,
        amount=amount,
        transaction_id=f"T{number}",
        paid_at=till.clock.now(),
    )


@pytest.mark.parametrize(
    ("sums", "held"), [((500, 500), [500, 500]), ((600, 700), [600, 700]), ((None, 800), [800]), ((None, None), [])]
)
def test_every_part_that_fits_nothing_has_its_ticket_and_its_suspense(at_the_till, sums, held):
    async def work(till):
        opened = await till.runtime.open_account(till.merchant_id, till.connection_id)
        parts = tuple(part(number, amount_fen, till) for number, amount_fen in enumerate(sums))
        notice = Notice(notice_id="N1", kind="TRANSACTION.SUCCESS", parts=parts)
        for _ in range(2):  # a replay changes nothing
            await store_notices(till.runtime, till.merchant_id, [Taken(opened=opened, notice=notice, body=BODY)])
            await till.runtime.gatherings.rest()
            while await deliver_waiting(till.runtime, till.merchant_id):
                pass
        async with till.unit() as unit:
            told = [row.details["amount_minor"] for row in await unit.all(select(ticket.c.details))]
            booked = [row.amount_minor for row in await unit.all(select(posting.c.amount_minor))]
        assert sorted(told) == sorted(amount_fen or 0 for amount_fen in sums)
        assert sorted(amount for amount in booked if amount > 0) == held
        assert sum(booked) == 0

    at_the_till(work)
