"""Names of a merchant's own hosts: one spelling for each, and none that looks like somebody else's.

A name in Chinese is kept as DNS and addresses have it (``xn--…``, RFC 3492). Letters of two scripts in one label are
refused, except Latin beside those of China, Japan and Korea, as browsers have it (UTS 39, "Highly Restrictive"); so is
a label of another script that reads as Latin, and a name in which a platform's stands, also with figures for letters.
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
#: Letters by the Latin one that they look like (from the confusables of UTS 39, those that names are forged with).
_LOOKS_LIKE: Final = str.maketrans(
    {
        **dict(zip("аәвсԁеҽһіїјӏкӄмноорԛгѕтѵԝхуүѡ", "aabcdeehiijlkkmnoopqrstvwxyyw", strict=True)),
        **dict(zip("αβγεηικνορτυχω", "abyenikvoptuxw", strict=True)),
        **dict(zip("օսցհոզլ", "oughnql", strict=True)),
        **dict(zip("ıɑɡɩʟ", "iagil", strict=True)),
    }
)
#: Figures and pairs that stand for letters. All is read so, the platforms' names too: what is equal then looks alike.
_STANDS_FOR: Final = (("rn", "m"), ("vv", "w"), ("0", "o"), ("1", "l"), ("i", "l"), ("5", "s"), ("3", "e"), ("4", "a"))
#: What people read a platform by. A name of four letters or less stands in too many others to be refused by itself.
_BRANDS: Final = re.findall(
    r"\w+",
    "taobao tmall alipay alibaba aliexpress alicdn douyin iesdouyin jinritemai toutiao bytedance tiktok kuaishou kwai "
    "xiaohongshu xhslink pinduoduo yangkeduo jingdong weibo sina wechat weixin tenpay tencent wxaurl wxmpurl weidian "
    "youshop10 unionpay baidu dingtalk meituan bilibili zhihu",
)
_BRAND_CHARS_MIN: Final = 5


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
        or not (scripts <= _EAST or len(scripts) == 1)
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
    read = [_skeleton(label) for label in labels]
    text = ".".join(read)
    if any(f".{known}." in f".{text}." for known in _KNOWN):
        return True
    parts = {part for label in read for part in (label, *label.split("-"))}
    return bool(parts & _READ_BRANDS)


def _latin(label: str) -> str:
    """Marks taken off, letters of other scripts replaced by the Latin ones that they look like."""
    bare = "".join(sign for sign in unicodedata.normalize("NFKD", label) if not unicodedata.combining(sign))
    return bare.translate(_LOOKS_LIKE)


def _skeleton(label: str) -> str:
    """What a label looks like at a glance."""
    text = _latin(label)
    for given, read in _STANDS_FOR:
        text = text.replace(given, read)
    return text


def _domain(host: str) -> str:
    return ".".join(_skeleton(label) for label in host.split(".")[-2:])


_KNOWN: Final = frozenset(_domain(host) for host in KNOWN_HOSTS)
_READ_BRANDS: Final = frozenset(_skeleton(brand) for brand in _BRANDS if len(brand) >= _BRAND_CHARS_MIN)
