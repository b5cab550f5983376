"""What is done for many at once ends as it would have ended one by one."""

from __future__ import annotations

from uuid import uuid4

from sqlalchemy import select

from hutong.core.money import Money
from hutong.db.tables import job
from hutong.payments.models import payment, refund
from hutong.payments.service import Capture, NewAttempt, capture_many, mark_opened, open_attempts, open_payments
from hutong.shops.catalogue import create_product, create_sku
from hutong.shops.models import sales_order, stock
from hutong.shops.orders import NewOrder, PaidOrder, mark_paid, place_orders
from hutong.shops.stock import receive
from hutong.workflows.commands.settle import first_query_key, forget_schedules
from hutong.workflows.jobs import CLOSE_PAYMENT, QUERY_ATTEMPT, QUERY_FIRST, AttemptKey, PaymentKey

PRICE = Money.fen(1990)


async def make_sku(unit, pieces: int):
    product_id = await create_product(unit, "杯")
    sku_id = await create_sku(unit, product_id, f"CUP-{uuid4().hex[:6]}", PRICE)
    await receive(unit, sku_id, pieces, f"first {sku_id}")
    return sku_id


def order_of(sku_id, quantity: int = 1) -> NewOrder:
    return NewOrder(
        sku_id=sku_id,
        seller_code="CUP",
        title="杯",
        quantity=quantity,
        unit_price=PRICE,
        channel_id=None,
        link_id=None,
        click_id=None,
        container="mobile",
    )


def test_first_come_first_served_and_who_gets_nothing_leaves_nothing(run_floor):
    async def work(floor):
        async with floor.database.unit(floor.merchant_id, "test") as unit:
            scarce, plenty = await make_sku(unit, 3), await make_sku(unit, 100)
        wanted = [order_of(scarce, 2), order_of(plenty), order_of(scarce, 2), order_of(scarce, 1), order_of(None)]
        async with floor.database.unit(floor.merchant_id, "test") as unit:
            placed = await place_orders(unit, wanted)
        assert [order_id is not None for order_id in placed] == [True, True, False, True, True]
        async with floor.database.unit(floor.merchant_id, "test") as unit:
            orders = await unit.all(select(sales_order.c.order_id))
            shelves = {row.sku_id: row for row in await unit.all(select(stock))}
        assert {row.order_id for row in orders} == {order_id for order_id in placed if order_id}
        assert (shelves[scarce].on_hand, shelves[scarce].reserved) == (3, 3)
        assert (shelves[plenty].on_hand, shelves[plenty].reserved) == (100, 1)

        paid = [
            PaidOrder(
                order_id=order_id,
                amount=PRICE,
                customer_id=None,
                connection_id=uuid4(),
                platform="wechatpay",
                paid_at=floor.clock.now(),
            )
            for order_id in placed
            if order_id
        ]
        for _ in range(2):  # once more changes nothing
            async with floor.database.unit(floor.merchant_id, "test") as unit:
                await mark_paid(unit, paid)
        async with floor.database.unit(floor.merchant_id, "test") as unit:
            shelves = {row.sku_id: row for row in await unit.all(select(stock))}
        assert (shelves[scarce].on_hand, shelves[scarce].reserved) == (0, 0)
        assert (shelves[plenty].on_hand, shelves[plenty].reserved) == (99, 0)

    run_floor(work)


def test_two_wallets_of_one_payment_in_one_batch_are_one_capture_and_one_surplus(run_floor):
    async def work(floor):
        async with floor.database.unit(floor.merchant_id, "test") as unit:
            opened = await open_payments(unit, [(uuid4(), PRICE), (uuid4(), PRICE)])
            wallets = ("wechatpay", "alipay")
            wanted = [
                NewAttempt(payment=one, connection_id=uuid4(), platform=platform, method="h5")
                for one in opened
                for platform in wallets
            ]
            views = await open_attempts(unit, wanted)
            for view in views:
                key = first_query_key(view.attempt_id)
                unit.schedule(QUERY_ATTEMPT, AttemptKey(view.attempt_id), delay=QUERY_FIRST, dedupe_key=key)
            for one in opened:
                closing = PaymentKey(one.payment_id)
                unit.schedule(CLOSE_PAYMENT, closing, delay=QUERY_FIRST, dedupe_key=one.payment_id.hex)
        async with floor.database.unit(floor.merchant_id, "test") as unit:
            ids = [view.attempt_id for view in views]
            assert await mark_opened(unit, ids) == set(ids)
            assert await mark_opened(unit, ids) == set()
        captures = [Capture(view, f"42{number}", floor.clock.now()) for number, view in enumerate(views[:3])]
        for expected in (3, 0):  # once more is no news
            async with floor.database.unit(floor.merchant_id, "test") as unit:
                news = await capture_many(unit, captures)
                forget_schedules(unit, news)
            assert len(news) == expected
        async with floor.database.unit(floor.merchant_id, "test") as unit:
            payments = {row.payment_id: row for row in await unit.all(select(payment))}
            refunds = await unit.all(select(refund))
            jobs = await unit.all(select(job.c.kind, job.c.state).where(job.c.state == "waiting"))
        assert [payments[one.payment_id].state for one in opened] == ["paid", "paid"]
        assert payments[opened[0].payment_id].captured_attempt_id == views[0].attempt_id
        assert [(row.attempt_id, row.cause) for row in refunds] == [(views[1].attempt_id, "automatic")]
        assert [(row.kind, row.state) for row in jobs] == [(QUERY_ATTEMPT, "waiting")], "the last one is still open"

    run_floor(work)
