"""Group commit: everybody gets his own answer, nobody waits for company, one caller's trouble is his own."""

from __future__ import annotations

import asyncio
from collections import Counter
from uuid import uuid4

import pytest

from hutong.db import gathering
from hutong.db.gathering import Gathering, Gatherings, TooBusy

MERCHANT, OTHER = uuid4(), uuid4()


def test_a_lone_caller_is_served_at_once_and_company_shares_the_next_round():
    rounds: list[tuple] = []
    go_on = asyncio.Event()

    async def work(merchant_id, items):
        rounds.append((merchant_id, tuple(items)))
        await go_on.wait()
        return [item * 2 for item in items]

    async def main():
        gather = Gathering(work)
        first = asyncio.create_task(gather.submit(MERCHANT, 1))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        rest = [asyncio.create_task(gather.submit(MERCHANT, item)) for item in (2, 3, 4)]
        elsewhere = asyncio.create_task(gather.submit(OTHER, 9))
        await asyncio.sleep(0.01)
        assert rounds == [(MERCHANT, (1,)), (OTHER, (9,))]
        go_on.set()
        assert await asyncio.gather(first, *rest, elsewhere) == [2, 4, 6, 8, 18]
        assert rounds[2:] == [(MERCHANT, (2, 3, 4))]
        assert await gather.submit(MERCHANT, 5) == 10

    asyncio.run(main())


def test_a_round_that_fails_is_tried_one_by_one():
    async def work(_merchant, items):
        await asyncio.sleep(0)
        if 13 in items:
            raise ValueError("bad luck")
        return [LookupError(item) if item == 7 else item for item in items]

    async def main():
        gather = Gathering(work)
        told = await asyncio.gather(*(gather.submit(MERCHANT, item) for item in (1, 7, 13, 2)), return_exceptions=True)
        assert [type(one) for one in told] == [int, LookupError, ValueError, int]

    asyncio.run(main())


def test_callers_of_one_round_go_on_a_few_at_a_time():
    """Whatever came meanwhile, as a callback, is served between them."""
    turn = 0

    async def main():
        loop, woken = asyncio.get_running_loop(), []

        def tick():
            nonlocal turn
            turn += 1
            ticking[0] = loop.call_soon(tick)

        async def work(_merchant, items):
            await asyncio.sleep(0.01)  # all the others come meanwhile
            return items

        async def caller(item):
            await gather.submit(MERCHANT, item)
            woken.append(turn)

        gather, ticking = Gathering(work), [loop.call_soon(tick)]
        await asyncio.gather(*(caller(item) for item in range(41)))
        ticking[0].cancel()
        return Counter(woken)

    at_once = asyncio.run(main())
    assert sum(at_once.values()) == 41
    assert max(at_once.values()) == gathering.ANSWERS_PER_TURN


def test_who_went_away_is_not_worked_and_the_queue_is_bounded(monkeypatch):
    monkeypatch.setattr(gathering, "WAITING_MAX", 2)
    seen: list[int] = []
    go_on = asyncio.Event()

    async def work(_merchant, items):
        await go_on.wait()
        seen.extend(items)
        return items

    async def main():
        gather = Gathering(work)
        tasks = [asyncio.create_task(gather.submit(MERCHANT, 1))]
        await asyncio.sleep(0.01)
        tasks += [asyncio.create_task(gather.submit(MERCHANT, item)) for item in (2, 3)]
        await asyncio.sleep(0.01)
        with pytest.raises(TooBusy):
            await gather.submit(MERCHANT, 4)
        tasks[1].cancel()
        await asyncio.sleep(0)
        go_on.set()
        assert await asyncio.gather(tasks[0], tasks[2]) == [1, 3]
        assert seen == [1, 3]

    asyncio.run(main())


def test_in_a_rush_rounds_keep_apart_and_after_a_quiet_time_nobody_waits():
    rounds: list[tuple[float, int]] = []

    async def work(_merchant, items):
        rounds.append((asyncio.get_running_loop().time(), len(items)))
        return items

    async def main():
        gather = Gathering(work, pause_s=0.2)
        loop = asyncio.get_running_loop()
        began = loop.time()
        await gather.submit(MERCHANT, 0)
        assert rounds[0][0] - began < 0.1, "the first is served at once"
        rush = []
        for item in range(1, 6):
            rush.append(asyncio.create_task(gather.submit(MERCHANT, item)))
            await asyncio.sleep(0.01)
        assert await asyncio.gather(*rush) == [1, 2, 3, 4, 5]
        assert [count for _, count in rounds] == [1, 5]
        assert rounds[1][0] - rounds[0][0] >= 0.19
        await asyncio.sleep(0.25)
        began = loop.time()
        await gather.submit(MERCHANT, 6)
        assert rounds[2][0] - began < 0.1

    asyncio.run(main())


def test_what_is_left_is_worked_and_a_failure_or_a_full_queue_troubles_nobody(monkeypatch, caplog):
    monkeypatch.setattr(gathering, "WAITING_MAX", 2)
    seen: list[int] = []

    async def work(_merchant, items):
        await asyncio.sleep(0)
        if 13 in items:
            raise ValueError("a secret")
        seen.extend(items)
        return items

    async def main():
        everything = Gatherings()
        gather = everything.of("some", work)
        for item in (1, 13):
            gather.leave(MERCHANT, item)
        gather.leave(MERCHANT, 3)  # one too many: it is done from the database
        await everything.rest()
        assert seen == [1]
        gather.leave(MERCHANT, 4)
        await everything.rest()
        assert seen == [1, 4]

    asyncio.run(main())
    assert "ValueError" in caplog.text
    assert "a secret" not in caplog.text
