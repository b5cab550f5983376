"""Places and tries: what dead, slow and busy endpoints cost those of others, and what they cost their own messages."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from webhooks_post import BOSS, LATE_S, TIMEOUT_S

from hutong.webhooks import courier as courier_room
from hutong.webhooks import outcomes
from hutong.webhooks.courier import HEALTHY_AT_ONCE_MAX, PLACES_PER_MERCHANT_MAX, SENDS_PER_ENDPOINT_MAX
from hutong.webhooks.deliveries import queue_test
from hutong.webhooks.models import webhook_delivery
from hutong.webhooks.replays import replay_one
from hutong.webhooks.schedule import CLOSE_AFTER, REST_MAX, REST_MIN
from hutong.webhooks.service import enable_endpoint
from hutong.webhooks.states import DisabledBecause, EndpointState


async def rows_of(post):
    async with post.unit() as unit:
        mine = webhook_delivery.c.merchant_id == unit.merchant_id
        return await unit.all(select(webhook_delivery).where(mine).order_by(webhook_delivery.c.event_id))


def test_one_merchant_with_many_late_endpoints_leaves_places_to_others(posting):
    async def work(post):
        post.receiver.behave = lambda path: "late" if path == "/late" else 200
        for _ in range(HEALTHY_AT_ONCE_MAX):
            await post.endpoint("/late")
        await post.tell(10 * SENDS_PER_ENDPOINT_MAX)
        await post.courier.look()
        lanes = [[key for key in lane if key[0] == post.merchant_id] for lane in post.courier._turns.values()]
        assert [len(lane) for lane in lanes] == [PLACES_PER_MERCHANT_MAX, 0]
        await asyncio.sleep(LATE_S / 2)
        other = post.neighbour()
        await other.endpoint("/other")
        await other.tell()
        assert await post.carry_until(lambda: "/other" in post.receiver.paths(), 3) < 5 * LATE_S
        assert post.receiver.open_most <= PLACES_PER_MERCHANT_MAX * SENDS_PER_ENDPOINT_MAX + 1
        await post.stop()

    posting(work)


def test_who_was_served_longest_ago_is_next_however_old_what_waits_for_others_is(posting, monkeypatch):
    monkeypatch.setattr(courier_room, "HEALTHY_AT_ONCE_MAX", 2)
    monkeypatch.setattr(courier_room, "TURN_S", LATE_S / 2)

    async def work(post):
        post.receiver.behave = lambda path: "late" if path == "/late" else 200
        for _ in range(3):
            await post.endpoint("/late")
        await post.tell(10 * SENDS_PER_ENDPOINT_MAX)
        await post.courier.look()
        post.clock.advance(seconds=1)
        other = post.neighbour()
        await other.endpoint("/other")
        await other.tell()
        assert await post.carry_until(lambda: "/other" in post.receiver.paths(), 6) < 8 * LATE_S
        assert post.receiver.paths().count("/late") < 3 * 10 * SENDS_PER_ENDPOINT_MAX / 2, "they have more"
        await post.stop()

    posting(work)


def test_a_slow_endpoint_leaves_its_place_to_those_that_answer_and_gets_one_message_at_a_time(posting, monkeypatch):
    monkeypatch.setattr(courier_room, "HEALTHY_AT_ONCE_MAX", 1)
    monkeypatch.setattr(outcomes, "SLOW_MS", int(LATE_S * 1000 / 2))

    async def work(post):
        post.receiver.behave = lambda path: "late" if path == "/late" else 200
        await post.endpoint("/late")
        told = await post.tell(3 * SENDS_PER_ENDPOINT_MAX)
        await post.courier.look()
        await asyncio.gather(*post.courier._under_way())
        assert len(post.receiver.heard) == SENDS_PER_ENDPOINT_MAX
        post.receiver.open_most = 0
        await post.endpoint("/soon")
        soon = await post.tell(SENDS_PER_ENDPOINT_MAX)
        await post.carry_until(lambda: post.receiver.paths().count("/soon") == len(soon), 3)
        assert post.receiver.open_most <= SENDS_PER_ENDPOINT_MAX + 1
        post.receiver.behave = lambda _path: 200
        await post.carry()
        late = sum(path == "/late" for path in post.receiver.paths())
        assert late == len(told + soon), "all of it arrives, and soon again where the answers do"
        await post.stop()

    posting(work)


def test_an_endpoint_that_fails_is_asked_now_and_then_with_one_message_and_the_others_lose_no_try(posting):
    async def work(post):
        await post.endpoint()
        post.receiver.behave = lambda _path: 500
        told = await post.tell(50)
        await post.carry()
        assert len(post.receiver.heard) == SENDS_PER_ENDPOINT_MAX, "what was under way together when it began to fail"
        await post.pass_time(int(REST_MIN.total_seconds()) + 1, 60)
        while_s, rest_s = 1500, int(REST_MAX.total_seconds())
        await post.pass_time(rest_s // 3, while_s)
        assert SENDS_PER_ENDPOINT_MAX < len(post.receiver.heard) < SENDS_PER_ENDPOINT_MAX + 10 + while_s // rest_s
        untried = [row for row in await rows_of(post) if row.tries_count == 0]
        assert len(untried) >= 10
        post.receiver.behave = lambda _path: 200
        heard = len(post.receiver.heard)
        await post.pass_time(rest_s + 1, 2 * rest_s)
        assert sorted(post.receiver.ids()[heard:]) == sorted(told), "and all leave when it answers"

    posting(work)


def test_who_failed_once_is_not_behind_the_backlog_of_dead_endpoints(posting, monkeypatch):
    monkeypatch.setattr(courier_room, "TROUBLED_AT_ONCE_MAX", 2)

    async def work(post):
        post.receiver.behave = lambda path: "slow" if path == "/dead" else 500
        dead = [post.neighbour() for _ in range(3)]
        for one in dead:
            await one.endpoint("/dead")
            await one.tell(40)
        await post.carry()
        post.clock.advance(seconds=30)
        await post.endpoint("/once")
        told = await post.tell()
        await post.carry_until(lambda: "/once" in post.receiver.paths(), 5)
        await asyncio.gather(*post.courier._under_way())
        post.receiver.behave = lambda path: "slow" if path == "/dead" else 200
        post.clock.advance(seconds=6)
        arrived = lambda: post.receiver.paths().count("/once") == 2  # noqa: E731
        assert await post.carry_until(arrived, 10) < 6 * TIMEOUT_S
        assert post.receiver.ids().count(told[0]) == 2
        await post.stop()

    posting(work)


def test_what_somebody_asks_for_passes_what_waits_for_an_endpoint_that_answers(posting):
    async def work(post):
        made = await post.endpoint()
        told = await post.tell(3 * SENDS_PER_ENDPOINT_MAX)
        async with post.unit() as unit:
            wanted = {str(await queue_test(unit, made.endpoint_id)), max(told)}
            await replay_one(unit, BOSS, made.endpoint_id, UUID(max(told)))
        await post.carry()
        assert set(post.receiver.ids()[:2]) == wanted
        assert sorted(post.receiver.ids()) == sorted({*told, *wanted})

    posting(work)


def test_what_somebody_asks_for_passes_what_waits_for_an_endpoint_that_fails(posting):
    async def work(post):
        made = await post.endpoint()
        post.receiver.behave = lambda _path: 500
        told = await post.tell(3 * SENDS_PER_ENDPOINT_MAX)
        await post.carry()
        await post.pass_time(60, 600)
        oldest = min(told)
        for ask in (
            lambda unit: queue_test(unit, made.endpoint_id),
            lambda unit: replay_one(unit, BOSS, made.endpoint_id, UUID(oldest)),
        ):
            heard = len(post.receiver.heard)
            async with post.unit() as unit:
                wanted = await ask(unit) or oldest
            await post.carry()
            assert post.receiver.ids()[heard:] == [str(wanted)], "also while the endpoint rests"
        post.receiver.behave = lambda _path: 200
        async with post.unit() as unit:
            test_id = str(await queue_test(unit, made.endpoint_id))
        heard = len(post.receiver.heard)
        await post.carry()
        assert post.receiver.ids()[heard] == test_id
        await post.pass_time(61, 122)
        assert sorted(post.receiver.ids()[heard + 1 :]) == sorted(told), "an answer is an answer: all leave"
        assert (await post.look_at(made.endpoint_id)).failing_since_at is None

    posting(work)


def test_a_busy_endpoint_that_takes_nothing_for_a_whole_schedule_is_closed_and_keeps_what_waits(posting):
    async def work(post):
        made = await post.endpoint()
        post.receiver.behave = lambda _path: 500
        told, step = await post.tell(), timedelta(hours=3)
        for _ in range(CLOSE_AFTER // step + 4):
            view = await post.look_at(made.endpoint_id)
            if view.state is EndpointState.DISABLED:
                break
            told += await post.tell()
            step_s = int(step.total_seconds())
            await post.pass_time(step_s, step_s)
        assert view.disabled_because is DisabledBecause.FAILING
        assert await post.tickets() == ["webhook_disabled", "webhook_failing"]
        post.receiver.behave = lambda _path: 200
        heard = len(post.receiver.heard)
        async with post.unit() as unit:
            await enable_endpoint(unit, BOSS, made.endpoint_id)
        await post.carry()
        kept = set(post.receiver.ids()[heard:])
        assert len(kept) >= len(told) - 1, "only the first may have used up its schedule"
        assert all(row.tries_count == 1 for row in await rows_of(post) if str(row.event_id) in kept), "begun anew"

    posting(work)


def test_a_hub_that_was_off_for_days_does_not_close_an_endpoint_that_failed_before(posting):
    async def work(post):
        made = await post.endpoint()
        post.receiver.behave = lambda _path: 500
        await post.tell(3)
        await post.carry()
        post.clock.advance(days=9)
        await post.carry()
        view = await post.look_at(made.endpoint_id)
        assert (view.state, view.failing_since_at) == (EndpointState.ACTIVE, post.clock.now())

    posting(work)
