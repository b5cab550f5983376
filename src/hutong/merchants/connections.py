"""Connections: a merchant's authorised accounts on platforms, sandbox or live for ever."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Case, Row, bindparam, case, select, update

from hutong.core.errors import Conflict, ErrorText, InvalidInput, NotFound
from hutong.db.fixed import Fixed, document, mine
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
#: Settings of a connection: whether it takes payments, and its place among those of its platform (smaller comes first).
IS_ACTIVE: Final = "is_active"
PRIORITY: Final = "priority"
PRIORITY_DEFAULT: Final = 100
#: What was signed or sealed for the credentials before is believed so long after a change: platforms repeat for a day.
EARLIER_LIFE: Final = timedelta(days=2)
_MINE: Final = select(connection).where(mine(connection.c.merchant_id)).order_by(connection.c.connection_id)
_CONNECTIONS: Final = Fixed(_MINE.limit(CONNECTIONS_MAX))
_CONNECTION: Final = Fixed(_MINE.where(connection.c.connection_id == bindparam("connection_id")))
_NO_OVERLAP: Final = {"earlier_credentials": None, "earlier_ends_at": None}


class CredentialsMoved(Conflict):
    """Somebody else changed the credentials between the reading and the writing."""

    code = "credentials_moved"
    zh = ErrorText("这个账号的资料刚刚被别人改过。", "你打开页面之后，另一个人保存了新的资料。", "请重新打开页面再改。")
    en = ErrorText(
        "Somebody else has just changed this account.",
        "Other credentials were kept after this page was opened.",
        "Open the page anew and change it again.",
    )


class Mode(StrEnum):
    """Play money or real money; never changes."""

    SANDBOX = "sandbox"
    LIVE = "live"


class CredentialTold(msgspec.Struct, frozen=True, kw_only=True):
    """What is told of a credential: first digits of a keyed digest, since when it is here, until when it is valid."""

    fingerprint: str
    since: datetime
    until: datetime | None = None


class ConnectionView(msgspec.Struct, frozen=True, kw_only=True):
    """A connection without its secrets."""

    connection_id: UUID
    platform: str
    mode: Mode
    title: str
    base_url: str
    settings: Mapping[str, Any]
    created_at: datetime
    told: Mapping[str, CredentialTold] = {}
    earlier_ends_at: datetime | None = None

    @property
    def is_active(self) -> bool:
        """Whether it takes payments."""
        return bool(int(self.settings.get(IS_ACTIVE, 1)))

    @property
    def priority(self) -> int:
        """Its place among the accounts of its platform."""
        return int(self.settings.get(PRIORITY, PRIORITY_DEFAULT))

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
    told: Mapping[str, CredentialTold] | None = None,
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
        told=msgspec.to_builtins(told or {}),
        created_at=unit.now(),
    )
    await register(unit, CALLBACK, connection_id.hex, connection_id)
    return connection_id


async def hold_connections(unit: Unit) -> None:
    """Nobody else changes the merchant's connections until the end of this transaction."""
    statement = select(connection.c.connection_id).where(connection.c.merchant_id == unit.merchant_id)
    await unit.all(statement.order_by(connection.c.connection_id).with_for_update().limit(CONNECTIONS_MAX))


async def hold_connection(unit: Unit, connection_id: UUID) -> None:
    """Nobody else changes this one until the end of this transaction; payments there may go on."""
    mine = (connection.c.merchant_id == unit.merchant_id, connection.c.connection_id == connection_id)
    await unit.one(select(connection.c.connection_id).where(*mine).with_for_update(key_share=True))


async def change_settings(unit: Unit, connection_id: UUID, **changes: str | int) -> None:
    """Change some settings of a connection; the others stay.

    Raises:
        NotFound: not this merchant's.
    """
    mine = (connection.c.merchant_id == unit.merchant_id, connection.c.connection_id == connection_id)
    await unit.one(select(connection.c.connection_id).where(*mine).with_for_update())
    view = await get_connection(unit, connection_id)
    await unit.run(
        update(connection)
        .where(connection.c.merchant_id == unit.merchant_id, connection.c.connection_id == connection_id)
        .values(settings={**view.settings, **changes})
    )


async def replace_credentials(
    unit: Unit,
    vault: Vault,
    connection_id: UUID,
    *,
    known: bytes,
    is_other: bool,
    forgets: bool,
    title: str,
    credentials: Mapping[str, str],
    told: Mapping[str, CredentialTold],
) -> None:
    """Other credentials for an account; what comes in for the ones before is believed for EARLIER_LIFE. While that
    lasts another change leaves the earlier ones as they are: what it corrects never worked.

    ``known``: the sealed ones from which the change was made (``sealed_credentials``). ``is_other``: false where the
    title alone is another. ``forgets``: believe nothing any more but the present ones.

    Raises:
        CredentialsMoved: somebody changed them meanwhile.
    """
    sealed = await vault.seal(unit.merchant_id, CREDENTIALS, msgspec.json.encode(dict(credentials)))
    changed = await unit.run(
        update(connection)
        .where(connection.c.merchant_id == unit.merchant_id, connection.c.connection_id == connection_id)
        .where(connection.c.credentials == known)
        .values(
            title=title,
            credentials=sealed,
            told=msgspec.to_builtins(told),
            **(_NO_OVERLAP if forgets else _overlap(unit.now()) if is_other else {}),
        )
    )
    if changed.rowcount != 1:
        raise CredentialsMoved


def _overlap(now: datetime) -> dict[str, Case[Any]]:
    """What was believed before a change, unless something still is."""
    runs = connection.c.earlier_ends_at > now
    return {
        "earlier_credentials": case((runs, connection.c.earlier_credentials), else_=connection.c.credentials),
        "earlier_ends_at": case((runs, connection.c.earlier_ends_at), else_=now + EARLIER_LIFE),
    }


async def sealed_credentials(unit: Unit, connection_id: UUID) -> bytes:
    """The credentials as they are kept.

    Raises:
        NotFound: not this merchant's.
    """
    sealed = await unit.scalar(
        select(connection.c.credentials).where(
            connection.c.merchant_id == unit.merchant_id, connection.c.connection_id == connection_id
        )
    )
    if sealed is None:
        raise NotFound(what="connection", key=str(connection_id))
    return bytes(sealed)


async def rename(unit: Unit, connection_id: UUID, title: str) -> None:
    """Another name of the merchant's own."""
    await unit.run(
        update(connection)
        .where(connection.c.merchant_id == unit.merchant_id, connection.c.connection_id == connection_id)
        .values(title=title)
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
        settings=document(row.settings),
        created_at=row.created_at,
        told=msgspec.convert(document(row.told), dict[str, CredentialTold]),
        earlier_ends_at=row.earlier_ends_at,
    )


async def list_connections(unit: Unit, platform: str | None = None) -> Sequence[ConnectionView]:
    """All connections of the merchant, oldest first."""
    rows = await unit.ask(_CONNECTIONS)
    return [_view(row) for row in rows if platform in (None, row.platform)]


async def get_connection(unit: Unit, connection_id: UUID) -> ConnectionView:
    """One connection without its secrets.

    Raises:
        NotFound: not this merchant's.
    """
    rows = await unit.ask(_CONNECTION, connection_id=connection_id)
    if not rows:
        raise NotFound(what="connection", key=str(connection_id))
    return _view(rows[0])


async def open_credentials(unit: Unit, vault: Vault, connection_id: UUID) -> dict[str, str]:
    """The credentials, opened for one call."""
    sealed = await sealed_credentials(unit, connection_id)
    return msgspec.json.decode(await vault.open(unit.merchant_id, CREDENTIALS, sealed), type=dict[str, str])


async def open_earlier(unit: Unit, vault: Vault, connection_id: UUID) -> dict[str, str] | None:
    """The credentials before the last change, while what comes in for them is still believed."""
    sealed = await unit.scalar(
        select(connection.c.earlier_credentials).where(
            connection.c.merchant_id == unit.merchant_id,
            connection.c.connection_id == connection_id,
            connection.c.earlier_ends_at > unit.now(),
        )
    )
    if sealed is None:
        return None
    return msgspec.json.decode(await vault.open(unit.merchant_id, CREDENTIALS, sealed), type=dict[str, str])
