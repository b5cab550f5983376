"""A link with a password at the edge: who has not given it is handed on to the page that asks, and counted apart."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from hutong.edge.front import LinkFront
from hutong.edge.locks import PASSES_MAX
from hutong.edge.table import Entry
from hutong.links.destinations import read_target
from hutong.links.jumps.ways import Ways
from hutong.links.lock_tokens import pass_token, sealed
from hutong.links.tokens import read_click_token
from hutong.transport.pacing import Bucket, Pace

KEY, CODE, LOCK = b"k" * 32, "abcdefg", UUID(int=7)
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
TAOBAO = "https://item.taobao.com/item.htm?id=657"
ANDROID = "Mozilla/5.0 (Linux; Android 14; K) AppleWebKit/537.36 Chrome/120.0.0.0 Mobile Safari/537.36"
PASS = pass_token(KEY, CODE, LOCK, NOW + timedelta(minutes=1))


class Table:
    """One link, with a password or without."""

    def __init__(self, lock_id, **more):
        ids = {name: UUID(int=number) for number, name in enumerate(("merchant_id", "link_id", "channel_id"), 1)}
        values = {"url": TAOBAO, "target": read_target(TAOBAO), "active": True, "expires_at": None, **more}
        self._entry = Entry(code=CODE, lock_id=lock_id, **values, **ids)

    async def find(self, _code):
        return self._entry


class Clock:
    def now(self):
        return NOW


class Visit:
    """One request: ``asked`` is the path behind, ``location`` where it is led, ``click`` what was kept."""

    def __init__(self, lock_id=LOCK, *, query="", cookie="", agent=ANDROID, method="GET", path=f"/l/{CODE}", **more):
        self.asked, self.query, self._sent, self.clicks = None, None, [], []
        front = LinkFront(self._behind, Table(lock_id, **more), self, Ways(None), Clock(), KEY)
        heads = [(b"user-agent", agent.encode()), (b"cookie", cookie.encode())]
        scope = {"type": "http", "path": path, "method": method, "headers": heads, "client": ("8.8.8.8", 1)}
        asyncio.run(front({**scope, "query_string": query.encode()}, None, self._send))
        self.location = dict(self._sent[0]["headers"]).get(b"location", b"").decode()
        self.click = self.clicks[0] if self.clicks else None

    def add(self, click):
        self.clicks.append(click)

    async def _behind(self, scope, _receive, send):
        self.asked, self.query = scope["path"], scope["query_string"]
        assert scope["raw_path"].decode() == scope["path"]
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def _send(self, message):
        self._sent.append(message)


def test_who_has_not_given_it_is_asked_and_kept_apart():
    visit = Visit(query="from=poster")
    assert (visit.asked, visit.query, visit.location) == (f"/lock/{CODE}", b"from=poster", "")
    assert (visit.click.machine, visit.click.is_bot, visit.click.choice) == ("locked", True, "")


@pytest.mark.parametrize(
    ("agent", "method", "machine"),
    [
        ("facebookexternalhit/1.1", "GET", "preview"),
        (f"{ANDROID} Googlebot/2.1", "GET", "spider"),
        (ANDROID, "HEAD", "head"),
        ("", "GET", "nameless"),
    ],
)
def test_machines_are_asked_too_and_keep_their_kind(agent, method, machine):
    visit = Visit(agent=agent, method=method)
    assert (visit.asked, visit.location, visit.click.machine) == (f"/lock/{CODE}", "", f"{machine}:locked")


@pytest.mark.parametrize(
    "given",
    [
        {"query": f"u={PASS}"},
        {"query": f"from=poster&u={PASS}&p=x"},
        {"cookie": f"hutong_pass={PASS}"},
        {"cookie": f"a=b; hutong_pass={'0' * 40}; hutong_pass={PASS}; c=d"},
    ],
)
def test_a_pass_leads_on_as_if_there_were_no_password(given):
    visit = Visit(**given)
    assert (visit.asked, visit.click.machine, visit.click.is_bot) == (None, "", False)
    path, _, token = visit.location.partition("?k=")
    assert path == f"/j/{CODE}"
    assert read_click_token(KEY, token[:48], sealed(CODE, LOCK)) == visit.click.click_id
    assert read_click_token(KEY, token[:48], CODE) is None, "what it leads to opens with this password alone"


@pytest.mark.parametrize(
    "given",
    [
        {"query": f"uu={PASS}"},
        {"query": f"u={PASS}0"},
        {"cookie": f"xhutong_pass={PASS}"},
        {"query": f"u={pass_token(KEY, CODE, UUID(int=8), NOW + timedelta(hours=1))}"},
        {"query": f"u={pass_token(KEY, 'abcdefh', LOCK, NOW + timedelta(hours=1))}"},
        {"query": f"u={pass_token(KEY, CODE, LOCK, NOW - timedelta(seconds=1))}"},
        {"query": "&".join([f"u={'0' * 40}"] * PASSES_MAX + [f"u={PASS}"])},
        {"query": "u=" + "é" * 40},
    ],
)
def test_whatever_is_no_pass_of_this_password_does_not(given):
    assert Visit(**given).asked == f"/lock/{CODE}"


def test_without_a_password_nothing_is_asked():
    visit = Visit(None)
    assert (visit.asked, visit.location.startswith(f"/j/{CODE}?k=")) == (None, True)


def test_a_link_to_a_host_that_is_not_proven_is_asked_first():
    own = {"url": "https://shop.example.cn/a", "target": None, "own_host": "shop.example.cn"}
    assert Visit(**own, agent="facebookexternalhit/1.1").asked == f"/lock/{CODE}"
    assert Visit(**own, query=f"u={PASS}").location.startswith(f"/x/{CODE}?k=")


def test_a_pace_gives_back_what_is_not_to_count():
    bucket = Bucket(Pace(calls=2, seconds=10))
    assert bucket.reserve(0, 0) == bucket.reserve(0, 0) == 0.0
    assert bucket.reserve(0, 0) is None
    bucket.give_back()
    assert (bucket.reserve(0, 0), bucket.reserve(0, 0)) == (0.0, None)


@pytest.mark.parametrize("lock_id", [LOCK, None])
def test_the_page_that_asks_is_reached_by_the_link_alone(lock_id):
    """Whoever opens its address goes to the link, where his click is counted; with his parameters, and no pass."""
    visit = Visit(lock_id, path=f"/lock/{CODE}", query=f"from=poster&u={PASS}&p={'a' * 48}")
    assert (visit.asked, visit.location, visit.clicks) == (None, f"/l/{CODE}?from=poster", [])
