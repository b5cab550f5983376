"""A raw ASGI front: ``/l/{code}`` is answered here from memory, everything else goes to the application behind."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from hutong.core.asgi import Application, Receive, Scope, Send
from hutong.core.clock import Clock
from hutong.core.ids import new_id
from hutong.crypto.digests import hmac_sha256
from hutong.edge.journal import Click
from hutong.edge.sink import ClickSink
from hutong.edge.table import Entry, LinkTable
from hutong.links.containers import USER_AGENT_CHARS_MAX, Agent, classify
from hutong.links.destinations import Target
from hutong.links.jumps.ways import Ways
from hutong.links.rules.compiled import Visit, visitor_seed
from hutong.links.tokens import click_token

PREFIX: Final = "/l/"
LANGUAGE_CHARS_MAX: Final = 16
ADDRESS_HASH_BYTES: Final = 16
_SEARCH: Final = ("baidu.", "google.", "bing.", "sogou.", "so.com", "sm.cn")
_SOCIAL: Final = ("weibo.", "t.cn", "xiaohongshu.", "douyin.", "kuaishou.", "zhihu.", "bilibili.", "weixin.qq.com")
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
        now = self._clock.now()
        if entry is None or not entry.active or (entry.rules and entry.rules.starts_at and now < entry.rules.starts_at):
            await self._behind(scope, receive, send)  # the friendly page
            return
        if await self._is_over(entry, now):
            over_url = entry.rules and entry.rules.over_url
            await (_redirect(send, over_url) if over_url else self._behind(scope, receive, send))
            return
        await _redirect(send, self._count(entry, scope, now))

    async def _is_over(self, entry: Entry, now: datetime) -> bool:
        if entry.expires_at is not None and entry.expires_at <= now:
            return True
        if entry.rules is None or not entry.rules.clicks_max:
            return False
        return await self._sink.people(entry.merchant_id, entry.link_id) >= entry.rules.clicks_max

    def _count(self, entry: Entry, scope: Scope, now: datetime) -> str:
        """Keep the click; where it goes."""
        headers = dict(scope["headers"])
        agent = classify(headers.get(b"user-agent", b"").decode("latin-1")[:USER_AGENT_CHARS_MAX])
        prefetched = any(b"prefetch" in headers.get(name, b"") for name in _PREFETCH)
        language = _language(headers.get(b"accept-language", b""))
        address_hash = self._blind(scope)
        url, target, choice = entry.url, entry.target, ""
        if entry.rules is not None:
            led = entry.rules.choose(
                Visit(container=agent.container, os=agent.os, language=language, at=now, query=_query(scope)),
                visitor_seed(entry.link_id, address_hash, agent),
            )
            url, target, choice = led.url, led.target, led.choice
        click = Click(
            merchant_id=entry.merchant_id,
            click_id=new_id(now),
            link_id=entry.link_id,
            channel_id=entry.channel_id,
            container=agent.container,
            os=agent.os,
            language=language,
            referrer=_referrer(headers.get(b"referer", b"")),
            address_hash=address_hash,
            is_bot=agent.is_bot or prefetched or scope["method"] == "HEAD",
            clicked_at=now,
            choice=choice,
        )
        self._sink.add(click)
        if url is not None and (click.is_bot or self._opens_here(entry.code, target, agent, click.click_id)):
            return url
        token = click_token(self._key, click.click_id, entry.code)
        return f"/{'b' if url is None else 'j'}/{entry.code}?k={token}{f'&r={choice}' if choice else ''}"

    def _opens_here(self, code: str, target: Target | None, agent: Agent, click_id: UUID) -> bool:
        """Whether the first way is the page itself: then it needs no page of ours."""
        return target is None or self._ways.of(target, agent, code, click_id)[0].kind == "page"

    def _blind(self, scope: Scope) -> bytes:
        """The visitor's address, of use for telling visitors apart and for nothing else."""
        client = scope.get("client")
        return hmac_sha256(self._key, str(client[0] if client else "").encode())[:ADDRESS_HASH_BYTES]


def _query(scope: Scope) -> str:
    query: bytes = scope.get("query_string", b"")
    return query.decode("latin-1")


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
