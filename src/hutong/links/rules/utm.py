"""UTM parameters: what a web page's own statistics are told of where a visitor comes from.

They are put on pages of the merchant's own hosts only. Addresses of platforms are left as they are: their statistics
read none, short addresses drop them, and an app's page may be signed or refuse what it does not know.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

import msgspec

from hutong.links.destinations import KNOWN_HOSTS, URL_CHARS_MAX
from hutong.links.rules.model import Utm

CAMPAIGN: Final = "{campaign}"


class Preset(msgspec.Struct, frozen=True, kw_only=True):
    """A usual channel: what it is called, its parameters, and the kind and platform of channel that it makes."""

    key: str
    zh_hans: str
    zh_hant: str
    en: str
    source: str
    medium: str
    kind: str
    platform: str


def _preset(key: str, names: tuple[str, str, str], medium: str, kind: str, platform: str = "") -> Preset:
    zh_hans, zh_hant, en = names
    return Preset(
        key=key,
        zh_hans=zh_hans,
        zh_hant=zh_hant,
        en=en,
        source=key,
        medium=medium,
        kind=kind,
        platform=platform or key,
    )


PRESETS: Final = (
    _preset("weibo", ("微博", "微博", "Weibo"), "social", "post"),
    _preset("xiaohongshu", ("小红书", "小紅書", "Xiaohongshu"), "social", "post"),
    _preset("douyin", ("抖音", "抖音", "Douyin"), "video", "video"),
    _preset("kuaishou", ("快手", "快手", "Kuaishou"), "video", "video"),
    _preset("toutiao", ("今日头条", "今日頭條", "Toutiao"), "feed", "post"),
    _preset("wechat", ("微信公众号", "微信公眾號", "WeChat account"), "social", "post"),
    _preset("sms", ("短信", "簡訊", "Text message"), "sms", "post", "other"),
    _preset("poster", ("海报", "海報", "Poster"), "qr", "poster", "other"),
    _preset("person", ("推广人", "推廣人", "Person"), "referral", "person", "other"),
)


def tagged(url: str, utm: Utm) -> str:
    """The address with its parameters; those that it has stay as they are, and so does one that would be too long."""
    parts = urlsplit(url)
    if parts.scheme != "https" or parts.netloc.lower() in KNOWN_HOSTS:
        return url
    present = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    given = [
        f"utm_{name}={quote(value.replace(CAMPAIGN, utm.campaign), safe='')}"
        for name in utm.__struct_fields__
        if (value := getattr(utm, name)) and f"utm_{name}" not in present
    ]
    if not given:
        return url
    query = "&".join(([parts.query] if parts.query else []) + given)
    made = urlunsplit((parts.scheme, parts.netloc, parts.path, query, parts.fragment))
    return made if len(made) <= URL_CHARS_MAX else url
