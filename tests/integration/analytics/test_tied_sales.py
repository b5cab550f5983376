"""Sales of other shops that are tied for certain, or that only an alliance tells, count with their link: held against
the same count in Python.
"""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.dialects import postgresql

from hutong.analytics.brought import clicked_sales_of, orders_of_clicks, promoted_of_clicks, sales_of_links
from hutong.analytics.clicks import Became, ClickFilter, clicks_slice
from hutong.analytics.costs import channel_costs
from hutong.analytics.queries import channel_figures, link_figures, overview
from hutong.analytics.service import Sale, SaleLine, record_sales_many
from hutong.analytics.variants import choice_figures, choice_money
from hutong.core.ids import new_id
from hutong.core.money import Money
from hutong.db.bulk import insert_rows
from hutong.links.attribution.evidence import Evidence, Tie
from hutong.links.attribution.service import OrderTie, tie_orders
from hutong.links.models import click, click_choice
from hutong.links.promotions.models import promoted_order

AT = datetime(2026, 2, 1, 8, tzinfo=UTC)
LINKS = [UUID(int=number) for number in range(1, 6)]
#: Each link's channel; two of them share one.
CHANNEL = {link_id: UUID(int=100 + min(number, 3)) for number, link_id in enumerate(LINKS)}


class Trade:
    """Sales with what ties them; ``tied``: the sales that count with a link, by what Python makes of them."""

    def __init__(self, seed):
        dice = random.Random(seed)
        self.clicks = {new_id(AT + timedelta(seconds=number)): dice.choice(LINKS) for number in range(40)}
        self.choice = {click_id: dice.choice(["r1.v1", "r1.v2"]) for click_id in list(self.clicks)[:30]}
        self.sales, self.ties, self.tied, self.rest = [], [], [], []
        for _ in range(120):
            self._sale(dice)
        self.promoted = [self._promoted(dice, number) for number in range(40)]

    def _sale(self, dice):
        own, click_id = dice.choice(["click", "desk", "", "", ""]), dice.choice(list(self.clicks))
        link_id, gross = self.clicks[click_id], dice.randrange(100, 9_000)
        own_fields = {
            "click": {"channel_id": CHANNEL[link_id], "link_id": link_id, "click_id": click_id, "source": "own"},
            "desk": {"channel_id": CHANNEL[link_id], "source": "own"},
            "": {"source": "taobao"},
        }[own]
        is_refund = not own and dice.random() < 0.1
        one = Sale(
            order_id=uuid4(), gross=Money(0 if is_refund else gross, dice.choice(["CNY", "CNY", "GBP"])), paid_at=AT,
            lines=(SaleLine(title="碗", quantity=1, amount_minor=gross),), is_refund=is_refund,
            refunded_minor=dice.choice([0, 0, 50]), **own_fields,
        )  # fmt: skip
        evidence = dice.choice([None, *Evidence])
        is_paid = dice.random() < 0.9
        if is_paid:
            self.sales.append(one)
        tied_click = dice.choice(list(self.clicks))
        tied_link = self.clicks[tied_click]
        has_click = evidence in (Evidence.CLICK, Evidence.CARRIED)
        if evidence is not None:
            tie = Tie(
                evidence=evidence, channel_id=CHANNEL[tied_link], link_id=tied_link,
                click_id=tied_click if has_click else None, word="" if has_click else "K7Q2",
                confidence_bps=6_000 if evidence is Evidence.WINDOW else 10_000,
            )  # fmt: skip
            self.ties.append(OrderTie(order_id=one.order_id, touched_at=AT, tie=tie))
        if not is_paid:
            return
        if own:
            self.tied.append((one, CHANNEL[link_id], link_id if own == "click" else None, one.click_id))
        elif evidence not in (None, Evidence.WINDOW):
            self.tied.append((one, CHANNEL[tied_link], tied_link, tied_click if has_click else None))
        else:
            self.rest.append(one)

    def _promoted(self, dice, number):
        """An order that an alliance tells; some are not paid, some a shop tells too."""
        click_id = dice.choice(list(self.clicks))
        link_id = self.clicks[click_id]
        has_click, is_sold, is_known = dice.random() < 0.7, dice.random() < 0.8, dice.random() < 0.3
        shops = dice.choice([sale for sale, *_ in self.tied if sale.source != "pinduoduo"]) if is_known else None
        one = Sale(
            order_id=uuid4(), source="pinduoduo", paid_at=AT, lines=(),
            gross=Money(dice.randrange(100, 9_000), dice.choice(["CNY", "GBP"])),
        )  # fmt: skip
        if is_sold and not is_known:
            self.tied.append((one, CHANNEL[link_id], link_id, click_id if has_click else None))
        return {
            "source": one.source, "order_no": f"P{number}", "order_id": one.order_id, "link_id": link_id,
            "shop_order_id": shops.order_id if shops else None, "channel_id": CHANNEL[link_id],
            "click_id": click_id if has_click else None, "currency": one.gross.currency,
            "paid_minor": one.gross.amount_minor, "is_sold": is_sold, "was_sold": is_sold,
            "evidence": "carried", "word": "", "placed_at": AT, "paid_at": AT,
        }  # fmt: skip

    async def store(self, room):
        async with room.unit() as unit:
            await record_sales_many(unit, self.sales)
            await tie_orders(unit, self.ties)
            columns = {name: [row[name] for row in self.promoted] for name in self.promoted[0]}
            await insert_rows(unit, promoted_order, columns)
        columns = {
            "click_id": list(self.clicks), "link_id": list(self.clicks.values()),
            "channel_id": [CHANNEL[link_id] for link_id in self.clicks.values()], "container": ["wechat"] * 40,
            "os": ["ios"] * 40, "language": [""] * 40, "referrer": [""] * 40, "address_hash": [b""] * 40,
            "is_bot": [False] * 40, "clicked_at": [AT] * 40,
        }  # fmt: skip
        async with room.database.plain("ingest") as connection:
            rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
            await connection.execute(click.insert(), [{"merchant_id": room.merchant_id, **row} for row in rows])
            chosen = [{"click_id": key, "link_id": self.clicks[key], "choice": one} for key, one in self.choice.items()]
            await connection.execute(
                click_choice.insert(), [{"merchant_id": room.merchant_id, **row} for row in chosen]
            )


def sums(sales):
    """Orders and what stayed, by currency."""
    found = {}
    for one in sales:
        count, net = found.get(one.gross.currency, (0, 0))
        found[one.gross.currency] = (
            count + (not one.is_refund),
            net + one.gross.amount_minor - one.refunded_minor,
        )
    return found


def shown(figures):
    return {entry.currency: (entry.orders_count, entry.net.amount_minor) for entry in figures.money}


def trading(room, work, seed=7):
    async def main():
        trade = Trade(seed)
        await trade.store(room)
        async with room.unit() as unit:
            return await work(unit, trade)

    return room.run(main)


def test_each_sale_counts_once_with_the_link_that_is_certain(room):
    async def work(unit, trade):
        found = await link_figures(unit, [*LINKS, uuid4()])
        assert set(found) == set(LINKS)
        for link_id in LINKS:
            assert shown(found[link_id]) == sums(sale for sale, _, its, _ in trade.tied if its == link_id)

    trading(room, work)


def test_channels_and_what_no_link_brought_add_up_to_all_sales(room):
    async def work(unit, trade):
        found = {row.channel_id: row for row in await channel_figures(unit)}
        assert set(found) == {*CHANNEL.values(), None}
        for channel_id in set(CHANNEL.values()):
            assert shown(found[channel_id]) == sums(sale for sale, its, _, _ in trade.tied if its == channel_id)
        assert shown(found[None]) == sums(trade.rest)
        sold = {click_id for sale, _, _, click_id in trade.tied if click_id and not sale.is_refund}
        led = Counter(CHANNEL[trade.clicks[click_id]] for click_id in sold)
        assert {key: row.traffic.converted_clicks for key, row in found.items() if key} == dict(led)
        assert (await overview(unit)).converted_visits == len(sold)

    trading(room, work)


def test_a_variant_sold_what_its_clicks_are_tied_to(room):
    async def work(unit, trade):
        for link_id in LINKS:
            sold = [(sale, click_id) for sale, _, its, click_id in trade.tied if its == link_id and not sale.is_refund]
            figures = await choice_figures(unit, link_id)
            led = Counter(one for key, one in trade.choice.items() if trade.clicks[key] == link_id)
            assert {one.choice: one.clicks for one in figures} == dict(led)
            money = await choice_money(unit, link_id)
            for one in figures:
                its = [(sale, click_id) for sale, click_id in sold if trade.choice.get(click_id) == one.choice]
                assert one.orders == len({click_id for _, click_id in its})
                net = {amount.currency: amount.amount_minor for amount in money.get(one.choice, ())}
                assert net == {currency: kept for currency, (_, kept) in sums(sale for sale, _ in its).items()}
            assert [one.orders for one in await choice_figures(unit, link_id, AT)] == []
            assert await choice_money(unit, link_id, AT) == {}

    trading(room, work)


def test_a_click_that_came_back_with_an_order_shows_it(room):
    async def work(unit, trade):
        sold = {}
        for sale, _, _, click_id in trade.tied:
            if click_id is not None and not sale.is_refund:
                sold.setdefault(click_id, set()).add(sale.order_id)
        numbers = {row["order_id"]: row["order_no"] for row in trade.promoted}
        found = (await clicks_slice(unit, ClickFilter(), below=None, limit=100)).rows
        assert len(found) == len(trade.clicks) > len(sold)
        for row in found:
            assert row.became is (Became.ORDERED if row.click_id in sold else Became.STRAIGHT)
            its = sold.get(row.click_id, set())
            of_shops = its - set(numbers)
            assert row.order_id in of_shops if of_shops else row.order_id is None
            of_alliances = {numbers[order_id] for order_id in its & set(numbers)}
            assert row.promoted_no in of_alliances if of_alliances else row.promoted_no == ""
        for became, wanted in ((Became.ORDERED, set(sold)), (Became.STRAIGHT, set(trade.clicks) - set(sold))):
            shown_clicks = (await clicks_slice(unit, ClickFilter(became=became), below=None, limit=100)).rows
            assert {row.click_id for row in shown_clicks} == wanted

    trading(room, work)


def test_costs_stay_with_the_channel_of_the_order_itself(room):
    async def work(unit, trade):
        rows = await channel_costs(unit, "CNY", AT, AT + timedelta(days=1))
        elsewhere = [one for one in trade.sales if one.source == "taobao" and one.gross.currency == "CNY"]
        (row,) = [one for one in rows if one.source == "taobao"]
        assert (row.channel_id, row.orders_count) == (None, sum(not one.is_refund for one in elsewhere))

    trading(room, work)


async def _others(unit, merchant_id):
    """Twenty thousand orders of other links, and as many that an alliance tells."""
    await unit.fetch(
        "WITH sold AS (INSERT INTO sale_fact (merchant_id, order_id, source, container, is_refund, gross_minor, "
        "refunded_minor, currency, paid_at) SELECT $1, gen_random_uuid(), 'taobao', '', false, 100, 0, 'CNY', $2 "
        "FROM generate_series(1, 20000) RETURNING order_id) INSERT INTO order_tie (merchant_id, order_id, evidence, "
        "strength, confidence_bps, channel_id, link_id, click_id, tied_at) SELECT $1, order_id, 'carried', 40, 10000, "
        "gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), $2 FROM sold",
        merchant_id,
        AT,
    )
    await unit.fetch(
        "INSERT INTO promoted_order (merchant_id, source, order_no, order_id, link_id, channel_id, click_id, currency, "
        "paid_minor, is_sold, was_sold, evidence, word, placed_at, paid_at) SELECT $1, 'jd', n::text, "
        "gen_random_uuid(), gen_random_uuid(), "
        "gen_random_uuid(), gen_random_uuid(), 'CNY', 100, true, true, 'carried', '', $2, $2 "
        "FROM generate_series(1, 20000) n",
        merchant_id,
        AT,
    )


def test_one_links_sales_are_found_without_reading_all_ties(room):
    async def main():
        await Trade(7).store(room)
        async with room.unit() as unit:
            await _others(unit, room.merchant_id)

    room.run(main)
    for table in ("sale_fact", "order_tie", "promoted_order"):
        room.as_owner(f"ANALYZE {table}")

    async def plans(unit):
        made = [
            select(sales_of_links(unit, LINKS[:2])),
            select(clicked_sales_of(unit, LINKS[0])),
            orders_of_clicks(unit, [uuid4() for _ in range(50)]),
            promoted_of_clicks(unit, [uuid4() for _ in range(50)]),
        ]
        told = []
        for statement in made:
            text = statement.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})
            told.append("\n".join(row[0] for row in await unit.fetch(f"EXPLAIN {text}")))
        return told

    for plan in room.do(plans):
        assert "ix_order_tie_" in plan or "ix_promoted_order_" in plan
        assert "Seq Scan" not in plan, plan
