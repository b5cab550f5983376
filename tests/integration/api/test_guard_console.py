"""The console's pages of own hosts and the switches, as an owner, a clerk and another site see them."""

from __future__ import annotations

from uuid import UUID, uuid4

from sqlalchemy import select

from hutong.links.hosts import list_hosts, settle_check
from hutong.merchants.models import audit
from hutong.merchants.staff import Role, add_staff, open_session
from hutong.web.session import CSRF_FIELD, SESSION_COOKIE, csrf_token

CHANNEL = {"kind": "post", "platform": "weibo", "name": "帖子"}


async def ready(caller):
    """A link's code, an owner signed in, and his way to send forms."""
    body = {"title": "茶", "channel": CHANNEL, "url": "https://weibo.com/1/a"}
    code = (await caller.post("/links", body, key=uuid4().hex))["code"]
    token = await caller.sign_in()

    async def send(path, **form):
        return await caller.client.post(path, data={CSRF_FIELD: token, **form}, follow_redirects=False)

    async def page(path):
        answer = await caller.client.get(path)
        assert answer.status_code == 200
        return answer.text

    return code, send, page


async def hosts(caller):
    async with caller.room.unit() as unit:
        return await list_hosts(unit)


def test_a_host_is_added_proven_used_and_removed(calling):
    async def work(caller):
        code, send, page = await ready(caller)
        assert "还没有自有网址" in await page("/hosts")
        name = f"shop-{uuid4().hex[:8]}.example.cn"
        assert (await send("/hosts", host=name.upper())).headers["location"] == "/hosts"
        (host,) = await hosts(caller)
        shown = await page("/hosts")
        assert all(words in shown for words in (f'data-host="{name}"', host.proof_url, host.proof_line, "等待证明"))
        async with caller.room.unit() as unit:
            await settle_check(unit, host.host_id, "")
        shown = await page("/hosts")
        assert "已验证" in shown
        assert host.proof_line not in shown, "the steps are done"
        assert f"https://{name}/l/{code}" not in await page(f"/links/{code}")
        assert (await send(f"/hosts/{host.host_id}/show", to="on")).status_code == 303
        for path in (f"/links/{code}", "/hosts"):
            assert name in await page(path)
        assert f"https://{name}/l/{code}" in await page(f"/links/{code}")
        assert (await send(f"/hosts/{host.host_id}/show", to="off")).status_code == 303
        assert f"https://{name}/l/{code}" not in await page(f"/links/{code}")
        assert (await send(f"/hosts/{host.host_id}/remove")).status_code == 303
        assert await hosts(caller) == ()
        assert (await send("/hosts", host="item.taobao.com")).status_code == 400

    calling(work)


def test_the_list_says_which_links_ask_first(calling):
    async def work(caller):
        name = f"shop-{uuid4().hex[:8]}.example.cn"
        made = await caller.post("/hosts", {"host": name}, key=uuid4().hex)
        body = {"title": "茶", "channel": CHANNEL, "url": f"https://{name}/tea"}
        code = (await caller.post("/links", body, key=uuid4().hex))["code"]
        _, _, page = await ready(caller)
        assert (await page("/links")).count("网址未验证") == 1
        assert "目标网址没有验证。" in await page(f"/links/{code}")
        async with caller.room.unit() as unit:
            await settle_check(unit, UUID(made["host_id"]), "")
        assert "网址未验证" not in await page("/links")
        assert "目标网址没有验证。" not in await page(f"/links/{code}")

    calling(work)


def test_switches_work_from_the_pages_and_are_written_down(calling):
    async def work(caller):
        code, send, page = await ready(caller)
        assert (await send(f"/links/{code}/switch", to="off")).headers["location"] == f"/links/{code}"
        assert "恢复这条链接" in await page(f"/links/{code}")
        assert "已停用" in await page("/links")
        await send(f"/links/{code}/switch", to="on")
        assert "停用这条链接" in await page(f"/links/{code}")
        await send("/hosts/switch", to="off")
        assert "data-off" in await page("/hosts")
        assert "全部链接都已停用。" in await page(f"/links/{code}")
        await send("/hosts/switch", to="on")
        assert "data-off" not in await page("/hosts")
        async with caller.room.unit() as unit:
            rows = await unit.all(select(audit.c.action, audit.c.actor).where(audit.c.merchant_id == unit.merchant_id))
        told = [row.action for row in rows if row.actor.startswith("staff:")]
        assert sorted(told) == ["link.disable", "link.enable", "links.disable", "links.enable"]

    calling(work)


def test_a_clerk_switches_a_link_off_and_not_all_of_them(calling):
    async def work(caller):
        code, _, _ = await ready(caller)
        async with caller.room.unit() as unit:
            staff_id = await add_staff(unit, uuid4().hex, "店员", uuid4().hex, Role.CLERK)
            cookie = await open_session(unit, staff_id)
        caller.client.headers["cookie"] = f"{SESSION_COOKIE}={cookie}"
        form = {CSRF_FIELD: csrf_token(cookie), "to": "off", "host": "shop.example.cn"}
        for path in ("/hosts", "/hosts/switch"):
            assert (await caller.client.post(path, data=form, follow_redirects=False)).status_code == 403
        assert (await caller.client.get("/hosts")).status_code == 403
        assert 'href="/hosts"' not in (await caller.client.get("/orders")).text
        assert (await caller.client.post(f"/links/{code}/switch", data=form, follow_redirects=False)).status_code == 303

    calling(work)


def test_another_site_presses_no_switch(calling):
    async def work(caller):
        code, _, page = await ready(caller)
        for path in (f"/links/{code}/switch", "/hosts/switch", "/hosts"):
            answer = await caller.client.post(
                path, data={"to": "off", "host": "shop.example.cn"}, follow_redirects=False
            )
            assert answer.status_code == 403
        assert "data-off" not in await page("/hosts")
        assert "停用这条链接" in await page(f"/links/{code}")

    calling(work)
