"""In which app a page is open, read from the User-Agent. Ordered: the first rule that holds wins.

Tokens as seen in the wild (reference notes, "In-app browsers"). Traps minded: PC WeChat is still WeChat; QQ the app
(`` QQ/``) is not QQ Browser (``MQQBrowser``); UCBrowser of 2017-18 carried ``AliApp(TB`` as well; ``AliApp`` alone is
Taobao or Alipay; ``BytedanceWebview`` alone does not tell Douyin from its sisters.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import msgspec

USER_AGENT_CHARS_MAX: Final = 1024
AGENTS_CACHED_MAX: Final = 20_000

#: (container, must match, must not match)
_RULES: Final[tuple[tuple[str, re.Pattern[str], re.Pattern[str] | None], ...]] = tuple(
    (name, re.compile(yes, re.IGNORECASE), re.compile(no, re.IGNORECASE) if no else None)
    for name, yes, no in (
        ("wecom", r"wxwork/", ""),
        ("wechat", r"MicroMessenger/", ""),
        ("alipay", r"AlipayClient/|AliApp\(AP", r"UCBrowser|UCBS"),
        ("tmall", r"AliApp\(TM", r"UCBrowser|UCBS"),
        ("taobao", r"AliApp\(TB", r"UCBrowser|UCBS"),
        ("douyin", r"AppName/aweme|\baweme[_/ ]", ""),
        ("toutiao", r"NewsArticle/", ""),
        ("kuaishou_lite", r"ksNebula/", ""),
        ("kuaishou", r"Kwai/|KsWebView/", ""),
        ("xiaohongshu", r"xiaohongshu|xhsdiscover|discover/[\d.]+ XHS", ""),
        ("weibo", r"__weibo__|Weibo \(", ""),
        ("pinduoduo", r"pinduoduo|pddapp|phh_android_version", ""),
        ("jd", r"jdapp|jdpingou", ""),
        ("baidu", r"baiduboxapp", ""),
        ("dingtalk", r"DingTalk/", ""),
        ("qq", r"\bQQ/", ""),
    )
)
_BOT: Final = re.compile(
    r"bot\b|bot/|spider|crawl|slurp|curl/|wget/|python-|httpx|headlesschrome|facebookexternalhit|"
    r"whatsapp/|telegrambot|mastodon|preview|scrapy|go-http-client|okhttp/",
    re.IGNORECASE,
)
_SYSTEMS: Final = (
    ("ios", re.compile(r"iPhone|iPad|iPod")),
    ("android", re.compile(r"Android")),
    ("harmony", re.compile(r"HarmonyOS|OpenHarmony")),
    ("windows", re.compile(r"Windows")),
    ("macos", re.compile(r"Macintosh|Mac OS X")),
    ("linux", re.compile(r"Linux")),
)
_PHONES: Final = frozenset({"ios", "android", "harmony"})


class Agent(msgspec.Struct, frozen=True, kw_only=True):
    """What a User-Agent tells: container, operating system, whether it is a machine."""

    container: str
    os: str
    is_bot: bool


@lru_cache(maxsize=AGENTS_CACHED_MAX)
def classify(user_agent: str) -> Agent:
    """The container (``mobile`` or ``desktop`` for a system browser), the system, and the bot flag."""
    text = user_agent[:USER_AGENT_CHARS_MAX]
    system = next((name for name, pattern in _SYSTEMS if pattern.search(text)), "other")
    container = next(
        (name for name, yes, no in _RULES if yes.search(text) and not (no and no.search(text))),
        "mobile" if system in _PHONES else "desktop",
    )
    return Agent(container=container, os=system, is_bot=not text or bool(_BOT.search(text)))
