"""An address that is passed on by chat: its opener has a click of his own, and the sale knows who brought him."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest

from hutong.core.ids import new_id
from hutong.edge.front import LinkFront
from hutong.edge.journal import ClickJournal
from hutong.edge.sink import ClickSink
from hutong.edge.table import LinkTable
from hutong.links.attribution.evidence import Evidence, Tie
from hutong.links.attribution.service import OrderTie, touch_orders
from hutong.links.tokens import click_token, read_click_token
from hutong.web.buyer import checkout
from hutong.web.buyer.forwards import FRESH

ANDROID = "Mozilla/5.0 (Linux; Android 14; K) AppleWebKit/537.36 Chrome/120.0.0.0 Mobile Safari/537.36"
WECHAT = ANDROID + " MicroMessenger/8.0.46.2540(0x28002E3C) WeChat/arm64"
WEIBO = ANDROID + " Weibo (HUAWEI-ALN__weibo__14.1.0__android__android12)"
TAOBAO = "https://item.taobao.com/item.htm?id=657"
LATER_S = FRESH.total_seconds() + 1


class Visitor:
    """A browser in front of edge and pages; follows redirects within the hub and keeps cookies."""

    def __init__(self, world, agent, address):
        transport = httpx.ASGITransport(app=world.front, client=(address, 1))
        self.client = httpx.AsyncClient(transport=transport, base_url="http://hub", headers={"user-agent": agent})
        self.way = []

    async def open(self, address):
        """Where he ends, within the hub; ``way`` holds each address."""
        self.way = [address]
        for _ in range(8):
            answer = await self.client.get(self.way[-1])
            where = answer.headers.get("location", "")
            if not where.startswith("/"):
                self.answer = answer
                return self.way[-1]
            self.way.append(where)
        raise AssertionError(self.way)


class World:
    """Edge and pages of one merchant."""

    def __init__(self, caller, tmp_path):
        self.caller, self.runtime = caller, caller.runtime
        self.journal = ClickJournal(tmp_path / "clicks", slots=64)
        self.sink = ClickSink(caller.room.database, self.journal)
        table = LinkTable(caller.room.database, caller.room.clock)
        behind = caller.client._transport.app
        self.front = LinkFront(behind, table, self.sink, self.runtime.ways, caller.room.clock, self.runtime.link_key)

    async def link(self, **body):
        channel = {"kind": "post", "platform": "weibo", "name": "帖子"}
        return await self.caller.post("/links", {"title": "小面包", "channel": channel, **body}, key=uuid4().hex)

    async def goods(self):
        product = await self.caller.post("/products", {"title": "面包"}, key=uuid4().hex)
        sku = await self.caller.post(
            "/skus",
            {"product_id": product["product_id"], "seller_code": uuid4().hex, "price_fen": 4990, "stock": 9},
            key=uuid4().hex,
        )
        return await self.link(sku_id=sku["sku_id"])

    async def parents(self):
        await self.sink.drain()
        async with self.caller.room.unit() as unit:
            return {row.click_id: row.parent_id for row in await unit.fetch("SELECT * FROM click_parent")}

    def click_in(self, address, code):
        return read_click_token(self.runtime.link_key, re.search(r"k=(\w+)", address)[1], code)


@pytest.fixture
def forwarding(calling, tmp_path):
    def run(work):
        async def inner(caller):
            world = World(caller, tmp_path)
            try:
                await work(world)
            finally:
                world.journal.close()

        calling(inner)

    return run


def test_a_forwarded_jump_page_knows_who_brought_its_visitor(forwarding):
    async def work(world):
        code = (await world.link(url=TAOBAO))["code"]
        first, friend = Visitor(world, ANDROID, "1.1.1.1"), Visitor(world, ANDROID, "2.2.2.2")
        page = await first.open(f"/l/{code}")
        assert page.startswith(f"/j/{code}?k=")
        world.caller.room.clock.advance(seconds=LATER_S)
        assert await first.open(page) == page  # his own browser: the same click
        his = await friend.open(page)
        assert his != page
        mine, theirs = world.click_in(page, code), world.click_in(his, code)
        assert await world.parents() == {theirs: mine}
        # The sale that follows in the friend's hands counts for the first, too.
        async with world.caller.room.unit() as unit:
            (link,) = await unit.fetch("SELECT * FROM link")
            tie = Tie(evidence=Evidence.CLICK, channel_id=link.channel_id, link_id=link.link_id, click_id=theirs)
            order_id = uuid4()
            await touch_orders(unit, [OrderTie(order_id=order_id, touched_at=unit.now(), tie=tie)])
            rows = await unit.fetch("SELECT touch_id FROM order_touch ORDER BY touched_at")
        assert [row.touch_id for row in rows] == [mine, theirs]

    forwarding(work)


@pytest.mark.parametrize("agent", [WECHAT, WEIBO])
def test_a_forwarded_jump_page_opens_in_another_app(forwarding, agent):
    async def work(world):
        code = (await world.link(url=TAOBAO))["code"]
        first, friend = Visitor(world, ANDROID, "1.1.1.1"), Visitor(world, agent, "2.2.2.2")
        page = await first.open(f"/l/{code}")
        world.caller.room.clock.advance(seconds=LATER_S)
        await friend.open(page)
        again = next(address for address in friend.way if address.startswith("/j/") and "&p=" in address)
        assert await world.parents() == {world.click_in(again, code): world.click_in(page, code)}

    forwarding(work)


def test_a_forwarded_checkout_in_another_app_is_a_checkout_of_its_own(forwarding):
    async def work(world):
        link = await world.goods()
        first, friend = Visitor(world, WECHAT, "1.1.1.1"), Visitor(world, WEIBO, "2.2.2.2")
        desk = await first.open(f"/l/{link['code']}")
        assert desk.startswith("/c/")
        world.caller.room.clock.advance(seconds=1)  # ids are ordered by milliseconds
        his = await friend.open(desk)
        assert his.startswith("/c/")
        assert his != desk
        (mine,) = [world.click_in(address, link["code"]) for address in first.way if "k=" in address]
        (theirs,) = [world.click_in(address, link["code"]) for address in friend.way if "k=" in address]
        assert await world.parents() == {theirs: mine}

    forwarding(work)


def test_a_forwarded_landing_is_a_click_of_its_own(forwarding):
    async def work(world):
        link = await world.goods()
        first, friend = Visitor(world, WECHAT, "1.1.1.1"), Visitor(world, WECHAT, "2.2.2.2")
        desk = await first.open(f"/l/{link['code']}")
        landing = first.way[1]
        world.caller.room.clock.advance(seconds=LATER_S)
        assert await first.open(landing) == desk
        assert await friend.open(landing) != desk
        assert len(await world.parents()) == 1

    forwarding(work)


def test_nobody_names_a_parent_that_is_no_click_of_the_link(forwarding):
    async def work(world):
        code = (await world.link(url=TAOBAO))["code"]
        other = (await world.link(url=TAOBAO))["code"]
        now = world.caller.room.clock.now()
        foreign = click_token(world.runtime.link_key, new_id(now - timedelta(days=1)), other)
        later = click_token(world.runtime.link_key, new_id(now + timedelta(days=1)), code)
        visitor = Visitor(world, ANDROID, "1.1.1.1")
        for token in (foreign, "0" * 48, later, foreign + "0", "https://example.org"):
            assert (await visitor.open(f"/l/{code}?p={token}")).startswith(f"/j/{code}?k=")
        assert await world.parents() == {}

    forwarding(work)


AHEAD = [("HEAD", {}), ("GET", {"sec-purpose": "prefetch"}), ("GET", {"sec-purpose": "prefetch;prerender"})]


@pytest.mark.parametrize(("method", "headers"), AHEAD)
def test_whoever_looks_ahead_is_answered_and_nothing_comes_of_it(forwarding, method, headers):
    async def work(world):
        async def follow(agent, address):
            """What each address on the way answers, from the link on."""
            told = []
            visitor = Visitor(world, agent, "3.3.3.3")
            while address.startswith("/"):
                answer = await visitor.client.request(method, address, headers=headers)
                told.append(answer.status_code)
                assert (answer.content == b"") == (method == "HEAD" or answer.status_code == 302)
                address = answer.headers.get("location", "")
            return told

        goods, page = await world.goods(), await world.link(url=TAOBAO)
        token = click_token(world.runtime.link_key, new_id(world.caller.room.clock.now()), page["code"])
        assert await follow(WECHAT, f"/l/{goods['code']}") == [302, 200], "the shop window, and no desk"
        assert await follow(WECHAT, f"/l/{page['code']}") == [302]
        own = click_token(world.runtime.link_key, new_id(world.caller.room.clock.now()), page["code"])
        assert await follow(ANDROID, f"/j/{page['code']}?k={own}&p={token}") == [200]
        assert await follow(ANDROID, f"/r/{page['code']}") == [200]
        async with world.caller.room.unit() as unit:
            assert not await unit.fetch("SELECT 1 FROM checkout")
        assert await world.parents() == {}

    forwarding(work)


def test_the_head_of_a_cash_desk_is_answered_and_takes_no_wallets_code(calling, tmp_path, monkeypatch):
    learned = []

    async def learn(*args, **more):
        learned.append((args, more))
        return True

    monkeypatch.setattr(checkout, "learn_payer", learn)

    async def work(caller):
        world = World(caller, tmp_path)
        code = (await world.goods())["code"]
        buyer = Visitor(world, WECHAT, "10.0.0.1")
        desk = await buyer.open(f"/l/{code}")
        stranger = Visitor(world, "curl/8.4.0", "10.0.0.2").client
        for browser, status in ((buyer.client, 200), (stranger, 302)):
            head, given = await browser.head(desk), await browser.get(desk)
            assert (head.status_code, given.status_code) == (status, status)
            assert head.headers["content-type"] == given.headers["content-type"]
            assert head.content == b""
        assert (await stranger.head(f"/c/{uuid4()}")).status_code == 404
        assert [(await buyer.client.head(desk, params={"code": "x"})).status_code, learned] == [200, []]
        await buyer.client.get(desk, params={"code": "x"})
        assert learned, "a code that is asked for as a page is taken"

    calling(work)


def test_a_code_behind_two_slashes_is_nobodys(calling, tmp_path):
    async def work(caller):
        world = World(caller, tmp_path)
        code = (await world.link(url=TAOBAO))["code"]
        visitor = Visitor(world, WECHAT, "10.0.0.1").client
        answers = [await visitor.get(f"http://hub/l/{path}") for path in (f"/{code}", f"//{code}", f"{code}/more", "/")]
        assert [one.status_code for one in answers] == [404] * 4
        assert all("没有这条链接" in one.text for one in answers[:3])

    calling(work)
