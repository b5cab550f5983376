"""Many links at once: each row by itself, once for a key, in time that grows as the rows do."""

from __future__ import annotations

import time
from uuid import uuid4

TAOBAO = "https://item.taobao.com/item.htm?id={}"
POST = {"kind": "post", "platform": "weibo", "name": "帖子"}
#: Ten times the rows take ten times as long; three times that is a loop over rows in a loop over rows.
GROWTH_MAX = 30


def rows(count):
    return [
        {"title": f"链接 {number}", "channel": {**POST, "name": f"海报 {number % 50}"}, "url": TAOBAO.format(number)}
        for number in range(1, count + 1)
    ]


async def links(caller):
    async with caller.room.unit() as unit:
        return (await unit.fetch("SELECT count(*) AS n FROM link"))[0].n


def test_good_rows_are_made_and_each_other_one_says_what_is_wrong(calling):
    async def work(caller):
        good = {"title": "好", "channel": POST, "url": TAOBAO.format(1)}
        wrong = [
            ({**good, "url": "https://evil.example/"}, "destination_not_allowed", "url"),
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
