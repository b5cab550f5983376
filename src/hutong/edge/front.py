"""A raw ASGI front: ``/l/{code}`` is answered here from memory, everything else goes to the application behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from hutong.core.asgi import Answer, Application, Receive, Scope, Send
from hutong.core.clock import Clock
from hutong.core.ids import new_id
from hutong.crypto.digests import hmac_sha256
from hutong.edge.guards import Guards
from hutong.edge.journal import Click
from hutong.edge.limits import RETRY_AFTER_S, Limits
from hutong.edge.names import Names, code_in, host_in
from hutong.edge.sink import ClickSink
from hutong.edge.table import Entry, LinkTable
from hutong.links.containers import USER_AGENT_CHARS_MAX, Agent, classify
from hutong.links.jumps.ways import Ways
from hutong.links.leaving import leaving_token
from hutong.links.tokens import click_token

PREFIX: Final = "/l/"
HTTP_NOT_FOUND: Final = 404
HTTP_TOO_MANY: Final = 429
#: A small page of a status, in the language that the request's headers ask for.
Notices = Callable[[int, Mapping[bytes, bytes]], Answer]
LANGUAGE_CHARS_MAX: Final = 16
ADDRESS_HASH_BYTES: Final = 16
_SEARCH: Final = ("baidu.", "google.", "bing.", "sogou.", "so.com", "sm.cn")
_SOCIAL: Final = ("weibo.", "t.cn", "xiaohongshu.", "douyin.", "kuaishou.", "zhihu.", "bilibili.", "weixin.qq.com")
_PREFETCH: Final = (b"purpose", b"sec-purpose", b"x-purpose", b"x-moz")


class LinkFront:
    """Answers links; ``key`` tags click ids and blinds addresses."""

    def __init__(
        self,
        behind: Application,
        table: LinkTable,
        sink: ClickSink,
        ways: Ways,
        clock: Clock,
        key: bytes,
        guards: Guards | None = None,
        *,
        notices: Notices | None = None,
        public_url: str = "",
        limits: Limits | None = None,
    ) -> None:
        self._behind = behind
        self._table = table
        self._sink = sink
        self._ways = ways
        self._clock = clock
        self._key = key
        self._guards = guards or Guards()
        self._notices = notices
        self._names = Names(self._guards, public_url)
        self.limits = limits or Limits()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._behind(scope, receive, send)
            return
        headers = dict(scope["headers"])
        if self._notices is not None and not await self._is_served(scope["path"], host_in(headers)):
            await self._notices(HTTP_NOT_FOUND, headers).send(send)
            return
        if not scope["path"].startswith(PREFIX) or scope["method"] not in ("GET", "HEAD"):
            await self._behind(scope, receive, send)
            return
        code = scope["path"][len(PREFIX) :].rstrip("/")
        entry = await self._table.find(code)
        is_open = entry is not None and self._is_open(entry)
        # Whoever tries codes that lead nowhere has the same limit; only what is somebody's counts as a link's click.
        is_limited = not self.limits.admits(_address(scope), code if is_open else "", self._clock.now().timestamp())
        location = self._count(entry, scope, headers, is_limited=is_limited) if entry is not None and is_open else ""
        if is_limited and self._notices is not None:
            await self._notices(HTTP_TOO_MANY, headers).send(send, retry_after=str(RETRY_AFTER_S))
        elif not is_open:
            await self._behind(scope, receive, send)  # the friendly page
        else:
            await _redirect(send, location)

    async def _is_served(self, path: str, host: str) -> bool:
        """Whether an address exists under a name: on a merchant's own host his codes and nothing else do."""
        owner = self._names.merchant_of(host)
        if owner is None and self._names.is_known(host):
            return True
        code = code_in(path)
        if code is None:
            return owner is None  # a name nobody knows: what is not a link's is told by the application behind
        entry = None if owner is None else await self._table.find(code.rstrip("/"))
        return entry is not None and entry.merchant_id == owner

    def _is_open(self, entry: Entry) -> bool:
        """Neither switched off, alone or with all of its merchant, nor over."""
        if not entry.active or entry.merchant_id in self._guards.off:
            return False
        return entry.expires_at is None or entry.expires_at > self._clock.now()

    def _is_known(self, entry: Entry) -> bool:
        """Whether the link leads to ourselves, a known platform, or a host that was proven to be the merchant's."""
        return entry.own_host is None or self._guards.is_verified(entry.merchant_id, entry.own_host)

    def _count(self, entry: Entry, scope: Scope, headers: dict[bytes, bytes], *, is_limited: bool) -> str:
        """Keep the click; where it goes. One over a limit is kept as a machine's: people are not that many."""
        agent = classify(headers.get(b"user-agent", b"").decode("latin-1")[:USER_AGENT_CHARS_MAX])
        prefetched = any(b"prefetch" in headers.get(name, b"") for name in _PREFETCH)
        now = self._clock.now()
        click = Click(
            merchant_id=entry.merchant_id,
            click_id=new_id(now),
            link_id=entry.link_id,
            channel_id=entry.channel_id,
            container=agent.container,
            os=agent.os,
            language=_language(headers.get(b"accept-language", b"")),
            referrer=_referrer(headers.get(b"referer", b"")),
            address_hash=self._blind(scope),
            is_bot=agent.is_bot or prefetched or is_limited or scope["method"] == "HEAD",
            clicked_at=now,
        )
        self._sink.add(click)
        if not self._is_known(entry):  # no redirect, for machines neither: a page that says where it goes
            return f"/x/{entry.code}?k={leaving_token(self._key, click.click_id, entry.code)}"
        if entry.url is not None and (click.is_bot or self._opens_here(entry, agent, click.click_id)):
            return entry.url
        token = click_token(self._key, click.click_id, entry.code)
        if entry.url is not None:
            return f"/j/{entry.code}?k={token}"
        # Wallets know the hub's own address, and a buyer's browser must be the same on the way there and back.
        away = self._names.merchant_of(host_in(headers)) is not None
        return f"{self._names.public_url if away else ''}/b/{entry.code}?k={token}"

    def _opens_here(self, entry: Entry, agent: Agent, click_id: UUID) -> bool:
        """Whether the first way is the page itself: then it needs no page of ours."""
        return entry.target is None or self._ways.of(entry.target, agent, entry.code, click_id)[0].kind == "page"

    def _blind(self, scope: Scope) -> bytes:
        """The visitor's address, of use for telling visitors apart and for nothing else."""
        return hmac_sha256(self._key, _address(scope).encode())[:ADDRESS_HASH_BYTES]


def _address(scope: Scope) -> str:
    """The visitor's address; empty where nobody knows it."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def _language(header: bytes) -> str:
    return header.decode("latin-1").split(",", 1)[0].split(";", 1)[0].strip()[:LANGUAGE_CHARS_MAX]


def _referrer(header: bytes) -> str:
    """The class of the page that led here: its address is nobody's business."""
    if not header:
        return "none"
    try:
        host = urlsplit(header.decode("latin-1")).hostname or ""
    except ValueError:
        return "other"
    if any(part in host for part in _SEARCH):
        return "search"
    return "social" if any(part in host for part in _SOCIAL) else "other"


async def _redirect(send: Send, location: str) -> None:
    """Always 302 and never stored: a cached answer would be a click that nobody counts."""
    headers = [
        (b"location", location.encode("ascii")),
        (b"cache-control", b"no-store"),
        (b"referrer-policy", b"no-referrer"),
        (b"content-length", b"0"),
    ]
    await send({"type": "http.response.start", "status": 302, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
