"""Clicks through the API and in the console: filters, pages that hold, both counts, the file."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import insert

from hutong.core.ids import new_id
from hutong.edge.front import LinkFront
from hutong.edge.journal import ClickJournal
from hutong.edge.sink import ClickSink
from hutong.edge.table import LinkTable
from hutong.links.models import click
from hutong.links.tokens import click_token, sight_token
from hutong.web.console import click_export, click_reading, clicks

TAOBAO = "https://item.taobao.com/item.htm?id=657"
ANDROID = "Mozilla/5.0 (Linux; Android 14; K) AppleWebKit/537.36 Chrome/120.0.0.0 Mobile Safari/537.36"
SPIDER = "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)"


async def link_to(caller, name="帖子", url=TAOBAO):
    channel = {"kind": "post", "platform": "weibo", "name": name}
    return await caller.post("/links", {"title": f"小面包 {name}", "channel": channel, "url": url}, key=uuid4().hex)


async def keep(caller, link, count=1, at=None, **given):
    """Clicks as the edge stores them, the oldest first."""
    at = at or caller.room.clock.now()
    rows = [
        {
            "merchant_id": caller.room.merchant_id,
            "click_id": new_id(at + timedelta(seconds=number)),
            "link_id": link["link_id"],
            "channel_id": link["channel_id"],
            "container": "wechat",
            "os": "ios",
            "language": "zh-CN",
            "referrer": "none",
            "address_hash": b"v" * 16,
            "is_bot": bool(given.get("machine")),
            "machine": "",
            "clicked_at": at + timedelta(seconds=number),
            **given,
        }
        for number in range(count)
    ]
    async with caller.room.database.plain("ingest") as connection:
        await connection.execute(insert(click), rows)
    return [row["click_id"] for row in rows]


async def opened(caller, **query):
    """The console's page."""
    answer = await caller.client.get("/clicks", params=query)
    assert answer.status_code == 200, answer.text
    return answer.text


def shown(page):
    return re.findall(r'<tr data-click="([0-9a-f-]+)"', page)


def figure(page, name):
    return int(re.search(rf'data-figure="{name}">([\d,]+)<', page)[1].replace(",", ""))


def test_pages_follow_each_other_though_people_click_meanwhile(calling):
    async def work(caller):
        link = await link_to(caller)
        ids = [str(one) for one in await keep(caller, link, 25)]
        found, cursor = [], None
        for _ in range(3):
            page = await caller.get("/clicks", limit=10, **({"cursor": cursor} if cursor else {}))
            found += [item["click_id"] for item in page["items"]]
            cursor = page["next"]
            await keep(caller, link, 1, at=caller.room.clock.now() + timedelta(hours=1))
        assert found == ids[::-1]
        assert cursor is None

    calling(work)


def test_the_api_narrows_and_tells_everything(calling):
    async def work(caller):
        one, other = await link_to(caller, "甲"), await link_to(caller, "乙")
        at = caller.room.clock.now()
        (mine,) = await keep(caller, one, container="xiaohongshu", os="android", referrer="social")
        (bot,) = await keep(caller, other, machine="spider", at=at + timedelta(minutes=1))

        async def ids(**query):
            return [item["click_id"] for item in (await caller.get("/clicks", **query))["items"]]

        assert await ids() == [str(bot), str(mine)]
        for query in (
            {"link_id": one["link_id"]},
            {"channel_id": one["channel_id"]},
            {"container": "xiaohongshu"},
            {"os": "android"},
            {"referrer": "social"},
            {"who": "people"},
            {"until": (at + timedelta(seconds=30)).isoformat()},
        ):
            assert await ids(**query) == [str(mine)], query
        assert await ids(who="bots") == await ids(since=(at + timedelta(seconds=30)).isoformat()) == [str(bot)]
        assert await ids(outcome="straight") == [str(bot), str(mine)]
        token = click_token(caller.runtime.link_key, mine, one["code"])
        told = await caller.client.post(
            f"/j/{one['code']}/tries",
            params={"k": token, "a": sight_token(caller.runtime.link_key, mine, "mobile", "android")},
            json={"form": "taobao_page_scheme", "outcome": "left"},
            headers={"user-agent": ANDROID},
        )
        assert told.status_code == 204
        (item,) = (await caller.get("/clicks", outcome="left"))["items"]
        assert item == {
            "click_id": str(mine),
            "clicked_at": item["clicked_at"],
            "link_id": one["link_id"],
            "code": one["code"],
            "channel_id": one["channel_id"],
            "container": "xiaohongshu",
            "os": "android",
            "language": "zh-CN",
            "referrer": "social",
            "visitor": (b"v" * 16).hex(),
            "is_bot": False,
            "machine": "",
            "outcome": "left",
            "tries": [{"form": "taobao_page_scheme", "outcome": "left"}],
            "order_id": None,
            "promoted_order_no": "",
        }
        assert datetime.fromisoformat(item["clicked_at"]) == at

    calling(work)


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": 501},
        {"cursor": "x"},
        {"container": "nowhere"},
        {"os": "dos"},
        {"who": "dogs"},
        {"outcome": "won"},
        {"since": "2026-01-01T00:00:00"},
        {"until": "3026-01-01T00:00:00Z"},
    ],
)
def test_what_makes_no_sense_is_refused(calling, query):
    async def work(caller):
        answer = await caller.client.get("/api/v1/clicks", params=query)
        assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")

    calling(work)


def test_a_key_without_the_scope_sees_no_click_and_the_answer_has_an_example(calling):
    async def work(caller):
        answer = await caller.client.get("/api/v1/clicks", headers=await caller.key("orders:read"))
        assert answer.status_code == 403
        assert (await caller.client.get("/api/v1/clicks", headers=await caller.key("links:read"))).status_code == 200
        described = (await caller.client.get("/api/openapi.json")).json()
        told = described["paths"]["/api/v1/clicks"]["get"]["responses"]["200"]["content"]["application/json"]
        await keep(caller, await link_to(caller))
        (item,) = (await caller.get("/clicks"))["items"]
        (example,) = told["examples"]["example"]["value"]["items"]
        assert set(example) == set(item)

    calling(work)


def test_the_page_shows_both_counts_whoever_is_looked_at(calling):
    async def work(caller):
        link = await link_to(caller)
        people = await keep(caller, link, 3)
        bots = await keep(caller, link, 2, machine="preview", address_hash=b"w" * 16)
        await caller.sign_in()
        for who, ids in (("people", people), ("bots", bots), ("all", [*people, *bots])):
            page = await opened(caller, who=who)
            assert (figure(page, "people"), figure(page, "bots")) == (3, 2)
            assert set(shown(page)) == {str(one) for one in ids}
        assert set(shown(await opened(caller))) == {str(one) for one in people}, "people, where nothing is said"
        assert "链接预览" in await opened(caller, who="bots")
        assert shown(await opened(caller, who="all", visitor=(b"w" * 16).hex())) == [str(one) for one in bots[::-1]]

    calling(work)


def test_the_page_narrows_by_link_channel_app_system_source_and_outcome(calling):
    async def work(caller):
        one, other = await link_to(caller, "甲"), await link_to(caller, "乙")
        (mine,) = await keep(caller, one, container="weibo", os="android", referrer="search", language="en-US")
        await keep(caller, other, 2)
        await caller.sign_in()
        for query in (
            {"link": one["code"]},
            {"channel": one["channel_id"]},
            {"app": "weibo"},
            {"system": "android"},
            {"source": "search"},
            {"language": "en-US"},
        ):
            page = await opened(caller, **query)
            assert (shown(page), figure(page, "people")) == ([str(mine)], 1), query
            assert "清除筛选" in page
        for query in ({"link": "nosuch1"}, {"became": "ordered"}, {"app": "douyin"}):
            page = await opened(caller, **query)
            assert shown(page) == []
            assert "没有这样的点击" in page
        assert len(shown(await opened(caller, became="straight"))) == 3
        odd = {"app": "<script>", "channel": "x", "became": "x", "visitor": "zz", "first": "2026-13-45", "who": "x"}
        assert len(shown(await opened(caller, **odd))) == 3, "what makes no sense is as if not given"

    calling(work)


def test_days_are_the_merchants_and_the_picture_has_a_bar_for_each_step(calling):
    async def work(caller):
        link = await link_to(caller)
        midnight = datetime(2026, 3, 9, 16, tzinfo=UTC)  # the tenth begins in Shanghai
        (before,) = await keep(caller, link, at=midnight - timedelta(seconds=1))
        (after,) = await keep(caller, link, at=midnight)
        await caller.sign_in()
        assert shown(await opened(caller, first="2026-03-10", last="2026-03-10")) == [str(after)]
        assert shown(await opened(caller, first="2026-03-09", last="2026-03-09")) == [str(before)]
        assert len(shown(await opened(caller, first="2026-03-10", last="2026-03-09"))) == 2, "put in order"
        for first, steps in (("2026-03-10", 24), ("2026-03-08", 72), ("2026-03-01", 10), ("2025-11-15", 5)):
            page = await opened(caller, first=first, last="2026-03-10")
            labels = re.search(r'id="clicks">\{"kind":"stack","labels":\[(.*?)\]', page)[1]
            assert len(labels.split(",")) == steps
        page = await opened(caller, first="2020-01-01", last="2026-03-10")
        assert 'name="first" value="2025-03-10"' in page, "a year at most"

    calling(work)


def test_older_clicks_are_a_page_away(calling, monkeypatch):
    monkeypatch.setattr(clicks, "ROWS", 4)

    async def work(caller):
        link = await link_to(caller)
        ids = [str(one) for one in await keep(caller, link, 10)][::-1]
        await caller.sign_in()
        found, query = [], {"who": "all"}
        for _ in range(3):
            page = await opened(caller, **query)
            found.append(shown(page))
            older = re.search(r'below=([0-9a-f-]+)" rel="next"', page)
            query = {"who": "all", "below": older[1]} if older else {}
        assert found == [ids[:4], ids[4:8], ids[8:]]
        assert query == {}

    calling(work)


def test_the_file_holds_what_the_page_counts_and_nothing_that_runs(calling, monkeypatch):
    monkeypatch.setattr(click_export, "PAGE_ROWS_MAX", 7)

    async def work(caller):
        link = await link_to(caller, "=cmd|'/c calc'!A1")
        ids = [str(one) for one in await keep(caller, link, 20)][::-1]
        await keep(caller, link, 3, machine="head")
        await caller.sign_in()
        answer = await caller.client.get("/clicks/export.csv", params={"who": "people"})
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert "attachment" in answer.headers["content-disposition"]
        text = answer.content.decode("utf-8")
        assert text.count("\ufeff") == 1
        header, *rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))
        assert len({len(row) for row in [header, *rows]}) == 1
        assert [row[1] for row in rows] == ids
        assert {row[4] for row in rows} == {"'=cmd|'/c calc'!A1"}
        assert {row[3] for row in rows} == {"小面包 =cmd|'/c calc'!A1"}
        monkeypatch.setattr(clicks, "EXPORT_ROWS_MAX", 19)
        refused = await caller.client.get("/clicks/export.csv", params={"who": "people"})
        assert refused.status_code == 422
        assert "20" in refused.text
        assert (await caller.client.get("/clicks/export.csv", params={"who": "bots"})).status_code == 200

    calling(work)


def test_nobody_without_a_session_sees_clicks(calling):
    async def work(caller):
        caller.client.headers.pop("authorization")
        for path in ("/clicks", "/clicks/export.csv"):
            answer = await caller.client.get(path)
            assert answer.status_code in (302, 303)
            assert "/login" in answer.headers["location"]

    calling(work)


def test_a_link_has_a_line_of_fourteen_days_of_people(calling):
    async def work(caller):
        link, quiet = await link_to(caller), await link_to(caller, "安静")
        now = caller.room.clock.now()
        await keep(caller, link, 3, at=now - timedelta(days=1))
        await keep(caller, link, 5, at=now)
        await keep(caller, link, 9, at=now, machine="spider")
        await keep(caller, link, 2, at=now - timedelta(days=14))
        await caller.sign_in()
        page = (await caller.client.get("/links")).text
        words = "近 14 天人的点击，从最早到今天："
        assert f'aria-label="{words}{" ".join(["0"] * 12 + ["3", "5"])}"' in page
        assert f'aria-label="{words}{" ".join(["0"] * 14)}"' in page
        assert page.count('class="ht-spark"') == 2
        assert quiet["code"] in page

    calling(work)


def test_a_click_goes_from_the_edge_to_the_page(calling, tmp_path):
    """Through the real edge, its journal and its sink: what the front saw is what the explorer shows."""

    async def work(caller):
        link = await link_to(caller)
        journal = ClickJournal(tmp_path / "clicks.journal")
        sink = ClickSink(caller.room.database, journal)
        table = LinkTable(caller.room.database, caller.room.clock)
        front = LinkFront(None, table, sink, caller.runtime.ways, caller.room.clock, caller.runtime.link_key)

        async def visit(agent, *headers):
            async def send(_message):
                pass

            given = [(b"user-agent", agent.encode()), *headers]
            scope = {"type": "http", "path": f"/l/{link['code']}", "method": "GET", "headers": given}
            await front({**scope, "client": ("203.0.113.9", 1)}, None, send)

        await visit(ANDROID, (b"x-requested-with", b"com.xingin.xhs"), (b"accept-language", b"zh-cn,zh;q=0.9"))
        await visit(SPIDER)
        await visit(ANDROID, (b"sec-purpose", b"prefetch;prerender"))
        await sink.drain()
        journal.close()
        items = (await caller.get("/clicks"))["items"]
        assert {(item["container"], item["machine"], item["is_bot"], item["language"]) for item in items} == {
            ("xiaohongshu", "", False, "zh-CN"),
            ("desktop", "spider", True, ""),
            ("mobile", "prefetch", True, ""),
        }
        assert len({item["visitor"] for item in items}) == 1
        await caller.sign_in()
        page = await opened(caller, who="all")
        assert (figure(page, "people"), figure(page, "bots")) == (1, 2)
        for words in ("小红书 · 安卓手机", "搜索爬虫", "浏览器预取"):
            assert words in page

    calling(work)


def test_limits_are_as_the_page_says():
    assert click_reading.DAYS_MAX == 366
    assert click_export.EXPORT_ROWS_MAX % click_export.PAGE_ROWS_MAX == 0
