"""What the payments and refunds pages read: narrowed, counted and added up on a real database."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from hutong.core.errors import NotFound
from hutong.core.money import Money
from hutong.db.outlook import next_due
from hutong.payments.queries import (
    CHECKING,
    PaymentFilter,
    one_payment,
    payment_counts,
    payment_platforms,
    payments_page,
    refund_counts,
    refunds_page,
)
from hutong.payments.refunds import finish_refund, get_refund, mark_refund, request_refund
from hutong.payments.service import capture, close_payment, get_attempt, mark_attempt, open_attempt, open_payment
from hutong.payments.states import AttemptEvent, RefundEvent
from hutong.workflows.jobs import QUERY_ATTEMPT, AttemptKey

WECHAT, ALIPAY = uuid4(), uuid4()


async def begin(unit, amount=1_000, platform="wechatpay", *events):
    """A payment with one attempt that events have moved; their ids."""
    order_id = uuid4()
    payment_id = await open_payment(unit, order_id, Money(amount))
    connection = WECHAT if platform == "wechatpay" else ALIPAY
    attempt_id = (await open_attempt(unit, payment_id, connection, platform, "jsapi")).attempt_id
    for event in events:
        await mark_attempt(unit, attempt_id, event)
    return order_id, payment_id, attempt_id


async def pay(unit, amount=1_000, platform="wechatpay"):
    order_id, payment_id, attempt_id = await begin(unit, amount, platform, AttemptEvent.OPENED)
    await capture(unit, await get_attempt(unit, attempt_id), f"T{attempt_id.hex[-8:]}", unit.now())
    return order_id, payment_id, attempt_id


async def give_back(unit, order_id, amount, *, arrives=True):
    refund_id = await request_refund(unit, order_id, Money(amount), "缺货")
    if arrives:
        await finish_refund(unit, await get_refund(unit, refund_id), "R", unit.now())
    return refund_id


async def ids(unit, **wanted):
    page = await payments_page(unit, PaymentFilter(**wanted), limit=50, offset=0)
    assert page.total == len(page.rows)
    return {row.payment_id for row in page.rows}


def test_lists_are_narrowed_by_state_and_every_payment_is_in_one(room):
    async def work(unit):
        made = {
            "open": (await begin(unit, 1_000, "wechatpay", AttemptEvent.OPENED))[1],
            CHECKING: (await begin(unit, 1_000, "wechatpay", AttemptEvent.UNCLEAR))[1],
            "paid": (await pay(unit))[1],
        }
        order_id, made["refunded"], _ = await pay(unit)
        await give_back(unit, order_id, 400)
        order_id, made["closed"], attempt_id = await begin(unit)
        await mark_attempt(unit, attempt_id, AttemptEvent.CLOSE)
        await close_payment(unit, made["closed"])
        found = {state: await ids(unit, state=state) for state in made}
        return made, found, await ids(unit), await payment_counts(unit)

    made, found, every, counts = room.do(work)
    assert found == {state: {payment_id} for state, payment_id in made.items()}
    assert every == set(made.values())
    assert counts == dict.fromkeys(made, 1)


def test_lists_are_narrowed_by_wallet_day_and_any_number(room):
    async def work():
        async with room.unit() as unit:
            order_id, first, attempt_id = await pay(unit)
            number = (await get_attempt(unit, attempt_id)).out_trade_no
            refund_id = await give_back(unit, order_id, 1)
        room.clock.advance(days=2)
        async with room.unit() as unit:
            _, second, _ = await pay(unit, platform="alipay")
            since = unit.now() - timedelta(days=1)
            return {
                "first": first,
                "second": second,
                "wallet": await ids(unit, platform="alipay"),
                "since": await ids(unit, since=since),
                "until": await ids(unit, until=since),
                "ours": await ids(unit, number=number),
                "theirs": await ids(unit, number=f"T{attempt_id.hex[-8:]}"),
                "refund": await ids(unit, number=refund_id.hex),
                "order": await ids(unit, number="28710", order_ids=(order_id,)),
                "half": await ids(unit, number=number[:-1]),
                "platforms": await payment_platforms(unit),
            }

    found = room.run(work)
    first, second = {found["first"]}, {found["second"]}
    assert (found["wallet"], found["since"], found["until"]) == (second, second, first)
    assert found["ours"] == found["theirs"] == found["refund"] == found["order"] == first
    assert found["half"] == set()
    assert found["platforms"] == ("alipay", "wechatpay")


def test_sums_count_what_was_taken_and_what_went_back(room):
    async def work(unit):
        order_id, _, _ = await pay(unit, 1_000)
        await give_back(unit, order_id, 300)
        await give_back(unit, order_id, 200, arrives=False)
        await pay(unit, 50)
        await begin(unit, 7_777)
        page = await payments_page(unit, limit=1, offset=0)
        return page, await payments_page(unit, PaymentFilter(state="closed"), limit=1, offset=0)

    page, nothing = room.do(work)
    assert (page.total, len(page.rows)) == (3, 1)
    assert [(row.count, row.taken, row.refunded) for row in page.sums] == [(3, Money(1_050), Money(300))]
    assert (nothing.total, nothing.sums) == (0, ())


def test_what_can_still_be_refunded_and_what_came_in_twice(room):
    async def work(unit):
        order_id, payment_id, _ = await pay(unit, 1_000)
        again = (await open_attempt(unit, payment_id, ALIPAY, "alipay", "h5")).attempt_id
        await mark_attempt(unit, again, AttemptEvent.OPENED)
        await capture(unit, await get_attempt(unit, again), "T2", unit.now())
        await give_back(unit, order_id, 300)
        failed = await give_back(unit, order_id, 100, arrives=False)
        await mark_refund(unit, failed, RefundEvent.FAIL)
        await give_back(unit, order_id, 50, arrives=False)
        with pytest.raises(NotFound):
            await one_payment(unit, uuid4())
        return await one_payment(unit, payment_id)

    row = room.do(work)
    assert (row.left, row.surplus, row.refunded) == (Money(650), Money(1_000), Money(300))
    assert (row.is_refundable, row.shown_state) == (True, "partly_refunded")
    assert len(row.refunds) == 4


def test_refunds_that_need_somebody_come_first(room):
    async def work():
        async with room.unit() as unit:
            order_id, _, _ = await pay(unit, 1_000)
            stuck = await give_back(unit, order_id, 100, arrives=False)
            await mark_refund(unit, stuck, RefundEvent.STALL)
        room.clock.advance(hours=1)
        async with room.unit() as unit:
            later = await give_back(unit, order_id, 200)
            page = await refunds_page(unit, limit=10, offset=0)
            done = await refunds_page(unit, ("succeeded",), limit=10, offset=0)
            return stuck, later, page, done, await refund_counts(unit), order_id

    stuck, later, page, done, counts, order_id = room.run(work)
    assert [row.refund_id for row in page.rows] == [stuck, later]
    assert {(row.order_id, row.platform) for row in page.rows} == {(order_id, "wechatpay")}
    assert ([row.refund_id for row in done.rows], done.total) == ([later], 1)
    assert counts == {"abnormal": 1, "succeeded": 1}


def test_when_a_wallet_is_asked_next(room):
    async def work():
        async with room.unit() as unit:
            _, _, waiting = await begin(unit)
            _, _, quiet = await begin(unit)
            unit.schedule(QUERY_ATTEMPT, AttemptKey(waiting), delay=timedelta(seconds=90))
            unit.schedule(QUERY_ATTEMPT, AttemptKey(waiting), delay=timedelta(seconds=20))
        async with room.unit() as unit:
            return waiting, await next_due(unit, [AttemptKey(waiting), AttemptKey(quiet)]), await next_due(unit, [])

    waiting, due, nothing = room.run(work)
    assert due == {AttemptKey(waiting): room.clock.now() + timedelta(seconds=20)}
    assert nothing == {}


def test_other_merchants_see_none_of_it(room_address, room):
    other = type(room)(room_address)
    _, payment_id, _ = other.do(pay)

    async def work(unit):
        with pytest.raises(NotFound):
            await one_payment(unit, payment_id)
        return (await payments_page(unit, limit=9, offset=0)).rows, await payment_counts(unit)

    assert room.do(work) == ((), {})
