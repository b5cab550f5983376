"""Whatever is told of an order by its alliance, its shop and the API, in whatever order: the end is the same."""

from __future__ import annotations

import random
from datetime import timedelta
from uuid import uuid4

import pytest
from alliance_account import Alliance
from tied_orders import Shop, clicked, link_to

from hutong.core.money import Money
from hutong.links.checks import check
from hutong.platforms.jump_links import PromotedStatus
from hutong.platforms.registry import Registry
from hutong.platforms.shops import ShopOrderStatus

LINKS = ("帖子", "视频", "海报")
#: What may be told of a line one after another.
LIVES = (
    (PromotedStatus.PAID,),
    (PromotedStatus.UNPAID, PromotedStatus.PAID),
    (PromotedStatus.PAID, PromotedStatus.RECEIVED, PromotedStatus.SETTLED),
    (PromotedStatus.PAID, PromotedStatus.VOID),
    (PromotedStatus.VOID,),
    (PromotedStatus.PENDING, PromotedStatus.PAID),
)
ORDERS_OF_TELLING = 3


@pytest.fixture
def registry():
    return Registry.from_entry_points()


class Facts:
    """What is true of some orders, and told in any order: the same of one seed, for every merchant."""

    def __init__(self, seed):
        dice = random.Random(f"any order {seed}")
        minutes = dice.sample(range(5, 180), 7)
        self.clicks = [(number % 3, minutes[number], bytes([dice.randint(1, 3)])) for number in range(7)]
        self.facts = []
        for order in ("T1", "T2", "T3"):
            for line in range(dice.randint(1, 2)):
                mark = dice.choice([None, 0, 1, 2, 3, 4])
                for version, status in enumerate(dice.choice(LIVES)):
                    shown = None if mark is not None and dice.random() < 0.3 else mark  # a mark may be hidden
                    self.facts.append(("line", order, str(line), version, status, shown))
            if dice.random() < 0.4:
                self.facts.append(("click", order, dice.randrange(7)))
            if dice.random() < 0.4:
                self.facts.append(("word", order, dice.randrange(3)))
            if dice.random() < 0.5:
                self.facts.append(("shop", order))

    def told(self, turn):
        """One order of telling."""
        order = list(self.facts)
        if turn:
            random.Random(turn).shuffle(order)
        return order


class Teller:
    """A merchant with three links, an alliance and a shop; tells the facts, and what came of it."""

    def __init__(self, caller):
        self.caller, self.now = caller, caller.room.clock.now()

    async def open(self, facts):
        self.shop, self.alliance = await Shop.open(self.caller), await Alliance.open(self.caller)
        self.links = [await link_to(self.caller, name=name) for name in LINKS]
        made = [
            await clicked(self.caller, self.links[link], ago=timedelta(minutes=ago), address=address)
            for link, ago, address in facts.clicks
        ]
        self.clicks = {str(click_id): number for number, (click_id, _) in enumerate(made)}
        self.tokens = [token for _, token in made]
        self.words = [(await self.caller.post(f"/links/{link['link_id']}/words", {}))["word"] for link in self.links]

    async def tell(self, fact):
        kind, order, *rest = fact
        if kind == "line":
            line_id, version, status, mark = rest
            at = self.now + timedelta(minutes=version)
            paid = Money(0 if status is PromotedStatus.UNPAID else 1_000)
            token = "" if mark is None else self.tokens[mark]
            line = self.alliance.line(
                order, token, line_id=line_id, status=status, paid=paid, placed_at=self.now, changed_at=at
            )
            await self.alliance.tells(line)
        elif kind == "shop":
            await self.shop.sells(order, status=ShopOrderStatus.PAID)
        else:
            given = {"cq": self.tokens[rest[0]]} if kind == "click" else {"word": self.words[rest[0]]}
            await self.caller.post(
                "/orders/evidence", {"source": "taobao", "order_no": order, **given}, key=uuid4().hex
            )

    async def outcome(self):
        """All figures, with names in place of ids; guesses from times depend on what was known at the time."""
        names = {link["link_id"]: name for link, name in zip(self.links, LINKS, strict=True)}
        of_channel = {link["channel_id"]: name for link, name in zip(self.links, LINKS, strict=True)}
        channels = (await self.caller.get("/channels"))["items"]
        for entry in (entry for item in channels for entry in item["credit"]):
            entry.pop("guessed_orders"), entry.pop("guessed_minor")

        def tie_of(item):
            tie = item["tie"]
            if tie is None or tie["evidence"] == "window":
                return None
            return tie["evidence"], names[tie["link_id"]], self.clicks.get(tie.get("click_id"))

        told = {
            f"channel {of_channel.get(item['channel_id'])}": (item["orders"], item["clicks_converted"], item["money"])
            for item in channels
        }
        told |= {
            f"credit {of_channel.get(item['channel_id'])}": [
                entry
                for entry in item["credit"]
                if entry["first_orders"] or entry["last_orders"] or entry["linear_orders_bps"]
            ]
            for item in channels
        }
        for item in (await self.caller.get("/links"))["items"]:
            told[f"link {names[item['link_id']]}"] = (item["orders"], item["money"])
        for item in (await self.caller.get("/promoted-orders"))["items"]:
            told[f"line {item['order_no']} {item['line_id']}"] = (
                item["status"],
                names.get(item["link_id"]),
                self.clicks.get(item["click_id"]),
            )
            told[f"promoted {item['order_no']}"] = (item["shop_order_id"] is not None, tie_of(item))
        for item in (await self.caller.get("/orders"))["items"]:
            told[f"order {item['order_no']}"] = tie_of(item)
        clicks = (await self.caller.get("/clicks", outcome="ordered"))["items"]
        told["sold"] = sorted(self.clicks[item["click_id"]] for item in clicks)
        async with self.caller.room.unit() as unit:
            told["breaches"] = list(await check(unit))
        return told


@pytest.mark.parametrize("seed", range(12))
def test_in_whatever_order_everything_is_told_the_end_is_the_same(calling, seed):
    facts, outcomes = Facts(seed), []

    async def work(caller):
        teller = Teller(caller)
        await teller.open(facts)
        for fact in facts.told(turn):
            await teller.tell(fact)
        outcomes.append(await teller.outcome())

    for turn in range(ORDERS_OF_TELLING):  # noqa: B007 (the work reads it)
        calling(work)
    for turn, outcome in enumerate(outcomes[1:], start=1):
        differs = {name: (outcomes[0].get(name), outcome.get(name)) for name in {*outcomes[0], *outcome}}
        differs = {name: both for name, both in differs.items() if both[0] != both[1]}
        assert differs == {}, (facts.told(0), facts.told(turn))
    assert outcomes[0]["breaches"] == []
