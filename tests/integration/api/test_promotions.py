"""Orders that alliances tell: whom their marks name, which word of several holds, and what that ties."""

from __future__ import annotations

import itertools
import random
import re
from datetime import timedelta
from uuid import UUID

import pytest
from alliance_account import PAID, SHORT, Alliance
from msgspec import structs
from tied_orders import ITEM, Shop, clicked, link_to, tie_of

from hutong.core.money import Money
from hutong.edge.table import LinkTable
from hutong.links.destinations import read_target
from hutong.links.promotions.places import (
    AddressElsewhere,
    due_links,
    find_place,
    place_mark,
    promoted_target,
    skip_links,
    switch_off_places,
)
from hutong.platforms.jump_links import DISPUTED, Promoted, PromotedStatus
from hutong.platforms.registry import Registry


@pytest.fixture
def registry():
    return Registry.from_entry_points()


def test_a_clicks_mark_names_it_and_ties_the_shops_order_whichever_comes_first(calling):
    async def work(caller):
        shop, alliance, made = await Shop.open(caller), await Alliance.open(caller), await link_to(caller)
        click_id, token = await clicked(caller, made)
        await shop.sells("T1")
        await alliance.tells(alliance.line("T1", token), alliance.line("T2", token))
        await shop.sells("T2")
        for number in ("T1", "T2"):
            tie = await tie_of(caller, number)
            assert (tie["evidence"], tie["click_id"], tie["link_id"]) == ("carried", str(click_id), made["link_id"])
        told = await alliance.told()
        assert {item["click_id"] for item in told.values()} == {str(click_id)}

    calling(work)


def test_marks_of_nobody_here_name_nobody(calling):
    async def work(caller):
        shop, alliance, made = await Shop.open(caller), await Alliance.open(caller), await link_to(caller)
        _, token = await clicked(caller, made)
        await shop.sells("T1")
        changed = token[:3] + ("A" if token[3] != "A" else "B") + token[4:]
        for number, mark in (("T1", changed), ("T2", "somebody"), ("T3", "")):
            await alliance.tells(alliance.line(number, mark))
        tie = await tie_of(caller, "T1")
        assert tie is None or tie["evidence"] == "window", "nothing but the time speaks for the link"
        told = await alliance.told()
        assert [told[number]["link_id"] for number in ("T1", "T2", "T3")] == [None] * 3

    calling(work)


def test_an_alliances_mark_names_who_brought_a_shops_order_whatever_became_of_it(calling):
    """Paid or not, and how much went back, is the shop's to tell: an ordinary refund forgets nobody's click."""

    async def work(caller):
        shop, alliance, made = await Shop.open(caller), await Alliance.open(caller), await link_to(caller)
        _, token = await clicked(caller, made)
        await shop.sells("T1")
        for status in (PromotedStatus.UNPAID, PAID, PromotedStatus.VOID):
            caller.room.clock.advance(seconds=1)
            await alliance.tells(alliance.line("T1", token, status=status))
            for told in (await tie_of(caller, "T1"), (await alliance.told())["T1"]["tie"]):
                assert (told["evidence"], told["link_id"]) == ("carried", made["link_id"])
            (channel,) = [one for one in (await caller.get("/channels"))["items"] if one["channel_id"]]
            assert (channel["orders"], channel["clicks_converted"]) == (1, 1)

    calling(work)


def test_in_whatever_order_lines_are_told_the_last_word_holds(calling):
    """Pages overlap and come late; an older word, or one that is not understood, changes nothing."""
    life = (PromotedStatus.UNPAID, PAID, PromotedStatus.RECEIVED, PromotedStatus.SETTLED, PromotedStatus.VOID)

    async def work(caller):
        alliance = await Alliance.open(caller)
        at = caller.room.clock.now()
        dice = random.Random(20261127)
        for number in range(40):
            steps = [
                (status, at + timedelta(minutes=dice.choice((step, 7)) if step else 0))
                for step, status in enumerate(life[: dice.randint(1, len(life))])
            ]
            words = [
                alliance.line(f"T{number}", "x", status=status, changed_at=moment, commission=Money(step))
                for step, (status, moment) in enumerate(steps)
            ]
            words.append(structs.replace(words[0], status=PromotedStatus.PENDING, changed_at=at + timedelta(days=1)))
            last = max(words[:-1], key=lambda line: (line.changed_at, life.index(line.status)))
            first, rest = words[0], words[1:]
            dice.shuffle(rest)
            await alliance.tells(first)
            for page in (rest[: len(rest) // 2], rest[len(rest) // 2 :], [first]):
                if page:
                    await alliance.tells(*page)
            item = (await alliance.told())[f"T{number}"]
            assert (item["status"], item["commission_minor"]) == (last.status.value, last.commission.amount_minor)
            assert await alliance.tells(*words) == 0, "the same words again tell nothing new"

    calling(work)


@pytest.mark.parametrize("odd", ["\x00", "\ud800", "\x1b"])
def test_a_page_with_an_odd_line_still_tells_the_others(calling, caplog, odd):
    """A character that no text here holds is a blank in a title; in a number of an order, the line is left out."""

    async def work(caller):
        alliance, made = await Alliance.open(caller), await link_to(caller)
        _, token = await clicked(caller, made)
        at = caller.room.clock.now()
        lines = [
            alliance.line("T1", token),
            alliance.line("T2", token, title=f"面{odd}包", goods_id=f"65{odd}", raw_status=f"1{odd}2"),
            alliance.line(f"T{odd}3", token, clicked_at=at),
            alliance.line("T4", token, line_id=f"4{odd}"),
            alliance.line("T5", f"{odd}1"),
            alliance.line("T6", token, quantity=2**31),
            alliance.line("T7", token, paid=Money(10**12)),
            alliance.line("T8", token),
        ]
        assert await alliance.tells(*lines) == 4
        told = await alliance.told()
        assert {number: item["link_id"] for number, item in told.items()} == {
            "T1": made["link_id"],
            "T2": made["link_id"],
            "T5": None,
            "T8": made["link_id"],
        }
        assert (told["T2"]["title"], told["T2"]["goods_id"], told["T2"]["raw_status"]) == ("面 包", "65 ", "1 2")
        assert sum("unreadable" in one.getMessage() for one in caplog.records) == 4

    calling(work)


def test_every_line_is_on_one_page_of_any_size(calling):
    async def work(caller):
        alliance = await Alliance.open(caller)
        await alliance.tells(*[alliance.line(f"T{number:03}", "") for number in range(230)])
        for limit in (200, 120, 50):
            found = []
            for offset in range(0, 230, limit):
                page = await caller.get("/promoted-orders", limit=limit, offset=offset)
                assert page["total"] == 230
                found += [item["order_no"] for item in page["items"]]
            assert sorted(found) == [f"T{number:03}" for number in range(230)]

    calling(work)


def test_the_page_says_what_it_counts(calling):
    """An order of two items, one of them paid back: two lines in the tabs, one order in the figures."""

    async def work(caller):
        alliance = await Alliance.open(caller)
        await alliance.tells(
            alliance.line("T1", "", line_id="1"),
            alliance.line("T1", "", line_id="2"),
            alliance.line("T1", "", line_id="3", status=PromotedStatus.VOID),
            alliance.line("T2", "", status=PromotedStatus.SETTLED, raw_status=f"3{DISPUTED}"),
        )
        await caller.sign_in()
        page = (await caller.client.get("/promotions")).text
        tabs = dict(re.findall(r'data-tab="(\w+)">[^<]*<span class="num">(\d+)<', page))
        assert tabs == {"any": "4", "paid": "2", "settled": "1", "void": "1"}
        assert re.search(r'data-figure="orders">(\d+)<', page)[1] == "2"
        assert page.count("data-promoted=") == 4
        assert "上面的订单按订单号数；分类、表格和页码按行数" in page
        assert page.count("买家结算后维权，佣金可能被扣回") == 1
        assert '<a href="/promotions" aria-current="page">' in page, "in the menu"

    calling(work)


def test_an_order_that_was_not_understood_at_first_is_what_is_understood_of_it(calling):
    async def work(caller):
        alliance = await Alliance.open(caller)
        at = caller.room.clock.now()
        await alliance.tells(
            alliance.line("T1", "x", status=PromotedStatus.PENDING, changed_at=at + timedelta(hours=1))
        )
        assert (await alliance.told())["T1"]["status"] == "pending"
        await alliance.tells(alliance.line("T1", "x", changed_at=at))
        assert (await alliance.told())["T1"]["status"] == "paid"

    calling(work)


def test_a_links_mark_names_it_also_after_its_address_was_made_anew(calling):
    async def work(caller):
        alliance, made = await Alliance.open(caller), await link_to(caller)
        await alliance.promotes(made, "111")
        await alliance.changes(made)
        await alliance.promotes(made, "222", url="https://s.click.taobao.com/def456")
        await alliance.tells(alliance.line("T1", "111"), alliance.line("T2", "222"), alliance.line("T3", "333"))
        told = await alliance.told()
        found = [told[number]["link_id"] for number in ("T1", "T2", "T3")]
        assert found == [made["link_id"], made["link_id"], None]

    calling(work)


def test_the_only_click_before_an_address_was_opened_is_the_orders(calling):
    async def work(caller):
        alliance, one, two = await Alliance.open(caller), await link_to(caller), await link_to(caller, name="视频")
        await alliance.promotes(one, "111")
        await alliance.promotes(two, "222")
        click_id, _ = await clicked(caller, one, ago=timedelta(seconds=20))
        for ago in (20, 40):
            await clicked(caller, two, ago=timedelta(seconds=ago))
        opened_at = caller.room.clock.now()
        lines = [
            alliance.line("T1", "111", clicked_at=opened_at),
            alliance.line("T2", "222", clicked_at=opened_at),
            alliance.line("T3", "111", clicked_at=opened_at - timedelta(hours=1)),
            alliance.line("T4", "111"),
        ]
        await alliance.tells(*lines)
        told = await alliance.told()
        found = [told[number]["click_id"] for number in ("T1", "T2", "T3", "T4")]
        assert found == [str(click_id), None, None, None]
        assert [told[number]["link_id"] for number in ("T1", "T2")] == [one["link_id"], two["link_id"]]

    calling(work)


def test_links_are_asked_about_once_and_again_when_they_change(calling):
    async def work(caller):
        alliance, made = await Alliance.open(caller), await link_to(caller)
        other = await link_to(caller, url="https://item.m.jd.com/product/100012043978.html", name="京东")

        async def due():
            async with caller.room.unit() as unit:
                return {
                    str(one.link_id): [target.url for target in one.targets]
                    for one in await due_links(unit, alliance.connection_id, alliance.links.destinations)
                }

        assert await due() == {made["link_id"]: [ITEM], other["link_id"]: []}
        await alliance.promotes(made, "111")
        async with caller.room.unit() as unit:
            found = await due_links(unit, alliance.connection_id, alliance.links.destinations)
            await skip_links(unit, alliance.connection_id, found)
        assert await due() == {}
        await alliance.changes(made)
        assert set(await due()) == {made["link_id"]}
        await alliance.promotes(made, "222")
        caller.room.clock.advance(days=91)
        assert set(await due()) == {made["link_id"]}, "addresses grow old"

    calling(work)


def test_the_edge_follows_what_becomes_of_an_address(calling):
    async def work(caller):
        alliance, made = await Alliance.open(caller), await link_to(caller)
        table = LinkTable(caller.room.database, caller.room.clock)
        await table.refresh()
        link_id = UUID(made["link_id"])
        assert table.places.find(link_id, ITEM) is None
        await alliance.promotes(made, "111")
        await table.refresh()
        assert table.places.find(link_id, ITEM).target.url == SHORT
        async with caller.room.unit() as unit:
            assert (await find_place(unit, link_id, ITEM)).target.url == SHORT
            await switch_off_places(unit, alliance.connection_id)
        await table.refresh()
        assert table.places.find(link_id, ITEM) is None
        fresh = LinkTable(caller.room.database, caller.room.clock)
        await fresh.refresh()
        assert fresh.places.find(link_id, ITEM) is None
        async with caller.room.unit() as unit:
            assert await find_place(unit, link_id, ITEM) is None

    calling(work)


@pytest.mark.parametrize(
    "url",
    ["https://evil.example/x", "http://s.click.taobao.com/a", "https://u.jd.com/abc", "javascript:alert(1)", "",
     "https://s.click.taobao.com/t?u=https://evil.example/"],
)  # fmt: skip
def test_an_address_that_leads_elsewhere_is_not_led_by(url):
    with pytest.raises(AddressElsewhere):
        promoted_target(read_target(ITEM), Promoted(url=url, told_as="1"))


def test_forms_that_do_not_fit_a_page_are_left_out():
    page = read_target(ITEM)
    odd = ("", "javascript:alert(1)", "evil://x", 'tbopen://m.taobao.com/"><script>', "tbopen://x/" + "y" * 1_200)
    for app_url, share_code in itertools.product(odd, ("", "去 https://evil.example/x", "x" * 300)):
        made = promoted_target(page, Promoted(url=SHORT, told_as="1", app_url=app_url, share_code=share_code))
        assert (made.app_url, made.share_code, made.url) == ("", "", SHORT)
    good = Promoted(
        url=SHORT, told_as="1", app_url="tbopen://m.taobao.com/tbopen/index.html?a=b", share_code="￥a1b2￥"
    )
    made = promoted_target(page, good)
    assert (made.app_url, made.share_code) == (good.app_url, good.share_code)


def test_marks_of_links_fit_every_alliance():
    marks = {place_mark("k7Qx1mP") for _ in range(200)}
    assert len(marks) == 200
    assert all(mark.isascii() and mark.isalnum() and len(mark) <= 40 for mark in marks)
