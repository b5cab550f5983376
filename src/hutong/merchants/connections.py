"""Connections: a merchant's authorised accounts on platforms, sandbox or live for ever."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, select, update

from hutong.core.errors import InvalidInput, NotFound
from hutong.db.unit import Unit
from hutong.db.vault import Vault
from hutong.merchants.directory import CALLBACK, register
from hutong.merchants.models import connection
from hutong.platforms.contract import Connector

CREDENTIALS: Final = "connection.credentials"
CONNECTIONS_MAX: Final = 500
#: Setting of a connection: how many calls a second its platform has granted it.
CALLS_PER_S: Final = "calls_per_s"
#: WeChat Pay's usual rate for shops, 0.6 %; every connection can have its own.
WALLET_FEE_BPS_DEFAULT: Final = 60
#: Setting of a shop's connection: what the platform keeps of each sale, as staff entered it; empty: nobody knows.
PLATFORM_FEE_BPS: Final = "platform_fee_bps"
UNKNOWN: Final = ""


class Mode(StrEnum):
    """Play money or real money; never changes."""

    SANDBOX = "sandbox"
    LIVE = "live"


class ConnectionView(msgspec.Struct, frozen=True, kw_only=True):
    """A connection without its secrets."""

    connection_id: UUID
    platform: str
    mode: Mode
    title: str
    base_url: str
    settings: Mapping[str, Any]

    @property
    def platform_fee_bps(self) -> int | None:
        """What the platform keeps of each sale, in hundredths of a per cent; None where nobody has told."""
        told = self.settings.get(PLATFORM_FEE_BPS, UNKNOWN)
        return None if told == UNKNOWN else int(told)


async def add_connection(
    unit: Unit,
    vault: Vault,
    connector: Connector,
    *,
    mode: Mode,
    title: str,
    base_url: str,
    credentials: Mapping[str, str],
    settings: Mapping[str, str | int],
) -> UUID:
    """Keep a platform account; its credentials are sealed at once.

    Raises:
        InvalidInput: a field the connector needs is missing.
    """
    needed = [name for name in connector.credential_fields if name not in connector.optional_fields]
    missing = [name for name in needed if not credentials.get(name)]
    if missing:
        raise InvalidInput(field="credentials", problem=", ".join(missing))
    connection_id = unit.new_id()
    sealed = await vault.seal(unit.merchant_id, CREDENTIALS, msgspec.json.encode(dict(credentials)))
    await unit.insert(
        connection,
        connection_id=connection_id,
        platform=connector.name,
        mode=mode.value,
        title=title,
        base_url=base_url,
        credentials=sealed,
        settings=dict(settings),
        created_at=unit.now(),
    )
    await register(unit, CALLBACK, connection_id.hex, connection_id)
    return connection_id


async def change_settings(unit: Unit, connection_id: UUID, **changes: str | int) -> None:
    """Change some settings of a connection; the others stay.

    Raises:
        NotFound: not this merchant's.
    """
    view = await get_connection(unit, connection_id)
    await unit.run(
        update(connection)
        .where(connection.c.merchant_id == unit.merchant_id, connection.c.connection_id == connection_id)
        .values(settings={**view.settings, **changes})
    )


async def renew_sandbox(
    unit: Unit, vault: Vault, connection_id: UUID, *, base_url: str, credentials: Mapping[str, str] | None
) -> None:
    """Point a sandbox connection at a sandbox that was started again; a live one is never touched.

    ``credentials``: None where they stay as they are.
    """
    changed: dict[str, str | bytes] = {"base_url": base_url}
    if credentials is not None:
        changed["credentials"] = await vault.seal(unit.merchant_id, CREDENTIALS, msgspec.json.encode(dict(credentials)))
    await unit.run(
        update(connection)
        .where(
            connection.c.merchant_id == unit.merchant_id,
            connection.c.connection_id == connection_id,
            connection.c.mode == Mode.SANDBOX.value,
        )
        .values(**changed)
    )


def _view(row: Row[Any]) -> ConnectionView:
    return ConnectionView(
        connection_id=row.connection_id,
        platform=row.platform,
        mode=Mode(row.mode),
        title=row.title,
        base_url=row.base_url,
        settings=row.settings,
    )


async def list_connections(unit: Unit, platform: str | None = None) -> Sequence[ConnectionView]:
    """All connections of the merchant, oldest first."""
    statement = select(connection).where(connection.c.merchant_id == unit.merchant_id)
    if platform is not None:
        statement = statement.where(connection.c.platform == platform)
    return [_view(row) for row in await unit.all(statement.order_by(connection.c.connection_id).limit(CONNECTIONS_MAX))]


async def get_connection(unit: Unit, connection_id: UUID) -> ConnectionView:
    """One connection without its secrets.

    Raises:
        NotFound: not this merchant's.
    """
    row = await unit.one(
        select(connection).where(
            connection.c.merchant_id == unit.merchant_id, connection.c.connection_id == connection_id
        )
    )
    if row is None:
        raise NotFound(what="connection", key=str(connection_id))
    return _view(row)


async def open_credentials(unit: Unit, vault: Vault, connection_id: UUID) -> dict[str, str]:
    """The credentials, opened for one call."""
    sealed = await unit.scalar(
        select(connection.c.credentials).where(
            connection.c.merchant_id == unit.merchant_id, connection.c.connection_id == connection_id
        )
    )
    if sealed is None:
        raise NotFound(what="connection", key=str(connection_id))
    return msgspec.json.decode(await vault.open(unit.merchant_id, CREDENTIALS, sealed), type=dict[str, str])
