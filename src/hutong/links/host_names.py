"""Names of a merchant's own hosts: one spelling for each, and none that looks like somebody else's.

A name in Chinese is kept as DNS and addresses have it (``xn--…``, RFC 3492). Letters of two scripts in one label are
refused, except Latin beside those of China, Japan and Korea, as browsers have it (UTS 39, "Highly Restrictive"); so is
a label of another script that reads as Latin, and a name in which a platform's stands, also with figures for letters,
with hyphens in it, or in Chinese. What a letter of Latin looks like is read from its name in Unicode: a small
capital or one with a stroke is the letter that it is one of.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from hutong.core.errors import ErrorText, HutongError
from hutong.links.destinations import KNOWN_HOSTS

HOST_CHARS_MAX: Final = 253
LABEL_CHARS_MAX: Final = 63
#: A trial home may call this machine its own host, with a port.
_THIS_MACHINE: Final = re.compile(r"(?:localhost|127\.0\.0\.1):\d{1,5}")
_PLAIN_LABEL: Final = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_DOTS: Final = re.compile(r"[\u3002\uff0e\uff61]")
_PUNYCODE: Final = "xn--"
_EAST: Final = frozenset({"LATIN", "CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO"})
#: Scripts that names are usually written in (UAX 31, "Recommended"); among the others are many that read as Latin.
_SCRIPTS: Final = _EAST | frozenset(
    re.findall(
        r"\w+",
        "ARABIC ARMENIAN BENGALI CYRILLIC DEVANAGARI ETHIOPIC GEORGIAN GREEK GUJARATI GURMUKHI HEBREW KANNADA KHMER "
        "LAO MALAYALAM MYANMAR ORIYA SINHALA TAMIL TELUGU THAANA THAI TIBETAN",
    )
)
#: Letters by the Latin one that they look like (from the confusables of UTS 39, those that names are forged with).
_LOOKS_LIKE: Final = str.maketrans(
    {
        **dict(zip("аәвсԁеҽһіїјӏкӄмноорԛгѕтѵԝхуүѡ", "aabcdeehiijlkkmnoopqrstvwxyyw", strict=True)),
        **dict(zip("αβγεηικνορτυχω", "abyenikvoptuxw", strict=True)),
        **dict(zip("օսցհոզլ", "oughnql", strict=True)),
        **dict(zip("ɑɩʌɯʍɥ", "aiawmy", strict=True)),  # of Latin, where the name says another letter or none
    }
)
#: "LATIN SMALL LETTER L WITH STROKE", "LATIN LETTER SMALL CAPITAL T", "LATIN SMALL LETTER DOTLESS I" …
_LATIN_NAME: Final = re.compile(r"LATIN (?:SMALL )?LETTER (?:[A-Z]+ )*?(?P<letter>[A-Z])(?: WITH .+)?")
#: An l or i with a stroke may be meant for a t as well.
_ALSO: Final = str.maketrans("łƚɨ", "ttt")
#: Figures, and then pairs, that stand for letters. All is read so, the platforms' names too: what is equal then looks
#: alike.
_FIGURES: Final = str.maketrans("0123456789i", "olzeasbtbgl")
_PAIRS: Final = (("rn", "m"), ("vv", "w"), ("cl", "d"))
#: What people read a platform by. A name of four letters or less stands in too many others to be refused by itself.
_BRANDS: Final = re.findall(
    r"\w+",
    "taobao tmall alipay alibaba aliexpress alicdn douyin iesdouyin jinritemai toutiao bytedance tiktok kuaishou kwai "
    "xiaohongshu xhslink pinduoduo yangkeduo jingdong weibo sina wechat weixin tenpay tencent wxaurl wxmpurl weidian "
    "youshop10 unionpay baidu dingtalk meituan bilibili zhihu zhifubao",
)
_BRAND_CHARS_MIN: Final = 5
_LONG_BRAND_CHARS_MIN: Final = 6
#: Whole domains of platforms whose names are too short to be refused inside others, beside those of KNOWN_HOSTS.
_DOMAINS: Final = re.findall(
    r"\S+",
    "qq.com jd.com jd.hk 3.cn t.cn tb.cn url.cn 1688.com tmall.hk weibo.cn sina.cn sina.com.cn kwai.com b23.tv dwz.cn "
    "snssdk.com ixigua.com dpurl.cn ele.me vip.com suning.com dianping.com goofish.com 95516.com",
)
#: The platforms' names in Chinese, simplified and traditional: nobody else's name has them in it.
_CHINESE: Final = re.compile(
    "淘[宝寶寳]|天[猫貓]|支付[宝寶寳]|微信|抖音|小[红紅][书書]|拼多多|微博|今日[头頭][条條]|百度|美[团團]|[闲閒閑][鱼魚]|[腾騰][讯訊]"
    "|阿里巴巴|阿里[妈媽]{2}|[银銀][联聯]|[云雲][闪閃]付|[钉釘]{2}|哔哩|嗶哩|知乎|[财財]付通|唯品[会會]|[苏蘇][宁寧]易[购購]"
)
#: Those that stand in other names, too (北京东城, 快手菜): refused alone, and with what a shop or an office is called.
_CHINESE_ALONE: Final = re.compile(
    "(?:我的|官方|新|手机|手機)?(?:京[东東]|快手|微店|[头頭][条條]|新浪|得物)"
    "(?:商城|官方|官[网網]|旗[舰艦]店|支付|客服|小店|店[铺鋪]?|直播|[购購]物|[网網]|[优優]惠|特[卖賣]|超市|到家|物流|[红紅]包|服[务務]|中心|极速版)*"
)


class HostRefused(HutongError):
    """A host cannot be a merchant's own."""

    code = "host_refused"
    status = 400
    zh = ErrorText(
        "不能添加网址“{host}”。",
        "要填完整的域名，不带 https://、端口和路径；不能是 IP 地址，也不能和大平台的网址相同或看起来像。",
        "请填自己名下的域名，例如 shop.example.cn。",
    )
    en = ErrorText(
        "The host “{host}” cannot be added.",
        "It must be a full domain name without https://, port and path; no IP address, and nothing that is, or looks "
        "like, a big platform's.",
        "Enter a domain of your own, such as shop.example.cn.",
    )


def read_host(text: str, *, trial: bool = False) -> str:
    """The host in the one spelling that addresses and DNS have. With ``trial`` this machine is one, with its port.

    Raises:
        HostRefused: it is no full domain name, a platform's, or looks like one.
    """
    given = text.strip().lower()
    refused = HostRefused(host=text.strip()[:HOST_CHARS_MAX])
    if trial and _THIS_MACHINE.fullmatch(given):
        return given
    labels = _DOTS.sub(".", given).split(".")
    try:
        shown = [_shown(label) for label in labels]
        host = ".".join(_ascii(label) for label in shown)
    except ValueError:
        raise refused from None
    if len(labels) < 2 or len(host) > HOST_CHARS_MAX or _is_number(labels[-1]) or _is_forged(shown):
        raise refused
    return host


def shown_host(host: str) -> str:
    """A host as people read it: Chinese names in Chinese."""
    return ".".join(_shown(label) if label.startswith(_PUNYCODE) else label for label in host.split("."))


def _shown(label: str) -> str:
    """A label as people read it.

    Raises:
        ValueError: no label, or punycode of something that has another spelling.
    """
    if not label.startswith(_PUNYCODE):
        return label
    decoded = label.removeprefix(_PUNYCODE).encode("ascii").decode("punycode")
    if decoded.isascii() or _ascii(decoded) != label:
        raise ValueError(label)
    return decoded


def _ascii(label: str) -> str:
    """A label as DNS has it.

    Raises:
        ValueError: characters that no name may have, two spellings of one name, or scripts that do not go together.
    """
    if label.isascii():
        if not _PLAIN_LABEL.fullmatch(label) or label[2:4] == "--":
            raise ValueError(label)
        return label
    usual = unicodedata.normalize("NFKC", label).lower()
    scripts = {unicodedata.name(sign, "?").split(" ", 1)[0] for sign in label if sign not in "0123456789-"}
    letters = all(sign == "-" or sign.isdecimal() or unicodedata.category(sign) in ("Ll", "Lo", "Lm") for sign in label)
    if (
        usual != label
        or not letters
        or label[0] == "-"
        or label[-1] == "-"
        or not (scripts <= _EAST or (len(scripts) == 1 and scripts <= _SCRIPTS))
    ):
        raise ValueError(label)
    encoded = f"{_PUNYCODE}{label.encode('punycode').decode('ascii')}"
    if len(encoded) > LABEL_CHARS_MAX:
        raise ValueError(label)
    return encoded


def _is_number(label: str) -> bool:
    """A last label of digits, or 0x…, makes an address of numbers in disguise."""
    return label.isdigit() or label.startswith("0x")


def _is_forged(labels: list[str]) -> bool:
    """Whether a platform's name stands in it, in whatever letters, or Latin ones are played by others."""
    for label in labels:
        scripts = {unicodedata.name(sign, "?").split(" ", 1)[0] for sign in label if sign not in "0123456789-"}
        if not scripts <= _EAST and _latin(label).isascii():
            return True
    if any(_has_chinese_brand(label) for label in labels):
        return True
    return any(
        _is_platforms([_skeleton(text) for text in texts])
        for texts in (labels, [label.translate(_ALSO) for label in labels])
    )


def _is_platforms(read: list[str]) -> bool:
    """Whether one of a platform's domains or its name stands in a name; by skeletons of its labels."""
    text = ".".join(read)
    return any(f".{known}." in f".{text}." for known in _KNOWN) or any(_has_brand(label) for label in read)


def _has_brand(label: str) -> bool:
    """Whether some of its parts, put together, are a platform's name, or one that is dressed up as its website's; or
    whether a long one stands in a part.
    """
    parts = label.split("-")
    joined = {"".join(parts[start:end]) for start in range(len(parts)) for end in range(start + 1, len(parts) + 1)}
    return (
        not joined.isdisjoint(_READ_BRANDS)
        or any(_DRESSED.fullmatch(one) for one in joined)
        or any(brand in part for part in parts for brand in _LONG_BRANDS)
    )


def _has_chinese_brand(label: str) -> bool:
    plain = label.replace("-", "")
    return bool(_CHINESE.search(plain) or _CHINESE_ALONE.fullmatch(plain))


def _latin(label: str) -> str:
    """Marks taken off, letters of other scripts and dressed ones replaced by the Latin ones that they look like."""
    bare = "".join(sign for sign in unicodedata.normalize("NFKD", label) if not unicodedata.combining(sign))
    return "".join(sign if sign.isascii() else _undressed(sign) for sign in bare.translate(_LOOKS_LIKE))


def _undressed(sign: str) -> str:
    """The letter that a letter of Latin is a form of; any other sign is itself."""
    found = _LATIN_NAME.fullmatch(unicodedata.name(sign, ""))
    return found["letter"].lower() if found else sign


def _skeleton(label: str) -> str:
    """What a label looks like at a glance."""
    text = _latin(label).translate(_FIGURES)
    for given, read in _PAIRS:
        text = text.replace(given, read)
    return text


def _domain(host: str) -> str:
    return ".".join(_skeleton(label) for label in host.split(".")[-2:])


_KNOWN: Final = frozenset(
    {*(_domain(host) for host in KNOWN_HOSTS), *(".".join(map(_skeleton, host.split("."))) for host in _DOMAINS)}
)
_READ_BRANDS: Final = frozenset(_skeleton(brand) for brand in _BRANDS if len(brand) >= _BRAND_CHARS_MIN)
#: Names that stand in nobody else's.
_LONG_BRANDS: Final = frozenset(_skeleton(brand) for brand in _BRANDS if len(brand) >= _LONG_BRAND_CHARS_MIN)
#: A name, however short, between what a website's name begins and ends with: ``wwwweibo``, ``jdcom``, ``qq110``.
_DRESSED: Final = re.compile(
    "(?P<front>www|wap|login|item|m)?(?:{brands})(?(front)|(?=.)){ends}".format(
        brands="|".join(sorted({*_READ_BRANDS, *map(_skeleton, ("jd", "qq", "1688", "kwai", "sina"))})),
        ends=f"(?:{'|'.join(_skeleton(end) for end in ('com', 'comcn', 'cn', 'net', 'pay', '110', '95188'))})?",
    )
)
