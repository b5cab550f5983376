"""Which addresses a request that somebody else has chosen may go to: public ones, by a name or in their one spelling.

The lists follow the IANA special-purpose registries for IPv4 and IPv6 (RFC 6890 and what came later).
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final, TypeAlias
from urllib.parse import urlsplit

import msgspec

from hutong.core.errors import ErrorText, HutongError

Ip: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

URL_CHARS_MAX: Final = 2_000
HOST_CHARS_MAX: Final = 253
HTTPS_PORT: Final = 443
HTTP_PORT: Final = 80

#: Not the public internet: private, shared, local, for documents and tests, multicast, reserved; and the platform
#: address of Azure, which is public by its number and answers for the machine that asks.
_CLOSED_V4: Final = tuple(
    ipaddress.IPv4Network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32",
    )
)  # fmt: skip
#: The part of IPv6 that is given out at all, and what in it leads elsewhere (Teredo, 6to4) or nowhere.
_OPEN_V6: Final = ipaddress.IPv6Network("2000::/3")
_CLOSED_V6: Final = tuple(
    ipaddress.IPv6Network(text)
    for text in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)
#: An IPv4 address as networks without IPv4 spell it (RFC 6052): it is as public as the address inside.
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
#: What may stand in a request line: visible ASCII, without what browsers and libraries read differently.
_URL: Final = re.compile(r"[\x21-\x7e]+")
_ODD_CHARACTERS: Final = frozenset('\\"<>^`{|}')
LOCALHOST: Final = "localhost"


class TargetRefused(HutongError):
    """A request was to go to an address that is not a public one, or is spelled so that one cannot tell."""

    code = "target_refused"
    status = 400
    zh = ErrorText(
        "不能发往“{target}”。",
        "只能发往公网地址：https 开头，用域名，不带账号密码，也不指向内网、本机或云平台的内部地址。",
        "请换一个公网可以访问的 https 地址。",
    )
    en = ErrorText(
        "Nothing is sent to “{target}”.",
        "Only public addresses are allowed: https, a domain name, no user or password in it, and nothing that leads to "
        "a private network, this machine or the inside of a cloud.",
        "Use an https address that the public internet can reach.",
    )


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """An address that was looked at; its name must still be resolved and looked at again."""

    url: str
    host: str  # lower case; a name, or an address without brackets
    port: int
    tls: bool


def is_public(address: Ip) -> bool:
    """Whether an address is one of the public internet."""
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _CLOSED_V4)
    if address in _NAT64:
        return is_public(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    return address in _OPEN_V6 and not any(address in network for network in _CLOSED_V6)


def may_go_to(address: Ip, *, trial: bool) -> bool:
    """Whether a request may go there; in a trial home also to this machine."""
    return is_public(address) or (trial and address.is_loopback)


def read_target(url: str, *, trial: bool) -> Target:
    """Look at an address as it is written. With ``trial`` plain http is allowed to this machine, and to it only.

    Raises:
        TargetRefused: not https, with user or password, an address that is not public, a spelling that is not plain.
    """
    refused = TargetRefused(target=url[:HOST_CHARS_MAX])
    if len(url) > URL_CHARS_MAX or not _URL.fullmatch(url) or _ODD_CHARACTERS & set(url):
        raise refused
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise refused from None
    tls = parts.scheme == "https"
    if not host or "@" in parts.netloc or port == 0 or parts.fragment or not (tls or parts.scheme == "http"):
        raise refused
    address = _address(host)
    if host == LOCALHOST or (address is not None and address.is_loopback):
        allowed = trial
    elif address is not None:
        allowed = tls and is_public(address)
    else:
        allowed = tls and _is_name(host)
    if not allowed:
        raise refused
    return Target(url=url, host=host, port=port or (HTTPS_PORT if tls else HTTP_PORT), tls=tls)


def _address(host: str) -> Ip | None:
    """An address in its one spelling: dotted decimal without leading zeros, or IPv6 without a zone."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return None if getattr(address, "scope_id", None) else address


def _is_name(host: str) -> bool:
    """A full domain name. A last label of digits, or 0x…, is an address in disguise (decimal, octal, hexadecimal)."""
    labels = host.split(".")
    if len(host) > HOST_CHARS_MAX or len(labels) < 2 or not all(_LABEL.fullmatch(label) for label in labels):
        return False
    return not (labels[-1].isdigit() or labels[-1].startswith("0x"))
