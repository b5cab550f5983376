"""What channels took of their sales, held against the books; how much hangs on one platform, held against fractions."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from uuid import uuid4

from hutong.analytics import service
from hutong.analytics.costs import channel_costs, cost_total, held_against_agent
from hutong.analytics.dependence import DIRECT, Level, shop_dependence, traffic_dependence
from hutong.analytics.service import Sale
from hutong.core.money import Money
from hutong.ledger.account_queries import balances
from hutong.ledger.service import Batch, Leg, Share, post, post_platform_sale, post_refund, post_sale
from hutong.links.service import ChannelKind, create_channel

AT = datetime(2026, 2, 1, 8, tzinfo=UTC)
WALLET = "wallet:wechatpay:1"


def sale(gross, **fields):
    return Sale(gross=Money(gross), lines=(), **{"order_id": uuid4(), "source": "own", "paid_at": AT, **fields})


async def sell(unit, sold, fee, commission, refunded=0, currency="CNY"):
    """A sale in the figures and in the books, and a refund of a part."""
    terms = {"order_id": sold.order_id, "wallet_path": WALLET, "gross": sold.gross, "event_at": sold.paid_at}
    shares = [Share(uuid4(), Money(commission, currency))] if commission else []
    await service.record_sale(unit, sold)
    await post_sale(unit, fee=Money(fee, currency), party_shares=shares, **terms)
    if refunded:
        back = Money(refunded, currency)
        later = {**terms, "event_at": sold.paid_at + timedelta(days=9)}
        await post_refund(unit, refund_id=uuid4(), refunded=back, refunded_before=Money(0, currency), **later)
        await service.record_refund(unit, sold.order_id, back)


async def expense_accounts(unit, currency="CNY"):
    found = Counter()
    for row in await balances(unit):
        if row.path.startswith("expense:") and row.balance.currency == currency:
            found[row.path] += row.balance.amount_minor
    return found


def test_costs_of_all_channels_are_the_expense_accounts(room):
    """Random trade over channels and shops; a cost of no sale at all is not lost."""
    dice = random.Random(20261125)
    channels = [uuid4() for _ in range(4)]

    async def work(unit):
        for _ in range(60):
            gross = dice.randint(1, 90_000)
            sold = sale(
                gross,
                channel_id=dice.choice([*channels, None]),
                source=dice.choice(["own", "taobao"]),
                paid_at=AT + timedelta(hours=dice.randint(0, 2_000)),
            )
            refunded = dice.choice([0, 0, gross, dice.randint(1, gross)])
            await sell(unit, sold, dice.randint(0, gross // 100), dice.randint(0, gross // 3), refunded)
        fee_of_no_sale = Batch(
            idempotency_key="platform-fee",
            kind="fee",
            subject_kind="connection",
            subject_id=uuid4(),
            event_at=AT,
            legs=(Leg("expense:platform_fee", Money(777)), Leg(WALLET, Money(-777))),
        )
        await post(unit, fee_of_no_sale)
        return await channel_costs(unit, "CNY"), await expense_accounts(unit)

    rows, accounts = room.do(work)
    total = cost_total(rows, "CNY")
    assert (total.wallet_fee, total.commission, total.platform_fee) == (
        Money(accounts["expense:wallet_fee"]),
        Money(accounts["expense:commission"]),
        Money(accounts["expense:platform_fee"]),
    )
    assert total.cost.amount_minor == sum(accounts.values())
    assert total.platform_fee == Money(777)
    assert {row.channel_id for row in rows} == {*channels, None}
    assert {row.source for row in rows if row.channel_id is None} == {"own", "taobao", ""}
    assert [row.kept.amount_minor for row in rows] == sorted((r.kept.amount_minor for r in rows), reverse=True)


def test_what_one_channel_took(room):
    weibo = uuid4()

    async def work(unit):
        await sell(unit, sale(10_000, channel_id=weibo), fee=60, commission=1_000, refunded=5_000)
        await sell(unit, sale(6_000, source="taobao"), fee=0, commission=0)
        return await channel_costs(unit, "CNY")

    first, second = room.do(work)
    assert (first.source, first.kept, first.cost, first.rate_bps) == ("taobao", Money(6_000), Money(0), None)
    assert (first.unbilled, first.is_unbilled) == (Money(6_000), True)
    assert (second.channel_id, second.source, second.orders_count) == (weibo, "", 1)
    assert (second.gross, second.refunded, second.kept) == (Money(10_000), Money(5_000), Money(5_000))
    assert (second.wallet_fee, second.commission) == (Money(30), Money(500))
    assert (second.cost, second.net, second.rate_bps) == (Money(530), Money(4_470), 1_060)


def test_sales_whose_platform_has_not_told_its_fee_are_in_no_rate(room):
    """Sale by sale: one channel leads to our own checkout and to a shop whose fee is known of some sales only."""
    weibo = uuid4()

    async def work(unit):
        await sell(unit, sale(10_000, channel_id=weibo), fee=60, commission=1_000)
        for gross, fee in ((4_000, 200), (6_000, None)):
            sold = sale(gross, channel_id=weibo, source="taobao")
            await service.record_sale(unit, sold)
            where = {"order_id": sold.order_id, "receivable_path": "receivable:taobao:1", "event_at": AT}
            await post_platform_sale(unit, gross=sold.gross, fee=None if fee is None else Money(fee), **where)
        return await channel_costs(unit, "CNY")

    [row] = rows = room.do(work)
    assert (row.kept, row.unbilled, row.billed, row.platform_fee) == (
        Money(20_000),
        Money(6_000),
        Money(14_000),
        Money(200),
    )
    assert (row.is_unbilled, row.rate_bps) == (False, 900)
    agent = held_against_agent(rows, "CNY", 3_500)
    assert (agent.would_take, agent.saved) == (Money(4_900), Money(4_900 - 1_260))


def test_a_cost_stands_in_the_period_of_its_sale_and_in_its_currency(room):
    async def work(unit):
        await sell(unit, sale(1_000), fee=6, commission=100, refunded=1_000)
        await sell(unit, sale(2_000, paid_at=AT + timedelta(days=8)), fee=12, commission=200)
        pounds = Sale(gross=Money(500, "GBP"), lines=(), order_id=uuid4(), source="own", paid_at=AT)
        await sell(unit, pounds, fee=3, commission=0, currency="GBP")
        edge = AT + timedelta(days=8)
        return (
            await channel_costs(unit, "CNY", AT, edge),
            await channel_costs(unit, "CNY", edge),
            await channel_costs(unit, "GBP"),
            await channel_costs(unit, "USD"),
        )

    early, late, pounds, none = room.do(work)
    assert [(row.kept, row.cost, row.rate_bps) for row in early] == [(Money(0), Money(0), None)]
    assert [(row.kept, row.cost) for row in late] == [(Money(2_000), Money(212))]
    assert [(row.kept, row.cost) for row in pounds] == [(Money(500, "GBP"), Money(3, "GBP"))]
    assert none == ()


def test_other_merchants_cost_nothing(room_address, room):
    other = type(room)(room_address)
    other.do(lambda unit: sell(unit, sale(10_000), fee=60, commission=1_000))
    assert room.do(lambda unit: channel_costs(unit, "CNY")) == ()


def test_how_much_hangs_on_one_platform(room):
    sales = {"weibo": 64_217, "kuaishou": 21_003, "taobao": 9_779, "": 5_001}

    async def work(unit):
        for platform in ("weibo", "kuaishou"):
            channel = await create_channel(unit, ChannelKind.POST, platform, platform)
            await service.record_sale(unit, sale(sales[platform] + 100, channel_id=channel, refunded_minor=100))
        await service.record_sale(unit, sale(sales["taobao"], source="taobao"))
        await service.record_sale(unit, sale(sales[""]))
        await service.record_sale(unit, sale(0, source="jd", is_refund=True, refunded_minor=400))
        return await traffic_dependence(unit, "CNY"), await shop_dependence(unit, "CNY")

    traffic, shops = room.do(work)
    total = sum(sales.values())
    shares = {key: Fraction(amount, total) for key, amount in sales.items()}
    assert traffic.total == Money(total)
    assert {part.key: part.share_bps for part in traffic.parts} == {
        **{key or DIRECT: round(share * 10_000) for key, share in shares.items()},
        "jd": 0,
    }
    assert traffic.hhi == round(sum(share**2 for key, share in shares.items() if key) * 10_000)
    assert traffic.largest is not None
    assert (traffic.largest.key, traffic.level) == ("weibo", Level.HIGH)
    assert [part.key for part in shops.parts] == ["own", "taobao", "jd"]
    assert (shops.largest.key, shops.level) == ("taobao", Level.LOW)
    assert shops.hhi == round(shares["taobao"] ** 2 * 10_000)


def test_nothing_sold_hangs_on_nobody(room):
    nothing = room.do(lambda unit: traffic_dependence(unit, "CNY"))
    assert (nothing.parts, nothing.hhi, nothing.largest, nothing.level) == ((), 0, None, Level.LOW)


def test_shares_of_large_sums_are_exact(room):
    """Squares of these sums do not fit a bigint."""

    async def work(unit):
        for source in ("taobao", "jd"):
            await service.record_sale(unit, sale(4_000_000_000_000_000_000, source=source))
        return await shop_dependence(unit, "CNY")

    found = room.do(work)
    assert ([part.share_bps for part in found.parts], found.hhi) == ([5_000, 5_000], 5_000)
    assert found.level is Level.MEDIUM


def test_of_a_file_that_names_no_platform_nothing_is_praised(room):
    """Its sales are nobody's gift: no cost, no saving and no independence is told of them."""

    async def work(unit):
        await service.record_sale(unit, sale(9_000, source="generic"))
        hangs_on = [await traffic_dependence(unit, "CNY"), await shop_dependence(unit, "CNY")]
        return await channel_costs(unit, "CNY"), hangs_on

    [row], hangs_on = room.do(work)
    assert (row.is_unbilled, row.rate_bps) == (True, None)
    assert held_against_agent([row], "CNY", 3_500).known.rate_bps is None
    for told in hangs_on:
        assert [(part.key, part.is_platform) for part in told.parts] == [("generic", False)]
        assert (told.largest, told.is_known) == (None, False)
