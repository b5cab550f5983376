"""Signing in and out."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Controller, MediaType, Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect
from litestar.status_codes import HTTP_200_OK, HTTP_401_UNAUTHORIZED

from hutong.core.errors import Unauthorized
from hutong.web.console.desk import ConsoleRequest, Desk, go_to
from hutong.web.console.headers import CONSOLE_HEADERS
from hutong.web.console.views import LoginView
from hutong.web.languages import locale_of
from hutong.web.scene import Scene
from hutong.web.session import (
    LOGIN_PATH,
    SESSION_COOKIE,
    VISIT_COOKIE,
    Tries,
    check_form,
    cookie_of,
    csrf_token,
    safe_next,
    session_cookie,
    sign_in,
    sign_out,
    visit_secret,
)


class LoginForm(msgspec.Struct, frozen=True, kw_only=True):
    """The sign-in form."""

    login: str
    password: str
    token: str = msgspec.field(name="_csrf_token", default="")
    next_path: str = msgspec.field(name="next", default="/")


class SignInController(Controller):
    """The door; what is behind it needs a session."""

    include_in_schema = False

    @get(LOGIN_PATH, media_type=MediaType.HTML)
    async def ask(self, request: ConsoleRequest, desk: Desk) -> Response[str]:
        """The sign-in page."""
        view = LoginView(next_path=safe_next(request.query_params.get("next", "/")))
        return self._page(request, desk, view, HTTP_200_OK)

    @post(LOGIN_PATH, media_type=MediaType.HTML)
    async def enter(
        self,
        request: ConsoleRequest,
        desk: Desk,
        tries: Tries,
        data: Annotated[LoginForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
    ) -> Response[str]:
        """Sign in and go on to where the visitor wanted to be."""
        check_form(request, request.cookies.get(VISIT_COOKIE, ""), data.token)
        address = request.client.host if request.client else ""
        tries.begin(data.login, address)
        try:
            cookie = await sign_in(desk.runtime, data.login, data.password)
        except Unauthorized:
            view = LoginView(next_path=safe_next(data.next_path), login=data.login, failed=True)
            return self._page(request, desk, view, HTTP_401_UNAUTHORIZED)
        tries.succeeded(data.login, address)
        response: Response[str] = go_to(safe_next(data.next_path))
        response.cookies.append(cookie_of(SESSION_COOKIE, cookie, secure=desk.secure))
        return response

    @post("/logout")
    async def leave(self, request: ConsoleRequest, desk: Desk) -> Redirect:
        """Sign out."""
        check_form(request, session_cookie(request), (await request.form()).get("_csrf_token"))
        await sign_out(desk.runtime, session_cookie(request))
        response = go_to(LOGIN_PATH)
        response.cookies.append(cookie_of(SESSION_COOKIE, "", secure=desk.secure))
        return response

    def _page(self, request: ConsoleRequest, desk: Desk, view: LoginView, status: int) -> Response[str]:
        visit = request.cookies.get(VISIT_COOKIE) or visit_secret()
        scene = Scene(path=LOGIN_PATH, locale=locale_of(request), csrf_token=csrf_token(visit))
        html = desk.renderer.page("console/login.html", view, scene)
        response = Response(content=html, status_code=status, media_type=MediaType.HTML, headers=CONSOLE_HEADERS)
        response.cookies.append(cookie_of(VISIT_COOKIE, visit, secure=desk.secure))
        return response
