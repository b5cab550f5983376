"""Addresses inside an address: a platform's page that passes anybody on leads wherever it is told.

On a platform's page every value of query and fragment is read, as it is and decoded; an address among them has to be a
platform's or one of the merchant's hosts, too. What is wrapped in an app's own address is looked at the same way.
"""

from __future__ import annotations

import posixpath
import re
import unicodedata
from collections.abc import Container, Iterator
from typing import Final
from urllib.parse import SplitResult, unquote

#: Pages that wrap an address for a page that wraps it for an app: nobody does so more often.
DECODED_MAX: Final = 3
#: Schemes of the apps' own addresses (``jumps/matrix.yaml``).
APP_SCHEMES: Final = frozenset(
    {
        "weixin",
        "tbopen",
        "snssdk1128",
        "kwai",
        "xhsdiscover",
        "pinduoduo",
        "openapp.jdmobile",
        "sinaweibo",
        "weidianbuyer",
        "alipays",
    }
)
#: Pages on platforms' hosts that do nothing else than pass on: the matrix fills them in, no link leads there by itself.
WRAPPER_PAGES: Final = frozenset(
    {("m.weibo.cn", "/feature/applink"), ("weibo.com", "/feature/applink"), ("weibo.com", "/sinaurl")}
)
#: Endings by which programs and people take a name for an address where it has no scheme.
COMMON_ENDINGS: Final = (
    "com|cn|net|org|cc|top|xyz|vip|shop|site|online|club|info|io|tv|app|link|icu|ltd|store|hk|me|pro|fun|wang|work|ink|"
    "live|cyou|co|ru|one|biz|asia|mobi|us|uk|de|fr|jp|kr|tk|ml|ga|cf|gq|pw|ws|so|im|ly|la|group|tech|space|website|"
    "host|press|cloud|life|world|today|center|red|kim|ren|xxx|dev|page|gg|to|at|in|sg|tw|mo|my|vn|th|eu|su|by|ph|id"
)
_WEB: Final = frozenset({"http", "https"})
#: A value that begins with a name and one of those endings.
_BARE: Final = re.compile(rf"(?:[a-z0-9-]+\.)+(?:{COMMON_ENDINGS})\.?(?=[/:?#\\]|$)", re.IGNORECASE)
#: Names of values that are addresses wherever they stand: there a name with any ending is one, and so are four numbers.
_LEADS_ON: Final = re.compile(
    r"(?:\w*[_-])?(?:u|tu|to|go|goto|out|href|link|jump|next|dest|target|return|redir|redirect|destination|callback|"
    r"continue|location|landing|forward|\w*ur[li])(?:[_-]?(?:u|to|url|uri))?(?:\[\w*\])?",
    re.IGNORECASE,
)
#: The same within JSON.
_LEADS_ON_IN_JSON: Final = re.compile(rf"""["']{_LEADS_ON.pattern}["']\s*:\s*["']([^"']+)""", re.IGNORECASE)
_LABEL: Final = r"""[^\s./\\?#&=%@_"'<>{}\[\],;:()|]+"""
#: A value that begins as a host does, in any letters and with any ending but a file's; also with a user before it.
_LIKE_A_HOST: Final = re.compile(
    rf"(?:[^\s/\\?#&=%]*@)?\.?(?:{_LABEL}\.)+(?!(?:html?|php|aspx?|jsp|js|css|png|jpe?g|gif|webp|mp4|json|xml)\b)"
    rf"{_LABEL}\.?(?=[/\\?#:]|$)|@",
    re.IGNORECASE,
)
#: A full stop as Chinese writes it: a browser takes it for a dot in a host (UTS #46).
_DOTS: Final = {ord("。"): "."}
#: A scheme of the web in the midst of a value; browsers take it without its slashes, too.
_WEB_SOMEWHERE: Final = re.compile(r"(?<![A-Za-z0-9+.-])(https?):(?=\S)", re.IGNORECASE)
#: What stands between two values, and what may stand before one.
_BETWEEN: Final = re.compile(r"[?#&;]")
_PARTS: Final = re.compile(r"[?#&]")
_BEFORE: Final = " +\"'([{<," + "".join(map(chr, range(0x20)))
#: What browsers drop from an address wherever it stands.
_DROPPED: Final = re.compile(r"[\t\r\n]")
#: A value that begins with a scheme, or with the two slashes that stand for one, also turned.
_ABSOLUTE: Final = re.compile(r"([A-Za-z][A-Za-z0-9+-]+):(?=\S)|[/\\]{2}")
#: A scheme with its slash anywhere in a value.
_SOMEWHERE: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(?=[/\\])")
_AUTHORITY: Final = re.compile(r"""[/\\]*([^/\\?#\s"'<>]*)""")
_AFTER_HOST: Final = re.compile(r"[&;,|)\]}]")
_HOST: Final = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+")
#: How JSON writes a character, and a slash.
_JSON_CHAR: Final = re.compile(r"\\u([0-9a-fA-F]{4})")
#: Two slashes that begin a text within JSON stand for a scheme, too.
_QUOTED_SLASHES: Final = re.compile(r"""["'](?=[/\\]{2})""")
_STILL_ENCODED: Final = re.compile(r"%(?:25)*(?:3a|2f|5c)", re.IGNORECASE)


class PassesOn(ValueError):
    """An address leads on to something that is no plain page; the argument is what."""


def hosts_inside(parts: SplitResult, known: Container[str]) -> frozenset[str]:
    """The hosts that the address of a platform's page leads on to and that are not ``known``.

    Raises:
        PassesOn: it leads on to what is no plain address of the web or of an app, or is a page that only passes on.
    """
    if (parts.netloc.lower(), _plain_path(parts.path)) in WRAPPER_PAGES:
        raise PassesOn(parts.netloc + parts.path)
    found = {host for text in (parts.query, parts.fragment) for host in _hosts(text)}
    path = parts.path
    for _ in range(DECODED_MAX + 1):
        found.update(_in_the_midst(path))
        path = unquote(path)
    return frozenset(host for host in found if host not in known)


def _plain_path(path: str) -> str:
    for _ in range(DECODED_MAX):
        path = unquote(path)
    return posixpath.normpath(re.sub(r"[/\\]+", "/", re.sub(r";[^/\\]*", "", path)).lower())


def _hosts(text: str) -> Iterator[str]:
    yield from _in_the_midst(text)
    for part in _PARTS.split(text):
        yield from _of_part(part)


def _of_part(text: str) -> Iterator[str]:
    for level in range(DECODED_MAX + 1):
        text = _DROPPED.sub("", _as_browsers_read(text if level == 0 else unquote(text)))
        for read in dict.fromkeys((text, _as_json_reads(text))):
            yield from _of_values(read)
            yield from _of_json(read)
            yield from _in_the_midst(read, is_value=True)
    if _STILL_ENCODED.search(text):
        raise PassesOn(text)


def _of_values(text: str) -> Iterator[str]:
    """The hosts of values that begin with an address."""
    for part in _BETWEEN.split(text):
        name, _, told = part.partition("=")
        if _LEADS_ON.fullmatch(name) and _LIKE_A_HOST.match(told.strip(_BEFORE)):
            yield from _host_of_value(told)
        for value in (part, told):
            begun = value.lstrip(_BEFORE)
            if found := _ABSOLUTE.match(begun):
                yield from _host(found[1] or "https", begun[found.end() :])
            elif _BARE.match(begun):
                yield from _host("https", begun)


def _of_json(text: str) -> Iterator[str]:
    """The hosts of texts within JSON that are addresses by their key, or by their slashes."""
    for found in _LEADS_ON_IN_JSON.finditer(text):
        if _LIKE_A_HOST.match(found[1].strip(_BEFORE)):
            yield from _host_of_value(found[1])
    for found in _QUOTED_SLASHES.finditer(text):
        yield from _host("https", text[found.end() :])


def _as_json_reads(text: str) -> str:
    """With the characters that JSON writes by their numbers, and its slashes."""
    return _as_browsers_read(_JSON_CHAR.sub(lambda found: chr(int(found[1], 16)), text).replace("\\/", "/"))


def _as_browsers_read(text: str) -> str:
    """Full-width letters, colons and dots are what they look like, in an address."""
    return unicodedata.normalize("NFKC", text).translate(_DOTS)


def _host_of_value(value: str) -> Iterator[str]:
    """The host of a value that is an address, with a scheme or without."""
    begun = value.strip(_BEFORE)
    if not _ABSOLUTE.match(begun):  # one with a scheme is found by it
        yield from _host("https", begun)


def _in_the_midst(text: str, *, is_value: bool = False) -> Iterator[str]:
    """The hosts of addresses with a scheme, wherever they stand; ``is_value``: nothing in the text parts values."""
    for pattern in (_SOMEWHERE, _WEB_SOMEWHERE):
        for found in pattern.finditer(text):
            yield from _host(found[1], text[found.end() :], is_value=is_value)


def _host(scheme: str, rest: str, *, is_value: bool = True) -> Iterator[str]:
    """The host of an address of the web; nothing for an app's own, whose values are read by themselves."""
    scheme = scheme.lower()
    if scheme in APP_SCHEMES:
        return
    authority = _AUTHORITY.match(rest)
    assert authority is not None, "it matches nothing, too"
    host = _AFTER_HOST.split(authority[1], maxsplit=1)[0].lower()
    # A browser takes a semicolon, a comma and brackets for parts of a host, and goes by what comes last.
    goes_on = is_value and "." in authority[1][len(host) :]
    if scheme not in _WEB or "@" in authority[1] or goes_on or not _HOST.fullmatch(host):
        raise PassesOn(f"{scheme}:{rest}")
    yield host
