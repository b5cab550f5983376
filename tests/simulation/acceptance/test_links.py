"""Links on the running hub: dead ends are friendly, every click is kept, bots apart, and kill -9 takes none."""

from __future__ import annotations

import contextlib
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest

from hutong.cli.buyers import DESKTOP_AGENT, WECHAT_AGENT
from hutong.edge.journal import SLOT_BYTES, Click, ClickJournal

pytestmark = pytest.mark.slow

BOT_AGENT = "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)"
CLICKS = 40
PHONES = 600


def follow(url: str, agent: str = DESKTOP_AGENT, method: str = "GET", **headers: str) -> httpx.Response:
    return httpx.request(method, url, headers={"user-agent": agent, **headers}, trust_env=False, timeout=30)


def figures(market, goods) -> dict:
    """The link's clicks, people and bots apart."""
    link = next(item for item in market.items("/links") if item["link_id"] == goods.link["link_id"])
    return {"people": link["clicks"], "bots": link["bot_clicks"], "containers": link["clicks_by_container"]}


def channel_figures(market, goods) -> dict:
    """The same of its channel."""
    channels = market.client.get("/channels").json()["items"]
    channel = next(item for item in channels if item["channel_id"] == goods.link["channel_id"])
    return {"people": channel["clicks"], "bots": channel["bot_clicks"], "containers": channel["clicks_by_container"]}


def test_phones_that_keep_their_connection_open_keep_nobody_out(market):
    """A page that waits holds its connection; wallets' callbacks and further buyers still come in."""
    target = urlsplit(market.world.url)
    address = (target.hostname, target.port)
    with contextlib.ExitStack() as phones:
        for _ in range(PHONES):
            phone = phones.enter_context(socket.create_connection(address, timeout=10))
            phone.sendall(f"GET /l/nosuchlink HTTP/1.1\r\nHost: {target.netloc}\r\n\r\n".encode())
            assert phone.recv(12).startswith(b"HTTP/1.1")
        assert market.sale(price_fen=100).paid().order()["state"] == "paid"


def test_the_way_to_the_desk_does_not_read_earlier_clicks(market):
    """A link that a million people clicked serves the next one as fast: figures are for the merchant's pages."""
    goods = market.goods()
    landing = follow(goods.link["url"]).headers["location"]
    market.world.sql("REVOKE SELECT ON click FROM hutong_app", role="owner")
    try:
        answer = follow(f"{market.world.url}{landing}", WECHAT_AGENT)
    finally:
        market.world.sql("GRANT SELECT ON click TO hutong_app", role="owner")
    assert answer.status_code == 302
    assert answer.headers["location"].startswith("/c/")


@pytest.mark.parametrize("tail", ["/", "%2f", "//"])
def test_a_slash_too_many_still_leads_to_the_goods(market, tail):
    """People and chat programs put one there; the link is not over for that."""
    goods = market.goods()
    answer = follow(f"{goods.link['url']}{tail}")
    assert answer.status_code == 302
    assert answer.headers["location"].startswith("/b/")


@pytest.mark.parametrize("address", ["/l/%00", "/l/a%00b", "/c/%00", "/s/%00", "/b/%00?k=%00", "/m/%00"])
def test_bytes_that_no_text_holds_are_an_unknown_address(market, address):
    assert follow(f"{market.world.url}{address}").status_code == 404


def test_a_null_byte_in_a_request_is_the_callers_mistake(market):
    api = market.client
    asked = [api.get("/payments", params={"number": "\0"}), api.get("/orders", params={"source": "a\0b"})]
    channel = {"kind": "post", "platform": "weibo", "name": "a\0b"}
    keys = ({"idempotency-key": f"null-{number}-{time.monotonic_ns()}"} for number in range(2))
    asked += [
        api.post("/products", json={"title": "a\0b"}, headers=next(keys)),
        api.post("/links", json={"title": "x", "channel": channel, "url": "https://weibo.com/1"}, headers=next(keys)),
    ]
    assert [answer.status_code for answer in asked] == [400] * 4
    assert {answer.json()["code"] for answer in asked} == {"invalid_input"}


@pytest.mark.parametrize(("language", "words"), [("zh-CN", "没有这条链接"), ("en-GB", "No such link")])
def test_an_unknown_link_shows_a_friendly_page(market, language, words):
    for code in ("nosuchlink", "x" * 500, "%E4%B8%AD", "a/b"):
        answer = follow(f"{market.world.url}/l/{code}", **{"accept-language": language})
        assert answer.status_code == 404
        assert answer.headers["content-type"].startswith("text/html")
    answer = follow(f"{market.world.url}/l/nosuchlink", **{"accept-language": language})
    assert words in answer.text
    assert follow(f"{market.world.url}/l/nosuchlink", method="HEAD").status_code == 404


def test_a_link_that_was_switched_off_says_so(market, until):
    goods = market.goods()
    assert follow(goods.link["url"]).status_code == 302
    market.world.sql(
        "UPDATE link SET state = 'disabled', changed_at = $2 WHERE link_id = $1::text::uuid",
        goods.link["link_id"],
        market.world.now(),
        role="app",
    )
    until("switched off", lambda: follow(goods.link["url"]).status_code == 410, 5)
    for language, words in (("zh-CN", "这条链接现在打不开了"), ("en", "does not open now")):
        answer = follow(goods.link["url"], **{"accept-language": language})
        assert answer.status_code == 410
        assert words in answer.text
    until("counted", lambda: figures(market, goods)["people"] >= 1)


def test_every_click_is_kept_and_bots_are_told_apart(market, until):
    goods = market.goods()
    url = goods.link["url"]
    assert [follow(url, agent).status_code for agent in (DESKTOP_AGENT, WECHAT_AGENT, BOT_AGENT)] == [302] * 3
    head = follow(url, method="HEAD")
    assert (head.status_code, head.headers["cache-control"]) == (302, "no-store")
    assert follow(url, **{"sec-purpose": "prefetch"}).status_code == 302
    until("stored", lambda: sum(figures(market, goods)[kind] for kind in ("people", "bots")) == 5, 10)
    assert figures(market, goods) == {"people": 2, "bots": 3, "containers": {"desktop": 1, "wechat": 1}}
    assert channel_figures(market, goods) == figures(market, goods)


def test_a_link_leads_where_its_maker_said_and_nowhere_else(market):
    goods = market.goods()
    for suffix in ("?url=https://evil.example/", "?to=//evil.example", "?redirect=javascript:alert(1)"):
        target = follow(goods.link["url"] + suffix).headers["location"]
        assert target.startswith("/b/")
        assert "evil" not in target
        assert "javascript" not in target
    for url in ("https://evil.example/x", "javascript:alert(1)", "http://127.0.0.1/x", "//taobao.com.evil.example"):
        body = {"title": "x", "url": url, "channel": {"kind": "post", "platform": "weibo", "name": "x"}}
        assert market.send("/links", body).status_code in (400, 422)


def test_kill_minus_nine_takes_no_click(market, until):
    """The database stands still while people click; the hub is killed with all of them in memory, and starts again."""
    goods = market.goods()
    url = goods.link["url"]
    follow(url)
    until("stored", lambda: figures(market, goods)["people"] == 1)
    before = market.world.count("click")
    with market.world.holding("click"), ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: follow(url).status_code, range(CLICKS)))
        assert answers == [302] * CLICKS
        market.world.kill_hub()
    journal = ClickJournal(market.world.home / "clicks.journal")
    answered, kept, lost, waiting = journal.answered, journal.kept, journal.lost, len(journal.waiting())
    journal.close()
    assert (waiting, lost, kept) == (CLICKS, 0, answered)
    told = market.world.start_hub(fresh_login=False)
    assert told["clicks"] == {"recovered": CLICKS, "lost": 0}
    until("stored", lambda: figures(market, goods)["people"] == 1 + CLICKS)
    assert market.world.count("click") == before + CLICKS == answered


def test_kill_minus_nine_while_clicks_rain(market, until):
    """Killed somewhere between answer, commit and mark: each click that was answered is there exactly once."""
    goods = market.goods()
    url = goods.link["url"]
    answered = 0

    def click(_: int) -> int:
        try:
            return int(follow(url).status_code == 302)
        except httpx.TransportError:
            return 0

    for pause in (0.15, 0.35):
        with ThreadPoolExecutor(4) as pool:
            counted = pool.map(click, range(150))
            until("clicks", lambda: market.world.count("click") > 0, 5)
            time.sleep(pause)
            market.world.kill_hub()
            answered += sum(counted)
        market.world.start_hub(fresh_login=False)
    journal = ClickJournal(market.world.home / "clicks.journal")
    until("stored", lambda: journal.stored == journal.kept)
    assert journal.answered == journal.stored + journal.lost
    assert market.world.count("click") == journal.stored
    journal.close()
    seen = figures(market, goods)["people"]
    # A click counts before its answer leaves: a kill can take an answer on its way, never a click that was answered.
    assert answered <= seen <= answered + 8


def test_clicks_that_could_not_be_kept_are_told_once(market):
    market.world.settle()
    assert market.world.stop_hub() == 0
    journal = ClickJournal(market.world.home / "clicks.journal")
    unkept = make_click(container="x" * SLOT_BYTES)  # larger than any slot, as if the ring were full
    assert [journal.keep(unkept) for _ in range(3)] == [False] * 3
    journal.close()
    assert market.world.start_hub(fresh_login=False)["clicks"] == {"recovered": 0, "lost": 3}
    tickets = [ticket for ticket in market.items("/tickets") if ticket["kind"] == "clicks_lost"]
    assert [ticket["details"] for ticket in tickets] == [{"count": 3}]
    market.world.stop_hub()
    assert market.world.start_hub(fresh_login=False)["clicks"] == {"recovered": 0, "lost": 0}


def make_click(container: str) -> Click:
    nobody = UUID(int=0)
    return Click(
        merchant_id=nobody,
        click_id=nobody,
        link_id=nobody,
        channel_id=nobody,
        container=container,
        os="",
        language="",
        referrer="none",
        address_hash=b"",
        is_bot=False,
        clicked_at=datetime.now(UTC),
    )
