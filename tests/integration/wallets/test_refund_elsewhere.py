"""Money that staff gave back in the wallet's own back office is the order's refund, told once and booked to the fen."""

from __future__ import annotations

import pytest
from wallets_till import PRICE

from hutong.core.money import Money
from hutong.payments.refunds import RefundKey, RefundTooLarge
from hutong.payments.service import find_attempts
from hutong.platforms.payments import Notice, PayMethod, RefundReport, RefundStatus, TradeStatus
from hutong.workflows.commands.examine import examine
from hutong.workflows.commands.follow_refund import refund_order, send_refund
from hutong.workflows.commands.pay import pay
from hutong.workflows.commands.settle import query_attempt
from hutong.workflows.commands.take_notice import work_notices
from hutong.workflows.dispatcher import deliver_waiting
from hutong.workflows.jobs import AttemptKey


async def paid_sale(till):
    """A sale that was paid; its attempt."""
    sale = await till.sale()
    await pay(till.runtime, till.merchant_id, sale, platform=None, method=PayMethod.NATIVE, client_ip="127.0.0.1")
    number = list(till.wallet.trades)[-1]
    till.wallet.trades[number] = TradeStatus.PAID
    async with till.unit() as unit:
        attempt = (await find_attempts(unit, [number]))[number]
    await till.job(query_attempt, AttemptKey(attempt.attempt_id))
    await deliver(till)
    return attempt


async def deliver(till):
    while await deliver_waiting(till.runtime, till.merchant_id):
        pass


async def told(till, attempt, fen, number="made-by-hand-1", status=RefundStatus.SUCCEEDED, **owner):
    """The wallet's notice of a refund."""
    report = RefundReport(
        out_refund_no=number,
        status=status,
        raw_status=status.value,
        amount=Money.fen(fen),
        refund_id=f"R{number}",
        out_trade_no=attempt.out_trade_no,
        owner=owner,
    )
    opened = await till.runtime.open_account(till.merchant_id, till.connection_id)
    async with till.unit() as unit:
        await work_notices(unit, [(opened, Notice(notice_id=f"N{number}{fen}", kind="refund", refund=report))])
    await deliver(till)


async def refunded(till):
    return await till.values("SELECT refunded_minor FROM sales_order ORDER BY order_id")


def test_a_refund_made_at_the_wallet_is_the_orders(at_the_till):
    async def work(till):
        attempt = await paid_sale(till)
        await told(till, attempt, 300)
        await told(till, attempt, 300)
        (view,) = (await till.payment()).refunds
        assert (view.state, view.amount, view.actor) == ("succeeded", Money.fen(300), "wallet:wechatpay")
        assert (await refunded(till), await till.tickets()) == ([300], [])
        assert (await till.events()).count("payment.refunded") == 1
        with pytest.raises(RefundTooLarge):
            await refund_order(till.runtime, till.merchant_id, attempt.order_id, PRICE.amount_minor, "", till.teller)
        rest = await refund_order(till.runtime, till.merchant_id, attempt.order_id, None, "", till.teller)
        await till.job(send_refund, RefundKey(rest))
        await deliver(till)
        assert await refunded(till) == [PRICE.amount_minor]
        assert await examine(till.runtime, till.merchant_id) == []

    at_the_till(work)


@pytest.mark.parametrize(
    "notice",
    [
        {"fen": PRICE.amount_minor + 1},
        {"fen": 300, "mchid": "another"},
        {"fen": 300, "status": RefundStatus.ABNORMAL},
    ],
    ids=["more than came", "another account's", "not done"],
)
def test_what_cannot_be_the_orders_refund_is_left_to_a_person(at_the_till, notice):
    async def work(till):
        attempt = await paid_sale(till)
        await told(till, attempt, **notice)
        assert (await refunded(till), await till.tickets()) == ([0], ["notice_mismatched"])
        assert (await till.payment()).refunds == ()

    at_the_till(work)


def test_what_is_under_way_here_is_counted_first(at_the_till):
    async def work(till):
        attempt = await paid_sale(till)
        await refund_order(till.runtime, till.merchant_id, attempt.order_id, 700, "", till.teller)
        await told(till, attempt, 300)
        assert await till.tickets() == ["notice_mismatched"]
        assert await examine(till.runtime, till.merchant_id) == []

    at_the_till(work)
