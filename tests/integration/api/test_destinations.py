"""Addresses that seem to lead elsewhere, offered to the API: refused with a reason, and nothing is kept."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import uuid4

from hutong.links.destinations import URL_CHARS_MAX
from hutong.web.session import CSRF_FIELD

FILE = Path(__file__).parents[2] / "unit" / "links" / "lookalikes.txt"
CHANNEL = {"kind": "post", "platform": "weibo", "name": "帖子"}
#: Each so-many-th spelling of the file: some of every family.
EACH = 6


def spellings():
    lines = FILE.read_text("ascii").splitlines()
    return [json.loads(line) for line in lines if line and not line.startswith("#")][::EACH]


def test_a_lookalike_makes_no_link(calling):
    async def work(caller):
        offered = spellings()
        assert len(offered) > 80
        for spelling in offered:
            answer = await caller.send("/links", {"title": "杯", "channel": CHANNEL, "url": spelling})
            assert answer.status_code == 400, spelling
            code = answer.json()["code"]
            assert code == "destination_not_allowed" or (not spelling.strip() and code == "invalid_input"), spelling
        assert (await caller.get("/links"))["total"] == 0
        made = await caller.post(
            "/links",
            {"title": "杯", "channel": CHANNEL, "url": "HTTPS://Item.TaoBao.com/item.htm?ID=1"},
            key=uuid4().hex,
        )
        found = await caller.get("/links")
        assert [item["code"] for item in found["items"]] == [made["code"]]

    calling(work)


def test_too_long_is_refused(calling):
    async def work(caller):
        url = "https://item.taobao.com/" + "a" * URL_CHARS_MAX
        assert (await caller.refused("/links", {"title": "杯", "channel": CHANNEL, "url": url}))[0] == 400

    calling(work)


def test_by_http_an_allowed_host_is_told_from_an_unknown_one(calling):
    async def work(caller):
        for url, words in (
            ("http://item.taobao.com/item.htm?id=1", "以 http:// 开头，只接受 https://"),
            ("HTTP://Item.TaoBao.com/", "以 http:// 开头，只接受 https://"),
            ("http://evil.example/", "不在允许的网站之内"),
            ("http://item.taobao.com@evil.example/", "不在允许的网站之内"),
        ):
            asked = {"title": "杯", "channel": CHANNEL, "url": url}
            answer = await caller.send("/links", asked, uuid4().hex, **{"accept-language": "zh-CN"})
            told = answer.json()
            assert (answer.status_code, told["code"], words in told["detail"]) == (400, "destination_not_allowed", True)

    calling(work)


NAMES = {
    "小\n面\t包\x1f": "小 面 包",
    "\u200b杯\u200b": "杯",
    "一家\U0001f468\u200d\U0001f469\u200d\U0001f467": "一家\U0001f468\u200d\U0001f469\u200d\U0001f467",
}


def test_a_name_is_one_line_of_what_can_be_seen(calling):
    async def work(caller):
        known = set()
        for given, kept in NAMES.items():
            asked = {"title": given, "channel": {**CHANNEL, "name": given}, "url": "https://weibo.com/1/a"}
            await caller.post("/links", asked, key=uuid4().hex)
            dry = await caller.post("/links/bulk", {"rows": [asked], "dry_run": True})
            made = await caller.post("/links/bulk", {"rows": [asked]}, key=uuid4().hex)
            assert (dry["refused"], made["refused"], made["made"]) == (0, 0, 1)
            async with caller.room.unit() as unit:
                rows = await unit.fetch("SELECT title FROM link UNION ALL SELECT name FROM channel ORDER BY 1")
            assert {row.title for row in rows} - known == {kept}
            known.add(kept)
        for given in ("\u200b\u200d", "\n", "\u2028", "杯\0"):
            asked = {"title": given, "channel": CHANNEL, "url": "https://weibo.com/1/a"}
            refused = await caller.send("/links", asked, uuid4().hex)
            assert (refused.status_code, refused.json()["details"]["field"]) == (400, "title")
            dry = await caller.post("/links/bulk", {"rows": [asked], "dry_run": True})
            assert [row["problem"]["field"] for row in dry["rows"]] == ["title"]

    calling(work)


#: Every character of Unicode's property Bidi_Control.
TURNING = [chr(code) for code in (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))]


def test_a_name_that_turns_the_direction_of_text_is_refused_with_a_sentence(calling):
    async def work(caller):
        for sign in TURNING:
            for asked in (
                {"title": f"杯{sign}cba", "channel": CHANNEL},
                {"title": "杯", "channel": {**CHANNEL, "name": f"帖{sign}cba"}},
            ):
                refused = await caller.send("/links", {**asked, "url": "https://weibo.com/1/a"}, uuid4().hex)
                assert (refused.status_code, refused.json()["code"]) == (400, "name_turned")
                assert f"U+{ord(sign):04X}" in refused.json()["detail"]
        token = await caller.sign_in()
        form = {"title": "杯\u202ecba", "url": "https://weibo.com/1/a", "channel_kind": "post"}
        form |= {"channel_name": "帖子", "channel_platform": "weibo", CSRF_FIELD: token}
        page = await caller.client.post("/links", data=form, headers={"accept-language": "zh-CN"})
        assert (page.status_code, "名称里有改变文字方向的隐藏字符（U+202E）" in page.text) == (400, True)
        assert "请删掉它" in page.text
        async with caller.room.unit() as unit:
            assert await unit.fetch("SELECT code FROM link") == []

    calling(work)
