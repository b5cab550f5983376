"""From one app into another in a real browser, which plays apps that let some schemes through and others not."""

from __future__ import annotations

import browser_checks as checks
import httpx
import pytest
from browser_jumps import TAOBAO, web_view

PHONE = (
    "Mozilla/5.0 (Linux; Android 14; 23127PN0CC) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 "
    "Mobile Safari/537.36"
)
#: Systems on which neither the demo's readers nor another test has told of a try: there the matrix's order holds.
HARMONY = (
    "Mozilla/5.0 (Phone; OpenHarmony 4.1) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/114.0.0.0 Safari/537.36 "
    "ArkWeb/4.1.6.1 Mobile"
)
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 "
    "Mobile/15E148 Safari/604.1"
)
NOTES = f"{PHONE} xiaohongshu discover/8.26"
WEIBO = f"{PHONE} __weibo__14.1.0__android"


@pytest.fixture
def to_taobao(hub):
    """A link to an item."""
    channel = {"kind": "post", "platform": "weibo", "name": "去淘宝"}
    return hub.post("/links", {"title": "手工马克杯", "channel": channel, "url": TAOBAO})["url"]


def opened(watch, user_agent, *schemes):
    watched = watch("phone", user_agent=user_agent, is_mobile=True, has_touch=True)
    return watched.page, web_view(watched.page, *schemes)


def test_an_app_on_the_list_is_opened_at_once(watch, to_taobao):
    page, told = opened(watch, HARMONY, "tbopen")
    page.goto(to_taobao)
    page.wait_for_function("window.fired.length === 1")
    page.wait_for_timeout(3_500)
    assert told == [{"form": "taobao_page_scheme", "outcome": "left"}]
    assert page.evaluate("window.fired.length") == 1, "nothing further is tried behind the app"
    assert "/j/" in page.url


def test_an_app_that_does_not_open_gives_way_to_the_page(watch, to_taobao):
    page, told = opened(watch, IPHONE)
    page.goto(to_taobao)
    assert checks.untranslated(page, "zh-Hans") == []
    assert "正在打开淘宝" in page.inner_text("#now")
    page.wait_for_url(TAOBAO)
    assert told[0] == {"form": "taobao_page_scheme", "outcome": "stayed"}
    assert told[1:] in ([], [{"form": "page", "outcome": "left"}])


def test_a_tap_tries_once_more(watch, to_taobao):
    page, told = opened(watch, f"{PHONE} QQ/9.0 V1_AND", "tbopen")
    page.goto(to_taobao)
    page.click("text=打开淘宝")
    page.wait_for_timeout(300)
    assert told == [{"form": "taobao_page_scheme", "outcome": "left"}]


def test_where_nothing_passes_the_way_out_is_shown(watch, to_taobao):
    page, told = opened(watch, NOTES)
    page.goto(to_taobao)
    assert "小红书里打不开" in page.inner_text("#now")
    assert page.evaluate("window.fired") == []
    page.click("text=复制链接")
    assert page.inner_text("[data-kind=guide] button") == "已复制，请粘贴到浏览器"
    assert [*checks.untranslated(page, "zh-Hans"), *checks.overflow(page)] == []
    assert told == []


@pytest.mark.parametrize("agent", [f"{PHONE} MicroMessenger/8.0.60(0x18003c2f) NetType/WIFI", WEIBO])
def test_where_the_page_opens_there_is_nothing_between(to_taobao, agent):
    answer = httpx.get(to_taobao, headers={"user-agent": agent}, trust_env=False)
    assert (answer.status_code, answer.headers["location"]) == (302, TAOBAO)
