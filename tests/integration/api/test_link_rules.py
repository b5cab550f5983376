"""Rules of a link through the API, and where the edge leads by them."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from hutong.core.ids import new_id, new_ids
from hutong.edge.front import LinkFront
from hutong.edge.journal import ClickJournal
from hutong.edge.sink import ClickSink
from hutong.edge.table import LinkTable
from hutong.links.hosts import settle_check
from hutong.links.leaving import leaving_token
from hutong.links.tokens import click_token

ANDROID = "Mozilla/5.0 (Linux; Android 14; K) AppleWebKit/537.36 Chrome/120.0.0.0 Mobile Safari/537.36"
WECHAT = ANDROID + " MicroMessenger/8.0.46.2540(0x28002E3C) WeChat/arm64"
TAOBAO = "https://item.taobao.com/item.htm?id=657"
JD = "https://item.jd.com/100.html"
NOTE = "https://www.xiaohongshu.com/explore/0123456789abcdef01234567"
XIAOHONGSHU = ANDROID + " xiaohongshu"


async def link_to(caller, url=TAOBAO):
    channel = {"kind": "post", "platform": "weibo", "name": "帖子"}
    return await caller.post("/links", {"title": "小面包", "channel": channel, "url": url}, key=uuid4().hex)


async def change(caller, link, **body):
    return await caller.client.patch(f"/api/v1/links/{link['link_id']}/rules", json=body)


class Edge:
    """The link server of one home."""

    def __init__(self, caller, home):
        runtime = caller.runtime
        self.journal = ClickJournal(home / "clicks", slots=1_000)
        self.sink = ClickSink(runtime.database, self.journal)
        table = LinkTable(runtime.database, runtime.clock)
        self.table = table
        self._front = LinkFront(
            self._behind, table, self.sink, runtime.ways, runtime.clock, runtime.link_key, table.guards
        )

    async def _behind(self, scope, receive, send):
        await send({"type": "http.response.start", "status": 410, "headers": []})

    async def visit(self, code, agent=WECHAT, query="", language="zh-CN", address="10.0.0.1", **more):
        """Where a visitor is led; empty for the friendly page."""
        sent = []

        async def send(message):
            sent.append(message)

        headers = [(b"user-agent", agent.encode()), (b"accept-language", language.encode())]
        headers += [(name.replace("_", "-").encode(), value.encode()) for name, value in more.items()]
        scope = {"type": "http", "path": f"/l/{code}", "method": "GET", "headers": headers, "client": (address, 1)}
        await self._front({**scope, "query_string": query.encode()}, None, send)
        return dict(sent[0]["headers"]).get(b"location", b"").decode()


def test_a_link_leads_by_its_rules(calling, tmp_path):
    async def work(caller):
        link = await link_to(caller)
        edge = Edge(caller, tmp_path)
        assert await edge.visit(link["code"]) == TAOBAO
        rules = [
            {"when": {"query_name": "from", "query_value": "jd"}, "url": JD},
            {"when": {"containers": ["mobile"], "languages": ["en"]}, "url": NOTE},
        ]
        changed = await change(caller, link, rules=rules)
        assert changed.status_code == 200, changed.text
        assert [rule["key"] for rule in changed.json()["rules"]] == ["r1", "r2"]
        assert (await caller.get(f"/links/{link['link_id']}/rules")) == changed.json()
        await edge.table.refresh()
        assert await edge.visit(link["code"], query="from=jd") == JD
        assert (await edge.visit(link["code"], ANDROID, language="en-US")).startswith(f"/j/{link['code']}?k=")
        assert (await edge.visit(link["code"], ANDROID, language="en-US")).endswith("&r=r2")
        assert await edge.visit(link["code"]) == TAOBAO
        await edge.sink.flush()
        async with caller.room.unit() as unit:
            rows = await unit.fetch("SELECT choice, count(*) AS n FROM click_choice GROUP BY choice ORDER BY choice")
        assert [(row.choice, row.n) for row in rows] == [("r1", 1), ("r2", 2)]

    calling(work)


def test_the_page_between_leads_by_the_same_rule(calling, tmp_path):
    async def work(caller):
        link = await link_to(caller)
        await change(caller, link, rules=[{"url": NOTE}])
        edge = Edge(caller, tmp_path)
        led = await edge.visit(link["code"], agent=ANDROID)
        shown = await caller.client.get(led, headers={"user-agent": ANDROID})
        assert "xhsdiscover://item/0123456789abcdef01234567" in shown.text
        tell = html.unescape(re.search(r'data-tell="([^"]+)"', shown.text)[1])
        body = {"form": "xiaohongshu_note_scheme", "outcome": "left"}
        assert (await caller.client.post(tell, json=body, headers={"user-agent": ANDROID})).status_code == 204

    calling(work)


def test_rules_that_cannot_be_used_change_nothing(calling):
    async def work(caller):
        link = await link_to(caller)
        await change(caller, link, rules=[{"url": JD}])
        refused = await change(caller, link, rules=[{"url": JD, "when": {"systems": ["ios"]}}, {"url": "https://a.b/"}])
        assert (refused.status_code, refused.json()["code"]) == (400, "rule_broken")
        assert "第 2 条规则的“目标网址”" in refused.text
        refused = await change(caller, link, rules=[{"sku_id": str(uuid4())}])
        assert (refused.status_code, refused.json()["code"]) == (400, "rule_broken")
        kept = await caller.get(f"/links/{link['link_id']}/rules")
        assert (kept["revision"], [rule["url"] for rule in kept["rules"]]) == (1, [JD])
        conflict = await change(caller, link, revision=0, clicks_max=5)
        assert (conflict.status_code, conflict.json()["code"]) == (409, "conflict")

    calling(work)


def test_a_maximum_of_clicks_holds_across_a_restart_and_machines_use_nothing_up(calling, tmp_path):
    async def work(caller):
        link = await link_to(caller)
        await change(caller, link, clicks_max=4, over_url=JD)
        code = link["code"]
        edge = Edge(caller, tmp_path)
        assert [await edge.visit(code) for _ in range(2)] == [TAOBAO] * 2
        assert await edge.visit(code, agent="SomeBot/1.0 bot/") == TAOBAO
        await edge.sink.flush()
        assert await edge.visit(code) == TAOBAO
        edge.journal.close()  # one click is in the journal only
        again = Edge(caller, tmp_path)
        assert await again.visit(code) == TAOBAO
        assert [await again.visit(code) for _ in range(2)] == [JD] * 2
        await change(caller, link, over_url=None)
        await again.table.refresh()
        assert await again.visit(code) == ""

    calling(work)


@pytest.mark.parametrize("ending", ["expires_at", "clicks_max"])
def test_a_link_that_is_over_leads_to_an_unproven_host_by_asking_only(calling, tmp_path, ending):
    async def work(caller):
        host = f"gift-{uuid4().hex[:12]}.example.cn"
        added = await caller.post("/hosts", {"host": host}, key=uuid4().hex)
        link = await link_to(caller)
        code, over_url = link["code"], f"https://{host}/login"
        past = (caller.room.clock.now() - timedelta(days=1)).isoformat()
        changed = await change(
            caller, link, over_url=over_url, **({ending: past} if ending == "expires_at" else {ending: 1})
        )
        assert changed.status_code == 200, changed.text
        edge = Edge(caller, tmp_path)
        if ending == "clicks_max":
            assert await edge.visit(code) == TAOBAO

        async def led():
            caller.room.clock.advance(seconds=1)
            await edge.table.refresh()
            return await edge.visit(code)

        asked = await led()
        assert asked.startswith(f"/x/{code}?k=")
        shown = await caller.client.get(asked)
        assert (shown.status_code, f'href="{over_url}"' in shown.text, host in shown.text) == (200, True, True)
        async with caller.room.unit() as unit:
            await settle_check(unit, UUID(added["host_id"]), "")
        assert await led() == over_url, "proven, it is led to straight"
        await caller.post(f"/hosts/{added['host_id']}/remove", key=uuid4().hex)
        asked = await led()
        assert asked.startswith(f"/x/{code}?k=")
        shown = await caller.client.get(asked)
        assert (shown.status_code, host in shown.text) == (410, False), "nobody's host: there is no way on"

    calling(work)


def test_a_preview_is_told_no_more_of_a_rules_unproven_host_than_a_visitor(calling, tmp_path):
    async def work(caller):
        host = f"gift-{uuid4().hex[:12]}.example.cn"
        await caller.post("/hosts", {"host": host}, key=uuid4().hex)
        link = await link_to(caller)
        await change(caller, link, rules=[{"url": f"https://{host}/login"}])
        edge = Edge(caller, tmp_path)
        for agent in (WECHAT, "Twitterbot/1.0"):
            assert (await edge.visit(link["code"], agent)).startswith(f"/x/{link['code']}?k=")

    calling(work)


def test_a_link_has_a_beginning_and_an_end(calling, tmp_path):
    async def work(caller):
        link = await link_to(caller)
        now = caller.room.clock.now()
        starts_at, expires_at = now + timedelta(hours=1), now + timedelta(hours=2)
        await change(caller, link, starts_at=starts_at.isoformat(), expires_at=expires_at.isoformat())
        edge = Edge(caller, tmp_path)
        assert await edge.visit(link["code"]) == ""
        early = await caller.client.get(f"/l/{link['code']}")
        assert (early.status_code, "活动还没有开始" in early.text) == (410, True)
        caller.room.clock.advance(minutes=61)
        assert await edge.visit(link["code"]) == TAOBAO
        caller.room.clock.advance(minutes=60)
        assert await edge.visit(link["code"]) == ""

    calling(work)


def test_clicks_on_a_link_that_is_closed_are_kept_and_count_for_nobody(calling, tmp_path):
    async def work(caller):
        over, used, early, off = [(await link_to(caller)) for _ in range(4)]
        now = caller.room.clock.now()
        await change(caller, over, over_url=JD, expires_at=(now - timedelta(hours=1)).isoformat())
        await change(caller, used, clicks_max=1)
        await change(caller, early, starts_at=(now + timedelta(hours=1)).isoformat())
        await caller.post(f"/links/{off['code']}/disable", {}, key=uuid4().hex)
        edge = Edge(caller, tmp_path)
        assert await edge.visit(over["code"]) == JD
        assert [await edge.visit(used["code"]) for _ in range(3)] == [TAOBAO, "", ""]
        assert (await edge.visit(early["code"]), await edge.visit(off["code"]), await edge.visit("nobodys")) == (
            "",
        ) * 3
        assert await edge.visit(off["code"], agent="SomeBot/1.0 bot/") == ""
        await edge.sink.flush()
        kept = (await caller.get("/clicks"))["items"]
        assert sorted((one["link_id"], one["machine"], one["outcome"]) for one in kept) == sorted(
            [
                (over["link_id"], "closed", "closed"),
                (used["link_id"], "", "straight"),
                *[(used["link_id"], "closed", "closed")] * 2,
                (early["link_id"], "closed", "closed"),
                (off["link_id"], "closed", "closed"),
                (off["link_id"], "other", "closed"),
            ]
        )
        assert len((await caller.client.get("/api/v1/clicks", params={"outcome": "closed"})).json()["items"]) == 6
        assert {one["code"]: one["clicks"] for one in (await caller.get("/links"))["items"]} == {
            used["code"]: 1,
            **{one["code"]: 0 for one in (over, early, off)},
        }

    calling(work)


async def standing(caller, link):
    """Where a link stands, as the list of links has it, and whether its state was left as it is."""
    (item,) = (one for one in (await caller.get("/links"))["items"] if one["code"] == link["code"])
    return item["standing"], item["state"]


async def behind(caller, link):
    """What the pages behind a click answer, made just now: of ways, that asks first, and the card."""
    code, click_id, key = link["code"], new_id(caller.room.clock.now()), caller.runtime.link_key
    tokens = {"j": click_token(key, click_id, code), "x": leaving_token(key, click_id, code), "card": ""}
    asked = [await caller.client.get(f"/{page}/{code}", params={"k": token}) for page, token in tokens.items()]
    return [answer.status_code for answer in asked], asked[0]


def test_behind_the_click_a_link_is_as_closed_as_before_it(calling):
    async def work(caller):
        link = await link_to(caller)
        now = caller.room.clock.now()
        assert await standing(caller, link) == ("active", "active")
        await change(caller, link, starts_at=(now + timedelta(hours=1)).isoformat())
        told, page = await behind(caller, link)
        assert (told, "活动还没有开始" in page.text) == ([410] * 3, True)
        assert await standing(caller, link) == ("early", "active")
        await change(caller, link, starts_at=None, expires_at=(now + timedelta(minutes=2)).isoformat())
        assert (await behind(caller, link))[0] == [302, 200, 200]
        caller.room.clock.advance(minutes=2)
        told, page = await behind(caller, link)
        assert (told, "这条链接现在打不开了" in page.text) == ([410] * 3, True)
        assert await standing(caller, link) == ("expired", "active")
        await change(caller, link, over_url=JD)
        told, page = await behind(caller, link)
        assert (told, page.headers["location"]) == ([302, 302, 410], JD), "as the link itself"
        await caller.post(f"/links/{link['code']}/disable")
        assert (await behind(caller, link))[0] == [410] * 3
        assert await standing(caller, link) == ("off", "disabled")
        await caller.post(f"/links/{link['code']}/enable")
        await caller.post("/link-switch", {"is_off": True}, key=uuid4().hex)
        assert await standing(caller, link) == ("all_off", "active")
        assert (await behind(caller, link))[0] == [410] * 3

    calling(work)


def test_where_a_link_that_is_over_leads_is_asked_for_by_a_click(calling):
    async def work(caller):
        link = await link_to(caller)
        past = (caller.room.clock.now() - timedelta(hours=1)).isoformat()
        await change(caller, link, over_url=JD, expires_at=past)
        for page in ("j", "b", "x"):
            answer = await caller.client.get(f"/{page}/{link['code']}")
            assert (answer.status_code, answer.headers["location"]) == (302, f"/l/{link['code']}")

    calling(work)


@pytest.mark.parametrize("name", ["p", "u"])
def test_names_of_our_own_parameters_are_no_rules(calling, name):
    async def work(caller):
        link = await link_to(caller)
        refused = await change(caller, link, rules=[{"when": {"query_name": name}, "url": JD}])
        assert (refused.status_code, refused.json()["code"]) == (400, "rule_broken")

    calling(work)


def test_a_link_is_used_up_by_people_and_the_last_of_them_is_led_on(calling, tmp_path):
    async def work(caller):
        link = await link_to(caller)
        await change(caller, link, clicks_max=2)
        edge = Edge(caller, tmp_path)
        assert [await edge.visit(link["code"], agent=agent) for agent in ("SomeBot/1.0 bot/", WECHAT)] == [TAOBAO] * 2
        assert await edge.visit(link["code"], sec_fetch_dest="image") == TAOBAO, "a picture on somebody's page"
        await edge.sink.flush()
        assert await standing(caller, link) == ("active", "active")
        last = await edge.visit(link["code"], agent=ANDROID)
        await edge.sink.flush()
        assert await standing(caller, link) == ("used_up", "active")
        assert (await caller.client.get(last, headers={"user-agent": ANDROID})).status_code == 200
        assert await edge.visit(link["code"]) == ""

    calling(work)


@pytest.mark.parametrize("zone", ["", "Nowhere/Else"])
def test_a_time_zone_has_to_be_one(calling, zone):
    async def work(caller):
        link = await link_to(caller)
        assert (await change(caller, link, zone=zone)).status_code == 400

    calling(work)


async def sold(caller, link, choice, clicks, orders, at):
    """Clicks that a variant led, some of which became an order, as the link server and the reactions leave them."""
    ids = new_ids(at, clicks)
    async with caller.room.database.plain("ingest") as connection:
        for table, columns, given in (
            ("click", "channel_id, container, os, language, referrer, address_hash, is_bot, clicked_at", True),
            ("click_choice", "choice", False),
        ):
            values = "gen_random_uuid(), 'wechat', 'ios', 'zh', 'none', '\\x00', false, :at" if given else ":choice"
            await connection.execute(
                text(
                    f"INSERT INTO {table} (merchant_id, link_id, click_id, {columns}) "
                    f"SELECT :merchant, :link, id, {values} FROM unnest(CAST(:ids AS uuid[])) AS id"
                ),
                {"merchant": caller.room.merchant_id, "link": link["link_id"], "ids": ids}
                | ({"at": at} if given else {"choice": choice}),
            )
    async with caller.room.unit() as unit:
        await unit.fetch(
            "INSERT INTO sale_fact (merchant_id, order_id, source, link_id, click_id, container, is_refund, "
            "gross_minor, refunded_minor, currency, paid_at) SELECT $1, gen_random_uuid(), 'own', $2, id, "
            "'wechat', false, 100, 0, 'CNY', $3 FROM unnest($4::uuid[]) AS id",
            caller.room.merchant_id,
            UUID(link["link_id"]),
            at,
            ids[:orders],
        )


def test_a_comparison_names_its_winner_after_a_whole_week(calling):
    async def work(caller):
        link = await link_to(caller)
        variants = [{"weight": 1, "url": JD}, {"weight": 1, "url": NOTE}, {"weight": 0, "url": TAOBAO}]
        await change(caller, link, rules=[{"variants": variants}])
        place = f"/links/{link['link_id']}/comparisons"
        assert (await caller.get(place))["items"][0]["winner"] is None
        now = caller.room.clock.now()
        await sold(caller, link, "r1.v1", 400, 10, now)
        await sold(caller, link, "r1.v2", 400, 40, now)
        [before] = (await caller.get(place))["items"]
        assert [(one["choice"], one["clicks"], one["orders"]) for one in before["variants"]] == [
            ("r1.v1", 400, 10),
            ("r1.v2", 400, 40),
        ]
        assert (before["weeks"], before["winner"]) == (0, None)
        assert before["variants"][1]["chance_bps"] > 9_900
        caller.room.clock.advance(days=7)
        [after] = (await caller.get(place))["items"]
        assert (after["rule"], after["weeks"], after["winner"]) == (1, 1, "r1.v2")
        await sold(caller, link, "r1.v1", 400, 300, caller.room.clock.now())
        [later] = (await caller.get(place))["items"]
        assert later["variants"][0]["chance_bps"] > 9_900, "what came after the week's end is shown"
        assert later["winner"] == "r1.v2", "and decides nothing before the next"

    calling(work)


async def opened(caller, address, agent=ANDROID):
    return await caller.client.get(address, headers={"user-agent": agent}, follow_redirects=False)


def test_who_changes_the_choice_in_the_address_has_no_click_there(calling, tmp_path):
    async def work(caller):
        link = await link_to(caller)
        rules = [{"when": {"query_name": "vip", "query_value": "secret"}, "url": JD}, {"url": NOTE}]
        await change(caller, link, rules=rules)
        edge = Edge(caller, tmp_path)
        led = await edge.visit(link["code"], agent=ANDROID)
        assert led.endswith("&r=r2")
        assert (await opened(caller, led)).status_code == 200
        for other in ("&r=r1", "", "&r=", "&r=r3"):
            astray = await opened(caller, led.replace("&r=r2", other))
            assert (astray.status_code, astray.headers["location"]) == (302, f"/l/{link['code']}")
            told = await caller.client.post(
                led.replace("&r=r2", other).replace("?", "/tries?"), json={"form": "page", "outcome": "left"}
            )
            assert told.status_code == 404

    calling(work)


def test_a_buyer_does_not_choose_the_cheaper_goods(calling, tmp_path):
    async def work(caller):
        product = (await caller.post("/products", {"title": "杯"}, key=uuid4().hex))["product_id"]
        skus = []
        for price in (2990, 12800):
            body = {"product_id": product, "seller_code": uuid4().hex, "price_fen": price, "stock": 5}
            skus.append((await caller.post("/skus", body, key=uuid4().hex))["sku_id"])
        link = await link_to(caller)
        await change(caller, link, rules=[{"variants": [{"sku_id": sku, "weight": 1} for sku in skus]}])
        led = await Edge(caller, tmp_path).visit(link["code"])
        mine = re.search(r"&r=(r1\.v[12])$", led)[1]
        other = {"r1.v1": "r1.v2", "r1.v2": "r1.v1"}[mine]
        assert (await opened(caller, led)).headers["location"].startswith("/c/")
        assert (await opened(caller, led.replace(mine, other))).headers["location"] == f"/l/{link['code']}"

    calling(work)


def test_the_parameters_go_with_the_visitor_and_whom_he_forwards_to(calling, tmp_path):
    async def work(caller):
        link = await link_to(caller)
        await change(caller, link, rules=[{"when": {"query_name": "city", "query_value": "上海"}, "url": JD}])
        edge = Edge(caller, tmp_path)
        led = await edge.visit(link["code"], agent=XIAOHONGSHU, query="city=%E4%B8%8A%E6%B5%B7&x=1")
        page = await opened(caller, led, XIAOHONGSHU)
        assert page.status_code == 200
        with_them = f"/l/{link['code']}?city=%E4%B8%8A%E6%B5%B7&amp;x=1"
        assert with_them in page.text
        caller.room.clock.advance(minutes=5)  # a friend's browser has no mark of the click
        caller.client.cookies.clear()
        friend = urlsplit((await opened(caller, led, XIAOHONGSHU)).headers["location"])
        assert friend.path == f"/l/{link['code']}"
        asked = parse_qs(friend.query)
        assert (asked["city"], asked["x"], set(asked)) == (["上海"], ["1"], {"city", "x", "p"})
        assert "&r=r1" in await edge.visit(link["code"], agent=XIAOHONGSHU, query=friend.query)

    calling(work)


def test_a_share_code_is_not_offered_for_where_a_rule_leads(calling, tmp_path):
    async def work(caller):
        channel = {"kind": "post", "platform": "weibo", "name": "帖子"}
        body = {"title": "小面包", "channel": channel, "url": TAOBAO, "share_code": "￥dAEYbi4KO4D￥"}
        link = await caller.post("/links", body, key=uuid4().hex)
        await change(caller, link, rules=[{"when": {"languages": ["en"]}, "url": JD}])
        edge = Edge(caller, tmp_path)
        for language, offered in (("zh-CN", True), ("en-US", False)):
            led = await edge.visit(link["code"], agent=XIAOHONGSHU, language=language)
            page = await opened(caller, led, XIAOHONGSHU)
            assert page.status_code == 200
            assert ("￥dAEYbi4KO4D￥" in page.text) is offered

    calling(work)
