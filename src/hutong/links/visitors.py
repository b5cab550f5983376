"""What is kept of a visitor: his language, what kind of page he came from, and a mark that is his for one day.

The mark tells two visits of one day apart from two visitors, and is of use for nothing else: an HMAC of the address
under a key that is another one each day and for each merchant. No merchant can follow anybody from day to day, nor two
merchants of one hub find that they share a visitor. Of an IPv6 address the network counts, as phones change the rest
of it by the hour. Who holds the hub's key and its database could try all addresses: it is a blind, no erasure.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from hutong.crypto.digests import hmac_sha256
from hutong.links.packages import BROWSERS, PACKAGES
from hutong.transport import networks

MARK_BYTES: Final = 16
LANGUAGE_CHARS_MAX: Final = 16
REFERRER_BYTES_MAX: Final = 300
#: Of a list of languages the first one is read.
_HEAD_BYTES: Final = 64
#: Languages, sites and networks that are known; short texts all of them.
_CACHED_MAX: Final = 10_000
#: Days begin at midnight in China, where the shops are.
_DAYS: Final = timezone(timedelta(hours=8))
_NEVER: Final = datetime(1, 1, 2, tzinfo=_DAYS)
_NETWORK_BITS: Final = 64
#: RFC 5646 as far as browsers use it: language, then script, region or variant.
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
#: Classes of where a click came from.
REFERRERS: Final = ("none", "social", "search", "other")
_SEARCH: Final = frozenset(
    {
        "baidu.com",
        "bing.com",
        "sogou.com",
        "so.com",
        "sm.cn",
        "yahoo.com",
        "duckduckgo.com",
        "yandex.ru",
        "yandex.com",
    }
)
_SOCIAL: Final = frozenset(
    {
        "weibo.com",
        "weibo.cn",
        "t.cn",
        "xiaohongshu.com",
        "xhslink.com",
        "douyin.com",
        "iesdouyin.com",
        "kuaishou.com",
        "zhihu.com",
        "bilibili.com",
        "b23.tv",
        "toutiao.com",
        "douban.com",
        "tieba.baidu.com",
        "weixin.qq.com",
        "qzone.qq.com",
        "t.me",
        "facebook.com",
        "instagram.com",
        "x.com",
        "twitter.com",
        "t.co",
        "youtube.com",
        "linkedin.com",
        "reddit.com",
        "tiktok.com",
    }
)
_APP: Final = "android-app"
_SEARCH_APPS: Final = frozenset({"com.google.android.googlequicksearchbox", "com.baidu.searchbox"})
#: What follows the host of an address.
_SITE_ENDS: Final = re.compile(rb"(?<=[^:/])[/?#]")
#: Google's search has a domain in every country.
_GOOGLE: Final = re.compile(r"(?:.*\.)?google\.(?:com?\.)?[a-z]{2,3}")


def language_of(header: bytes) -> str:
    """The first language that a browser asks for, written as usual (``zh-CN``); empty where it is none."""
    return _language(header[:_HEAD_BYTES])


@lru_cache(maxsize=_CACHED_MAX)
def _language(header: bytes) -> str:
    told = header.decode("latin-1").split(",", 1)[0].split(";", 1)[0].strip()[:LANGUAGE_CHARS_MAX]
    if not _LANGUAGE.fullmatch(told):
        return ""
    first, *rest = told.split("-")
    return "-".join([first.lower(), *(_subtag(part) for part in rest)])


def _subtag(part: str) -> str:
    """Regions in capitals, scripts with one, as RFC 5646 §2.1.1 would have it."""
    return part.upper() if len(part) == len("CN") else part.title() if len(part) == len("Hans") else part.lower()


def referrer_class(header: bytes) -> str:
    """The class of the page that led here: its address is nobody's business."""
    return _referrer(_SITE_ENDS.split(header[:REFERRER_BYTES_MAX], maxsplit=1)[0]) if header else "none"


@lru_cache(maxsize=_CACHED_MAX)
def _referrer(site: bytes) -> str:
    """The class of a scheme and host."""
    try:
        parts = urlsplit(site.decode("latin-1"))
        host = parts.hostname or ""
    except ValueError:
        return "other"
    if parts.scheme == _APP:
        return _of_app(parts.netloc)
    if _within(host, _SOCIAL):
        return "social"
    return "search" if _within(host, _SEARCH) or _GOOGLE.fullmatch(host) else "other"


def _of_app(package: str) -> str:
    if package in _SEARCH_APPS:
        return "search"
    return "social" if package in PACKAGES and package not in BROWSERS else "other"


def _within(host: str, domains: frozenset[str]) -> bool:
    """Whether a host is one of the domains or lies below one: ``also.com`` is no part of ``so.com``."""
    labels = host.split(".")
    return any(".".join(labels[at:]) in domains for at in range(len(labels)))


class Blind:
    """Makes marks of addresses. ``key`` is the hub's own; a day's key is reckoned once."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._day_begins = self._day_ends = _NEVER
        self._day_key = b""

    def mark(self, merchant_id: UUID, address: str, now: datetime) -> bytes:
        """The mark of an address at a merchant on the day of ``now``."""
        if not self._day_begins <= now < self._day_ends:
            self._day_begins = now.astimezone(_DAYS).replace(hour=0, minute=0, second=0, microsecond=0)
            self._day_ends = self._day_begins + timedelta(days=1)
            self._day_key = hmac_sha256(self._key, b"address:" + self._day_begins.date().isoformat().encode())
        return hmac_sha256(self._day_key, merchant_id.bytes + network_of(address))[:MARK_BYTES]


def is_visitors(address: str) -> bool:
    """Whether an address may be a visitor's own: a proxy that nobody declared stands for all of them."""
    return networks.network_of(address) is not None


@lru_cache(maxsize=_CACHED_MAX)
def network_of(address: str) -> bytes:
    """What of an address stays the same within a day: all of an IPv4 address, the network of an IPv6 one."""
    try:
        found = ip_address(address.split("%", 1)[0])
    except ValueError:
        return address.encode()
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is None:
            return found.packed[: _NETWORK_BITS // 8]
        found = found.ipv4_mapped
    return found.packed
