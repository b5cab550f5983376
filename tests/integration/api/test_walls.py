"""The wall board: what visitors' pages told is kept, said when it changes, and the merchant's choice is in force."""

from __future__ import annotations

import json
from uuid import uuid4

import httpx
import pytest
from tied_orders import clicked

from hutong.core.ids import new_id
from hutong.links.containers import agent_of
from hutong.links.jumps.choices import ChoiceFeed
from hutong.links.tokens import click_token, sight_token
from hutong.links.walls.board import way_tries
from hutong.links.walls.watch import WallWatch

ANDROID = "Mozilla/5.0 (Linux; Android 14; K) AppleWebKit/537.36 Chrome/120.0.0.0 Mobile Safari/537.36"
DOUYIN = ANDROID + " aweme_330000 AppName/aweme BytedanceWebview/d8a21c6"
WEIBO = ANDROID + " __weibo__14.1.0__android"
TAOBAO = "https://item.taobao.com/item.htm?id=657"
FORM = "taobao_page_scheme"


async def link_to(caller, url, **more):
    channel = {"kind": "post", "platform": "weibo", "name": "帖子"}
    return await caller.post("/links", {"title": "小面包", "channel": channel, "url": url, **more}, key=uuid4().hex)


async def visitors(caller, code, count, outcome, agent=DOUYIN, form=FORM, address="127.0.0.1"):
    """So many clicks, whose pages tell this outcome; by default nobody knows whose address it is."""
    key, seen = caller.runtime.link_key, agent_of({b"user-agent": agent.encode()})
    transport = httpx.ASGITransport(app=caller.client._transport.app, client=(address, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
        for _ in range(count):
            click_id = new_id(caller.room.clock.now())
            params = {"k": click_token(key, click_id, code), "a": sight_token(key, click_id, seen.container, seen.os)}
            body = {"form": form, "outcome": outcome}
            answer = await client.post(f"/j/{code}/tries", params=params, json=body, headers={"user-agent": agent})
            assert answer.status_code == 204, answer.text
            caller.room.clock.advance(milliseconds=20)


def watch_of(caller):
    return WallWatch(caller.room.database, caller.room.clock, caller.runtime.ways)


async def wall(caller, container, destination):
    found = await caller.get("/walls")
    assert len(found["items"]) == 22 * 13
    return next(one for one in found["items"] if (one["container"], one["destination"]) == (container, destination))


async def tickets(caller):
    return [(one["kind"], one["state"]) for one in (await caller.get("/tickets"))["items"] if "wall" in one["kind"]]


async def moves(caller):
    async with caller.room.unit() as unit:
        rows = await unit.fetch("SELECT body FROM outbox WHERE name = 'links.wall_moved' ORDER BY event_id")
    return [json.loads(row["body"]) for row in rows]


def test_a_wall_that_closes_is_told_once_and_so_is_its_opening(calling):
    async def work(caller):
        watch = watch_of(caller)
        code = (await link_to(caller, TAOBAO))["code"]
        before = await wall(caller, "douyin", "taobao")
        assert (before["state"], before["is_measured"], before["visitors"]) == ("open", False, 0)

        await visitors(caller, code, 11, "left")
        await watch.look()
        assert not (await wall(caller, "douyin", "taobao"))["is_measured"], "too few have tried"
        await visitors(caller, code, 5, "left")
        assert await watch.look() == 0, "as the matrix says"
        assert (await wall(caller, "douyin", "taobao"))["is_measured"]

        await visitors(caller, code, 20, "stayed")
        assert await watch.look() == 1
        assert await watch.look() == 0
        closed = await wall(caller, "douyin", "taobao")
        assert (closed["state"], closed["visitors"], closed["arrived"], closed["taps"]) == ("closed", 36, 16, 16)
        told = {one["system"]: (one["state"], one["is_measured"]) for one in closed["systems"]}
        assert told == {"android": ("closed", True), "ios": ("open", False)}, "nobody has tried on the other system"
        assert await tickets(caller) == [("wall_closed", "open")]

        await visitors(caller, code, 20, "left")
        assert await watch.look() == 1
        assert (await wall(caller, "douyin", "taobao"))["state"] == "open"
        assert await tickets(caller) == [("wall_opened", "open")], "what was told of its closing is off the desk"
        assert [(one["before"], one["state"], one["left"]) for one in await moves(caller)] == [
            ("open", "closed", 0),
            ("closed", "open", 20),
        ]

    calling(work)


def test_what_the_matrix_holds_closed_and_visitors_pass_is_news_at_once(calling):
    """QQ to Taobao is thought closed; the way behind the guide is fired now and then, and it arrives."""

    async def work(caller):
        code = (await link_to(caller, TAOBAO))["code"]
        assert (await wall(caller, "qq", "taobao"))["state"] == "closed"
        await visitors(caller, code, 12, "left", agent=f"{ANDROID} QQ/9.0 V1_AND")
        assert await watch_of(caller).look() == 1
        assert (await wall(caller, "qq", "taobao"))["state"] == "half", "it costs two taps"
        assert await tickets(caller) == [("wall_opened", "open")]

    calling(work)


QQ = f"{ANDROID} QQ/9.0 V1_AND"
TOUTIAO = f"{ANDROID} NewsArticle/9.9.0"
JD = "https://item.m.jd.com/product/100012043978.html"


async def forms_of(caller, container, system, destination):
    """The ways of a cell by kind, those that are on."""
    matrix = caller.runtime.ways.book.matrix
    found = {}
    for one in matrix.cell(container, system, destination).attempts:
        if one.is_on:
            names = matrix.schemes[destination] if one.do == "scheme" else [one.do]
            for name in names:
                found.setdefault(matrix.forms[name].kind, []).append(name)
    return found


def test_a_web_page_that_opens_hides_no_wall_that_closes(calling):
    """The app lets nothing through any more; visitors go on by the web page, which costs a tap more."""

    async def work(caller):
        watch, code = watch_of(caller), (await link_to(caller, JD))["code"]
        forms = await forms_of(caller, "qq", "android", "jd")
        (scheme,), (page,) = forms["scheme"], forms["page"]
        await visitors(caller, code, 20, "left", agent=QQ, form=scheme)
        await watch.look()
        assert (await wall(caller, "qq", "jd"))["state"] == "open"
        for _ in range(2):
            await visitors(caller, code, 20, "stayed", agent=QQ, form=scheme)
            await visitors(caller, code, 20, "left", agent=QQ, form=page)
            await watch.look()
        told = await wall(caller, "qq", "jd")
        assert (told["state"], told["visitors"], told["arrived"]) == ("half", 60, 20), "what a page can watch counts"
        assert await tickets(caller) == [("wall_closed", "open")]
        await visitors(caller, code, 20, "left", agent=QQ, form=scheme)
        await watch.look()
        assert await tickets(caller) == [("wall_opened", "open")]

    calling(work)


MOBILE = f"{ANDROID} Chrome/120.0 Mobile Safari/537.36"
SLOW = {
    "qq": (QQ, "https://item.taobao.com/item.htm?id=657", "taobao"),
    "qq beside a page": (QQ, JD, "jd"),
    "mobile": (MOBILE, "https://mobile.yangkeduo.com/goods.html?goods_id=42", "pinduoduo"),
}


@pytest.mark.parametrize("case", SLOW)
def test_a_way_that_is_lost_or_won_little_by_little_is_told_once(calling, case):
    """Four visitors between two looks, however the wall itself stands on the way there: a page may lead on still."""
    agent, url, destination = SLOW[case]

    async def work(caller):
        watch, code = watch_of(caller), (await link_to(caller, url))["code"]
        seen = agent_of({b"user-agent": agent.encode()})
        form = (await forms_of(caller, seen.container, seen.os, destination))["scheme"][0]
        told = []
        for outcome in ("left", "stayed", "left", "stayed"):
            for _ in range(7):
                await visitors(caller, code, 4, outcome, agent=agent, form=form)
                await watch.look()
            told.append([kind for kind, state in await tickets(caller) if state == "open"])
        first = ["wall_opened"] if case == "qq" else []
        assert told == [first, ["wall_closed"], ["wall_opened"], ["wall_closed"]]
        assert [move["way"] for move in await moves(caller) if move["way"]] == [
            *(["won"] if case == "qq" else []),
            *("lost", "won", "lost"),
        ]

    calling(work)


def test_who_copies_the_link_and_leaves_opens_no_wall(calling):
    async def work(caller):
        watch, code = watch_of(caller), (await link_to(caller, TAOBAO))["code"]
        await visitors(caller, code, 20, "stayed")
        await watch.look()
        await visitors(caller, code, 25, "stayed")
        await visitors(caller, code, 25, "left", form="guide")
        assert await watch.look() == 0
        assert await tickets(caller) == [("wall_closed", "open")]

    calling(work)


def test_a_link_of_another_kind_closes_no_wall_that_its_own_way_passes(calling):
    """A video's scheme passes, a user's does not: whichever was used last, the best way speaks."""

    async def work(caller):
        watch, codes = watch_of(caller), {}
        for kind, number in (("video", "7300000000000000000"), ("user", "1234567890")):
            codes[kind] = (await link_to(caller, f"https://www.douyin.com/{kind}/{number}"))["code"]

        async def come(kind, outcome):
            await visitors(caller, codes[kind], 20, outcome, agent=TOUTIAO, form=f"douyin_{kind}_scheme")
            return await watch.look()

        await come("video", "left")
        caller.room.clock.advance(minutes=2)
        assert await come("user", "stayed") == 0
        assert (await wall(caller, "toutiao", "douyin"))["state"] == "open"
        caller.room.clock.advance(days=2)
        page = (await link_to(caller, "https://www.douyin.com/discover"))["code"]
        await visitors(caller, page, 1, "left", agent=TOUTIAO, form="douyin_page_scheme")
        assert await come("user", "stayed") == 1, "neither a way of days ago speaks nor one that one alone has tried"
        assert (await wall(caller, "toutiao", "douyin"))["state"] == "closed"

    calling(work)


def test_clicks_on_the_desk_stand_at_the_desk(calling):
    async def work(caller):
        product = (await caller.post("/products", {"title": "杯"}, key=uuid4().hex))["product_id"]
        sku = {"product_id": product, "seller_code": "CUP", "price_fen": 900, "stock": 5}
        sku_id = (await caller.post("/skus", sku, key=uuid4().hex))["sku_id"]
        channel = {"kind": "post", "platform": "weibo", "name": "帖子"}
        link = await caller.post("/links", {"title": "杯", "channel": channel, "sku_id": sku_id}, key=uuid4().hex)
        await clicked(caller, link)
        assert (await wall(caller, "weibo", "checkout"))["clicks"] == 1

    calling(work)


def test_one_visitor_moves_no_wall_and_is_one_on_the_board(calling):
    async def work(caller):
        watch = watch_of(caller)
        code = (await link_to(caller, TAOBAO))["code"]
        await visitors(caller, code, 24, "stayed")
        assert await watch.look() == 1
        await visitors(caller, code, 30, "left", address="1.2.3.4")
        assert await watch.look() == 0
        one = await wall(caller, "douyin", "taobao")
        assert (one["state"], one["visitors"], one["arrived"], one["taps"]) == ("closed", 25, 1, 1)
        async with caller.room.unit() as unit:
            (way,) = await way_tries(unit, "douyin", "taobao")
        assert (way.tries, way.left) == (25, 1)
        for last in range(12):
            await visitors(caller, code, 1, "left", address=f"1.2.4.{last}")
        assert await watch.look() == 1, "twelve people are not one"
        caller.room.clock.advance(days=1)
        await visitors(caller, code, 2, "left", address="1.2.3.4")
        assert (await wall(caller, "douyin", "taobao"))["visitors"] == 38, "the next day he is another one"

    calling(work)


def test_another_process_looks_again_and_tells_nothing_twice(calling):
    async def work(caller):
        code = (await link_to(caller, TAOBAO))["code"]
        await visitors(caller, code, 14, "stayed")
        assert [await watch_of(caller).look() for _ in range(3)] == [1, 0, 0]

    calling(work)


def test_the_trend_is_the_newer_week_less_the_older(calling):
    async def work(caller):
        code = (await link_to(caller, TAOBAO))["code"]
        await visitors(caller, code, 10, "left")
        caller.room.clock.advance(days=9)
        await visitors(caller, code, 6, "left")
        await visitors(caller, code, 14, "stayed")
        assert (await wall(caller, "douyin", "taobao"))["trend_points"] == 30 - 100
        caller.room.clock.advance(days=15)
        old = await wall(caller, "douyin", "taobao")
        assert (old["visitors"], old["trend_points"]) == (0, None)

    calling(work)


def test_a_choice_is_in_force_for_the_next_visitor(calling):
    async def work(caller):
        feed = ChoiceFeed(caller.room.database, caller.room.clock, caller.runtime.ways.choices)
        code = (await link_to(caller, TAOBAO))["code"]

        async def first():
            token = click_token(caller.runtime.link_key, new_id(caller.room.clock.now()), code)
            return await caller.client.get(f"/j/{code}", params={"k": token}, headers={"user-agent": WEIBO})

        assert (await first()).status_code == 302, "the page is opened"
        ways = {"ways": [{"do": "weibo_wrapper", "on": True}, {"do": "page", "on": False}]}
        await caller.post("/walls/weibo/taobao/ways", ways, key=uuid4().hex)
        assert await caller.get("/walls/weibo/taobao/ways") == ways
        await feed.refresh()
        page = await first()
        assert (page.status_code, 'data-form="weibo_wrapper"' in page.text) == (200, True)
        assert (await wall(caller, "weibo", "taobao"))["is_chosen"]
        await caller.post("/walls/weibo/taobao/ways", {"ways": []}, key=uuid4().hex)
        await feed.refresh()
        assert (await first()).status_code == 302
        assert not (await wall(caller, "weibo", "taobao"))["is_chosen"]

    calling(work)


def test_a_choice_without_a_way_out_is_refused(calling):
    async def work(caller):
        only = {"ways": [{"do": do, "on": do == "weibo_wrapper"} for do in ("page", "weibo_wrapper", "guide", "code")]}
        told = await caller.refused("/walls/weibo/taobao/ways", only, uuid4().hex)
        assert told == (400, "jump_choice_refused")
        assert (await caller.client.get("/api/v1/walls/weibo/nowhere/ways")).status_code == 404
        assert (await caller.refused("/walls/nowhere/taobao/ways", {"ways": []}, uuid4().hex))[0] == 400

    calling(work)


def test_a_share_code_is_offered_where_nothing_else_passes(calling):
    async def work(caller):
        code = (await link_to(caller, TAOBAO, share_code="￥dAEYbi4KO4D￥ https://m.tb.cn/h.gABC"))["code"]
        token = click_token(caller.runtime.link_key, new_id(caller.room.clock.now()), code)
        notes = {"user-agent": f"{ANDROID} xiaohongshu discover/8.26"}
        page = (await caller.client.get(f"/j/{code}", params={"k": token}, headers=notes)).text
        assert 'data-kind="code"' in page
        assert 'data-copy="￥dAEYbi4KO4D￥ https://m.tb.cn/h.gABC"' in page
        body = {"title": "杯", "channel": {"kind": "post", "platform": "weibo", "name": "帖"}, "url": TAOBAO}
        told = await caller.refused("/links", {**body, "share_code": "￥x￥ https://evil.example/"}, uuid4().hex)
        assert told == (400, "share_code_refused")

    calling(work)


def test_the_console_takes_a_share_code_with_the_address(calling):
    async def work(caller):
        secret = await caller.sign_in()
        form = {
            "_csrf_token": secret,
            "title": "杯",
            "url": TAOBAO,
            "share_code": "28￥ xkYh3abc￥\r\nhttps://m.tb.cn/h.gABC",
            "channel_name": "帖子",
            "channel_kind": "post",
            "channel_platform": "weibo",
        }
        made = await caller.client.post("/links", data=form)
        assert made.status_code == 303, made.text
        async with caller.room.unit() as unit:
            rows = await unit.fetch("SELECT share_code FROM link")
        assert [row["share_code"] for row in rows] == ["28￥ xkYh3abc￥ https://m.tb.cn/h.gABC"]
        refused = await caller.client.post("/links", data={**form, "share_code": "https://evil.example/"})
        assert refused.status_code == 400
        assert "口令里有不是平台的网址" in refused.text

    calling(work)


def test_a_link_may_lead_to_a_mini_program(calling):
    async def work(caller):
        url = "weixin://dl/business/?appid=wx0123456789abcdef&path=pages/item&query=id%3D7"
        code = (await link_to(caller, url))["code"]
        token = click_token(caller.runtime.link_key, new_id(caller.room.clock.now()), code)
        page = (await caller.client.get(f"/j/{code}", params={"k": token}, headers={"user-agent": DOUYIN})).text
        assert 'data-form="wechat_mini_plain" data-kind="scheme"' in page
        assert "weixin://dl/business/?appid=wx0123456789abcdef&amp;path=pages/item&amp;query=id%3D7" in page

    calling(work)


def test_a_wall_that_stands_as_was_known_is_no_recent_change(calling):
    async def work(caller):
        code = (await link_to(caller, TAOBAO))["code"]
        await visitors(caller, code, 14, "left")
        await watch_of(caller).look()
        await caller.sign_in()
        board = (await caller.client.get("/walls")).text
        assert 'data-wall="douyin/taobao"' in board
        assert "data-moved" not in board
        await visitors(caller, code, 20, "stayed")
        await watch_of(caller).look()
        assert 'data-moved="douyin/taobao"' in (await caller.client.get("/walls")).text

    calling(work)


def test_the_board_and_a_wall_are_shown_and_changed_in_the_console(calling):
    async def work(caller):
        code = (await link_to(caller, TAOBAO))["code"]
        await visitors(caller, code, 14, "stayed")
        await watch_of(caller).look()
        secret = await caller.sign_in()
        board = (await caller.client.get("/walls")).text
        assert 'data-moved="douyin/taobao"' in board
        assert "试过 14 人，打开 0 人" in board
        page = (await caller.client.get("/walls/douyin/taobao")).text
        assert "现在打不开，偶尔再试" in page
        assert (page.count("<small>已测出</small>"), page.count("<small>还没测出</small>")) == (1, 1)
        form = {"_csrf_token": secret, "place_scheme": "3", "place_guide": "1", "on_guide": "1", "place_code": "2"}
        answer = await caller.client.post("/walls/douyin/taobao", data=form, headers={"origin": "http://testserver"})
        assert answer.status_code == 303, answer.text
        page = (await caller.client.get("/walls/douyin/taobao")).text
        assert page.count("没有启用") == 4, "two ways on two systems"
        refused = await caller.client.post("/walls/douyin/taobao", data={"_csrf_token": secret})
        assert refused.status_code == 400
        assert "没有留下任何办法" in refused.text
        assert (await caller.client.get("/walls/douyin/nowhere")).status_code == 404

    calling(work)
