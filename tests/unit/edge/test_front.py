"""Where a link sends a visitor: to the page, or to a page of ours that knows other ways."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import pytest

from hutong.edge.front import LinkFront
from hutong.edge.table import Entry
from hutong.links.destinations import read_target
from hutong.links.jumps.book import JumpBook
from hutong.links.jumps.matrix import BUILT_IN
from hutong.links.jumps.ways import Ways
from hutong.links.tokens import read_click_token

KEY = b"k" * 32
CODE = "abcdefg"
TAOBAO = "https://item.taobao.com/item.htm?id=657"
ANDROID = "Mozilla/5.0 (Linux; Android 14; K) AppleWebKit/537.36 Chrome/120.0.0.0 Mobile Safari/537.36"
WECHAT = ANDROID + " MicroMessenger/8.0.46.2540(0x28002E3C) WeChat/arm64 Weixin NetType/5G"
NOTES = ANDROID + " xiaohongshu discover/8.26"
COMPUTER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120.0.0.0 Safari/537.36"


class OneLink:
    """A table with one link."""

    def __init__(self, url):
        ids = {name: UUID(int=number) for number, name in enumerate(("merchant_id", "link_id", "channel_id"), 1)}
        target = None if url is None else read_target(url)
        self._entry = Entry(code=CODE, url=url, target=target, active=True, expires_at=None, **ids)

    async def find(self, _code):
        return self._entry


class Sink(list):
    """Keeps clicks."""

    def add(self, click):
        self.append(click)


class Clock:
    """Stands still."""

    def now(self):
        return datetime(2026, 11, 27, 12, tzinfo=UTC)


def visit(url, agent, jumps=None, method="GET", **headers):
    """Where a visitor is sent, and his click."""
    sink, sent = Sink(), []
    front = LinkFront(None, OneLink(url), sink, Ways(jumps), Clock(), KEY)
    given = [(b"user-agent", agent.encode()), *((name.encode(), value.encode()) for name, value in headers.items())]
    scope = {"type": "http", "path": f"/l/{CODE}", "method": method, "headers": given, "client": ("127.0.0.1", 1)}

    async def send(message):
        sent.append(message)

    asyncio.run(front(scope, None, send))
    assert (sent[0]["status"], len(sink)) == (302, 1)
    answer = dict(sent[0]["headers"])
    assert answer[b"cache-control"] == b"no-store"
    return answer[b"location"].decode(), sink[0]


@pytest.mark.parametrize("agent", [WECHAT, COMPUTER])
def test_where_the_page_opens_by_itself_there_is_nothing_between(agent):
    assert visit(TAOBAO, agent)[0] == TAOBAO


@pytest.mark.parametrize("agent", [ANDROID, NOTES])
def test_where_it_does_not_a_page_of_ours_knows_other_ways(agent):
    location, click = visit(TAOBAO, agent)
    path, _, token = location.partition("?k=")
    assert path == f"/j/{CODE}"
    assert read_click_token(KEY, token, CODE) == click.click_id


def test_machines_are_sent_to_the_page_and_flagged():
    location, click = visit(TAOBAO, ANDROID + " SomeBot/1.0 bot/")
    assert (location, click.is_bot) == (TAOBAO, True)
    assert visit(TAOBAO, ANDROID, method="HEAD")[0] == TAOBAO


@pytest.mark.parametrize("url", [TAOBAO, None])
@pytest.mark.parametrize("agent", [ANDROID, WECHAT, "curl/8.4.0", ""])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_every_answer_is_a_302_that_nobody_stores_and_every_click_is_kept(url, agent, method):
    location, click = visit(url, agent, method=method)  # which looks at status, no-store and one kept click
    assert location
    assert click.is_bot == (agent in ("curl/8.4.0", "") or method == "HEAD")
    assert bool(click.machine) == click.is_bot


@pytest.mark.parametrize(
    ("headers", "machine"),
    [
        ({"sec-purpose": "prefetch;prerender"}, "prefetch"),
        ({"purpose": "prefetch"}, "prefetch"),
        ({"x-purpose": "preview"}, "prefetch"),
        ({"x-moz": "prefetch"}, "prefetch"),
        ({}, ""),
    ],
)
def test_what_a_browser_fetches_early_is_flagged(headers, machine):
    location, click = visit(TAOBAO, WECHAT, **headers)
    assert (location, click.machine, click.is_bot) == (TAOBAO, machine, bool(machine))


def test_a_web_view_that_names_its_app_is_believed():
    location, click = visit(TAOBAO, ANDROID, **{"x-requested-with": "com.tencent.mm"})
    assert (location, click.container) == (TAOBAO, "wechat"), "where the page opens at once"
    for value in ("XMLHttpRequest", "com.example"):
        location, click = visit(TAOBAO, ANDROID, **{"x-requested-with": value})
        assert click.container == "mobile"
        assert location.startswith("/j/")


def test_a_click_holds_no_address_and_no_page_before():
    headers = {"referer": "https://weibo.com/u/secret", "accept-language": "zh-cn"}
    _, click = visit(TAOBAO, WECHAT, **headers)
    assert (click.referrer, click.language) == ("social", "zh-CN")
    kept = repr(click)
    assert not any(word in kept for word in ("127.0.0.1", "weibo.com", "secret", "Mozilla"))


def test_our_own_desk_needs_no_jump():
    assert visit(None, NOTES)[0].startswith(f"/b/{CODE}?k=")


def test_another_matrix_is_in_force_at_once(tmp_path):
    file = tmp_path / "jumps.yaml"
    book = JumpBook(file)
    assert visit(TAOBAO, WECHAT, book)[0] == TAOBAO
    before = "{do: page, taps: 2, evidence: seen}\n      - {do: taobao_wrapper, taps: 2"
    text = BUILT_IN.read_text("utf-8")
    assert text.count(before) == 1
    file.write_text(
        text.replace(
            before, before.replace("{do: page, taps: 2, evidence: seen}", "{do: scheme, taps: 1, evidence: guessed}")
        ),
        "utf-8",
    )
    assert book.look()
    assert visit(TAOBAO, WECHAT, book)[0].startswith("/j/")
    file.unlink()
    assert book.look()
    assert visit(TAOBAO, WECHAT, book)[0] == TAOBAO


def test_one_front_sees_another_matrix_too(tmp_path):
    """What a front remembers of a matrix goes with it."""
    file = tmp_path / "jumps.yaml"
    book = JumpBook(file)
    front = LinkFront(None, OneLink(TAOBAO), Sink(), Ways(book), Clock(), KEY)

    async def location():
        sent = []

        async def send(message):
            sent.append(message)

        scope = {"type": "http", "path": f"/l/{CODE}", "method": "GET", "headers": [(b"user-agent", NOTES.encode())]}
        await front(scope, None, send)
        return dict(sent[0]["headers"])[b"location"].decode()

    assert asyncio.run(location()).startswith("/j/")
    row = '  - from: [xiaohongshu]\n    to: any\n    source: "told by others: refused"\n    try: [{do: guide'
    text = BUILT_IN.read_text("utf-8")
    assert row in text
    file.write_text(text.replace(row, row.replace("do: guide", "do: page")), "utf-8")
    assert book.look()
    assert asyncio.run(location()) == TAOBAO


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (f"/l/{CODE}", b"url=https://evil.example/"),
        (f"/l/{CODE}", b"u=//evil.example&next=https://evil.example&host=evil.example&scheme=http&to=%0d%0aX:y"),
        (f"/l/{CODE}", b"https://evil.example/"),
        (f"/l/{CODE}/", b"redirect_uri=javascript:alert(1)"),
        (f"/l/{CODE}//", b""),
        (f"/l/{CODE}", b"@evil.example"),
    ],
)
@pytest.mark.parametrize("host", [b"evil.example", b"item.taobao.com.evil.example", b"127.0.0.1:8000", b""])
def test_nothing_in_path_query_or_head_changes_where_a_link_leads(path, query, host):
    sink, sent = Sink(), []
    front = LinkFront(None, OneLink(TAOBAO), sink, Ways(None), Clock(), KEY)

    async def send(message):
        sent.append(message)

    for agent in (COMPUTER, ANDROID, NOTES):
        heads = [(b"user-agent", agent.encode()), (b"host", host), (b"x-forwarded-host", b"evil.example")]
        heads += [(b"x-forwarded-proto", b"javascript"), (b"forwarded", b"host=evil.example"), (b"referer", query)]
        scope = {"type": "http", "path": path, "query_string": query, "method": "GET", "headers": heads}
        asyncio.run(front(scope, None, send))
    places = [dict(one["headers"])[b"location"].decode() for one in sent if "status" in one]
    assert places[0] == TAOBAO
    assert all(place.startswith(f"/j/{CODE}?k=") for place in places[1:])


@pytest.mark.parametrize(
    "code", ["//evil.example", "\\evil.example", "https://evil.example/", f"{CODE}/../../evil", "%2f"]
)
def test_a_path_is_a_code_or_nothing(code):
    """What follows ``/l/`` is looked up as it is, and an address in it is no code."""
    asked = []

    class Nothing:
        async def find(self, wanted):
            asked.append(wanted)

    async def behind(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 404, "headers": []})

    front, sent = LinkFront(behind, Nothing(), Sink(), Ways(None), Clock(), KEY), []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "path": f"/l/{code}", "method": "GET", "headers": []}
    asyncio.run(front(scope, None, send))
    assert [one["status"] for one in sent] == [404]
