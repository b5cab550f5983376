"""Puts the web together: console, buyers' pages, API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, cast
from urllib.parse import urlencode

from litestar import Litestar, Request, Response, Router, get
from litestar.di import Provide
from litestar.enums import MediaType
from litestar.response import Redirect
from litestar.static_files import create_static_files_router
from litestar.status_codes import HTTP_303_SEE_OTHER, HTTP_503_SERVICE_UNAVAILABLE
from litestar.types import ControllerRouterHandler
from sqlalchemy import text

from hutong.core.asgi import Application
from hutong.core.errors import Forbidden, Unauthorized
from hutong.db.outages import is_away
from hutong.web.api.routes import api_router, openapi_config
from hutong.web.buyer.astray import DoorErrorPages
from hutong.web.buyer.bios import BioController
from hutong.web.buyer.cards import CardController
from hutong.web.buyer.checkout import CheckoutController
from hutong.web.buyer.codes import ShopCodeController
from hutong.web.buyer.desk import BuyerDesk, never_stored
from hutong.web.buyer.jumps import JumpController
from hutong.web.buyer.leaving import LeavingController
from hutong.web.buyer.links import LinkController
from hutong.web.buyer.locks import LockController
from hutong.web.buyer.pages import BuyerPages
from hutong.web.buyer.pay_door import PayDoor
from hutong.web.buyer.reports import ReportController
from hutong.web.callbacks import CallbackDoor
from hutong.web.console.bills import BillsController
from hutong.web.console.bios import BiosController
from hutong.web.console.book_pages import BookPagesController
from hutong.web.console.books import BooksController
from hutong.web.console.channels import ChannelsController
from hutong.web.console.clicks import ClicksController
from hutong.web.console.codes import CodesController
from hutong.web.console.costs import CostsController
from hutong.web.console.counter import CounterController
from hutong.web.console.desk import Desk
from hutong.web.console.hosts import HostsController, LinkSwitchController
from hutong.web.console.imports import ImportsController
from hutong.web.console.link_batches import LinkBatchesController
from hutong.web.console.link_comparisons import LinkComparisonsController
from hutong.web.console.link_editor import LinkEditorController
from hutong.web.console.links import LinksController
from hutong.web.console.orders import OrdersController
from hutong.web.console.overview import OverviewController
from hutong.web.console.party_page import PartyController
from hutong.web.console.payments import PaymentsController
from hutong.web.console.payouts import PayoutsController
from hutong.web.console.platforms import PlatformsController
from hutong.web.console.promotions import PromotionsController
from hutong.web.console.refunds import RefundsController
from hutong.web.console.roles import may_visit, scope_of
from hutong.web.console.settings import SettingsController
from hutong.web.console.sharing import SharingController
from hutong.web.console.signin import SignInController
from hutong.web.console.splits import SplitsController
from hutong.web.console.staff import StaffController
from hutong.web.console.statements import StatementsController
from hutong.web.console.stock import StockController
from hutong.web.console.tickets import TicketsController
from hutong.web.console.walls import WallsController
from hutong.web.console.webhooks import WebhooksController
from hutong.web.creator.door import CreatorController, CreatorDesk
from hutong.web.creator.pages import CreatorPages
from hutong.web.errors import PageNotFound
from hutong.web.i18n.locales import LOCALE_QUERY
from hutong.web.languages import chosen_locale, locale_cookie
from hutong.web.packing import PACKING
from hutong.web.reading import ReadableRequest
from hutong.web.render import STATIC_DIR, STATIC_URL, Renderer
from hutong.web.session import CSRF_FIELD, SAFE_METHODS, Tries, check_form, login_path, session_cookie, signed_in
from hutong.workflows.runtime import Runtime

#: The largest body any address takes; files have their own way in.
BODY_BYTES_MAX: Final = 1_000_000
#: The first may meet a line that was cut before the database came back.
HEALTH_TRIES: Final = 2
STATIC_LIFE_S: Final = 365 * 24 * 3600
_CONSOLE: Final[tuple[ControllerRouterHandler, ...]] = (
    OverviewController,
    LinksController,
    LinkBatchesController,
    SharingController,
    LinkSwitchController,
    HostsController,
    BiosController,
    ClicksController,
    PromotionsController,
    LinkEditorController,
    LinkComparisonsController,
    ChannelsController,
    WallsController,
    OrdersController,
    StockController,
    CounterController,
    CodesController,
    PaymentsController,
    RefundsController,
    BillsController,
    BooksController,
    BookPagesController,
    SplitsController,
    PartyController,
    PayoutsController,
    StatementsController,
    CostsController,
    TicketsController,
    PlatformsController,
    WebhooksController,
    ImportsController,
    SettingsController,
    StaffController,
)


_BUYERS: Final[tuple[ControllerRouterHandler, ...]] = (
    LinkController,
    JumpController,
    CardController,
    LeavingController,
    ReportController,
    LockController,
    BioController,
    CheckoutController,
    ShopCodeController,
)


def build_doors(runtime: Runtime) -> Application:
    """What stands behind the link front: the ways past the framework, and the application."""
    renderer = Renderer()
    buyer = BuyerDesk(runtime, BuyerPages(renderer))
    web = cast(Application, build_web(runtime, renderer, buyer))
    paying = PayDoor(web, buyer, DoorErrorPages(renderer, buyer.pages).answer)
    return CallbackDoor(paying, runtime)


def build_web(runtime: Runtime, renderer: Renderer | None = None, buyer: BuyerDesk | None = None) -> Litestar:
    """The application by itself."""
    renderer = renderer or Renderer()
    buyer = buyer or BuyerDesk(runtime, BuyerPages(renderer))
    desk = Desk(runtime, renderer)
    creator = CreatorDesk(runtime, CreatorPages(renderer))
    tries = Tries(runtime.clock)
    pages = DoorErrorPages(renderer, buyer.pages)
    dependencies = {
        "desk": Provide(lambda: desk, sync_to_thread=False),
        "buyer": Provide(lambda: buyer, sync_to_thread=False),
        "creator": Provide(lambda: creator, sync_to_thread=False),
        "tries": Provide(lambda: tries, sync_to_thread=False),
        "runtime": Provide(lambda: runtime, sync_to_thread=False),
    }
    console = Router("/", route_handlers=[*_CONSOLE], before_request=_doorkeeper(desk), include_in_schema=False)
    buyers = Router("/", route_handlers=[*_BUYERS], after_request=never_stored, include_in_schema=False)
    door = Router("/", route_handlers=[SignInController], before_request=_language(desk), include_in_schema=False)
    return Litestar(
        route_handlers=[
            console,
            door,
            buyers,
            CreatorController,
            _static(),
            healthz,
            api_router(),
        ],
        dependencies=dependencies,
        request_class=ReadableRequest,
        exception_handlers={Exception: pages.answer},
        request_max_body_size=BODY_BYTES_MAX,
        compression_config=PACKING,
        openapi_config=openapi_config(),
    )


@get("/healthz", include_in_schema=False)
async def healthz(runtime: Runtime) -> Response[dict[str, str]]:
    """Whether this process can do its work: it answers, and so does its database."""
    for _ in range(HEALTH_TRIES):
        try:
            async with runtime.database.plain("app") as connection:
                await connection.execute(text("SELECT 1"))
        except Exception as error:
            if not is_away(error):
                raise
        else:
            return Response({"status": "ok"})
    return Response({"status": "database_away"}, status_code=HTTP_503_SERVICE_UNAVAILABLE)


def _static() -> Router:
    """Our own files and the npm assets; their addresses carry a digest, so browsers keep them. Only names that were
    there at the start reach the file system, which answers odd ones with more kinds of errors than Litestar knows.
    """
    names = frozenset(file.relative_to(STATIC_DIR).as_posix() for file in STATIC_DIR.rglob("*") if file.is_file())

    async def refuse_unknown(request: Request[Any, Any, Any]) -> None:
        if request.url.path.removeprefix(f"{STATIC_URL}/") not in names:
            raise PageNotFound

    return create_static_files_router(
        path=STATIC_URL,
        directories=[STATIC_DIR],
        include_in_schema=False,
        cache_control=None,
        before_request=refuse_unknown,
        after_request=_keep_long,
    )


async def _keep_long(response: Response[Any]) -> Response[Any]:
    response.headers["cache-control"] = f"public, max-age={STATIC_LIFE_S}, immutable"
    return response


def _switch_language(request: Request[Any, Any, Any], desk: Desk) -> Redirect | None:
    """``?lang=`` is remembered in a cookie and leaves the address."""
    locale = chosen_locale(request)
    if locale is None or request.method not in SAFE_METHODS:
        return None
    rest = [(key, value) for key, value in request.query_params.multi_items() if key != LOCALE_QUERY]
    path = request.url.path
    response = _lead_to(f"{path}?{urlencode(rest)}" if rest else path)
    response.cookies.append(locale_cookie(locale, secure=desk.secure))
    return response


def _lead_to(path: str) -> Redirect:
    """Elsewhere, whatever the address that was asked for gives: a redirect in a picture's media type is refused."""
    return Redirect(path, status_code=HTTP_303_SEE_OTHER, media_type=MediaType.TEXT)


def _language(desk: Desk) -> Callable[[Request[Any, Any, Any]], Awaitable[Redirect | None]]:
    async def switch(request: Request[Any, Any, Any]) -> Redirect | None:
        return _switch_language(request, desk)

    return switch


def _doorkeeper(desk: Desk) -> Callable[[Request[Any, Any, Any]], Awaitable[Redirect | None]]:
    """Before any console page: who is there, and was this form made by our own page?"""

    async def keep(request: Request[Any, Any, Any]) -> Redirect | None:
        switched = _switch_language(request, desk)
        if switched is not None:
            return switched
        cookie = session_cookie(request)
        session = await signed_in(desk.runtime, cookie) if cookie else None
        if session is None:
            if "application/json" in request.headers.get("accept", ""):
                raise Unauthorized  # a script of ours: a page to sign in at would read as a broken answer
            path, query = request.url.path, request.url.query
            wanted = login_path(path, query) if request.method in SAFE_METHODS else login_path("/", "")
            return _lead_to(wanted)
        request.state.session = session
        if not may_visit(session.role, request.url.path):
            raise Forbidden(scope=scope_of(request.url.path))
        if request.method not in SAFE_METHODS:
            check_form(request, cookie, (await request.form()).get(CSRF_FIELD))
        return None

    return keep
