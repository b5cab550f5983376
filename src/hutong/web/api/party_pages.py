"""Pages of parties, for service providers: make, list and end the links, and the figures that the pages show."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, get, post

from hutong.db.unit import Unit
from hutong.ledger.party_pages import PageLink, end_page_link, make_page_link, page_links
from hutong.merchants.actors import key_actor
from hutong.merchants.keys import ApiKey
from hutong.web.api.callers import CREATED, once
from hutong.web.console.party_page import address_of
from hutong.web.creator.reading import read_creator_page
from hutong.web.creator.views import CreatorPage
from hutong.workflows.runtime import Runtime


class PageLinkMade(msgspec.Struct, frozen=True, kw_only=True):
    """A new link. ``url`` is told once: a repeated request (the same Idempotency-Key) gets null instead."""

    page_link_id: UUID
    party_id: UUID
    expires_at: datetime
    url: str | None = None


class PageLinkEnded(msgspec.Struct, frozen=True, kw_only=True):
    """``ended`` is false where there was no link."""

    party_id: UUID
    ended: bool


class PageLinksAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The latest links, the newest first; without their addresses, which nobody knows any more."""

    items: tuple[PageLink, ...]


class PartyPagesApi(Controller):
    """The page that a party opens on its phone."""

    path = "/api/v1/parties/{party_id:uuid}"
    tags = ["Splits"]

    @post("/page-links", opt={"scope": "ledger:write"}, summary="Make a link to a party's page")
    async def make(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, party_id: UUID
    ) -> Response[bytes]:
        """A new link; the one before it, and every browser that came in by it, is out. Answers `PageLinkMade`."""
        told: list[PageLinkMade] = []

        async def work(unit: Unit) -> PageLinkMade:
            made = await make_page_link(unit, key_actor(caller), party_id)
            link = made.link
            kept = PageLinkMade(page_link_id=link.page_link_id, party_id=party_id, expires_at=link.expires_at)
            told.append(msgspec.structs.replace(kept, url=address_of(runtime.public_url, made)))
            return kept  # what is kept for a repeated request has no token

        answer = await once(runtime, caller, request, "api.page_link", work)
        if told:
            return Response(
                content=msgspec.json.encode(told[-1]),
                status_code=CREATED,
                media_type="application/json",
                headers={"cache-control": "no-store"},
            )
        return answer

    @get("/page-links", opt={"scope": "ledger:read"}, summary="Links to a party's page")
    async def links(self, runtime: Runtime, caller: ApiKey, party_id: UUID) -> PageLinksAnswer:
        """When they were made, opened last, and ended."""
        async with runtime.unit(caller.merchant_id, "api.page_links") as unit:
            return PageLinksAnswer(items=await page_links(unit, party_id))

    @post("/page-links/end", opt={"scope": "ledger:write"}, summary="Switch a party's page off")
    async def end(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, party_id: UUID
    ) -> Response[bytes]:
        """The link is over, and whoever has the page open is out."""

        async def work(unit: Unit) -> PageLinkEnded:
            return PageLinkEnded(party_id=party_id, ended=await end_page_link(unit, key_actor(caller), party_id))

        return await once(runtime, caller, request, "api.page_link_end", work)

    @get("/page", opt={"scope": "ledger:read"}, summary="What a party's page shows")
    async def page(self, runtime: Runtime, caller: ApiKey, party_id: UUID) -> CreatorPage:
        """Clicks, orders, earned, to come and paid, of this party alone."""
        async with runtime.unit(caller.merchant_id, "api.party_page") as unit:
            return await read_creator_page(unit, party_id, runtime.public_url)
