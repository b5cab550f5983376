"""Endpoints over time: other secrets and addresses, switched off and on, what the doctor sees and what is forgotten."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

from sqlalchemy import event, select
from webhooks_post import BOSS, signed_by

from hutong.db.housekeeping import sweep
from hutong.merchants.models import audit
from hutong.webhooks.checks import check
from hutong.webhooks.deliveries import claim
from hutong.webhooks.forgetting import forget_deliveries
from hutong.webhooks.queries import counts_by_state, counts_of
from hutong.webhooks.replays import replay_one, replay_since
from hutong.webhooks.service import (
    ENDPOINTS_MAX,
    change_endpoint,
    disable_endpoint,
    enable_endpoint,
    list_endpoints,
    rotate_secret,
)


def test_a_replaced_secret_signs_for_a_while_beside_the_new_one(posting):
    async def work(post):
        made = await post.endpoint()
        async with post.unit() as unit:
            fresh = await rotate_secret(unit, post.vault, BOSS, made.endpoint_id, timedelta(hours=2))
        assert fresh.secret != made.secret
        assert fresh.secret not in repr(fresh)
        await post.tell()
        await post.carry()
        post.clock.advance(hours=3)
        await post.tell()
        await post.carry()
        (_, both, first), (_, one, second) = post.receiver.heard
        assert signed_by(made.secret, both, first)
        assert signed_by(fresh.secret, both, first)
        assert signed_by(fresh.secret, one, second)
        assert not signed_by(made.secret, one, second)

    posting(work)


def test_disabled_by_hand_keeps_what_waits_and_replay_sends_one_again_with_its_id(posting):
    async def work(post):
        made = await post.endpoint()
        told = await post.tell()
        async with post.unit() as unit:
            assert await disable_endpoint(unit, BOSS, made.endpoint_id)
            assert not await disable_endpoint(unit, BOSS, made.endpoint_id)
        await post.carry()
        assert post.receiver.heard == []
        async with post.unit() as unit:
            assert await enable_endpoint(unit, BOSS, made.endpoint_id)
        await post.carry()
        async with post.unit() as unit:
            delivered = await claim(unit, made.endpoint_id, 1)
            assert delivered is None
            await replay_one(unit, BOSS, made.endpoint_id, UUID(told[0]))
        await post.carry()
        assert post.receiver.ids() == told * 2
        async with post.unit() as unit:
            actions = await unit.all(select(audit.c.action).where(audit.c.merchant_id == unit.merchant_id))
        assert {row.action for row in actions} == {
            "webhook.create",
            "webhook.disable",
            "webhook.enable",
            "webhook.replay",
        }

    posting(work)


def test_what_waits_goes_to_the_new_address(posting):
    async def work(post):
        made = await post.endpoint("/old")
        post.receiver.behave = lambda path: 500 if path == "/old" else 200
        told = await post.tell()
        await post.carry()
        async with post.unit() as unit:
            await change_endpoint(unit, BOSS, made.endpoint_id, url=post.receiver.url("/new"), trial=True)
        await post.pass_time(6, 6)
        assert [path for path, _, _ in post.receiver.heard] == ["/old", "/new"]
        assert post.receiver.ids() == told * 2
        post.receiver.behave = lambda path: 500 if path == "/new" else 200
        await post.tell()
        await post.carry()
        await post.pass_time(6, 6)
        async with post.unit() as unit:  # its next try would be five minutes from now
            await change_endpoint(unit, BOSS, made.endpoint_id, url=post.receiver.url("/third"), trial=True)
        await post.carry()
        assert [path for path, _, _ in post.receiver.heard][-1] == "/third"
        assert await post.states() == ["delivered", "delivered"]

    posting(work)


def test_a_replay_of_many_is_one_update(posting):
    async def work(post):
        made = await post.endpoint()
        told = await post.tell(30)
        await post.carry()
        async with post.unit() as unit:
            await unit.fetch("UPDATE webhook_delivery SET state = 'failed' WHERE merchant_id = $1", unit.merchant_id)
        said = []

        def listen(_connection, _cursor, statement, *_):
            said.append(statement)

        engine = post.room.database.engine("app").sync_engine
        event.listen(engine, "before_cursor_execute", listen)
        async with post.unit() as unit:
            replayed = await replay_since(unit, BOSS, made.endpoint_id, post.clock.now() - timedelta(days=1))
        event.remove(engine, "before_cursor_execute", listen)
        assert (replayed.failed_count, replayed.missed_count, replayed.more) == (len(told), 0, False)
        assert sum(statement.startswith("UPDATE webhook_delivery") for statement in said) == 1
        await post.carry()
        assert sorted(post.receiver.ids()[len(told) :]) == sorted(told)

    posting(work)


def test_endpoints_made_at_the_same_time_are_counted_one_after_the_other(posting):
    async def work(post):
        for _ in range(ENDPOINTS_MAX - 1):
            await post.endpoint()
        made = await asyncio.gather(*(post.endpoint() for _ in range(4)), return_exceptions=True)
        assert sorted(type(one).__name__ for one in made) == ["MadeEndpoint", *["TooManyEndpoints"] * 3]
        async with post.unit() as unit:
            assert len(await list_endpoints(unit)) == ENDPOINTS_MAX

    posting(work)


def test_messages_of_one_endpoint_are_counted_without_those_of_others(posting):
    async def work(post):
        first, second = await post.endpoint("/first"), await post.endpoint("/second")
        post.receiver.behave = lambda path: 200 if path == "/first" else 500
        await post.tell(3)
        await post.carry()
        async with post.unit() as unit:
            apart = {one.endpoint_id: await counts_of(unit, one.endpoint_id) for one in (first, second)}
            assert apart == await counts_by_state(unit)
        assert apart == {first.endpoint_id: {"delivered": 3}, second.endpoint_id: {"waiting": 3}}

    posting(work)


def test_the_doctor_sees_an_event_that_was_never_queued_and_ends_that_are_none(posting):
    async def found(post):
        async with post.unit() as unit:
            return {breach.rule: breach.subject for breach in await check(unit)}

    async def work(post):
        made = await post.endpoint("/orders", ["order.*", "payment.unknown"])
        post.clock.advance(minutes=5)
        told = await post.tell(2)
        await post.carry()
        post.clock.advance(hours=2)
        assert await found(post) == {}
        async with post.unit() as unit:
            await unit.fetch(
                "DELETE FROM webhook_delivery WHERE merchant_id = $1 AND event_id = $2::uuid", unit.merchant_id, told[0]
            )
            await unit.fetch(
                "UPDATE webhook_attempt SET status = 500 WHERE merchant_id = $1 AND event_id = $2::uuid",
                unit.merchant_id,
                told[1],
            )
        assert await found(post) == {"webhooks.event_is_queued": told[0], "webhooks.arrival_has_attempt": told[1]}
        async with post.unit() as unit:
            await unit.fetch(
                "UPDATE webhook_delivery SET next_try_at = $2 WHERE merchant_id = $1",
                unit.merchant_id,
                post.clock.now(),
            )
            assert await disable_endpoint(unit, BOSS, made.endpoint_id)
        assert await found(post) == {
            "webhooks.state_is_its_times": told[1],
            "webhooks.arrival_has_attempt": told[1],
        }, "nothing is owed to a disabled endpoint"

    posting(work)


def test_what_ended_is_forgotten_with_its_event_and_what_waits_is_kept(posting):
    async def work(post):
        made = await post.endpoint()
        await post.tell(3)
        await post.carry()
        async with post.unit() as unit:
            await disable_endpoint(unit, BOSS, made.endpoint_id)
            assert await enable_endpoint(unit, BOSS, made.endpoint_id)
        post.receiver.behave = lambda _path: 500
        await post.tell()
        await post.carry()
        further = {"webhook_delivery": forget_deliveries}
        assert (await sweep(post.room.database, post.merchant_id, further))["webhook_delivery"] == 0
        post.clock.advance(days=91)
        assert (await sweep(post.room.database, post.merchant_id, further))["webhook_delivery"] == 3
        assert await post.states() == ["waiting"]
        assert len(await post.attempts()) == 1
        await post.carry()
        assert await post.states() == ["failed"], "its event is forgotten, so there is nothing to send"
        assert len(post.receiver.heard) == 4

    posting(work)
