"""In which app a page is open, read from the User-Agent. Ordered: the first rule that holds wins. Where a web-view of
Android names its app's package, that is believed first (``links/packages.py``).

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
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import msgspec

from hutong.links.machines import PREVIEW, machine_kind
from hutong.links.packages import PARTS, app_named

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
    """What a request tells of who makes it: container, operating system, phone or computer, whether it is a machine.

    ``machine``: its kind (``links/machines.py``), empty for a person's browser.
    """

    container: str
    os: str
    is_phone: bool
    is_bot: bool
    machine: str = ""

    @property
    def is_preview(self) -> bool:
        """Whether a page is fetched to show what it is before anybody opens it."""
        return self.machine == PREVIEW


def agent_of(headers: Mapping[bytes, bytes]) -> Agent:
    """Who asks, by the headers of an ASGI scope, names in lower case: the edge and every page read them here."""
    user_agent = headers.get(b"user-agent", b"").decode("latin-1")[:USER_AGENT_CHARS_MAX]
    return classify(user_agent, headers.get(b"x-requested-with", b"").decode("latin-1"))


def classify(user_agent: str, requested_with: str = "") -> Agent:
    """The container (``mobile`` or ``desktop`` for a system browser), the system, and the kind of machine.

    ``requested_with``: the package that a web-view of Android names; it makes nobody a person, nor a machine.
    """
    told = _read(user_agent)
    app = app_named(requested_with)
    if not app or told.os == "ios" or told.container == app or told.container in PARTS.get(app, ()):
        return told
    system = told.os if told.os in _PHONES else "android"  # a page that asks for its desktop site is on a phone still
    return msgspec.structs.replace(told, container=app, os=system, is_phone=True)


@lru_cache(maxsize=AGENTS_CACHED_MAX)
def _read(user_agent: str) -> Agent:
    text = user_agent[:USER_AGENT_CHARS_MAX]
    system = next((name for name, pattern in _SYSTEMS if pattern.search(text)), "other")
    is_phone = system in _PHONES and not _COMPUTER.search(text)
    container = next(
        (name for name, yes, no in _RULES if yes.search(text) and not (no and no.search(text))),
        "mobile" if is_phone else "desktop",
    )
    machine = machine_kind(text)
    return Agent(container=container, os=system, is_phone=is_phone, is_bot=bool(machine), machine=machine)
