"""An order that only an alliance tells is a sale of its link, once, in every figure; one that a shop tells too is the
shop's.
"""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from alliance_account import Alliance
from sqlalchemy import insert
from tied_orders import Shop, clicked, link_to

from hutong.analytics.variants import choice_figures, choice_money
from hutong.core.money import Money
from hutong.links.attribution.evidence import Evidence, Tie
from hutong.links.attribution.told import Told, keep_told
from hutong.links.checks import check
from hutong.links.models import click_choice
from hutong.platforms.jump_links import PromotedPage, PromotedStatus
from hutong.platforms.registry import Registry
from hutong.platforms.shops import ShopOrderStatus
from hutong.workflows.commands.import_orders import import_orders
from hutong.workflows.commands.pull_promoted import take_page
from hutong.workflows.commands.tie_orders import tie_by_remarks
from hutong.workflows.dispatcher import deliver_waiting

PDD = "pinduoduo_alliance"
GOODS = "https://mobile.yangkeduo.com/goods.html?goods_id=3001"
VOID = PromotedStatus.VOID


@pytest.fixture
def registry():
    return Registry.from_entry_points()


async def channel(caller, link):
    items = (await caller.get("/channels"))["items"]
    return next(item for item in items if item["channel_id"] == link["channel_id"])


async def counted(caller, link):
    """Orders, money that stayed, orders that only an alliance tells, and clicks that sold."""
    one = await channel(caller, link)
    money = one["money"]
    return (
        one["orders"],
        sum(entry["net_minor"] for entry in money),
        sum(entry["promoted_orders"] for entry in money),
        one["clicks_converted"],
    )


async def led_by(caller, link, click_id, choice):
    """A variant of a comparison led the click, as the edge keeps it."""
    values = {"click_id": click_id, "link_id": UUID(link["link_id"]), "choice": choice}
    async with caller.room.database.plain("ingest") as connection:
        await connection.execute(insert(click_choice).values(merchant_id=caller.room.merchant_id, **values))


async def alliance_and_link(caller):
    return await Alliance.open(caller, PDD), await link_to(caller, url=GOODS)


def test_an_order_of_two_lines_is_one_sale_of_its_link(calling):
    async def work(caller):
        alliance, link = await alliance_and_link(caller)
        click_id, token = await clicked(caller, link)
        await alliance.tells(
            alliance.line("P1", token, line_id="1"), alliance.line("P1", token, line_id="2", paid=Money(10))
        )
        assert await counted(caller, link) == (1, 5_000, 1, 1)
        rows = {row["click_id"]: row for row in (await caller.get("/clicks", link_id=link["link_id"]))["items"]}
        row = rows[str(click_id)]
        assert (row["outcome"], row["order_id"], row["promoted_order_no"]) == ("ordered", None, "P1")
        assert len((await caller.get("/clicks", outcome="ordered"))["items"]) == 1
        assert (await caller.get("/clicks", outcome="straight"))["items"] == []
        (listed,) = (await caller.get("/links"))["items"]
        money = {"currency": "CNY", "promoted_orders": 1, "gross_minor": 5_000, "refunded_minor": 0, "net_minor": 5_000}
        assert (listed["orders"], listed["money"]) == (1, [money])
        await caller.sign_in()
        for path in ("/links", f"/links/{link['code']}", "/channels"):
            page = (await caller.client.get(path, headers={"accept-language": "en"})).text
            assert re.search(r"50\.00", page), path
        page = (await caller.client.get("/clicks", headers={"accept-language": "en"})).text
        assert 'href="/promotions?order=P1&amp;source=pinduoduo"' in page

    calling(work)


def test_it_is_in_no_figure_of_the_shop(calling):
    async def work(caller):
        alliance, link = await alliance_and_link(caller)
        _, token = await clicked(caller, link)
        await alliance.tells(alliance.line("P1", token))
        figures = await caller.get("/figures")
        assert (figures["orders"], figures["months"], figures["best_products"]) == (0, [], [])
        assert figures["converted_visits"] == 1, "the visit led to an order all the same"

    calling(work)


@pytest.mark.parametrize("shop_first", [True, False])
def test_an_order_that_a_shop_tells_too_counts_once(calling, shop_first):
    async def work(caller):
        shop, alliance, link = await Shop.open(caller), await Alliance.open(caller), await link_to(caller)
        _, token = await clicked(caller, link)
        if shop_first:
            await shop.sells("T1")
        await alliance.tells(alliance.line("T1", token, paid=Money(1)))
        if not shop_first:
            assert await counted(caller, link) == (1, 1, 1, 1)
            await shop.sells("T1")
        assert await counted(caller, link) == (1, 4_990, 0, 1)
        one = await channel(caller, link)
        assert [(entry["last_orders"], entry["last_minor"]) for entry in one["credit"]] == [(1, 4_990)]
        await alliance.tells(alliance.line("T1", token, paid=Money(2), status=PromotedStatus.SETTLED))
        assert await counted(caller, link) == (1, 4_990, 0, 1), "a later word changes nothing"
        orders = {item["order_no"]: item["order_id"] for item in (await caller.get("/orders"))["items"]}
        assert (await alliance.told())["T1"]["shop_order_id"] == orders["T1"]

    calling(work)


def test_the_same_number_at_another_platform_is_another_order(calling):
    async def work(caller):
        shop, (alliance, link) = await Shop.open(caller), await alliance_and_link(caller)
        _, token = await clicked(caller, link)
        await shop.sells("N1")
        await alliance.tells(alliance.line("N1", token))
        assert await counted(caller, link) == (1, 4_990, 1, 1)

    calling(work)


def test_what_is_taken_back_counts_no_more(calling):
    async def work(caller):
        alliance, link = await alliance_and_link(caller)
        _, token = await clicked(caller, link)
        lines = [alliance.line("P1", token, line_id=str(number), paid=Money(100)) for number in range(3)]
        await alliance.tells(*lines)
        assert (await counted(caller, link))[:3] == (1, 300, 1)
        caller.room.clock.advance(minutes=1)
        await alliance.tells(alliance.line("P1", token, line_id="0", paid=Money(100), status=VOID))
        assert (await counted(caller, link))[:3] == (1, 200, 1)
        for number in (1, 2):
            await alliance.tells(alliance.line("P1", token, line_id=str(number), status=VOID))
        assert await counted(caller, link) == (0, 0, 0, 0)

    calling(work)


@pytest.mark.parametrize("status", [PromotedStatus.UNPAID, PromotedStatus.PENDING, VOID])
def test_what_is_not_paid_is_no_sale(calling, status):
    async def work(caller):
        alliance, link = await alliance_and_link(caller)
        _, token = await clicked(caller, link)
        await alliance.tells(alliance.line("P1", token, status=status))
        assert await counted(caller, link) == (0, 0, 0, 0)
        caller.room.clock.advance(minutes=1)
        if status is not VOID:
            await alliance.tells(alliance.line("P1", token))
            assert await counted(caller, link) == (1, 4_990, 1, 1)

    calling(work)


def test_marks_of_nobody_here_sell_nothing(calling):
    async def work(caller):
        alliance, link = await alliance_and_link(caller)
        await alliance.tells(alliance.line("P1", "somebody"), alliance.line("P2", ""))
        items = (await caller.get("/channels"))["items"]
        assert [item["orders"] for item in items] == [0]
        assert await counted(caller, link) == (0, 0, 0, 0)

    calling(work)


def test_first_last_and_linear_stand_side_by_side(calling):
    """A post was seen first, a video sold: the post is first, the video last, and each has half."""

    async def work(caller):
        alliance, video = await alliance_and_link(caller)
        post = await link_to(caller, url=GOODS, name="图文")
        await clicked(caller, post, ago=timedelta(hours=2), address=b"home")
        _, token = await clicked(caller, video, address=b"home")
        await alliance.tells(alliance.line("P1", token, paid=Money(1_001)))
        first, last = await channel(caller, post), await channel(caller, video)
        names = ("first_orders", "first_minor", "last_orders", "last_minor", "linear_orders_bps", "linear_minor")
        assert [entry[name] for entry in first["credit"] for name in names] == [1, 1_001, 0, 0, 5_000, 500]
        assert [entry[name] for entry in last["credit"] for name in names] == [0, 0, 1, 1_001, 5_000, 501]
        assert await counted(caller, video) == (1, 1_001, 1, 1)
        await caller.sign_in()
        page = (await caller.client.get("/promotions?order=P1")).text
        found = re.search(r'data-list="touches">(.*?)</ol>', page, re.DOTALL)[1]
        assert re.findall(r"data-raw>([^<]+)</span> · ([^<]+)</span>", found) == [
            ("图文", "首次接触"),
            ("帖子", "最后接触"),
        ]
        assert "对得上点击 · 确定" in page

    calling(work)


def test_a_comparison_counts_what_an_alliance_tells(calling):
    async def work(caller):
        alliance, link = await alliance_and_link(caller)
        tokens = []
        for variant in ("r1.v1", "r1.v2"):
            click_id, token = await clicked(caller, link)
            tokens.append(token)
            await led_by(caller, link, click_id, variant)
        await alliance.tells(alliance.line("P1", tokens[1]), alliance.line("P2", tokens[1]))
        async with caller.room.unit() as unit:
            figures = await choice_figures(unit, UUID(link["link_id"]))
            money = await choice_money(unit, UUID(link["link_id"]))
        assert {one.choice: (one.clicks, one.orders) for one in figures} == {"r1.v1": (1, 0), "r1.v2": (1, 1)}
        assert money == {"r1.v2": (Money(9_980),)}

    calling(work)


def test_two_accounts_tell_one_order_once(calling):
    """Lines come by two accounts, some by both; one of them does not know the marks of the other."""

    async def work(caller):
        one, link = await alliance_and_link(caller)
        other = await Alliance.open(caller, PDD)
        _, token = await clicked(caller, link)
        await one.tells(one.line("P1", token, line_id="1"))
        await other.tells(other.line("P1", token, line_id="2"))
        assert await counted(caller, link) == (1, 9_980, 1, 1)
        await other.tells(other.line("P1", "", line_id="1"))
        await one.tells(one.line("P1", token, line_id="2"))
        assert await counted(caller, link) == (1, 9_980, 1, 1)
        caller.room.clock.advance(minutes=1)
        lines = [other.line("P1", "", line_id=number, status=VOID) for number in ("1", "2")]
        await other.tells(*lines)
        assert await counted(caller, link) == (0, 0, 0, 0), "the last word, whoever says it"
        assert (await caller.get("/promoted-orders"))["total"] == 2

    calling(work)


def test_an_account_that_knows_no_mark_may_be_the_first_to_tell(calling):
    async def work(caller):
        one, link = await alliance_and_link(caller)
        other = await Alliance.open(caller, PDD)
        click_id, token = await clicked(caller, link)
        caller.room.clock.advance(minutes=1)
        await other.tells(other.line("P1", "", status=PromotedStatus.SETTLED))
        assert await counted(caller, link) == (0, 0, 0, 0)
        assert await one.tells(one.line("P1", token, changed_at=caller.room.clock.now() - timedelta(seconds=9))) == 1
        assert await counted(caller, link) == (1, 4_990, 1, 1)
        told = (await one.told())["P1"]
        assert (told["status"], told["click_id"]) == ("settled", str(click_id))

    calling(work)


def test_a_mark_that_is_hidden_later_is_not_forgotten(calling):
    """JD hides marks where it takes the permission back: what was known stays, and what goes back still goes back."""

    async def work(caller):
        alliance, link = await alliance_and_link(caller)
        click_id, token = await clicked(caller, link)
        await alliance.tells(alliance.line("P1", token, line_id="1"), alliance.line("P1", token, line_id="2"))
        for status, left in ((PromotedStatus.RECEIVED, (1, 9_980, 1, 1)), (VOID, (1, 4_990, 1, 1))):
            caller.room.clock.advance(minutes=1)
            await alliance.tells(alliance.line("P1", "", line_id="1", status=status))
            assert await counted(caller, link) == left
        items = (await caller.get("/promoted-orders", link_id=link["link_id"]))["items"]
        assert {(item["line_id"], item["click_id"]) for item in items} == {("1", str(click_id)), ("2", str(click_id))}
        await alliance.tells(alliance.line("P1", "", line_id="2", status=VOID, changed_at=caller.room.clock.now()))
        assert await counted(caller, link) == (0, 0, 0, 0)
        await caller.sign_in()
        page = (await caller.client.get("/promotions?order=P1")).text
        assert 'data-list="touches"' not in page, "nobody bought, so nobody is credited"

    calling(work)


@pytest.mark.parametrize("status", [VOID, PromotedStatus.UNPAID, PromotedStatus.PENDING])
@pytest.mark.parametrize("first", [0, 1, None])
def test_a_line_that_does_not_count_takes_no_order_away(calling, status, first):
    """A line of another link, clicked later, that was never paid: in whatever order the two are told."""

    async def work(caller):
        alliance, link = await alliance_and_link(caller)
        other = await link_to(caller, url=GOODS, name="视频")
        _, token = await clicked(caller, link, address=b"1")
        _, later = await clicked(caller, other, ago=timedelta(minutes=1), address=b"2")
        lines = [
            alliance.line("P1", token, line_id="1"),
            alliance.line("P1", later, line_id="2", status=status, paid=Money(0)),
        ]
        pages = [lines] if first is None else [[lines[first]], [lines[1 - first]]]
        for page in pages:
            await alliance.tells(*page)
        assert await counted(caller, link) == (1, 4_990, 1, 1)
        assert await counted(caller, other) == (0, 0, 0, 0)
        assert (await channel(caller, other))["credit"] == []
        assert [entry["first_minor"] for entry in (await channel(caller, link))["credit"]] == [4_990]

    calling(work)


@pytest.mark.parametrize("taken_back", [False, True])
@pytest.mark.parametrize("pages", [((0, 1),), ((0,), (1,)), ((1,), (0,))])
def test_in_whatever_order_lines_of_two_links_come_both_are_touches(calling, pages, taken_back):
    async def work(caller):
        alliance, early = await alliance_and_link(caller)
        late = await link_to(caller, url=GOODS, name="视频")
        first_id, first = await clicked(caller, early, ago=timedelta(hours=2), address=b"1")
        last_id, last = await clicked(caller, late, address=b"2")
        lines = [
            alliance.line("P1", first, line_id="1", paid=Money(10)),
            alliance.line("P1", last, line_id="2", paid=Money(20)),
        ]
        for page in pages:
            await alliance.tells(*(lines[number] for number in page))
        items = (await caller.get("/promoted-orders", order_no="P1", source="pinduoduo"))["items"]
        assert {item["line_id"]: item["click_id"] for item in items} == {"1": str(first_id), "2": str(last_id)}
        assert {item["tie"]["click_id"] for item in items} == {str(last_id)}, "the later click has the order"
        names = ("first_minor", "last_minor", "linear_minor")
        found = [
            [entry[name] for entry in (await channel(caller, link))["credit"] for name in names]
            for link in (early, late)
        ]
        assert found == [[30, 0, 15], [0, 30, 15]]
        if taken_back:
            caller.room.clock.advance(minutes=1)
            await alliance.tells(alliance.line("P1", last, line_id="2", paid=Money(20), status=VOID))
            assert await counted(caller, early) == (1, 10, 1, 1)
            assert await counted(caller, late) == (0, 0, 0, 0)
            assert (await channel(caller, late))["credit"] == [], "what went back is no touch any more"

    calling(work)


@pytest.mark.parametrize("shop_first", [True, False])
def test_a_shops_order_is_touched_by_every_line_that_counts(calling, shop_first):
    async def work(caller):
        shop, alliance, early = await Shop.open(caller), await Alliance.open(caller), await link_to(caller)
        late, void = await link_to(caller, name="视频"), await link_to(caller, name="海报")
        _, first = await clicked(caller, early, ago=timedelta(hours=2), address=b"1")
        _, last = await clicked(caller, late, ago=timedelta(minutes=9), address=b"2")
        _, none = await clicked(caller, void, address=b"3")
        lines = [alliance.line("T1", mark, line_id=str(number)) for number, mark in enumerate((first, last))]
        lines.append(alliance.line("T1", none, line_id="9", status=VOID))
        if shop_first:
            await shop.sells("T1")
        await alliance.tells(*lines)
        if not shop_first:
            await shop.sells("T1")
        found = [
            [(entry["first_orders"], entry["last_orders"]) for entry in (await channel(caller, link))["credit"]]
            for link in (early, late, void)
        ]
        assert found == [[(1, 0)], [(0, 1)], []]
        assert await counted(caller, late) == (1, 4_990, 0, 1)

    calling(work)


@pytest.mark.parametrize("told_first", [True, False])
def test_what_is_told_of_an_order_without_a_mark_ties_it(calling, told_first):
    """A word that the buyer gave, or a click's id: told by the API, for an order that only an alliance tells."""

    async def work(caller):
        alliance, link = await alliance_and_link(caller)
        other = await link_to(caller, url=GOODS, name="视频")
        click_id, token = await clicked(caller, link)
        word = (await caller.post(f"/links/{other['link_id']}/words", {}))["word"]
        given = {"P1": {"cq": token}, "P2": {"word": word}}

        async def tell():
            for number, evidence in given.items():
                body = {"source": "pinduoduo", "order_no": number, **evidence}
                answer = await caller.post("/orders/evidence", body, key=uuid4().hex)
                assert answer["is_known"] is not told_first

        if told_first:
            await tell()
        await alliance.tells(alliance.line("P1", ""), alliance.line("P2", "nobodys"))
        if not told_first:
            assert await counted(caller, link) == (0, 0, 0, 0)
            await tell()
        assert await counted(caller, link) == (1, 4_990, 1, 1)
        assert await counted(caller, other) == (1, 4_990, 1, 0)
        ties = {number: item["tie"] for number, item in (await alliance.told()).items()}
        assert (ties["P1"]["evidence"], ties["P1"]["click_id"]) == ("carried", str(click_id))
        assert (ties["P2"]["evidence"], ties["P2"]["word"], ties["P2"]["click_id"]) == ("code", word, None)
        await caller.sign_in()
        page = (await caller.client.get("/promotions")).text
        assert f"暗号 {word} · 确定" in page
        assert "点击编号带回 · 确定" in page

    calling(work)


@pytest.mark.parametrize("shop_tells", [True, False])
def test_an_order_that_evidence_alone_ties_still_goes_back(calling, shop_tells):
    async def work(caller):
        shop, alliance, link = await Shop.open(caller), await Alliance.open(caller), await link_to(caller)
        _, token = await clicked(caller, link)
        await caller.post("/orders/evidence", {"source": "taobao", "order_no": "T1", "cq": token})
        await alliance.tells(alliance.line("T1", "", paid=Money(7)))
        assert await counted(caller, link) == (1, 7, 1, 1)
        if shop_tells:
            await shop.sells("T1")
            assert await counted(caller, link) == (1, 4_990, 0, 1)
        caller.room.clock.advance(minutes=1)
        await alliance.tells(alliance.line("T1", "", paid=Money(7), status=VOID))
        assert await counted(caller, link) == ((1, 4_990, 0, 1) if shop_tells else (0, 0, 0, 0))
        async with caller.room.unit() as unit:
            assert await check(unit) == []
        assert (await alliance.told())["T1"]["tie"]["link_id"] == link["link_id"]

    calling(work)


def test_one_number_at_two_platforms_is_shown_apart(calling):
    async def work(caller):
        pdd, link = await alliance_and_link(caller)
        jd = await Alliance.open(caller, "jd_alliance")
        _, token = await clicked(caller, link)
        await pdd.tells(pdd.line("N1", token, title="甲"))
        await jd.tells(jd.line("N1", token, title="乙"))
        assert (await counted(caller, link))[:3] == (2, 9_980, 2)
        await caller.sign_in()
        for source, shown, hidden in (("pinduoduo", "甲", "乙"), ("jd", "乙", "甲")):
            page = (await caller.client.get(f"/promotions?order=N1&source={source}")).text
            assert (f"data-raw>{shown}<" in page, f"data-raw>{hidden}<" in page) == (True, False)
        page = (await caller.client.get("/promotions?page=99")).text
        assert page.count("data-promoted=") == 2, "the last page there is"

    calling(work)


@pytest.mark.parametrize("shop_tells", [None, ShopOrderStatus.CLOSED, ShopOrderStatus.PAID])
@pytest.mark.parametrize("more", [False, True])
def test_what_a_comparison_has_counted_stays_when_it_goes_back(calling, shop_tells, more):
    """Also where its shop tells it afterwards, paid or not, and where another line is left that names nobody."""

    async def work(caller):
        shop, alliance, link = await Shop.open(caller), await Alliance.open(caller), await link_to(caller)
        click_id, token = await clicked(caller, link)
        await led_by(caller, link, click_id, "r1.v1")
        await alliance.tells(alliance.line("P1", token))
        caller.room.clock.advance(minutes=1)
        await alliance.tells(alliance.line("P1", token, status=VOID))
        if more:
            await alliance.tells(alliance.line("P1", "", line_id="2"))
        if shop_tells:
            await shop.sells("P1", status=shop_tells)
        is_shops = shop_tells is ShopOrderStatus.PAID and not more
        assert await counted(caller, link) == ((1, 4_990, 0, 1) if is_shops else (0, 0, 0, 0))
        async with caller.room.unit() as unit:
            (one,) = await choice_figures(unit, UUID(link["link_id"]))
            money = await choice_money(unit, UUID(link["link_id"]))
            assert await check(unit) == []
        assert (one.clicks, one.orders, money) == (1, 1, {"r1.v1": (Money(4_990 if is_shops else 0),)})

    calling(work)


@pytest.mark.parametrize("other", ["the shop", "another account"])
def test_who_tells_at_the_same_time_waits_and_sees_it(calling, other):
    async def work(caller):
        shop, alliance, link = await Shop.open(caller), await Alliance.open(caller), await link_to(caller)
        _, token = await clicked(caller, link)
        opened = await caller.runtime.open_account(caller.room.merchant_id, alliance.connection_id)
        page = PromotedPage(lines=(alliance.line("T1", token, line_id="1", paid=Money(50)),), next_cursor=None)
        async with caller.room.unit() as unit:
            await take_page(caller.runtime, unit, opened, alliance.links, page)
            if other == "the shop":
                beside = asyncio.create_task(shop.sells("T1"))
            else:
                beside = asyncio.create_task(alliance.tells(alliance.line("T1", token, line_id="2", paid=Money(100))))
            await asyncio.sleep(0.3)
            assert not beside.done()
        await beside
        told = {"the shop": (1, 4_990, 0, 1), "another account": (1, 150, 1, 1)}
        assert await counted(caller, link) == told[other]

    calling(work)


async def imported(caller, tmp_path, number):
    """An order of a Taobao shop, by its own export; what it tells is handed on by ``handed_on``."""
    head = (
        "订单编号,买家会员名,买家应付货款,总金额,买家实际支付金额,订单状态,订单创建时间,订单付款时间,宝贝标题,退款金额"
    )
    row = f"{number},某人,30.00,30.00,30.00,交易成功,2026-01-05 10:00:00,2026-01-05 10:01:00,杯子,无退款申请"
    path = tmp_path / "ExportOrderList.csv"
    path.write_text(f"{head}\r\n{row}\r\n", "gbk")
    return await import_orders(caller.runtime, caller.room.merchant_id, [path], "taobao", "CNY", False, lambda _: None)


async def handed_on(caller):
    while await deliver_waiting(caller.runtime, caller.room.merchant_id):
        pass


@pytest.mark.parametrize("file_first", [True, False])
def test_an_order_that_a_file_tells_too_counts_once(calling, tmp_path, file_first):
    async def work(caller):
        alliance, link = await Alliance.open(caller), await link_to(caller)
        click_id, token = await clicked(caller, link)
        number = "3000000000000000011"
        if not file_first:
            await alliance.tells(alliance.line(number, token, paid=Money(7)))
            assert await counted(caller, link) == (1, 7, 1, 1)
        assert (await imported(caller, tmp_path, number)).imported == 1
        await handed_on(caller)
        if file_first:
            await alliance.tells(alliance.line(number, token, paid=Money(7)))
        assert await counted(caller, link) == (1, 3_000, 0, 1)
        tie = next(item["tie"] for item in (await caller.get("/orders"))["items"] if item["order_no"] == number)
        assert (tie["evidence"], tie["click_id"]) == ("carried", str(click_id))

    calling(work)


def test_a_long_import_keeps_no_alliance_waiting(calling, tmp_path):
    """What it tells is claimed once it is over."""

    async def work(caller):
        alliance, link = await Alliance.open(caller), await link_to(caller)
        _, token = await clicked(caller, link)
        async with caller.room.unit() as unit:
            await tie_by_remarks(unit, "taobao", {"T1": ("谢谢",)}, claims=False)
            await asyncio.wait_for(alliance.tells(alliance.line("T1", token)), 5)
        assert await counted(caller, link) == (1, 4_990, 1, 1)

    calling(work)


@pytest.mark.parametrize("what", ["click", "word"])
def test_what_is_told_while_files_are_written_ties_when_they_are(calling, tmp_path, what):
    async def work(caller):
        link, number = await link_to(caller), "3000000000000000011"
        channel_id, link_id = UUID(link["channel_id"]), UUID(link["link_id"])
        tie = Tie(evidence=Evidence.CODE, channel_id=channel_id, link_id=link_id, word="K7Q2")
        if what == "click":
            click_id, _ = await clicked(caller, link)
            tie = Tie(evidence=Evidence.CARRIED, channel_id=channel_id, link_id=link_id, click_id=click_id)
        assert (await imported(caller, tmp_path, number)).imported == 1
        async with caller.room.unit() as unit:  # as it is where the file's transaction was still open
            await keep_told(unit, [Told(source="taobao", order_no=number, tie=tie)])
        await handed_on(caller)
        assert (await counted(caller, link))[:2] == (1, 3_000)

    calling(work)


@pytest.mark.parametrize("shop_tells", [0, 1, 2])
def test_a_shops_order_leaves_the_link_of_a_line_that_was_taken_back(calling, shop_tells):
    """Before the lines, between them and the void, or after it: in the end it is the same."""

    async def work(caller):
        shop, alliance, early = await Shop.open(caller), await Alliance.open(caller), await link_to(caller)
        late = await link_to(caller, name="视频")
        first_id, first = await clicked(caller, early, ago=timedelta(hours=2), address=b"1")
        _, last = await clicked(caller, late, address=b"2")
        for step in range(3):
            if step == shop_tells:
                await shop.sells("T1")
            if step == 0:
                await alliance.tells(alliance.line("T1", first, line_id="1"), alliance.line("T1", last, line_id="2"))
            elif step == 1:
                caller.room.clock.advance(minutes=1)
                await alliance.tells(alliance.line("T1", last, line_id="2", status=VOID))
        assert await counted(caller, early) == (1, 4_990, 0, 1)
        assert await counted(caller, late) == (0, 0, 0, 0)
        assert (await channel(caller, late))["credit"] == []
        names = ("first_minor", "last_minor", "linear_minor")
        credit = [entry[name] for entry in (await channel(caller, early))["credit"] for name in names]
        assert credit == [4_990, 4_990, 4_990]
        tie = next(item["tie"] for item in (await caller.get("/orders"))["items"])
        assert tie["click_id"] == str(first_id)

    calling(work)


@pytest.mark.parametrize("shop_tells", [0, 1, 2])
def test_a_mark_that_an_alliance_changes_is_the_new_links(calling, shop_tells):
    async def work(caller):
        shop, alliance, link = await Shop.open(caller), await Alliance.open(caller), await link_to(caller)
        other = await link_to(caller, name="视频")
        _, early = await clicked(caller, other, ago=timedelta(hours=2), address=b"1")
        _, late = await clicked(caller, link, address=b"2")
        for step in range(3):
            if step == shop_tells:
                await shop.sells("T1")
            if step < 2:
                caller.room.clock.advance(minutes=1)
                await alliance.tells(alliance.line("T1", (late, early)[step]))
        assert await counted(caller, link) == (0, 0, 0, 0)
        assert await counted(caller, other) == (1, 4_990, 0, 1)
        assert (await channel(caller, link))["credit"] == []

    calling(work)


@pytest.mark.parametrize("pages", [((0, 1),), ((0,), (1,)), ((1,), (0,))])
def test_a_void_line_names_nobody_for_one_that_has_no_mark(calling, pages):
    async def work(caller):
        alliance, link = await alliance_and_link(caller)
        _, token = await clicked(caller, link)
        lines = [alliance.line("P1", token, line_id="1", status=VOID), alliance.line("P1", "", line_id="2")]
        for page in pages:
            await alliance.tells(*(lines[number] for number in page))
        assert await counted(caller, link) == (0, 0, 0, 0)
        assert (await alliance.told())["P1"]["tie"] is None

    calling(work)


def test_a_later_word_that_knows_less_keeps_no_click_away(calling):
    """The link's own mark came first, the click's with an older word."""

    async def work(caller):
        alliance, link = await Alliance.open(caller), await link_to(caller)
        await alliance.promotes(link, "111")
        click_id, token = await clicked(caller, link)
        at = caller.room.clock.now()
        await alliance.tells(alliance.line("T1", "111", changed_at=at + timedelta(minutes=1)))
        await alliance.tells(alliance.line("T1", token, changed_at=at))
        assert (await alliance.told())["T1"]["click_id"] == str(click_id)
        assert await counted(caller, link) == (1, 4_990, 1, 1)

    calling(work)


def test_evidence_names_the_platform_that_sold(calling):
    """Not its alliance, of which no order can be."""

    async def work(caller):
        _, link = await alliance_and_link(caller)
        _, token = await clicked(caller, link)
        body = {"source": "pinduoduo_alliance", "order_no": "P1", "cq": token}
        answer = await caller.client.post("/api/v1/orders/evidence", json=body, headers={"idempotency-key": "x"})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
        assert "pinduoduo" in answer.text

    calling(work)


def test_a_week_that_has_counted_an_order_keeps_it(calling):
    """Its first line is taken back; another one is paid only after the week."""

    async def work(caller):
        alliance, link = await alliance_and_link(caller)
        click_id, token = await clicked(caller, link)
        await led_by(caller, link, click_id, "r1.v1")
        await alliance.tells(alliance.line("P1", token, line_id="1"))
        caller.room.clock.advance(days=1)
        decided_at = caller.room.clock.now()
        caller.room.clock.advance(days=1)
        await alliance.tells(alliance.line("P1", token, line_id="1", status=VOID))
        await alliance.tells(alliance.line("P1", token, line_id="2", paid_at=caller.room.clock.now()))
        async with caller.room.unit() as unit:
            (one,) = await choice_figures(unit, UUID(link["link_id"]), decided_at)
        assert (one.clicks, one.orders) == (1, 1)

    calling(work)
