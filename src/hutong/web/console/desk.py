"""What every console handler has in hand: the process's means, the renderer, and how to answer with a page."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

from litestar import Request, Response
from litestar.enums import MediaType
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER
from msgspec import Struct

from hutong.db.unit import Unit
from hutong.merchants.queries import connections, open_ticket_count, this_merchant
from hutong.merchants.staff import Session
from hutong.web.console.headers import CONSOLE_HEADERS
from hutong.web.console.roles import closed_paths
from hutong.web.format import zone_of
from hutong.web.languages import locale_of
from hutong.web.render import Renderer
from hutong.web.scene import Scene
from hutong.web.session import csrf_token, session_cookie
from hutong.workflows.runtime import Runtime

ConsoleRequest = Request[Any, Any, Any]


class Desk:
    """Shared by all console handlers of a process."""

    def __init__(self, runtime: Runtime, renderer: Renderer) -> None:
        self.runtime = runtime
        self.renderer = renderer

    @property
    def secure(self) -> bool:
        """Whether cookies may travel over TLS only: wherever the world reaches us by https."""
        return self.runtime.public_url.startswith("https://")

    def unit(self, request: ConsoleRequest, label: str) -> AbstractAsyncContextManager[Unit]:
        """One transaction of the signed-in person's merchant."""
        return self.runtime.unit(session_of(request).merchant_id, label)

    async def page(self, request: ConsoleRequest, unit: Unit, template: str, view: Struct) -> Response[str]:
        """The answer: a page of the console with everything around it."""
        merchant = await this_merchant(unit)
        accounts = await connections(unit)
        session = session_of(request)
        sandbox = bool(accounts) and all(account.mode == "sandbox" for account in accounts)
        scene = Scene(
            path=request.url.path,
            locale=locale_of(request),
            zone=zone_of(merchant.timezone),
            csrf_token=csrf_token(session_cookie(request)),
            merchant_name=merchant.name,
            staff_name=session.name,
            mode="sandbox" if sandbox else "",
            open_tickets=await open_ticket_count(unit),
            closed=closed_paths(session.role),
        )
        html = self.renderer.page(template, view, scene)
        return Response(content=html, media_type=MediaType.HTML, headers=CONSOLE_HEADERS)


def session_of(request: ConsoleRequest) -> Session:
    """Who is signed in; handlers of the console are reached by signed-in people only."""
    session: Session = request.state.session
    return session


def go_to(path: str) -> Redirect:
    """After a form: look at the result by GET, so that reloading does not send the form again."""
    return Redirect(path, status_code=HTTP_303_SEE_OTHER)
