"""The page between an app and where a link leads: it tries one way after the other, and tells which one arrived."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Controller, MediaType, Response, get, post
from litestar.response import Redirect
from litestar.status_codes import HTTP_204_NO_CONTENT, HTTP_302_FOUND, HTTP_404_NOT_FOUND, HTTP_410_GONE

from hutong.core.errors import InvalidInput, NotFound
from hutong.links.containers import Agent, classify
from hutong.links.destinations import Target, read_target
from hutong.links.jumps.plan import Step
from hutong.links.jumps.tries import Outcome, record_try
from hutong.links.service import LinkView
from hutong.links.tokens import read_click_token
from hutong.merchants.queries import this_merchant
from hutong.web.buyer.desk import CODE_CHARS_MAX, BuyerDesk, BuyerRequest
from hutong.web.buyer.pages import LINK_OVER, LINK_UNKNOWN, JumpPage
from hutong.web.languages import locale_of


class Tried(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a visitor's page tells of one attempt: the matrix's name of it, and what became of it."""

    form: str
    outcome: Outcome


class JumpController(Controller):
    """Ways out of an app. The edge has counted the click; ``k`` is its token."""

    include_in_schema = False

    @get("/j/{code:str}", media_type=MediaType.HTML)
    async def jump(self, request: BuyerRequest, code: str, buyer: BuyerDesk, k: str = "", r: str = "") -> Response[Any]:
        """The page; straight on where the first attempt is the page that the link leads to."""
        locale = locale_of(request)
        found = await buyer.link(code, r)
        if found is None:
            return buyer.pages.message(LINK_UNKNOWN, locale, HTTP_404_NOT_FOUND)
        merchant_id, link = found
        if link.state != "active" or link.url is None:
            return buyer.pages.message(LINK_OVER, locale, HTTP_410_GONE)
        click_id = read_click_token(buyer.runtime.link_key, k, code)
        if click_id is None:  # an address without its click: count one first
            return Redirect(f"/l/{link.code}", status_code=HTTP_302_FOUND)
        agent = classify(request.headers.get("user-agent", ""))
        target, steps = _steps(buyer, link, agent, click_id)
        if steps[0].kind == "page":
            return Redirect(steps[0].address, status_code=HTTP_302_FOUND)
        async with buyer.runtime.unit(merchant_id, "buyer.jump") as unit:
            shop = (await this_merchant(unit)).name
        page = JumpPage(
            shop=shop,
            title=link.title,
            destination=target.destination,
            container=agent.container,
            tell=f"/j/{link.code}/tries?{urlencode({'k': k, 'r': r} if r else {'k': k})}",
            link=_link_url(buyer, link),
            steps=steps,
        )
        return buyer.pages.jump(page, locale)

    @post("/j/{code:str}/tries", status_code=HTTP_204_NO_CONTENT)
    async def tried(
        self, request: BuyerRequest, code: str, buyer: BuyerDesk, data: Tried, k: str = "", r: str = ""
    ) -> None:
        """What became of an attempt; a form that was not offered to this visitor is refused."""
        found = await buyer.link(code, r)
        click_id = read_click_token(buyer.runtime.link_key, k, code)
        if found is None or found[1].url is None or click_id is None:
            raise NotFound(what="link", key=code[:CODE_CHARS_MAX])
        merchant_id, link = found
        agent = classify(request.headers.get("user-agent", ""))
        target, steps = _steps(buyer, link, agent, click_id)
        step = next((step for step in steps if step.form == data.form), None)
        if step is None:
            raise InvalidInput(field="form", problem="offered to this visitor")
        async with buyer.runtime.unit(merchant_id, "buyer.jump_try") as unit:
            await record_try(unit, click_id, link.link_id, agent, target.destination, step, data.outcome)


def _link_url(buyer: BuyerDesk, link: LinkView) -> str:
    return f"{buyer.runtime.public_url}/l/{link.code}"


def _steps(buyer: BuyerDesk, link: LinkView, agent: Agent, click_id: UUID) -> tuple[Target, tuple[Step, ...]]:
    assert link.url is not None, "the caller has looked"
    target = read_target(link.url)
    return target, buyer.runtime.ways.of(target, agent, _link_url(buyer, link), click_id)
