"""The way in: a link is exchanged for a cookie, so that it leaves the address bar; then the page and its files."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

from litestar import Controller, MediaType, Request, Response, get
from litestar.datastructures import Cookie
from litestar.params import Parameter
from litestar.response import Redirect
from litestar.status_codes import (
    HTTP_200_OK,
    HTTP_303_SEE_OTHER,
    HTTP_401_UNAUTHORIZED,
    HTTP_404_NOT_FOUND,
    HTTP_410_GONE,
    HTTP_429_TOO_MANY_REQUESTS,
)

from hutong.core.errors import NotFound
from hutong.ledger.party_figures import own_channels
from hutong.ledger.party_pages import TOKEN_CHARS_MAX, Entered, PageLinkOver, enter, may_see
from hutong.ledger.queries import one_statement
from hutong.links.containers import classify
from hutong.merchants.directory import PARTY_PAGE, look_up
from hutong.merchants.staff import merchant_of_cookie
from hutong.web.creator.pages import PAGE_CLOSED, PAGE_OVER, PAGE_UNKNOWN, TOO_MANY, CreatorPages, page_path
from hutong.web.creator.reading import read_creator_page
from hutong.web.i18n import Locale
from hutong.web.languages import chosen_locale, locale_cookie, locale_of
from hutong.web.papers.answers import FileForm, statement_file
from hutong.web.papers.reading import read_paper
from hutong.web.session import TooManyTries, Tries
from hutong.workflows.runtime import Runtime

CreatorRequest = Request[Any, Any, Any]

PAGE_COOKIE: Final = "hutong_page"
#: Under this name wrong links are counted for an address, as wrong passwords are.
GUESSES: Final = "party page"
_COOKIE_CHARS_MAX: Final = 200
_FILE_HEADERS: Final = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


class CreatorDesk:
    """What the creators' handlers have in hand."""

    def __init__(self, runtime: Runtime, pages: CreatorPages) -> None:
        self.runtime = runtime
        self.pages = pages

    @property
    def secure(self) -> bool:
        """Whether cookies may travel over TLS only."""
        return self.runtime.public_url.startswith("https://")

    async def enter(self, token: str) -> Entered:
        """Come in by a link.

        Raises:
            NotFound, PageLinkOver.
        """
        merchant_id = None
        if len(token) <= TOKEN_CHARS_MAX:
            async with self.runtime.database.plain("app") as connection:  # a secret: not kept in memory like a code
                merchant_id = await look_up(connection, PARTY_PAGE, token)
        if merchant_id is None:
            raise NotFound(what="page link", key="…")
        async with self.runtime.unit(merchant_id, "creator.enter") as unit:
            return await enter(unit, token)

    async def merchant_of(self, request: CreatorRequest, party_id: UUID) -> UUID | None:
        """Whose party it is, if this browser came in by the party's link and may still see the page."""
        cookie = request.cookies.get(PAGE_COOKIE, "")
        merchant_id = merchant_of_cookie(cookie) if len(cookie) <= _COOKIE_CHARS_MAX else None
        if merchant_id is None:
            return None
        async with self.runtime.unit(merchant_id, "creator.visit") as unit:
            return merchant_id if await may_see(unit, party_id, cookie) else None

    def cookie(self, entered: Entered) -> Cookie:
        """Opens this party's page and nothing else."""
        left = entered.expires_at - self.runtime.clock.now()
        return Cookie(
            key=PAGE_COOKIE,
            value=entered.cookie,
            path=page_path(entered.party_id.hex),
            max_age=int(left.total_seconds()),
            httponly=True,
            secure=self.secure,
            samesite="lax",
        )


class CreatorController(Controller):
    """What a creator opens."""

    include_in_schema = False

    @get("/m/{token:str}", media_type=MediaType.HTML)
    async def come_in(self, request: CreatorRequest, token: str, creator: CreatorDesk, tries: Tries) -> Response[Any]:
        """Exchange a link for a cookie. A machine that looks ahead at a message's links gets none."""
        locale = locale_of(request)
        if classify(request.headers.get("user-agent", "")).is_bot:
            return creator.pages.message(PAGE_CLOSED, locale, HTTP_200_OK)
        address = request.client.host if request.client else ""
        try:
            entered = await creator.enter(token)
        except PageLinkOver:
            return creator.pages.message(PAGE_OVER, locale, HTTP_410_GONE)
        except NotFound:
            return unknown_link(creator.pages, tries, address, locale)
        answer = Redirect(page_path(entered.party_id.hex), status_code=HTTP_303_SEE_OTHER, headers=_FILE_HEADERS)
        answer.cookies.append(creator.cookie(entered))
        return answer

    @get("/me/{party_id:uuid}", media_type=MediaType.HTML)
    async def show(self, request: CreatorRequest, party_id: UUID, creator: CreatorDesk) -> Response[str]:
        """The page."""
        locale = locale_of(request)
        merchant_id = await creator.merchant_of(request, party_id)
        if merchant_id is None:
            answer = creator.pages.message(PAGE_CLOSED, locale, HTTP_401_UNAUTHORIZED)
        else:
            async with creator.runtime.unit(merchant_id, "creator.page") as unit:
                page = await read_creator_page(unit, party_id, creator.runtime.public_url)
            answer = creator.pages.figures(page, locale)
        if chosen_locale(request) is not None:
            answer.cookies.append(locale_cookie(locale, secure=creator.secure))
        return answer

    @get("/me/{party_id:uuid}/{statement_id:uuid}")
    async def file(
        self,
        request: CreatorRequest,
        party_id: UUID,
        statement_id: UUID,
        creator: CreatorDesk,
        form: Annotated[FileForm, Parameter(query="format")],
    ) -> Response[Any]:
        """One of the party's own statements as a file; names of channels only where they are its own."""
        locale = locale_of(request)
        merchant_id = await creator.merchant_of(request, party_id)
        if merchant_id is None:
            return creator.pages.message(PAGE_CLOSED, locale, HTTP_401_UNAUTHORIZED)
        async with creator.runtime.unit(merchant_id, "creator.statement") as unit:
            if (await one_statement(unit, statement_id)).party_id != party_id:
                raise NotFound(what="statement", key=str(statement_id))
            own = await own_channels(unit, party_id)
            paper = await read_paper(unit, statement_id, printed=form is FileForm.PDF, channels=own)
        return await statement_file(paper, form, creator.pages.renderer.catalogues, locale, _FILE_HEADERS)


def unknown_link(pages: CreatorPages, tries: Tries, address: str, locale: Locale) -> Response[str]:
    """A link that never was; after a few of them an address has to wait."""
    try:
        tries.check(GUESSES, address)
    except TooManyTries:
        return pages.message(TOO_MANY, locale, HTTP_429_TOO_MANY_REQUESTS)
    tries.failed(GUESSES, address)
    return pages.message(PAGE_UNKNOWN, locale, HTTP_404_NOT_FOUND)
