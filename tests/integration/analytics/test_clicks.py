"""Single clicks and their counts: every filter is held against the same filter in Python, over random trade."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from msgspec import structs
from sqlalchemy import insert

from hutong.analytics.click_counts import KINDS, clicks_by_step, count_clicks
from hutong.analytics.clicks import STOPPED, Became, ClickFilter, Who, clicks_slice
from hutong.analytics.service import Sale, SaleLine, record_sale
from hutong.core.ids import new_id
from hutong.core.money import Money
from hutong.links.machines import stopped
from hutong.links.models import channel, click, jump_try, link
from hutong.payments.models import checkout

AT = datetime(2026, 2, 1, 8, tzinfo=UTC)
HOURS = 96


class Trade:
    """Clicks with what became of them, as dictionaries, beside the rows in the database."""

    def __init__(self, room, seed=3, count=160):
        self.room, self.dice = room, random.Random(seed)
        self.channel_id, self.links = uuid4(), [uuid4() for _ in range(3)]
        self.clicks = [self._click() for _ in range(count)]
        self.clicks.sort(key=lambda one: one["click_id"], reverse=True)

    def _click(self):
        at = AT + timedelta(microseconds=self.dice.randrange(HOURS * 3_600_000_000))
        became = self.dice.choice(list(Became))
        kind = self.dice.choice(["", "", "", "spider", "preview"])
        kept = stopped(kind, became.value) if became in STOPPED.values() else kind
        machine = kind or kept
        return {
            "merchant_id": self.room.merchant_id,
            "click_id": new_id(at),
            "link_id": self.dice.choice(self.links),
            "channel_id": self.channel_id,
            "container": self.dice.choice(["wechat", "douyin", "mobile"]),
            "os": self.dice.choice(["ios", "android"]),
            "language": self.dice.choice(["zh-CN", "", "en"]),
            "referrer": self.dice.choice(["none", "social"]),
            "address_hash": self.dice.choice([b"a" * 16, b"b" * 16]),
            "is_bot": bool(machine),
            "machine": machine,
            "kept": kept,
            "clicked_at": at,
            "became": became,
        }

    async def store(self):
        own = {"merchant_id": self.room.merchant_id}
        async with self.room.unit() as unit:
            await unit.insert(
                channel, channel_id=self.channel_id, kind="post", platform="weibo", name="帖子", created_at=AT
            )
            for number, link_id in enumerate(self.links):
                await unit.insert(
                    link, link_id=link_id, code=f"code{number}", channel_id=self.channel_id, title=f"第{number}条",
                    destination="checkout", state="active", created_at=AT, changed_at=AT,
                )  # fmt: skip
        async with self.room.database.plain("ingest") as connection:
            rows = [{**one, "machine": one["kept"]} for one in self.clicks]
            for row in rows:
                del row["became"], row["kept"]
            await connection.execute(insert(click), rows)
        async with self.room.unit() as unit:
            for one in self.clicks:
                await self._became(unit, one, own)

    async def _became(self, unit, one, own):
        """The rows behind the word; what comes later in ``Became`` may have happened too."""
        became, dice = one["became"], self.dice
        later = list(Became).index(became)
        if later <= 2 and (became is Became.LEFT or dice.random() < 0.5):
            await self._try(unit, one, "taobao_page_scheme", "left", 1)
        if later <= 3 and (became is Became.STAYED or dice.random() < 0.5):
            await self._try(unit, one, "taobao_wrapper", "stayed", 0)
        is_paid = became is Became.ORDERED and dice.random() < 0.5
        if became is Became.DESK or (became is Became.ORDERED and (not is_paid or dice.random() < 0.5)):
            one["order_id"] = uuid4() if became is Became.ORDERED and not is_paid else None
            await unit.insert(
                checkout, checkout_id=uuid4(), state="open", title="碗", quantity=1, amount_minor=100, currency="CNY",
                click_id=one["click_id"], container="wechat", order_id=one["order_id"], created_at=AT, expires_at=AT,
            )  # fmt: skip
        if is_paid:
            one["order_id"] = uuid4()
            line = SaleLine(title="碗", quantity=1, amount_minor=100)
            sale = Sale(
                order_id=one["order_id"], source="own", paid_at=AT, gross=Money(100), lines=(line,),
                link_id=one["link_id"], channel_id=one["channel_id"], click_id=one["click_id"],
            )  # fmt: skip
            await record_sale(unit, sale)

    async def _try(self, unit, one, form, outcome, seconds):
        await unit.insert(
            jump_try, click_id=one["click_id"], form=form, link_id=one["link_id"], container=one["container"],
            os=one["os"], destination="taobao", taps=1, outcome=outcome, tried_at=AT + timedelta(seconds=seconds),
        )  # fmt: skip

    def fitting(self, wanted):
        def fits(one):
            return (
                (wanted.since is None or one["clicked_at"] >= wanted.since)
                and (wanted.until is None or one["clicked_at"] < wanted.until)
                and (wanted.who is Who.ALL or one["is_bot"] == (wanted.who is Who.BOTS))
                and (wanted.language is None or one["language"] == wanted.language)
                and (not wanted.visitor or one["address_hash"] == wanted.visitor)
                and all(
                    getattr(wanted, name) in ("", None, one[name])
                    for name in ("link_id", "channel_id", "container", "os", "referrer", "became")
                )
            )

        return [one for one in self.clicks if fits(one)]


def trading(room, work):
    async def main():
        trade = Trade(room)
        await trade.store()
        async with room.unit() as unit:
            return await work(unit, trade)

    return room.run(main)


async def all_pages(unit, wanted, limit):
    rows, below = [], None
    for _ in range(1_000):
        page = await clicks_slice(unit, wanted, below=below, limit=limit)
        assert len(page.rows) <= limit
        rows += page.rows
        below = page.following
        if below is None:
            return rows
    raise AssertionError("the pages do not end")


def filters(trade):
    """Each filter by itself, and random ones of all at once."""
    edge = trade.clicks[40]["clicked_at"]  # a moment that a click is made at: in where it begins, out where it ends
    choices = {
        "since": [None, edge, AT + timedelta(hours=20)],
        "until": [None, edge, AT + timedelta(hours=70)],
        "who": list(Who),
        "link_id": [None, *trade.links, uuid4()],
        "channel_id": [None, trade.channel_id, uuid4()],
        "container": ["", "wechat", "nowhere"],
        "os": ["", "ios"],
        "language": [None, "zh-CN", ""],
        "referrer": ["", "social"],
        "became": [None, *Became],
        "visitor": [b"", b"a" * 16],
    }
    for name, values in choices.items():
        yield from (ClickFilter(**{name: value}) for value in values)
    dice = random.Random(5)
    for _ in range(40):
        some = dice.sample(list(choices), 3)
        yield ClickFilter(**{name: dice.choice(choices[name]) for name in some})


def test_every_filter_finds_what_it_says_in_whole_pages(room):
    async def work(unit, trade):
        for wanted in filters(trade):
            expected = trade.fitting(wanted)
            for limit in (7, 500):
                found = await all_pages(unit, wanted, limit)
                assert [row.click_id for row in found] == [one["click_id"] for one in expected], wanted

    trading(room, work)


def test_a_click_says_what_became_of_it(room):
    async def work(unit, trade):
        found = {row.click_id: row for row in await all_pages(unit, ClickFilter(), 50)}
        told = set()
        for one in trade.clicks:
            row = found[one["click_id"]]
            assert row.became is one["became"]
            assert row.order_id == one.get("order_id")
            assert (row.machine, row.is_bot, row.visitor) == (one["machine"], one["is_bot"], one["address_hash"])
            assert row.link_title == f"第{trade.links.index(one['link_id'])}条"
            assert row.channel_name == "帖子"
            told.add((row.became, tuple(entry.outcome for entry in row.tries)))
        assert (Became.LEFT, ("stayed", "left")) in told
        assert {became for became, _ in told} == set(Became)

    trading(room, work)


def test_counts_are_those_of_the_single_clicks(room):
    bounds = [AT + timedelta(hours=hour) for hour in range(0, HOURS + 1, 12)]

    async def work(unit, trade):
        for wanted in [ClickFilter(), ClickFilter(link_id=trade.links[0]), ClickFilter(became=Became.LEFT)]:
            everybody = trade.fitting(wanted)
            counts = await count_clicks(unit, wanted, bounds)
            assert counts == await count_clicks(unit, structs.replace(wanted, who=Who.BOTS), bounds), "both, always"
            bots = sum(one["is_bot"] for one in everybody)
            assert (counts.people, counts.bots) == (len(everybody) - bots, bots)
            for kind in KINDS:
                expected = Counter((one[kind], one["is_bot"]) for one in everybody)
                given = {(entry.value, is_bot): count for entry in counts.by[kind]
                         for is_bot, count in ((False, entry.people), (True, entry.bots)) if count}  # fmt: skip
                assert given == expected
            for step, (begins, ends) in zip(counts.steps, itertools.pairwise(bounds), strict=True):
                here = [one for one in everybody if begins <= one["clicked_at"] < ends]
                assert step.people + step.bots == len(here)

    trading(room, work)


def test_a_links_steps_count_people_alone(room):
    bounds = [AT + timedelta(hours=hour) for hour in range(24, HOURS + 1, 24)]

    async def work(unit, trade):
        found = await clicks_by_step(unit, [*trade.links, uuid4()], bounds)
        people = [one for one in trade.clicks if not one["is_bot"]]
        for link_id in trade.links:
            assert found[link_id] == tuple(
                sum(one["link_id"] == link_id and begins <= one["clicked_at"] < ends for one in people)
                for begins, ends in itertools.pairwise(bounds)
            )
        assert set(found) == set(trade.links)
        assert await clicks_by_step(unit, [], bounds) == {}

    trading(room, work)


def test_another_merchants_clicks_are_not_there(room):
    async def work(_unit, _trade):
        room.merchant_id = uuid4()
        async with room.unit() as unit:
            assert await all_pages(unit, ClickFilter(), 50) == []
            counts = await count_clicks(unit, ClickFilter(), [AT, AT + timedelta(hours=HOURS)])
            assert (counts.people, counts.bots) == (0, 0)

    trading(room, work)


@pytest.mark.parametrize("bounds", [[], [AT], [AT] * 300])
def test_a_picture_has_some_steps_and_not_too_many(room, bounds):
    async def work():
        async with room.unit() as unit:
            with pytest.raises(ValueError, match="step"):
                await count_clicks(unit, ClickFilter(), bounds)

    room.run(work)
