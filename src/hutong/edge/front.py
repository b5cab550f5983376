"""A raw ASGI front: ``/l/{code}`` is answered here from memory, everything else goes to the application behind."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from hutong.core.asgi import Application, Receive, Scope, Send
from hutong.core.clock import Clock
from hutong.core.ids import new_id
from hutong.edge.journal import Click
from hutong.edge.sink import ClickSink
from hutong.edge.table import Entry, LinkTable
from hutong.links.containers import Agent, agent_of
from hutong.links.jumps.ways import Ways
from hutong.links.machines import early_kind
from hutong.links.tokens import click_token
from hutong.links.visitors import Blind, language_of, referrer_class

PREFIX: Final = "/l/"


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
        self._blind = Blind(key)

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
        agent = agent_of(headers)
        machine = agent.machine or early_kind(scope["method"], headers)
        client = scope.get("client")
        now = self._clock.now()
        click = Click(
            merchant_id=entry.merchant_id,
            click_id=new_id(now),
            link_id=entry.link_id,
            channel_id=entry.channel_id,
            container=agent.container,
            os=agent.os,
            language=language_of(headers.get(b"accept-language", b"")),
            referrer=referrer_class(headers.get(b"referer", b"")),
            address_hash=self._blind.mark(entry.merchant_id, str(client[0] if client else ""), now),
            is_bot=bool(machine),
            clicked_at=now,
            machine=machine,
        )
        self._sink.add(click)
        if entry.url is not None and (click.is_bot or self._opens_here(entry, agent, click.click_id)):
            return entry.url
        token = click_token(self._key, click.click_id, entry.code)
        return f"/{'b' if entry.url is None else 'j'}/{entry.code}?k={token}"

    def _opens_here(self, entry: Entry, agent: Agent, click_id: UUID) -> bool:
        """Whether the first way is the page itself: then it needs no page of ours."""
        return entry.target is None or self._ways.of(entry.target, agent, entry.code, click_id)[0].kind == "page"


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
