"""Parties, rules and statements on a real database."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from hutong.core.errors import InvalidInput, NotFound
from hutong.core.money import Money
from hutong.ledger import service
from hutong.ledger.checks import check
from hutong.ledger.errors import StatementRefused
from hutong.ledger.refusals import RuleRefused, TotalCapExceeded
from hutong.ledger.rules import Sold
from hutong.ledger.service import Share
from hutong.ledger.split_rules import RULES_PER_SALE_MAX, open_rules
from hutong.ledger.split_terms import SplitTerms, set_terms
from hutong.ledger.statements import statement_lines

JAN, FEB, MAR, APR = (datetime(2026, month, 1, tzinfo=UTC) for month in (1, 2, 3, 4))
WALLET = "wallet:wechatpay:1"


async def sell(unit, party, at, earned=100, order_id=None, currency="CNY"):
    order_id = order_id or uuid4()
    await service.post_sale(
        unit,
        order_id=order_id,
        wallet_path=WALLET,
        gross=Money(1_000, currency),
        fee=Money(6, currency),
        party_shares=[Share(party, Money(earned, currency))],
        event_at=at,
    )
    return order_id


async def give_back(unit, order_id, at, refunded):
    await service.post_refund(
        unit,
        refund_id=uuid4(),
        order_id=order_id,
        wallet_path=WALLET,
        refunded=Money(refunded),
        gross=Money(1_000),
        refunded_before=Money(0),
        event_at=at,
    )


async def shares(unit, channel_id, gross_minor):
    gross = Money(gross_minor)
    return (await service.preview(unit, Sold(gross=gross, fee=Money(0), channel_id=channel_id))).shares()


def test_rules_share_a_sale(room):
    async def work(unit):
        ling = await service.create_party(unit, name=" 小林 ")
        wu = await service.create_party(unit, name="老吴", kind="agent")
        weibo, douyin = uuid4(), uuid4()
        await service.create_rule(unit, party_id=ling, rate_bps=1_000, channel_id=weibo)
        everywhere = await service.create_rule(unit, party_id=wu, rate_bps=50)
        on_weibo = await shares(unit, weibo, 9_999)
        on_douyin = await shares(unit, douyin, 9_999)
        nowhere = await shares(unit, None, 9_999)
        ended = await service.end_rule(unit, everywhere), await service.end_rule(unit, everywhere)
        return ling, wu, on_weibo, on_douyin, nowhere, ended, await shares(unit, None, 9_999)

    ling, wu, on_weibo, on_douyin, nowhere, ended, after = room.do(work)
    # 10.5 % of 99.99 is 10.49895 → 1050 fen; 999.9 and 49.995 share it by largest remainder.
    assert sorted(on_weibo, key=lambda share: -share.amount.amount_minor) == [
        Share(ling, Money(1_000)),
        Share(wu, Money(50)),
    ]
    assert on_douyin == nowhere == [Share(wu, Money(50))]
    assert ended == (True, False)
    assert after == []


def test_no_channel_gives_away_more_than_the_price(room):
    async def work(unit):
        await set_terms(unit, SplitTerms(total_cap_bps=10_000))
        party, weibo, douyin = await service.create_party(unit, name="甲"), uuid4(), uuid4()
        await service.create_rule(unit, party_id=party, rate_bps=6_000, channel_id=weibo)
        await service.create_rule(unit, party_id=party, rate_bps=4_000)
        await service.create_rule(unit, party_id=party, rate_bps=6_000, channel_id=douyin)
        for rate, channel in ((1, weibo), (1, None), (0, uuid4()), (-5, uuid4()), (6_001, uuid4())):
            with pytest.raises(RuleRefused):
                await service.create_rule(unit, party_id=party, rate_bps=rate, channel_id=channel)
        with pytest.raises(NotFound):
            await service.create_rule(unit, party_id=uuid4(), rate_bps=1)
        with pytest.raises(InvalidInput):
            await service.create_party(unit, name="  ")
        return len(await open_rules(unit)), await shares(unit, weibo, 777)

    rules, given = room.do(work)
    assert rules == 3
    assert sum(share.amount.amount_minor for share in given) == 777


def test_a_sale_takes_at_most_so_many_rules(room):
    async def work(unit):
        party = await service.create_party(unit, name="甲")
        for _ in range(RULES_PER_SALE_MAX):
            await service.create_rule(unit, party_id=party, rate_bps=1)
        with pytest.raises(InvalidInput):
            await service.create_rule(unit, party_id=party, rate_bps=1, channel_id=uuid4())

    room.do(work)


def test_two_rules_made_at_once_see_each_other(room):
    async def one(party):
        async with room.unit() as unit:
            await service.create_rule(unit, party_id=party, rate_bps=3_000)

    async def work():
        async with room.unit() as unit:
            party = await service.create_party(unit, name="甲")
        return await asyncio.gather(one(party), one(party), return_exceptions=True)

    results = room.run(work)
    assert sorted(type(result) for result in results if result is not None) == [TotalCapExceeded]


def test_a_statement_is_drawn_once_and_its_lines_can_be_read(room):
    async def work():
        async with room.unit() as unit:
            party = await service.create_party(unit, name="甲")
            other = await service.create_party(unit, name="乙")
            order = await sell(unit, party, JAN)
            await sell(unit, party, FEB - timedelta(microseconds=1), earned=30)
            await sell(unit, party, FEB)
            await sell(unit, other, JAN)
            await sell(unit, party, JAN, currency="GBP")
            await give_back(unit, order, JAN + timedelta(days=1), 500)
            drawn = await service.draw_statement(unit, party, JAN, FEB)
        room.clock.advance(days=1)
        async with room.unit() as unit:
            again = await service.draw_statement(unit, party, JAN, FEB)
            lines = await statement_lines(unit, drawn.statement_id, limit=10)
            second = await statement_lines(unit, drawn.statement_id, limit=1, offset=1)
            return drawn, again, lines, second, await check(unit)

    drawn, again, lines, second, breaches = room.run(work)
    assert (drawn.earned_minor, drawn.reversed_minor, drawn.net_minor, drawn.lines_count) == (130, 50, 80, 3)
    assert again == drawn
    assert [line.earned.amount_minor for line in lines] == [100, 30, -50]
    assert [line.kind for line in lines] == ["sale", "sale", "refund"]
    assert second == lines[1:2]
    assert breaches == []


def test_what_comes_late_stands_on_the_next_statement_and_a_gap_stays_open(room):
    async def work(unit):
        party = await service.create_party(unit, name="甲")
        await sell(unit, party, JAN, earned=1)
        january = await service.draw_statement(unit, party, JAN, FEB)
        await sell(unit, party, JAN + timedelta(days=5), earned=2)  # told too late
        await sell(unit, party, FEB, earned=4)
        await sell(unit, party, MAR, earned=8)
        march = await service.draw_statement(unit, party, MAR, APR)
        february = await service.draw_statement(unit, party, FEB, MAR)
        return january, february, march, await check(unit)

    january, february, march, breaches = room.do(work)
    assert [s.earned_minor for s in (january, february, march)] == [1, 4, 10]
    assert january.chain_hash != march.chain_hash
    assert breaches == []


def test_a_period_that_overlaps_or_is_empty_is_refused(room):
    async def work(unit):
        party = await service.create_party(unit, name="甲")
        empty = await service.draw_statement(unit, party, JAN, MAR)
        for start, end in ((FEB, APR), (FEB, FEB), (MAR, FEB), (JAN.replace(tzinfo=None), FEB.replace(tzinfo=None))):
            with pytest.raises(StatementRefused):
                await service.draw_statement(unit, party, start, end)
        with pytest.raises(NotFound):
            await service.draw_statement(unit, UUID(int=1), JAN, FEB)
        pounds = await service.draw_statement(unit, party, FEB, APR, currency="GBP")
        return empty, pounds, await check(unit)

    empty, pounds, breaches = room.do(work)
    assert (empty.lines_count, empty.net_minor, pounds.lines_count) == (0, 0, 0)
    assert breaches == []


def test_two_who_draw_at_once_get_the_same_statement(room):
    async def one(party):
        async with room.unit() as unit:
            return await service.draw_statement(unit, party, JAN, FEB)

    async def work():
        async with room.unit() as unit:
            party = await service.create_party(unit, name="甲")
            await sell(unit, party, JAN)
        return await asyncio.gather(*(one(party) for _ in range(6)))

    drawn = room.run(work)
    assert len({statement.statement_id for statement in drawn}) == 1
    assert drawn[0].net_minor == 100


def test_a_period_that_has_not_begun_has_no_statement(room):
    """What was earned so far would stand on it, and on no paper of its own time."""

    async def work(unit):
        party = await service.create_party(unit, name="小王")
        now = unit.now()
        await sell(unit, party, now)
        with pytest.raises(StatementRefused):
            await service.draw_statement(unit, party, now + timedelta(days=27), now + timedelta(days=58))
        early = await service.draw_statement(unit, party, now - timedelta(days=3), now + timedelta(days=27))
        assert early.lines_count == 1

    room.do(work)
