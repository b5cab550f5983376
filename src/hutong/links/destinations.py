"""Where a link may lead: the platforms' own addresses, and what each of them names.

Links lead only to hosts that stand here, and to a merchant's own once they are verified. An address is taken apart so
that an app's own form of it can be made (``links/jumps/matrix.yaml``): the item, note, video, person or room it names.
Shapes of addresses as the platforms' pages and share buttons make them.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import SplitResult, parse_qsl, urlsplit

import msgspec

from hutong.core.errors import ErrorText, HutongError
from hutong.links.passing_on import PassesOn, hosts_inside

#: The page of ways holds an address twice, and has to stay below 6 KB whatever stands in it.
URL_CHARS_MAX: Final = 1_100
HOST_SHOWN_CHARS_MAX: Final = 100
#: What an app's own address may carry from ours: names of things, nothing that could end a value or begin another.
_PLAIN: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PATH: Final = re.compile(r"[A-Za-z0-9_./-]{1,256}")
_ODD: Final = frozenset('\\"<>`\x7f')
#: Our own cash desk, and pages of the merchant's own hosts.
CHECKOUT: Final = "checkout"
WEB: Final = "web"
MINI_PROGRAM: Final = "wechat_mini"
#: The one scheme that may be a destination by itself: WeChat gives it out for mini-programs, and it names no page of
#: the web (developers.weixin.qq.com, "URL Scheme", the plain form).
_MINI_SCHEME: Final = "weixin://dl/business/"
_MINI_PATH: Final = "/business/"
_SCHEME: Final = "https://"
_APP_ID: Final = re.compile(r"wx[0-9a-f]{16}")
_TICKET: Final = re.compile(r"[A-Za-z0-9]{6,32}")
_MINI_QUERY_CHARS_MAX: Final = 512


class DestinationNotAllowed(HutongError):
    """A link may lead to known platforms and the merchant's own hosts only."""

    code = "destination_not_allowed"
    status = 400
    zh = ErrorText(
        "链接目标“{host}”不在允许的网站之内。",
        "短链接只能指向已知平台或自己验证过的网站，以防被滥用。",
        "请使用平台商品链接，或先验证自己的域名。",
    )
    en = ErrorText(
        "The destination “{host}” is not on the allow-list.",
        "Links lead only to known platforms and hosts you have verified, so that they cannot be abused.",
        "Use a platform's product link, or verify your own host first.",
    )


class DestinationInsecure(DestinationNotAllowed):
    """A host that is allowed, by http."""

    zh = ErrorText(
        "链接目标“{host}”的网址以 http:// 开头，只接受 https://。",
        "http 的内容在路上会被人看到和改动，很多应用也不打开。",
        "请把 http:// 改成 https://；自己的网站还没有证书的，先装上证书。",
    )
    en = ErrorText(
        "The address at “{host}” begins with http://; only https:// is taken.",
        "What travels by http can be read and changed on its way, and many apps do not open it.",
        "Write https:// instead of http://; a host of your own needs a certificate first.",
    )


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Where a link leads: the platform, its address, and what the address names (``item``, ``note``, ``user`` …).

    ``app_url``, ``share_code``: the app's own form and code of it, where an alliance gave them (``links/promotions``).
    """

    destination: str
    url: str
    names: dict[str, str]
    app_url: str = ""
    share_code: str = ""


class _Shape(msgspec.Struct, frozen=True):
    """How a platform writes one kind of address: the path, and values of the query by their name there."""

    path: re.Pattern[str]
    query: dict[str, str] = {}  # our name by theirs


class _Platform(msgspec.Struct, frozen=True):
    hosts: frozenset[str]
    shapes: tuple[_Shape, ...] = ()


def _shape(path: str, **query: str) -> _Shape:
    return _Shape(re.compile(path), {theirs: ours for ours, theirs in query.items()})


def _platform(hosts: str, *shapes: _Shape) -> _Platform:
    return _Platform(frozenset(hosts.split()), shapes)


PLATFORMS: Final[dict[str, _Platform]] = {
    "taobao": _platform(
        "item.taobao.com m.tb.cn shop.m.taobao.com h5.m.taobao.com s.click.taobao.com uland.taobao.com",
        _shape(r"/item\.htm", item="id"),
        _shape(r"/shop/shop_index\.htm", shop="shopId"),
    ),
    "tmall": _platform("detail.tmall.com detail.m.tmall.com", _shape(r"/item\.htm", item="id")),
    "douyin": _platform(
        "v.douyin.com z.douyin.com www.douyin.com www.iesdouyin.com live.douyin.com haohuo.jinritemai.com",
        _shape(r"/(?:share/)?video/(?P<video>\d+)/?"),
        _shape(r"/(?:share/)?user/(?P<user>[\w-]+)/?"),
        _shape(r"/(?:ecommerce/trade/detail/index\.html|views/product/item2?)", goods="id"),
    ),
    "kuaishou": _platform(
        "v.kuaishou.com www.kuaishou.com live.kuaishou.com",
        _shape(r"/short-video/(?P<video>\w+)"),
        _shape(r"/(?:profile|u)/(?P<user>[\w-]+)"),
    ),
    "xiaohongshu": _platform(
        "xhslink.com www.xiaohongshu.com",
        _shape(r"/(?:explore|discovery/item)/(?P<note>[0-9a-f]{24})"),
        _shape(r"/user/profile/(?P<user>[0-9a-f]{24})"),
        _shape(r"/goods-detail/(?P<goods>[0-9a-f]{24})"),
    ),
    "pinduoduo": _platform(
        "p.pinduoduo.com mobile.yangkeduo.com mobile.pinduoduo.com", _shape(r"/goods2?\.html", goods="goods_id")
    ),
    "jd": _platform(
        "item.jd.com item.m.jd.com u.jd.com union-click.jd.com 3.cn",
        _shape(r"/(?:product/)?(?P<item>\d+)\.html"),
    ),
    "weibo": _platform(
        "weibo.com m.weibo.cn",
        _shape(r"/(?:detail|status)/(?P<post>\w+)"),
        _shape(r"/u/(?P<user>\d+)"),
        _shape(r"/\d+/(?P<post>\w+)"),
    ),
    "weidian": _platform("weidian.com k.youshop10.com", _shape(r"/item\.html", item="itemID")),
    "alipay": _platform("render.alipay.com qr.alipay.com", _shape(r"/p/s/i/?", app="appId")),
    MINI_PROGRAM: _platform("wxaurl.cn wxmpurl.cn"),  # a URL Link's ticket is none of a URL Scheme's
}
#: Platforms whose goods have pages of two.
SIBLINGS: Final = {"taobao": ("taobao", "tmall"), "tmall": ("taobao", "tmall")}
_BY_HOST: Final = {host: name for name, platform in PLATFORMS.items() for host in platform.hosts}
KNOWN_HOSTS: Final = frozenset(_BY_HOST)
DESTINATIONS: Final = (CHECKOUT, WEB, *PLATFORMS)
#: Every name that an address may give.
NAMES: Final = frozenset(
    {
        *(name for platform in PLATFORMS.values() for shape in platform.shapes for name in shape.query.values()),
        *(name for platform in PLATFORMS.values() for shape in platform.shapes for name in shape.path.groupindex),
        "ticket",
        "mini_app",
        "mini_path",
        "mini_query",
    }
)


def check_destination(url: str, own_hosts: frozenset[str] = frozenset()) -> str:
    """The address again, when it is a plain https page on a known host without tricks.

    Raises:
        DestinationNotAllowed: everything else: other schemes, user names, ports, odd characters, unknown hosts.
    """
    target = read_target(url, own_hosts)
    if not is_page(target.url):
        raise DestinationNotAllowed(host=target.url[:HOST_SHOWN_CHARS_MAX])
    return target.url


def destination_of_host(host: str, *, is_mini: bool = False) -> str:
    """The destination that a host of a link's address belongs to; a mini-program's own scheme has none."""
    return MINI_PROGRAM if is_mini else _BY_HOST.get(host.lower(), WEB)


def is_page(url: str) -> bool:
    """Whether a browser can be sent there. WeChat's own scheme of a mini-program is none."""
    return url.startswith(_SCHEME)


def read_target(url: str, own_hosts: frozenset[str] = frozenset()) -> Target:
    """Where an address leads, and what it names; also WeChat's own scheme of a mini-program, which is no page.

    ``own_hosts``: the merchant's own, in lower case. Scheme and host are given back in lower case. On a platform's host
    an address inside the address must be one that is allowed, too.

    Raises:
        DestinationNotAllowed: as :func:`check_destination`.
    """
    cleaned = url.strip()
    refused = DestinationNotAllowed(host=cleaned[:HOST_SHOWN_CHARS_MAX])
    # First of all: what a browser drops (tabs, ends of lines) or reads as something else is in none that we read.
    if len(cleaned) > URL_CHARS_MAX or any(c <= " " or c in _ODD or ord(c) > 126 for c in cleaned):
        raise refused
    if cleaned.startswith(_MINI_SCHEME):
        return _mini_program(cleaned)
    try:
        parts = urlsplit(cleaned)
        port = parts.port
    except ValueError:
        raise refused from None
    host = parts.netloc.lower()
    start = len(_SCHEME) + len(parts.netloc)
    if parts.scheme.lower() == "http" and (host in _BY_HOST or host in own_hosts):
        raise DestinationInsecure(host=host[:HOST_SHOWN_CHARS_MAX])
    plain = cleaned[:start].lower() == f"{_SCHEME}{host}" and "@" not in host and port is None
    if not plain or (host not in _BY_HOST and host not in own_hosts):
        raise DestinationNotAllowed(host=(parts.netloc or cleaned)[:HOST_SHOWN_CHARS_MAX])
    foreign = sorted(_foreign_hosts(parts) - own_hosts)
    if foreign:
        raise DestinationNotAllowed(host=foreign[0][:HOST_SHOWN_CHARS_MAX])
    destination = _BY_HOST.get(host, WEB)
    address = f"{_SCHEME}{host}{cleaned[start:]}"
    return Target(destination=destination, url=address, names=_names(destination, parts.path, parts.query))


def host_of(url: str) -> str:
    """The host of an address that :func:`read_target` has read, in lower case."""
    return urlsplit(url).netloc.lower()


def _foreign_hosts(parts: SplitResult) -> frozenset[str]:
    """The hosts that an address leads to and that are no platform's: its own, or those inside the address.

    Raises:
        DestinationNotAllowed: it is a platform's page that leads on to anything.
    """
    host = parts.netloc.lower()
    if host not in _BY_HOST:
        return frozenset({host})
    try:
        return hosts_inside(parts, _BY_HOST)
    except PassesOn as error:
        raise DestinationNotAllowed(host=str(error)[:HOST_SHOWN_CHARS_MAX]) from None


def target_and_host(url: str | None) -> tuple[Target | None, str | None]:
    """What an address names, and the host that it leads to, by itself or through a platform's page, where that is no
    platform's: whose it is, is looked at with each click.
    """
    if url is None:
        return None, None
    try:
        return read_target(url), None
    except DestinationNotAllowed:
        pass
    try:
        (host,) = _foreign_hosts(urlsplit(url.strip()))
        return read_target(url, frozenset({host})), host
    except (DestinationNotAllowed, ValueError):
        return None, ""


def _names(destination: str, path: str, query: str) -> dict[str, str]:
    """What the address names by the first shape that it has; a value with anything odd in it is as if not there."""
    for shape in PLATFORMS[destination].shapes if destination in PLATFORMS else ():
        found = shape.path.fullmatch(path)
        if found is None:
            continue
        given = {shape.query[key]: value for key, value in parse_qsl(query) if key in shape.query}
        named = {**{key: value for key, value in found.groupdict().items() if value}, **given}
        return {key: value for key, value in named.items() if _PLAIN.fullmatch(value)}
    return {}


def _mini_program(url: str) -> Target:
    """WeChat's own scheme for a page of a mini-program: with a ticket, or plainly with app, path and query."""
    parts = urlsplit(url)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    given = dict(pairs)
    if len(given) != len(pairs) or parts.path != _MINI_PATH or parts.fragment:
        raise DestinationNotAllowed(host=url[:HOST_SHOWN_CHARS_MAX])
    if set(given) == {"t"} and _TICKET.fullmatch(given["t"]):
        return Target(destination=MINI_PROGRAM, url=url, names={"ticket": given["t"]})
    app, path, query = given.get("appid", ""), given.get("path", ""), given.get("query", "")
    known = set(given) <= {"appid", "path", "query", "env_version"} and given.get("env_version", "release") == "release"
    if not known or not _APP_ID.fullmatch(app) or not _PATH.fullmatch(path) or len(query) > _MINI_QUERY_CHARS_MAX:
        raise DestinationNotAllowed(host=url[:HOST_SHOWN_CHARS_MAX])
    return Target(destination=MINI_PROGRAM, url=url, names={"mini_app": app, "mini_path": path, "mini_query": query})
