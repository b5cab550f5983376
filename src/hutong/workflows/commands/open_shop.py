"""A new merchant with its owner; in sandbox mode with a connection to every simulated platform at once."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import msgspec

from hutong.core.errors import PlatformFailure, PlatformUnknown
from hutong.core.ids import new_id
from hutong.db.unit import Unit
from hutong.db.vault import Vault
from hutong.links.promotions.places import switch_off_places
from hutong.merchants.connections import (
    WALLET_FEE_BPS_DEFAULT,
    CredentialTold,
    Mode,
    add_connection,
    list_connections,
    renew_sandbox,
)
from hutong.merchants.service import all_merchants, create_merchant
from hutong.merchants.staff import Role, add_staff
from hutong.platforms.contract import Connector, RateLimit
from hutong.shops.catalogue import forget_listings
from hutong.transport.messages import HttpClient, Request, Response
from hutong.transport.pacing import Pace
from hutong.workflows.commands.read_bill import first_bill
from hutong.workflows.commands.wallets import IDENTITY_SCOPE, MINI_SCOPE
from hutong.workflows.jobs import PROMOTE_LINKS, PULL_GAP, PULL_ORDERS, PULL_PROMOTED, PULL_PROMOTED_GAP, ConnectionKey
from hutong.workflows.runtime import Runtime

PASSWORD_BYTES: Final = 12
SANDBOX_PACE: Final = RateLimit(calls=100, seconds=1)
HTTP_OK: Final = 200
SANDBOX_TRIES_MAX: Final = 60
SANDBOX_PAUSE_S: Final = 0.1


class NewShop(msgspec.Struct, frozen=True, kw_only=True):
    """A merchant to be made, and how its owner will sign in. ``platforms``: what the sandbox offers, by name."""

    merchant_id: UUID
    name: str
    login: str
    password: str
    platforms: Mapping[str, dict[str, Any]]


async def open_shop(runtime: Runtime, name: str, login: str, *, sandbox_merchant: str = "default") -> NewShop:
    """Make a merchant, all of it at once. The password is random and told once."""
    shop = await plan_shop(runtime, name, login, sandbox_merchant=sandbox_merchant)
    async with runtime.unit(shop.merchant_id, "shop.open") as unit:
        await found_shop(runtime, unit, shop)
    return shop


async def plan_shop(runtime: Runtime, name: str, login: str, *, sandbox_merchant: str = "default") -> NewShop:
    """What :func:`found_shop` will make; nothing is written yet."""
    return NewShop(
        merchant_id=new_id(runtime.clock.now()),
        name=name,
        login=login,
        password=secrets.token_urlsafe(PASSWORD_BYTES),
        platforms={} if runtime.sandbox_url is None else await sandbox_platforms(runtime, sandbox_merchant),
    )


async def found_shop(runtime: Runtime, unit: Unit, shop: NewShop) -> None:
    """Make a merchant in a transaction of its own id: it stands or falls with whatever else is written there."""
    await create_merchant(unit, shop.name)
    await add_staff(unit, shop.login, shop.name, shop.password, Role.OWNER)
    for connector in runtime.registry.all():
        if connector.name in shop.platforms:
            await connect_in(
                unit,
                runtime.vault,
                connector,
                mode=Mode.SANDBOX,
                base_url=str(shop.platforms[connector.name]["base_url"]),
                credentials=_texts(shop.platforms[connector.name]["credentials"]),
            )


async def connect_in(
    unit: Unit,
    vault: Vault,
    connector: Connector,
    *,
    mode: Mode,
    base_url: str,
    credentials: Mapping[str, str],
    title: str = "",
    told: Mapping[str, CredentialTold] | None = None,
) -> UUID:
    """Keep a platform account; a shop's orders are pulled from then on, and links promoted by an alliance's."""
    settings: dict[str, str | int] = {}
    if connector.payments is not None:
        settings["fee_bps"] = WALLET_FEE_BPS_DEFAULT
    if connector.identity_fields:
        settings[IDENTITY_SCOPE] = ":".join(credentials.get(name, "") for name in connector.identity_fields)
    if connector.mini_identity_fields:
        settings[MINI_SCOPE] = ":".join(credentials.get(name, "") for name in connector.mini_identity_fields)
    connection_id = await add_connection(
        unit,
        vault,
        connector,
        mode=mode,
        title=title or connector.title_zh,
        base_url=base_url,
        credentials=credentials,
        settings=settings,
        told=told,
    )
    if connector.bills is not None:
        first_bill(unit, connection_id, connector.bills)
    if connector.orders is not None:
        unit.schedule(PULL_ORDERS, ConnectionKey(connection_id), delay=PULL_GAP, dedupe_key=connection_id.hex)
    if connector.jump_links is not None:
        key = ConnectionKey(connection_id)
        unit.schedule(PROMOTE_LINKS, key, dedupe_key=connection_id.hex)
        unit.schedule(PULL_PROMOTED, key, delay=PULL_PROMOTED_GAP, dedupe_key=connection_id.hex)
    return connection_id


async def renew_sandbox_connections(runtime: Runtime) -> None:
    """A sandbox started again has other ports: every sandbox connection learns them.

    Keys come from its seed: the account that came with the shop, the oldest of its platform, learns its own anew. Which
    of the sandbox's merchants another one was connected for, only who connected it knows.
    """
    platforms = await sandbox_platforms(runtime, "default")
    async with runtime.database.plain("system") as connection:
        merchants = await all_merchants(connection)
    for merchant in merchants:
        async with runtime.unit(merchant.merchant_id, "sandbox.renew") as unit:
            first = dict(platforms)
            for view in await list_connections(unit):
                if view.mode is Mode.SANDBOX and view.platform in platforms:
                    told, own = platforms[view.platform], first.pop(view.platform, None)
                    await forget_listings(unit, view.connection_id)  # another sandbox has other items
                    await switch_off_places(unit, view.connection_id)
                    await renew_sandbox(
                        unit,
                        runtime.vault,
                        view.connection_id,
                        base_url=str(told["base_url"]),
                        credentials=None if own is None else _texts(own["credentials"]),
                    )


def _texts(credentials: Mapping[str, Any]) -> dict[str, str]:
    """Credentials as texts; structured ones (a set of certificates) as JSON."""
    return {
        name: value if isinstance(value, str) else msgspec.json.encode(value).decode()
        for name, value in credentials.items()
    }


async def sandbox_platforms(runtime: Runtime, merchant: str) -> dict[str, dict[str, Any]]:
    """What the sandbox offers: base URL and credentials by platform.

    Raises:
        PlatformUnknown: it does not answer as a sandbox does.
    """
    client = runtime.http.account("sandbox", "control", Pace(calls=SANDBOX_PACE.calls, seconds=SANDBOX_PACE.seconds))
    url = f"{runtime.sandbox_url}/platforms?merchant={merchant}"
    response = await _when_it_listens(client, Request(method="GET", url=url, repeatable=True))
    if response.status != HTTP_OK:
        raise PlatformUnknown(platform="sandbox")
    try:
        return msgspec.json.decode(response.body, type=dict[str, dict[str, Any]])
    except msgspec.DecodeError as error:
        raise PlatformUnknown(platform="sandbox") from error


async def _when_it_listens(client: HttpClient, request: Request) -> Response:
    """Hub and sandbox may start at the same moment; the hub waits for it, but not for ever."""
    for _ in range(SANDBOX_TRIES_MAX):
        try:
            return await client.send(request)
        except PlatformFailure:
            await asyncio.sleep(SANDBOX_PAUSE_S)
    return await client.send(request)
