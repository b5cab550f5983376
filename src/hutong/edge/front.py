"""A raw ASGI front: ``/l/{code}`` is answered here from memory, everything else goes to the application behind."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, NamedTuple
from urllib.parse import quote, urlencode
from uuid import UUID

from hutong.core.asgi import Answer, Application, Receive, Scope, Send
from hutong.core.clock import Clock
from hutong.core.ids import new_id
from hutong.crypto.digests import hmac_sha256
from hutong.edge.guards import Guards
from hutong.edge.journal import Click
from hutong.edge.limits import RETRY_AFTER_S, Limits
from hutong.edge.locks import LOCK_PREFIX, is_through
from hutong.edge.names import PICTURES_PREFIX, Names, code_in, host_in
from hutong.edge.places import Places
from hutong.edge.sink import ClickSink
from hutong.edge.table import Entry, LinkTable
from hutong.links.asked import asked_with, with_query
from hutong.links.containers import Agent, agent_of
from hutong.links.destinations import Target, is_page
from hutong.links.jumps.ways import Ways
from hutong.links.leaving import leaving_token
from hutong.links.lock_tokens import sealed
from hutong.links.machines import CLOSED, LIMITED, LOCKED, early_kind, stopped
from hutong.links.rules.compiled import Visit, visitor_seed
from hutong.links.tokens import carried_token, click_token
from hutong.links.visitors import Blind, language_of, referrer_class
from hutong.platforms.jump_links import Carries

PREFIX: Final = "/l/"
#: Where the application behind shows what a link is shared as.
CARD_PREFIX: Final = "/card/"
#: Where it names a host that nobody has proven, and asks.
ASKING_PREFIX: Final = "/x/"
HTTP_NOT_FOUND: Final = 404
HTTP_TOO_MANY: Final = 429
#: A small page of a status, in the language that the request's headers ask for.
Notices = Callable[[int, Mapping[bytes, bytes]], Answer]
#: The token of the click whose address was passed on.
_PARENT: Final = re.compile(rb"(?:^|&)p=([0-9a-f]{48})(?:&|$)")


class Led(NamedTuple):
    """Where one click is led; no ``url``: our own desk. ``choice``: the rule and variant that said so."""

    url: str | None
    target: Target | None
    own_host: str | None
    share_code: str
    choice: str


#: Not further than the page that asks for the password.
NOWHERE: Final = Led(None, None, None, "", "")


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
        places: Places | None = None,
    ) -> None:
        self._behind = behind
        self._table = table
        self._sink = sink
        self._ways = ways
        self._clock = clock
        self._key = key
        self._guards = guards or Guards()
        self._places = Places() if places is None else places
        self._notices = notices
        self._names = Names(self._guards, public_url)
        self.limits = limits or Limits()
        self._blind = Blind(key)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._behind(scope, receive, send)
            return
        headers = dict(scope["headers"])
        if self._notices is not None and not await self._is_served(scope["path"], host_in(headers)):
            await self._notices(HTTP_NOT_FOUND, headers).send(send)
            return
        if not scope["path"].startswith((PREFIX, LOCK_PREFIX)) or scope["method"] not in ("GET", "HEAD"):
            await self._behind(scope, receive, send)
            return
        if scope["path"].startswith(LOCK_PREFIX):
            await self._to_link(scope, receive, send)
            return
        code = scope["path"][len(PREFIX) :].rstrip("/")
        entry = await self._table.find(code)
        now = self._clock.now()
        limit = await self._limit(entry, code, scope, headers, now)
        location = self._count(entry, scope, headers, now, limit=limit) if entry else ""
        if limit == LIMITED and self._notices is not None:
            await self._notices(HTTP_TOO_MANY, headers).send(send, retry_after=str(RETRY_AFTER_S))
        elif entry is None:
            # The friendly page; the application behind reads two slashes as one, and would find another link.
            await self._behind(_at(scope, f"{PREFIX}{quote(code, safe='')}") if "/" in code else scope, receive, send)
        elif limit == LOCKED:
            await self._behind(_at(scope, f"{LOCK_PREFIX}{entry.code}"), receive, send)
        elif limit == CLOSED:
            further = self._further(entry, now)
            await (_redirect(send, further) if further else self._behind(scope, receive, send))
        elif agent_of(headers).is_preview and not location.startswith(ASKING_PREFIX):
            # Counted like anybody; it is answered with what the link is shared as.
            await self._behind(_at(scope, f"{CARD_PREFIX}{entry.code}"), receive, send)
        else:
            await _redirect(send, location)

    async def _to_link(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Nobody comes to the page that asks for a password but by the link, where his click is counted."""
        entry = await self._table.find(scope["path"][len(LOCK_PREFIX) :].rstrip("/"))
        if entry is None:
            await self._behind(scope, receive, send)  # the friendly page
            return
        query: bytes = scope.get("query_string", b"")
        await _redirect(send, with_query(f"{PREFIX}{entry.code}", query.decode("latin-1")))

    async def _limit(
        self, entry: Entry | None, code: str, scope: Scope, headers: dict[bytes, bytes], now: datetime
    ) -> str:
        """Why a visitor is not led where the link leads: over a limit, closed, or locked; empty where he is."""
        is_open = entry is not None and self._is_open(entry, now)
        # Whoever tries codes that lead nowhere has the same limit; only what is somebody's counts as a link's click.
        if not self.limits.admits(_address(scope), code if is_open else "", now.timestamp()):
            return LIMITED
        if entry is None:
            return ""
        lock_id = entry.lock_id
        is_locked = lock_id is not None and not is_through(self._key, code, lock_id, scope, headers, now)
        if not is_open or await self._is_over(entry, now):
            # Where it leads afterwards is behind the password, too.
            return LOCKED if is_locked and self._further(entry, now) else CLOSED
        return LOCKED if is_locked else ""

    async def _is_served(self, path: str, host: str) -> bool:
        """Whether an address exists under a name: on a merchant's own host his codes and nothing else do."""
        owner = self._names.merchant_of(host)
        if owner is None and self._names.is_known(host):
            return True
        code = code_in(path)
        if code is None:
            # A name nobody knows: what is not a link's is told by the application behind.
            return owner is None or path.startswith(PICTURES_PREFIX)
        entry = None if owner is None else await self._table.find(code.rstrip("/"))
        return entry is not None and entry.merchant_id == owner

    def _is_open(self, entry: Entry, now: datetime) -> bool:
        """Neither switched off, alone or with all of its merchant, nor before its beginning."""
        if not entry.active or entry.merchant_id in self._guards.off:
            return False
        starts_at = entry.rules.starts_at if entry.rules else None
        return starts_at is None or starts_at <= now

    async def _is_over(self, entry: Entry, now: datetime) -> bool:
        """Past its end, or as often clicked by people as it may be."""
        if entry.expires_at is not None and entry.expires_at <= now:
            return True
        if entry.rules is None or not entry.rules.clicks_max:
            return False
        return await self._sink.people(entry.merchant_id, entry.link_id) >= entry.rules.clicks_max

    def _further(self, entry: Entry, now: datetime) -> str:
        """Where a link that is over leads on; empty: to the friendly page, as where it is off or not begun."""
        over = entry.rules.over if entry.rules and self._is_open(entry, now) else None
        if over is None or over.url is None:
            return ""
        known = self._is_known(entry.merchant_id, over.own_host)
        return over.url if known else self._asking(entry, new_id(now), over.choice)

    def _asking(self, entry: Entry, click_id: UUID, choice: str) -> str:
        """The page that says where the link goes."""
        led_by = f"&r={choice}" if choice else ""
        seal = sealed(entry.code, entry.lock_id)
        return f"{ASKING_PREFIX}{entry.code}?k={leaving_token(self._key, click_id, seal, choice)}{led_by}"

    def _is_known(self, merchant_id: UUID, own_host: str | None) -> bool:
        """Whether it leads to ourselves, a known platform, or a host that was proven to be the merchant's."""
        return own_host is None or self._guards.is_verified(merchant_id, own_host)

    def _led(self, entry: Entry, agent: Agent, language: str, scope: Scope, now: datetime) -> Led:
        """Where the link leads this visitor."""
        if entry.rules is None:
            return Led(entry.url, entry.target, entry.own_host, entry.share_code, "")
        query: bytes = scope.get("query_string", b"")
        # The visitor's mark changes every day; he stays with his variant, so his address stands for him, unstored.
        blind = hmac_sha256(self._key, _address(scope).encode())
        chosen = entry.rules.choose(
            Visit(container=agent.container, os=agent.os, language=language, at=now, query=query.decode("latin-1")),
            visitor_seed(entry.link_id, blind, agent),
        )
        share_code = "" if chosen.choice else entry.share_code  # it belongs to where the link itself leads
        return Led(chosen.url, chosen.target, chosen.own_host, share_code, chosen.choice)

    def _count(self, entry: Entry, scope: Scope, headers: dict[bytes, bytes], now: datetime, *, limit: str) -> str:
        """Keep the click; where it goes. One over a ``limit`` is kept as a machine's: people are not that many. So is
        one that the password keeps out or that finds the link closed, and it goes nowhere.
        """
        agent = agent_of(headers)
        machine = agent.machine or early_kind(scope["method"], headers)
        machine = stopped(machine, limit) if limit in (LOCKED, CLOSED) else machine or limit
        language = language_of(headers.get(b"accept-language", b""))
        led = NOWHERE if limit in (LOCKED, CLOSED) else self._led(entry, agent, language, scope, now)
        click = Click(
            merchant_id=entry.merchant_id,
            click_id=new_id(now),
            link_id=entry.link_id,
            channel_id=entry.channel_id,
            container=agent.container,
            os=agent.os,
            language=language,
            referrer=referrer_class(headers.get(b"referer", b"")),
            address_hash=self._blind.mark(entry.merchant_id, _address(scope), now),
            is_bot=bool(machine),
            clicked_at=now,
            machine=machine,
            choice=led.choice,
        )
        self._sink.add(click)
        return "" if led is NOWHERE else self._way_on(entry, led, agent, click, scope, headers)

    def _way_on(
        self, entry: Entry, led: Led, agent: Agent, click: Click, scope: Scope, headers: dict[bytes, bytes]
    ) -> str:
        led_by = f"&r={led.choice}" if led.choice else ""
        seal = sealed(entry.code, entry.lock_id)
        if not self._is_known(entry.merchant_id, led.own_host):
            return self._asking(entry, click.click_id, led.choice)  # no redirect, for machines neither
        parent = _PARENT.search(scope.get("query_string", b""))
        page = None if parent and not click.is_bot else self._page(entry, led, agent, click)
        if page is not None:
            return page
        token = click_token(self._key, click.click_id, seal, led.choice)
        # Who passed the address on is checked and kept behind: this door only inserts clicks.
        further = (f"&p={parent[1].decode()}" if parent else "") + led_by + _asked(entry, scope)
        if led.url is not None:
            return f"/j/{entry.code}?k={token}{further}"
        # Wallets know the hub's own address, and a buyer's browser must be the same on the way there and back.
        away = self._names.merchant_of(host_in(headers)) is not None
        return f"{self._names.public_url if away else ''}/b/{entry.code}?k={token}{further}"

    def _page(self, entry: Entry, led: Led, agent: Agent, click: Click) -> str | None:
        """The page itself, where it is the first way: then it needs no page of ours. None also for our own desk.

        Machines are sent on to what a link leads to, if it is a page. Where an alliance makes an address for each
        click, the application behind asks it for one.
        """
        if click.is_bot or led.target is None:
            return led.url if led.url is not None and is_page(led.url) else None
        place = self._places.find(entry.link_id, led.target.url)
        if place is not None and place.carries is Carries.CLICK:
            return None
        merchant_id, click_id, code = entry.merchant_id, click.click_id, entry.code

        def token() -> str:
            return carried_token(self._key, merchant_id, click_id, code)

        first = self._ways.of(
            place.target if place else led.target,
            agent,
            code,
            click_id,
            token,
            merchant_id=merchant_id,
            share_code=led.share_code,
        )[0]
        return first.address if first.kind == "page" else None


def _address(scope: Scope) -> str:
    """The visitor's address; empty where nobody knows it."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def _asked(entry: Entry, scope: Scope) -> str:
    """The parameters that a link with rules was opened with: the page behind offers the link again with them."""
    query: bytes = scope.get("query_string", b"") if entry.rules else b""
    asked = asked_with(query.decode("latin-1")) if query else ""
    return f"&{urlencode({'q': asked})}" if asked else ""


def _at(scope: Scope, path: str) -> Scope:
    """The same request, as one for another path of the application behind."""
    return {**scope, "path": path, "raw_path": path.encode()}


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
