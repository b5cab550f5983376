"""Pages of links: names that look alike, drafts that nobody sees, lines that are counted apart."""

from __future__ import annotations

import base64
import gzip
import re
from io import BytesIO
from uuid import uuid4

import pytest
from PIL import Image

from hutong.links.bios import ENTRIES_MAX, RESERVED, skeleton

ANDROID = "Mozilla/5.0 (Linux; Android 5.1; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/39.0 Mobile Safari/537.36"
TAOBAO = "https://item.taobao.com/item.htm?id=657"
NOTE = "https://www.xiaohongshu.com/explore/64d0bf2e000000001203e2ab"
PAGE_BYTES_MAX = 20_000


async def post(caller, path, **body):
    return await caller.post(path, body, key=uuid4().hex)


async def page_of(caller, **more):
    name = f"li-{uuid4().hex[:8]}"
    await post(caller, "/bios", name=name, title="老李的杯子", about="手工陶瓷，江西景德镇", **more)
    return name


async def seen(caller, name, **headers):
    return await caller.client.get(f"/u/{name}", headers={"user-agent": ANDROID, **headers})


def test_a_draft_is_nobodys_to_see_and_a_live_page_leads_through_counted_links(calling):
    async def work(caller):
        name = await page_of(caller)
        await post(caller, f"/bios/{name}/entries", label="买杯子（淘宝）", url=TAOBAO)
        told = await post(caller, f"/bios/{name}/entries", label="看做杯子", url=NOTE)
        assert (await seen(caller, name)).status_code == 404
        await post(caller, f"/bios/{name}", title="老李", about="手工陶瓷", theme="jade", state="live")
        shown = await seen(caller, name)
        assert shown.status_code == 200
        codes = [line["url"].removeprefix("http://127.0.0.1") for line in told["entries"]]
        assert re.findall(r'<a href="([^"]+)"', shown.text) == codes
        assert '<body class="jade">' in shown.text
        links = {link["code"]: link for link in (await caller.get("/links"))["items"]}
        assert {links[code.removeprefix("/l/")]["channel_id"] for code in codes} == {told["channel_id"]}
        assert (await post(caller, f"/bios/{name}", title="老李二"))["state"] == "live", "as it was"
        await post(caller, f"/bios/{name}", title="老李", state="draft")
        assert (await seen(caller, name)).status_code == 404

    calling(work)


def test_the_page_is_small_needs_no_script_and_asks_nobody_else(calling):
    async def work(caller):
        name = await page_of(caller)
        out = BytesIO()
        Image.new("RGB", (500, 500), "#14604f").save(out, "JPEG")
        kept = await post(caller, "/pictures", file=base64.b64encode(out.getvalue()).decode())
        for number in range(ENTRIES_MAX):
            await post(caller, f"/bios/{name}/entries", label=f"第 {number} 件手工陶瓷的好东西", url=TAOBAO)
        await post(caller, f"/bios/{name}", title="老李", picture_id=kept["picture_id"], state="live")
        shown = await seen(caller, name)
        assert len(gzip.compress(shown.content, 5)) < 6_000
        assert len(shown.content) < PAGE_BYTES_MAX
        assert "<script" not in shown.text
        policy = shown.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "http" not in policy
        assert f'<meta property="og:image" content="{kept["url"]}">' in shown.text
        assert f'<meta property="og:url" content="http://127.0.0.1/u/{name}">' in shown.text
        one_more = await caller.refused(f"/bios/{name}/entries", {"label": "x", "url": TAOBAO}, uuid4().hex)
        assert one_more == (409, "bio_full")

    calling(work)


def test_lines_are_put_in_order_and_taken_away(calling):
    async def work(caller):
        name = await page_of(caller)
        for label in "一二三":
            told = await post(caller, f"/bios/{name}/entries", label=label, url=TAOBAO)
        ids = [line["entry_id"] for line in told["entries"]]
        told = await post(caller, f"/bios/{name}/order", entry_ids=[ids[2], ids[0]])
        assert [line["label"] for line in told["entries"]] == ["三", "一"]
        for wrong in ([ids[0], ids[0]], [ids[1]], [str(uuid4())]):
            answer = await caller.refused(f"/bios/{name}/order", {"entry_ids": wrong}, uuid4().hex)
            assert answer == (400, "invalid_input")
        assert len((await caller.get("/links"))["items"]) == 3, "links of lines that went are counted on"

    calling(work)


def test_a_link_that_is_over_is_not_offered(calling):
    async def work(caller):
        name = await page_of(caller)
        await post(caller, f"/bios/{name}/entries", label="没有了", url=TAOBAO)
        await post(caller, f"/bios/{name}", title="老李", state="live")
        async with caller.room.unit() as unit:
            await unit.fetch("UPDATE link SET state = 'disabled' WHERE merchant_id = $1", unit.merchant_id)
        shown = await seen(caller, name)
        assert "没有了" not in shown.text
        assert "这里还没有链接" in shown.text

    calling(work)


def test_the_switch_for_all_links_closes_the_page_at_once(calling):
    async def work(caller):
        name = await page_of(caller)
        await post(caller, f"/bios/{name}/entries", label="买杯子", url=TAOBAO)
        await post(caller, f"/bios/{name}", title="老李", state="live")
        for is_off, status in ((True, 410), (False, 200)):
            await post(caller, "/link-switch", is_off=is_off)
            shown = await seen(caller, name)
            assert (shown.status_code, "买杯子" in shown.text) == (status, not is_off)
            assert ("这个页面暂时关闭了" in shown.text) == is_off
            (line,) = (await caller.get("/bios"))["items"][0]["entries"]
            assert line["is_open"] == (not is_off)

    calling(work)


ALIKE = [("laoli", "1aoli"), ("laoli", "la0li"), ("laoli", "lao-li"), ("modern", "modem"), ("vvine", "wine")]


@pytest.mark.parametrize(("first", "second"), ALIKE)
def test_names_that_look_alike_are_one(calling, first, second):
    async def work(caller):
        mark = uuid4().hex[:6]
        await post(caller, "/bios", name=f"{first}{mark}", title="一")
        body = {"name": f"{second}{mark}", "title": "二"}
        assert await caller.refused("/bios", body, uuid4().hex) == (409, "bio_name_taken")
        await post(caller, f"/bios/{first}{mark}", title="一", state="live")
        assert (await seen(caller, f"{first}{mark}")).status_code == 200
        assert (await seen(caller, f"{second}{mark}")).status_code == 404

    calling(work)


ODD = [
    "",
    "ab",
    "-abc",
    "abc-",
    "a--b",
    "老李",
    "a" * 41,
    "a/b",
    "a b",
    "<b>",
    "wеchat",
    "taoba0",
    "tao-bao",
    *sorted(RESERVED),
]


def test_odd_and_reserved_names_are_refused(calling):
    async def work(caller):
        for name in ODD:
            body = {"name": name[:40], "title": "一"}
            code = (await caller.refused("/bios", body, uuid4().hex))[1]
            assert code == "invalid_input", name
        assert (await caller.client.get("/u/%00")).status_code == 404
        assert (await caller.client.get("/u/" + "a" * 500)).status_code == 404

    calling(work)


def test_what_is_typed_stays_text(calling):
    async def work(caller):
        name = await page_of(caller)
        evil = '"><script>alert(1)</script>'
        await post(caller, f"/bios/{name}/entries", label=evil, url=TAOBAO)
        await post(caller, f"/bios/{name}", title=evil, about=evil, state="live")
        assert "<script" not in (await seen(caller, name)).text

    calling(work)


def test_a_skeleton_is_its_own():
    for name in RESERVED:
        assert skeleton(skeleton(name)) == skeleton(name)


# the console's editor


async def form(caller, secret, path, **fields):
    return await caller.client.post(path, data={"_csrf_token": secret, **fields})


def test_the_editor_makes_fills_orders_and_publishes_a_page_without_any_script(calling):
    async def work(caller):
        secret, name = await caller.sign_in(), f"li-{uuid4().hex[:8]}"
        empty = await caller.client.get("/bios")
        assert "还没有个人主页" in empty.text
        made = await form(caller, secret, "/bios", name=name.upper(), title="老李")
        assert (made.status_code, made.headers["location"]) == (303, f"/bios/{name}")
        for label in ("一号", "二号"):
            added = await form(caller, secret, f"/bios/{name}/entries", label=label, url=TAOBAO)
            assert added.status_code == 303
        ids = re.findall(
            rf'action="/bios/{name}/entries/([0-9a-f-]+)"', (await caller.client.get(f"/bios/{name}")).text
        )
        await form(caller, secret, f"/bios/{name}/entries/{ids[1]}", move="up")
        await form(caller, secret, f"/bios/{name}/publish")
        shown = (await seen(caller, name)).text
        assert shown.index("二号") < shown.index("一号")
        await form(caller, secret, f"/bios/{name}/entries/{ids[1]}", move="away")
        assert "二号" not in (await seen(caller, name)).text
        files = {"picture": ("", b"", "")}
        data = {"_csrf_token": secret, "title": "老李窑", "about": "周五开窑", "theme": "seal"}
        changed = await caller.client.post(f"/bios/{name}", data=data, files=files)
        assert changed.status_code == 303
        shown = (await seen(caller, name)).text
        assert '<body class="seal">' in shown
        assert "周五开窑" in shown
        await form(caller, secret, f"/bios/{name}/hide")
        assert (await seen(caller, name)).status_code == 404

    calling(work)


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        ("/bios", {"name": "admin", "title": "x"}, 400),
        ("/bios", {"name": "ok-name-1", "title": ""}, 400),
        ("/entries", {"label": "x", "url": "https://evil.example/"}, 400),
        ("/entries", {"label": "x"}, 400),
        ("/entries", {"label": "", "url": TAOBAO}, 400),
    ],
)
def test_what_is_wrong_is_told_on_the_page(calling, path, fields, status):
    async def work(caller):
        name = await page_of(caller)
        secret = await caller.sign_in()
        answer = await form(caller, secret, path if path == "/bios" else f"/bios/{name}{path}", **fields)
        assert "data-refusal" in answer.text
        assert answer.status_code >= status

    calling(work)
