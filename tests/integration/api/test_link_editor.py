"""The editor of a link's rules: what it shows for a form that nobody has saved, what it saves, what it refuses."""

from __future__ import annotations

import re
from uuid import UUID, uuid4

from hutong.links.hosts import settle_check
from hutong.links.models import click
from hutong.merchants.staff import Role, add_staff, open_session
from hutong.web.session import CSRF_FIELD, SESSION_COOKIE, csrf_token

TAOBAO = "https://item.taobao.com/item.htm?id=657"
JD = "https://item.jd.com/100.html"


async def link_to(caller, url=TAOBAO):
    channel = {"kind": "post", "platform": "weibo", "name": "帖子"}
    return await caller.post("/links", {"title": "小面包", "channel": channel, "url": url}, key=uuid4().hex)


class Staff:
    """The owner in a browser."""

    def __init__(self, client, cookie):
        self._client, self._cookie = client, cookie
        self._headers = {"cookie": f"{SESSION_COOKIE}={cookie}", "accept-language": "zh-CN"}

    async def get(self, path):
        return await self._client.get(path, headers=self._headers)

    async def post(self, path, form):
        data = {**form, CSRF_FIELD: csrf_token(self._cookie)}
        return await self._client.post(path, data=data, headers=self._headers)


async def owner(caller):
    async with caller.room.unit() as unit:
        staff_id = await add_staff(unit, uuid4().hex, "店主", uuid4().hex, Role.OWNER)
        return Staff(caller.client, await open_session(unit, staff_id))


RULE = {
    "rules": "1",
    "r1.way": "url",
    "r1.url": JD,
    "r1.containers": ["wechat", "weibo"],
    "r1.from_time": "20:00",
    "r1.until_time": "02:00",
}


def cells(html):
    """Of the preview: app and systems -> rule (0: none) and how it begins."""
    found = {}
    for apps, systems, row in re.findall(
        r'<tr data-containers="([\w ]+)" data-systems="([\w ]+)">(.*?)</tr>', html, re.DOTALL
    ):
        rule = re.search(r"规则 (\d+)", row)
        for app in apps.split():
            found[app, systems] = (int(rule[1]) if rule else 0, re.findall(r'data-first="(\w+)"', row))
    return found


def test_the_preview_shows_every_app_for_a_form_that_is_not_saved(calling):
    async def work(caller):
        link = await link_to(caller)
        staff = await owner(caller)
        page = await staff.get(f"/links/{link['code']}/edit")
        before = cells(page.text)
        assert {app for app, _ in before} >= {"wechat", "xiaohongshu", "douyin", "desktop", "mobile"}
        assert len({app for app, _ in before}) == 22
        assert before["wechat", "ios android"] == (0, ["page"])
        assert before["mobile", "ios android"] == (0, ["scheme"])
        night = await staff.post(f"/links/{link['code']}/preview", {**RULE, "try.at": "2026-11-27T23:30"})
        assert night.status_code == 200, night.text
        assert "<html" not in night.text
        assert cells(night.text)["wechat", "ios android"][0] == 1
        assert cells(night.text)["mobile", "ios android"] == (0, ["scheme"])
        day = await staff.post(f"/links/{link['code']}/preview", {**RULE, "try.at": "2026-11-27T12:00"})
        assert cells(day.text)["wechat", "ios android"][0] == 0
        assert (await caller.get(f"/links/{link['link_id']}/rules"))["revision"] == 0

    calling(work)


OWN = {"rules": "1", "r1.way": "url", "r1.url": "https://shop.example.cn/"}


def test_the_preview_asks_where_visitors_are_asked(calling):
    async def work(caller):
        link, staff = await link_to(caller), await owner(caller)
        added = await caller.post("/hosts", {"host": "shop.example.cn"}, key=uuid4().hex)
        shown = (await staff.post(f"/links/{link['code']}/preview", OWN)).text
        assert set(map(tuple, (first for _, first in cells(shown).values()))) == {("asks",)}
        assert "22 种情况里，0 种直接打开" in shown
        assert "22 种先看到询问页" in shown
        async with caller.room.unit() as unit:
            await settle_check(unit, UUID(added["host_id"]), "")
        shown = (await staff.post(f"/links/{link['code']}/preview", OWN)).text
        assert set(map(tuple, (first for _, first in cells(shown).values()))) == {("page",), ("guide",)}

    calling(work)


def test_the_preview_the_list_and_the_page_of_a_closed_link_say_so(calling):
    async def work(caller):
        link, staff = await link_to(caller), await owner(caller)
        own = f"/links/{link['code']}"

        async def said(**form):
            shown = (await staff.post(f"{own}/preview", {"rules": "0", **form})).text
            standing = re.search(r'data-standing="(\w+)"', shown)
            assert ("直接打开，其余" in shown) == (standing is None)
            assert ("<details>" in shown) == (standing is not None), "what would happen is folded away"
            return standing[1] if standing else "active"

        assert await said() == "active"
        times = {"starts_at": "2030-01-02T08:00", "expires_at": "2030-01-03T08:00"}
        at = [{"try.at": f"2030-01-0{day}T09:00"} for day in (1, 2, 3)]
        assert [await said(**times, **one) for one in at] == ["early", "active", "expired"]
        over = (await staff.post(f"{own}/preview", {"rules": "0", **times, **at[2], "over_url": JD})).text
        assert ("现在谁打开都被带到" in over, JD in over, "data-over-asks" in over) == (True, True, False)
        await caller.post("/hosts", {"host": "shop.example.cn"}, key=uuid4().hex)
        led = {"rules": "0", **times, **at[2], "over_url": "https://shop.example.cn/"}
        assert "先看到询问页，因为网址没有验证。" in (await staff.post(f"{own}/preview", led)).text
        async with caller.room.unit() as unit:
            clicked = {"click_id": uuid4(), "channel_id": uuid4(), "link_id": UUID(link["link_id"])}
            told = {"container": "wechat", "os": "ios", "language": "", "referrer": "none", "address_hash": b"x"}
            await unit.insert(click, **clicked, **told, is_bot=False, clicked_at=unit.now())
        assert [await said(clicks_max=most) for most in ("2", "1")] == ["active", "used_up"]
        await caller.client.patch(f"/api/v1/links/{link['link_id']}/rules", json={"clicks_max": 1})
        for path in ("/links", own):
            assert "次数用完" in (await staff.get(path)).text
        await caller.post("/link-switch", {"is_off": True}, key=uuid4().hex)
        assert await said() == "all_off"
        assert "全部停用" in (await staff.get("/links")).text

    calling(work)


def test_a_link_has_a_title(calling):
    async def work(caller):
        staff, channel = await owner(caller), {"kind": "post", "platform": "weibo", "name": "帖"}
        blank = {"title": "   ", "channel": channel, "url": TAOBAO}
        assert await caller.refused("/links", blank, uuid4().hex) == (400, "invalid_input")
        form = {"title": "　 ", "url": TAOBAO, **{f"channel_{name}": value for name, value in channel.items()}}
        assert (await staff.post("/links", form)).status_code == 400
        assert (await caller.get("/links"))["total"] == 0

    calling(work)


def test_what_is_saved_is_shown_again_and_what_somebody_else_changed_is_not_overwritten(calling):
    async def work(caller):
        link = await link_to(caller)
        staff = await owner(caller)
        edit = f"/links/{link['code']}/edit"
        form = {**RULE, "clicks_max": "100", "utm.source": "weibo", "expires_at": "2027-01-01T08:00", "do": "save"}
        done = await staff.post(edit, {**form, "revision": "0"})
        assert (done.status_code, done.headers["location"]) == (303, f"{edit}?saved=yes")
        kept = await caller.get(f"/links/{link['link_id']}/rules")
        assert kept["rules"][0]["when"]["containers"] == ["wechat", "weibo"]
        assert (kept["clicks_max"], kept["expires_at"], kept["revision"]) == (100, "2027-01-01T00:00:00Z", 1)
        page = (await staff.get(f"{edit}?saved=yes")).text
        assert "已保存" in page
        for name, value in (("r1.key", "r1"), ("r1.url", JD), ("expires_at", "2027-01-01T08:00"), ("revision", "1")):
            assert re.search(rf'name="{re.escape(name)}"[^>]*value="{re.escape(value)}"', page), name
        late = await staff.post(edit, {**form, "revision": "0"})
        assert late.status_code == 422
        assert (await caller.get(f"/links/{link['link_id']}/rules"))["revision"] == 1

    calling(work)


def test_a_field_that_cannot_be_used_is_named_beside_it(calling):
    async def work(caller):
        link = await link_to(caller)
        staff = await owner(caller)
        edit = f"/links/{link['code']}/edit"
        for change, field in (
            ({"r1.url": "https://evil.example/"}, "url"),
            ({"r1.from_date": "yesterday"}, "from_date"),
            ({"r1.until_time": ""}, "until_time"),
            ({"clicks_max": "many"}, "clicks_max"),
            ({"r1.way": "variants", "r1.v1.url": JD, "r1.v1.weight": "1"}, "variants"),
            ({"r1.way": "sku", "r1.sku_id": str(uuid4())}, "sku_id"),
        ):
            refused = await staff.post(edit, {**RULE, **change, "do": "save", "revision": "0"})
            assert refused.status_code == 422, field
            assert re.findall(r'data-fault="(\w+)"', refused.text) == [field]
        assert (await caller.get(f"/links/{link['link_id']}/rules"))["revision"] == 0

    calling(work)


def test_rules_are_added_moved_and_taken_away_before_anything_is_saved(calling):
    async def work(caller):
        link = await link_to(caller)
        staff = await owner(caller)
        edit = f"/links/{link['code']}/edit"
        two = (await staff.post(edit, {**RULE, "do": "add"})).text
        assert re.findall(r'data-rule="(\d+)"', two) == ["1", "2"]
        assert JD in two
        more = {**RULE, "rules": "2", "r2.way": "url", "r2.url": TAOBAO}
        moved = (await staff.post(edit, {**more, "do": "up:2"})).text
        assert re.search(r'name="r2.url"[^>]*value="(.*?)"', moved)[1] == JD
        gone = (await staff.post(edit, {**more, "do": "remove:1"})).text
        assert re.search(r'name="r1.url"[^>]*value="(.*?)"', gone)[1] == TAOBAO
        assert (await caller.get(f"/links/{link['link_id']}/rules"))["revision"] == 0

    calling(work)


def test_a_usual_channel_fills_in_source_and_medium(calling):
    async def work(caller):
        edit = f"/links/{(await link_to(caller))['code']}/edit"
        page = (await (await owner(caller)).post(edit, {**RULE, "utm.campaign": "双十一", "do": "utm:douyin"})).text
        filled = [
            re.search(rf'name="utm.{name}"[^>]*value="(.*?)"', page)[1] for name in ("source", "medium", "campaign")
        ]
        assert filled == ["douyin", "video", "双十一"]

    calling(work)


def test_a_comparison_shows_its_shares(calling):
    async def work(caller):
        link = await link_to(caller)
        staff = await owner(caller)
        form = {"rules": "1", "r1.way": "variants"}
        form |= {"r1.v1.url": JD, "r1.v1.weight": "1", "r1.v2.url": TAOBAO, "r1.v2.weight": "2"}
        shown = await staff.post(f"/links/{link['code']}/preview", form)
        assert "34%" in shown.text
        assert "66%" in shown.text

    calling(work)


def test_a_link_to_a_platform_is_made_by_its_address(calling):
    async def work(caller):
        staff = await owner(caller)
        form = {
            "title": "淘宝",
            "url": TAOBAO,
            "channel_name": "帖",
            "channel_kind": "post",
            "channel_platform": "weibo",
        }
        made = await staff.post("/links", form)
        assert made.status_code == 303
        page = await staff.get(made.headers["location"])
        assert TAOBAO in page.text

    calling(work)


def test_a_password_is_set_changed_and_taken_away_and_never_shown(calling):
    async def work(caller):
        link = await link_to(caller)
        staff = await owner(caller)
        edit, shown = f"/links/{link['code']}/edit", []

        async def save(**form):
            revision = (await caller.get(f"/links/{link['link_id']}/rules"))["revision"]
            answer = await staff.post(edit, {"rules": "0", "revision": str(revision), "do": "save", **form})
            shown.append(answer.text)
            return answer.status_code, (await caller.get(f"/links/{link['link_id']}/rules"))["has_password"]

        async def lock():
            async with caller.room.unit() as unit:
                rows = await unit.fetch("SELECT lock_id FROM link_lock")
            return [row.lock_id for row in rows]

        page = await staff.get(edit)
        assert 'data-lock="off"' in page.text
        assert "data-locked" not in page.text
        assert await save(password="Zz9-abc") == (303, True)
        first = await lock()
        page = await staff.get(edit)
        assert all(sign in page.text for sign in ('data-lock="on"', "已设密码", "data-locked"))
        assert await save() == (303, True)
        assert await lock() == first, "an empty field changes nothing"
        assert await save(password="Zz9-new", password_off="1") == (303, True)
        assert await lock() != first, "another one goes before taking it away"
        assert await save(password="Zz9") == (422, True)
        assert re.findall(r'data-fault="(\w+)"', shown[-1]) == ["password"]
        assert "data-again" in shown[-1]
        looked = await staff.post(f"/links/{link['code']}/preview", {"rules": "0", "password_off": "1"})
        assert "data-locked" not in looked.text
        assert "data-locked" in (await staff.get(f"/links/{link['code']}/share")).text
        assert "已设密码" in (await staff.get("/links")).text
        assert "已设密码" in (await staff.get(f"/links/{link['code']}")).text
        assert await save(password_off="1") == (303, False)
        assert await lock() == []
        looked = await staff.post(f"/links/{link['code']}/preview", {"rules": "0", "password": "Zz9-abc"})
        assert "data-locked" in looked.text
        assert not any("Zz9" in text for text in (*shown, page.text, looked.text))

    calling(work)


def test_saved_untouched_nothing_changes(calling):
    """The fractions of seconds that no field shows included; a moment that is typed anew is what was typed."""

    def fields(page):
        return dict(
            re.findall(r'name="(revision|rules|starts_at|expires_at|clicks_max|over_url)"[^>]*?value="([^"]*)"', page)
        )

    async def work(caller):
        link, staff = await link_to(caller), await owner(caller)
        own, rules = f"/links/{link['code']}/edit", f"/links/{link['link_id']}/rules"
        form = {**fields((await staff.get(own)).text), "do": "save"}
        assert (await staff.post(own, form)).status_code == 303
        assert (await caller.get(rules))["revision"] == 0
        times = {"starts_at": "2030-01-02T08:00:00.250000Z", "expires_at": "2031-01-02T08:00:01.750000Z"}
        set_to = (await caller.client.patch(f"/api/v1{rules}", json={**times, "clicks_max": 7})).json()
        assert (await caller.client.patch(f"/api/v1{rules}", json={**times, "clicks_max": 7})).json() == set_to
        form = {**fields((await staff.get(own)).text), "do": "save"}
        assert (form["revision"], form["clicks_max"]) == ("1", "7")
        assert (await staff.post(own, form)).status_code == 303
        assert await caller.get(rules) == set_to
        await staff.post(own, {**form, "expires_at": "2031-01-02T16:00"})
        changed = await caller.get(rules)
        assert (changed["revision"], changed["starts_at"]) == (2, set_to["starts_at"])
        assert changed["expires_at"] == "2031-01-02T08:00:00Z"

    calling(work)
