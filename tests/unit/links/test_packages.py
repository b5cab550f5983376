"""The app that a web-view of Android names: each package with its source, and when it is believed."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hutong.links.containers import CONTAINERS, agent_of, classify
from hutong.links.packages import BROWSERS, PACKAGE_CHARS_MAX, PACKAGES, app_named

#: Each: the package, what it stands for, whether the header was seen with it in public, and where: the number of a file
#: in the public index of texts.
CORPUS = json.loads((Path(__file__).parent / "packages.json").read_text("utf-8"))
PLAIN = "Mozilla/5.0 (Linux; Android 13; K; wv) AppleWebKit/537.36 Version/4.0 Chrome/107 Mobile Safari/537.36"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 16_3 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148"
WECHAT = f"{PLAIN} MicroMessenger/8.0.30.2260 Weixin"
MINI = f"{WECHAT} miniProgram/wx0123456789abcdef"
ALIPAY_MINI = f"{PLAIN} AliApp(AP/10.3) AlipayClient/10.3 MiniProgram APXWebView"
DESKTOP_SITE = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/107 Safari/537.36"


def test_every_package_stands_in_the_corpus_with_what_is_known_of_it():
    assert {entry["package"]: entry["container"] for entry in CORPUS} == {
        **PACKAGES,
        **dict.fromkeys(BROWSERS, "mobile"),
    }
    assert set(PACKAGES.values()) <= set(CONTAINERS)
    for entry in CORPUS:
        is_seen = re.fullmatch(r"index id \d+", entry["source"]) is not None
        assert is_seen == (entry["evidence"] == "seen"), entry
    assert sum(entry["evidence"] == "seen" for entry in CORPUS) >= 14


@pytest.mark.parametrize("entry", CORPUS, ids=lambda entry: entry["package"])
def test_a_named_app_beats_the_user_agent(entry):
    for agent in (PLAIN, f"{PLAIN} __weibo__ AliApp(TB/10.0)", DESKTOP_SITE):
        found = classify(agent, entry["package"])
        assert (found.container, found.os, found.is_phone, found.is_bot) == (entry["container"], "android", True, False)


@pytest.mark.parametrize(
    "value",
    ["", "XMLHttpRequest", "com.example.shop", "com.tencent.MM", "com.tencent.mm ", "x" * 5_000, "com.tencent.mm, x"],
)
def test_anything_else_says_nothing(value):
    for agent in (PLAIN, WECHAT, IPHONE, DESKTOP_SITE, ""):
        assert classify(agent, value) == classify(agent)


def test_what_the_user_agent_adds_to_the_same_app_stays():
    assert classify(MINI, "com.tencent.mm").container == "wechat_mini"
    assert classify(ALIPAY_MINI, "com.eg.android.AlipayGphone").container == "alipay_mini"
    assert classify(MINI, "com.xingin.xhs").container == "xiaohongshu"


def test_a_browser_is_no_app_whatever_it_copies():
    assert classify(WECHAT, "com.android.chrome").container == "mobile"
    assert classify(f"{PLAIN} UCBrowser/11.8.8.968 AliApp(TB/7.5.4)", "com.UCMobile").container == "mobile"


def test_no_iphone_has_a_package_and_a_machine_stays_one():
    assert classify(IPHONE, "com.tencent.mm") == classify(IPHONE)
    spider = classify("Mozilla/5.0 (compatible; Baiduspider/2.0)", "com.tencent.mm")
    assert (spider.is_bot, spider.machine, spider.container) == (True, "spider", "wechat")


def test_headers_are_read_the_same_wherever_they_come_from():
    headers = {b"user-agent": PLAIN.encode(), b"x-requested-with": b"com.xingin.xhs"}
    assert agent_of(headers) == classify(PLAIN, "com.xingin.xhs")
    assert agent_of({}) == classify("")
    assert agent_of({b"x-requested-with": b"\xff\x00"}) == classify("")


@given(st.text(max_size=2 * PACKAGE_CHARS_MAX))
def test_nobody_names_an_app_by_chance(value):
    assert app_named(value) in ("", *(["mobile"] if value in BROWSERS else []), *filter(None, [PACKAGES.get(value)]))
