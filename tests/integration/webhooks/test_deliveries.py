"""Messages to a real receiver: what arrives, what is tried again, and what one dead address costs the others."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from webhooks_post import BOSS, TIMEOUT_S, signed_by, unclear

from hutong.db.tables import inbox
from hutong.shops.events import OrderLine, OrderPaid, OrderPlaced
from hutong.webhooks import courier as courier_room
from hutong.webhooks.courier import SENDS_PER_ENDPOINT_MAX
from hutong.webhooks.deliveries import queue
from hutong.webhooks.public import MESSAGE_BYTES_MAX
from hutong.webhooks.replays import replay_since
from hutong.webhooks.schedule import CLAIM, GAPS, TRIES_MAX
from hutong.webhooks.service import (
    enable_endpoint,
)
from hutong.webhooks.states import DisabledBecause, EndpointState


def test_what_happened_arrives_once_signed_and_as_it_was_stored(posting):
    async def work(post):
        made = await post.endpoint()
        event = unclear()
        told = await post.tell(event=event)
        await post.carry()
        await post.carry()
        assert post.receiver.ids() == told
        _, headers, body = post.receiver.heard[0]
        assert signed_by(made.secret, headers, body)
        assert headers["webhook-timestamp"] == str(int(post.clock.now().timestamp()))
        assert headers["content-type"] == "application/json"
        message = json.loads(body)
        assert message.pop("data") == json.loads(event.encode())
        assert message == {
            "id": told[0],
            "type": "payment.unknown",
            "timestamp": "2026-03-01T12:00:00Z",
            "merchant_id": str(post.merchant_id),
            "version": 1,
        }
        assert await post.states() == ["delivered"]
        assert (await post.look_at(made.endpoint_id)).last_success_at == post.clock.now()

    posting(work)


def test_an_event_that_comes_by_twice_is_one_message_and_leaves_no_mark(posting):
    async def work(post):
        await post.endpoint()
        event_id = (await post.tell())[0]
        await post.carry()
        async with post.unit() as unit:
            marks = await unit.scalar(select(func.count()).where(inbox.c.merchant_id == unit.merchant_id))
            await unit.fetch("INSERT INTO undelivered VALUES ($1, $2::uuid)", unit.merchant_id, event_id)
        await post.tell(0)
        await post.carry()
        assert post.receiver.ids() == [event_id]
        assert marks == 0

    posting(work)


def test_each_endpoint_hears_what_it_asked_for(posting):
    async def work(post):
        await post.endpoint("/all")
        await post.endpoint("/orders", ["order.*"])
        await post.endpoint("/closed", ["order.closed", "payment.paid"])
        order = {"order_id": post.merchant_id, "source": "checkout"}
        await post.tell()
        await post.tell(event=OrderPlaced(**order, order_no="1", total_minor=5, currency="CNY"))
        await post.carry()
        heard = sorted((path, json.loads(body)["type"]) for path, _, body in post.receiver.heard)
        assert heard == [("/all", "order.placed"), ("/all", "payment.unknown"), ("/orders", "order.placed")]

    posting(work)


def test_a_receiver_that_is_down_for_a_day_gets_everything_soon_after(posting):
    async def work(post):
        made = await post.endpoint()
        await post.receiver.down()
        told = []
        for _ in range(24):
            told += await post.tell(2)
            await post.pass_time(600, 3600)
        assert post.receiver.heard == []
        assert (await post.look_at(made.endpoint_id)).failing_since_at is not None
        assert await post.tickets() == ["webhook_failing"]
        await post.receiver.up()
        told += await post.tell()
        await post.pass_time(60, 600)
        assert sorted(set(post.receiver.ids())) == sorted(told)
        assert len(post.receiver.heard) == len(told), "each of them once"
        assert await post.states() == ["delivered"] * len(told)
        view = await post.look_at(made.endpoint_id)
        assert (view.state, view.failing_since_at) == (EndpointState.ACTIVE, None)

    posting(work)


def test_ten_tries_over_three_days_then_it_is_given_up_and_can_be_replayed(posting):
    async def work(post):
        made = await post.endpoint()
        post.receiver.behave = lambda _path: 500
        told = await post.tell()
        began_at = post.clock.now()
        await post.carry()
        for gap in GAPS:
            post.clock.advance(seconds=int(gap.total_seconds() * 1.1) + 1)
            await post.carry()
        post.clock.advance(days=9)
        await post.carry()
        attempts = await post.attempts()
        assert [one.attempt_no for one in attempts] == list(range(1, TRIES_MAX + 1))
        assert {(one.status, one.answer) for one in attempts} == {(500, "no")}
        assert attempts[-1].attempted_at - began_at > timedelta(hours=75)
        assert post.receiver.ids() == told * TRIES_MAX
        assert await post.states() == ["failed"]
        view = await post.look_at(made.endpoint_id)
        assert (view.state, view.disabled_because) == (EndpointState.DISABLED, DisabledBecause.FAILING)
        assert await post.tickets() == ["webhook_disabled", "webhook_failing"]
        missed = await post.tell(2)
        post.receiver.behave = lambda _path: 200
        async with post.unit() as unit:
            assert await enable_endpoint(unit, BOSS, made.endpoint_id)
            replayed = await replay_since(unit, BOSS, made.endpoint_id, began_at)
        assert (replayed.failed_count, replayed.missed_count, replayed.more) == (1, 2, False)
        await post.carry()
        assert sorted(post.receiver.ids()[TRIES_MAX:]) == sorted(told + missed)

    posting(work)


def test_a_message_that_nobody_takes_does_not_close_an_endpoint_that_takes_others(posting):
    async def work(post):
        made = await post.endpoint()
        poison = (await post.tell())[0]
        post.receiver.behave = lambda _path: 400 if post.receiver.ids()[-1] == poison else 200
        await post.carry()
        for gap in GAPS:
            post.clock.advance(seconds=int(gap.total_seconds() * 1.1) + 1)
            await post.tell()
            await post.carry()
        for _ in range(40):
            post.clock.advance(hours=12)
            await post.tell()
            await post.carry()
        assert await post.states() == ["delivered"] * (len(GAPS) + 40) + ["failed"]
        assert post.receiver.ids().count(poison) >= TRIES_MAX
        assert (await post.look_at(made.endpoint_id)).state is EndpointState.ACTIVE
        assert "webhook_failed" in await post.tickets()
        assert "webhook_disabled" not in await post.tickets()

    posting(work)


@pytest.mark.parametrize(
    ("how", "status", "trouble"),
    [("slow", 0, "timeout"), ("cut", 0, "unreachable"), ("redirect", 302, ""), ("huge", 500, ""), (429, 429, "")],
)
def test_whatever_is_no_yes_is_tried_again(posting, how, status, trouble):
    async def work(post):
        await post.endpoint()
        post.receiver.behave = lambda _path: how
        told = await post.tell()
        began_s = time.monotonic()
        await post.carry()
        assert time.monotonic() - began_s < 4 * TIMEOUT_S
        attempt = (await post.attempts())[0]
        assert (attempt.status, attempt.trouble) == (status, trouble)
        assert len(attempt.answer) <= 2_048
        assert await post.states() == ["waiting"]
        post.receiver.behave = lambda _path: 200
        await post.pass_time(6, 6)
        assert post.receiver.ids() == told * 2, "and nothing follows a redirect"

    posting(work)


def test_gone_closes_the_endpoint_at_once_and_what_waits_is_kept(posting):
    async def work(post):
        made = await post.endpoint()
        post.receiver.behave = lambda _path: 410 if len(post.receiver.heard) == 1 else 200
        await post.tell()
        await post.carry()
        view = await post.look_at(made.endpoint_id)
        assert (view.state, view.disabled_because) == (EndpointState.DISABLED, DisabledBecause.GONE)
        assert await post.tickets() == ["webhook_disabled"]
        await post.tell(3)
        await post.carry()
        assert len(post.receiver.heard) == 1, "nothing is sent to whoever said never again"

    posting(work)


def test_a_dead_address_does_not_keep_the_others_waiting(posting):
    async def work(post):
        await post.endpoint("/dead")
        await post.endpoint("/alive")
        post.receiver.behave = lambda path: "slow" if path == "/dead" else 200
        told = await post.tell(40)
        await post.courier.look()
        async with asyncio.timeout(10 * TIMEOUT_S):
            while sum(path == "/alive" for path, _, _ in post.receiver.heard) < len(told):
                await asyncio.sleep(0.02)
                await post.courier.look()
        dead = sum(path == "/dead" for path, _, _ in post.receiver.heard)
        assert dead <= 2 * SENDS_PER_ENDPOINT_MAX, "forty messages do not wait behind as many timeouts"
        assert post.receiver.open_most <= 2 * SENDS_PER_ENDPOINT_MAX
        post.receiver.behave = lambda _path: 200
        await asyncio.gather(*post.courier._under_way())

    posting(work)


def test_whoever_dies_between_sending_and_writing_down_leaves_it_to_be_sent_again_with_its_id(posting, monkeypatch):
    async def work(post):
        await post.endpoint()
        told = await post.tell()

        def die(point):
            if point == "send:webhook:POST:after":
                raise RuntimeError("the process is gone")

        monkeypatch.setattr(courier_room, "reach", die)
        await post.carry()
        assert post.receiver.ids() == told
        assert (await post.states(), await post.attempts()) == (["waiting"], [])
        monkeypatch.undo()
        await post.carry()
        assert post.receiver.ids() == told, "nobody else sends what is claimed"
        post.clock.advance(seconds=int(CLAIM.total_seconds()) + 1)
        await post.carry()
        assert post.receiver.ids() == told * 2
        assert await post.states() == ["delivered"]

    posting(work)


def test_sends_that_nobody_wrote_down_cost_no_try(posting, monkeypatch):
    async def work(post):
        made = await post.endpoint()
        told = await post.tell()

        def die(point):
            if point == "send:webhook:POST:after":
                raise RuntimeError("the process is gone")

        monkeypatch.setattr(courier_room, "reach", die)
        await post.pass_time(61, 61 * (TRIES_MAX + 2))
        assert len(post.receiver.heard) == TRIES_MAX + 2
        monkeypatch.undo()
        post.receiver.behave = lambda _path: 500
        post.clock.advance(seconds=61)
        await post.carry()
        assert await post.states() == ["waiting"]
        assert [one.attempt_no for one in await post.attempts()] == [1]
        assert (await post.look_at(made.endpoint_id)).state is EndpointState.ACTIVE
        post.receiver.behave = lambda _path: 200
        await post.pass_time(6, 6)
        assert set(post.receiver.ids()) == set(told)
        assert await post.states() == ["delivered"]

    posting(work)


def test_no_connection_is_held_while_a_receiver_is_silent(posting):
    async def work(post):
        await post.endpoint()
        post.receiver.behave = lambda _path: "slow"
        await post.tell(SENDS_PER_ENDPOINT_MAX)
        await post.courier.look()
        async with asyncio.timeout(5):
            while post.receiver.open_now < SENDS_PER_ENDPOINT_MAX:  # noqa: ASYNC110 (connections tell no event)
                await asyncio.sleep(0.02)
        pool = post.room.database.engine("app").pool
        assert pool.checkedout() == 0
        await asyncio.gather(*post.courier._under_way())

    posting(work)


def test_an_order_of_very_many_lines_stays_a_small_message(posting):
    async def work(post):
        await post.endpoint("/paid", ["order.paid", "order.closed"])
        line = OrderLine(line_key="1", sku_id=None, title="青花瓷茶杯" * 20, quantity=1, amount_minor=100)
        nothing = dict.fromkeys(("connection_id", "channel_id", "link_id", "click_id", "customer_id"))
        paid = OrderPaid(
            **nothing, order_id=post.merchant_id, source="checkout", order_no="1", platform="wechatpay",
            container="wechat", gross_minor=50_000, currency="CNY", paid_at=post.clock.now(), lines=(line,) * 500,
        )  # fmt: skip
        async with post.unit() as unit:
            event_id = unit.emit(paid)
        async with post.unit() as unit:
            assert await queue(unit, [(event_id, paid)]) == 1
        await post.carry()
        _, _, body = post.receiver.heard[0]
        data = json.loads(body)["data"]
        assert len(body) <= MESSAGE_BYTES_MAX
        assert data["lines_count"] == 500
        assert 0 < len(data["lines"]) < 500
        assert data["lines"][0]["amount_minor"] == 100
        assert "click_id" not in data

    posting(work)


def test_an_event_that_only_a_newer_process_can_read_waits_for_it(posting):
    async def work(post):
        await post.endpoint()
        told = await post.tell(2)
        async with post.room.database.unit(post.merchant_id, "test", "owner") as unit:
            await unit.fetch(
                "UPDATE outbox SET version = 99 WHERE merchant_id = $1 AND event_id = $2::uuid",
                unit.merchant_id,
                told[0],
            )
        await post.carry()
        await post.pass_time(61, 61 * (TRIES_MAX + 2))  # an upgrade that takes its time
        assert post.receiver.ids() == told[1:]
        assert await post.states() == ["delivered", "waiting"]
        assert len(await post.attempts()) == 1
        async with post.room.database.unit(post.merchant_id, "test", "owner") as unit:
            await unit.fetch("UPDATE outbox SET version = 1 WHERE merchant_id = $1", unit.merchant_id)
        post.receiver.behave = lambda _path: 500
        post.clock.advance(seconds=61)
        await post.carry()
        assert await post.states() == ["delivered", "waiting"], "waiting cost it no try"
        post.receiver.behave = lambda _path: 200
        await post.pass_time(6, 6)
        assert sorted(set(post.receiver.ids())) == sorted(told)
        assert await post.states() == ["delivered", "delivered"]

    posting(work)
