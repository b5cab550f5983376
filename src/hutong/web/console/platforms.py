"""Platforms: what each connector can do and how far that is proved, and the merchant's accounts."""

from __future__ import annotations

from litestar import Controller, Response, get

from hutong.merchants.queries import ConnectionRow, connections
from hutong.platforms.contract import Connector, Proof
from hutong.web.console.desk import ConsoleRequest, Desk
from hutong.web.console.views import CapabilityRow, ConnectionsView, PlatformCard
from hutong.web.languages import locale_of


class PlatformsController(Controller):
    """The platforms page."""

    path = "/connections"
    include_in_schema = False

    @get("/")
    async def show(self, request: ConsoleRequest, desk: Desk) -> Response[str]:
        """Every installed platform."""
        chinese = locale_of(request).startswith("zh")
        async with desk.unit(request, "console.connections") as unit:
            accounts = await connections(unit)
            cards = tuple(_card(connector, accounts, chinese=chinese) for connector in desk.runtime.registry.all())
            return await desk.page(request, unit, "console/connections.html", ConnectionsView(platforms=cards))


def _card(connector: Connector, accounts: tuple[ConnectionRow, ...], *, chinese: bool) -> PlatformCard:
    return PlatformCard(
        platform=connector.name,
        title=connector.title_zh if chinese else connector.title_en,
        capabilities=tuple(_capability(connector, name) for name in connector.capabilities()),
        needs_account=bool(connector.credential_fields),
        accounts=tuple(
            (account.title, account.mode, account.created_at)
            for account in accounts
            if account.platform == connector.name
        ),
    )


def _capability(connector: Connector, name: str) -> CapabilityRow:
    proof = connector.proofs.get(name, Proof.UNVERIFIED)
    judges = connector.judges(name) if proof is Proof.JUDGED else ()
    return CapabilityRow(name=name, proof=proof.value, judges=judges)
