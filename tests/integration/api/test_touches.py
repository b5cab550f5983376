"""Touches of an order: a link that is known twice, by its click and by what has none, touched its buyer once."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from alliance_account import Alliance
from tied_orders import Shop, clicked, link_to

from hutong.core.money import Money
from hutong.merchants.staff import Role
from hutong.platforms.registry import Registry

GOODS = "https://mobile.yangkeduo.com/goods.html?goods_id=3001"


@pytest.fixture
def registry():
    return Registry.from_entry_points()


async def shares(caller, *links):
    """Of each link's channel: orders by first, by last, and its part of them in ten-thousandths."""
    items = {item["channel_id"]: item for item in (await caller.get("/channels"))["items"]}
    names = ("first_orders", "last_orders", "linear_orders_bps", "linear_minor")
    return [tuple(entry[name] for entry in items[link["channel_id"]]["credit"] for name in names) for link in links]


async def word_of(caller, link):
    return (await caller.post(f"/links/{link['link_id']}/words", {}))["word"]


async def shown(caller, path):
    """The touches on a page: channel and what stands behind it."""
    await caller.sign_in()
    page = (await caller.client.get(path)).text
    found = re.search(r'data-list="touches">(.*?)</ol>', page, re.DOTALL)[1]
    return re.findall(r"data-raw>([^<]+)</span> · ([^<]+)</span>", found)


BOTH = [("图文", "首次接触"), ("帖子", "最后接触")]


def test_a_click_and_a_word_of_one_link_are_one_touch(calling):
    """An alliance's order, whose word the API tells."""

    async def work(caller):
        alliance = await Alliance.open(caller, "pinduoduo_alliance")
        post, link = await link_to(caller, url=GOODS, name="图文"), await link_to(caller, url=GOODS)
        await clicked(caller, post, ago=timedelta(hours=2), address=b"home")
        _, token = await clicked(caller, link, address=b"home")
        await alliance.tells(alliance.line("P1", token, paid=Money(1_001)))
        body = {"source": "pinduoduo", "order_no": "P1", "word": await word_of(caller, link)}
        await caller.post("/orders/evidence", body, key=uuid4().hex)
        assert await shares(caller, post, link) == [(1, 0, 5_000, 500), (0, 1, 5_000, 501)]
        assert await shown(caller, "/promotions?order=P1") == BOTH

    calling(work)


@pytest.mark.parametrize("word_first", [True, False])
def test_the_same_of_an_order_of_a_shop(calling, word_first):
    async def work(caller):
        shop, post, link = await Shop.open(caller), await link_to(caller, name="图文"), await link_to(caller)
        await clicked(caller, post, ago=timedelta(hours=2), address=b"home")
        _, token = await clicked(caller, link, address=b"home")
        given = [{"cq": token}, {"word": await word_of(caller, link)}]
        await shop.sells("T1")
        for evidence in reversed(given) if word_first else given:
            await caller.post("/orders/evidence", {"source": "taobao", "order_no": "T1", **evidence}, key=uuid4().hex)
        assert await shares(caller, post, link) == [(1, 0, 5_000, 2_495), (0, 1, 5_000, 2_495)]
        (order,) = (await caller.get("/orders"))["items"]
        assert await shown(caller, f"/orders/{order['order_id']}") == BOTH

    calling(work)


def test_a_word_of_another_link_is_a_touch_of_its_own_and_the_last_one(calling):
    """The buyer gave it when he ordered: the click was before."""

    async def work(caller):
        alliance = await Alliance.open(caller, "pinduoduo_alliance")
        clicked_link, given_link = await link_to(caller, url=GOODS), await link_to(caller, url=GOODS, name="主播")
        _, token = await clicked(caller, clicked_link)
        await alliance.tells(alliance.line("P1", token, paid=Money(1_000)))
        body = {"source": "pinduoduo", "order_no": "P1", "word": await word_of(caller, given_link)}
        await caller.post("/orders/evidence", body, key=uuid4().hex)
        assert await shares(caller, clicked_link, given_link) == [(1, 0, 5_000, 500), (0, 1, 5_000, 500)]
        tie = (await alliance.told())["P1"]["tie"]
        assert (tie["evidence"], tie["link_id"]) == ("carried", clicked_link["link_id"]), "the order is the click's"

    calling(work)


def test_a_word_that_comes_after_another_links_click_is_a_touch_again(calling):
    """First a video, then a post, and with the order the word of the video."""

    async def work(caller):
        alliance = await Alliance.open(caller, "pinduoduo_alliance")
        video, post = await link_to(caller, url=GOODS, name="视频"), await link_to(caller, url=GOODS)
        await clicked(caller, video, ago=timedelta(hours=3), address=b"home")
        _, token = await clicked(caller, post, ago=timedelta(hours=1), address=b"home")
        await alliance.tells(alliance.line("P1", token, paid=Money(1_000)))
        body = {"source": "pinduoduo", "order_no": "P1", "word": await word_of(caller, video)}
        await caller.post("/orders/evidence", body, key=uuid4().hex)
        assert await shares(caller, video, post) == [(1, 1, 6_667, 667), (0, 0, 3_333, 333)]
        assert await shown(caller, "/promotions?order=P1") == [("视频", "首次接触"), ("视频", "最后接触")]

    calling(work)


def test_a_place_whose_click_one_line_knows_is_one_touch(calling):
    """Taobao names the link's place with each line; only one of them tells when the address was opened."""

    async def work(caller):
        alliance, link = await Alliance.open(caller), await link_to(caller)
        post = await link_to(caller, name="图文")
        await alliance.promotes(link, "77_1")
        caller.room.clock.advance(minutes=30)
        await clicked(caller, post, ago=timedelta(hours=2), address=b"home")
        await clicked(caller, link, ago=timedelta(minutes=1), address=b"home")
        opened_at = caller.room.clock.now() - timedelta(seconds=30)
        await alliance.tells(
            alliance.line("T1", "77_1", line_id="1", clicked_at=opened_at, paid=Money(600)),
            alliance.line("T1", "77_1", line_id="2", paid=Money(401)),
        )
        assert await shares(caller, post, link) == [(1, 0, 5_000, 500), (0, 1, 5_000, 501)]
        assert await shown(caller, "/promotions?order=T1") == BOTH

    calling(work)


@pytest.mark.parametrize(
    "steps", [("page", "word"), ("word", "page"), ("shop", "word", "page"), ("page", "shop", "word")]
)
def test_a_place_was_touched_when_its_address_was_opened(calling, steps):
    """Not when its buyer ordered: a click between the two is the last one. A word of the same link changes nothing."""

    async def work(caller):
        shop, alliance = await Shop.open(caller), await Alliance.open(caller)
        link, post = await link_to(caller), await link_to(caller, name="图文")
        await alliance.promotes(link, "77_1")
        caller.room.clock.advance(hours=3)
        now = caller.room.clock.now()
        _, token = await clicked(caller, post, ago=timedelta(hours=1))
        lines = (
            alliance.line("T1", "77_1", line_id="1", clicked_at=now - timedelta(hours=2), paid=Money(600)),
            alliance.line("T1", token, line_id="2", paid=Money(401)),
        )
        for step in steps:
            if step == "page":
                await alliance.tells(*lines)
            elif step == "shop":
                await shop.sells("T1")
            else:
                body = {"source": "taobao", "order_no": "T1", "word": await word_of(caller, link)}
                await caller.post("/orders/evidence", body, key=uuid4().hex)
        assert [share[:2] for share in await shares(caller, link, post)] == [(1, 0), (0, 1)]

    calling(work)


async def own_order(caller, link, click_id):
    """An order of our own checkout behind a click; how the checkout makes one is another test's."""
    await (await Shop.open(caller)).sells("T1")
    async with caller.room.unit() as unit:
        for table in ("sales_order", "sale_fact"):
            await unit.fetch(
                f"UPDATE {table} SET source = 'own', channel_id = $1, link_id = $2, click_id = $3",
                UUID(link["channel_id"]),
                UUID(link["link_id"]),
                click_id,
            )
    (order,) = (await caller.get("/orders"))["items"]
    return order["order_id"]


@pytest.mark.parametrize("told", [("other",), ("own", "other"), ("other", "own")])
def test_an_own_order_that_is_told_a_word_shows_its_click_and_the_word(calling, told):
    """The word of its own link is no touch beside its click."""

    async def work(caller):
        links = {"own": await link_to(caller, name="图文"), "other": await link_to(caller)}
        click_id, _ = await clicked(caller, links["own"])
        order_id = await own_order(caller, links["own"], click_id)
        for name in told:
            body = {"source": "own", "order_no": "T1", "word": await word_of(caller, links[name])}
            await caller.post("/orders/evidence", body, key=uuid4().hex)
        assert await shares(caller, links["own"], links["other"]) == [(1, 0, 5_000, 2_495), (0, 1, 5_000, 2_495)]
        assert await shown(caller, f"/orders/{order_id}") == BOTH

    calling(work)


def test_a_word_that_is_given_within_the_second_of_the_click_is_the_last(calling):
    """The platform tells whole seconds: the click may seem to come after the order."""

    async def work(caller):
        shop, link, post = await Shop.open(caller), await link_to(caller), await link_to(caller, name="图文")
        _, token = await clicked(caller, post, ago=timedelta(milliseconds=-235))
        await shop.sells("T1")
        for evidence in ({"cq": token}, {"word": await word_of(caller, link)}):
            await caller.post("/orders/evidence", {"source": "taobao", "order_no": "T1", **evidence}, key=uuid4().hex)
        assert [share[:2] for share in await shares(caller, post, link)] == [(1, 0), (0, 1)]

    calling(work)


def test_orders_of_a_link_are_those_that_count_as_its_sales(calling):
    """Also where evidence alone ties them, and not where a stronger one gave them to another link."""

    async def work(caller):
        alliance = await Alliance.open(caller, "pinduoduo_alliance")
        link, other = await link_to(caller, url=GOODS), await link_to(caller, url=GOODS, name="视频")
        _, early = await clicked(caller, link)
        _, late = await clicked(caller, other, ago=timedelta(minutes=1))
        await alliance.tells(
            alliance.line("P1", "", paid=Money(1_000), commission=Money(100)),
            alliance.line("P2", early, paid=Money(2_000), commission=Money(200)),
            alliance.line("P3", early, line_id="1", paid=Money(4_000), commission=Money(400)),
            alliance.line("P3", late, line_id="2", paid=Money(8_000), commission=Money(800)),
        )
        body = {"source": "pinduoduo", "order_no": "P1", "word": await word_of(caller, link)}
        await caller.post("/orders/evidence", body, key=uuid4().hex)

        async def told(of):
            items = (await caller.get("/promoted-orders", link_id=of["link_id"]))["items"]
            return sorted((item["order_no"], item["line_id"]) for item in items)

        assert await told(link) == [("P1", "P1"), ("P2", "P2")]
        assert await told(other) == [("P3", "1"), ("P3", "2")]
        await caller.sign_in()
        for one, (paid, coming) in ((link, ("30.00", "3.00")), (other, ("120.00", "12.00"))):
            for path in (f"/links/{one['code']}", f"/promotions?link={one['code']}"):
                page = (await caller.client.get(path, headers={"accept-language": "en"})).text
                assert paid in page, path
                assert coming in page, path

    calling(work)


@pytest.mark.parametrize(("role", "sees"), [(Role.OWNER, True), (Role.MANAGER, True), (Role.CLERK, False)])
def test_what_the_shop_earns_of_alliances_is_not_a_clerks_to_see(calling, role, sees):
    async def work(caller):
        alliance = await Alliance.open(caller, "pinduoduo_alliance")
        link = await link_to(caller, url=GOODS)
        _, token = await clicked(caller, link)
        await alliance.tells(alliance.line("P1", token, paid=Money(2_000), commission=Money(321)))
        await caller.sign_in(role)
        for path in (
            "/promotions",
            "/promotions?order=P1",
            f"/promotions?link={link['code']}",
            f"/links/{link['code']}",
        ):
            page = (await caller.client.get(path)).text
            assert "20.00" in page, path
            assert ("3.21" in page) is sees, path

    calling(work)
