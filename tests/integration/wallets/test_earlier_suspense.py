"""What was told before money in suspense was a thing of its own: after the upgrade it is decided on like any other."""

from __future__ import annotations

import importlib
from functools import partial

import asyncpg
import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy.ext.asyncio import create_async_engine
from test_decisions import CAME, books, choose, every_door, mismatched, notice, opened, settle, sound, ticket_of

from hutong.payments.suspense import Decision
from hutong.platforms.payments import TradeStatus
from hutong.workflows.commands.ask_now import ask_now

BEFORE = (
    "ALTER TABLE ticket NO FORCE ROW LEVEL SECURITY",
    "UPDATE ticket SET details = details - 'suspense_id'",
    "ALTER TABLE ticket FORCE ROW LEVEL SECURITY",
    "DROP TABLE suspense",
)
RESOLVED = "UPDATE ticket SET state = 'resolved', resolved_at = now() WHERE kind = 'notice_mismatched'"


def _again(connection):
    with Operations.context(MigrationContext.configure(connection)):
        importlib.import_module("hutong.migrations.versions.0012_suspense").upgrade()


async def upgraded(till, *further):
    """Leave the database as the revision before left it, ``further`` included, and upgrade."""
    async with till.unit() as unit:
        for statement in further:
            await unit.connection.exec_driver_sql(statement)
    dsn, settings = till.runtime.database.address.url_for("owner")
    connect = partial(asyncpg.connect, dsn, server_settings=settings)
    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect)
    async with engine.begin() as connection:
        for statement in BEFORE:
            await connection.exec_driver_sql(statement)
        await connection.run_sync(_again)
    await engine.dispose()


@pytest.mark.parametrize("further", [(), (RESOLVED,)], ids=["open", "marked as done"])
def test_what_an_answer_told_is_one_case_that_can_be_decided_on(at_the_till, further):
    async def work(till):
        attempt, ticket = await mismatched(till)
        await upgraded(till, *further)
        assert await sound(till) == []
        await every_door(till, attempt)
        assert (await till.tickets(), await till.values("SELECT state FROM suspense")) == (
            ["notice_mismatched"],
            ["open"],
        )
        assert await books(till) == {"suspense:claimed": 700, "suspense:payments": -700}
        await choose(till, ticket, Decision.TAKE)
        assert (await sound(till), (await till.payment()).state) == ([], "paid")

    at_the_till(work)


def test_what_a_notice_told_is_not_booked_twice(at_the_till):
    async def work(till):
        attempt = await opened(till)
        await notice(till, attempt, CAME)
        await settle(till)
        await upgraded(till)
        till.wallet.trades[attempt.out_trade_no], till.wallet.sums[attempt.out_trade_no] = TradeStatus.PAID, CAME
        await every_door(till, attempt)
        assert (len(await till.tickets()), await sound(till)) == (1, [])
        assert await books(till) == {"suspense:claimed": 700, "suspense:payments": -700}
        await choose(till, await ticket_of(till), Decision.SEND_BACK)
        assert await sound(till) == []

    at_the_till(work)


def test_two_that_told_the_same_stay_two_and_the_money_is_kept_once(at_the_till):
    async def work(till):
        attempt, first = await mismatched(till)
        async with till.unit() as unit:
            await unit.connection.exec_driver_sql("UPDATE suspense SET number = 'hidden'")
        await notice(till, attempt, CAME, "second", transaction_id="T2")
        await settle(till)
        await upgraded(till)
        assert sorted(await till.values("SELECT round_no FROM suspense")) == [0, 1]
        assert await sound(till) == []
        assert (await choose(till, first, Decision.TAKE)).is_proved
        assert not (await choose(till, await ticket_of(till), Decision.WRITE_OFF)).is_proved
        assert await sound(till) == []

    at_the_till(work)


def test_a_sum_never_lies_there_without_its_ticket(at_the_till):
    """The ticket was put on the desk under this key before, without a row."""

    async def work(till):
        attempt, ticket = await mismatched(till)
        async with till.unit() as unit:
            await unit.connection.exec_driver_sql("DELETE FROM suspense")
            await unit.connection.exec_driver_sql(RESOLVED)
        await ask_now(till.runtime, till.merchant_id, attempt.payment_id, till.teller)
        assert await sound(till) == []
        assert (await till.tickets(), await till.values("SELECT ticket_id FROM suspense")) == (
            ["notice_mismatched"],
            [ticket],
        )
        await choose(till, ticket, Decision.WRITE_OFF)
        assert await sound(till) == []

    at_the_till(work)
