"""The doctor's rules stay linear also where the planner knows nothing of a merchant yet."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from hutong.core.money import Money
from hutong.ledger import service
from hutong.ledger.checks import check
from hutong.ledger.sales import platform_sale_batch
from hutong.workflows.commands.examine import CHECKS

TAOBAO = service.receivable_path("taobao", UUID(int=2))


def sales(room, count):
    return [
        platform_sale_batch(order_id=uuid4(), receivable_path=TAOBAO, gross=Money(no, "CNY"), event_at=room.clock.now())
        for no in range(1, count + 1)
    ]


@pytest.mark.parametrize("rules", CHECKS, ids=lambda rules: f"{rules.__module__}.{rules.__name__}")
def test_no_rule_is_planned_as_a_nested_loop(room, rules):
    async def work(unit):
        await rules(unit)
        return await unit.scalar(text("SHOW enable_nestloop"))

    assert room.do(work) == "off"


def test_books_that_the_planner_takes_for_empty_are_read_once(room):
    """As loops over loops this took minutes: 8,000 batches times 16,000 legs."""

    async def work():
        known = room.merchant_id
        for room.merchant_id in (uuid4() for _ in range(20)):
            async with room.unit() as unit:
                await service.post_many(unit, sales(room, 10))
        owner = await room.database.connect_raw("owner")
        await owner.execute("ANALYZE posting, ledger_batch, ledger_account, account_balance")
        await owner.close()
        room.merchant_id = known
        async with room.unit() as unit:
            await service.post_many(unit, sales(room, 8_000))
        async with room.unit() as unit:
            await unit.run(text("SET LOCAL statement_timeout = '10s'"))
            return await check(unit)

    assert room.run(work) == []
