"""In which app a page is open, read from the User-Agent. Ordered: the first rule that holds wins.

Tokens as seen in the wild; the corpus, with the public file and commit each stands in, is
``tests/unit/links/user_agents.json``. Traps minded:

- PC WeChat is still WeChat; WeCom carries WeChat's token; a mini-program's web-view is WeChat and cannot pay by itself.
  One WeChat of 2020 names itself without a version.
- QQ the app (`` QQ/``) is not QQ Browser (``MQQBrowser``), and an old WeChat ended in a `` QQ/`` of its own.
- Alipay and Taobao draw with UC's engine: on Android they carry ``UCBS/`` or even ``UCBrowser/``. UC Browser of 2017-18
  in turn carried ``AliApp(TB``: without the shop's own mark (``@taobao_``) that one is a browser.
- ``AliApp`` alone says little (Taobao, Alipay, DingTalk, Lazada); ``BytedanceWebview`` alone does not tell Douyin from
  its sisters; ``Kwai_Pro`` is the foreign one.
- A computer with HarmonyOS names a phone's system and ``PC``.
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
        ("wechat_mini", r"MicroMessenger\b.*(?:miniProgram\b|MiniProgramEnv/)", ""),
        ("wechat", r"MicroMessenger\b", ""),
        ("alipay_mini", r"AlipayClient/.*MiniProgram", ""),
        ("alipay", r"AlipayClient/|AliApp\(AP/", ""),
        ("tmall", r"AliApp\(TM", r"UCBrowser"),
        ("taobao", r"AliApp\(TB", r"UCBrowser/(?!1\.0\.0\.100)(?!.*@taobao_)"),
        ("douyin", r"AppName/aweme|\baweme(?:_lite)?[_/ ]", ""),
        ("toutiao", r"NewsArticle/", ""),
        ("kuaishou_lite", r"ksNebula/", ""),
        ("kuaishou", r"Kwai/|KsWebView/", ""),
        ("xiaohongshu", r"xiaohongshu|xhsdiscover|\bdiscover/\d", ""),
        ("weibo", r"__weibo__|Weibo \(", ""),
        ("unionpay", r"com\.unionpay\.chsp|UnionPay/[\d.]+ CloudPay", ""),
        ("pinduoduo", r"pinduoduo|pddapp|phh_(?:android|ios)_version", ""),
        ("jd", r"jdapp|jdltapp|jdpingou", ""),
        ("baidu", r"baiduboxapp", ""),
        ("dingtalk", r"DingTalk/", ""),
        ("lark", r"\bLark/\d", ""),
        ("qq", r"\bQQ/", ""),
    )
)
_BOT: Final = re.compile(
    r"bot\b|bot/|spider|crawl|slurp|curl/|wget/|python-|httpx|headlesschrome|facebookexternalhit|"
    r"whatsapp/|telegrambot|mastodon|preview|scrapy|go-http-client|okhttp/",
    re.IGNORECASE,
)
#: Who fetches a page to show what it is before anybody opens it: chats, feeds, social networks. Each is a bot as well.
#: QQ's and WeChat's stand in public server logs and lists; Feishu's, DingTalk's and Weibo's are recalled, unverified.
_PREVIEW: Final = re.compile(
    r"facebookexternalhit|Facebot|meta-externalagent|Twitterbot|TelegramBot|Slackbot|Slack-ImgProxy|Discordbot|"
    r"LinkedInBot|WhatsApp/|SkypeUriPreview|MicrosoftPreview|Pinterestbot|redditbot|vkShare|Viber|Snapchat.*preview|"
    r"line-poker|Mastodon|Cardyb|Embedly|Iframely|QQ-URL-Manager|WeChatShareExtension|WeiboBot|weibospider|"
    r"(?:Feishu|Lark|DingTalk)\w*(?:Bot|Preview|LinkService)",
    re.IGNORECASE,
)
_SYSTEMS: Final = (
    ("ios", re.compile(r"iPhone|iPad|iPod|\biOS \d")),
    ("android", re.compile(r"Android")),
    ("harmony", re.compile(r"HarmonyOS|OpenHarmony")),
    ("windows", re.compile(r"Windows")),
    ("macos", re.compile(r"Macintosh|Mac OS X")),
    ("linux", re.compile(r"Linux")),
)
_PHONES: Final = frozenset({"ios", "android", "harmony"})
_COMPUTER: Final = re.compile(r"\(PC;")
#: What :func:`classify` may answer.
CONTAINERS: Final = (*(name for name, _, _ in _RULES), "mobile", "desktop")
SYSTEMS: Final = (*(name for name, _ in _SYSTEMS), "other")


class Agent(msgspec.Struct, frozen=True, kw_only=True):
    """What a User-Agent tells: container, system, phone or computer; a machine, and one that makes a preview."""

    container: str
    os: str
    is_phone: bool
    is_bot: bool
    is_preview: bool = False


@lru_cache(maxsize=AGENTS_CACHED_MAX)
def classify(user_agent: str) -> Agent:
    """The container (``mobile`` or ``desktop`` for a system browser), the system, and the bot flag."""
    text = user_agent[:USER_AGENT_CHARS_MAX]
    system = next((name for name, pattern in _SYSTEMS if pattern.search(text)), "other")
    is_phone = system in _PHONES and not _COMPUTER.search(text)
    container = next(
        (name for name, yes, no in _RULES if yes.search(text) and not (no and no.search(text))),
        "mobile" if is_phone else "desktop",
    )
    is_preview = bool(_PREVIEW.search(text))
    is_bot = is_preview or not text or bool(_BOT.search(text))
    return Agent(container=container, os=system, is_phone=is_phone, is_bot=is_bot, is_preview=is_preview)
