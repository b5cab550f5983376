"""The way into a party's page, and what stands there: the books' own figures, and nobody else's."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from hutong.core.errors import NotFound
from hutong.core.money import Money
from hutong.db.tables import directory
from hutong.ledger import service
from hutong.ledger.commission_queries import commission_totals, commissions_of
from hutong.ledger.commissions import Booked, confirm
from hutong.ledger.page_models import party_page_link, party_page_visit
from hutong.ledger.parties import give_channel
from hutong.ledger.party_pages import (
    LINK_LIFE,
    TOKEN_BYTES,
    VISIT_LIFE,
    VISITS_PER_LINK_MAX,
    PageLinkOver,
    end_page_link,
    enter,
    make_page_link,
    may_see,
    page_links,
)
from hutong.ledger.payouts import record_outside_payment, stand_outside
from hutong.ledger.rule_terms import RuleScope, RuleTerms
from hutong.ledger.rules import Sold
from hutong.ledger.sales import Refunded
from hutong.ledger.split_rules import NewRule, make_rule
from hutong.ledger.split_terms import get_terms
from hutong.links.models import click
from hutong.links.service import ChannelKind, create_channel
from hutong.merchants.actors import Actor
from hutong.merchants.directory import PARTY_PAGE, look_up
from hutong.merchants.service import create_merchant
from hutong.web.creator.pages import chart_of
from hutong.web.creator.reading import read_creator_page
from hutong.web.papers.reading import read_paper

BOSS = Actor(name="staff:1", may_refund=True, may_pay_out=True)
URL = "https://shop.example.cn"
CONNECTION = UUID(int=77)


def test_a_link_is_random_and_only_its_digest_is_kept(room):
    async def work(unit):
        party = await service.create_party(unit, name="小林")
        made = await make_page_link(unit, BOSS, party)
        rows = await unit.all(select(party_page_link).where(party_page_link.c.merchant_id == unit.merchant_id))
        entered = await enter(unit, made.token)
        visits = await unit.all(select(party_page_visit).where(party_page_visit.c.merchant_id == unit.merchant_id))
        keys = await unit.all(select(directory).where(directory.c.merchant_id == unit.merchant_id))
        return made, entered, [*rows, *visits, *keys], await look_up(unit.connection, PARTY_PAGE, made.token)

    made, entered, rows, found = room.do(work)
    assert TOKEN_BYTES * 8 >= 128
    assert len(made.token) >= TOKEN_BYTES
    kept = repr([tuple(row) for row in rows]).encode() + b"".join(v for row in rows for v in row if type(v) is bytes)
    assert made.token.encode() not in kept
    assert entered.cookie.partition(".")[2].encode() not in kept
    assert made.token not in repr(made)
    assert entered.cookie not in repr(entered)
    assert found == room.merchant_id


def test_a_new_link_ends_the_old_one_and_everybody_who_came_by_it(room):
    async def work(unit):
        party, other = [await service.create_party(unit, name=name) for name in ("小林", "老李")]
        first = await make_page_link(unit, BOSS, party)
        entered = await enter(unit, first.token)
        seen = [await may_see(unit, party, entered.cookie), await may_see(unit, other, entered.cookie)]
        second = await make_page_link(unit, BOSS, party)
        with pytest.raises(PageLinkOver):
            await enter(unit, first.token)
        seen.append(await may_see(unit, party, entered.cookie))
        again = await enter(unit, second.token)
        seen.append(await may_see(unit, party, again.cookie))
        ended = await end_page_link(unit, BOSS, party), await end_page_link(unit, BOSS, party)
        seen.append(await may_see(unit, party, again.cookie))
        with pytest.raises(PageLinkOver):
            await enter(unit, second.token)
        with pytest.raises(NotFound):
            await enter(unit, "never was")
        with pytest.raises(NotFound):
            await make_page_link(unit, BOSS, uuid4())
        return seen, ended, await page_links(unit, party)

    seen, ended, links = room.do(work)
    assert seen == [True, False, False, True, False]
    assert ended == (True, False)
    assert [link.ended_at is None for link in links] == [False, False]
    assert [link.opened_count for link in links] == [1, 1]


def test_links_and_visits_grow_old(room):
    async def begin(unit):
        party = await service.create_party(unit, name="小林")
        made = await make_page_link(unit, BOSS, party)
        return party, made, await enter(unit, made.token)

    party, made, entered = room.do(begin)

    def sees(cookie):
        return room.do(lambda unit: may_see(unit, party, cookie))

    room.clock.advance(seconds=VISIT_LIFE.total_seconds() - 1)
    assert sees(entered.cookie)
    room.clock.advance(seconds=1)
    assert not sees(entered.cookie)
    room.clock.at = made.link.expires_at - timedelta(seconds=1)
    late = room.do(lambda unit: enter(unit, made.token))
    assert late.expires_at == made.link.expires_at == made.link.created_at + LINK_LIFE
    assert sees(late.cookie)
    room.clock.advance(seconds=1)
    assert not sees(late.cookie)
    with pytest.raises(PageLinkOver):
        room.do(lambda unit: enter(unit, made.token))


def test_a_link_keeps_so_many_browsers_and_no_more(room):
    async def work(unit):
        party = await service.create_party(unit, name="小林")
        made = await make_page_link(unit, BOSS, party)
        cookies = []
        for _ in range(VISITS_PER_LINK_MAX + 3):
            cookies.append((await enter(unit, made.token)).cookie)
            room.clock.advance(seconds=1)
        return [await may_see(unit, party, cookie) for cookie in cookies]

    seen = room.do(work)
    assert seen == [False] * 3 + [True] * VISITS_PER_LINK_MAX


def test_two_who_make_a_link_at_once_leave_one_alive(room):
    async def one(party):
        async with room.unit() as unit:
            return await make_page_link(unit, BOSS, party)

    async def work():
        async with room.unit() as unit:
            party = await service.create_party(unit, name="小林")
        made = await asyncio.gather(*(one(party) for _ in range(4)))
        async with room.unit() as unit:
            return made, await page_links(unit, party)

    made, links = room.run(work)
    assert len({one.token for one in made}) == len(links) == 4
    assert [link.ended_at for link in links].count(None) == 1


def test_another_merchant_gets_in_by_no_link_of_ours(room):
    async def begin(unit):
        party = await service.create_party(unit, name="小林")
        made = await make_page_link(unit, BOSS, party)
        return party, made, await enter(unit, made.token)

    party, made, entered = room.do(begin)
    room.merchant_id = uuid4()
    assert not room.do(lambda unit: may_see(unit, party, entered.cookie))
    with pytest.raises(NotFound):
        room.do(lambda unit: enter(unit, made.token))


async def sell(unit, gross, channel_id):
    order_id = uuid4()
    sold = Sold(gross=Money(gross), fee=Money(0), channel_id=channel_id)
    split = await service.preview(unit, sold)
    await service.post_sale(
        unit,
        order_id=order_id,
        wallet_path=f"wallet:wechatpay:{CONNECTION}",
        gross=sold.gross,
        fee=sold.fee,
        party_shares=split.shares(),
        event_at=unit.now(),
    )
    booked = Booked(order_id=order_id, connection_id=CONNECTION, platform="wechatpay", paid_at=unit.now())
    await service.estimate(unit, [service.Estimate(booked, sold, split)], await get_terms(unit))
    return order_id


async def click_on(unit, channel_id, count, is_bot=False):
    for _ in range(count):
        await unit.insert(
            click,
            click_id=unit.new_id(),
            link_id=uuid4(),
            channel_id=channel_id,
            container="wechat",
            os="ios",
            language="zh",
            referrer="none",
            address_hash=b"x",
            is_bot=is_bot,
            clicked_at=unit.now(),
        )


@pytest.fixture
def trade(room):
    """Two creators with a channel each, and an agent who earns on everything; a third channel is nobody's."""

    async def begin(unit):
        await create_merchant(unit, "小杯子店")
        lin, li, agent = [await service.create_party(unit, name=name) for name in ("小林", "老李", "代运营")]
        mine, his, free = [await create_channel(unit, ChannelKind.POST, "weibo", name) for name in "我他空"]
        await give_channel(unit, lin, mine)
        await give_channel(unit, li, his)
        for party, channel in ((lin, mine), (li, his)):
            scope = RuleScope(channel_id=channel)
            await make_rule(unit, NewRule(party_id=party, terms=RuleTerms(rate_bps=1_000), scope=scope))
        await make_rule(unit, NewRule(party_id=agent, terms=RuleTerms(rate_bps=200)))
        await click_on(unit, mine, 5)
        await click_on(unit, mine, 2, is_bot=True)
        await click_on(unit, his, 7)
        await sell(unit, 10_000, mine)
        return {"lin": lin, "li": li, "agent": agent, "mine": mine, "his": his, "free": free}

    async def later(unit):
        order = await sell(unit, 20_000, made["mine"])
        await sell(unit, 50_000, made["his"])
        await sell(unit, 30_000, made["free"])
        await service.post_refund(
            unit,
            refund_id=uuid4(),
            order_id=order,
            wallet_path=f"wallet:wechatpay:{CONNECTION}",
            refunded=Money(5_000),
            gross=Money(20_000),
            refunded_before=Money(0),
            event_at=unit.now(),
        )
        step = Refunded(before_minor=0, now_minor=5_000, gross_minor=20_000)
        await service.claw_back(unit, order, step, unit.now())

    made = room.do(begin)
    room.clock.advance(days=2)
    room.do(later)
    return made


def page_of(room, party):
    return room.do(lambda unit: read_creator_page(unit, party, URL))


@pytest.mark.parametrize("who", ["lin", "li", "agent"])
def test_the_figures_are_those_of_the_books(room, trade, who):
    page = page_of(room, trade[who])
    (totals,) = room.do(lambda unit: commission_totals(unit, trade[who]))
    rows = room.do(lambda unit: commissions_of(unit, trade[who], limit=100)).rows
    (sums,) = page.sums
    net = sum(row.amount.amount_minor - row.reversed.amount_minor for row in rows)
    assert sums.earned.amount_minor == net > 0
    assert (sums.estimated, sums.paid) == (totals.estimated, totals.settled)
    assert sums.due == totals.confirmed + totals.outside
    assert page.orders_count == len({row.order_id for row in rows})
    assert sum(one.amount.amount_minor for one in page.days) == net, "all of it was earned within thirty days"
    assert len(page.days) == 30
    assert {one.day: one.amount.amount_minor for one in page.days if one.amount.amount_minor} == {
        day: sum(r.amount.amount_minor - r.reversed.amount_minor for r in rows if r.paid_at.date() == day)
        for day in {row.paid_at.date() for row in rows}
    }
    listed = [money.amount_minor for post in page.posts for money in post.earned]
    rest = [money.amount_minor for money in page.others.earned] if page.others else []
    assert sum(listed) + sum(rest) == net
    assert sum(one.amount.amount_minor for one in page.lately) == net
    assert chart_of(page).total.amount_minor == net


def test_what_is_due_and_paid_by_wallet_and_outside_is_in_the_sums(room, trade):
    party = trade["lin"]

    async def settle(unit):
        first, second = reversed((await commissions_of(unit, party, limit=9)).rows)
        for row in (first, second):
            await confirm(unit, row.order_id)
        await stand_outside(unit, [first.commission_id], "ratio")
        amount = Money(300)
        await record_outside_payment(
            unit, BOSS, party_id=party, amount=amount, paid_by="店主", paid_at=unit.now(), reference="BANK-1"
        )

    room.clock.advance(days=8)
    room.do(settle)
    (totals,) = room.do(lambda unit: commission_totals(unit, party))
    (sums,) = page_of(room, party).sums
    assert min(totals.outside.amount_minor, totals.confirmed.amount_minor) > 0
    assert sums.due == totals.confirmed + totals.outside
    assert (sums.paid, sums.estimated) == (Money(300), Money(0))
    assert sums.earned == sums.due + sums.paid


def test_nobody_sees_what_is_anothers(room, trade):
    lin, agent = page_of(room, trade["lin"]), page_of(room, trade["agent"])
    assert [(post.channel_id, post.clicks, post.orders_count) for post in lin.posts] == [(trade["mine"], 5, 2)]
    assert lin.clicks == 5
    assert lin.others is None
    assert agent.posts == ()
    assert agent.clicks == 0
    assert agent.others.orders_count == 4
    told = repr(lin)
    assert "老李" not in told
    assert str(trade["his"]) not in told

    async def draw(unit):
        start, end = room.clock.at - timedelta(days=20), room.clock.at + timedelta(hours=1)
        return await service.draw_statement(unit, trade["agent"], start, end)

    drawn = room.do(draw)
    whole = room.do(lambda unit: read_paper(unit, drawn.statement_id))
    own = room.do(lambda unit: read_paper(unit, drawn.statement_id, channels=frozenset()))
    assert {line.channel for line in whole.lines} == {"我", "他", "空"}
    assert {line.channel for line in own.lines} == {""}
    assert own.sums == whole.sums


def test_a_channel_that_only_ones_own_rule_names_counts_as_ones_own(room, trade):
    async def work(unit):
        scope = RuleScope(channel_id=trade["free"])
        await make_rule(unit, NewRule(party_id=trade["lin"], terms=RuleTerms(rate_bps=100), scope=scope))
        alone = (await read_creator_page(unit, trade["lin"], URL)).posts
        await make_rule(unit, NewRule(party_id=trade["agent"], terms=RuleTerms(rate_bps=100), scope=scope))
        return alone, (await read_creator_page(unit, trade["lin"], URL)).posts

    alone, shared = room.do(work)
    assert {post.channel_id for post in alone} == {trade["mine"], trade["free"]}
    assert {post.channel_id for post in shared} == {trade["mine"]}, "two are paid by it: it is neither's"


def test_a_page_of_somebody_new_is_empty_and_not_broken(room):
    async def work(unit):
        await create_merchant(unit, "小杯子店")
        return await read_creator_page(unit, await service.create_party(unit, name="新来的"), URL)

    page = room.do(work)
    assert (page.sums, page.posts, page.others, page.lately, page.statements) == ((), (), None, (), ())
    assert (page.clicks, page.orders_count) == (0, 0)
    assert chart_of(page) is None
