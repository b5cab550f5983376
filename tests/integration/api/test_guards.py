"""Own hosts, switches and health over the API and the buyers' pages, on the real application and database."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import re
from datetime import timedelta
from io import BytesIO
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest
import zxingcpp
from PIL import Image
from sqlalchemy import select

from hutong.core.ids import new_id
from hutong.db.jobs import Postpone
from hutong.links.guard_states import HOST, HostEvent, HostState
from hutong.links.hosts import CHECK_GAP, FAILURES_MAX, HOSTS_MAX, HostKey, add_host, settle_check
from hutong.links.leaving import LIFE, leaving_token
from hutong.links.reports import KEPT_MAX, WORDS_CHARS_MAX
from hutong.links.tokens import click_token
from hutong.merchants.actors import HOME
from hutong.merchants.models import audit, ticket
from hutong.merchants.service import create_merchant
from hutong.transport.outward import OutwardSender
from hutong.web.qr_print import drawn_svg, look_of
from hutong.workflows.commands.check_host import check_due_host

CHANNEL = {"kind": "post", "platform": "weibo", "name": "帖子"}
OWN = "shop.example.cn"
PAGE = f"https://{OWN}/tea?size=1"
ANDROID = "Mozilla/5.0 (Linux; Android 14; K) AppleWebKit/537.36 Chrome/120.0.0.0 Mobile Safari/537.36"
BOT = "Mozilla/5.0 (compatible; Baiduspider/2.0)"
PAGE_BYTES_MAX = 6_000


class Site:
    """A web site on loopback: what it answers to GET, and what it was asked."""

    def __init__(self):
        self.answer, self.asked = (404, "", {}), []

    @contextlib.asynccontextmanager
    async def up(self):
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.host = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server:
            yield self

    async def _serve(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.asked.append(head.split(" ", 2)[1])
        status, body, heads = self.answer
        lines = "".join(f"{name}: {value}\r\n" for name, value in heads.items())
        data = body.encode()
        writer.write(f"HTTP/1.1 {status} X\r\n{lines}content-length: {len(data)}\r\n\r\n".encode() + data)
        await writer.drain()
        writer.close()


@pytest.fixture
def trying(stage):
    """Makes a caller's hub live in a trial home: this machine may be a host, as webhooks may be sent to it."""

    @contextlib.asynccontextmanager
    async def make(caller):
        outward = OutwardSender(trial=True)
        for runtime in (caller.runtime, stage._shared):
            msgspec.structs.force_setattr(runtime, "sandbox_url", "http://127.0.0.1:1")
            msgspec.structs.force_setattr(runtime, "outward", outward)
        try:
            yield
        finally:
            await outward.close()

    return make


def fresh_host():
    """A name that no test before has proven: they share a hub."""
    return f"shop-{uuid4().hex[:12]}.example.cn"


async def add(caller, host=OWN):
    return await caller.post("/hosts", {"host": host}, key=uuid4().hex)


async def prove(caller, host):
    """A host that was proven, with what the check's end does."""
    added = await add(caller, host)
    async with caller.room.unit() as unit:
        found = await settle_check(unit, UUID(added["host_id"]), "")
    assert found.state is HostState.VERIFIED
    return added


async def link_to(caller, url=PAGE):
    made = await caller.post("/links", {"title": "茶", "channel": CHANNEL, "url": url}, key=uuid4().hex)
    return made["code"]


async def tickets(caller, kind):
    async with caller.room.unit() as unit:
        return await unit.all(select(ticket).where(ticket.c.merchant_id == unit.merchant_id, ticket.c.kind == kind))


async def actions(caller):
    async with caller.room.unit() as unit:
        rows = await unit.all(select(audit.c.action).where(audit.c.merchant_id == unit.merchant_id))
    return [row.action for row in rows]


async def set_states(caller, host_id, *troubles):
    async with caller.room.unit() as unit:
        for trouble in troubles:
            found = await settle_check(unit, UUID(host_id), trouble)
    return found.state


def test_a_host_is_pending_until_its_file_has_our_line(calling, trying):
    async def work(caller):
        site = Site()
        async with trying(caller), site.up():
            added = await add(caller, site.host)
            assert (added["state"], added["failures"]) == ("pending", 0)
            assert added["proof_url"] == f"http://{site.host}/.well-known/hutong-host.txt"
            line = added["proof_line"]
            assert re.fullmatch(r"hutong-host=[0-9a-f]{32}", line)

            async def check():
                caller.room.clock.advance(minutes=1)
                answer = await caller.send(f"/hosts/{added['host_id']}/check")
                return answer.json()["state"], answer.json()["trouble"]

            assert await check() == ("pending", "missing")
            for body in ("", "hutong-host=", line[:-1], f"{line}0", f"<p>{line}</p>"):
                site.answer = (200, body, {})
                assert await check() == ("pending", "wrong")
            site.answer = (302, line, {"location": f"http://{site.host}/other"})
            assert await check() == ("pending", "missing"), "a redirect proves nothing"
            site.answer = (200, "x" * 5000 + f"\n{line}", {})
            assert await check() == ("pending", "wrong"), "what is too large is not read on"
            site.answer = (200, f"hutong-host=another\r\n{line}\r\n", {})
            assert await check() == ("verified", "")
            assert set(site.asked) == {"/.well-known/hutong-host.txt"}
            asked = len(site.asked)
            answer = await caller.send(f"/hosts/{added['host_id']}/check")
            assert (answer.json()["state"], len(site.asked)) == ("verified", asked), "not twice in a moment"
            site.answer = (200, "gone", {})
            assert await check() == ("verified", "wrong")

    calling(work)


def test_the_job_looks_again_and_a_host_that_fails_in_a_row_is_lost(calling, trying):
    async def work(caller):
        site = Site()
        async with trying(caller), site.up():
            added = await add(caller, site.host)
            payload = msgspec.json.encode(HostKey(UUID(added["host_id"])))

            async def look():
                caller.room.clock.advance(hours=6)
                with pytest.raises(Postpone) as later:
                    await check_due_host(caller.runtime, caller.room.merchant_id, payload)
                assert later.value.delay == CHECK_GAP
                (found,) = (await caller.get("/hosts"))["items"]
                return found["state"], found["failures"]

            site.answer = (200, added["proof_line"], {})
            assert await look() == ("verified", 0)
            site.answer = (500, "", {})
            for failures in range(1, FAILURES_MAX):
                assert await look() == ("verified", failures)
            site.answer = (200, added["proof_line"], {})
            assert await look() == ("verified", 0), "once well, the row is broken"
            site.answer = (404, "", {})
            for failures in range(1, FAILURES_MAX):
                assert await look() == ("verified", failures)
            assert await tickets(caller, "host_lost") == []
            assert await look() == ("lost", FAILURES_MAX)
            (told,) = await tickets(caller, "host_lost")
            assert (told.state, told.details["host"]) == ("open", site.host)
            assert await look() == ("lost", FAILURES_MAX)
            site.answer = (200, added["proof_line"], {})
            assert await look() == ("verified", 0)
            assert [row.state for row in await tickets(caller, "host_lost")] == ["resolved"]
            await caller.post(f"/hosts/{added['host_id']}/remove", key=uuid4().hex)
            await check_due_host(caller.runtime, caller.room.merchant_id, payload)  # ends

    calling(work)


@pytest.mark.parametrize("state", HostState)
@pytest.mark.parametrize("event", HostEvent)
def test_the_states_of_a_host(state, event):
    wanted = {
        ("pending", "prove"): "verified",
        ("lost", "prove"): "verified",
        ("verified", "lose"): "lost",
    }
    assert HOST.allows(state, event) == ((state, event) in wanted)
    if HOST.allows(state, event):
        assert HOST.next(state, event) == wanted[state, event]


def test_a_host_is_one_merchants_at_a_time(calling):
    async def work(caller):
        own = fresh_host()
        mine = await prove(caller, own)
        me, other = caller.room.merchant_id, uuid4()

        async def other_proves(host_id):
            caller.room.merchant_id = other
            async with caller.room.unit() as unit:
                found = await settle_check(unit, host_id, "")
            caller.room.merchant_id = me
            return found.state, found.trouble

        caller.room.merchant_id = other
        async with caller.room.unit() as unit:
            await create_merchant(unit, "别家")
            theirs = (await add_host(unit, HOME, own, trial=False)).host_id
        assert await other_proves(theirs) == (HostState.PENDING, "taken")
        assert await set_states(caller, mine["host_id"], *["missing"] * FAILURES_MAX) is HostState.LOST
        assert await other_proves(theirs) == (HostState.VERIFIED, "")
        assert await set_states(caller, mine["host_id"], "") is HostState.LOST

    calling(work)


def test_what_cannot_be_a_host_is_refused(calling):
    async def work(caller):
        for name in (
            "item.taobao.com",
            "ta0bao.com",
            "weibо.com",
            "https://a.example.cn",
            "10.0.0.1",
            "127.0.0.1:80",
            "",
        ):
            assert await caller.refused("/hosts", {"host": name}) == (400, "host_refused")
        await add(caller)
        assert await caller.refused("/hosts", {"host": OWN.upper()}) == (409, "host_known")
        for number in range(1, HOSTS_MAX):
            await add(caller, f"s{number}.example.cn")
        assert await caller.refused("/hosts", {"host": "more.example.cn"}) == (409, "too_many_hosts")
        assert (await caller.send(f"/hosts/{uuid4()}/check")).status_code == 404

    calling(work)


def test_links_lead_to_own_hosts_and_to_no_others(calling):
    async def work(caller):
        assert await caller.refused("/links", {"title": "茶", "channel": CHANNEL, "url": PAGE}) == (
            400,
            "destination_not_allowed",
        )
        own = fresh_host()
        await prove(caller, own)
        assert await link_to(caller, f"https://{own}/")
        for near in (f"https://{own}.evil.example/", f"https://{own}:8443/", f"https://x.{own}/", f"http://{own}/"):
            body = {"title": "茶", "channel": CHANNEL, "url": near}
            assert await caller.refused("/links", body) == (400, "destination_not_allowed")

    calling(work)


async def ask(caller, path, agent=ANDROID, **query):
    return await caller.client.get(path, params=query or None, headers={"user-agent": agent})


def leave(caller, code, ago=timedelta(0)):
    return leaving_token(caller.runtime.link_key, new_id(caller.room.clock.now() - ago), code)


def test_the_page_that_asks_names_the_host_and_leads_on_by_a_tap_alone(calling):
    async def work(caller):
        await add(caller)
        code = await link_to(caller)
        for agent in (ANDROID, BOT):
            shown = await ask(caller, f"/x/{code}", agent, k=leave(caller, code))
            assert shown.status_code == 200
            assert f'<p class="host" data-raw dir="ltr">{OWN}</p>' in shown.text
            assert re.findall(r'href="(https?:[^"]*)"', shown.text) == [PAGE]
            assert "店" in shown.text
            assert f'href="/r/{code}"' in shown.text
            assert len(gzip.compress(shown.content, 5)) < PAGE_BYTES_MAX
            assert "location" not in shown.headers
            assert "http-equiv" not in shown.text
            assert "default-src 'none'" in shown.headers["content-security-policy"]
            assert shown.headers["cache-control"] == "no-store"
        head = await caller.client.head(f"/x/{code}", params={"k": leave(caller, code)})
        assert (head.status_code, head.content) == (200, b"")

    calling(work)


def test_a_chinese_name_is_shown_as_people_and_as_dns_read_it(calling):
    async def work(caller):
        await add(caller, "小店.example.cn")
        code = await link_to(caller, "https://xn--yetu2d.example.cn/")
        shown = (await ask(caller, f"/x/{code}", k=leave(caller, code))).text
        assert '<p class="host" data-raw dir="ltr">小店.example.cn</p>' in shown
        assert "xn--yetu2d.example.cn</p>" in shown

    calling(work)


def test_the_page_that_asks_needs_the_signature_of_a_click_of_this_link(calling):
    async def work(caller):
        await add(caller)
        code, other = await link_to(caller), await link_to(caller)
        token = leave(caller, code)
        click = click_token(caller.runtime.link_key, new_id(caller.room.clock.now()), code)
        wrong = ["", "x", token[:-1] + ("0" if token[-1] != "0" else "1"), leave(caller, other), click, token[:48]]
        wrong += [leave(caller, code, LIFE + timedelta(seconds=1)), leave(caller, code, -timedelta(minutes=2))]
        for k in wrong:
            answer = await ask(caller, f"/x/{code}", k=k)
            assert (answer.status_code, answer.headers["location"]) == (302, f"/l/{code}")
        assert (await ask(caller, f"/x/{code}", k=leave(caller, code, LIFE - timedelta(seconds=1)))).status_code == 200
        query = {"k": token, "url": "https://evil.example/", "host": "evil.example", "next": "//evil.example"}
        assert "evil" not in (await ask(caller, f"/x/{code}", **query)).text
        assert (await ask(caller, "/x/nosuch1", k=token)).status_code == 404

    calling(work)


def test_ways_out_of_an_app_lead_to_a_proven_host_only(calling):
    async def work(caller):
        own = fresh_host()
        added = await prove(caller, own)
        code = await link_to(caller, f"https://{own}/")
        token = click_token(caller.runtime.link_key, new_id(caller.room.clock.now()), code)
        assert not (await caller.get(f"/links/{code}/guard"))["asks_first"]
        first = await ask(caller, f"/j/{code}", k=token)
        assert (first.status_code, first.headers.get("location")) == (302, f"https://{own}/")
        await set_states(caller, added["host_id"], *["missing"] * FAILURES_MAX)
        assert (await caller.get(f"/links/{code}/guard"))["asks_first"]
        then = await ask(caller, f"/j/{code}", k=token)
        assert then.headers["location"].startswith(f"/x/{code}?k=")
        assert (await ask(caller, then.headers["location"])).status_code == 200

    calling(work)


@pytest.mark.parametrize("place", ["rule", "variant", "over"])
def test_a_rules_unproven_host_is_told_of_its_link(calling, place):
    async def work(caller):
        own = fresh_host()
        added = await add(caller, own)
        body = {"title": "茶", "channel": CHANNEL, "url": "https://weibo.com/1/a"}
        made = await caller.post("/links", body, key=uuid4().hex)
        page = f"https://{own}/tea"
        ways = [{"weight": 1, "url": "https://weibo.com/1/a"}, {"weight": 1, "url": page}]
        rules = {
            "rule": {"rules": [{"url": page}]},
            "variant": {"rules": [{"variants": ways}]},
            "over": {"over_url": page},
        }[place]

        async def asks_first():
            return (await caller.get(f"/links/{made['code']}/guard"))["asks_first"]

        assert not await asks_first()
        answer = await caller.client.patch(f"/api/v1/links/{made['link_id']}/rules", json=rules)
        assert answer.status_code == 200, answer.text
        assert await asks_first()
        await set_states(caller, added["host_id"], "")
        assert not await asks_first()

    calling(work)


def test_an_address_inside_a_platforms_page_is_asked_about_by_its_own_host(calling):
    async def work(caller):
        own = fresh_host()
        url = f"https://item.taobao.com/item.htm?id=1&go=https%3A%2F%2F{own}%2F"
        body = {"title": "茶", "channel": CHANNEL, "url": url}
        assert await caller.refused("/links", body) == (400, "destination_not_allowed")
        added = await add(caller, own)
        code = await link_to(caller, url)
        assert (await caller.get(f"/links/{code}/guard"))["asks_first"]
        shown = await ask(caller, f"/x/{code}", k=leave(caller, code))
        assert f'dir="ltr">{own}</p>' in shown.text
        token = click_token(caller.runtime.link_key, new_id(caller.room.clock.now()), code)
        assert (await ask(caller, f"/j/{code}", k=token)).headers["location"].startswith(f"/x/{code}?")
        await set_states(caller, added["host_id"], "")
        assert not (await caller.get(f"/links/{code}/guard"))["asks_first"]
        assert (await ask(caller, f"/j/{code}", k=token)).status_code == 200, "ways out of the app"

    calling(work)


def test_switches_leave_a_mark_and_say_whether_anything_changed(calling):
    async def work(caller):
        code = await link_to(caller, "https://weibo.com/1/a")

        async def moved(path, body=None):
            return (await caller.post(path, body, key=uuid4().hex))["changed"]

        assert [await moved(f"/links/{code}/disable") for _ in range(2)] == [True, False]
        assert (await caller.get(f"/links/{code}/guard"))["state"] == "disabled"
        assert [await moved(f"/links/{code}/enable") for _ in range(2)] == [True, False]
        assert not await moved("/link-switch", {"is_off": False})
        assert [await moved("/link-switch", {"is_off": True}) for _ in range(2)] == [True, False]
        assert (await caller.get("/link-switch"))["is_off"]
        token = click_token(caller.runtime.link_key, new_id(caller.room.clock.now()), code)
        for page in ("b", "j", "x"):
            assert (await ask(caller, f"/{page}/{code}", k=token)).status_code == 410
        assert [await moved("/link-switch", {"is_off": False}) for _ in range(2)] == [True, False]
        assert (await caller.get(f"/links/{code}/guard"))["state"] == "active"
        assert (await actions(caller)).count("links.disable") == (await actions(caller)).count("links.enable") == 1
        assert (await actions(caller)).count("link.disable") == (await actions(caller)).count("link.enable") == 1
        assert await caller.refused("/links/nosuch1/disable") == (404, "not_found")
        reader = await caller.key("links:read")
        for path in (f"/links/{code}/disable", "/link-switch", "/hosts"):
            assert (await caller.send(path, {"is_off": True, "host": OWN}, **reader)).status_code == 403

    calling(work)


def test_links_are_written_with_the_chosen_host_while_it_is_proven(calling):
    async def work(caller):
        one, two = fresh_host(), fresh_host()
        added = await add(caller, one)
        assert await caller.refused(f"/hosts/{added['host_id']}/show", {"is_shown": True}) == (409, "host_not_verified")
        await set_states(caller, added["host_id"], "")
        second = await prove(caller, two)
        for host in (added, second):
            shown = await caller.post(f"/hosts/{host['host_id']}/show", {"is_shown": True}, key=uuid4().hex)
            assert [item["is_shown"] for item in shown["items"]].count(True) == 1
        made = await caller.post(
            "/links", {"title": "茶", "channel": CHANNEL, "url": f"https://{one}/"}, key=uuid4().hex
        )
        assert made["url"] == f"https://{two}/l/{made['code']}"
        assert (await caller.get("/links"))["items"][0]["url"] == made["url"]
        await _is_written_everywhere(caller, made["code"], f"https://{two}")
        await set_states(caller, second["host_id"], *["tls"] * FAILURES_MAX)
        urls = [item["url"] for item in (await caller.get("/links"))["items"]]
        assert f"http://127.0.0.1/l/{made['code']}" in urls
        assert not any(two in url for url in urls)
        await _is_written_everywhere(caller, made["code"], "http://127.0.0.1")

    calling(work)


async def _is_written_everywhere(caller, code, base):
    """Codes to print, cards, pages of links and links by the dozen lead to the same host as the list does."""
    url, api = f"{base}/l/{code}", f"/api/v1/links/{code}"
    png = (await caller.client.get(f"{api}/qr.png")).content
    assert [one.text for one in zxingcpp.read_barcodes(Image.open(BytesIO(png)).convert("RGB"))] == [url]
    svg = (await caller.client.get(f"{api}/qr.svg")).text
    assert svg == drawn_svg(url, "茶", look_of(""))
    card = await caller.get(f"/links/{code}/card")
    assert (card["url"], card["share_url"]) == (url, f"{base}/card/{code}")
    page = await caller.client.get(f"/card/{code}", headers={"user-agent": ANDROID})
    assert f'property="og:url" content="{url}"' in page.text
    name = f"bio-{uuid4().hex[:8]}"
    await caller.post("/bios", {"name": name, "title": "茶"}, key=uuid4().hex)
    entry = {"label": "微博", "url": "https://weibo.com/1/a"}
    (line,) = (await caller.post(f"/bios/{name}/entries", entry, key=uuid4().hex))["entries"]
    assert line["url"].startswith(f"{base}/l/")
    row = {"title": "茶", "channel": CHANNEL, "url": "https://weibo.com/1/a"}
    (made,) = (await caller.post("/links/bulk", {"rows": [row]}, key=uuid4().hex))["rows"]
    assert made["url"] == f"{base}/l/{made['code']}"
    assert f"{url}<" in (await caller.client.get(f"/r/{code}")).text


async def report(caller, code, reason="scam", words="", **headers):
    form = {"reason": reason, "words": words}
    return await caller.client.post(f"/r/{code}", data=form, headers={"user-agent": ANDROID, **headers})


def test_reports_make_one_ticket_that_counts(calling):
    async def work(caller):
        code = await link_to(caller, "https://weibo.com/1/a")
        form = await ask(caller, f"/r/{code}")
        assert form.status_code == 200
        assert "form-action 'self'" in form.headers["content-security-policy"]
        assert len(gzip.compress(form.content, 5)) < PAGE_BYTES_MAX
        assert form.text.count('name="reason"') == 5
        for number, reason in enumerate(("broken", "scam", "other"), 1):
            caller.room.clock.advance(seconds=1)
            answer = await report(caller, code, reason, f"<b>第 {number} 次</b>")
            assert answer.status_code == 200
        (told,) = await tickets(caller, "link_reported")
        assert (told.subject_id, told.details["count"], told.details["reason"]) == (code, 3, "other")
        guard = await caller.get(f"/links/{code}/guard")
        assert [one["words"] for one in guard["reports"]] == [f"<b>第 {number} 次</b>" for number in (3, 2, 1)]
        async with caller.room.unit() as unit:
            events = await unit.fetch("SELECT name FROM outbox WHERE name = 'links.link_reported'")
        assert len(events) == 3

    calling(work)


def test_a_homes_addresses_are_one_to_the_limits(calling):
    async def work(caller):
        code = await link_to(caller, "https://weibo.com/1/a")

        async def statuses(addresses):
            found = []
            for address in addresses:
                transport = httpx.ASGITransport(app=caller.client._transport.app, client=(address, 1))
                async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
                    form = {"reason": "scam", "words": ""}
                    found.append((await client.post(f"/r/{code}", data=form)).status_code)
            return found

        home = await statuses(f"2409:8a00:1:2::{number:x}" for number in range(1, 20))
        assert home == [200] * 5 + [429] * 14
        assert await statuses(["2409:8a00:1:3::1", "117.136.1.1"]) == [200, 200]

    calling(work)


def test_reports_are_bounded(calling):
    async def work(caller):
        code = await link_to(caller, "https://weibo.com/1/a")
        assert (await report(caller, "nosuch1")).status_code == 404
        assert (await report(caller, code, "boring")).status_code == 400
        assert (await report(caller, code, words="长" * (WORDS_CHARS_MAX + 1))).status_code == 400
        assert (await report(caller, code, words="x" * 5_000)).status_code == 413
        assert (await report(caller, code, origin="https://evil.example")).status_code == 403
        assert await tickets(caller, "link_reported") == []
        statuses = [(await report(caller, code)).status_code for _ in range(8)]
        assert statuses[0] == 200
        assert statuses[-1] == 429
        (told,) = await tickets(caller, "link_reported")
        assert told.details["count"] == statuses.count(200) <= 5 < KEPT_MAX

    calling(work)
