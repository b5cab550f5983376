"""Figures from clicks and sales: by channel, link, month, product, customer; each currency apart."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import insert

from hutong.analytics import service
from hutong.analytics.checks import check
from hutong.analytics.queries import (
    best_products,
    channel_figures,
    link_figures,
    overview,
    repeat_rate,
    revenue_by_month,
)
from hutong.analytics.service import Sale, SaleLine
from hutong.core.errors import CurrencyMismatch, InvalidInput, NotFound
from hutong.core.money import Money
from hutong.links.models import click

AT = datetime(2026, 2, 1, 8, tzinfo=UTC)


async def visit(room, channel_id, link_id, container="wechat", *, is_bot=False, at=AT):
    """A click as the edge writes it."""
    click_id = uuid4()
    async with room.database.plain("ingest") as connection:
        await connection.execute(
            insert(click).values(
                merchant_id=room.merchant_id,
                click_id=click_id,
                link_id=link_id,
                channel_id=channel_id,
                container=container,
                os="ios",
                language="zh",
                referrer="none",
                address_hash=b"",
                is_bot=is_bot,
                clicked_at=at,
            )
        )
    return click_id


def sale(gross=1_000, currency="CNY", **fields):
    lines = fields.pop("lines", (SaleLine(title="毛巾", quantity=1, amount_minor=gross),))
    given = {"order_id": uuid4(), "source": "own", "paid_at": AT, **fields}
    return Sale(gross=Money(gross, currency), lines=lines, **given)


def test_from_one_post_to_money_and_back(room):
    weibo, link = uuid4(), uuid4()

    async def work():
        in_wechat = await visit(room, weibo, link, "wechat")
        await visit(room, weibo, link, "desktop")
        await visit(room, weibo, link, "unknown", is_bot=True)
        sold = sale(4_990, channel_id=weibo, link_id=link, click_id=in_wechat, container="wechat")
        async with room.unit() as unit:
            taken = [await service.record_sale(unit, sold) for _ in "ab"]
            await service.record_sale(unit, sale(9_980, source="taobao"))
        async with room.unit() as unit:
            before = await channel_figures(unit)
            links = await link_figures(unit, [link, uuid4()])
            steps = [await service.record_refund(unit, sold.order_id, Money(minor)) for minor in (990, 990, 4_990, 5)]
        async with room.unit() as unit:
            return taken, before, links, steps, await channel_figures(unit), await overview(unit), await check(unit)

    taken, before, links, steps, after, total, breaches = room.run(work)
    assert taken == [True, False]
    channel, rest = before
    assert channel.channel_id == weibo
    assert channel.traffic.clicks == 2
    assert channel.traffic.clicks_by_container == {"wechat": 1, "desktop": 1}
    assert (channel.traffic.bot_clicks, channel.traffic.converted_clicks) == (1, 1)
    assert channel.traffic.conversion_bps == 5_000
    assert (channel.orders_count, channel.money[0].net) == (1, Money(4_990))
    assert rest.channel_id is None
    assert (rest.traffic.clicks, rest.orders_count, rest.money[0].gross) == (0, 1, Money(9_980))
    assert links.keys() == {link}
    assert links[link].money[0].net == Money(4_990)
    assert steps == [True, False, True, False]
    assert (after[0].money[0].refunded, after[0].money[0].net, after[0].orders_count) == (Money(4_990), Money(0), 1)
    assert (total.orders_count, total.visits, total.converted_visits, total.conversion_bps) == (2, 2, 1, 5_000)
    assert total.money[0].net == Money(9_980)
    assert breaches == []


def test_two_orders_of_one_click_convert_it_once(room):
    channel, link = uuid4(), uuid4()

    async def work():
        seen = await visit(room, channel, link)
        async with room.unit() as unit:
            for _ in range(2):
                await service.record_sale(unit, sale(channel_id=channel, link_id=link, click_id=seen))
            return (await channel_figures(unit))[0], await overview(unit)

    figures, total = room.run(work)
    assert (figures.traffic.clicks, figures.traffic.converted_clicks, figures.orders_count) == (1, 1, 2)
    assert (total.visits, total.converted_visits) == (1, 1)


def test_currencies_and_periods_are_never_mixed(room):
    async def work():
        await visit(room, uuid4(), uuid4(), at=AT - timedelta(days=40))
        async with room.unit() as unit:
            await service.record_sales_many(
                unit, [sale(100), sale(250, "GBP"), sale(70, "GBP", paid_at=AT - timedelta(days=40))]
            )
            ever = await overview(unit)
            lately = await overview(unit, AT - timedelta(days=1))
            return ever, lately, (await channel_figures(unit))[-1], await best_products(unit, 10)

    ever, lately, rest, products = room.run(work)
    assert [(m.currency, m.orders_count, m.gross.amount_minor) for m in ever.money] == [
        ("CNY", 1, 100),
        ("GBP", 2, 320),
    ]
    assert [(m.currency, m.orders_count, m.gross.amount_minor) for m in lately.money] == [
        ("CNY", 1, 100),
        ("GBP", 1, 250),
    ]
    assert (ever.visits, lately.visits, lately.conversion_bps) == (1, 0, 0)
    assert [m.currency for m in rest.money] == ["CNY", "GBP"]
    assert [(p.title, p.amount.currency) for p in products] == [("毛巾", "GBP"), ("毛巾", "CNY")]


def test_months_are_those_of_the_merchant(room):
    last_hour_of_january_in_shanghai = datetime(2026, 1, 31, 15, 59, tzinfo=UTC)
    returned = sale(0, is_refund=True, refunded_minor=30, paid_at=AT, lines=())

    async def work(unit):
        first = sale(100, paid_at=last_hour_of_january_in_shanghai)
        second = sale(200, paid_at=last_hour_of_january_in_shanghai + timedelta(minutes=1))
        await service.record_sales_many(unit, [first, second, returned, sale(5, "GBP")])
        return await revenue_by_month(unit, "CNY", "Asia/Shanghai"), await revenue_by_month(unit, "CNY", "UTC")

    shanghai, utc = room.do(work)
    assert [(m.month, m.money.orders_count, m.money.gross, m.money.net) for m in shanghai] == [
        (date(2026, 1, 1), 1, Money(100), Money(100)),
        (date(2026, 2, 1), 1, Money(200), Money(170)),
    ]
    assert [(m.month, m.money.orders_count) for m in utc] == [(date(2026, 1, 1), 2), (date(2026, 2, 1), 0)]


def test_an_unknown_time_zone_is_a_sentence(room):
    async def work():
        async with room.unit() as unit:
            await service.record_sale(unit, sale())
        with pytest.raises(InvalidInput):
            async with room.unit() as unit:
                await revenue_by_month(unit, "CNY", "Mars/Olympus")

    room.run(work)


def test_best_products_know_a_sku_under_every_title(room):
    towel = uuid4()

    async def work(unit):
        await service.record_sale(
            unit,
            sale(
                900,
                lines=(
                    SaleLine(title="毛巾", quantity=2, amount_minor=400, sku_id=towel),
                    SaleLine(title="杯子", quantity=1, amount_minor=300),
                    SaleLine(title="杯子", quantity=2, amount_minor=200),
                ),
            ),
        )
        await service.record_sale(
            unit, sale(250, lines=(SaleLine(title="新毛巾", quantity=1, amount_minor=250, sku_id=towel),))
        )
        goods_back = (SaleLine(title="杯子", quantity=-1, amount_minor=-100),)
        await service.record_sale(unit, sale(0, is_refund=True, refunded_minor=100, lines=goods_back))
        return await best_products(unit, 10), await best_products(unit, 1), await best_products(unit, 9, currency="GBP")

    products, best, none = room.do(work)
    assert [(p.sku_id, p.quantity, p.amount, p.lines_count) for p in products] == [
        (towel, 3, Money(650), 2),
        (None, 2, Money(400), 3),
    ]
    assert best == products[:1]
    assert none == ()


def test_best_products_lose_what_came_back_by_document_and_by_refund_alike(room):
    by_document, by_refund, by_part = uuid4(), uuid4(), uuid4()

    def of(sku_id, quantity, amount_minor):
        return SaleLine(title=str(sku_id), quantity=quantity, amount_minor=amount_minor, sku_id=sku_id)

    async def work(unit):
        await service.record_sale(unit, sale(500, lines=(of(by_document, 5, 500),)))
        goods_back = (of(by_document, -2, -200),)
        await service.record_sale(unit, sale(0, is_refund=True, refunded_minor=200, lines=goods_back))
        kept, back = (sale(part, lines=(of(by_refund, n, part),)) for n, part in ((3, 300), (2, 200)))
        # 3 + 7 paid with 9: a sum that is smaller than its lines, and a refund that does not divide
        shared = sale(9, lines=(of(by_part, 1, 3), of(by_part, 1, 7)))
        await service.record_sales_many(unit, [kept, back, shared])
        await service.record_refund(unit, back.order_id, Money(200))
        await service.record_refund(unit, shared.order_id, Money(5))
        partly = await best_products(unit, 10)
        await service.record_refund(unit, shared.order_id, Money(9))
        return partly, await best_products(unit, 10), await best_products(unit, 10, since=AT, currency="CNY")

    partly, wholly, lately = room.do(work)
    figures = {p.sku_id: (p.quantity, p.amount.amount_minor, p.lines_count) for p in partly}
    assert figures[by_document][:2] == figures[by_refund][:2] == (3, 300)
    assert figures[by_part] == (2, 10 - 10 * 5 // 9, 2)
    assert {p.sku_id: (p.quantity, p.amount.amount_minor) for p in wholly}[by_part] == (0, 0)
    assert lately == wholly


def test_who_came_back(room):
    a, b = uuid4(), uuid4()

    async def work(unit):
        empty = await repeat_rate(unit)
        sales = [sale(customer_id=who) for who in (a, a, b, None, None)]
        await service.record_sales_many(
            unit, [*sales, sale(0, customer_id=b, is_refund=True, refunded_minor=5, lines=())]
        )
        return empty, await repeat_rate(unit)

    empty, rate = room.do(work)
    assert (empty.customers_count, empty.repeat_bps) == (0, 0)
    assert (rate.customers_count, rate.repeat_customers_count, rate.orders_without_customer) == (2, 1, 2)
    assert rate.repeat_bps == 5_000


def test_a_refund_waits_for_its_sale(room):
    sold = sale(100)

    async def work(unit):
        with pytest.raises(NotFound):
            await service.record_refund(unit, sold.order_id, Money(5))
        await service.record_sale(unit, sold)
        with pytest.raises(CurrencyMismatch):
            await service.record_refund(unit, sold.order_id, Money(5, "GBP"))

    room.do(work)


def test_many_sales_at_once_and_again(room):
    sales = [
        sale(no, "GBP", lines=(SaleLine(title=f"t{no % 7}", quantity=1, amount_minor=no),) * 2)
        for no in range(1, 5_001)
    ]

    async def work():
        async with room.unit() as unit:
            first = await service.record_sales_many(unit, sales)
        async with room.unit() as unit:
            again = await service.record_sales_many(unit, sales)
            return first, again, await overview(unit), await best_products(unit, 100), await check(unit)

    first, again, total, products, breaches = room.run(work)
    assert (first, again, total.orders_count) == (5_000, 0, 5_000)
    assert sum(p.amount.amount_minor for p in products) == 2 * sum(range(1, 5_001))
    assert breaches == []


TAMPERING = {
    "a refund": ("UPDATE sale_fact SET refunded_minor = gross_minor + 1", "refund_within_sale"),
    "a line's currency": ("UPDATE sale_line_fact SET currency = 'GBP'", "line_of_sale"),
    "a sale is gone": ("DELETE FROM sale_fact", "line_of_sale"),
    "a click's channel": (
        "UPDATE sale_fact SET channel_id = gen_random_uuid(), click_id = '00000000-0000-0000-0000-000000000001'",
        "click_of_one_link",
    ),
}


@pytest.mark.parametrize("name", TAMPERING)
def test_tampering_is_found(room, name):
    statement, rule = TAMPERING[name]

    async def fill(unit):
        await service.record_sales_many(unit, [sale(100), sale(200)])

    room.do(fill)
    assert room.do(check) == []
    assert not room.as_owner(statement).endswith(" 0")
    assert f"analytics.{rule}" in {breach.rule for breach in room.do(check)}
