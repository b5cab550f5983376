"""A link that asks for a password: set, changed and taken away; and every door to where it leads, shut without it."""

from __future__ import annotations

import asyncio
import gzip
import importlib
import json
import pkgutil
import re
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
from litestar import Controller
from litestar.handlers import HTTPRouteHandler

from hutong.crypto.digests import sha256
from hutong.edge.front import LinkFront
from hutong.edge.journal import ClickJournal
from hutong.edge.names import CODE_PATHS
from hutong.edge.sink import ClickSink
from hutong.edge.table import LinkTable
from hutong.links.guesses import ADDRESS_PACE
from hutong.links.lock_tokens import COOKIE_LIFE, PASS_COOKIE, pass_token
from hutong.web import buyer
from hutong.web.buyer.forwards import FRESH
from hutong.web.buyer.locks import BODY_BYTES_MAX

ANDROID = "Mozilla/5.0 (Linux; Android 14; K) AppleWebKit/537.36 Chrome/120.0.0.0 Mobile Safari/537.36"
WECHAT = ANDROID + " MicroMessenger/8.0.46.2540(0x28002E3C) WeChat/arm64"
COMPUTER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120.0.0.0 Safari/537.36"
BOT = "facebookexternalhit/1.1"
SPIDER = COMPUTER + " Googlebot/2.1"
TAOBAO = "https://item.taobao.com/item.htm?id=657"
JD = "https://item.jd.com/100.html"
OWN = "https://shop.example.cn/secret"
WORD = "Frühstück 早餐"


class Visitor:
    """A browser in front of edge and pages; ``cookies`` False: one that loses them."""

    def __init__(self, world, agent=WECHAT, address="8.8.4.4", *, cookies=True):
        transport = httpx.ASGITransport(app=world.front, client=(address, 1))
        self.client = httpx.AsyncClient(transport=transport, base_url="http://hub", headers={"user-agent": agent})
        self._keeps = cookies

    async def get(self, address, **given):
        return self._kept(await self.client.get(address, **given))

    async def type(self, address, word, **given):
        return self._kept(await self.client.post(address, data={"password": word}, **given))

    async def led(self, address, word):
        """Where the right password leads, as the page that follows it goes on by itself."""
        onward = onward_in(await self.type(address, word))
        return (await self.get(onward)).headers.get("location", "")

    def _kept(self, answer):
        if not self._keeps:
            self.client.cookies.clear()
        return answer


def onward_in(answer):
    assert answer.status_code == 200, answer.text
    return re.search(r'http-equiv="refresh" content="0;url=([^"]+)"', answer.text)[1].replace("&amp;", "&")


class World:
    """Edge and pages of one merchant."""

    def __init__(self, caller, home):
        self.caller, self.runtime = caller, caller.runtime
        self.journal = ClickJournal(home / f"clicks-{uuid4().hex}", slots=200)
        self.sink = ClickSink(caller.room.database, self.journal)
        self.table = LinkTable(caller.room.database, caller.room.clock)
        app = caller.client._transport.app
        clock, key = caller.room.clock, self.runtime.link_key
        self.front = LinkFront(app, self.table, self.sink, self.runtime.ways, clock, key, self.table.guards)

    async def link(self, **body):
        channel = {"kind": "post", "platform": "weibo", "name": "帖子"}
        body = {"title": "密件", "channel": channel, "url": TAOBAO, **body}
        return await self.caller.post("/links", {k: v for k, v in body.items() if v}, key=uuid4().hex)

    async def goods(self, title):
        product = await self.caller.post("/products", {"title": title}, key=uuid4().hex)
        sku = {"product_id": product["product_id"], "seller_code": uuid4().hex, "price_fen": 4990, "stock": 9}
        made = await self.caller.post("/skus", sku, key=uuid4().hex)
        return await self.link(url=None, sku_id=made["sku_id"])

    async def own(self, host):
        await self.caller.post("/hosts", {"host": host}, key=uuid4().hex)
        return await self.link(url=f"https://{host}/tea")

    async def change(self, link, **body):
        answer = await self.caller.client.patch(f"/api/v1/links/{link['link_id']}/rules", json=body)
        assert answer.status_code == 200, answer.text
        await self.table.refresh()
        return answer.json()

    async def clicks(self):
        await self.sink.drain()
        async with self.caller.room.unit() as unit:
            rows = await unit.fetch("SELECT machine, is_bot FROM click")
        return sorted((row.machine, row.is_bot) for row in rows)


@pytest.fixture
def locking(calling, tmp_path):
    def run(work):
        async def inner(caller):
            world = World(caller, tmp_path)
            try:
                await work(world)
            finally:
                world.journal.close()

        calling(inner)

    return run


def test_the_right_password_leads_where_the_link_led_and_the_wrong_one_nowhere(locking):
    async def work(world):
        link = await world.link()
        path = f"/l/{link['code']}"
        before = await world.caller.get(f"/links/{link['link_id']}/rules")
        assert before["has_password"] is False
        assert (await world.change(link, password=WORD))["has_password"] is True
        visitor = Visitor(world)
        page = await visitor.get(path)
        assert (page.status_code, page.headers["cache-control"]) == (200, "no-store")
        assert "请输入密码" in page.text
        wrong = await visitor.type(path, "nein")
        assert (wrong.status_code, "密码不对" in wrong.text) == (403, True)
        assert PASS_COOKIE not in visitor.client.cookies
        # Typed on another keyboard: full-width signs and a space too many are the same password.
        assert await visitor.led(path, " Ｆrühstück　早餐 ") == TAOBAO
        assert (await visitor.get(path)).headers["location"] == TAOBAO
        assert await world.clicks() == [("", False), ("", False), ("locked", True)]

    locking(work)


def test_a_browser_that_loses_cookies_gets_there_and_its_address_opens_nothing_later(locking, room):
    async def work(world):
        link = await world.link()
        await world.change(link, password=WORD)
        path = f"/l/{link['code']}?from=poster"
        visitor = Visitor(world, cookies=False)
        onward = onward_in(await visitor.type(path, WORD))
        assert onward.endswith("&from=poster")
        assert (await visitor.get(onward)).headers["location"] == TAOBAO
        assert (await visitor.get(path)).status_code == 200, "asked again"
        room.clock.advance(seconds=61)
        assert (await visitor.get(onward)).status_code == 200

    locking(work)


def test_another_password_ends_what_the_one_before_opened_and_none_opens_it_to_all(locking, room):
    async def work(world):
        link = await world.link(url=JD)
        await world.change(link, password=WORD)
        path = f"/l/{link['code']}"
        visitor = Visitor(world, ANDROID)
        jump = await visitor.led(path, WORD)
        assert jump.startswith(f"/j/{link['code']}?k=")
        assert "openapp.jdmobile" in (await visitor.get(jump)).text
        await world.change(link, password=f"{WORD}!", clicks_max=5)
        assert (await visitor.get(path)).status_code == 200, "asked again"
        assert (await visitor.get(jump)).headers["location"] == path, "what was open is shut"
        assert (await visitor.type(path, WORD)).status_code == 403
        assert await visitor.led(path, f"{WORD}!")
        room.clock.advance(seconds=COOKIE_LIFE.total_seconds() + 1)
        assert (await visitor.get(path)).status_code == 200
        changed = await world.change(link, password=None)
        assert (changed["has_password"], changed["clicks_max"]) == (False, 5)
        assert "location" in (await visitor.get(path)).headers
        assert (await visitor.type(path, "anything")).status_code == 200, "a page that was open leads on"

    locking(work)


@pytest.mark.parametrize("word", ["123", "", " 　 12 3".replace(" 3", ""), "x" * 65, "\u200b12\u200b3"])
def test_a_password_that_cannot_be_used_is_refused_without_being_told(locking, word):
    async def work(world):
        link = await world.link()
        answer = await world.caller.client.patch(f"/api/v1/links/{link['link_id']}/rules", json={"password": word})
        assert (answer.status_code, answer.json()["code"]) == (400, "rule_broken")
        assert "“密码”" in answer.text
        if word.strip():
            assert word not in answer.text
        assert (await world.caller.get(f"/links/{link['link_id']}/rules"))["revision"] == 0

    locking(work)


def test_links_are_made_with_passwords_one_or_many_and_nothing_but_hashes_is_kept(locking):
    async def work(world):
        one = await world.link(password=WORD)
        channel = {"kind": "post", "platform": "weibo", "name": "帖子"}
        rows = [{"title": "密", "channel": channel, "url": TAOBAO, "password": word} for word in (WORD, WORD, "123")]
        made = await world.caller.post("/links/bulk", {"rows": [*rows, {**rows[0], "password": None}]}, key=uuid4().hex)
        assert (made["made"], made["refused"], made["rows"][2]["problem"]["code"]) == (3, 1, "rule_broken")
        many = [{**rows[0], "password": f"word-{number}"} for number in range(21)]
        tried = await world.caller.post("/links/bulk", {"rows": many, "dry_run": True}, key=uuid4().hex)
        assert [row["row"] for row in tried["rows"] if row["problem"]] == [21]
        listed = (await world.caller.get("/links"))["items"]
        locked = {row["code"] for row in listed if row["has_password"]}
        assert locked == {one["code"], made["rows"][0]["code"], made["rows"][1]["code"]}
        for code in locked:
            assert (await Visitor(world, cookies=False).type(f"/l/{code}", WORD)).status_code == 200
        async with world.caller.room.unit() as unit:
            kept = await unit.fetch("SELECT password_hash FROM link_lock")
            assert all(row.password_hash.startswith("$argon2id$") for row in kept)
            tables = await unit.fetch(
                "SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace "
                "AND has_table_privilege(oid, 'SELECT')"
            )
            assert {"link_lock", "idempotency", "click", "outbox"} <= {table.name for table in tables}
            for table in tables:
                rows = await unit.fetch(f'SELECT CAST(t AS text) AS said FROM "{table.name}" AS t')
                assert not any(WORD in row.said or WORD.encode().hex() in row.said for row in rows), table.name

    locking(work)


#: What a link of each kind must not tell: where it leads, what it sells, what it is shared as.
SECRETS = ("657812345678", "item.taobao", "secret.example", "秘密面包", "49.90", "卡片上的字", "/c/", "￥口令￥")
#: Every address of the buyers' pages that has to do with a link; the test below says why each of them is shut.
DOORS = {
    "/l/{code:str}": "the link: the edge asks; what it hands on is a page without a destination, and the form",
    "/lock/{code:str}": "the page that asks",
    "/b/{code:str}": "the desk: its token is sealed with the password",
    "/j/{code:str}": "the ways: the same",
    "/j/{code:str}/tries": "what became of a way: the same",
    "/x/{code:str}": "the page that asks first: the same, and for a minute",
    "/card/{code:str}": "what it is shared as: the page that asks",
    "/r/{code:str}": "the report: names the link alone",
    "/u/{name:str}": "a page of links: names links alone",
    "/pictures/{name:str}": "a picture by its digest: only a card that is shown tells its name",
}
#: Of the buyers' pages those that no link's code opens: a cash desk by its id, a shop's own code.
OTHERS = ("/c/", "/s/")


def test_every_door_is_in_the_list():
    """A new one has to be, and to be tried below."""
    found = set()
    for module in pkgutil.iter_modules(buyer.__path__, f"{buyer.__name__}."):
        for each in vars(importlib.import_module(module.name)).values():
            if isinstance(each, type) and issubclass(each, Controller) and each is not Controller:
                place = each.path if isinstance(each.path, str) else ""
                handlers = [one for one in vars(each).values() if isinstance(one, HTTPRouteHandler)]
                found |= {f"{place}{path}" for handler in handlers for path in handler.paths}
    assert {path for path in found if not path.startswith(OTHERS)} == set(DOORS)
    assert {door.split("/")[1] for door in DOORS} >= CODE_PATHS


def test_of_a_repeated_request_no_digest_is_kept_that_a_short_password_is_guessed_from(locking):
    async def work(world):
        channel = {"kind": "post", "platform": "weibo", "name": "帖子"}
        body = json.dumps({"title": "密", "channel": channel, "url": TAOBAO, "password": "1234"}).encode()
        heads = {"content-type": "application/json", "idempotency-key": uuid4().hex}
        made = [await world.caller.client.post("/api/v1/links", content=body, headers=heads) for _ in range(2)]
        assert made[0].status_code == 201
        assert made[0].content == made[1].content
        async with world.caller.room.unit() as unit:
            (kept,) = await unit.fetch("SELECT request_digest FROM idempotency")
        assert kept.request_digest != sha256(b"POST /api/v1/links\n" + body)

    locking(work)


async def everything(visitor, address, method="GET"):
    """All that a visitor is told on the way from an address, and where he ends."""
    told, answer = [], None
    for _ in range(6):
        answer = await visitor.client.request(method, address)
        address = answer.headers.get("location", "")
        told.append(f"{address} {answer.text}")
        if not address.startswith("/"):
            return " ".join(told), answer
    raise AssertionError(told)


async def opened(world):
    """A link of each kind with what it is shared as, and the addresses that a visitor's click leads to."""
    page = await world.link(url="https://item.taobao.com/item.htm?id=657812345678", share_code="￥口令￥")
    goods = await world.goods("秘密面包")
    own = await world.own("secret.example.cn")
    found = {}
    for link in (page, goods, own):
        if link is not own:
            card = {"title": "卡片上的字", "about": "卡片上的字"}
            await world.caller.post(f"/links/{link['code']}/card", card, key=uuid4().hex)
        where = (await Visitor(world, ANDROID).get(f"/l/{link['code']}")).headers["location"]
        found[link["code"]] = (link, where)
    return found


def test_every_door_is_shut_without_the_password(locking, room):
    async def work(world):
        found = await opened(world)
        for _, where in found.values():  # without a password they do tell; else this test could not fail
            told, _ = await everything(Visitor(world, ANDROID), where)
            assert any(secret in told for secret in SECRETS), told
        through = {}
        for code, (link, before) in found.items():
            await world.change(link, password=WORD)
            told, _ = await everything(Visitor(world, ANDROID), before)
            assert not any(secret in told for secret in SECRETS), "what was given out before the password was set"
            through[code] = await Visitor(world, ANDROID).led(f"/l/{code}", WORD)
            assert through[code][:3] in ("/j/", "/b/", "/x/")
            told, _ = await everything(Visitor(world, ANDROID), through[code])
            assert any(secret in told for secret in SECRETS), "the right password opens it"
        room.clock.advance(seconds=FRESH.total_seconds() + 1)  # an address that is passed on
        asked = 0
        for code, (_, before) in found.items():
            token = before.partition("k=")[2].partition("&")[0]
            pass_of_another = pass_token(world.runtime.link_key, code, uuid4(), room.clock.now() + COOKIE_LIFE)
            visitor = Visitor(world, address="8.8.8.8")
            visitor.client.cookies.set(PASS_COOKIE, pass_of_another)
            for address in (
                f"/l/{code}",
                f"/l/{code}/?from=poster&p={token[:48]}",
                f"/l/{code}?u={pass_of_another}&u={'0' * 40}",
                *(f"/{door}/{code}" for door in ("lock", "card", "b", "j", "x")),
                *(f"/{door}/{code}?k={token}" for door in "bjx"),
                through[code],
            ):
                agents = (COMPUTER, BOT, SPIDER) if "k=" not in address else (COMPUTER,)
                for method, agent in (("GET", ANDROID), ("HEAD", ANDROID), *(("GET", agent) for agent in agents)):
                    visitor.client.headers["user-agent"] = agent
                    told, answer = await everything(visitor, address, method)
                    assert not any(secret in told for secret in SECRETS), (address, agent, told)
                    is_page = answer.status_code == 200 and (method == "HEAD" or "请输入密码" in answer.text)
                    assert is_page or answer.status_code in (405, 410), (address, agent, answer.text)
                    asked += is_page
        assert asked > 100

    locking(work)


def test_what_stands_beside_a_link_does_not_open_it(locking):
    async def work(world):
        found = await opened(world)
        name = f"u{uuid4().hex[:10]}"
        await world.caller.post("/bios", {"name": name, "title": "老李", "about": ""}, key=uuid4().hex)
        entry = {"label": "看做面包", "url": "https://item.taobao.com/item.htm?id=657812345678"}
        listed = await world.caller.post(f"/bios/{name}/entries", entry, key=uuid4().hex)
        await world.caller.post(f"/bios/{name}", {"title": "老李", "state": "live"}, key=uuid4().hex)
        shown = await Visitor(world).get(f"/u/{name}")
        assert "看做面包" in shown.text
        assert not any(secret in shown.text for secret in SECRETS), listed
        for code, (link, where) in found.items():
            await world.change(link, password=WORD)
            visitor = Visitor(world, ANDROID)
            report = await visitor.get(f"/r/{code}")
            assert f"/l/{code}" in report.text
            assert not any(secret in report.text for secret in SECRETS)
            token = where.partition("k=")[2].partition("&")[0]
            for form in ("taobao_page_scheme", "page", "copy_code"):
                body = {"form": form, "outcome": "left"}
                assert (await visitor.client.post(f"/j/{code}/tries?k={token}", json=body)).status_code == 404

    locking(work)


def test_where_a_link_that_is_over_leads_is_behind_its_password(locking):
    async def work(world):
        link = await world.link()
        past = (world.caller.room.clock.now() - timedelta(hours=1)).isoformat()
        await world.change(link, password=WORD, expires_at=past, over_url=JD)
        path = f"/l/{link['code']}"
        asked = await Visitor(world).get(path)
        assert (asked.status_code, JD in asked.text) == (200, False)
        assert await Visitor(world).led(path, WORD) == JD
        await world.change(link, over_url=None)
        assert (await Visitor(world).get(path)).status_code == 410

    locking(work)


def test_maximum_clicks_and_comparisons_count_only_who_got_through(locking):
    async def work(world):
        link = await world.link()
        await world.change(link, password=WORD, clicks_max=1, over_url=JD, rules=[{"url": TAOBAO}])
        path = f"/l/{link['code']}"
        for _ in range(3):
            assert (await Visitor(world).get(path)).status_code == 200
        visitor = Visitor(world)
        assert await visitor.led(path, WORD) == TAOBAO
        assert (await Visitor(world).get(path)).status_code == 200, "afterwards, too, it leads nobody on unasked"
        assert await Visitor(world).led(path, WORD) == JD
        await world.sink.drain()
        async with world.caller.room.unit() as unit:
            led = await unit.fetch("SELECT choice FROM click_choice")
        assert [row.choice for row in led] == ["r1"]
        assert await world.clicks() == [("", False), ("closed", True), *[("locked", True)] * 4]
        every = ["locked"] * 4 + ["closed", ""]
        for outcome, machines in (("locked", ["locked"] * 4), ("straight", [""]), ("", every)):
            told = (await world.caller.get("/clicks", **({"outcome": outcome} if outcome else {})))["items"]
            assert sorted((one["machine"] for one in told), reverse=True) == machines
            assert all(one["outcome"] == (one["machine"] or "straight") for one in told)

    locking(work)


def test_guesses_have_a_bound_that_many_at_once_do_not_pass(locking):
    async def work(world):
        link = await world.link()
        await world.change(link, password=WORD)
        path = f"/l/{link['code']}"
        assert await Visitor(world, address="8.8.4.5").led(path, WORD)  # from here on none is hashed: the test is fast
        tries = [Visitor(world).type(path, f"guess-{number}") for number in range(ADDRESS_PACE.calls + 6)]
        answers = await asyncio.gather(*tries)
        statuses = [answer.status_code for answer in answers]
        assert (statuses.count(403), statuses.count(429)) == (ADDRESS_PACE.calls, 6)
        late = next(answer for answer in answers if answer.status_code == 429)
        assert (late.headers["retry-after"], "试得太多次了" in late.text) == ("60", True)
        assert (await Visitor(world).type(path, WORD)).status_code == 429, "the right one, too, is not looked at"
        assert (await Visitor(world, address="8.8.4.5").type(path, WORD)).status_code == 200
        assert (await Visitor(world, address="8.8.4.5").get(path)).status_code == 200

    locking(work)


def test_odd_forms_are_answered_and_what_was_typed_is_in_no_answer_and_no_log(locking, caplog):
    async def work(world):
        link = await world.link()
        await world.change(link, password=WORD)
        path = f"/l/{link['code']}"
        visitor = Visitor(world, address="8.8.4.6")
        with caplog.at_level("DEBUG"):
            for body, status in (
                ("password=secret-guess", 403),
                ("", 403),
                ("password=secret-guess&password=secret-guess", None),
                ("password=%ff%fe%00", 403),
                ("password=" + "secret-guess" * 9, 403),
                ("password=" + "x" * BODY_BYTES_MAX, 413),
            ):
                heads = {"content-type": "application/x-www-form-urlencoded", "origin": "https://other.example"}
                answer = await visitor.client.post(path, content=body, headers=heads)
                assert answer.status_code == status or (status is None and answer.status_code < 500), (body, answer)
                assert "secret-guess" not in answer.text
                assert answer.headers["cache-control"] == "no-store" or answer.status_code == 413
            assert (await visitor.type("/l/nosuch1", "secret-guess")).status_code == 404
        assert "secret-guess" not in caplog.text

    locking(work)


def test_the_page_is_strict_and_keeps_what_stands_behind_the_link(locking):
    async def work(world):
        link = await world.link()
        await world.change(link, password=WORD)
        path = f"/l/{link['code']}"
        page = await Visitor(world).get(f"{path}?from=a&x=%22%3E&u=abc&big=1")
        assert f'action="{path}?from=a&amp;x=%22%3E&amp;big=1"' in page.text
        assert 'class="big"' in page.text
        policy = page.headers["content-security-policy"]
        assert all(part in policy for part in ("default-src 'none'", "form-action 'self'", "frame-ancestors 'none'"))
        assert "unsafe" not in policy
        assert len(gzip.compress(page.content)) < 6_000
        raw = await Visitor(world).get(f"{path}?x=" + "y" * 3_000)
        assert f'action="{path}"' in raw.text, "what is too long stays behind"
        done = await Visitor(world).type(path, WORD)
        cookie = done.headers["set-cookie"]
        assert all(part in cookie for part in (f"Path={path}", "HttpOnly", "SameSite=lax", "Max-Age=3600"))
        assert "Secure" not in cookie, "this hub is at http"
        english = await Visitor(world).get(path, headers={"accept-language": "en"})
        assert "Enter the password" in english.text

    locking(work)
