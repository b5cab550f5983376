"""Which requests no person made, and what kind of machine did: a click of one is kept, flagged and counted apart.

The first rule that holds names the kind. Tokens as public lists of crawlers have them; the corpus, with the file and
commit each stands in, is ``tests/unit/links/machines.json``. Traps minded:

- People carry phones called ``CUBOT``, ``M bot 60`` or ``Spider 8``: what an agent says of its phone is not read.
- WhatsApp, OkHttp, Dalvik and Java name the whole agent where a machine asks; inside an agent of a web page they are an
  app's own addition, and a person looks at it.
- Apple's Messages fetches previews as a Mac that names ``facebookexternalhit`` and ``Twitterbot`` behind itself.
- A picture's or a script's address on somebody's page is asked for by browsers without anybody's tap: they say so in
  ``Sec-Fetch-Dest`` (W3C, Fetch Metadata Request Headers, §2.1; its values are the destinations of the Fetch Standard,
  §2.2.5). ``document`` is a page, ``iframe`` one within another, ``empty`` a script's own request: these are not read.
- Old Safari says ``X-Purpose: preview`` for its page of favourites, Chrome ``Sec-Purpose: prefetch;prerender``.

WeChat, QQ and Weibo are named by ``WeChatShareExtension`` and ``QQ-URL-Manager`` in public logs and lists; Weibo's and
Feishu's names are recalled, unverified. What they fetch under a plain browser's name is counted as a person's click.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

PREVIEW: Final = "preview"
SPIDER: Final = "spider"
MONITOR: Final = "monitor"
HEADLESS: Final = "headless"
LIBRARY: Final = "library"
PREFETCH: Final = "prefetch"
HEAD: Final = "head"
#: A part of somebody's page: a picture, a script.
PART: Final = "part"
NAMELESS: Final = "nameless"
OTHER: Final = "other"
#: Over a limit of the edge, whoever it was: people are not that many.
LIMITED: Final = "limited"
#: Stood before a link's password: maybe a person, who is counted as one once the right password was given.
LOCKED: Final = "locked"
#: Came to a link that was over, switched off or not begun: maybe a person, who was led nowhere by it.
CLOSED: Final = "closed"
#: Every reason for the flag; clicks of before reasons were kept have none.
REASONS: Final = (
    PREVIEW, SPIDER, MONITOR, HEADLESS, LIBRARY, PREFETCH, HEAD, PART, NAMELESS, OTHER, LIMITED, LOCKED, CLOSED,
)  # fmt: skip

#: Between the kind of a machine and why it, like anybody, was led nowhere: a click keeps both.
_STOPPED: Final = ":"

_TOKENS: Final[dict[str, str]] = {
    PREVIEW: (
        "facebookexternalhit facebot meta-externalfetcher twitterbot telegrambot slackbot slack-imgproxy discordbot "
        "linkedinbot dingtalkbot larkurl skypeuripreview bingpreview google[ ]web[ ]preview vkshare embedly iframely "
        "qq-url-manager wechatshareextension weibobot weibospider facebot feishu(?:bot|preview|linkservice) "
        r"mastodon/ pleroma misskey bluesky cardyb pinterest/\d redditbot ^viber(?:/|$) line-poker kakaotalk-scrap "
        "tumblr/ flipboardproxy nuzzel bitlybot notionembedder zoombot link-?preview linkexpanding unfurl "
        "^whatsapp(?:/|$)"
    ),
    MONITOR: (
        "uptime pingdom statuscake site24x7 yunguance jiankongbao cloudmonitor zabbix nagios check_http datadog "
        "newrelic synthetics kube-probe elb-healthchecker googlehc prometheus/ blackbox better[ ]?stack hetrixtools "
        r"freshping monitis lighthouse pagespeed gtmetrix ptst/ health[\s-]?check"
    ),
    HEADLESS: ("headlesschrome phantomjs phantomas puppeteer playwright selenium slimerjs cypress/"),
    SPIDER: (
        "spider crawl slurp googlebot googleother google-read-aloud google-inspectiontool mediapartners-google adsbot "
        "feedfetcher applebot bingbot petalbot yandexbot gptbot claudebot chatgpt-user anthropic-ai perplexity "
        r"amazonbot ccbot ia_archiver httrack archive\.org censysinspect nmap zgrab masscan aliyunsecbot"
    ),
    LIBRARY: (
        "curl(?:/|$) ^wget python httpx aiohttp scrapy go-http-client libwww lwp:: axios/ node-fetch undici "
        r"^node(?:\.js)?(?:/|$) got[ ]\( guzzle httpclient http_request ^ruby ^faraday ^rest-client ^java[/\s] ^okhttp "
        r"^dalvik/[\d.]+\s*(?:\([^)]*\))?$ ^cfnetwork cfnetwork/[\d.]+[ ]darwin ^php postmanruntime insomnia/ winhttp "
        r"^perl ^rust reqwest ^deno/ ^bun/ http\.rb/ ^axel ^lua-resty"
    ),
    OTHER: (
        r"(?<!cu)bot\b bot[/_-] robot fetcher scanner validator \bpreview\b checker archiver indexer https?:// www\."
    ),
}
_KINDS: Final = tuple(
    (kind, re.compile("|".join(re.split(r"(?<!\[) (?!\])", tokens)), re.IGNORECASE)) for kind, tokens in _TOKENS.items()
)
#: The name of an Android phone in an agent; one that holds an address or says "compatible" is no phone's.
_PHONE: Final = re.compile(r"\(Linux;[^()]*?Android[^();]*;(?![^()]*(?:compatible|http|@))[^()]*\)", re.IGNORECASE)
_HINTS: Final = (b"sec-purpose", b"purpose", b"x-purpose", b"x-moz")
_PARTS: Final = frozenset(
    (
        b"audio", b"audioworklet", b"font", b"image", b"json", b"manifest", b"paintworklet", b"report", b"script",
        b"serviceworker", b"sharedworker", b"style", b"track", b"video", b"worker", b"xslt",
    )
)  # fmt: skip
_EARLY: Final = (b"prefetch", b"prerender", b"preview", b"instant")


def stopped(kind: str, reason: str) -> str:
    """What a click keeps that was led nowhere: the machine's kind with the reason, or the reason alone."""
    return f"{kind}{ending(reason)}" if kind else reason


def ending(reason: str) -> str:
    """How what a machine's click keeps ends, where this led it nowhere."""
    return f"{_STOPPED}{reason}"


def read_kind(kept: str) -> tuple[str, str]:
    """The kind of machine that a click kept, and why it was led nowhere; empty where it was led on."""
    kind, _, reason = kept.partition(_STOPPED)
    return kind, reason or (kind if kind in (LOCKED, CLOSED) else "")


def machine_kind(user_agent: str) -> str:
    """The kind of machine that an agent names itself as; empty for a person's browser."""
    if not user_agent.strip():
        return NAMELESS
    told = _PHONE.sub("", user_agent)
    return next((kind for kind, pattern in _KINDS if pattern.search(told)), "")


def early_kind(method: str, headers: Mapping[bytes, bytes]) -> str:
    """Why nobody asked for this as a page: it is made ahead, for the head alone, or for a part of another page."""
    if method == "HEAD":
        return HEAD
    if headers.get(b"sec-fetch-dest") in _PARTS:
        return PART
    for name in _HINTS:  # in a loop of its own: every click comes by here, and hardly any has one
        hint = headers.get(name)
        if hint is not None and any(word in hint.lower() for word in _EARLY):
            return PREFETCH
    return ""
