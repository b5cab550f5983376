"""Which app a page is open in: a corpus of real User-Agents, each with its source, and made ones for the traps."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from hutong.links.containers import classify
from hutong.web.labels import LABELS

#: Each: what it is (container, os), what the cash desk opens there (see tests/unit/web), and where it was seen:
#: ``github.com/OWNER/NAME PATH @COMMIT``; ``git show COMMIT:PATH`` there holds exactly this string.
CORPUS = json.loads((Path(__file__).parent / "user_agents.json").read_text("utf-8"))
CORPUS_MIN = 115
SOURCE = re.compile(r"github\.com/[\w.-]+/[\w.-]+ \S.* @[0-9a-f]{40}")
#: Seen in public, but in no repository that can be named; kept so that the container stays covered. May only shrink.
UNNAMED = {"alipay_mini": 2, "xiaohongshu": 2}
#: The walls a buyer is most often behind: each seen at least this many times.
SEEN_MIN = 3
WALLS = [
    "wechat",
    "wechat_mini",
    "wecom",
    "qq",
    "douyin",
    "toutiao",
    "kuaishou",
    "kuaishou_lite",
    "xiaohongshu",
    "weibo",
    "taobao",
    "tmall",
    "alipay",
    "pinduoduo",
    "jd",
    "baidu",
    "mobile",
    "desktop",
]

IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 16_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
ANDROID = (
    "Mozilla/5.0 (Linux; Android 13; PFDM00) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/107 "
    "Mobile Safari/537.36"
)
AGENTS = [
    (f"{IPHONE} MicroMessenger/8.0.34(0x18002234) NetType/WIFI Language/zh_CN", "wechat", "ios"),
    (f"{ANDROID} XWEB/4425 MMWEBSDK/20221011 MicroMessenger/8.0.30.2260 Weixin", "wechat", "android"),
    (
        (
            "Mozilla/5.0 (Windows NT 10.0; WOW64) AppleWebKit/537.36 Chrome/81 Safari/537.36 MicroMessenger/7.0.20 "
            "WindowsWechat(0x63090217)"
        ),
        "wechat",
        "windows",
    ),
    (f"{IPHONE} wxwork/4.1.0 MicroMessenger/7.0.1", "wecom", "ios"),
    (f"{IPHONE} AliApp(AP/10.3.60) AlipayClient/10.3.60 Language/zh-Hans", "alipay", "ios"),
    (f"{IPHONE} AliApp(TB/10.20.0) WindVane/8.7.2", "taobao", "ios"),
    (f"{IPHONE} AliApp(TM/13.1.0) WindVane/8.7.2", "tmall", "ios"),
    (f"{ANDROID} UCBrowser/11.8.8.968 UCBS/2.10 AliApp(TB/7.5.4)", "mobile", "android"),
    (f"{ANDROID} aweme_230600 AppName/aweme BytedanceWebview/d8a21c6", "douyin", "android"),
    (f"{ANDROID} NewsArticle/9.1.3 BytedanceWebview/d8a21c6", "toutiao", "android"),
    (f"{ANDROID} BytedanceWebview/d8a21c6", "mobile", "android"),
    (f"{ANDROID} Kwai/11.4.30 KsWebView/1.8.90", "kuaishou", "android"),
    (f"{ANDROID} ksNebula/13.7.20 KsWebView/1.8.90", "kuaishou_lite", "android"),
    (f"{IPHONE} xhsdiscover/8.26 xiaohongshu", "xiaohongshu", "ios"),
    (f"{IPHONE} Weibo (iPhone12,5__weibo__10.3.2__iphone__os13.4)", "weibo", "ios"),
    (f"{IPHONE} pinduoduo_ios/6.44 phh_ios_version/6.44 pddapp", "pinduoduo", "ios"),
    (f"{ANDROID} jdapp;android;11.3.0;", "jd", "android"),
    (f"{ANDROID} baiduboxapp/13.1", "baidu", "android"),
    (f"{ANDROID} MQQBrowser/6.2 TBS/045 QQ/8.9.33.10335 NetType/4G", "qq", "android"),
    (f"{ANDROID} MQQBrowser/13.3", "mobile", "android"),
    (f"{IPHONE} Version/16.3 Safari/604.1", "mobile", "ios"),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140 Safari/537.36", "desktop", "windows"),
    ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605 Version/17 Safari/605", "desktop", "macos"),
]


def test_the_corpus_is_wide():
    assert len(CORPUS) >= CORPUS_MIN
    assert len({entry["agent"] for entry in CORPUS}) == len(CORPUS)
    assert {entry["opens"] for entry in CORPUS} == {"wechatpay", "alipay", "chooser", "qr"}
    seen = Counter(entry["container"] for entry in CORPUS)
    assert set(seen) <= set(LABELS["container"])
    assert [wall for wall in WALLS if seen[wall] < SEEN_MIN] == []


def test_every_source_can_be_checked():
    """A repository, a file and the commit; what has no name is counted, so that it cannot grow."""
    assert Counter(entry["container"] for entry in CORPUS if entry["source"] == "unnamed") == UNNAMED
    named = [entry["source"] for entry in CORPUS if entry["source"] != "unnamed"]
    assert [source for source in named if not SOURCE.fullmatch(source)] == []


@pytest.mark.parametrize("entry", CORPUS, ids=lambda entry: entry["container"])
def test_real_agents_are_read_right(entry):
    found = classify(entry["agent"])
    assert (found.container, found.os, found.is_bot) == (entry["container"], entry["os"], False)


@pytest.mark.parametrize(("agent", "container", "system"), AGENTS)
def test_container_and_system(agent, container, system):
    found = classify(agent)
    assert (found.container, found.os, found.is_bot) == (container, system, False)


@pytest.mark.parametrize(
    "agent",
    [
        "",
        "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)",
        "Mozilla/5.0 (compatible; bingbot/2.0)",
        "curl/8.4.0",
        "python-requests/2.31",
        "WhatsApp/2.23",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/120 Safari/537.36",
    ],
)
def test_machines_are_flagged(agent):
    assert classify(agent).is_bot
