"""Rules of a link through the API, and where the edge leads by them."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from hutong.core.ids import new_ids
from hutong.edge.front import LinkFront
from hutong.edge.guards import LOOKS_BETWEEN_MAX
from hutong.edge.journal import ClickJournal
from hutong.edge.sink import ClickSink
from hutong.edge.table import LinkTable
from hutong.links.hosts import settle_check

ANDROID = "Mozilla/5.0 (Linux; Android 14; K) AppleWebKit/537.36 Chrome/120.0.0.0 Mobile Safari/537.36"
WECHAT = ANDROID + " MicroMessenger/8.0.46.2540(0x28002E3C) WeChat/arm64"
TAOBAO = "https://item.taobao.com/item.htm?id=657"
JD = "https://item.jd.com/100.html"
NOTE = "https://www.xiaohongshu.com/explore/0123456789abcdef01234567"


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

    async def visit(self, code, agent=WECHAT, query="", language="zh-CN", address="10.0.0.1"):
        """Where a visitor is led; empty for the friendly page."""
        sent = []

        async def send(message):
            sent.append(message)

        headers = [(b"user-agent", agent.encode()), (b"accept-language", language.encode())]
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
        tell = led.replace("?", "/tries?")
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
            for _ in range(LOOKS_BETWEEN_MAX):  # hosts of tests before have later moments than this one's
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
