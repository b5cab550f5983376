"""Random trade: rules, sales, partial refunds and replays in any order leave books that explain every fen."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from hutong.core.money import Money, share_bps
from hutong.ledger import service
from hutong.ledger.checks import check
from hutong.ledger.commissions import Booked
from hutong.ledger.models import account_balance, ledger_account, posting
from hutong.ledger.refusals import TotalCapExceeded
from hutong.ledger.rules import Sold
from hutong.ledger.sales import Refunded
from hutong.ledger.split_terms import TOTAL_CAP_BPS_DEFAULT, get_terms

AT = datetime(2026, 2, 1, 8, tzinfo=UTC)
WALLET = "wallet:wechatpay:1"
EXAMPLES = 12

rules = st.tuples(st.just("rule"), st.integers(0, 2), st.integers(1, 6_000), st.booleans())
sales = st.tuples(st.just("sale"), st.integers(1, 200_000), st.integers(0, 100), st.booleans())
refunds = st.tuples(st.just("refund"), st.integers(0, 9), st.integers(1, 100_000), st.booleans())


class Trade:
    """What the test itself knows of each order, apart from the books."""

    def __init__(self):
        self.parties = []
        self.channels = [uuid4(), uuid4()]
        self.orders = []
        self.refused = 0

    async def rule(self, unit, party, rate_bps, anywhere):
        channel = None if anywhere else self.channels[0]
        try:
            await service.create_rule(unit, party_id=self.parties[party], rate_bps=rate_bps, channel_id=channel)
        except TotalCapExceeded:
            self.refused += 1

    async def sale(self, unit, gross, fee_bps, on_first):
        terms = {"order_id": uuid4(), "wallet_path": WALLET, "gross": Money(gross), "event_at": AT}
        fee = Money(share_bps(gross, fee_bps))
        sold = Sold(gross=Money(gross), fee=fee, channel_id=self.channels[0] if on_first else self.channels[1])
        split = await service.preview(unit, sold)
        for _ in range(2):  # the second is a replay
            await service.post_sale(unit, fee=fee, party_shares=split.shares(), **terms)
        booked = Booked(order_id=terms["order_id"], connection_id=uuid4(), platform="wechatpay", paid_at=AT)
        await service.estimate(unit, [service.Estimate(booked, sold, split)], await get_terms(unit))
        self.orders.append({"terms": terms, "refunded": 0})

    async def refund(self, unit, which, amount, replayed):
        if not self.orders:
            return
        order = self.orders[which % len(self.orders)]
        amount = min(amount, order["terms"]["gross"].amount_minor - order["refunded"])
        if amount:
            given = {"refund_id": uuid4(), "refunded": Money(amount), "refunded_before": Money(order["refunded"])}
            results = [await service.post_refund(unit, **given, **order["terms"]) for _ in range(1 + replayed)]
            assert [result.posted for result in results] == [True, False][: 1 + replayed]
            gross = order["terms"]["gross"].amount_minor
            step = Refunded(before_minor=order["refunded"], now_minor=amount, gross_minor=gross)
            await service.claw_back(unit, order["terms"]["order_id"], step, AT)
            order["refunded"] += amount


async def facts(unit):
    mine = posting.c.merchant_id == unit.merchant_id
    total = await unit.scalar(select(func.coalesce(func.sum(posting.c.amount_minor), 0)).where(mine))
    rows = await unit.all(
        select(ledger_account.c.path, account_balance.c.balance_minor)
        .join(account_balance, account_balance.c.account_id == ledger_account.c.account_id)
        .where(ledger_account.c.merchant_id == unit.merchant_id)
    )
    return total, {row.path: row.balance_minor for row in rows}, await check(unit)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.one_of(rules, sales, refunds), max_size=14), finish=st.booleans())
def test_random_trade(room, steps, finish):
    room.merchant_id = uuid4()
    trade = Trade()

    async def work():
        async with room.unit() as unit:
            trade.parties = [await service.create_party(unit, name=name) for name in "甲乙丙"]
        for kind, *args in steps:
            async with room.unit() as unit:
                await getattr(trade, kind)(unit, *args)
        if finish:
            async with room.unit() as unit:
                for no in range(len(trade.orders)):
                    await trade.refund(unit, no, 10**9, False)
        async with room.unit() as unit:
            return await facts(unit)

    total, balances, breaches = room.run(work)
    assert total == 0
    assert sum(balances.values()) == 0
    assert breaches == []
    promised = sum(args[1] for kind, *args in steps if kind == "rule")
    assert trade.refused == 0 or promised > TOTAL_CAP_BPS_DEFAULT, "only what exceeds the total cap is refused"
    taken = sum(order["terms"]["gross"].amount_minor - order["refunded"] for order in trade.orders)
    assert balances.get("revenue:sales", 0) == -taken
    assert balances.get(WALLET, 0) + balances.get("expense:wallet_fee", 0) == taken
    owed = {path: minor for path, minor in balances.items() if path.startswith("payable:party:")}
    assert sum(owed.values()) == -balances.get("expense:commission", 0)
    assert {UUID(path.rpartition(":")[2]) for path in owed} <= set(trade.parties)
    if finish:
        assert set(balances.values()) <= {0}
