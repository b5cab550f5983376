"""The API's router and its description."""

from __future__ import annotations

from typing import Final

from litestar import Router
from litestar.di import Provide
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme

from hutong import __version__
from hutong.web.api.bills import BillsApi
from hutong.web.api.bios import BiosApi
from hutong.web.api.books import BooksApi, TicketsApi
from hutong.web.api.bulk_links import BulkLinksApi
from hutong.web.api.callers import provide_caller, require_key
from hutong.web.api.cards import CardsApi
from hutong.web.api.catalogue import CatalogueApi
from hutong.web.api.clicks import ClicksApi
from hutong.web.api.combined import CombinedApi
from hutong.web.api.connections import ConnectionsApi
from hutong.web.api.costs import CostsApi
from hutong.web.api.figures import FiguresApi
from hutong.web.api.holds import GuardsApi, HoldsApi
from hutong.web.api.ledger import LedgerApi
from hutong.web.api.link_guards import HostsApi, LinkGuardsApi
from hutong.web.api.link_rules import LinkRulesApi
from hutong.web.api.links import LinksApi
from hutong.web.api.opened import OpenedPaymentsApi
from hutong.web.api.orders import OrdersApi
from hutong.web.api.parameters import refuse_unknown_parameters
from hutong.web.api.party_pages import PartyPagesApi
from hutong.web.api.payments import PaymentsApi
from hutong.web.api.promotions import PromotionsApi
from hutong.web.api.splits import SplitsApi
from hutong.web.api.staff import StaffApi
from hutong.web.api.statements import StatementsApi
from hutong.web.api.tickets import DecisionsApi
from hutong.web.api.ties import TiesApi
from hutong.web.api.wallets import WalletsApi
from hutong.web.api.walls import WallsApi
from hutong.web.api.webhooks import WebhooksApi

CONTROLLERS: Final = (
    CatalogueApi,
    LinksApi,
    WallsApi,
    CardsApi,
    LinkGuardsApi,
    HostsApi,
    BiosApi,
    ClicksApi,
    TiesApi,
    PromotionsApi,
    LinkRulesApi,
    BulkLinksApi,
    OrdersApi,
    PaymentsApi,
    OpenedPaymentsApi,
    CombinedApi,
    ConnectionsApi,
    WalletsApi,
    BillsApi,
    BooksApi,
    LedgerApi,
    HoldsApi,
    GuardsApi,
    SplitsApi,
    StatementsApi,
    PartyPagesApi,
    StaffApi,
    TicketsApi,
    DecisionsApi,
    FiguresApi,
    CostsApi,
    WebhooksApi,
)


def api_router() -> Router:
    """Everything under /api/v1; ``runtime`` is provided by the application."""
    return Router(
        path="/",
        route_handlers=list(CONTROLLERS),
        guards=[require_key],
        before_request=refuse_unknown_parameters,
        dependencies={"caller": Provide(provide_caller)},
    )


def openapi_config() -> OpenAPIConfig:
    """``/api/openapi.json``."""
    return OpenAPIConfig(
        title="Hutong 互通",
        version=__version__,
        path="/api",
        create_examples=False,
        use_handler_docstrings=True,
        security=[{"key": []}],
        components=Components(
            security_schemes={"key": SecurityScheme(type="http", scheme="bearer", description="hutong key create")}
        ),
    )
