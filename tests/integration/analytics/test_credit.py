"""First, last and linear touch: what each channel is credited with, to the fen, and how long it takes."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from hutong.analytics.credit import channel_credit
from hutong.analytics.service import Sale, SaleLine, record_sales_many
from hutong.core.ids import new_id
from hutong.core.money import Money
from hutong.links.attribution.evidence import Evidence, Tie
from hutong.links.attribution.service import OrderTie, bring, know_person, tie_orders, touch_orders
from hutong.links.models import click

AT = datetime(2026, 2, 1, 8, tzinfo=UTC)
CHANNELS = [UUID(int=number) for number in range(1, 5)]


def sale(gross, **fields):
    lines = (SaleLine(title="毛巾", quantity=1, amount_minor=gross),)
    return Sale(
        **{"order_id": uuid4(), "source": "own", "paid_at": AT, "gross": Money(gross), "lines": lines, **fields}
    )


async def clicked(room, channel_id, at=AT, *, address=b"a", system="ios"):
    click_id = new_id(at)
    async with room.database.plain("ingest") as connection:
        await connection.execute(
            insert(click).values(
                merchant_id=room.merchant_id,
                click_id=click_id,
                link_id=channel_id,
                channel_id=channel_id,
                container="wechat",
                os=system,
                language="zh",
                referrer="none",
                address_hash=address,
                is_bot=False,
                clicked_at=at,
            )
        )
    return click_id


def tie_of(channel_id, click_id):
    return Tie(evidence=Evidence.CLICK, channel_id=channel_id, link_id=channel_id, click_id=click_id)


async def bought(unit, channel_id, click_id, gross=1_000):
    """An order of our own checkout, counted and touched."""
    one = sale(gross, channel_id=channel_id, link_id=channel_id, click_id=click_id)
    await record_sales_many(unit, [one])
    await touch_orders(unit, [OrderTie(order_id=one.order_id, touched_at=AT, tie=tie_of(channel_id, click_id))])
    return one.order_id


def by_channel(credits_):
    return {credit.channel_id: credit for credit in credits_}


def test_an_order_of_one_click_is_all_its_channels(room):
    async def work():
        click_id = await clicked(room, CHANNELS[0])
        async with room.unit() as unit:
            await bought(unit, CHANNELS[0], click_id)
            await record_sales_many(unit, [sale(500, source="taobao")])
            credit = by_channel(await channel_credit(unit))
        one = credit[CHANNELS[0]]
        assert (one.first_orders, one.last_orders, one.linear_orders_bps) == (1, 1, 10_000)
        assert one.first == one.last == one.linear == Money(1_000)
        assert credit[None].last == Money(500)
        assert credit[None].guessed_orders == 0

    room.run(work)


@pytest.mark.parametrize("own", ["click", "desk"])
def test_a_word_that_is_told_of_an_own_order_is_a_touch_beside_its_own(room, own):
    async def work():
        click_id = await clicked(room, CHANNELS[0], AT - timedelta(hours=1)) if own == "click" else None
        link = {"link_id": CHANNELS[0], "click_id": click_id} if click_id else {}
        one = sale(1_000, channel_id=CHANNELS[0], **link)
        word = Tie(evidence=Evidence.CODE, channel_id=CHANNELS[1], link_id=CHANNELS[1], word="K7Q2")
        told_at = AT - timedelta(minutes=1) if click_id else AT + timedelta(minutes=1)
        async with room.unit() as unit:
            await record_sales_many(unit, [one])
            await tie_orders(unit, [OrderTie(order_id=one.order_id, touched_at=told_at, tie=word)])
            found = by_channel(await channel_credit(unit))
        mine, told = found[CHANNELS[0]], found[CHANNELS[1]]
        assert [(c.first_orders, c.last_orders, c.linear_orders_bps) for c in (mine, told)] == [
            (1, 0, 5_000),
            (0, 1, 5_000),
        ]
        assert mine.linear + told.linear == Money(1_000)

    room.run(work)


def test_who_brought_the_buyer_is_first_and_who_sold_is_last(room):
    async def work():
        post, group, friend = CHANNELS[:3]
        seen = await clicked(room, post, AT - timedelta(days=3), address=b"1")
        passed_on = await clicked(room, group, AT - timedelta(days=2), address=b"2")
        last = await clicked(room, friend, AT, address=b"3")
        async with room.unit() as unit:
            assert await bring(unit, passed_on, seen)
            assert not await bring(unit, passed_on, seen)
            assert await bring(unit, last, passed_on)
            assert not await bring(unit, seen, last)  # nobody is brought by who came later
            await bought(unit, friend, last, gross=1_000)
            credit = by_channel(await channel_credit(unit))
        assert (credit[post].first, credit[post].last, credit[post].linear) == (Money(1_000), Money(0), Money(333))
        assert credit[group].linear == Money(333)
        assert (credit[friend].first, credit[friend].last, credit[friend].linear) == (
            Money(0),
            Money(1_000),
            Money(334),
        )

    room.run(work)


def test_one_person_is_known_by_his_wallet_and_one_address_only_while_it_is_quiet(room):
    async def work():
        post, poster, busy = CHANNELS[:3]
        early = await clicked(room, post, AT - timedelta(days=20), address=b"1")
        long_ago = await clicked(room, busy, AT - timedelta(days=31), address=b"9")
        last = await clicked(room, poster, AT, address=b"2")
        for hour in range(6):
            await clicked(room, busy, AT + timedelta(hours=hour), address=b"3")
        crowded = await clicked(room, poster, AT + timedelta(hours=7), address=b"3")
        quiet = await clicked(room, post, AT - timedelta(hours=2), address=b"4")
        at_home = await clicked(room, poster, AT - timedelta(hours=1), address=b"4")
        other_phone = await clicked(room, poster, AT, address=b"4", system="android")
        async with room.unit() as unit:
            for one in (long_ago, early, last):
                await know_person(unit, one, b"m" * 32)
            await bought(unit, poster, last)
            await bought(unit, poster, crowded)
            await bought(unit, poster, at_home)
            await bought(unit, poster, other_phone)
            rows = await unit.fetch(
                "SELECT order_id, touch_id FROM order_touch WHERE merchant_id = $1", room.merchant_id
            )
        assert Counter(row.touch_id for row in rows) == Counter([early, last, quiet, at_home])

    room.run(work)


def test_a_guess_stands_apart(room):
    async def work():
        async with room.unit() as unit:
            one = sale(700, source="taobao")
            await record_sales_many(unit, [one])
            tie = Tie(evidence=Evidence.WINDOW, channel_id=CHANNELS[0], link_id=CHANNELS[0], confidence_bps=6_000)
            await tie_orders(unit, [OrderTie(order_id=one.order_id, touched_at=AT, tie=tie)])
            credit = by_channel(await channel_credit(unit))
            assert (credit[CHANNELS[0]].guessed_orders, credit[CHANNELS[0]].guessed) == (1, Money(700))
            assert credit[CHANNELS[0]].last == Money(0)
            assert credit[None].last == Money(700)
            word = Tie(evidence=Evidence.CODE, channel_id=CHANNELS[1], link_id=CHANNELS[1], word="K7Q2")
            await tie_orders(unit, [OrderTie(order_id=one.order_id, touched_at=AT, tie=word)])
            credit = by_channel(await channel_credit(unit))
        assert set(credit) == {CHANNELS[1]}
        assert (credit[CHANNELS[1]].first, credit[CHANNELS[1]].guessed_orders) == (Money(700), 0)

    room.run(work)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.integers(0, 10**9),  # fen
            st.integers(0, 10_000),  # of ten thousand: what went back
            st.booleans(),  # a return document
            st.lists(st.tuples(st.sampled_from(CHANNELS), st.integers(0, 5)), max_size=6),
        ),
        max_size=6,
    )
)
def test_each_way_of_counting_adds_up_to_what_was_sold(room, orders):
    room.merchant_id = uuid4()

    async def work():
        async with room.unit() as unit:
            net = 0
            for gross, back_bps, is_refund, touches in orders:
                refunded = gross if is_refund else gross * back_bps // 10_000
                one = sale(gross, source="taobao", is_refund=is_refund, refunded_minor=refunded)
                net += (0 if is_refund else gross) - refunded
                await record_sales_many(unit, [one])
                for channel_id, minute in touches:
                    at = AT + timedelta(minutes=minute)
                    tie = Tie(evidence=Evidence.CARRIED, channel_id=channel_id, link_id=channel_id, click_id=new_id(at))
                    await tie_orders(unit, [OrderTie(order_id=one.order_id, touched_at=AT, tie=tie)])
            credit = await channel_credit(unit)
        for way in ("first", "last", "linear"):
            assert sum(getattr(one, way).amount_minor for one in credit) == net
        count = sum(not is_refund for _, _, is_refund, _ in orders)
        assert sum(one.first_orders for one in credit) == sum(one.last_orders for one in credit) == count
        assert sum(one.linear_orders_bps for one in credit) == count * 10_000

    room.run(work)


@pytest.mark.parametrize("size", [20_000])
def test_ten_times_the_orders_take_about_ten_times_as_long(room, size):
    async def fill(unit, count):
        await unit.fetch(
            "WITH sold AS (INSERT INTO sale_fact (merchant_id, order_id, source, channel_id, container, is_refund, "
            "gross_minor, refunded_minor, currency, paid_at) SELECT $1, gen_random_uuid(), 'own', "
            "($2::uuid[])[1 + n % 4], '', false, 1000 + n, 0, 'CNY', $3 FROM generate_series(1, $4::int) n "
            "RETURNING order_id, paid_at) INSERT INTO order_touch (merchant_id, order_id, touch_id, channel_id, "
            "link_id, touched_at) SELECT $1, order_id, gen_random_uuid(), ($2::uuid[])[n], ($2::uuid[])[n], paid_at "
            "FROM sold, generate_series(1, 3) n",
            room.merchant_id,
            CHANNELS,
            AT,
            count,
        )

    async def took(unit):
        await unit.fetch("ANALYZE sale_fact")
        await unit.fetch("ANALYZE order_touch")
        best = 10.0
        for _ in range(3):
            began = time.perf_counter()
            await channel_credit(unit)
            best = min(best, time.perf_counter() - began)
        return best

    async def work():
        async with room.unit() as unit:
            await fill(unit, size // 10)
            small = await took(unit)
            await fill(unit, size - size // 10)
            large = await took(unit)
        assert large < 25 * small, (small, large)  # ten times, and sorts, on a busy machine

    room.run(work)
