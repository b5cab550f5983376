"""A raw ASGI front: ``/l/{code}`` is answered here from memory, everything else goes to the application behind."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from hutong.core.asgi import Application, Receive, Scope, Send
from hutong.core.clock import Clock
from hutong.core.ids import new_id
from hutong.crypto.digests import hmac_sha256
from hutong.edge.journal import Click
from hutong.edge.sink import ClickSink
from hutong.edge.table import Entry, LinkTable
from hutong.links.containers import USER_AGENT_CHARS_MAX, Agent, classify
from hutong.links.jumps.ways import Ways
from hutong.links.tokens import carried_token, click_token

PREFIX: Final = "/l/"
LANGUAGE_CHARS_MAX: Final = 16
ADDRESS_HASH_BYTES: Final = 16
_SEARCH: Final = ("baidu.", "google.", "bing.", "sogou.", "so.com", "sm.cn")
_SOCIAL: Final = ("weibo.", "t.cn", "xiaohongshu.", "douyin.", "kuaishou.", "zhihu.", "bilibili.", "weixin.qq.com")
#: The token of the click whose address was passed on.
_PARENT: Final = re.compile(rb"(?:^|&)p=([0-9a-f]{48})(?:&|$)")
_PREFETCH: Final = (b"purpose", b"sec-purpose", b"x-purpose", b"x-moz")


class LinkFront:
    """Answers links; ``key`` tags click ids and blinds addresses."""

    def __init__(
        self, behind: Application, table: LinkTable, sink: ClickSink, ways: Ways, clock: Clock, key: bytes
    ) -> None:
        self._behind = behind
        self._table = table
        self._sink = sink
        self._ways = ways
        self._clock = clock
        self._key = key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX) or scope["method"] not in ("GET", "HEAD"):
            await self._behind(scope, receive, send)
            return
        code = scope["path"][len(PREFIX) :].rstrip("/")
        entry = await self._table.find(code)
        if entry is None or not entry.active or (entry.expires_at and entry.expires_at <= self._clock.now()):
            await self._behind(scope, receive, send)  # the friendly page
            return
        await _redirect(send, self._count(entry, scope))

    def _count(self, entry: Entry, scope: Scope) -> str:
        """Keep the click; where it goes."""
        headers = dict(scope["headers"])
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
            is_bot=agent.is_bot or prefetched or scope["method"] == "HEAD",
            clicked_at=now,
        )
        self._sink.add(click)
        parent = _PARENT.search(scope.get("query_string", b""))
        page = None if parent and not click.is_bot else self._page(entry, agent, click)
        if page is not None:
            return page
        token = click_token(self._key, click.click_id, entry.code)
        passed_on = (
            f"&p={parent[1].decode()}" if parent else ""
        )  # checked and kept behind: this door only inserts clicks
        return f"/{'b' if entry.url is None else 'j'}/{entry.code}?k={token}{passed_on}"

    def _page(self, entry: Entry, agent: Agent, click: Click) -> str | None:
        """The page itself, where it is the first way: then it needs no page of ours. None also for our own desk."""
        if click.is_bot or entry.target is None:
            return entry.url
        merchant_id, click_id, code = entry.merchant_id, click.click_id, entry.code

        def token() -> str:
            return carried_token(self._key, merchant_id, click_id, code)

        first = self._ways.of(entry.target, agent, code, click_id, token)[0]
        return first.address if first.kind == "page" else None

    def _blind(self, scope: Scope) -> bytes:
        """The visitor's address, of use for telling visitors apart and for nothing else."""
        client = scope.get("client")
        return hmac_sha256(self._key, str(client[0] if client else "").encode())[:ADDRESS_HASH_BYTES]


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
