"""Sales of other shops that are tied for certain count with their link, held against the same count in Python."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from hutong.analytics.queries import channel_figures, link_figures, overview
from hutong.analytics.service import Sale, SaleLine, record_sales_many
from hutong.core.ids import new_id
from hutong.core.money import Money
from hutong.links.attribution.evidence import Evidence, Tie
from hutong.links.attribution.service import OrderTie, tie_orders
from hutong.links.models import click

AT = datetime(2026, 2, 1, 8, tzinfo=UTC)
LINKS = [UUID(int=number) for number in range(1, 6)]
#: Each link's channel; two of them share one.
CHANNEL = {link_id: UUID(int=100 + min(number, 3)) for number, link_id in enumerate(LINKS)}


class Trade:
    """Sales with what ties them; ``tied``: the sales that count with a link, by what Python makes of them."""

    def __init__(self, seed):
        dice = random.Random(seed)
        self.clicks = {new_id(AT + timedelta(seconds=number)): dice.choice(LINKS) for number in range(40)}
        self.sales, self.ties, self.tied, self.rest = [], [], [], []
        for _ in range(120):
            self._sale(dice)

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
            self.ties.append(OrderTie(order_id=one.order_id, order_at=AT, tie=tie))
        if not is_paid:
            return
        if own:
            self.tied.append((one, CHANNEL[link_id], link_id if own == "click" else None, one.click_id))
        elif evidence not in (None, Evidence.WINDOW):
            self.tied.append((one, CHANNEL[tied_link], tied_link, tied_click if has_click else None))
        else:
            self.rest.append(one)

    async def store(self, room):
        async with room.unit() as unit:
            await record_sales_many(unit, self.sales)
            await tie_orders(unit, self.ties)
        columns = {
            "click_id": list(self.clicks), "link_id": list(self.clicks.values()),
            "channel_id": [CHANNEL[link_id] for link_id in self.clicks.values()], "container": ["wechat"] * 40,
            "os": ["ios"] * 40, "language": [""] * 40, "referrer": [""] * 40, "address_hash": [b""] * 40,
            "is_bot": [False] * 40, "clicked_at": [AT] * 40,
        }  # fmt: skip
        async with room.database.plain("ingest") as connection:
            rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
            await connection.execute(click.insert(), [{"merchant_id": room.merchant_id, **row} for row in rows])


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
