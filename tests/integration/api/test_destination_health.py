"""Whether destinations answer: looked at on loopback, by the hub's own clock, with a ticket at the second time."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from uuid import uuid4

import msgspec
import pytest
from sqlalchemy import delete, select, update

from hutong.db.tables import job
from hutong.links.health import CHECK_DESTINATIONS, LOOK_GAP, PAGES_LOOKED_MAX, Outcome, due_links
from hutong.links.models import link, link_rules
from hutong.links.rules.model import Rules
from hutong.merchants.models import ticket
from hutong.transport.outward import OutwardSender, Told, Trouble
from hutong.workflows.commands.check_destinations import (
    HOPS_MAX,
    HOST_PACE,
    check_destinations,
    judge,
    look_at,
    plan_checks,
)

CHANNEL = {"kind": "post", "platform": "weibo", "name": "帖子"}


class Site:
    """Answers each path as it is told, and counts what it was asked."""

    def __init__(self):
        self.answers, self.asked, self.sent = {}, Counter(), 0

    def url(self, path="/"):
        return f"{self.root}{path}"

    @contextlib.asynccontextmanager
    async def up(self):
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.root = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server:
            yield self

    async def _serve(self, reader, writer):
        path = (await reader.readuntil(b"\r\n\r\n")).decode().split(" ", 2)[1]
        self.asked[path] += 1
        status, heads, body = self.answers.get(path, (200, {}, b"hello"))
        lines = "".join(f"{name}: {value}\r\n" for name, value in heads.items())
        writer.write(f"HTTP/1.1 {status} X\r\n{lines}content-length: {len(body)}\r\n\r\n".encode())
        with contextlib.suppress(ConnectionError):
            for at in range(0, len(body), 65_536):
                writer.write(body[at : at + 65_536])
                await writer.drain()
                self.sent += len(body[at : at + 65_536])
        writer.close()


@contextlib.asynccontextmanager
async def looking(caller):
    """The caller's hub may look at this machine, as in a trial home webhooks may be sent to it."""
    outward = OutwardSender(trial=True)
    msgspec.structs.force_setattr(caller.runtime, "outward", outward)
    site = Site()
    async with site.up():
        try:
            yield site
        finally:
            await outward.close()


async def link_to(caller, url):
    """A link; the address is put in past the door, which lets no page on this machine in."""
    body = {"title": "茶", "channel": CHANNEL, "url": "https://weibo.com/1/a"}
    made = await caller.post("/links", body, key=uuid4().hex)
    async with caller.room.unit() as unit:
        await unit.run(
            update(link).where(link.c.merchant_id == unit.merchant_id, link.c.code == made["code"]).values(url=url)
        )
    return made["code"]


async def round_of(caller):
    await check_destinations(caller.runtime, caller.room.merchant_id, b"{}")


async def health(caller, code):
    found = (await caller.get(f"/links/{code}/guard"))["health"]
    return None if found is None else (found["outcome"], found["status"], found["trouble"], found["failures"])


async def tickets(caller):
    async with caller.room.unit() as unit:
        mine = (ticket.c.merchant_id == unit.merchant_id) & (ticket.c.kind == "link_broken")
        return [(row.state, row.subject_id) for row in await unit.all(select(ticket).where(mine).order_by("opened_at"))]


async def jobs(caller):
    async with caller.room.unit() as unit:
        mine = (job.c.merchant_id == unit.merchant_id) & (job.c.kind == CHECK_DESTINATIONS)
        return await unit.all(select(job).where(mine, job.c.finished_at.is_(None)))


@pytest.mark.parametrize(
    ("told", "outcome", "trouble"),
    [
        (Told(status=200), "ok", ""),
        (Told(status=204), "ok", ""),
        (Told(status=404), "broken", "gone"),
        (Told(status=410), "broken", "gone"),
        (Told(status=500), "broken", "status"),
        (Told(status=502), "broken", "status"),
        (Told(status=401), "unclear", "asked_in"),
        (Told(status=403), "unclear", "asked_in"),
        (Told(status=405), "unclear", "asked_in"),
        (Told(status=429), "unclear", "asked_in"),
        *((Told(trouble=trouble), "broken", trouble.value) for trouble in Trouble),
    ],
)
def test_what_an_answer_says(told, outcome, trouble):
    look = judge(told)
    assert (look.outcome, look.trouble) == (outcome, trouble)


def test_broken_twice_in_a_row_is_a_ticket_and_well_again_takes_it_back(calling):
    async def work(caller):
        async with looking(caller) as site:
            code = await link_to(caller, site.url("/tea"))
            await round_of(caller)
            assert await health(caller, code) == ("ok", 200, "", 0)
            story = [
                (404, ("broken", 404, "gone", 1), []),
                (200, ("ok", 200, "", 0), []),
                (500, ("broken", 500, "status", 1), []),
                (403, ("unclear", 403, "asked_in", 1), []),
                (404, ("broken", 404, "gone", 2), ["open"]),
                (404, ("broken", 404, "gone", 3), ["open"]),
                (200, ("ok", 200, "", 0), ["resolved"]),
                (404, ("broken", 404, "gone", 1), ["resolved"]),
                (404, ("broken", 404, "gone", 2), ["resolved", "open"]),
            ]
            for status, found, told in story:
                caller.room.clock.advance(hours=12)
                site.answers["/tea"] = (status, {}, b"")
                await round_of(caller)
                assert await health(caller, code) == found
                assert [state for state, _ in await tickets(caller)] == told
                assert {subject for _, subject in await tickets(caller)} <= {code}

    calling(work)


def test_each_destination_is_looked_at_once_in_a_while_and_our_own_desk_never(calling):
    async def work(caller):
        async with looking(caller) as site:
            codes = [await link_to(caller, site.url("/tea")) for _ in range(3)]
            gone = await link_to(caller, site.url("/gone"))
            await caller.post(f"/links/{gone}/disable", key=uuid4().hex)
            product = await caller.post("/products", {"title": "杯"}, key=uuid4().hex)
            sku = {"product_id": product["product_id"], "seller_code": "C", "price_fen": 100, "stock": 1}
            made = await caller.post("/skus", sku, key=uuid4().hex)
            await caller.post("/links", {"title": "杯", "channel": CHANNEL, "sku_id": made["sku_id"]}, key=uuid4().hex)
            for _ in range(3):
                await round_of(caller)
            assert site.asked == {"/tea": 1}, "one look for three links, none at what is off"
            assert [(await health(caller, code))[0] for code in codes] == ["ok"] * 3
            caller.room.clock.advance(seconds=LOOK_GAP.total_seconds() - 1)
            await round_of(caller)
            assert site.asked == {"/tea": 1}
            caller.room.clock.advance(seconds=1)
            await round_of(caller)
            assert site.asked == {"/tea": 2}
            assert await jobs(caller) == []

    calling(work)


async def rule_to(caller, code, **pages):
    """Rules of a link; as :func:`link_to` past the door."""
    async with caller.room.unit() as unit:
        mine = (link.c.merchant_id == unit.merchant_id) & (link.c.code == code)
        link_id = await unit.scalar(select(link.c.link_id).where(mine))
        body = msgspec.json.encode(msgspec.convert(pages, Rules))
        await unit.run(delete(link_rules).where(link_rules.c.merchant_id == unit.merchant_id))
        await unit.insert(link_rules, link_id=link_id, body=body, revision=1, changed_at=unit.now())
        await unit.run(update(link).where(mine).values(changed_at=unit.now()))


def test_pages_of_rules_variants_and_of_the_end_are_looked_at_too(calling):
    async def work(caller):
        async with looking(caller) as site:
            code = await link_to(caller, site.url("/own"))
            await round_of(caller)
            assert site.asked == {"/own": 1}
            caller.room.clock.advance(minutes=5)
            ways = [{"weight": 1, "url": site.url("/a")}, {"weight": 0, "url": site.url("/b")}]
            rules = [{"when": {"systems": ["ios"]}, "url": site.url("/rule")}, {"variants": ways}]
            await rule_to(caller, code, rules=rules, over_url=site.url("/over"))
            site.answers["/a"] = site.answers["/own"] = (404, {}, b"")
            await round_of(caller)
            assert site.asked == {"/own": 2, "/a": 1, "/b": 1, "/rule": 1, "/over": 1}, (
                "a changed link is looked at anew"
            )
            assert await health(caller, code) == ("broken", 404, "gone", 1)
            site.answers["/own"] = (200, {}, b"")
            story = [
                ((404, {}, b""), ("broken", 404, "gone", 1), "/a", []),  # the other page, for the first time
                ((404, {}, b""), ("broken", 404, "gone", 2), "/a", ["open"]),
                ((403, {}, b""), ("unclear", 403, "asked_in", 2), "/a", ["open"]),
                ((200, {}, b""), ("ok", 200, "", 0), "/a", ["resolved"]),
                ((200, {}, b""), ("ok", 200, "", 0), "/own", ["resolved"]),
            ]
            for answer, found, page, told in story:
                caller.room.clock.advance(hours=12)
                site.answers["/a"] = answer
                await round_of(caller)
                assert await health(caller, code) == found
                assert (await caller.get(f"/links/{code}/guard"))["health"]["url"] == site.url(page)
                assert [state for state, _ in await tickets(caller)] == told

    calling(work)


def test_a_broken_page_that_a_link_leads_to_no_more_is_forgotten(calling):
    async def work(caller):
        async with looking(caller) as site:
            code = await link_to(caller, site.url("/own"))
            await rule_to(caller, code, rules=[{"url": site.url("/a")}])
            site.answers["/a"] = (404, {}, b"")
            site.answers["/own"] = (403, {}, b"")
            for _ in range(2):
                await round_of(caller)
                caller.room.clock.advance(hours=12)
            assert [state for state, _ in await tickets(caller)] == ["open"]
            await rule_to(caller, code)
            assert await health(caller, code) is None
            await round_of(caller)
            assert await health(caller, code) == ("unclear", 403, "asked_in", 0)
            assert [state for state, _ in await tickets(caller)] == ["resolved"]

    calling(work)


def test_so_many_pages_of_a_link_are_looked_at_and_of_one_that_is_over_that_of_its_end(calling):
    async def work(caller):
        async with looking(caller) as site:
            code = await link_to(caller, site.url("/own"))
            many = [{"when": {"query_name": "a"}, "url": site.url(f"/{number}")} for number in range(20)]
            await rule_to(caller, code, rules=many, over_url=site.url("/over"))
            await round_of(caller)
            assert site.asked.total() == PAGES_LOOKED_MAX < HOST_PACE.calls
            assert set(site.asked) >= {"/own", "/over"}
            site.asked.clear()
            caller.room.clock.advance(hours=12)
            async with caller.room.unit() as unit:
                mine = (link.c.merchant_id == unit.merchant_id) & (link.c.code == code)
                await unit.run(update(link).where(mine).values(expires_at=unit.now()))
            await round_of(caller)
            assert site.asked == {"/over": 1}
            await rule_to(caller, code, rules=many)
            async with caller.room.unit() as unit:
                assert await due_links(unit) == (), "over, without a page to lead to"

    calling(work)


def test_few_looks_at_one_host_and_the_rest_later(calling):
    async def work(caller):
        async with looking(caller) as site:
            for number in range(HOST_PACE.calls + 3):
                await link_to(caller, site.url(f"/{number}"))
            await round_of(caller)
            assert site.asked.total() == HOST_PACE.calls
            (left,) = await jobs(caller)
            assert left.state == "waiting"
            caller.room.clock.advance(minutes=10)
            await round_of(caller)
            assert site.asked.total() == HOST_PACE.calls + 3
            async with caller.room.unit() as unit:
                assert await due_links(unit) == ()

    calling(work)


def test_a_host_of_many_pages_keeps_no_other_waiting(calling):
    """Three hundred pages of one host: six a minute, and the page of another one every twelve hours."""

    async def work(caller):
        async with looking(caller) as site, Site().up() as other:
            await link_to(caller, other.url("/b").replace("127.0.0.1", "localhost"))
            for number in range(300):
                await link_to(caller, site.url(f"/{number}"))
            await round_of(caller)
            assert (site.asked.total(), other.asked.total()) == (HOST_PACE.calls, 1)
            for _ in range(20):
                caller.room.clock.advance(minutes=1)
                await round_of(caller)
            assert site.asked.total() == 21 * HOST_PACE.calls
            caller.room.clock.advance(hours=12)
            await round_of(caller)
            assert other.asked.total() == 2

    calling(work)


def test_a_redirect_is_followed_to_where_a_link_might_lead_alone(calling):
    async def work(caller):
        async with looking(caller) as site:
            outward = caller.runtime.outward
            asked = []

            def may_follow(url):
                asked.append(url)
                return url.startswith(site.root)

            async def look(path):
                return await look_at(outward, site.url(path), may_follow)

            site.answers["/a"] = (302, {"location": "/b"}, b"")
            site.answers["/b"] = (404, {}, b"")
            assert (await look("/a")).outcome is Outcome.BROKEN
            assert asked == [site.url("/b")]
            site.answers["/login"] = (302, {"location": "https://login.example/?next=x"}, b"")
            found = await look("/login")
            assert (found.outcome, found.trouble) == (Outcome.UNCLEAR, "elsewhere")
            site.answers["/round"] = (301, {"location": "/round"}, b"")
            before = site.asked["/round"]
            assert (await look("/round")).outcome is Outcome.UNCLEAR
            assert site.asked["/round"] - before == HOPS_MAX + 1
            for odd in ("javascript:alert(1)", "file:///etc/passwd", "//169.254.169.254/", ""):
                site.answers["/odd"] = (302, {"location": odd}, b"")
                assert (await look("/odd")).outcome is Outcome.UNCLEAR
            site.answers["/big"] = (200, {}, b"x" * 20_000_000)
            assert (await look("/big")).outcome is Outcome.OK
            assert site.sent < 15_000_000, "the rest is not read"

    calling(work)


def test_a_round_that_reaches_nobody_blames_our_own_line(calling):
    async def work(caller):
        async with looking(caller):
            codes = [await link_to(caller, f"http://127.0.0.1:{port}/") for port in (1, 2)]
            await round_of(caller)
            assert [await health(caller, code) for code in codes] == [("unclear", 0, "offline", 0)] * 2

    calling(work)


def test_off_is_off_and_a_plan_is_made_once(calling):
    async def work(caller):
        async with looking(caller) as site:
            await link_to(caller, site.url("/tea"))
            await caller.post("/link-switch", {"is_off": True}, key=uuid4().hex)
            await round_of(caller)
            assert site.asked.total() == 0
            for _ in range(3):
                await plan_checks(caller.runtime, caller.room.merchant_id)
            assert len(await jobs(caller)) == 1

    calling(work)
