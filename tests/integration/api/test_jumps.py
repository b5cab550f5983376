"""The page of ways out of an app: what it offers to whom, what it weighs, and what it takes back."""

from __future__ import annotations

import gzip
import html
import random
import re
import string
from uuid import UUID, uuid4

import httpx
import pytest

from hutong.core.ids import new_id
from hutong.links.containers import agent_of
from hutong.links.destinations import URL_CHARS_MAX
from hutong.links.jumps.learning import VISITOR_TRIES_MAX, JumpFeed
from hutong.links.jumps.ranking import Ranking, Way
from hutong.links.tokens import click_token, sight_token
from hutong.web.buyer.jumps import CARD_URL_CHARS_MAX

ANDROID = "Mozilla/5.0 (Linux; Android 14; K) AppleWebKit/537.36 Chrome/120.0.0.0 Mobile Safari/537.36"
NOTES = ANDROID + " xiaohongshu discover/8.26"
QQ = ANDROID + " QQ/8.9.68.11500"
KUAI = ANDROID + " Kwai/12.1.10.36000"
WECHAT = ANDROID + " MicroMessenger/8.0.46.2540(0x28002E3C) WeChat/arm64"
TAOBAO = "https://item.taobao.com/item.htm?id=657"
PAGE_BYTES_MAX = 6_000


async def link_to(caller, url):
    """A link's code."""
    channel = {"kind": "post", "platform": "weibo", "name": "帖子"}
    made = await caller.post("/links", {"title": "小面包", "channel": channel, "url": url}, key=uuid4().hex)
    return made["code"]


def clicked(caller, code):
    """A click and its token."""
    click_id = new_id(caller.room.clock.now())
    return click_id, click_token(caller.runtime.link_key, click_id, code)


async def look(caller, code, token, agent=ANDROID, **headers):
    return await caller.client.get(f"/j/{code}", params={"k": token}, headers={"user-agent": agent, **headers})


def sight(caller, token, agent):
    """The app that a click's page was made for, as the page tells it; of what is no click nothing."""
    seen = agent_of({b"user-agent": agent.encode()})
    is_click = re.fullmatch(r"[0-9a-f]{48}", token)
    return sight_token(caller.runtime.link_key, UUID(token[:32]), seen.container, seen.os) if is_click else ""


async def tell(caller, code, token, form, outcome="left", agent=ANDROID, **headers):
    body, params = {"form": form, "outcome": outcome}, {"k": token, "a": sight(caller, token, agent)}
    headers = {"user-agent": agent, **headers}
    return await caller.client.post(f"/j/{code}/tries", params=params, json=body, headers=headers)


async def tell_from(caller, address, code, token, form, outcome, agent=ANDROID):
    """The same of a visitor whose address is known."""
    transport = httpx.ASGITransport(app=caller.client._transport.app, client=(address, 1))
    body, params = {"form": form, "outcome": outcome}, {"k": token, "a": sight(caller, token, agent)}
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
        answer = await client.post(f"/j/{code}/tries", params=params, json=body, headers={"user-agent": agent})
    assert answer.status_code == 204, answer.text


async def tries(caller):
    async with caller.room.unit() as unit:
        return await unit.fetch(
            "SELECT form, outcome, container, os, destination, taps FROM jump_try ORDER BY tried_at"
        )


def test_the_page_offers_the_ways_of_its_cell_in_order(calling):
    async def work(caller):
        code = await link_to(caller, TAOBAO)
        _, token = clicked(caller, code)
        shown = await look(caller, code, token)
        assert re.findall(r'data-form="(\w+)" data-kind="(\w+)"', shown.text) == [
            ("taobao_page_scheme", "scheme"),
            ("page", "page"),
        ]
        assert 'href="tbopen://m.taobao.com/tbopen/index.html?action=ali.open.nav&amp;module=h5' in shown.text
        notes = await look(caller, code, token, agent=NOTES)
        assert re.findall(r'data-form="(\w+)"', notes.text) == ["guide"]
        assert "点屏幕右上角" in notes.text

    calling(work)


def test_the_page_is_small_with_the_longest_address_and_title(calling):
    """Signs that nothing can be compressed of, in the app whose page shows most ways."""

    async def work(caller):
        draw = random.Random(7)
        signs = string.ascii_letters + string.digits + "-._~!$&'()*+,;=@?"
        address = TAOBAO + "&x=" + "".join(draw.choice(signs) for _ in range(URL_CHARS_MAX))

        def words(count):
            return "".join(chr(draw.randrange(0x4E00, 0x9FA5)) for _ in range(count))

        title, code_text = words(100), words(180) + "￥dAEYbi4KO4D￥"
        channel = {"kind": "post", "platform": "weibo", "name": "帖子"}
        body = {"title": title, "channel": channel, "share_code": code_text}
        too_long = {**body, "url": address[: URL_CHARS_MAX + 1]}
        assert await caller.refused("/links", too_long, uuid4().hex) == (400, "destination_not_allowed")
        for chars in (URL_CHARS_MAX, CARD_URL_CHARS_MAX):
            code = (await caller.post("/links", {**body, "url": address[:chars]}, key=uuid4().hex))["code"]
            await caller.post(f"/links/{code}/card", {"title": words(64), "about": words(140)}, key=uuid4().hex)
            for agent in (ANDROID, NOTES, QQ):
                shown = await look(caller, code, clicked(caller, code)[1], agent=agent)
                assert shown.status_code == 200
                assert title in shown.text
                assert len(gzip.compress(shown.content, 5)) < PAGE_BYTES_MAX

    calling(work)


@pytest.mark.parametrize("language", ["zh-CN", "zh-TW", "en"])
@pytest.mark.parametrize("agent", [ANDROID, NOTES])
def test_the_page_is_small_and_asks_nobody_else(calling, agent, language):
    async def work(caller):
        code = await link_to(caller, TAOBAO)
        _, token = clicked(caller, code)
        shown = await look(caller, code, token, agent=agent, **{"accept-language": language})
        assert shown.status_code == 200
        assert len(gzip.compress(shown.content, 5)) < PAGE_BYTES_MAX
        policy = shown.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert shown.headers["cache-control"] == "no-store"
        assert not re.findall(r'(?:src|srcset)="https?:', shown.text)

    calling(work)


def test_where_the_page_is_the_first_way_it_is_taken(calling):
    async def work(caller):
        code = await link_to(caller, TAOBAO)
        _, token = clicked(caller, code)
        answer = await look(caller, code, token, agent=WECHAT)
        assert (answer.status_code, answer.headers["location"]) == (302, TAOBAO)
        assert answer.headers["cache-control"] == "no-store"

    calling(work)


def test_an_address_without_its_click_counts_one_first(calling):
    async def work(caller):
        code = await link_to(caller, TAOBAO)
        _, token = clicked(caller, code)
        for wrong in ("", "x", token[:-1] + ("0" if token[-1] != "0" else "1")):
            answer = await look(caller, code, wrong)
            assert (answer.status_code, answer.headers["location"]) == (302, f"/l/{code}")
            assert (await tell(caller, code, wrong, "page")).status_code == 404
        assert (await look(caller, "nosuch1", token)).status_code == 404

    calling(work)


def test_an_outcome_is_kept_once_and_leaving_is_the_last_word(calling):
    async def work(caller):
        code = await link_to(caller, TAOBAO)
        _, token = clicked(caller, code)
        form = "taobao_page_scheme"
        assert (await tell(caller, code, token, form, "stayed")).status_code == 204
        assert [tuple(row) for row in await tries(caller)] == [(form, "stayed", "mobile", "android", "taobao", 2)]
        for outcome in ("left", "stayed", "left"):
            assert (await tell(caller, code, token, form, outcome)).status_code == 204
        assert [(row["form"], row["outcome"]) for row in await tries(caller)] == [(form, "left")]

    calling(work)


def test_what_was_not_offered_is_not_taken(calling):
    async def work(caller):
        code = await link_to(caller, TAOBAO)
        _, token = clicked(caller, code)
        assert (await tell(caller, code, token, "kuaishou_page_scheme")).status_code == 400
        assert (await tell(caller, code, token, "page", "flown")).status_code == 400
        assert (await tell(caller, code, token, "taobao_page_scheme", agent=NOTES)).status_code == 400
        other = await link_to(caller, TAOBAO)
        assert (await tell(caller, other, token, "page")).status_code == 404, "another link's click"
        assert await tries(caller) == []

    calling(work)


@pytest.mark.parametrize("sent", ["com.xingin.xhs", "XMLHttpRequest", ""])
def test_a_pages_script_need_not_name_the_app_again(calling, sent):
    """The page is asked for by the web-view, which names its app; its script's requests may not."""

    async def work(caller):
        code = await link_to(caller, TAOBAO)
        _, token = clicked(caller, code)
        shown = await look(caller, code, token, **{"x-requested-with": "com.xingin.xhs"})
        assert re.findall(r'data-form="(\w+)"', shown.text) == ["guide"], "as Xiaohongshu, not as a plain phone"
        address = html.unescape(re.search(r'data-tell="([^"]+)"', shown.text)[1])

        async def told(to, form):
            headers = {"user-agent": ANDROID, **({"x-requested-with": sent} if sent else {})}
            answer = await caller.client.post(to, json={"form": form, "outcome": "left"}, headers=headers)
            return answer.status_code

        assert await told(address, "guide") == 204
        assert await told(address, "taobao_page_scheme") == 400, "the page has not offered it"
        (row,) = await tries(caller)
        assert (row["form"], row["container"], row["os"]) == ("guide", "xiaohongshu", "android")
        for wrong in (address.replace("xiaohongshu", "wechat"), address[:-1], address + "0", f"{address}.x"):
            assert await told(wrong, "guide") == 400
        _, other = clicked(caller, code)
        assert await told(address.replace(token, other), "guide") == 400, "another click's page"

    calling(work)


def test_a_beacon_is_believed_of_the_app_that_its_page_was_made_for_and_of_our_own_page(calling):
    async def work(caller):
        code = await link_to(caller, TAOBAO)
        _, token = clicked(caller, code)
        body = {"form": FORM, "outcome": "left"}
        sent = {"json": body, "headers": {"user-agent": KUAI}}
        bare = await caller.client.post(f"/j/{code}/tries", params={"k": token}, **sent)
        assert bare.status_code == 400, "no page says which app it was made for"
        for origin in ("https://evil.com", "https://127.0.0.1.evil.com"):
            assert (await tell(caller, code, token, FORM, origin=origin)).status_code == 403
        assert await tries(caller) == []
        for origin in ("http://127.0.0.1", "http://hub", "null"):
            assert (await tell(caller, code, token, FORM, origin=origin)).status_code == 204

    calling(work)


def test_one_address_teaches_a_way_a_few_tries_a_day(calling):
    async def work(caller):
        ranking = Ranking()
        feed = JumpFeed(caller.room.database, caller.room.clock, ranking)
        await feed.refresh()
        before = ranking.counts(WAY).tries
        code = await link_to(caller, TAOBAO)

        async def visits(count, address):
            for _ in range(count):
                await tell_from(caller, address, code, clicked(caller, code)[1], FORM, "left")
                caller.room.clock.advance(milliseconds=5)
            return await feed.refresh()

        assert await visits(VISITOR_TRIES_MAX + 5, "1.2.3.4") == VISITOR_TRIES_MAX
        assert await visits(2, "1.2.3.4") == 0
        assert await visits(2, "1.2.3.5") == 2
        assert await visits(8, "127.0.0.1") == 8, "behind a proxy that was not declared nobody is known"
        caller.room.clock.advance(days=1)
        assert await visits(9, "1.2.3.4") == VISITOR_TRIES_MAX
        assert ranking.counts(WAY).tries == before + 2 * VISITOR_TRIES_MAX + 10

    calling(work)


def test_a_link_to_our_desk_has_no_page_of_ways(calling):
    async def work(caller):
        product = await caller.post("/products", {"title": "杯"}, key=uuid4().hex)
        sku = {"product_id": product["product_id"], "seller_code": "C", "price_fen": 100, "stock": 1}
        made = await caller.post("/skus", sku, key=uuid4().hex)
        channel = {"kind": "post", "platform": "weibo", "name": "帖子"}
        link = await caller.post(
            "/links", {"title": "杯", "channel": channel, "sku_id": made["sku_id"]}, key=uuid4().hex
        )
        _, token = clicked(caller, link["code"])
        assert (await look(caller, link["code"], token)).status_code == 410

    calling(work)


FORM = "taobao_page_scheme"
WAY = Way("mobile", "android", "taobao", FORM)


def test_what_never_arrives_is_tried_no_more_and_what_arrives_again_is(calling):
    async def work(caller):
        feed = JumpFeed(caller.room.database, caller.room.clock, caller.runtime.ways.ranking)
        code = await link_to(caller, TAOBAO)
        await feed.refresh()

        async def visitors(count, outcome):
            for _ in range(count):
                _, token = clicked(caller, code)
                assert (await tell(caller, code, token, FORM, outcome)).status_code == 204
                caller.room.clock.advance(milliseconds=5)
            await feed.refresh()

        async def straight_on():
            """Of 40 visitors those who are sent to the page without a try."""
            answers = [await look(caller, code, clicked(caller, code)[1]) for _ in range(40)]
            return sum(answer.status_code == 302 for answer in answers)

        assert await straight_on() <= 4, "the matrix has the app first"
        await visitors(60, "stayed")
        assert await straight_on() >= 30
        await visitors(40, "left")
        assert await straight_on() <= 4

    calling(work)


def test_each_try_is_learned_once_by_every_process(calling):
    async def work(caller):
        first, second = Ranking(), Ranking()
        feeds = [JumpFeed(caller.room.database, caller.room.clock, ranking) for ranking in (first, second)]
        for feed in feeds:
            await feed.refresh()
        before = first.counts(WAY).tries
        code = await link_to(caller, TAOBAO)
        _, token = clicked(caller, code)
        await tell(caller, code, token, FORM, "stayed")
        assert [await feed.refresh() for feed in feeds] == [1, 1]
        assert [await feed.refresh() for feed in feeds] == [0, 0]
        await tell(caller, code, token, FORM, "left")
        assert [await feed.refresh() for feed in feeds] == [1, 1], "he left after all"
        assert first.counts(WAY).tries == second.counts(WAY).tries == before + 2
        assert first.counts(WAY).left > 0

    calling(work)
