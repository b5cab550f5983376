"""A link's password: the page that asks for it, and what becomes of what was typed.

Right: a page that goes on to the link by itself, with a pass in a cookie and in that one address. No redirect: Chrome
holds where a form's redirects lead against the page's ``form-action``, and a link leads to other sites. Wrong is 403
(RFC 9110 §15.5.4: the credentials are insufficient), too many guesses 429, no room to compare one 503. 401 would need a
challenge that makes browsers ask by themselves.

A form that another site sends does no harm: it needs the right password, and gains a visit of a link.
"""

from __future__ import annotations

import re
from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import Controller, HttpMethod, MediaType, Response, post, route
from litestar.datastructures import Cookie
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.status_codes import (
    HTTP_200_OK,
    HTTP_403_FORBIDDEN,
    HTTP_404_NOT_FOUND,
    HTTP_410_GONE,
    HTTP_429_TOO_MANY_REQUESTS,
    HTTP_503_SERVICE_UNAVAILABLE,
)

from hutong.links.cards import logo_of
from hutong.links.guesses import BUSY_AFTER_S, RETRY_AFTER_S, Guess
from hutong.links.lock_tokens import ADDRESS_LIFE, COOKIE_LIFE, PASS_COOKIE, PASS_NAME, pass_token
from hutong.links.locks import PASSWORD_CHARS_MAX
from hutong.links.service import LinkView
from hutong.links.standing import OVER, Standing
from hutong.merchants.queries import this_merchant
from hutong.web.buyer.desk import BuyerDesk, BuyerRequest
from hutong.web.buyer.pages import LINK_OVER, LINK_UNKNOWN, LockPage
from hutong.web.languages import locale_of
from hutong.web.share import ShareCard

#: The longest password, each sign as twelve characters, and nothing more.
BODY_BYTES_MAX: Final = 2_000
#: Of what stands behind the link's address: rules may ask for it, so it goes on with the visitor.
QUERY_CHARS_MAX: Final = 1_000
_CARRIED: Final = re.compile(r"[!-~]*")
_ASK: Final = "ask"
_STATUS: Final = {
    Guess.RIGHT: HTTP_200_OK,
    Guess.WRONG: HTTP_403_FORBIDDEN,
    Guess.LIMITED: HTTP_429_TOO_MANY_REQUESTS,
    Guess.BUSY: HTTP_503_SERVICE_UNAVAILABLE,
}
_WAITS_S: Final = {Guess.LIMITED: RETRY_AFTER_S, Guess.BUSY: BUSY_AFTER_S}


class PasswordForm(msgspec.Struct, frozen=True, kw_only=True):
    """What the visitor typed; its length is looked at with it."""

    password: str = ""

    def __repr__(self) -> str:
        """Without what was typed."""
        return "PasswordForm()"


def _asks(link: LinkView) -> bool:
    """Whether the password leads on: where a link that is over leads then is behind it, too."""
    return link.state == Standing.ACTIVE.value or link.state in OVER


class LockController(Controller):
    """The page and its form. The edge has counted the click; it hands on to here who has not given the password."""

    include_in_schema = False

    @route("/lock/{code:str}", http_method=[HttpMethod.GET, HttpMethod.HEAD], media_type=MediaType.HTML)
    async def show(self, request: BuyerRequest, code: str, buyer: BuyerDesk) -> Response[str]:
        """Ask. Says of the link whose it is, and nothing else."""
        found = await buyer.link(code)
        if found is None:
            return buyer.pages.message(LINK_UNKNOWN, locale_of(request), HTTP_404_NOT_FOUND)
        if not _asks(found[1]):
            return buyer.pages.message(LINK_OVER, locale_of(request), HTTP_410_GONE)
        return await ask_password(request, buyer, *found)

    @post("/l/{code:str}", media_type=MediaType.HTML, status_code=HTTP_200_OK, request_max_body_size=BODY_BYTES_MAX)
    async def guess(
        self,
        request: BuyerRequest,
        code: str,
        buyer: BuyerDesk,
        data: Annotated[PasswordForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
    ) -> Response[str]:
        """On to the link with the right password; the same page with what is wrong without it."""
        found = await buyer.link(code)
        if found is None:
            return buyer.pages.message(LINK_UNKNOWN, locale_of(request), HTTP_404_NOT_FOUND)
        merchant_id, link = found
        if not _asks(link):
            return buyer.pages.message(LINK_OVER, locale_of(request), HTTP_410_GONE)
        became = await buyer.guess(request, merchant_id, link, data.password)
        passes = _passes(buyer, link) if became is Guess.RIGHT else None
        onward = "" if passes is None else _address(request, link, passes[1])
        answer = await ask_password(request, buyer, merchant_id, link, became, onward)
        if passes is not None and passes[0]:
            answer.cookies.append(_cookie(link, passes[0], secure=buyer.is_secure))
        return answer


async def ask_password(
    request: BuyerRequest,
    buyer: BuyerDesk,
    merchant_id: UUID,
    link: LinkView,
    became: Guess | None = None,
    onward: str = "",
) -> Response[str]:
    """The page, after a guess or before the first."""
    async with buyer.runtime.unit(merchant_id, "buyer.lock") as unit:
        shop, picture = (await this_merchant(unit)).name, await logo_of(unit)
    public = buyer.runtime.public_url
    page = LockPage(
        shop=shop,
        action=_address(request, link),
        state=_ASK if became is None else became.value,
        onward=onward,
        chars_max=PASSWORD_CHARS_MAX,
        report=f"/r/{link.code}",
        card=ShareCard(
            shop=shop,
            title=shop,
            about="",
            url=f"{public}/l/{link.code}",
            picture=picture,
            picture_url="" if picture is None else f"{public}{picture.path}",
        ),
    )
    status = HTTP_200_OK if became is None else _STATUS[became]
    answer = buyer.pages.lock(page, locale_of(request), status, is_big=request.query_params.get("big") == "1")
    if became in _WAITS_S:
        answer.headers["retry-after"] = str(_WAITS_S[became])
    return answer


def _passes(buyer: BuyerDesk, link: LinkView) -> tuple[str, str]:
    """For the cookie, and for the next address; empty where the link asks for none any more."""
    if link.lock_id is None:
        return "", ""
    now = buyer.runtime.clock.now()
    held, carried = (
        pass_token(buyer.runtime.link_key, link.code, link.lock_id, now + life) for life in (COOKIE_LIFE, ADDRESS_LIFE)
    )
    return held, carried


def _address(request: BuyerRequest, link: LinkView, carried: str = "") -> str:
    """The link as it was opened, what stands behind it included, with a pass where there is one."""
    query = request.scope["query_string"].decode("latin-1")
    parts = query.split("&") if len(query) <= QUERY_CHARS_MAX and _CARRIED.fullmatch(query) else []
    kept = [part for part in parts if part and not part.startswith(f"{PASS_NAME}=")]
    given = [f"{PASS_NAME}={carried}"] if carried else []
    asked = "&".join(given + kept)
    return f"/l/{link.code}{'?' if asked else ''}{asked}"


def _cookie(link: LinkView, token: str, *, secure: bool) -> Cookie:
    """The pass, sent to this one link alone."""
    return Cookie(
        key=PASS_COOKIE,
        value=token,
        path=f"/l/{link.code}",
        max_age=int(COOKIE_LIFE.total_seconds()),
        httponly=True,
        secure=secure,
        samesite="lax",
    )
