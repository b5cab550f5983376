"""What the tests of papers share."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

import pytest

from hutong.core.money import Money
from hutong.ledger import service
from hutong.ledger.commission_queries import commissions_of
from hutong.ledger.commissions import confirm
from hutong.ledger.payouts import Paid, record_outside_payment, record_shared, stand_outside
from hutong.links.service import ChannelKind, create_channel

sys.path.insert(0, str(Path(__file__).parent))  # helpers beside the tests; pytest's importlib mode does not add it

from papers_traded import BOSS, CONNECTION, give_back, party_with_rules, sell


@pytest.fixture
def traded(room):
    """A party whose shares stand in every state; drawn over all of it. (party, statement)"""

    async def begin(unit):
        party = await party_with_rules(unit)
        channel = await create_channel(unit, ChannelKind.POST, "weibo", "+老李的微博")
        return party, [await sell(unit, channel_id=channel) for _ in range(3)]

    async def middle(unit):
        for order in orders:
            await confirm(unit, order)
        shared = Paid(
            number="S1", party_id=party, order_id=orders[0], connection_id=CONNECTION, platform="wechatpay",
            amount=Money(1_150),
        )  # fmt: skip
        await record_shared(unit, shared)
        second = (await commissions_of(unit, party, order_id=orders[1], limit=10)).rows
        await stand_outside(unit, [row.commission_id for row in second], "ratio")
        await record_outside_payment(
            unit, BOSS, party_id=party, amount=Money(600), paid_by="店主", paid_at=unit.now(), reference="BANK-1"
        )
        await give_back(unit, orders[0], 2_500)  # of what the wallet shared already: owed back
        await give_back(unit, orders[2], 10_000)
        await sell(unit, 5_000)
        await give_back(unit, await sell(unit, 9_999), 1, gross=9_999)
        start = room.clock.at - timedelta(days=30)
        return await service.draw_statement(unit, party, start, room.clock.at + timedelta(hours=1))

    party, orders = room.do(begin)
    room.clock.advance(days=8)
    return party, room.do(middle)
