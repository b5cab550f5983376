"""An opened account is remembered for a moment, and read once however many ask for it at the same time."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from uuid import uuid4

import pytest

from hutong.core.errors import NotFound
from hutong.workflows.runtime import ACCOUNT_KNOWN_FOR, ACCOUNT_READ_AHEAD

CALLERS = 40


def counted(till, monkeypatch):
    """Names of the units of work that begin from now on."""
    begun = []
    whole = till.runtime.database.unit

    def unit(merchant_id, label, *args, **kwargs):
        begun.append(label)
        return whole(merchant_id, label, *args, **kwargs)

    monkeypatch.setattr(till.runtime.database, "unit", unit)
    return begun


def test_many_who_ask_at_once_read_it_once(at_the_till, monkeypatch):
    async def work(till):
        begun = counted(till, monkeypatch)
        asked = (till.runtime.open_account(till.merchant_id, till.connection_id) for _ in range(CALLERS))
        found = await asyncio.gather(*asked)
        assert len({id(opened) for opened in found}) == 1
        assert begun == ["account.open"]
        till.clock.advance(seconds=ACCOUNT_KNOWN_FOR.total_seconds() + 1)
        again = await till.runtime.open_account(till.merchant_id, till.connection_id)
        assert again is not found[0]
        assert begun == ["account.open"] * 2

    at_the_till(work)


def test_one_that_is_in_use_is_read_anew_while_nobody_waits(at_the_till, monkeypatch):
    async def work(till):
        known = await till.runtime.open_account(till.merchant_id, till.connection_id)
        begun = counted(till, monkeypatch)
        till.clock.advance(seconds=ACCOUNT_READ_AHEAD.total_seconds() + 0.1)
        asked = [await till.runtime.open_account(till.merchant_id, till.connection_id) for _ in range(3)]
        assert all(opened is known for opened in asked)  # the one at hand, which is young enough
        (reading,) = till.runtime.opening.values()
        anew = await reading
        assert await till.runtime.open_account(till.merchant_id, till.connection_id) is anew
        assert begun == ["account.open"]

    at_the_till(work)


def test_who_goes_away_takes_only_himself_away(at_the_till):
    async def work(till):
        first, second = (
            asyncio.create_task(till.runtime.open_account(till.merchant_id, till.connection_id)) for _ in range(2)
        )
        await asyncio.sleep(0)
        first.cancel()
        with suppress(asyncio.CancelledError):
            await first
        assert (await second).connection.connection_id == till.connection_id

    at_the_till(work)


def test_a_failure_is_told_to_all_and_forgotten(at_the_till):
    async def work(till):
        nobodys = uuid4()
        asked = (till.runtime.open_account(till.merchant_id, nobodys) for _ in range(3))
        assert [type(one) for one in await asyncio.gather(*asked, return_exceptions=True)] == [NotFound] * 3
        assert till.runtime.opening == {}
        with pytest.raises(NotFound):  # what another merchant knows helps nobody else
            await till.runtime.open_account(uuid4(), till.connection_id)

    at_the_till(work)
