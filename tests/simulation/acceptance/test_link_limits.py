"""Behind a proxy, on the running hub: limits by the visitor's own address, an own host, and the page that asks."""

from __future__ import annotations

import os
import re

import httpx
import pytest
from restartable import World

from hutong.cli.buyers import WECHAT_AGENT
from hutong.edge.limits import ADDRESS_PACE, RETRY_AFTER_S

pytestmark = pytest.mark.slow

HUB, OWN = "hub.example.cn", "shop.example.cn"
PAGE = f"https://{OWN}/tea"
NEW = {"title": "茶", "channel": {"kind": "post", "platform": "weibo", "name": "帖子"}}
#: Over the limit, with what comes back while they are sent.
MORE = 400


@pytest.fixture(scope="module")
def proxied(market_of):
    """A hub that has a name, behind a proxy on this machine."""
    world = World(seed=4, environment={"HUTONG_TRUSTED_PROXIES": "127.0.0.1", "HUTONG_PUBLIC_URL": f"https://{HUB}"})
    world.start_hub()
    market = market_of(world)
    yield market
    market.close()
    world.close()


@pytest.fixture
def ask(proxied):
    """What a visitor behind the proxy gets."""
    with httpx.Client(base_url=proxied.world.url, trust_env=False, timeout=60) as line:

        def get(path, visitor="117.1.1.1", host=HUB):
            heads = {"user-agent": WECHAT_AGENT, "x-forwarded-for": f"9.9.9.9, {visitor}", "host": host}
            return line.get(path, headers=heads)

        yield get


def clicks(market, code):
    found = next(item for item in market.items("/links") if item["code"] == code)
    return found["clicks"], found["bot_clicks"]


def test_a_flood_from_one_address_keeps_out_nobody_else(proxied, ask, until):
    code = proxied.post("/links", {**NEW, "url": "https://weibo.com/1/a"})["code"]
    sent = ADDRESS_PACE.calls + MORE
    answers = [ask(f"/l/{code}").status_code for _ in range(sent)]
    limited = answers.count(429)
    assert limited
    assert answers.count(302) == sent - limited >= ADDRESS_PACE.calls
    assert set(answers[: ADDRESS_PACE.calls]) == {302}
    assert ask(f"/l/{code}", "117.1.1.2").status_code == 302
    answer = ask(f"/l/{code}")
    limited += answer.status_code == 429
    if answer.status_code == 429:
        assert answer.headers["retry-after"] == str(RETRY_AFTER_S)
        assert "打开得太频繁了" in answer.text
    until("every click is kept", lambda: sum(clicks(proxied, code)) == sent + 2, 20)
    assert clicks(proxied, code)[1] == limited, "those over the limit are flagged"


def prove(market, host):
    """As the end of a check would: the name leads to no machine of this test."""
    host_id = market.post("/hosts", {"host": host})["host_id"]
    market.world.sql(
        "UPDATE own_host SET state = 'verified', changed_at = $2 WHERE host_id = $1::text::uuid",
        host_id,
        market.world.now(),
        role="app",
    )


def test_a_host_of_ones_own_from_pending_to_serving(proxied, ask, until):
    pending = f"new-{os.urandom(3).hex()}.example.cn"
    proxied.post("/hosts", {"host": pending})
    code = proxied.post("/links", {**NEW, "url": f"https://{pending}/tea"})["code"]
    first = ask(f"/l/{code}", "117.3.3.3")
    assert first.headers["location"].startswith(f"/x/{code}?k=")
    shown = ask(first.headers["location"], "117.3.3.3")
    assert (shown.status_code, re.findall(r'href="(https[^"]*)"', shown.text)) == (200, [f"https://{pending}/tea"])
    assert ask(f"/l/{code}", "117.3.3.3", host=OWN).status_code == 404, "a name that is nobody's"
    prove(proxied, OWN)
    there = proxied.post("/links", {**NEW, "url": PAGE})["code"]
    until("proven", lambda: ask(f"/l/{there}", "117.3.3.3").headers.get("location") == PAGE, 10)
    assert ask(f"/l/{there}", "117.3.3.3", host=OWN).headers["location"] == PAGE
    for path in ("/", "/login", "/api/v1/links", "/c/1", "/l/nosuch1"):
        assert ask(path, "117.3.3.3", host=OWN).status_code == 404
    goods = proxied.goods()
    landing = ask(f"/l/{goods.link['code']}", "117.3.3.3", host=OWN).headers["location"]
    assert landing.startswith(f"https://{HUB}/b/{goods.link['code']}?k=")
    assert ask(f"/r/{there}", "117.3.3.3", host=OWN).status_code == 200
