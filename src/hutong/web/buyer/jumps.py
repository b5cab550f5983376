"""The page between an app and where a link leads: it tries one way after the other, and tells which one arrived."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Controller, HttpMethod, MediaType, Response, post, route
from litestar.response import Redirect
from litestar.status_codes import HTTP_204_NO_CONTENT, HTTP_302_FOUND, HTTP_404_NOT_FOUND

from hutong.core.errors import InvalidInput, NotFound
from hutong.links.asked import with_query
from hutong.links.attribution.service import bring
from hutong.links.containers import Agent
from hutong.links.destinations import Target, target_and_host
from hutong.links.jumps.plan import Step
from hutong.links.jumps.tries import Outcome, record_try
from hutong.links.leaving import leaving_token
from hutong.links.lock_tokens import sealed
from hutong.links.service import LinkView
from hutong.links.standing import Standing
from hutong.links.tokens import carried_token, read_click_token, read_sight_token, sight_token
from hutong.links.visitors import Blind, is_visitors
from hutong.web.buyer.closed import closed
from hutong.web.buyer.desk import (
    CODE_CHARS_MAX,
    BuyerDesk,
    BuyerRequest,
    agent_at,
    is_ahead,
    refuse_other_sites,
)
from hutong.web.buyer.forwards import click_cookie, is_passed_on, link_again, parent_of
from hutong.web.buyer.pages import LINK_UNKNOWN, JumpPage
from hutong.web.languages import locale_of
from hutong.web.share import share_card
from hutong.workflows.commands.promote_links import carried_target

#: Beside a longer address the page has no room for what it is shared as: it stays below 6 KB, and programs that make
#: previews are answered with the card itself.
CARD_URL_CHARS_MAX: Final = 600


class Tried(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a visitor's page tells of one attempt: the matrix's name of it, and what became of it."""

    form: str
    outcome: Outcome


class JumpController(Controller):
    """Ways out of an app. The edge has counted the click; ``k`` is its token."""

    include_in_schema = False

    @route("/j/{code:str}", http_method=[HttpMethod.GET, HttpMethod.HEAD], media_type=MediaType.HTML)
    async def jump(
        self, request: BuyerRequest, code: str, buyer: BuyerDesk, k: str = "", p: str = "", r: str = "", q: str = ""
    ) -> Response[Any]:
        """The page; straight on where the first attempt is the page that the link leads to."""
        locale = locale_of(request)
        found = await buyer.link(code, r)
        if found is None:
            return buyer.pages.message(LINK_UNKNOWN, locale, HTTP_404_NOT_FOUND)
        merchant_id, link = found
        seal = sealed(code, link.lock_id)
        click_id = read_click_token(buyer.runtime.link_key, k, seal, r)
        if link.state != Standing.ACTIVE.value or link.url is None:
            return await closed(buyer, merchant_id, link, locale, is_clicked=click_id is not None)
        if click_id is None:  # an address without its click: count one first
            return Redirect(with_query(f"/l/{link.code}", q), status_code=HTTP_302_FOUND)
        if not await buyer.leads_on(merchant_id, link.url):
            token = leaving_token(buyer.runtime.link_key, click_id, seal, r)
            return Redirect(f"/x/{link.code}?{urlencode({'k': token, 'r': r})}", status_code=HTTP_302_FOUND)
        if is_passed_on(request, click_id, buyer.runtime.clock.now()):
            return Redirect(link_again(buyer.runtime, link.code, click_id, q), status_code=HTTP_302_FOUND)
        agent = agent_at(request)
        link_url = with_query(await buyer.link_url(merchant_id, link.code), q)
        page_target = _target(link)
        target = await carried_target(
            buyer.runtime, merchant_id, link.link_id, link.code, page_target, click_id, is_person=not is_ahead(request)
        )
        steps = _steps(buyer, merchant_id, link, target, agent, click_id, link_url, is_once=target is not page_target)
        parent_id = None if is_ahead(request) else parent_of(buyer.runtime, link.code, p)
        if steps[0].kind == "page" and parent_id is None:
            return Redirect(steps[0].address, status_code=HTTP_302_FOUND)
        sight = sight_token(buyer.runtime.link_key, click_id, agent.container, agent.os)
        async with buyer.runtime.unit(merchant_id, "buyer.jump") as unit:
            card = await share_card(unit, link, buyer.runtime.public_url)
            if parent_id is not None:
                await bring(unit, click_id, parent_id)
        if steps[0].kind == "page":
            return Redirect(steps[0].address, status_code=HTTP_302_FOUND)
        page = JumpPage(
            shop=card.shop,
            title=link.title,
            destination=target.destination,
            container=agent.container,
            tell=f"/j/{link.code}/tries?{urlencode({'k': k, 'a': sight, **({'r': r} if r else {})})}",
            link=link_url,
            steps=steps,
            card=card if len(link.url) <= CARD_URL_CHARS_MAX else None,
            report=f"/r/{link.code}",
        )
        answer = buyer.pages.jump(page, locale)
        answer.cookies.append(click_cookie(click_id, f"/j/{link.code}", secure=buyer.is_secure))
        return answer

    @post("/j/{code:str}/tries", status_code=HTTP_204_NO_CONTENT)
    async def tried(
        self, request: BuyerRequest, code: str, buyer: BuyerDesk, data: Tried, k: str = "", a: str = "", r: str = ""
    ) -> None:
        """What became of an attempt; a form that was not offered to this visitor is refused.

        ``a``: the app that the page was made for (``sight_token``). Another site's page may not speak for ours; one
        that sends no referrer may call its origin "null".
        """
        if request.headers.get("origin") != "null":
            refuse_other_sites(request, buyer.runtime.public_url)
        found = await buyer.link(code, r)
        seal = "" if found is None else sealed(code, found[1].lock_id)
        click_id = read_click_token(buyer.runtime.link_key, k, seal, r)
        if found is None or found[1].url is None or click_id is None:
            raise NotFound(what="link", key=code[:CODE_CHARS_MAX])
        merchant_id, link = found
        agent = _page_agent(buyer, agent_at(request), click_id, a)
        target = await carried_target(
            buyer.runtime, merchant_id, link.link_id, link.code, _target(link), click_id, is_person=False
        )
        steps = _steps(buyer, merchant_id, link, target, agent, click_id, is_once=True)
        step = next((step for step in steps if step.form == data.form), None)
        if step is None:
            raise InvalidInput(field="form", problem="offered to this visitor")
        visitor = _visitor(buyer, request, merchant_id)
        async with buyer.runtime.unit(merchant_id, "buyer.jump_try") as unit:
            await record_try(
                unit, click_id, link.link_id, agent, target.destination, step, data.outcome, visitor=visitor
            )


def _visitor(buyer: BuyerDesk, request: BuyerRequest, merchant_id: UUID) -> bytes | None:
    """The mark of the day that this visitor's clicks have; None where the address is nobody's own."""
    address = request.client.host if request.client else ""
    blind = Blind(buyer.runtime.link_key)
    return blind.mark(merchant_id, address, buyer.runtime.clock.now()) if is_visitors(address) else None


def _page_agent(buyer: BuyerDesk, asking: Agent, click_id: UUID, token: str) -> Agent:
    """Who looks at the page: it was told with the page itself, as its script's requests need not name the app."""
    seen = read_sight_token(buyer.runtime.link_key, click_id, token)
    if seen is None:
        raise InvalidInput(field="a", problem="of this page")
    return msgspec.structs.replace(asking, container=seen[0], os=seen[1])


def _target(link: LinkView) -> Target:
    assert link.url is not None, "the caller has looked"
    target, _ = target_and_host(link.url)  # whose host it is, was looked at
    if target is None:
        raise NotFound(what="link", key=link.code)
    return target


def _steps(
    buyer: BuyerDesk,
    merchant_id: UUID,
    link: LinkView,
    target: Target,
    agent: Agent,
    click_id: UUID,
    link_url: str = "",
    *,
    is_once: bool,
) -> tuple[Step, ...]:
    def token() -> str:
        return carried_token(buyer.runtime.link_key, merchant_id, click_id, link.code)

    return buyer.runtime.ways.of(
        target,
        agent,
        link_url,
        click_id,
        token,
        merchant_id=merchant_id,
        share_code=link.share_code or "",
        is_once=is_once,
    )
