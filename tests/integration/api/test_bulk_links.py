"""Many links at once: each row by itself, once for a key, in time that grows as the rows do."""

from __future__ import annotations

import json
import time
from uuid import UUID, uuid4

from hutong.links.hosts import add_host, settle_check, show_host
from hutong.merchants.actors import HOME

TAOBAO = "https://item.taobao.com/item.htm?id={}"
POST = {"kind": "post", "platform": "weibo", "name": "帖子"}
#: Ten times the rows take ten times as long; three times that is a loop over rows in a loop over rows.
GROWTH_MAX = 30


def rows(count):
    return [
        {"title": f"链接 {number}", "channel": {**POST, "name": f"海报 {number % 50}"}, "url": TAOBAO.format(number)}
        for number in range(1, count + 1)
    ]


#: What a mini-program's own scheme may name, and a platform's code as its app writes it.
MINI = "weixin://dl/business/?appid=wx0123456789abcdef&path=pages/index&query=id%3D7"
CODE = "8￥ABCdef123￥ https://m.tb.cn/h.5abc 小面包"


async def links(caller):
    async with caller.room.unit() as unit:
        return (await unit.fetch("SELECT count(*) AS n FROM link"))[0].n


def test_good_rows_are_made_and_each_other_one_says_what_is_wrong(calling):
    async def work(caller):
        good = {"title": "好", "channel": POST, "url": TAOBAO.format(1)}
        wrong = [
            ({**good, "url": "https://evil.example/"}, "destination_not_allowed", "url"),
            ({**good, "title": "好\u202edoog"}, "name_turned", "title"),
            ({**good, "title": " "}, "invalid_input", "title"),
            ({"title": "无", "channel": POST}, "invalid_input", "destination"),
            ({**good, "url": None, "sku_id": str(uuid4())}, "not_found", "SKU"),
            ({**good, "channel": None, "channel_id": str(uuid4())}, "not_found", "channel"),
            ({**good, "channel": {**POST, "name": ""}}, "invalid_input", "channel.name"),
        ]
        body = {"rows": [good, *(row for row, _, _ in wrong), good]}
        dry = await caller.post("/links/bulk", {**body, "dry_run": True})
        assert (dry["made"], dry["refused"], await links(caller)) == (0, len(wrong), 0)
        made = await caller.post("/links/bulk", body, key="once")
        assert (made["made"], made["refused"], await links(caller)) == (2, len(wrong), 2)
        problems = [
            (row["row"], row["problem"]["code"], row["problem"]["field"]) for row in made["rows"] if row["problem"]
        ]
        assert problems == [(number, code, field) for number, (_, code, field) in enumerate(wrong, 2)]
        assert all(row["problem"]["zh"] != row["problem"]["en"] for row in made["rows"] if row["problem"])
        first, last = made["rows"][0], made["rows"][-1]
        assert first["channel_id"] == last["channel_id"]
        assert first["code"] != last["code"]
        assert await caller.post("/links/bulk", body, key="once") == made
        assert await links(caller) == 2
        shown = await caller.get("/links")
        assert {item["url"] for item in shown["items"]} == {first["url"], last["url"]}
        opened = await caller.client.get(f"/l/{first['code']}")
        assert opened.status_code == 410, "the edge answers; behind it the code is known"

    calling(work)


def test_nothing_is_made_where_all_or_none_is_asked_for_and_a_row_is_wrong(calling):
    async def work(caller):
        good = {"title": "好", "channel": POST, "url": TAOBAO.format(1)}
        body = {"rows": [good, {**good, "title": ""}], "all_or_none": True}
        made = await caller.post("/links/bulk", body)
        assert (made["made"], made["refused"], await links(caller)) == (0, 1, 0)
        problem = made["rows"][1]["problem"]
        assert (made["rows"][1]["row"], problem["field"]) == (2, "title")
        assert all(problem[f"{side}{part}"] for side in ("zh", "en") for part in ("", "_cause", "_fix"))
        assert (await caller.post("/links/bulk", {**body, "rows": [good]}))["made"] == 1

    calling(work)


def test_a_row_takes_all_that_a_single_link_takes(calling):
    async def work(caller):
        async with caller.room.unit() as unit:
            host = await add_host(unit, HOME, "bulk.example.cn", trial=False)
            await settle_check(unit, host.host_id, "")
            await show_host(unit, HOME, host.host_id, shown=True)
        all_of = {"channel": POST, "tags": ["新品", " 新品 ", "十一月"], "campaign": "双十一"}
        given = [
            {
                **all_of,
                "title": "自己的网站",
                "url": "https://bulk.example.cn/new",
                "expires_at": "2027-01-01T00:00:00Z",
            },
            {**all_of, "title": "口令", "url": TAOBAO.format(7), "share_code": CODE},
            {**all_of, "title": "小程序", "url": MINI},
        ]
        single = [(await caller.post("/links", row, key=uuid4().hex))["link_id"] for row in given]
        made = await caller.post("/links/bulk", {"rows": given})
        assert made["refused"] == 0, made
        assert made["rows"][0]["url"].startswith("https://bulk.example.cn/l/")
        for one, other in zip(single, made["rows"], strict=True):
            assert await kept(caller, one) == await kept(caller, other["link_id"])

    calling(work)


async def kept(caller, link_id):
    """A link as it stands in the database, without what is each one's own."""
    async with caller.room.unit() as unit:
        row = (await unit.fetch("SELECT to_jsonb(link) AS it FROM link WHERE link_id = $1", UUID(link_id)))[0].it
        tags = await unit.fetch("SELECT tag FROM link_tag WHERE link_id = $1 ORDER BY tag", UUID(link_id))
    own = {"link_id", "code", "channel_id", "created_at", "changed_at"}
    whole = json.loads(row) if isinstance(row, str) else row
    return {name: value for name, value in whole.items() if name not in own} | {"tags": [one.tag for one in tags]}


def test_both_doors_refuse_the_same(calling):
    async def work(caller):
        good = {"title": "好", "channel": POST, "url": TAOBAO.format(1)}
        wrong = [
            ({"url": "https://taobao.com.evil.example/"}, "url"),
            ({"url": "https://not-mine.example.cn/"}, "url"),
            ({"url": MINI.replace("appid=", "appid=x")}, "url"),
            ({"share_code": "打开 https://evil.example/a"}, "share_code"),
            ({"url": None, "sku_id": str(uuid4()), "share_code": CODE}, "share_code"),
            ({"tags": ["很" * 31]}, "tags"),
            ({"campaign": "坏\u0007"}, "campaign"),
            ({"title": "长" * 101}, "title"),
            ({"title": "  "}, "title"),
        ]
        told = (await caller.post("/links/bulk", {"rows": [{**good, **change} for change, _ in wrong]}))["rows"]
        for (change, field), row in zip(wrong, told, strict=True):
            _, code = await caller.refused("/links", {**good, **change}, key=uuid4().hex)
            assert (row["problem"]["code"], row["problem"]["field"]) == (code, field), change
        assert await links(caller) == 0

    calling(work)


def test_a_row_may_have_parameters_and_an_end_of_its_own(calling):
    async def work(caller):
        good = {"title": "好", "channel": POST, "url": TAOBAO.format(1)}
        utm = {"source": "weibo", "medium": "social"}
        made = await caller.post("/links/bulk", {"rows": [{**good, "utm": utm, "clicks_max": 3}, good]})
        first, last = [await caller.get(f"/links/{row['link_id']}/rules") for row in made["rows"]]
        assert (first["utm"]["source"], first["clicks_max"], first["revision"]) == ("weibo", 3, 1)
        assert (last["clicks_max"], last["revision"]) == (0, 0)
        refused = await caller.post("/links/bulk", {"rows": [{**good, "utm": {"source": "长" * 61}}]})
        assert refused["rows"][0]["problem"]["field"] == "utm"

    calling(work)


def test_a_channel_that_is_there_is_used_again(calling):
    async def work(caller):
        channel_id = (await caller.post("/channels", POST))["channel_id"]
        made = await caller.post("/links/bulk", {"rows": [{"title": "好", "channel": POST, "url": TAOBAO.format(1)}]})
        assert made["rows"][0]["channel_id"] == channel_id

    calling(work)


def test_ten_times_the_rows_take_about_ten_times_as_long(calling):
    async def work(caller):
        took = {}
        for count in (1_000, 10_000):
            began = time.process_time()
            made = await caller.post("/links/bulk", {"rows": rows(count)})
            took[count] = time.process_time() - began
            assert (made["made"], len({row["code"] for row in made["rows"]})) == (count, count)
        assert took[10_000] < GROWTH_MAX * took[1_000], took
        refused = await caller.refused("/links/bulk", {"rows": rows(10_001)})
        assert refused[0] == 400

    calling(work)
